//! Tidu (梯度): the system of record for enterprise designations.
//!
//! ```text
//! 0 limits.rs  every bound, by section, with its arithmetic
//!   files.rs   durability of files: lock, replace, rename, sync
//!   threads.rs  whether the system has threads to give
//!   merkle/    hashes and the right frontier of RFC 6962. Pure
//!   metrics/   the table of all metrics, their instruments and formats. Pure
//! 1 domain/    the words of an event: kinds, ids, dates, facts, the catalogue. Pure
//! 2 protocol/  generated messages, stored leaves, messages ⇄ events
//!   register/  the state that follows from the events: titles, rules, scopes, answers. Pure
//! 3 access/    who calls: credentials and principals
//!   catalogue_files.rs  adopted catalogues as files, by digest
//!   handover/  which node records: receipts, epochs, and the files that close them
//!   log/       the store of events: the CommitLog contract, the chunk codec, sled
//!   tls/       TLS of clients: trusted CAs, own certificate, the causes of failures
//!   trail/     the audit trail: denials and administrative acts
//! 4 ledger/    the one writer and the read side
//!   cursors/   the positions of subscribers, in a store of their own
//! 5 archive/   export, backup, import, verify, without a server
//!   service/   gRPC: handlers, errors, streams
//! 6 import/    lists as authorities publish them → events
//!   delivery/  events → webhooks and commands
//!   operations/ the operations port: metrics and probes
//!   follow/    a verified copy of a leader's log, kept up to date
//! 7 server/    listener, connections, configuration, logs, the drain
//! 8 cli/       the command line: a client of the service, and the way to start it
//! ```
//!
//! Tests check the invariants; `docs/architecture.md` lists them all:
//!
//! - a floor imports only floors with smaller numbers;
//! - floors 0 to 2 do no I/O (`files.rs` and `threads.rs` apart), never await, read no clock and no
//!   random source;
//! - a stored message meets `domain` only in `protocol/`; `log/` alone names sled, `cursors/` alone
//!   redb;
//! - there is no second source of truth: the log rebuilds the register and every index at each
//!   start;
//! - there is one writer; everything has a bound, and all bounds are in `limits.rs`;
//! - the same bytes are stored, sent and hashed: an event is encoded once, when it gets its
//!   position;
//! - no reader sees an event before it is durable; after a failed or overdue flush the process
//!   ends.

pub mod access;
pub mod archive;
pub mod catalogue_files;
pub mod cli;
pub mod cursors;
pub mod delivery;
pub mod domain;
pub mod files;
pub mod follow;
pub mod handover;
pub mod import;
pub mod lang;
pub mod ledger;
pub mod limits;
pub mod log;
pub mod merkle;
pub mod metrics;
pub mod mirror;
pub mod operations;
pub mod protocol;
pub mod register;
pub mod server;
pub mod service;
pub mod threads;
pub mod tls;
pub mod trail;
