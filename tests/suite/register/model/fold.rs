//! All titles on a day, fact by fact.

use std::collections::BTreeMap;

use jiff::civil::Date;
use tidu::{protocol::pb, register::Status};

use super::{
    facts::{Cause, Gone, Model, Placed},
    title::{Coming, Title},
};
use crate::support::stories::{Fact, Of};

/// Whose title, and which.
pub(super) type Key = (&'static str, (&'static str, &'static str, &'static str));

/// Everything on a day.
#[derive(Debug, Default)]
pub(super) struct Day {
    pub(super) titles: BTreeMap<Key, (Of, Title)>,
    /// The ends of subjects.
    pub(super) gone: BTreeMap<&'static str, Gone>,
    pub(super) licence_revoked: Vec<&'static str>,
    /// The successors of restructurings.
    successors: BTreeMap<&'static str, Vec<&'static str>>,
    pub(super) moves: BTreeMap<&'static str, bool>,
    pub(super) late: Vec<&'static str>,
}

impl Model<'_> {
    pub(super) fn day(&self, as_of: Date) -> Day {
        let mut day = Day::default();
        for placed in self.facts() {
            let (said, root) = (placed.said, self.root(placed.said.who));
            let begun = said.day <= as_of;
            if let Some(of) = said.fact.titles().first() {
                self.title_fact(&mut day, placed, (root, *of), begun);
            } else if begun {
                self.subject_fact(&mut day, placed, root);
            }
        }
        day
    }

    fn subject_fact(&self, day: &mut Day, placed: Placed<'_>, root: &'static str) {
        match &placed.said.fact {
            Fact::Restructured { successors, ends: true, .. } => {
                let roots = successors.iter().map(|id| self.root(id));
                day.successors.entry(root).or_default().extend(roots);
            }
            Fact::Ended { cause: pb::SubjectEndCause::LicenceRevoked } => {
                day.licence_revoked.push(root);
            }
            Fact::Moved { confirmed } => {
                day.moves.insert(root, *confirmed);
            }
            Fact::Reported { occurred } if late(*occurred, placed.said.day) => day.late.push(root),
            _ => {}
        }
        let Some(gone) = Model::end_of(placed) else { return };
        if day.gone.contains_key(root) {
            return;
        }
        day.gone.insert(root, gone);
        for ((who, _), (_, title)) in &mut day.titles {
            if *who == root {
                title.end_with_subject(gone);
            }
        }
    }

    fn title_fact(
        &self,
        day: &mut Day,
        placed: Placed<'_>,
        (root, of): (&'static str, Of),
        begun: bool,
    ) {
        let Placed { place, said } = placed;
        let key = (root, of.key());
        let known = day
            .titles
            .get(&key)
            .is_some_and(|(_, title)| !title.stretches.is_empty() || title.ended.is_some());
        let first = matches!(said.fact, Fact::Designated { .. }) && !known;
        if !begun && !first {
            return;
        }
        let names = match &said.fact {
            Fact::Resolved { objection: Some(number), .. } => {
                self.recorded[*number].map(|at| at as usize)
            }
            _ => None,
        };
        let applies = match &said.fact {
            Fact::Transferred { to, until, .. } => {
                self.transfer(day, placed, key, (self.root(to), of.key()), *until)
            }
            Fact::Converted { into, until, .. } => {
                convert(day, placed, key, (root, into.key()), *into, *until)
            }
            fact => {
                let gone = day.gone.get(root).copied();
                let coming = Coming {
                    place,
                    issuer: said.issuer,
                    who: said.who,
                    on: said.day,
                    of,
                    fact,
                    gone,
                    names,
                };
                day.title(key, of).step(coming)
            }
        };
        let title = day.title(key, of);
        if applies {
            title.applied.push(place);
        } else {
            title.superseded.push(place);
        }
    }

    fn transfer(
        &self,
        day: &mut Day,
        placed: Placed<'_>,
        from: Key,
        to: Key,
        until: Option<Date>,
    ) -> bool {
        let Placed { place, said } = placed;
        let Some((of, giver)) = day.titles.get(&from).cloned() else { return false };
        let absorbed = giver.ended.filter(|end| {
            let by_subject = matches!(end.cause, Cause::Absorbed | Cause::Restructured);
            let named =
                day.successors.get(from.0).is_none_or(|all| all.is_empty() || all.contains(&to.0));
            let in_time = end.had.is_some_and(|had| had.is_none_or(|had| said.day <= had));
            by_subject && named && in_time && giver.successor.is_none()
        });
        if from.0 == to.0 || (giver.in_force(said.day).is_none() && absorbed.is_none()) {
            return false;
        }
        let had = absorbed.map_or(giver.last_day(), |end| end.had.flatten());
        let giver = day.title(from, of);
        if absorbed.is_none() {
            giver.end(Status::Ended, Cause::Transferred, said.day, place);
        }
        giver.successor = Some(to.0);
        let given = giver.clone();
        day.receive(to, of, placed, [until, had].into_iter().flatten().min(), &given);
        true
    }
}

/// A title becomes another one of the same subject.
fn convert(
    day: &mut Day,
    placed: Placed<'_>,
    from: Key,
    to: Key,
    into: Of,
    until: Option<Date>,
) -> bool {
    let Placed { place, said } = placed;
    let Some((of, giver)) = day.titles.get(&from).cloned() else { return false };
    if from == to || giver.in_force(said.day).is_none() {
        return false;
    }
    let had = giver.last_day();
    let giver = day.title(from, of);
    giver.end(Status::Converted, Cause::Converted, said.day, place);
    let given = giver.clone();
    day.receive(to, into, placed, until.or(had), &given);
    true
}

impl Day {
    fn title(&mut self, key: Key, of: Of) -> &mut Title {
        &mut self.titles.entry(key).or_insert((of, Title::default())).1
    }

    fn receive(&mut self, key: Key, of: Of, placed: Placed<'_>, to: Option<Date>, given: &Title) {
        let Placed { place, said } = placed;
        let gone = self.gone.get(key.0).copied();
        let receiver = self.title(key, of);
        if receiver.in_force(said.day).is_some() {
            receiver.superseded.push(place);
            return;
        }
        if gone.is_some_and(|gone| receiver.ended_with(gone)) {
            receiver.superseded.push(place);
            return;
        }
        receiver.begin(said.day, to, None);
        receiver.cohort = given.cohort;
        receiver.not_designated = given.not_designated;
        if let Some(gone) = gone {
            receiver.prevent(gone);
            receiver.superseded.push(place);
        } else {
            receiver.applied.push(place);
        }
    }
}

/// A major change is reported within three months.
fn late(occurred: Date, reported: Date) -> bool {
    use jiff::ToSpan as _;
    reported > occurred.checked_add(3.months()).unwrap()
}
