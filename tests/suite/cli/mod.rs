//! The command line: the real program, its output and its exit codes.

mod approve;
mod backup;
mod client_tls;
mod codes;
mod command_line;
mod contexts;
mod delivery;
mod demo;
mod dev_certs;
mod doctor;
mod events;
mod every_fact;
mod languages;
mod lists_said;
mod measures;
mod names;
mod newcomer;
mod principals;
mod private_files;
mod questions;
mod redact;
mod redact_copies;
mod redacted_alone;
mod repairs;
mod shown;
mod tables;
