//! How titles end: early ends, failed reviews, and the ends of subjects.

use super::{EndCause, Folding, Status};
use crate::{
    domain::{
        CivilDate,
        event::{Ground, Restructuring, ReviewFailureCause, SubjectEndCause, Validity},
    },
    register::rows::FactKindRow,
};

/// The end of a title before its last day.
#[derive(Clone, Copy, Debug)]
pub(in crate::register) struct Ended {
    pub(in crate::register) status: Status,
    pub(in crate::register) day: CivilDate,
    pub(in crate::register) cause: EndCause,
    pub(in crate::register) position: u32,
    /// The revocation, if one ended it.
    pub(in crate::register) revocation: Option<Revocation>,
    /// The validity it had before.
    pub(super) validity: Validity,
}

/// A revocation as the rules about bans need it.
#[derive(Clone, Copy, Debug)]
pub(in crate::register) struct Revocation {
    pub(in crate::register) ground: Option<Ground>,
    pub(in crate::register) has_ban: bool,
    /// The rule version that it was stated under.
    pub(in crate::register) rule: u8,
}

/// A failed review of the stretch that is in force.
#[derive(Clone, Copy, Debug)]
pub(in crate::register) struct Failure {
    pub(in crate::register) cause: EndCause,
    pub(in crate::register) position: u32,
}

/// The day on which a subject ceased to exist: the earliest on record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::register) struct SubjectEnd {
    pub(in crate::register) subject: u16,
    pub(in crate::register) day: CivilDate,
    pub(in crate::register) cause: EndCause,
    pub(in crate::register) position: u32,
}

/// The end of a title as answers show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::register) struct End {
    pub(in crate::register) cause: EndCause,
    /// The event behind it, by its place in the fold. A title that lapses has none.
    pub(in crate::register) position: Option<u32>,
}

impl Ended {
    /// True if nothing but a new stretch can follow. After a failed review a revocation can.
    pub(in crate::register) fn is_final(&self) -> bool {
        self.status != Status::Expired
    }

    /// True if the title ended because its subject was absorbed or restructured: a successor may
    /// still receive it.
    pub(super) fn leaves_a_successor(&self) -> bool {
        matches!(self.cause, EndCause::SubjectAbsorbed | EndCause::SubjectRestructured)
    }
}

impl Folding {
    /// The end of a subject, once the fold has reached it.
    pub(super) fn end_of(&self, subject: u16) -> Option<SubjectEnd> {
        self.subject_ends.iter().find(|end| end.subject == subject).copied()
    }
}

impl EndCause {
    /// The cause that a failed review states.
    pub(super) fn of_failure(cause: Option<ReviewFailureCause>) -> Self {
        match cause {
            Some(ReviewFailureCause::NotUpToStandard) => Self::ReviewNotUpToStandard,
            Some(ReviewFailureCause::NotSubmitted) => Self::ReviewNotSubmitted,
            None => Self::ReviewFailed,
        }
    }

    /// The cause that a fact states for the end of its subject, if it ends it. A revoked licence
    /// does not: the legal person still exists.
    pub(super) fn of_subject(kind: &FactKindRow) -> Option<Self> {
        match kind {
            FactKindRow::SubjectEnded { cause: Some(SubjectEndCause::LicenceRevoked) } => None,
            FactKindRow::SubjectEnded { cause: Some(SubjectEndCause::Absorbed) } => {
                Some(Self::SubjectAbsorbed)
            }
            FactKindRow::SubjectEnded { .. } => Some(Self::SubjectDeregistered),
            FactKindRow::Restructured { kind, ends: true, .. } => {
                let is_absorption = *kind == Some(Restructuring::Absorption);
                Some(if is_absorption { Self::SubjectAbsorbed } else { Self::SubjectRestructured })
            }
            _ => None,
        }
    }
}
