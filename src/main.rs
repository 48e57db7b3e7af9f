//! The `tidu` binary: parses arguments and calls the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    tidu::cli::main()
}
