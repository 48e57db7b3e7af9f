//! The log, rules and build that a snapshot belongs to. A start believes one only if all of them
//! are the same.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{
    domain::catalogue::Catalogues,
    log::CommitLog,
    merkle::{Frontier, Hash},
    register::{ImageHead, RulesBook, Unfit},
};

include!(concat!(env!("OUT_DIR"), "/rules_build.rs"));

/// Format of the file.
const FORMAT: u16 = 1;

/// The header of a snapshot.
#[derive(Clone, Debug)]
pub(super) struct Header {
    /// The build of the rules that made it.
    pub(super) build: Hash,
    /// The versions of the rules that the build knew.
    pub(super) rules: Hash,
    /// The log.
    pub(super) log_id: Uuid,
    /// The copy of the log: see [`CommitLog::copy_id`].
    pub(super) copy_id: u64,
    /// The catalogue that counted before any adoption.
    pub(super) begun_with: Hash,
    /// The catalogues adopted below its size: position and digest.
    pub(super) adopted: Vec<(u64, Hash)>,
    /// The Merkle frontier at its size.
    pub(super) frontier: Frontier,
    /// Recorded time of the last commit.
    pub(super) recorded_micros: Option<i64>,
    /// The format that the log needs for its leaves.
    pub(super) format: u16,
    /// Bytes of the chunks below its size.
    pub(super) stored_bytes: u64,
    /// The head by which its sections are read.
    pub(super) image: ImageHead,
}

/// Digest of all that the versions of a book say.
pub(super) fn rules_digest(book: RulesBook) -> Hash {
    let mut digest = Sha256::new();
    book.versions().for_each(|version| digest.update(format!("{version:?}\n")));
    digest.finalize().into()
}

/// The adoptions below a size, and the catalogue that counted before them.
pub(super) fn adopted_below(catalogues: &Catalogues, size: u64) -> (Hash, Vec<(u64, Hash)>) {
    let adopted = catalogues.adoptions().filter_map(|adoption| {
        let position = adoption.position.filter(|position| *position < size)?;
        Some((position, adoption.catalogue.sha256))
    });
    (catalogues.known_at(0).sha256, adopted.collect())
}

/// Why a snapshot belongs to something else.
#[derive(Debug, thiserror::Error)]
pub(in crate::ledger) enum Foreign {
    #[error("it has format {0}, and this version writes {FORMAT}")]
    Format(u16),
    #[error("another build of the rules wrote it")]
    Build,
    #[error("it was written with other versions of the rules")]
    Rules,
    #[error("it belongs to another log")]
    Log,
    #[error("it belongs to another copy of the log, which was restored, redacted or moved since")]
    Copy,
    #[error("it has {size} events, and the log has {log}")]
    Longer { size: u64, log: u64 },
    #[error("it has {0} events, and the high-water mark does not reach as far")]
    Unmarked(u64),
    #[error("the log has another root at its size of {0} events")]
    Root(u64),
}

impl Header {
    /// Number of events.
    pub(super) fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Compares it with what a start has.
    ///
    /// # Errors
    /// [`Foreign`]: the first difference.
    pub(super) fn require(
        &self,
        log: &dyn CommitLog,
        book: RulesBook,
        marked: Option<(u64, Hash)>,
    ) -> Result<(), Foreign> {
        let size = self.size();
        let has = |same: bool, or: Foreign| if same { Ok(()) } else { Err(or) };
        has(self.build == RULES_BUILD, Foreign::Build)?;
        has(self.rules == rules_digest(book), Foreign::Rules)?;
        has(self.log_id == log.id(), Foreign::Log)?;
        has(self.copy_id == log.copy_id(), Foreign::Copy)?;
        has(size <= log.size(), Foreign::Longer { size, log: log.size() })?;
        let (marked, root) = marked.unwrap_or_default();
        has(size <= marked, Foreign::Unmarked(size))?;
        has(size < marked || self.frontier.root() == root, Foreign::Root(size))
    }

    /// Its bytes.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend(FORMAT.to_le_bytes());
        out.extend(self.build);
        out.extend(self.rules);
        out.extend(self.log_id.as_bytes());
        out.extend(self.copy_id.to_le_bytes());
        out.extend(self.begun_with);
        out.extend(count_of(self.adopted.len()));
        for (position, sha256) in &self.adopted {
            out.extend(position.to_le_bytes());
            out.extend(sha256);
        }
        out.extend(self.frontier.size().to_le_bytes());
        self.frontier.subtrees().iter().for_each(|subtree| out.extend(subtree));
        out.push(u8::from(self.recorded_micros.is_some()));
        out.extend(self.recorded_micros.unwrap_or_default().to_le_bytes());
        out.extend(self.format.to_le_bytes());
        out.extend(self.stored_bytes.to_le_bytes());
        out.extend(self.image.bytes());
        out
    }

    /// Reads the bytes that [`Header::bytes`] gave.
    ///
    /// # Errors
    /// [`Foreign::Format`]; otherwise why the bytes are not a header.
    pub(super) fn read(mut bytes: &[u8]) -> Result<Result<Self, Foreign>, &'static str> {
        let from = &mut bytes;
        let format = u16::from_le_bytes(next(from)?);
        if format != FORMAT {
            return Ok(Err(Foreign::Format(format)));
        }
        let (build, rules) = (next(from)?, next(from)?);
        let (log_id, copy_id) = (Uuid::from_bytes(next(from)?), number(from)?);
        let begun_with = next(from)?;
        let count = u32::from_le_bytes(next(from)?);
        let mut adopted = Vec::new();
        for _ in 0..count {
            adopted.push((number(from)?, next(from)?));
        }
        let size = number(from)?;
        let subtrees = (0..size.count_ones()).map(|_| next(from));
        let frontier = Frontier::of(size, subtrees.collect::<Result<_, _>>()?);
        let frontier = frontier.ok_or("the frontier does not fit to the size")?;
        let [has_time] = next(from)?;
        let recorded_micros = i64::from_le_bytes(next(from)?);
        let recorded_micros = (has_time == 1).then_some(recorded_micros);
        let format = u16::from_le_bytes(next(from)?);
        let stored_bytes = number(from)?;
        let image = ImageHead::read(from).map_err(Unfit::why)?;
        if image.size() != size {
            return Err("the register has another size than the frontier");
        }
        Ok(Ok(Self {
            build,
            rules,
            log_id,
            copy_id,
            begun_with,
            adopted,
            frontier,
            recorded_micros,
            format,
            stored_bytes,
            image,
        }))
    }
}

fn count_of(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes()
}

fn number(from: &mut &[u8]) -> Result<u64, &'static str> {
    next(from).map(u64::from_le_bytes)
}

fn next<const N: usize>(from: &mut &[u8]) -> Result<[u8; N], &'static str> {
    let (taken, rest) = from.split_first_chunk().ok_or("the header is cut off")?;
    *from = rest;
    Ok(*taken)
}
