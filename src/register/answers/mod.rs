//! Answers to readers, as of a day and as known at a log size. They read the parts and change
//! nothing.

mod batches;
mod between;
mod change;
mod compare;
mod count;
mod designees;
mod events;
mod excess;
mod explain;
mod find;
mod framework;
mod identifiers;
mod in_words;
mod members;
mod query;
mod reading;
mod sets;
mod suspects;
mod timeline;
mod touched;
mod view;
mod withheld;

pub use self::{
    batches::{BatchRead, BatchReading, BatchState, BatchView, SublistView},
    between::{ChangeReason, Changed, StatusChange},
    change::Change,
    compare::RulesDifference,
    count::{Counted, Counting, Group, Stage},
    excess::Excess,
    explain::{Effect, Explanation, Step},
    find::{Bearer, NameFound, NameWanted, NamesRead},
    framework::{
        AssessmentView, AssessmentsReading, MeasureView, MeasuresRead, MeasuresReading, PoolView,
        PoolsReading,
    },
    members::{MemberView, MembersReading},
    query::{Found, Wanted},
    sets::{Compared, ComparisonPart, PartCounts, SetsReading},
    suspects::{NameShared, SuspectsRead, SuspectsWanted},
    timeline::{DesigneeShown, Stretch, Timeline, TimelineReading},
    touched::{Touched, TouchedReading},
    view::{DatedId, DatedName, DesigneeView, Membership, SupportView, TitleView},
};
