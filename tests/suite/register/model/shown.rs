//! The status, flags and dates of a title on a day.

use jiff::civil::Date;
use tidu::register::{Flag, Status};

use super::{
    facts::{Cause, Model},
    fold::{Day, Key},
    title::{Entry, Title},
};
use crate::support::stories::Of;

/// Everything that can be compared of a title.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) status: Status,
    pub(super) valid_from: Option<String>,
    pub(super) valid_to: Option<String>,
    pub(super) cohort: String,
    pub(super) round: String,
    pub(super) ended_on: Option<String>,
    pub(super) cause: Option<u8>,
    pub(super) ban_until: Option<String>,
    pub(super) flags: Vec<u8>,
    pub(super) positions: Vec<u64>,
    pub(super) superseded: Vec<u64>,
}

/// Whether an entry is open on the day, or how and when it closed.
enum State {
    Open,
    Closed(Date, Cause),
}

struct Question<'a> {
    model: &'a Model<'a>,
    day: &'a Day,
    as_of: Date,
    root: &'static str,
    of: Of,
    title: &'a Title,
}

impl Model<'_> {
    pub(super) fn show(&self, day: &Day, key: &Key, as_of: Date) -> Shown {
        let (of, title) = &day.titles[key];
        Question { model: self, day, as_of, root: key.0, of: *of, title }.shown()
    }
}

impl Question<'_> {
    fn shown(&self) -> Shown {
        let title = self.title;
        let (status, cause) = self.status();
        let iso = |day: Option<Date>| day.map(|day| day.to_string());
        let stretch = title.stretches.last();
        // A title that begins takes its cohort with it, also none.
        let listed = title.first_listed.filter(|_| stretch.is_none());
        let places = |places: &[usize]| places.iter().map(|p| self.model.source(*p)).collect();
        let mut flags: Vec<u8> =
            self.flags(status).into_iter().filter(|(_, on)| *on).map(|(f, _)| f as u8).collect();
        flags.sort_unstable();
        Shown {
            status,
            valid_from: iso(stretch.map(|stretch| stretch.from)),
            valid_to: iso(title.last_day()),
            cohort: title.cohort.or(listed).unwrap_or_default().0.to_owned(),
            round: title.round.to_owned(),
            ended_on: iso(title.ended.map(|end| end.on)),
            cause: cause.map(|cause| cause as u8),
            ban_until: iso(title.ban_until()),
            flags,
            positions: places(&title.applied),
            superseded: places(&title.superseded),
        }
    }

    /// The last day of validity, if it is past.
    fn lapsed(&self) -> Option<Date> {
        match self.title.ended {
            Some(end) => end.on.yesterday().ok(),
            None => self.title.last_day(),
        }
    }

    /// The status, and the cause; none if two closes of one day contend for it.
    fn status(&self) -> (Status, Option<Cause>) {
        let title = self.title;
        match (title.ended, title.stretches.last()) {
            (Some(end), _) if end.status != Status::Expired => {
                return (end.status, Some(end.cause));
            }
            (None, Some(stretch)) if stretch.from > self.as_of => {
                return (Status::Pending, Some(title.failed.unwrap_or(Cause::None)));
            }
            (None, Some(stretch)) if stretch.to.is_none_or(|to| self.as_of <= to) => {
                return (Status::Active, Some(title.failed.unwrap_or(Cause::None)));
            }
            _ => {}
        }
        let lapsed = self.lapsed();
        let after_lapse = |on: Date| lapsed.is_none_or(|last| on > last);
        let open =
            |entry: &&Entry| after_lapse(entry.from) && matches!(self.state(entry), State::Open);
        let tasked = title.task.is_some_and(|task| {
            after_lapse(task.listed)
                && task.closed.is_none()
                && task.assessed.is_none_or(|(_, passed)| passed)
        });
        if self.deciding().iter().any(open) || tasked {
            return (Status::Noticed, Some(Cause::None));
        }
        if !title.stretches.is_empty() || title.ended.is_some() {
            return (Status::Expired, Some(title.failed.unwrap_or(Cause::Lapsed)));
        }
        let mut closes: Vec<(Date, Cause)> = Vec::new();
        if let Some(task) = title.task {
            let failed = task.assessed.filter(|(_, passed)| !passed);
            closes.extend(task.closed.or(failed.map(|(on, _)| (on, Cause::CreationFailed))));
        }
        for entry in self.deciding() {
            if let State::Closed(on, cause) = self.state(entry) {
                closes.push((on, cause));
            }
        }
        let Some(last) = closes.iter().map(|(on, _)| *on).max() else {
            return (Status::NotOnRecord, Some(Cause::None));
        };
        closes.retain(|(on, _)| *on == last);
        closes.dedup();
        let cause = if closes.len() == 1 { Some(closes[0].1) } else { None };
        (Status::NotDesignated, cause)
    }

    /// For each batch the entry that decides whether its notice is open.
    fn deciding(&self) -> Vec<&Entry> {
        let entries = &self.title.entries;
        let decides = |entry: &&Entry| {
            let decision = |other: &Entry| other.batch == entry.batch && !other.recommendation;
            !entry.recommendation || !entries.iter().any(decision)
        };
        entries.iter().filter(decides).collect()
    }

    fn state(&self, entry: &Entry) -> State {
        let seals = self.model.seals(self.of, entry.batch, entry.sublist, self.as_of);
        let seal = seals.into_iter().filter(|seal| !entry.supplement || entry.from < *seal).min();
        let held_back = |seal: &Date| {
            self.of_batch(entry)
                .flat_map(|e| &e.objections)
                .any(|o| o.raised <= *seal && o.resolved.is_none_or(|resolved| resolved > *seal))
        };
        let seal = seal.filter(|seal| !held_back(seal));
        match (entry.closed, seal) {
            (None, None) => State::Open,
            (Some((on, cause)), None) => State::Closed(on, cause),
            (None, Some(seal)) => State::Closed(seal, Cause::NotOnFinalList),
            (Some((on, cause)), Some(seal)) if on <= seal => State::Closed(on, cause),
            (Some(_), Some(seal)) => State::Closed(seal, Cause::NotOnFinalList),
        }
    }

    fn of_batch(&self, entry: &Entry) -> impl Iterator<Item = &Entry> {
        let batch = entry.batch;
        self.title.entries.iter().filter(move |other| other.batch == batch)
    }

    fn contested(&self) -> bool {
        self.deciding().into_iter().filter(|e| matches!(self.state(e), State::Open)).any(|entry| {
            self.of_batch(entry).flat_map(|e| &e.objections).any(|o| o.resolved.is_none())
        })
    }

    fn flags(&self, status: Status) -> Vec<(Flag, bool)> {
        let (title, day) = (self.title, self.day);
        let active = status == Status::Active;
        let lives = active || status == Status::Pending;
        let has = |all: &[&'static str]| all.contains(&self.root);
        let past = status == Status::Expired && title.ended.is_none();
        let unsealed = |round: &&str| {
            let (_, sublist) = title.cohort.unwrap_or_default();
            self.model.seals(self.of, round, sublist, self.as_of).is_empty()
        };
        let nameless = self.model.subject(self.root).iter().all(|id| id.contains(':'));
        vec![
            (Flag::NoticeContested, status == Status::Noticed && self.contested()),
            (Flag::ReviewDue, lives && title.review.is_some()),
            (Flag::ReviewPending, past && title.review.as_ref().is_some_and(unsealed)),
            (Flag::ReportOverdue, lives && has(&day.late)),
            (Flag::Rectification, lives && title.rectify),
            (Flag::PrerequisiteLost, active && self.prerequisite_lost()),
            (Flag::IdentityUnverified, nameless),
            (Flag::IdentityCollision, title.collision),
            (Flag::RevocationProposed, lives && title.proposed),
            (Flag::RelocationProposed, active && day.moves.get(self.root) == Some(&false)),
            (
                Flag::CreationOpen,
                title.task.is_some_and(|t| t.assessed.is_none() && t.closed.is_none()),
            ),
            (Flag::DesignationNotOnRecord, title.not_designated),
            (Flag::BanMissing, title.ban_missing()),
            (Flag::LicenceRevoked, lives && has(&day.licence_revoked)),
        ]
    }

    /// A title that this one needs was in force once, and none is.
    fn prerequisite_lost(&self) -> bool {
        let needs = self.of.programme.needs;
        let of_subject = self.day.titles.iter().filter(|(key, _)| key.0 == self.root);
        let (mut once, mut now) = (false, false);
        for ((_, (programme, ..)), (_, title)) in of_subject {
            if needs.contains(programme) {
                // A stretch that ended on its first day never was in force.
                once |= title.stretches.iter().any(|s| {
                    !s.prevented && s.from <= self.as_of && s.to.is_none_or(|to| s.from <= to)
                });
                now |= title.in_force(self.as_of).is_some();
            }
        }
        once && !now
    }
}
