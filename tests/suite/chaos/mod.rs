//! Random, hostile and failing: processes killed, disks that lose, bytes that nobody wrote. Each
//! test prints its seed.

mod copies;
mod crashes;
mod damage;
mod drain;
mod faults;
mod fuzz;
mod interleavings;
mod power_loss;
mod simulation;
mod snapshots;
