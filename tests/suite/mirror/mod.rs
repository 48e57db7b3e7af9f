//! Copies in databases: `tidu mirror`, compared with the answers of the server for each designee,
//! batch and day.

mod cluster;
mod compared;
mod copies;
mod encrypted;
mod lines;
mod live;
mod postgres;
mod tables;
mod told;
