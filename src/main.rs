//! The `tidu` binary: parses arguments and calls the command line.

use std::process::ExitCode;

/// Connection threads allocate events and the writer frees them. The system's allocator would make
/// the two wait for each other.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    tidu::cli::main()
}
