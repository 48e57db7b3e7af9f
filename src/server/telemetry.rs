//! Log lines: text on a terminal, JSON lines otherwise. They go to standard error; results go to
//! standard output.

use std::io::{IsTerminal as _, stderr};

use tracing_subscriber::{EnvFilter, fmt};

/// Variable that filters the log lines, in the syntax of `tracing_subscriber::EnvFilter`.
pub const FILTER_VARIABLE: &str = "TIDU_LOG";

/// Starts logging. Does nothing if it was started before.
pub fn start(default_filter: &str) {
    let filter =
        EnvFilter::try_from_env(FILTER_VARIABLE).unwrap_or_else(|_| EnvFilter::new(default_filter));
    // A line that cannot be written is lost: reporting that would panic on the same full disk.
    let builder = fmt().with_env_filter(filter).with_writer(stderr).log_internal_errors(false);
    // An error means that a subscriber is set already, which serves as well.
    let _ = if stderr().is_terminal() {
        builder.with_target(false).try_init()
    } else {
        builder.json().flatten_event(true).try_init()
    };
}
