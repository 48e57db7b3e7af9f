//! One title, and what a fact about it alone makes of it.

use jiff::civil::Date;
use tidu::{protocol::pb, register::Status};

use super::facts::{Cause, Gone};
use crate::support::stories::{Fact, Of};

/// Days in force.
#[derive(Clone, Debug)]
pub(super) struct Stretch {
    pub(super) from: Date,
    pub(super) to: Option<Date>,
    /// The identifier of the fact that began it.
    under: Option<&'static str>,
    /// True if the subject had ended before.
    pub(super) prevented: bool,
}

/// How a title ended before its last day.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) status: Status,
    pub(super) cause: Cause,
    pub(super) on: Date,
    /// The last day that it had, where it was in force.
    pub(super) had: Option<Option<Date>>,
    pub(super) place: usize,
    /// A serious ground, and no ban is stated although the catalogue has one.
    ban_missing: bool,
}

/// An entry of a public notice, by batch and step.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) batch: &'static str,
    pub(super) recommendation: bool,
    pub(super) sublist: &'static str,
    pub(super) from: Date,
    pub(super) supplement: bool,
    pub(super) closed: Option<(Date, Cause)>,
    pub(super) objections: Vec<Objection>,
}

#[derive(Clone, Debug)]
pub(super) struct Objection {
    place: usize,
    pub(super) raised: Date,
    pub(super) resolved: Option<Date>,
}

/// A creation task.
#[derive(Clone, Copy, Debug)]
pub(super) struct Task {
    pub(super) listed: Date,
    /// Assessed: when, and whether it was passed.
    pub(super) assessed: Option<(Date, bool)>,
    /// Closed with the subject.
    pub(super) closed: Option<(Date, Cause)>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Title {
    pub(super) stretches: Vec<Stretch>,
    pub(super) ended: Option<End>,
    /// The cause of a failed review of the stretch that runs.
    pub(super) failed: Option<Cause>,
    /// The batch of the run, and its sub-list.
    pub(super) cohort: Option<(&'static str, &'static str)>,
    /// The same of the first notice or creation list.
    pub(super) first_listed: Option<(&'static str, &'static str)>,
    pub(super) round: &'static str,
    pub(super) entries: Vec<Entry>,
    pub(super) task: Option<Task>,
    pub(super) review: Option<&'static str>,
    pub(super) not_designated: bool,
    pub(super) collision: bool,
    pub(super) rectify: bool,
    pub(super) proposed: bool,
    pub(super) successor: Option<&'static str>,
    pub(super) bans: Vec<(Date, Date)>,
    pub(super) applied: Vec<usize>,
    pub(super) superseded: Vec<usize>,
}

/// A fact on its way into one title.
#[derive(Clone, Copy)]
pub(super) struct Coming<'a> {
    pub(super) place: usize,
    pub(super) issuer: &'static str,
    pub(super) who: &'static str,
    pub(super) on: Date,
    pub(super) of: Of,
    pub(super) fact: &'a Fact,
    /// The end of the subject, if it is past.
    pub(super) gone: Option<Gone>,
    /// The position that a resolution names.
    pub(super) names: Option<usize>,
}

impl Title {
    pub(super) fn in_force(&self, on: Date) -> Option<usize> {
        let holds = |s: &Stretch| s.from <= on && s.to.is_none_or(|to| on <= to);
        self.stretches.iter().position(holds).filter(|_| self.ended.is_none())
    }

    pub(super) fn last_day(&self) -> Option<Date> {
        self.stretches.last().and_then(|stretch| stretch.to)
    }

    pub(super) fn finally_ended(&self) -> bool {
        self.ended.is_some_and(|end| end.status != Status::Expired)
    }

    /// The stretch in force ends the day before.
    fn cut(&mut self, on: Date) {
        if let Some(stretch) = self.stretches.last_mut()
            && stretch.to.is_none_or(|to| on <= to)
        {
            stretch.to = on.yesterday().ok();
        }
    }

    pub(super) fn begin(&mut self, on: Date, to: Option<Date>, under: Option<&'static str>) {
        self.stretches.push(Stretch { from: on, to, under, prevented: false });
        (self.ended, self.failed, self.review) = (None, None, None);
        (self.rectify, self.proposed, self.successor) = (false, false, None);
        self.entries.clear();
    }

    /// A stretch that would have begun after the subject's end: the title ends with it.
    pub(super) fn prevent(&mut self, gone: Gone) {
        let Gone { on, cause, place } = gone;
        let Some(stretch) = self.stretches.last_mut() else { return };
        let had = Some(stretch.to);
        (stretch.to, stretch.prevented) = (on.yesterday().ok(), true);
        let status = Status::Ended;
        self.ended = Some(End { status, cause, on, had, place, ban_missing: false });
    }

    /// True if the title ended with its subject before.
    pub(super) fn ended_with(&self, gone: Gone) -> bool {
        self.ended.is_some_and(|end| end.status == Status::Ended && end.place == gone.place)
    }

    pub(super) fn end(&mut self, status: Status, cause: Cause, on: Date, place: usize) {
        let had = match self.ended {
            Some(end) => end.had,
            None => self.stretches.last().map(|stretch| stretch.to),
        };
        self.cut(on);
        self.ended = Some(End { status, cause, on, had, place, ban_missing: false });
        self.review = None;
    }

    /// The subject ends: what is in force, and every open notice.
    pub(super) fn end_with_subject(&mut self, gone: Gone) {
        let mut touched = false;
        for entry in self.entries.iter_mut().filter(|entry| entry.closed.is_none()) {
            entry.closed = Some((gone.on, gone.cause));
            touched = true;
        }
        if let Some(task) = &mut self.task
            && task.closed.is_none()
            && task.assessed.is_none_or(|(_, passed)| passed)
        {
            task.closed = Some((gone.on, gone.cause));
            touched = true;
        }
        let lives = self.stretches.last().is_some_and(|s| s.to.is_none_or(|to| gone.on <= to));
        if lives && self.ended.is_none() {
            self.end(Status::Ended, gone.cause, gone.on, gone.place);
            touched = true;
        }
        if touched {
            self.applied.push(gone.place);
        }
    }

    /// True: it applies. False: it is superseded.
    pub(super) fn step(&mut self, coming: Coming<'_>) -> bool {
        let Coming { on, gone, .. } = coming;
        let held = !self.stretches.is_empty() && self.ended.is_none();
        match coming.fact {
            Fact::Noticed { review: true, batch, .. } => {
                self.review = Some(batch);
                true
            }
            Fact::Noticed { .. }
            | Fact::Objected { .. }
            | Fact::Resolved { .. }
            | Fact::Withdrawn { .. } => self.notice(coming),
            Fact::Listed { batch, .. } => {
                if gone.is_some() {
                    return false;
                }
                self.task = Some(Task { listed: on, assessed: None, closed: None });
                self.listed_in(batch, "");
                true
            }
            Fact::Assessed { passed, .. } => match &mut self.task {
                Some(task) if gone.is_none() => {
                    task.assessed = Some((on, *passed));
                    true
                }
                _ => false,
            },
            Fact::Designated { .. } => self.designate(coming),
            Fact::ReviewOpened { round, .. } => {
                if held {
                    self.review = Some(round);
                }
                held
            }
            Fact::Passed { .. } => self.pass(coming),
            Fact::Failed { .. } => self.fail(coming),
            Fact::Revoked { .. } | Fact::Surrendered { .. } => self.lose(coming),
            Fact::Reinstated { .. } => self.reinstate(coming),
            Fact::Proposed { .. } => {
                self.proposed |= held;
                held
            }
            Fact::Rectify { .. } => {
                self.rectify |= held;
                held
            }
            Fact::Supported { .. } => true,
            _ => unreachable!("not about one title alone"),
        }
    }

    /// The first list names the batch of a title without any stretch.
    fn listed_in(&mut self, batch: &'static str, sublist: &'static str) {
        if self.stretches.is_empty() {
            self.first_listed.get_or_insert((batch, sublist));
        }
    }

    /// An entry opens, or something acts on the entry of its own batch and step.
    fn notice(&mut self, coming: Coming<'_>) -> bool {
        let Coming { place, on, of, .. } = coming;
        let scope = |scope: &Option<bool>| scope.unwrap_or(coming.issuer != of.authority);
        let (batch, step) = match coming.fact {
            Fact::Noticed { batch, sublist, recommendation, supplement, .. } => {
                let (batch, recommendation, sublist) = (*batch, *recommendation, *sublist);
                let same = |e: &Entry| (e.batch, e.recommendation) == (batch, recommendation);
                let open = |e: &Entry| same(e) && e.closed.is_none();
                if coming.gone.is_some() || self.entries.iter().any(open) {
                    return false;
                }
                self.entries.retain(|entry| !same(entry));
                self.entries.push(Entry {
                    batch,
                    recommendation,
                    sublist,
                    from: on,
                    supplement: *supplement,
                    closed: None,
                    objections: Vec::new(),
                });
                self.listed_in(batch, sublist);
                return true;
            }
            Fact::Objected { batch, scope: s, .. }
            | Fact::Resolved { batch, scope: s, .. }
            | Fact::Withdrawn { batch, scope: s, .. } => (*batch, scope(s)),
            _ => unreachable!("not about a notice"),
        };
        let own = |e: &&mut Entry| (e.batch, e.recommendation) == (batch, step);
        let Some(entry) = self.entries.iter_mut().find(own).filter(|e| e.closed.is_none()) else {
            return false;
        };
        match coming.fact {
            Fact::Objected { .. } => {
                entry.objections.push(Objection { place, raised: on, resolved: None });
                true
            }
            Fact::Resolved { upheld, objection, .. } => {
                let meant = |o: &&mut Objection| {
                    o.resolved.is_none() && (objection.is_none() || Some(o.place) == coming.names)
                };
                let Some(decided) = entry.objections.iter_mut().find(meant) else { return false };
                decided.resolved = Some(on);
                if *upheld {
                    entry.closed = Some((on, Cause::Upheld));
                }
                true
            }
            _ => {
                entry.closed = Some((on, Cause::Withdrawn));
                true
            }
        }
    }

    fn designate(&mut self, coming: Coming<'_>) -> bool {
        let Coming { on, who, of, gone, .. } = coming;
        let Fact::Designated { batch, to, sublist, .. } = coming.fact else { return false };
        let running = self.in_force(on);
        if let Some(place) = running {
            if !(of.programme.renews && self.stretches[place].from < on) {
                self.collision |= self.stretches[place].under != Some(who);
                return false;
            }
            self.cut(on);
        } else if gone.is_some_and(|gone| self.ended_with(gone)) {
            return false;
        } else {
            self.cohort = None;
        }
        self.cohort.get_or_insert((batch, sublist));
        self.begin(on, to.or_else(|| inferred(of, on)), Some(who));
        (self.task, self.round) = (None, "");
        self.not_designated = false;
        self.unless_gone(gone)
    }

    /// False if the stretch that begins is prevented.
    fn unless_gone(&mut self, gone: Option<Gone>) -> bool {
        gone.map(|gone| self.prevent(gone)).is_none()
    }

    fn pass(&mut self, coming: Coming<'_>) -> bool {
        let Fact::Passed { batch, round, to, supplement, .. } = coming.fact else { return false };
        let failed = self.failed.is_some() || self.ended.is_some();
        if self.finally_ended() || (failed && !supplement) {
            return false;
        }
        if self.stretches.is_empty() {
            self.not_designated = true;
            self.cohort = Some((batch, ""));
        }
        self.cut(coming.on);
        self.begin(coming.on, to.or_else(|| inferred(coming.of, coming.on)), Some(coming.who));
        self.round = round;
        self.unless_gone(coming.gone)
    }

    fn fail(&mut self, coming: Coming<'_>) -> bool {
        let Fact::Failed { cause, .. } = coming.fact else { return false };
        let cause = match cause {
            pb::ReviewFailureCause::NotSubmitted => Cause::NotSubmitted,
            _ => Cause::NotUpToStandard,
        };
        if self.stretches.is_empty() || self.ended.is_some() || self.failed.is_some() {
            return false;
        }
        if coming.of.programme.revokes {
            self.end(Status::Revoked, cause, coming.on, coming.place);
        } else if self.last_day().is_none() {
            self.end(Status::Expired, cause, coming.on, coming.place);
            self.failed = Some(cause);
        } else {
            self.failed = Some(cause);
            self.review = None;
        }
        true
    }

    fn lose(&mut self, coming: Coming<'_>) -> bool {
        let Coming { on, place, of, .. } = coming;
        let (status, cause, ban, serious) = match coming.fact {
            Fact::Revoked { ground, ban, bare, .. } => {
                let serious = *ground == pb::RevocationGround::Falsification;
                let least = serious && of.programme.ban_years > 0 && !bare;
                let filled = least.then(|| years_on(on, of.programme.ban_years));
                (Status::Revoked, Cause::Revoked, ban.or(filled), serious)
            }
            _ => (Status::Surrendered, Cause::Surrendered, None, false),
        };
        self.bans.extend(ban.map(|until| (on, until)));
        if self.finally_ended() {
            return false;
        }
        self.not_designated |= self.stretches.is_empty();
        self.end(status, cause, on, place);
        if let Some(end) = &mut self.ended {
            end.ban_missing = serious && of.programme.ban_years > 0 && ban.is_none();
        }
        true
    }

    fn reinstate(&mut self, coming: Coming<'_>) -> bool {
        let Coming { on, who, gone, .. } = coming;
        for (_, until) in &mut self.bans {
            *until = (*until).min(on.yesterday().unwrap());
        }
        let Some(end) = self.ended.filter(|end| end.status == Status::Revoked) else {
            return false;
        };
        let failed = self.failed;
        if self.stretches.is_empty() {
            self.cohort = self.first_listed;
        }
        self.begin(on, end.had.flatten(), Some(who));
        self.failed = failed;
        self.unless_gone(gone)
    }

    pub(super) fn ban_until(&self) -> Option<Date> {
        self.bans.iter().filter(|(from, until)| from <= until).map(|(_, until)| *until).max()
    }

    pub(super) fn ban_missing(&self) -> bool {
        self.ended.is_some_and(|end| end.status == Status::Revoked && end.ban_missing)
    }
}

/// The last day of a validity or ban of some years.
fn years_on(on: Date, years: i16) -> Date {
    use jiff::ToSpan as _;
    on.checked_add(i64::from(years).years()).unwrap().yesterday().unwrap()
}

/// The end that the catalogue gives.
fn inferred(of: Of, on: Date) -> Option<Date> {
    (of.programme.years > 0).then(|| years_on(on, of.programme.years))
}
