//! Copies in databases: `tidu mirror`, compared with the answers of the server for each designee,
//! batch and day.

mod compared;
mod copies;
mod lines;
mod postgres;
mod tables;
mod told;
