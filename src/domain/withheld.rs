//! A withheld event: its content was erased, and the facts that the log and its readers go on from
//! are left.

use super::{
    AuthorityCode, RegionCode,
    kind::{Kind, ProgrammeId},
};

/// Whom an event concerned, without any of its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concerns {
    /// Authorities.
    pub authorities: Vec<AuthorityCode>,
    /// Programmes.
    pub programmes: Vec<ProgrammeId>,
    /// Regions.
    pub regions: Vec<RegionCode>,
    /// Batches.
    pub batches: Vec<String>,
    /// The kind of the event.
    pub kind: Kind,
    /// For each designee that has one: an earlier event that is about it.
    pub designee_positions: Vec<u64>,
}

/// All that is left of a withheld event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withheld {
    /// Whom it concerned.
    pub concerns: Concerns,
    /// Whom this and other events concerned because of its content, by position. Nobody can derive
    /// that again. `designee_positions` are then of designees that follow the event besides.
    pub derived: Vec<(u64, Concerns)>,
}
