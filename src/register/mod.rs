//! The state that follows from the events: designees, titles, batches, and the scope of each event.
//! Pure: no I/O, no clock.
//!
//! A [`Register`] is a function of the events applied to it, in order. None of it is stored: the
//! log rebuilds the same. Every question names the log size it rests on (`known_at`), so readers
//! never see events beyond the durable size, although the writer has applied them.
//!
//! Each room names only rooms above it in this list:
//!
//! ```text
//! stored      values as bytes, checked when they are read
//! rows/       an event in 56 bytes; texts
//! repairs     the facts in force after corrections and annulments
//! versions    which version of the rules is in force
//! identity/   designees, their names and events; which identifiers name one subject
//! index/      which events concern whom; filters over them
//! batches/    entries, openings and seals of batches
//! framework/  measures, completeness, assessments, cultivation pools
//! withheld    places whose content was erased
//! apply/      from events to all of these, and back
//! overlay     the events of a trial over a register that others go on changing
//! sight       the register within the bounds of a caller
//! layers      the register alone, with such an overlay, or within such bounds
//! parts       the parts of a proposed event that rights to record look at
//! image/      all of these as bytes, as of a log size, and back
//! name_parts/ which events give a name that holds a text
//! fold/       from facts to titles
//! answers/    what readers ask
//! rules/      which events may be recorded
//! ```
//!
//! Each part changes only through its own `apply` and `rollback_to`, which [`Register::apply`] and
//! [`Register::rollback_to`] call.

mod answers;
mod apply;
mod as_of;
mod batches;
pub mod fold;
mod framework;
mod identity;
mod image;
mod index;
mod layers;
mod name_parts;
mod overlay;
mod parts;
mod repairs;
mod rows;
pub mod rules;
mod sight;
mod stored;
mod undo;
mod versions;
mod withheld;

pub(crate) use self::rows::Pages;
pub use self::{
    answers::{
        AssessmentView, AssessmentsReading, BatchRead, BatchReading, BatchState, BatchView, Bearer,
        Change, ChangeReason, Changed, Compared, ComparisonPart, Counted, Counting, DatedId,
        DatedName, DesigneeShown, DesigneeView, Effect, Excess, Explanation, Found, Group,
        MeasureView, MeasuresRead, MeasuresReading, MemberView, MembersReading, Membership,
        NameFound, NameShared, NameWanted, NamesRead, PartCounts, PoolView, PoolsReading,
        RulesDifference, SetsReading, Stage, StatusChange, Step, Stretch, SublistView, SupportView,
        SuspectsRead, SuspectsWanted, Timeline, TimelineReading, TitleView, Touched,
        TouchedReading, Wanted,
    },
    as_of::AsOf,
    batches::BatchCounts,
    fold::{EndCause, Flag, Flags, Obstacle, Status},
    framework::MeasuresWanted,
    identity::Namesakes,
    image::{Both, Image, ImageHead, ImageWriter, Part, SectionRead},
    index::{EventScope, Interest, Sight, Terms},
    layers::Layers,
    name_parts::{NameParts, NameSegment},
    overlay::{Extent, Overlay},
    rows::DesigneeIndex,
    sight::Seen,
    stored::Unfit,
    versions::{FoldRules, RulesBook},
};
use self::{
    batches::{Batches, BatchesAsOf},
    framework::Framework,
    identity::{Identity, Subjects},
    index::Index,
    repairs::{Facts, Repairs},
    rows::{Rows, Sym},
    versions::Adoptions,
    withheld::WithheldPlaces,
};
use crate::domain::event::Event;

/// Everything that follows from the events applied so far.
#[derive(Debug, Default)]
pub struct Register {
    rows: Rows,
    identity: Identity,
    repairs: Repairs,
    index: Index,
    batches: Batches,
    framework: Framework,
    adoptions: Adoptions,
    withheld: WithheldPlaces,
}

/// A size of the register to come back to: a savepoint of each part.
#[derive(Clone, Copy, Debug)]
pub struct Savepoint {
    rows: rows::Savepoint,
    identity: usize,
    repairs: usize,
    index: usize,
    batches: usize,
    framework: usize,
    adoptions: usize,
}

impl Register {
    /// An empty register that knows these versions of the rules.
    #[must_use]
    pub fn with_rules(book: RulesBook) -> Self {
        Self { adoptions: Adoptions::new(book), ..Self::default() }
    }

    /// Number of events applied.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.rows.size()
    }

    /// The versions of the rules that it knows.
    #[must_use]
    pub fn rules_book(&self) -> RulesBook {
        self.adoptions.book()
    }

    /// The rules in force at a log size.
    #[must_use]
    pub fn rules_at(&self, known_at: u64) -> FoldRules {
        self.adoptions.known_at(known_at)
    }

    /// The adoptions of rules below a log size: position and rules, oldest first.
    pub fn rules_adopted(&self, known_at: u64) -> impl Iterator<Item = (u64, FoldRules)> {
        self.adoptions.below(known_at)
    }

    /// Prefetches what the next events will look up. Changes nothing.
    pub fn prefetch<'a>(&self, events: impl Iterator<Item = &'a Event>) {
        self.identity.prefetch(events);
    }

    /// The facts as known at a log size.
    fn facts(&self, known_at: u64) -> Facts<'_> {
        Facts::new(&self.rows, &self.repairs, known_at)
    }

    /// The designees as known at a log size.
    fn subjects(&self, known_at: u64) -> Subjects<'_> {
        Subjects::new(&self.identity, self.facts(known_at))
    }

    /// The batches as of a day, as known at a log size.
    fn batches_as_of(&self, as_of: AsOf) -> BatchesAsOf<'_> {
        Layers::from(self).batches_as_of(as_of)
    }

    fn text(&self, sym: Sym) -> &str {
        self.rows.text(sym)
    }
}
