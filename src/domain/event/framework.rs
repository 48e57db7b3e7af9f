//! Facts about the legal framework, the catalogue, and the log itself.

use crate::domain::{
    AuthorityCode, BodyCode, CivilDate,
    kind::{Kind, ProgrammeId},
};

/// Facts about the legal framework, the catalogue, and the log itself.
#[derive(Clone, Debug, PartialEq)]
pub enum FrameworkFact {
    /// A catalogue came into use.
    CatalogueAdopted {
        /// SHA-256 of the catalogue file.
        sha256: [u8; 32],
    },
    /// A part of the register is complete from the effective date on.
    CompletenessDeclared {
        /// The programme; `None` for all.
        programme: Option<ProgrammeId>,
        /// The part that is complete.
        part: Part,
    },
    /// An instrument was issued.
    MeasuresIssued {
        /// The programme; `None` for the whole system.
        programme: Option<ProgrammeId>,
        /// First day in force.
        from: CivilDate,
        /// Last day in force.
        to: Option<CivilDate>,
        /// The bodies that issued it together.
        bodies: Vec<BodyCode>,
        /// Number of the amended document; may be empty.
        amends: String,
    },
    /// An instrument ceased to be in force.
    MeasuresRepealed {
        /// Position of its issue.
        position: Option<u64>,
        /// Number of the repealed document.
        repealed: String,
    },
    /// A version of the rules came into force.
    RulesAdopted {
        /// The version.
        version: u32,
    },
    /// The format of the record was raised.
    FormatRaised,
    /// The head of an audit trail was anchored.
    AuditAnchored,
    /// A public key of an authority was registered.
    AuthorityKeyRegistered {
        /// The authority whose key it is.
        of: AuthorityCode,
    },
    /// A public key of an authority was revoked.
    AuthorityKeyRevoked {
        /// The authority whose key it is.
        of: AuthorityCode,
    },
    /// An earlier event is withheld from everybody.
    EventWithheld {
        /// Its position.
        position: u64,
    },
}

/// A part of the register that can be declared complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Titles.
    Titles,
    /// Measures in force.
    Measures,
    /// Public notices.
    Notices,
    /// Yearly information updates.
    InformationUpdates,
}

impl FrameworkFact {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::CatalogueAdopted { .. } => Kind::CatalogueAdopted,
            Self::CompletenessDeclared { .. } => Kind::CompletenessDeclared,
            Self::MeasuresIssued { .. } => Kind::MeasuresIssued,
            Self::MeasuresRepealed { .. } => Kind::MeasuresRepealed,
            Self::RulesAdopted { .. } => Kind::RulesAdopted,
            Self::FormatRaised => Kind::FormatRaised,
            Self::AuditAnchored => Kind::AuditAnchored,
            Self::AuthorityKeyRegistered { .. } => Kind::AuthorityKeyRegistered,
            Self::AuthorityKeyRevoked { .. } => Kind::AuthorityKeyRevoked,
            Self::EventWithheld { .. } => Kind::EventWithheld,
        }
    }
}
