//! Where lines go.

use std::io;

use super::Anchor;
use crate::merkle::Hash;

/// Whole lines that follow each other.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The lines, each with its line break.
    pub bytes: Vec<u8>,
    /// The number of the first.
    pub first: u64,
    /// The number of the last.
    pub last: u64,
    /// The hash before the first.
    pub previous: Hash,
    /// The hash of the last.
    pub head: Hash,
}

/// The end of the chain as a sink has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The number and the hash of its last whole line.
    pub last: Option<(u64, Hash)>,
    /// Bytes behind it that were cut: a line that was not written whole.
    pub torn_bytes: u64,
    /// Why its chain does not hold, if so.
    pub problem: Option<String>,
}

/// Takes lines and keeps them.
pub trait Sink: Send {
    /// Names it in log lines.
    fn name(&self) -> String;

    /// Looks for the end of its chain, and cuts a line that was not written whole. `anchor` is the
    /// last one on the log.
    ///
    /// # Errors
    /// If it cannot be used. It is tried again with the next lines.
    fn open(&mut self, anchor: Option<&Anchor>) -> io::Result<Found>;

    /// Keeps lines: they are on the disk when this returns. True if they begin another file.
    ///
    /// # Errors
    /// If they may not be kept. They come again, with others behind them.
    fn append(&mut self, batch: &Batch) -> io::Result<bool>;
}
