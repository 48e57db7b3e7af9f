//! What may be said. Values are parsed at the edge and carry their proof inside. Pure: no I/O, no clock, no randomness.

pub mod fault;
pub mod limits;
