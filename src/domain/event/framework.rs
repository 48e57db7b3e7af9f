//! Facts about the legal framework and the catalogue.

use crate::domain::{
    CivilDate,
    kind::{Kind, ProgrammeId},
};

/// Facts about the legal framework and the catalogue.
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
    },
    /// An instrument ceased to be in force.
    MeasuresRepealed {
        /// Position of its issue.
        position: Option<u64>,
        /// Number of the repealed document.
        repealed: String,
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
        }
    }
}
