//! The audit trail: its chain, its sinks, the calls that get lines, and its anchors on the log.

mod chain;
mod command;
mod files;
mod served;
mod server;
mod tape;
