//! The fold: from the facts in force about a designee to its titles on a day. Total and pure.
//!
//! Titles follow from the set of facts, never from the order in which they were recorded: facts are
//! read by effective date and precedence. A fact that cannot apply changes nothing and is listed as
//! superseded. Expiry follows from dates and is not an event; the last day counts in full.
//! `docs/events.md` states every rule.

mod bans;
mod cause;
mod decisions;
mod ends;
mod notices;
mod obstacle;
mod passing;
mod status;
mod step;
mod title;

use smallvec::SmallVec;

pub(super) use self::{
    bans::Ban,
    ends::{End, Ended},
    title::{Creation, Folded, Period},
};
pub use self::{cause::EndCause, obstacle::Obstacle};
use self::{ends::SubjectEnd, step::Step};
use super::{
    identity::{FactAt, IdentityCluster},
    rows::{FactKindRow, FactRow, Sym, TitleKey},
    versions::FoldRules,
};
use crate::domain::{AuthorityCode, CivilDate, IndustryCode, RegionCode, event::SubjectEndCause};

/// The status of a title on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// Designated, with a first day still to come.
    Pending,
    /// In a public notice or on a creation list, and not designated.
    Noticed,
    /// The notice closed, or its list was sealed, without a designation.
    NotDesignated,
    /// In force.
    Active,
    /// Its last day is past.
    Expired,
    /// Revoked by the authority.
    Revoked,
    /// Given up by the holder.
    Surrendered,
    /// Ended with its subject, or passed to a successor.
    Ended,
    /// Converted into a title of another programme.
    Converted,
    /// Only facts are on record that cannot apply.
    NotOnRecord,
}

/// A condition of a title that deserves attention beside its status. The numbers are the
/// protocol's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Flag {
    /// An objection to the notice is not decided.
    NoticeContested = 1,
    /// A review is open while the title is in force.
    ReviewDue = 2,
    /// The title is past its end, and its review round is not sealed.
    ReviewPending = 3,
    /// An information update is missing, which a review requires.
    ReviewIneligible = 4,
    /// A major change was reported late.
    ReportOverdue = 5,
    /// A rectification was ordered.
    Rectification = 6,
    /// A prerequisite title was held, and none is in force any more.
    PrerequisiteLost = 7,
    /// The subject is known by name only, without a code.
    IdentityUnverified = 8,
    /// Two identifiers of the subject held the title on the same day.
    IdentityCollision = 9,
    /// The authority has proposed to revoke the title.
    RevocationProposed = 10,
    /// A move to another region is proposed and not confirmed.
    RelocationProposed = 11,
    /// A creation task is under way.
    CreationOpen = 12,
    /// The title was reviewed, revoked or given up, and its designation is not on record.
    DesignationNotOnRecord = 13,
    /// Revoked by a ground that carries a ban, and no ban is on record.
    BanMissing = 14,
    /// The licence of the holder was revoked, which does not end the title.
    LicenceRevoked = 15,
}

/// A set of flags.
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

    /// True if the flag with this number of the protocol is among them.
    #[must_use]
    pub fn contains_number(self, number: u8) -> bool {
        number < 16 && self.0 & (1 << number) != 0
    }

    /// The numbers of the flags in the protocol.
    pub fn numbers(self) -> impl Iterator<Item = u8> {
        (0..16).filter(move |number| self.contains_number(*number))
    }
}

/// The effect of a fact on a title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It changed the title.
    Applied,
    /// It could not apply, for this reason.
    Superseded(Obstacle),
    /// It takes effect after the day.
    Later,
}

/// The state of the subject asked for, beside its titles.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Subject {
    pub(super) name: Sym,
    pub(super) region: Option<RegionCode>,
    pub(super) industry: Option<IndustryCode>,
    pub(super) responsible: Option<AuthorityCode>,
    pub(super) ended_on: Option<CivilDate>,
    pub(super) relocation_proposed: bool,
    pub(super) report_overdue: bool,
    pub(super) licence_revoked: bool,
}

/// The place of the subject asked for in its cluster.
pub(super) const ASKED_FOR: u16 = 0;

/// Titles of all subjects in a cluster. The room is used again, so that folding a million designees
/// allocates almost nothing.
#[derive(Debug, Default)]
pub(super) struct Folding {
    pub(super) titles: Vec<Folded>,
    pub(super) subject: Subject,
    /// The subjects that have ceased to exist by the day, each with its earliest end.
    subject_ends: SmallVec<[SubjectEnd; 1]>,
}

/// Folds the facts of a cluster by a version of the rules, in their order.
///
/// Facts that take effect after `valid_on` count only for PENDING. With the last day of all, every
/// fact counts.
pub(super) fn fold(
    folding: &mut Folding,
    cluster: &IdentityCluster,
    rules: FoldRules,
    valid_on: CivilDate,
) {
    fold_with(folding, cluster, rules, valid_on, &mut |_, _, _| {});
}

/// As [`fold`], and tells `observe` the effect of each fact on titles of the subject asked for.
pub(super) fn fold_with(
    folding: &mut Folding,
    cluster: &IdentityCluster,
    rules: FoldRules,
    valid_on: CivilDate,
    observe: &mut dyn FnMut(&FactAt, TitleKey, Outcome),
) {
    folding.titles.clear();
    folding.subject = Subject::default();
    folding.subject_ends.clear();
    for placed in &cluster.facts {
        fold_next(folding, cluster, placed, rules, valid_on, observe);
    }
}

/// Folds one more fact, which comes after all those that were folded.
pub(super) fn fold_next(
    folding: &mut Folding,
    cluster: &IdentityCluster,
    placed: &FactAt,
    rules: FoldRules,
    valid_on: CivilDate,
    observe: &mut dyn FnMut(&FactAt, TitleKey, Outcome),
) {
    let subject = cluster.subject_of(placed.member);
    let mut step = Step { folding, cluster, placed, subject, rules, valid_on, observe };
    if subject == ASKED_FOR && placed.fact.effective <= valid_on {
        step.folding.subject.learn(&placed.fact);
    }
    step.run();
}

impl Subject {
    fn learn(&mut self, fact: &FactRow) {
        self.name = fact.name().unwrap_or(self.name);
        self.responsible = fact.responsible().or(self.responsible);
        if let Some(listing) = fact.listing() {
            self.region = listing.region.or(self.region);
            self.industry = listing.industry.or(self.industry);
        }
        match fact.kind {
            FactKindRow::Relocated { region, confirmed, .. } => {
                self.relocation_proposed = !confirmed;
                if confirmed {
                    self.region = Some(region);
                }
            }
            FactKindRow::MajorChangeReported { late, .. } => self.report_overdue |= late,
            FactKindRow::SubjectEnded { cause: Some(SubjectEndCause::LicenceRevoked) } => {
                self.licence_revoked = true;
            }
            _ => {}
        }
        if EndCause::of_subject(&fact.kind).is_some() {
            self.ended_on = self.ended_on.or(Some(fact.effective));
        }
    }
}
