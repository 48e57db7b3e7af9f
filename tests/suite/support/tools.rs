//! Tools of the machine that some tests need.

use std::process::{Command, Stdio};

/// True if a command line can be run here. A test that needs it says so loudly where it cannot.
pub fn is_there(command: &[&str], without_it: &str) -> bool {
    let status = Command::new(command[0])
        .args(&command[1..])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let there = status.is_ok_and(|status| status.success());
    if !there {
        eprintln!("\n*** SKIPPED: {} does not run here, so {without_it} ***\n", command.join(" "));
    }
    there
}
