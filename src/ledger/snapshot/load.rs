//! Reads a snapshot, several sections at a time, and compares it with the log.

use std::{
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use parking_lot::Mutex;

use super::{
    binding::{Foreign, Header},
    file::{Broken, Entry, REQUESTS, SnapshotReader, part_of},
};
use crate::{
    catalogue_files::CatalogueFiles,
    ledger::{
        event_reader::EventReader,
        place,
        rebuild::Begun,
        requests::{RequestIndex, RequestKey},
        state::State,
    },
    limits::{DECODERS_MAX, HASHES_PER_BLOCK},
    log::{Chunk, CommitLog, LogError},
    merkle::{Frontier, Hash},
    register::{Image, Register, RulesBook, SectionRead, Unfit},
};

/// A snapshot that fits: what the replay goes on from.
pub(in crate::ledger) struct Believed {
    pub(in crate::ledger) begun: Begun,
    /// Bytes of the chunks below it.
    pub(in crate::ledger) stored_bytes: u64,
}

/// Why a snapshot is not believed.
#[derive(Debug, thiserror::Error)]
pub(in crate::ledger) enum Ignored {
    #[error(transparent)]
    Broken(#[from] Broken),
    #[error("its content is not that of a register: {0}")]
    Unfit(&'static str),
    #[error(transparent)]
    Foreign(#[from] Foreign),
    #[error("{0}")]
    Log(#[from] LogError),
}

impl From<Unfit> for Ignored {
    fn from(unfit: Unfit) -> Self {
        Self::Unfit(unfit.why())
    }
}

/// Reads the snapshot at a path, if there is one, for a log with this high-water mark. Gives the
/// time since 1970 at which it was written, too.
///
/// # Errors
/// [`Ignored`]: it does not fit to this log, this build or these rules.
pub(in crate::ledger) fn believe(
    path: &Path,
    log: &dyn CommitLog,
    files: &CatalogueFiles,
    rules: RulesBook,
    marked: Option<(u64, Hash)>,
) -> Result<Option<(Believed, Duration)>, Ignored> {
    let Some(file) = SnapshotReader::open(path)? else { return Ok(None) };
    let header = Header::read(&file.header).map_err(Ignored::Unfit)??;
    header.require(log, rules, marked)?;
    let mut reader = EventReader::new(files.clone(), rules);
    if reader.current().sha256 != header.begun_with {
        return Err(Ignored::Unfit("it began with another catalogue"));
    }
    for (position, sha256) in &header.adopted {
        reader.adopt(*position, sha256)?;
    }
    let hashes = open_block(log, &header)?;
    let (register, requests) = read_all(&file, &header, rules)?;
    let Header { frontier, recorded_micros, format, stored_bytes, .. } = header;
    let state = State::restored(register, frontier, hashes, requests, (recorded_micros, format));
    Ok(Some((Believed { begun: Begun { state, reader }, stored_bytes }, file.written)))
}

/// The leaf hashes of the log from the last complete block below the snapshot on. They must be
/// those of the snapshot's frontier.
fn open_block(log: &dyn CommitLog, header: &Header) -> Result<Vec<Hash>, Ignored> {
    let size = header.size();
    let first = size - size % HASHES_PER_BLOCK as u64;
    let (mut hashes, mut next) = (Vec::new(), first);
    while next < size {
        let chunks = log.read(next, 1)?;
        for leaf in chunks.iter().flat_map(Chunk::leaves) {
            if (next..size).contains(&leaf.position) {
                hashes.push(place::leaf_hash(leaf.position, &leaf.as_frame())?);
            }
        }
        next = chunks.last().map_or(size, Chunk::next);
    }
    let mut open = Frontier::default();
    hashes.iter().for_each(|hash| open.push(*hash));
    let has_size = first + open.size() == size;
    if !(has_size && header.frontier.subtrees().ends_with(open.subtrees())) {
        return Err(Foreign::Root(size).into());
    }
    Ok(hashes)
}

/// A section that was read.
enum Read {
    Register(SectionRead),
    Requests(Vec<RequestKey>),
}

/// The register and the request ids in all sections of a file.
fn read_all(
    file: &SnapshotReader,
    header: &Header,
    rules: RulesBook,
) -> Result<(Register, RequestIndex), Ignored> {
    let sections: Vec<Mutex<Option<Result<Read, Ignored>>>> =
        file.table.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut bytes = Vec::new();
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let (Some(entry), Some(section)) = (file.table.get(place), sections.get(place)) else {
                return;
            };
            *section.lock() = Some(read_section(file, header, entry, &mut bytes));
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).min(DECODERS_MAX);
    thread::scope(|scope| {
        (1..threads).for_each(|_| drop(scope.spawn(work)));
        work();
    });
    let (mut image, mut keys) = (Image::new(header.image), Vec::new());
    for section in sections {
        match section.into_inner().ok_or(Ignored::Unfit("a section was not read"))?? {
            Read::Register(section) => image.add(section)?,
            Read::Requests(section) => keys.extend(section),
        }
    }
    let is_sorted = keys.is_sorted_by(|one, next| one.1 < next.1);
    if !is_sorted || keys.last().is_some_and(|(_, position)| *position >= header.size()) {
        return Err(Ignored::Unfit("the requests are not in order"));
    }
    let both = |one: &mut (dyn FnMut() + Send), other: &mut (dyn FnMut() + Send)| {
        thread::scope(|scope| {
            scope.spawn(other);
            one();
        });
    };
    let register = image.finish(rules, &both)?;
    Ok((register, RequestIndex::of_keys(keys.into_iter())))
}

fn read_section(
    file: &SnapshotReader,
    header: &Header,
    entry: &Entry,
    bytes: &mut Vec<u8>,
) -> Result<Read, Ignored> {
    file.section(entry, bytes)?;
    if entry.part == REQUESTS {
        let (keys, rest) = bytes.as_chunks::<16>();
        if !rest.is_empty() {
            return Err(Ignored::Unfit("a request is cut off"));
        }
        let key = |key: &[u8; 16]| {
            let number = u128::from_le_bytes(*key);
            #[allow(clippy::cast_possible_truncation)] // the lower half
            let hash = number as u64;
            (hash, u64::try_from(number >> 64).unwrap_or(u64::MAX))
        };
        return Ok(Read::Requests(keys.iter().map(key).collect()));
    }
    let part = part_of(entry.part).ok_or(Ignored::Unfit("a part is not known"))?;
    Ok(Read::Register(SectionRead::read(&header.image, part, bytes)?))
}
