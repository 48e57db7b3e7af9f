//! Tidu (梯度): the system of record for enterprise designations.
//!
//! ```text
//! 1 domain/    what may be said: ids, dates, facts, the catalogue, limits, rejections. Parsed at the edge. Pure
//! 2 register/  what follows from it: facts per designee, the fold to titles, the rules, whom an event concerns. Pure
//! 3 log/       where it is kept: the CommitLog contract, the chunk codec, sled. Bytes and positions only
//! 4 ledger/    the one writer and the read side
//!   cursors.rs how far subscribers have come, in a store of its own
//! 5 service/   gRPC: conversion, errors, subscriptions. The only floor that knows tonic's server
//!   offline/   archives and data directories without a server
//!   cli/       the command line: a client of the service, and the way to start it
//!   server.rs  the accept loop and the drain;  gather.rs  what it writes;  config.rs  settings;  telemetry.rs  logs
//!   pb.rs      generated code;  wire.rs  stored bytes on the wire
//! ```
//!
//! What holds everywhere, most of it absences, and checked by tests:
//!
//! - imports point down: a floor names only floors with smaller numbers;
//! - floors 1 and 2 do no I/O, never await, read no clock and no random source;
//! - the messages of `pb` and `tonic::Status` stop at `service/`; `log/sled.rs` alone names sled, `cursors.rs` redb;
//! - there is no second source of truth: the register and every index are rebuilt from the log at each start;
//! - there is one writer; everything has a bound, and all bounds stand in `domain/limits.rs`;
//! - what is stored is what is sent is what is hashed: an event is encoded once, when it gets its position;
//! - nobody sees what is not durable, and after a failed or overdue flush nothing is acknowledged: the process ends.

pub mod cli;
pub mod config;
pub mod cursors;
pub mod domain;
mod gather;
pub mod ledger;
pub mod log;
pub mod offline;
pub mod pb;
pub mod register;
pub mod server;
pub mod service;
pub mod telemetry;
pub mod wire;
