//! Redaction: erases the content of an annulled event from a log that no server uses, and from
//! archives of that log.
//!
//! The store keeps old values in its files, so the whole log is rewritten beside it and takes its
//! place. Every leaf hash stays, and with it the root. The withheld place keeps the structure of
//! the log and whom the event concerned: filters, digests and repeated requests go on as before.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use prost::Message as _;
use uuid::Uuid;

use super::{ArchiveError, BuiltLog, Header, LogBuilder, copies};
use crate::{
    catalogue_files::CatalogueFiles,
    domain::{self, catalogue::Catalogues, characters::require_visible},
    lang::{say, word},
    ledger::{place, rebuild, state::State},
    limits::{IMPORT_GROUP_BYTES, REBUILD_BATCH_BYTES, REDACTION_REASON_BYTES_MAX},
    log::{self, Appended, Chunk, CommitLog, FORMAT_SECOND, Group, HashBlock, LeafAt, LogError},
    merkle::Hash,
    protocol::{leaf::Withheld, withheld},
    register::{Register, RulesBook},
};

/// A redaction that was checked, and has changed nothing so far.
pub struct Redaction {
    directory: PathBuf,
    files: CatalogueFiles,
    log: Arc<dyn CommitLog>,
    root: Hash,
    /// The format of the log from now on.
    format: u16,
    position: u64,
    /// The content of each withheld place of the log from now on.
    places: Places,
    /// True if the log has withheld the event before; only archives are rewritten then.
    is_done: bool,
    archives: Vec<PathBuf>,
}

/// The content of withheld places, by position.
pub(super) type Places = BTreeMap<u64, Withheld>;

impl Redaction {
    /// Checks a redaction of the event at a position. `archives` are files or backup directories of
    /// the same log that are to be rewritten.
    ///
    /// # Errors
    /// [`ArchiveError::NotRedactable`] with the reason; every error of a log or archive.
    pub fn prepare(
        files: CatalogueFiles,
        directory: &Path,
        position: u64,
        reason: &str,
        archives: &[PathBuf],
    ) -> Result<Self, ArchiveError> {
        require_reason(reason)?;
        if !log::is_in(directory) {
            return Err(ArchiveError::NoLog(directory.to_path_buf()));
        }
        let (log, found) = log::open(directory, Uuid::nil())?;
        let expected = found.map(|mark| (mark.size, mark.root));
        let (root, state, catalogues) = rebuilt(&*log, &files, expected)?;
        let format = state.format().max(FORMAT_SECOND);
        let register = register_of(state)?;
        require_redactable(&register, position, archives)?;
        let is_done = register.is_withheld(position);
        let before = Before { log: &*log, files: &files, root, register, catalogues };
        let places = before.places(position, reason, is_done)?;
        // A redaction can change other places too, and copies may lack those of earlier ones.
        let annulled = |at: &u64| before.register.annulled_at(*at).map(|by| (*at, by));
        let annulled: BTreeMap<_, _> = places.keys().filter_map(annulled).collect();
        let archives = copies::find(archives, log.id(), log.size(), &annulled)?;
        let directory = directory.to_path_buf();
        Ok(Self { directory, files, log, root, format, position, places, is_done, archives })
    }

    /// True if the log has withheld the event before. Only archives are rewritten then.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.is_done
    }

    /// The archives that will be rewritten.
    #[must_use]
    pub fn archives(&self) -> &[PathBuf] {
        &self.archives
    }

    /// Erases the content. The log at its end is the one before, but for that.
    ///
    /// # Errors
    /// Every error of a log or archive. After any error, the next opening of the log finishes or
    /// undoes the redaction of the store.
    pub fn run(self) -> Result<BuiltLog, ArchiveError> {
        let (id, size) = (self.log.id(), self.log.size());
        if !self.is_done {
            self.rewrite(id, size)?;
        }
        // Opening puts the rewritten log into the place of the old one.
        drop(self.log);
        let built = super::verified(&self.directory, self.files)?;
        if (built.log_id, built.size, built.root) != (Some(id), size, self.root) {
            let detail = "the rewritten log has another root; restore it from a backup";
            return Err(LogError::damaged(self.position, detail).into());
        }
        self.archives.iter().try_for_each(|path| copies::rewrite(path, &self.places))?;
        Ok(built)
    }

    /// Builds the rewritten log beside the old one, and decides that it takes its place.
    fn rewrite(&self, log_id: Uuid, size: u64) -> Result<(), ArchiveError> {
        let name = word!(en: "the rewritten log", zh: "重写后的日志");
        let header = Header { format: self.format, log_id, first: 0, next: size, root: self.root };
        let view = View::new(&*self.log, &self.places);
        let mut builder = LogBuilder::rewriting(self.files.clone(), &self.directory);
        builder.require_format_min(self.log.format());
        builder.begin(name, &header)?;
        let mut position = 0;
        while position < size {
            for leaf in view.read(position, IMPORT_GROUP_BYTES)?.iter().flat_map(Chunk::leaves) {
                builder.frame(&leaf.as_frame())?;
                position = leaf.position + 1;
            }
        }
        builder.end(name, &header)?;
        // A version that does not know withheld places must no longer write to the old store.
        self.log.append(size, &Group { format: self.format, ..Group::default() })?;
        builder.finish().map(drop)
    }
}

fn require_reason(reason: &str) -> Result<(), ArchiveError> {
    let has_length = !reason.trim().is_empty() && reason.len() <= REDACTION_REASON_BYTES_MAX;
    if !has_length || require_visible(reason).is_err() {
        return Err(ArchiveError::NotRedactable(say!(
            en: "the reason must have 1 to {REDACTION_REASON_BYTES_MAX} bytes, without control \
                 characters, line breaks or invisible characters",
            zh: "原因应为 1 至 {REDACTION_REASON_BYTES_MAX} 字节，不得含控制字符、换行或不可见字符"
        )));
    }
    Ok(())
}

fn require_redactable(
    register: &Register,
    position: u64,
    archives: &[PathBuf],
) -> Result<(), ArchiveError> {
    let refused = |why: &str| {
        Err(ArchiveError::NotRedactable(say!(
            en: "event {position} {why}", zh: "事件 {position} {why}"
        )))
    };
    if position >= register.size() {
        let size = register.size();
        return refused(&say!(
            en: "is not recorded; the log has {size} events",
            zh: "尚未写入；日志有 {size} 个事件"
        ));
    }
    if register.is_withheld(position) && archives.is_empty() {
        return refused(word!(
            en: "is redacted already; name archives with --archive to redact these too",
            zh: "此前已抹除；如需同时抹除备份或导出，请用 --archive 指定"
        ));
    }
    if register.is_annulment(position) {
        return refused(word!(
            en: "is an annulment; without it, the event that it annuls would be in force",
            zh: "是一条作废记录；抹除后，被作废的事件将重新有效"
        ));
    }
    if register.corrects_a_link(position) {
        return refused(word!(
            en: "corrects a link of two identifiers; without it, events would concern others",
            zh: "更正了两个代码的关联；抹除后，事件将归于其他认定对象"
        ));
    }
    if register.is_of_service(position) {
        return refused(word!(
            en: "is a fact of the service; later events are read by it",
            zh: "是服务自身的事实；读取其后的事件要用到它"
        ));
    }
    match register.annulled_at(position) {
        Some(_) => Ok(()),
        None => refused(word!(
            en: "is not annulled; only an annulled event can be redacted",
            zh: "尚未作废；只有已作废的事件才能抹除"
        )),
    }
}

/// The log before a redaction.
struct Before<'a> {
    log: &'a dyn CommitLog,
    files: &'a CatalogueFiles,
    root: Hash,
    register: Register,
    catalogues: Catalogues,
}

/// The root of a log, its state, and the catalogues that it adopted.
fn rebuilt(
    log: &dyn CommitLog,
    files: &CatalogueFiles,
    expected: Option<(u64, Hash)>,
) -> Result<(Hash, State, Catalogues), LogError> {
    let (state, catalogues) = rebuild(log, files, RulesBook::RELEASED, expected)?;
    Ok((state.frontier().root(), state, catalogues))
}

fn register_of(state: State) -> Result<Register, LogError> {
    let shared = || LogError::damaged(0, "the register of a log at rest is in use");
    state.into_register().ok_or_else(shared)
}

impl Before<'_> {
    /// The content of all withheld places once the event at a position is one of them.
    fn places(&self, position: u64, reason: &str, is_done: bool) -> Result<Places, ArchiveError> {
        let mut places = self.withheld()?;
        if is_done {
            return Ok(places);
        }
        let erased: BTreeSet<u64> = places.keys().copied().chain([position]).collect();
        let register = &self.register;
        for (at, place) in &mut places {
            let damaged = |detail| LogError::damaged(*at, detail);
            let kept = withheld::stored(&self.catalogues, place).map_err(damaged)?;
            let kept = register.renamed(*at, &kept, &erased);
            *place = withheld::with(&self.catalogues, std::mem::take(place), &kept);
        }
        let unknown = || LogError::damaged(position, "the event has a kind that is not known");
        let concerns = register.concerns(position, &erased).ok_or_else(unknown)?;
        let leaf = self.leaf(position)?;
        let hash = place::leaf_hash(position, &leaf.as_frame())?;
        let envelope = place::envelope(&leaf)?;
        let mut kept = domain::Withheld { concerns, derived: Vec::new() };
        let place = |kept: &_| withheld::place(&self.catalogues, &envelope, &hash, reason, kept);
        places.insert(position, place(&kept));
        // The log as it will be shows whom nobody could say any more that an event concerned.
        let end = Some((register.size(), self.root));
        let (_, after, _) = rebuilt(&View::new(self.log, &places), self.files, end)?;
        kept.derived = register.derived_concerns(&register_of(after)?, &erased);
        places.insert(position, place(&kept));
        if let Some(place) = places.values().find(|place| !withheld::fits(place)) {
            let at = place.position.unwrap_or_default();
            let count = place.derived.len();
            let why = say!(
                en: "event {position} cannot be redacted: whom {count} later events concern \
                     followed from event {at}, and that is more than its place can keep",
                zh: "事件 {position} 不能抹除：其后 {count} 个事件与谁有关取决于事件 {at}，\
                     超出其位置所能保留的内容"
            );
            return Err(ArchiveError::NotRedactable(why));
        }
        Ok(places)
    }

    fn leaf(&self, position: u64) -> Result<LeafAt, LogError> {
        let chunks = self.log.read(position, 1)?;
        let mut leaves = chunks.iter().flat_map(Chunk::leaves);
        let leaf = leaves.find(|leaf| leaf.position == position);
        leaf.ok_or_else(|| LogError::damaged(position, "an event is missing from the log"))
    }

    /// The places that are withheld so far.
    fn withheld(&self) -> Result<Places, LogError> {
        let mut places = Places::new();
        let mut position = 0;
        while position < self.log.size() {
            for chunk in self.log.read(position, REBUILD_BATCH_BYTES)? {
                let leaves = chunk.has_withheld().then(|| chunk.leaves()).into_iter().flatten();
                for leaf in leaves.filter(|leaf| leaf.withheld) {
                    places.insert(leaf.position, place::withheld_at(&leaf)?);
                }
                position = chunk.next();
            }
        }
        Ok(places)
    }
}

/// A log as it is with other withheld places. It can only be read.
struct View<'a> {
    log: &'a dyn CommitLog,
    places: BTreeMap<u64, (Bytes, Hash)>,
}

impl<'a> View<'a> {
    fn new(log: &'a dyn CommitLog, places: &Places) -> Self {
        let place = |(position, place): (&u64, &Withheld)| {
            let hash = withheld::leaf_hash(place).unwrap_or_default();
            (*position, (Bytes::from(place.encode_to_vec()), hash))
        };
        Self { log, places: places.iter().map(place).collect() }
    }

    /// A chunk with its withheld places. Longer places may take more than one chunk.
    fn chunks(&self, chunk: Chunk) -> Result<Vec<Chunk>, LogError> {
        if self.places.range(chunk.first()..chunk.next()).next().is_none() {
            return Ok(vec![chunk]);
        }
        place::rewritten(&chunk, |leaf| Ok(self.places.get(&leaf.position).cloned()))
    }
}

impl CommitLog for View<'_> {
    fn id(&self) -> Uuid {
        self.log.id()
    }

    fn size(&self) -> u64 {
        self.log.size()
    }

    fn append(&self, _base: u64, _group: &Group) -> Result<Appended, LogError> {
        Err(only_read())
    }

    fn read(&self, from: u64, bytes: usize) -> Result<Vec<Chunk>, LogError> {
        let chunks = self.log.read(from, bytes)?.into_iter().map(|chunk| self.chunks(chunk));
        Ok(chunks.collect::<Result<Vec<_>, _>>()?.concat())
    }

    fn hashes(&self, first: u64) -> Result<Option<HashBlock>, LogError> {
        self.log.hashes(first)
    }

    fn mark(&self, _size: u64, _root: Hash) -> Result<(), LogError> {
        Err(only_read())
    }
}

fn only_read() -> LogError {
    LogError::io("write to a view of a log", io::ErrorKind::ReadOnlyFilesystem.into())
}
