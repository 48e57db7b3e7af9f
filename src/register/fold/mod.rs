//! The fold: from the facts that stand about a designee to its titles on a day. Total and pure.
//!
//! Facts come in the order in which they count: effective date, precedence, position. A fact that cannot apply changes
//! nothing and is listed as superseded. Expiry follows from dates and is not an event; the last day counts in full.
//! `docs/register.md` states every rule.

mod standing;
mod title;

pub(super) use self::title::{Creation, Folded, Notice};
use super::{
    DesigneeIndex,
    identity::{Circle, Placed},
    row::{Stated, TitleKey, What},
    texts::Sym,
};
use crate::domain::{AuthorityCode, CivilDate, IndustryCode, RegionCode};

/// Where a title stands on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)] // as documented in tidu.v1.TitleStatus
pub enum Status {
    Pending,
    Noticed,
    NotDesignated,
    Active,
    Expired,
    Revoked,
    Surrendered,
    Ended,
    Converted,
}

/// What deserves attention in a title beside its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)] // as documented in tidu.v1.TitleFlag; the numbers are its
pub enum Flag {
    NoticeContested = 1,
    ReviewDue = 2,
    ReviewPending = 3,
    ReviewIneligible = 4,
    ReportOverdue = 5,
    Rectification = 6,
    PrerequisiteLost = 7,
    IdentityUnverified = 8,
    IdentityCollision = 9,
    RevocationProposed = 10,
    RelocationProposed = 11,
    CreationOpen = 12,
}

/// Some flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(u16);

impl Flags {
    /// Adds a flag if it holds.
    pub(super) fn set(&mut self, flag: Flag, holds: bool) {
        self.0 |= u16::from(holds) << (flag as u8);
    }

    /// True if the flag is among them.
    #[must_use]
    pub fn contains(self, flag: Flag) -> bool {
        self.0 & (1 << (flag as u8)) != 0
    }

    /// True if the flag with a number of the protocol is among them.
    #[must_use]
    pub fn contains_number(self, number: u8) -> bool {
        number < 16 && self.0 & (1 << number) != 0
    }

    /// The numbers of the flags in the protocol.
    pub fn numbers(self) -> impl Iterator<Item = u8> {
        (0..16).filter(move |number| self.contains_number(*number))
    }
}

/// What a fact did to a title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It changed the title.
    Applied,
    /// It could not apply, and why.
    Superseded(&'static str),
    /// It takes effect after the day.
    Later,
}

/// What the facts say of the subject asked for, beside its titles.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Subject {
    pub(super) name: Sym,
    pub(super) region: Option<RegionCode>,
    pub(super) industry: Option<IndustryCode>,
    pub(super) responsible: Option<AuthorityCode>,
    pub(super) ended_on: Option<CivilDate>,
    pub(super) relocation_proposed: bool,
    pub(super) report_overdue: bool,
}

/// Titles of all subjects in a circle. Used again and again, so that folding a million designees makes no garbage.
#[derive(Debug, Default)]
pub(super) struct Folding {
    pub(super) titles: Vec<Folded>,
    pub(super) subject: Subject,
}

/// Folds the facts of a circle, which are in the order in which they count.
///
/// Facts that become effective after `as_of` count only for PENDING; give the last day there is to see everything.
pub(super) fn fold(folding: &mut Folding, circle: &Circle, as_of: CivilDate, report_months: u32) {
    fold_with(folding, circle, as_of, report_months, &mut |_, _, _| {});
}

/// As [`fold`], telling `observe` what each fact did to which title of the subject asked for.
pub(super) fn fold_with(
    folding: &mut Folding,
    circle: &Circle,
    as_of: CivilDate,
    report_months: u32,
    observe: &mut dyn FnMut(&Placed, TitleKey, Outcome),
) {
    folding.titles.clear();
    folding.subject = Subject::default();
    for placed in &circle.facts {
        let subject = circle.subject_of(placed.member);
        let mut step = Step { folding, circle, placed, subject, as_of, observe };
        if subject == 0 && placed.stated.effective <= as_of {
            step.folding.subject.learn(&placed.stated, report_months);
        }
        step.run();
    }
}

impl Subject {
    fn learn(&mut self, stated: &Stated, report_months: u32) {
        self.name = stated.name().unwrap_or(self.name);
        self.responsible = stated.responsible().or(self.responsible);
        if let Some(listing) = stated.listing() {
            self.region = listing.region.or(self.region);
            self.industry = listing.industry.or(self.industry);
        }
        match stated.what {
            What::Relocated { region, confirmed, .. } => {
                self.relocation_proposed = !confirmed;
                if confirmed {
                    self.region = Some(region);
                }
            }
            What::MajorChangeReported { occurred, reported } => {
                self.report_overdue |= reported > occurred.plus_months(report_months);
            }
            What::SubjectEnded | What::Restructured { ends: true, .. } => {
                self.ended_on = self.ended_on.or(Some(stated.effective));
            }
            _ => {}
        }
    }
}

/// One fact on its way into the titles.
struct Step<'a> {
    folding: &'a mut Folding,
    circle: &'a Circle,
    placed: &'a Placed,
    subject: u16,
    as_of: CivilDate,
    observe: &'a mut dyn FnMut(&Placed, TitleKey, Outcome),
}

impl Step<'_> {
    fn run(&mut self) {
        let Placed { position, stated, .. } = *self.placed;
        let day = stated.effective;
        let Some(key) = stated.title() else {
            let ends =
                matches!(stated.what, What::SubjectEnded | What::Restructured { ends: true, .. });
            if ends && day <= self.as_of {
                self.end_all(day, position);
            }
            return;
        };
        if day > self.as_of && !matches!(stated.what, What::Designated { .. }) {
            return self.tell(key, Outcome::Later);
        }
        let outcome = match stated.what {
            What::Transferred { successor, valid_to } => self.transfer(key, successor, valid_to),
            What::Converted { programme, authority, item, valid_to } => {
                self.convert(key, TitleKey { programme, authority, item }, valid_to)
            }
            _ => {
                let (placed, as_of) = (self.placed, self.as_of);
                let outcome = self.title(self.subject, key).step(placed, as_of);
                self.note(self.subject, key, outcome);
                outcome
            }
        };
        self.tell(key, outcome);
    }

    fn tell(&mut self, key: TitleKey, outcome: Outcome) {
        if self.subject == 0 {
            (self.observe)(self.placed, key, outcome);
        }
    }

    /// The title, made on first mention.
    fn title(&mut self, subject: u16, key: TitleKey) -> &mut Folded {
        let titles = &mut self.folding.titles;
        let place = match titles.binary_search_by_key(&(subject, key), |t| (t.subject, t.key)) {
            Ok(place) => place,
            Err(place) => {
                titles.insert(place, Folded::new(subject, key));
                place
            }
        };
        #[allow(clippy::indexing_slicing)] // found or inserted just above
        &mut titles[place]
    }

    fn note(&mut self, subject: u16, key: TitleKey, outcome: Outcome) {
        let position = self.placed.position;
        let title = self.title(subject, key);
        match outcome {
            Outcome::Applied => title.positions.push(position),
            Outcome::Superseded(_) => title.superseded.push(position),
            Outcome::Later => {}
        }
    }

    /// Everything the subject holds ends with it.
    fn end_all(&mut self, day: CivilDate, position: u32) {
        let Self { folding, subject, placed, observe, .. } = self;
        for title in folding.titles.iter_mut().filter(|title| title.subject == *subject) {
            if title.end_with_subject(day, position) {
                title.positions.push(position);
                if *subject == 0 {
                    observe(placed, title.key, Outcome::Applied);
                }
            }
        }
    }

    /// The title goes to a successor: it ends here, and goes on there with its cohort, unless the successor holds it too.
    fn transfer(
        &mut self,
        key: TitleKey,
        successor: DesigneeIndex,
        valid_to: Option<CivilDate>,
    ) -> Outcome {
        let (placed, position) = (self.placed, self.placed.position);
        let receiver = self.circle.place_of(successor).map(|place| self.circle.subject_of(place));
        // Within one subject there is nothing to pass on.
        let receiver = receiver.filter(|receiver| *receiver != self.subject);
        let given = match receiver {
            Some(_) => self.title(self.subject, key).give_away(Status::Ended, placed),
            None => None,
        };
        let (outcome, receiver) = match (given, receiver) {
            (Some(given), Some(receiver)) => {
                let own = self.title(self.subject, key);
                own.successor = Some(successor);
                let outcome = self.title(receiver, key).receive(&given, placed, valid_to);
                // One title remains where both held it.
                self.note(receiver, key, outcome);
                (Outcome::Applied, Some((receiver, outcome)))
            }
            _ => (Outcome::Superseded("there is no title to pass on"), None),
        };
        if self.subject != 0
            && let Some((0, outcome)) = receiver
        {
            (self.observe)(self.placed, key, outcome);
        }
        let title = self.title(self.subject, key);
        match outcome {
            Outcome::Applied => title.positions.push(position),
            _ => title.superseded.push(position),
        }
        outcome
    }

    /// The title becomes one of another programme, with its cohort.
    fn convert(&mut self, key: TitleKey, to: TitleKey, valid_to: Option<CivilDate>) -> Outcome {
        let placed = self.placed;
        let given = if to == key {
            None
        } else {
            self.title(self.subject, key).give_away(Status::Converted, placed)
        };
        let outcome = match given {
            Some(given) => {
                self.title(self.subject, key).converted_to = Some(to.programme);
                let received = self.title(self.subject, to).receive(&given, placed, valid_to);
                self.note(self.subject, to, received);
                self.tell(to, received);
                Outcome::Applied
            }
            _ => Outcome::Superseded("there is no title to convert"),
        };
        self.note(self.subject, key, outcome);
        outcome
    }
}
