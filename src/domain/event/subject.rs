//! Facts about designees themselves.

use super::Listed;
use crate::domain::{
    AuthorityCode, CivilDate, DesigneeId, Name, RegionCode,
    kind::{Kind, ProgrammeId},
};

/// A fact about a designee itself.
#[derive(Clone, Debug, PartialEq)]
pub enum SubjectFact {
    /// It changed its name.
    Renamed {
        /// Name before.
        old_name: Name,
        /// Name after.
        new_name: Name,
        /// True for a simple rename, the only kind recorded so.
        simple: bool,
    },
    /// It moved, or is about to.
    Relocated {
        /// Region before.
        from_region: Option<RegionCode>,
        /// Region after.
        to_region: RegionCode,
        /// Responsible authority before.
        from_authority: AuthorityCode,
        /// Responsible authority after.
        to_authority: AuthorityCode,
        /// True if the move is confirmed, false if it is proposed.
        confirmed: bool,
    },
    /// It merged, was absorbed or divided, or changed its form.
    Restructured {
        /// The kind of restructuring, if it is known.
        kind: Option<Restructuring>,
        /// Subjects that carry on.
        successors: Vec<DesigneeId>,
        /// Name after, if it changed.
        new_name: Option<Name>,
        /// True if the designee itself ceases.
        ends: bool,
    },
    /// It is the same subject as another identifier.
    IdentifierChanged {
        /// The other identifier.
        other: DesigneeId,
        /// The reason for the link.
        reason: LinkReason,
    },
    /// It ceased to exist, or its licence was revoked.
    Ended {
        /// The cause, if it is known.
        cause: Option<SubjectEndCause>,
    },
    /// The yearly information update was made.
    InformationUpdated {
        /// The programme; `None` for all.
        programme: Option<ProgrammeId>,
        /// The year that the update is for.
        year: u16,
    },
    /// A major change was reported.
    MajorChangeReported {
        /// Day of the change.
        occurred: CivilDate,
        /// Day of the report.
        reported: CivilDate,
        /// True if the report was due before, by the catalogue that counts for the event.
        late: bool,
    },
    /// It entered a cultivation pool.
    PoolEntered {
        /// The pool.
        pool: String,
        /// The entry of the list.
        listed: Listed,
    },
    /// It left one.
    PoolLeft {
        /// The pool.
        pool: String,
    },
}

/// A kind of restructuring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restructuring {
    /// Merger into a new subject.
    Merger,
    /// Absorption by another subject.
    Absorption,
    /// Division.
    Division,
    /// Change of legal form or business.
    Reorganisation,
}

/// The cause of the end of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubjectEndCause {
    /// It was deregistered.
    Deregistered,
    /// Its licence was revoked; the legal person still exists.
    LicenceRevoked,
    /// Another subject absorbed it.
    Absorbed,
}

/// The reason for which two identifiers name one subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkReason {
    /// A provisional identifier got its code.
    Identified,
    /// The code was changed by the registration authority.
    Reregistered,
    /// Two codes had been given to one subject.
    Duplicate,
}

impl SubjectFact {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::PoolEntered { .. } => Kind::PoolEntered,
            Self::PoolLeft { .. } => Kind::PoolLeft,
            Self::Renamed { .. } => Kind::Renamed,
            Self::Relocated { .. } => Kind::Relocated,
            Self::Restructured { .. } => Kind::Restructured,
            Self::IdentifierChanged { .. } => Kind::IdentifierChanged,
            Self::Ended { .. } => Kind::SubjectEnded,
            Self::InformationUpdated { .. } => Kind::InformationUpdated,
            Self::MajorChangeReported { .. } => Kind::MajorChangeReported,
        }
    }
}
