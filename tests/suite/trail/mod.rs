//! The audit trail: its chain, its sinks, the calls that get lines, and its anchors on the log.

mod chain;
mod files;
mod served;
mod tape;
