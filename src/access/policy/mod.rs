//! The policy as files state it.
//!
//! ```text
//! files      which files, and their bounds
//! text       their shape, with the place of each value
//! entry      one principal: rights and credentials
//! reaches    how far a right reaches
//! roles      the rights that follow from roles, and the roles that go together
//! statement  the whole: what is stated once, and what changes nothing
//! fault      file, line, key, value and rule
//! ```

mod entry;
mod fault;
mod files;
mod reaches;
mod roles;
mod statement;
#[cfg(test)]
mod tests;
mod text;

pub use self::fault::{PolicyError, PolicyFault};
pub(crate) use self::{
    entry::{Credentials, Entry, SOCKET_PREFIX, Subject, Token, read as read_entry},
    fault::{Findings, Part},
    files::{Document, digest, read as read_files},
    roles::Action,
    statement::{IssuerPin, Statement, read as read_statement, read_delegated, resolve},
    text::{PolicyText, PrincipalText, RightText, unplaced},
};
