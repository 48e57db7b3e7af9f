//! The titles whose status differs between two moments, answered in slices.

use hashbrown::{HashMap, HashSet};

use super::{
    query::{Matcher, Wanted},
    reading::Reading,
    view::TitleView,
};
use crate::{
    domain::{DesigneeId, catalogue::Catalogues},
    limits::{QUESTION_SLICE_FACTS, QUESTION_SLICE_TITLES},
    register::{
        AsOf, DesigneeIndex, Flags, Register, Seen, Status,
        fold::Folded,
        rows::{FactKindRow, FactRow, TitleKey, position32},
    },
};

/// The reason for which a title's status differs between two moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeReason {
    /// An event was recorded or repaired, or took effect.
    Fact,
    /// Its last day passed.
    Expiry,
    /// Other rules were adopted.
    Rules,
}

/// A title whose status differs.
#[derive(Clone, Debug)]
pub struct StatusChange {
    /// The title at the beginning, if it was known.
    pub before: Option<TitleView>,
    /// The title at the end, if it is known.
    pub after: Option<TitleView>,
    /// The reason.
    pub reason: ChangeReason,
    /// For [`ChangeReason::Fact`]: the events behind it, ascending.
    pub positions: Vec<u64>,
}

/// A designee with titles whose status differs.
#[derive(Clone, Debug)]
pub struct Changed {
    /// The place after this one, from which the search can go on.
    pub next: usize,
    /// Identifier borne on the last day.
    pub id: DesigneeId,
    /// Name borne on the last day.
    pub name: String,
    /// The titles, by programme, authority and item.
    pub titles: Vec<StatusChange>,
}

/// A title at one of the two moments.
struct Side {
    status: Status,
    matches: bool,
    view: TitleView,
}

impl Register {
    /// Designees with a title that matches at one of two moments at least and whose status differs
    /// between them, from a place on, until `most` titles are found, `examined` designees are read,
    /// or [`QUESTION_SLICE_FACTS`] about them; and the place to go on from, if there are more.
    ///
    /// Neither the day nor the log size of the second moment is before that of the first.
    #[must_use]
    pub fn changes_between(
        &self,
        catalogues: &Catalogues,
        wanted: &Wanted,
        moments: (AsOf, AsOf),
        first: usize,
        bounds: (usize, usize),
    ) -> (Vec<Changed>, Option<usize>) {
        self.as_seen(None).changes_between(catalogues, wanted, moments, first, bounds)
    }
}

impl Seen<'_> {
    /// As [`Register::changes_between`], of the designees that the caller may know at the second
    /// moment. Each of their titles is compared as far as the caller may know it at a moment, so
    /// one that comes into its bounds, or leaves them, has changed.
    #[must_use]
    pub fn changes_between(
        &self,
        catalogues: &Catalogues,
        wanted: &Wanted,
        (from, to): (AsOf, AsOf),
        first: usize,
        (most, examined): (usize, usize),
    ) -> (Vec<Changed>, Option<usize>) {
        let register = self.register;
        let mut comparing = Comparing::new(self, catalogues, wanted, (from, to));
        let (mut found, mut kept) = (Vec::new(), 0);
        let end = register.designee_count().min(first.saturating_add(examined));
        for place in first..end {
            if comparing.facts_read() >= QUESTION_SLICE_FACTS {
                return (found, Some(place));
            }
            let Some(titles) = comparing.read(place) else { continue };
            if titles.is_empty() {
                continue;
            }
            kept += titles.len();
            found.push(Changed {
                next: place + 1,
                id: comparing.after.current_id(),
                name: register.text(comparing.after.folding.subject.name).to_owned(),
                titles,
            });
            if kept >= most.min(QUESTION_SLICE_TITLES) {
                return (found, Some(place + 1).filter(|next| *next < register.designee_count()));
            }
        }
        (found, (end < register.designee_count()).then_some(end))
    }
}

/// The readings of both moments.
struct Comparing<'a> {
    before: Reading<'a>,
    after: Reading<'a>,
    /// The end by the rules of the beginning, if others are in force at the end.
    old_rules: Option<Reading<'a>>,
    matcher: Matcher<'a>,
    needs_flags: bool,
}

impl<'a> Comparing<'a> {
    fn new(
        register: &'a Seen<'a>,
        catalogues: &'a Catalogues,
        wanted: &'a Wanted,
        (from, to): (AsOf, AsOf),
    ) -> Self {
        let before = Reading::new(register, catalogues, from);
        let after = Reading::new(register, catalogues, to);
        let differ = before.rules != after.rules;
        let old_rules = differ.then(|| Reading::under(register, catalogues, to, before.rules));
        let matcher = Matcher::new(&register.register.rows, wanted);
        Self { before, after, old_rules, matcher, needs_flags: !wanted.flags.is_empty() }
    }

    fn facts_read(&self) -> usize {
        let old_rules = self.old_rules.as_ref().map_or(0, Reading::facts_read);
        self.before.facts_read() + self.after.facts_read() + old_rules
    }

    /// The changes of the subject at a place; none if nothing is known of it, or if an earlier
    /// identifier represents it.
    fn read(&mut self, place: usize) -> Option<Vec<StatusChange>> {
        let index = self.after.read(place)?;
        let statuses: Vec<(TitleKey, Status)> =
            self.after.own_titles().map(|title| (title.key, self.after.status(title))).collect();
        let status_of = |key: TitleKey| {
            statuses.iter().find(|(known, _)| *known == key).map(|(_, status)| *status)
        };
        let (mut unchanged, mut old) = (Vec::new(), HashMap::new());
        for member in self.representatives() {
            self.before.read_one(member);
            self.before.count(self.before.cluster.facts_read());
            let named = self.matcher.name_matches(&self.before, member);
            for title in self.before.own_titles() {
                let status = self.before.status(title);
                if status_of(title.key) == Some(status) {
                    unchanged.push(title.key);
                } else if !old.get(&title.key).is_some_and(|side: &Side| side.matches) {
                    let side =
                        side(&self.before, &self.matcher, (title, status), named, self.needs_flags);
                    old.insert(title.key, side);
                }
            }
        }
        let named = self.matcher.name_matches(&self.after, index);
        let mut new = HashMap::new();
        for title in self.after.own_titles().filter(|title| !unchanged.contains(&title.key)) {
            let status = self.after.status(title);
            let side = side(&self.after, &self.matcher, (title, status), named, self.needs_flags);
            new.insert(title.key, side);
        }
        let mut keys: Vec<TitleKey> = old.keys().chain(new.keys()).copied().collect();
        keys.sort_unstable();
        keys.dedup();
        keys.retain(|key| !unchanged.contains(key));
        let mut changes = Vec::new();
        for key in keys {
            let (before, after) = (old.remove(&key), new.remove(&key));
            if [&before, &after].into_iter().flatten().any(|side| side.matches) {
                changes.push(self.change(index, key, before, after));
            }
        }
        Some(changes)
    }

    /// One identifier of each subject that the subject at the end was at the beginning.
    fn representatives(&mut self) -> Vec<DesigneeIndex> {
        let members: Vec<DesigneeIndex> = self.after.cluster.same_subject().collect();
        let known =
            |member: &DesigneeIndex| self.before.subjects().events_of(*member).next().is_some();
        let known: Vec<DesigneeIndex> = members.into_iter().filter(known).collect();
        if known.len() < 2 {
            return known;
        }
        let (mut first_of_each, mut seen) = (Vec::new(), HashSet::new());
        for member in known {
            if !seen.contains(&member) {
                self.before.read_one(member);
                self.before.count(self.before.cluster.facts_read());
                seen.extend(self.before.cluster.same_subject());
                first_of_each.push(member);
            }
        }
        first_of_each
    }

    fn change(
        &mut self,
        index: DesigneeIndex,
        key: TitleKey,
        before: Option<Side>,
        after: Option<Side>,
    ) -> StatusChange {
        let status = |side: &Option<Side>| side.as_ref().map(|side| side.status);
        let by_rules = self.old_rules.as_mut().is_some_and(|reading| {
            reading.read_one(index);
            reading.count(reading.cluster.facts_read());
            let title = reading.own_titles().find(|title| title.key == key);
            title.map(|title| reading.status(title)) == status(&before)
        });
        let (before, after) = (before.map(|side| side.view), after.map(|side| side.view));
        let has_expired = before.as_ref().zip(after.as_ref()).is_some_and(|(before, after)| {
            let lived = matches!(before.status, Status::Active | Status::Pending);
            let same = (before.valid_from, before.valid_to) == (after.valid_from, after.valid_to);
            lived && same && after.status == Status::Expired
        });
        let reason = match (by_rules, has_expired) {
            (true, _) => ChangeReason::Rules,
            (_, true) => ChangeReason::Expiry,
            _ => ChangeReason::Fact,
        };
        let positions = match reason {
            ChangeReason::Fact => self.events_behind(before.as_ref(), after.as_ref()),
            ChangeReason::Expiry | ChangeReason::Rules => Vec::new(),
        };
        let mut change = StatusChange { before, after, reason, positions };
        self.leave_out_unread(&mut change);
        change
    }

    /// Leaves out the events that the caller may not read.
    fn leave_out_unread(&self, change: &mut StatusChange) {
        change.positions.retain(|position| self.after.may_read(*position));
        for view in [&mut change.before, &mut change.after].into_iter().flatten() {
            self.after.leave_out_unread(view);
        }
    }

    /// The events that make the difference: those that count for the title at the end and did not
    /// at the beginning, or took effect in between, and the repairs of those that counted at the
    /// beginning only. If there are none, the difference lies in other events about the subject,
    /// such as a link to another identifier.
    fn events_behind(&self, before: Option<&TitleView>, after: Option<&TitleView>) -> Vec<u64> {
        let counting = |side: Option<&TitleView>| -> HashSet<u64> {
            let positions = side.into_iter().flat_map(|view| view.positions.iter().copied());
            positions.chain(side.and_then(|view| view.ended_at)).collect()
        };
        let (old, new) = (counting(before), counting(after));
        let overlays: HashSet<u64> = self.overlays().collect();
        let fresh = new.difference(&old).copied().chain(self.took_effect());
        let counts = |position: &u64| new.contains(position) && !overlays.contains(position);
        let mut behind: Vec<u64> = fresh.filter(counts).collect();
        let superseded = after.map_or(&[][..], |view| view.superseded.as_slice());
        let gone = old.difference(&new).filter(|position| !superseded.contains(position));
        let facts = self.after.subjects().facts();
        behind.extend(gone.filter_map(|position| {
            let root = facts.root_of(position32(*position));
            let repair = facts.annulled_at(root).unwrap_or_else(|| facts.source_of(root, &mut 0));
            Some(u64::from(repair)).filter(|repair| repair != position)
        }));
        if behind.is_empty() {
            behind = self.events_between();
        }
        behind.sort_unstable();
        behind.dedup();
        behind
    }

    /// The subject's events that took effect between the two days.
    fn took_effect(&self) -> impl Iterator<Item = u64> {
        let (from, to) = (self.before.as_of.valid_on, self.after.as_of.valid_on);
        self.events_of_facts(move |fact| from < fact.effective && fact.effective <= to)
    }

    /// The subject's events that never change the status of a title.
    fn overlays(&self) -> impl Iterator<Item = u64> {
        self.events_of_facts(|fact| {
            matches!(
                fact.kind,
                FactKindRow::SupportGranted { .. }
                    | FactKindRow::ReviewOpened { .. }
                    | FactKindRow::RectificationOrdered { .. }
                    | FactKindRow::RevocationProposed
                    | FactKindRow::Noticed { review: true, .. }
            )
        })
    }

    fn events_of_facts(&self, is_such: impl Fn(&FactRow) -> bool) -> impl Iterator<Item = u64> {
        let facts = self.after.subjects().facts();
        let such = self.after.cluster.own_facts().filter(move |placed| is_such(&placed.fact));
        such.map(move |placed| u64::from(facts.source_of(placed.position, &mut 0)))
    }

    /// The events about the subject that were recorded, or took effect, between the two moments.
    fn events_between(&self) -> Vec<u64> {
        let subjects = self.after.subjects();
        let members = self.after.cluster.same_subject();
        let recorded = members.flat_map(|member| subjects.events_of(member).map(u64::from));
        let recorded = recorded.filter(|position| *position >= self.before.as_of.known_at);
        recorded.chain(self.took_effect()).collect()
    }
}

fn side(
    reading: &Reading<'_>,
    matcher: &Matcher<'_>,
    (title, status): (&Folded, Status),
    named: bool,
    needs_flags: bool,
) -> Side {
    let flags = if needs_flags { reading.flags(title, status) } else { Flags::default() };
    let matches = named && matcher.matches(reading, title, status, flags);
    Side { status, matches, view: reading.whole_view(title, status, flags) }
}
