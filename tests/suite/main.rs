//! Tests from outside, in rooms; `tests/README.md` says which is which.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::await_holding_lock,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap
)]

mod api;
mod architecture;
mod chaos;
mod cli;
mod contract;
mod failover;
mod field;
mod follow;
mod guarantees;
mod handover;
mod identity;
mod logs;
mod mirror;
mod operations;
mod register;
mod rights;
mod sight;
mod support;
mod tls;
mod trail;
