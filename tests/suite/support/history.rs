//! Opens a data directory as a server does and compares what it holds with what was recorded.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use bytes::Bytes;
use prost::Message as _;
use tidu::{
    catalogue_files::CatalogueFiles,
    cursors::{CursorError, Cursors},
    domain::catalogue::Catalogue,
    ledger::{Ledger, LedgerOptions},
    log::{CommitLog, LeafAt, LogError, SledLog},
    merkle::{self, Frontier, Hash},
    metrics::Metrics,
    protocol::leaf::Leaf,
    register::RulesBook,
};
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

use super::{
    events::list,
    ledger::{Hands, commit, salts},
};

/// An open that takes longer hangs.
const OPEN_DURATION_MAX: Duration = Duration::from_secs(120);

/// What was recorded: all leaves, and the root after each commit.
pub struct History {
    leaves: Vec<Bytes>,
    roots: BTreeMap<u64, Hash>,
}

impl History {
    pub fn new(leaves: Vec<Bytes>) -> Self {
        let mut frontier = Frontier::default();
        let mut roots = BTreeMap::from([(0, frontier.root())]);
        for bytes in &leaves {
            frontier.push(merkle::leaf_hash(bytes));
            let part = Leaf::decode(bytes.clone()).unwrap().commit.unwrap();
            if frontier.size() == part.first_position.unwrap() + u64::from(part.size) {
                roots.insert(frontier.size(), frontier.root());
            }
        }
        assert_eq!(roots.keys().next_back(), Some(&frontier.size()), "it ends with a commit");
        Self { leaves, roots }
    }

    pub fn size(&self) -> u64 {
        self.leaves.len() as u64
    }

    pub fn leaf(&self, position: usize) -> &Bytes {
        &self.leaves[position]
    }

    /// The root at the end of a commit; none within one.
    pub fn root(&self, size: u64) -> Option<Hash> {
        self.roots.get(&size).copied()
    }
}

/// What came of opening a data directory.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// So many events, each as it was recorded, and none of them from a commit that is torn.
    Same(u64),
    /// As it was recorded, but shorter than what had been acknowledged.
    Lost { size: u64 },
    /// It opened with something that was not recorded.
    Different(String),
    /// It was refused with this error.
    Refused(String),
    /// The process would have ended or hung.
    Broken(String),
}

/// The cursor of the workload.
pub const CURSOR: &str = "bank";

/// Opens the store of cursors and compares where the cursor stands with where it was said to.
pub fn cursor_verdict(data: &Path, acknowledged: u64, last: u64) -> Verdict {
    // Before the first store has its name there may be no directory yet; the log makes it.
    fs::create_dir_all(data).unwrap();
    let cursors = match Cursors::open(data) {
        Ok(cursors) => cursors,
        Err(error) => return Verdict::Refused(error.to_string()),
    };
    let found = cursors.get(CURSOR);
    cursors.close();
    match found {
        Ok((place, filter)) if place.next_position > last || filter != vec![7; 20_000] => {
            Verdict::Different(format!("{place:?}"))
        }
        Ok((place, _)) if place.next_position >= acknowledged => Verdict::Same(place.next_position),
        Ok((place, _)) => Verdict::Lost { size: place.next_position },
        Err(CursorError::NotFound(_)) if acknowledged == 0 => Verdict::Same(0),
        Err(error) => Verdict::Refused(error.to_string()),
    }
}

/// Opens `data` and compares. If `goes_on`, records a commit more, closes, and looks again.
pub fn verdict(data: &Path, history: &Arc<History>, acknowledged: u64, goes_on: bool) -> Verdict {
    let (tell, told) = mpsc::channel();
    let (data, history) = (data.to_owned(), Arc::clone(history));
    let opening = thread::Builder::new().name("opening".to_owned());
    let opening = opening.spawn(move || {
        let _ = tell.send(examine(&data, &history, acknowledged, goes_on));
    });
    let opening = opening.unwrap();
    match told.recv_timeout(OPEN_DURATION_MAX) {
        Ok(verdict) => verdict,
        Err(mpsc::RecvTimeoutError::Timeout) => Verdict::Broken("it hangs".to_owned()),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            let panic = opening.join().unwrap_err();
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
            Verdict::Broken(format!("panicked: {}", text.unwrap_or_default()))
        }
    }
}

fn examine(data: &Path, history: &History, acknowledged: u64, goes_on: bool) -> Verdict {
    let size = match compare(data, history, None) {
        Ok(size) if size < acknowledged => return Verdict::Lost { size },
        Ok(size) => size,
        Err(verdict) => return verdict,
    };
    if !goes_on {
        return Verdict::Same(size);
    }
    let more = match go_on(data) {
        Ok(more) => more,
        Err(error) => return Verdict::Refused(format!("after the first open: {error}")),
    };
    match compare(data, history, Some((size, &more))) {
        Ok(now) if now == size + more.len() as u64 => Verdict::Same(size),
        Ok(now) => Verdict::Lost { size: now },
        Err(verdict) => verdict,
    }
}

/// A runtime for one opening: the log is closed when it is gone.
fn runtime() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

/// Opens the log again, records a commit and gives what it added.
pub fn go_on(data: &Path) -> Result<Vec<Bytes>, LogError> {
    runtime().block_on(async {
        let log = Arc::new(SledLog::open(data, Uuid::nil())?);
        let ledger = ledger(Arc::<SledLog>::clone(&log))?;
        let before = usize::try_from(ledger.durable().size).unwrap();
        // Designees of its own, so that the rules have nothing against them.
        ledger.append(commit(list(2, 3))).await.unwrap();
        ledger.close();
        Ok(leaves(&*log)?.split_off(before))
    })
}

/// Opens the log and compares it with the history and, from a size on, with what was recorded after
/// it.
fn compare(data: &Path, history: &History, more: Option<(u64, &[Bytes])>) -> Result<u64, Verdict> {
    let (found, root) = read(data).map_err(|error| Verdict::Refused(error.to_string()))?;
    let size = found.len() as u64;
    let different = |what: String| Err(Verdict::Different(what));
    let (kept, more) = more.unwrap_or((size, &[]));
    let kept = usize::try_from(kept).unwrap();
    if kept > found.len() {
        return Ok(size);
    }
    if kept > history.leaves.len() || found[..kept] != history.leaves[..kept] {
        let same = found.iter().zip(&history.leaves).take_while(|(a, b)| a == b).count();
        return different(format!("of {kept} events only the first {same} are as recorded"));
    }
    if found[kept..] != *more {
        return different("the commit after the recovery is not as recorded".to_owned());
    }
    if more.is_empty() {
        match history.roots.get(&size) {
            None => return different(format!("{size} is in the middle of a commit")),
            Some(expected) if *expected != root => return different("another root".to_owned()),
            Some(_) => {}
        }
    }
    Ok(size)
}

/// All leaves of a log and the root that the ledger computed.
fn read(data: &Path) -> Result<(Vec<Bytes>, Hash), LogError> {
    let (found, root) = places(data)?;
    Ok((found.into_iter().map(|leaf| leaf.bytes).collect(), root))
}

/// All places of a log and the root that the ledger computed.
pub fn places(data: &Path) -> Result<(Vec<LeafAt>, Hash), LogError> {
    runtime().block_on(async {
        let log = Arc::new(SledLog::open(data, Uuid::nil())?);
        let found = places_of(&*log)?;
        let ledger = ledger(Arc::<SledLog>::clone(&log))?;
        let durable = ledger.durable();
        ledger.close();
        assert_eq!((durable.size, log.size()), (found.len() as u64, found.len() as u64));
        assert!(durable.format <= log.format(), "a leaf reached the disk before its format");
        Ok((found, durable.root))
    })
}

/// The ledger over a log, as the server opens it, with a clock that stands still.
pub fn ledger(log: Arc<SledLog>) -> Result<Ledger, LogError> {
    let expected = log.mark_found().map(|mark| (mark.size, mark.root));
    let catalogue = Arc::new(Catalogue::built_in());
    Ledger::open(LedgerOptions {
        log,
        expected,
        rules: RulesBook::RELEASED,
        catalogue,
        catalogue_files: CatalogueFiles::built_in(),
        clock: Arc::new(Hands::default()),
        salts: salts(),
        metrics: Metrics::new(),
        on_failure: Box::new(|why| panic!("{why}")),
    })
}

/// Every leaf of a log.
pub fn leaves(log: &dyn CommitLog) -> Result<Vec<Bytes>, LogError> {
    Ok(places_of(log)?.into_iter().map(|leaf| leaf.bytes).collect())
}

fn places_of(log: &dyn CommitLog) -> Result<Vec<LeafAt>, LogError> {
    let mut places = Vec::new();
    while (places.len() as u64) < log.size() {
        let chunks = log.read(places.len() as u64, 1 << 20)?;
        assert!(!chunks.is_empty(), "the log ends before its size");
        places.extend(chunks.iter().flat_map(tidu::log::Chunk::leaves));
    }
    Ok(places)
}
