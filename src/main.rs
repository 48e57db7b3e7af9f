//! The `tidu` binary: parses arguments and calls the command line.

use std::process::ExitCode;

/// Events are made where they arrive and freed by the writer; the system's allocator makes the two wait for each other.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    tidu::cli::main()
}
