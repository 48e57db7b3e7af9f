//! The command line: the real program, its output and its exit codes.

mod backup;
mod command_line;
mod delivery;
mod newcomer;
mod redact;
mod redact_copies;
mod redacted_alone;
