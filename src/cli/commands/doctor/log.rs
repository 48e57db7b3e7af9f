//! The files of the log: its mark, its store, its catalogues, and its last failures.

use std::{
    fs,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use super::{
    finding::{Finding, word},
    holder::{Holder, holder},
};
use crate::{
    archive::backup as archived,
    catalogue_files::{self, CatalogueFileError},
    cli::print::bytes,
    cursors,
    domain::text::hex,
    files,
    handover::{Standing, StandingError},
    lang::{say, word as said},
    limits::{FAILURES_MAX, FAILURES_WINDOW},
    log::{self, Examined, mark::HighWaterMark},
    server::failures::Failures,
};

/// The directory of the first generation of a backup.
const FIRST_GENERATION: &str = "generation-000001";

/// The files of a log.
#[derive(Debug)]
pub(super) struct LogFiles {
    pub(super) directory: PathBuf,
    /// There is a log, or there was one.
    pub(super) exists: bool,
    pub(super) holder: Holder,
    pub(super) mark: Result<Option<HighWaterMark>, String>,
    /// When the mark was written, in microseconds since 1970.
    pub(super) marked_micros: Option<i64>,
    /// What a start would find; `None` while a process has the log.
    pub(super) examined: Option<Result<Examined, String>>,
    /// The number of cursors, if there is a store of them; `None` while a process has the log.
    pub(super) cursors: Option<Result<Option<u64>, String>>,
    /// The files that tell its part; `None` while a process has the log.
    pub(super) standing: Option<Result<Standing, StandingError>>,
    /// The seconds since 1970 and the exit codes of the last failures.
    pub(super) failures: Vec<(u64, i32)>,
    /// The faults of the catalogue files, with the file.
    pub(super) catalogues: Vec<(PathBuf, String)>,
    /// How many catalogue files there are.
    pub(super) catalogue_count: usize,
}

/// Looks at the files. While nobody has the log, it reads the whole store.
pub(super) fn look(directory: &Path) -> LogFiles {
    let path = directory.join("MARK");
    let before = holder(directory);
    let is_at_rest = before == Holder::Nobody;
    let examined = is_at_rest.then(|| log::examine(directory));
    let cursors = is_at_rest.then(|| cursors::examine(directory));
    // A server that started meanwhile has changed the store while it was read.
    let after = holder(directory);
    let examined = examined.filter(|_| after == Holder::Nobody);
    let cursors = cursors.filter(|_| after == Holder::Nobody);
    let mut files = LogFiles {
        directory: directory.to_path_buf(),
        exists: log::is_in(directory),
        holder: after,
        mark: log::mark::peek(&path).map_err(|error| error.to_string()),
        marked_micros: written_micros(&path),
        examined: examined.map(|examined| examined.map_err(|error| error.to_string())),
        cursors: cursors.map(|cursors| cursors.map_err(|error| error.to_string())),
        standing: is_at_rest.then(|| Standing::of(directory)),
        failures: Failures::of(directory).noted(),
        catalogues: Vec::new(),
        catalogue_count: 0,
    };
    match catalogue_files::kept(directory) {
        Ok(kept) => {
            files.catalogue_count = kept.len();
            let faults = kept.into_iter().filter_map(Result::err);
            files.catalogues =
                faults.map(|error| (file_of(&error, directory), error.to_string())).collect();
        }
        Err(error) => files.catalogues.push((file_of(&error, directory), error.to_string())),
    }
    files
}

fn file_of(error: &CatalogueFileError, directory: &Path) -> PathBuf {
    match error {
        CatalogueFileError::Missing { path, .. }
        | CatalogueFileError::Changed { path, .. }
        | CatalogueFileError::Unusable { path, .. }
        | CatalogueFileError::Io { path, .. } => path.clone(),
        CatalogueFileError::Unknown(_) => directory.to_path_buf(),
    }
}

fn written_micros(path: &Path) -> Option<i64> {
    let written = fs::metadata(path).and_then(|metadata| metadata.modified()).ok()?;
    i64::try_from(written.duration_since(UNIX_EPOCH).ok()?.as_micros()).ok()
}

/// `failures`: the server did not fail again and again.
pub(super) fn check_failures(files: &LogFiles, now_micros: i64) -> Vec<Finding> {
    let id = "failures";
    if !files.exists {
        return Vec::new();
    }
    let now = u64::try_from(now_micros / 1_000_000).unwrap_or(0);
    let (window, minutes) = (FAILURES_WINDOW.as_secs(), FAILURES_WINDOW.as_secs() / 60);
    let recent = files.failures.iter().filter(|(at, _)| now.abs_diff(*at) <= window).count();
    let codes: Vec<_> = files.failures.iter().map(|(_, code)| code.to_string()).collect();
    let codes = codes.join(", ");
    let forget = format!("rm {}", word(&files.directory.join("FAILURES")));
    vec![match (files.failures.len(), recent) {
        (0, _) => {
            let found = said!(
                en: "the last server ended in order, or none has run",
                zh: "上次服务器正常结束，或尚未运行过"
            );
            Finding::ok(id, found)
        }
        (_, recent) if recent >= FAILURES_MAX => {
            let found = say!(
                en: "the server failed {recent} times within {minutes} minutes (exit codes \
                     {codes}): a start serves reads only; remove the cause first, which the log \
                     lines name",
                zh: "服务器在 {minutes} 分钟内故障 {recent} 次（退出码 {codes}）：再启动只提供读取；\
                     请先排除原因，见其日志行"
            );
            Finding::error(id, found, forget)
        }
        (all, _) => {
            let found = say!(
                en: "the server failed {all} times since it last ended in order (exit codes \
                     {codes}), {recent} of them in the last {minutes} minutes; its log lines name \
                     the cause",
                zh: "自上次正常结束以来服务器故障 {all} 次（退出码 {codes}），其中 {recent} 次在最近 \
                     {minutes} 分钟内；原因见其日志行"
            );
            Finding::warn(id, found, forget)
        }
    }]
}

/// `mark`: a loss below it would be noticed. `log_size` is that of the server, if one has this log.
pub(super) fn check_mark(files: &LogFiles, log_size: Option<u64>, restore: &str) -> Vec<Finding> {
    let id = "mark";
    if !files.exists {
        return Vec::new();
    }
    vec![match &files.mark {
        Err(why) => {
            let found = say!(en: "{why}; a start refuses the log", zh: "{why}；启动时会拒绝该日志");
            Finding::error(id, found, restore)
        }
        Ok(None) => {
            let found = said!(
                en: "there is no high-water mark, so the next start cannot notice a loss",
                zh: "没有高水位标记，下次启动无法发现丢失"
            );
            Finding::warn(id, found, restore)
        }
        Ok(Some(mark)) if log_size.is_some_and(|size| size < mark.size) => {
            let size = log_size.unwrap_or_default();
            let marked = mark.size;
            let found = say!(
                en: "the mark says {marked} events, the server has {size}",
                zh: "标记为 {marked} 个事件，而服务器有 {size} 个"
            );
            Finding::error(id, found, restore)
        }
        Ok(Some(mark)) => {
            let root = hex(&mark.root);
            let (id_of, size) = (mark.log_id, mark.size);
            let found = say!(
                en: "log {id_of} had {size} events, root {root}",
                zh: "日志 {id_of} 有 {size} 个事件，根哈希 {root}"
            );
            Finding::ok(id, found)
        }
    }]
}

/// `store`: a start would open it.
pub(super) fn check_store(files: &LogFiles, restore: &str) -> Vec<Finding> {
    let id = "store";
    let examined = match (&files.examined, files.exists) {
        (_, false) => return Vec::new(),
        (None, true) => {
            let found = said!(
                en: "not examined, because a process has the log; its start did that, and \
                     `tidu verify` reads every event",
                zh: "未检查：日志正由进程使用，启动时已检查过；tidu verify 会读取每个事件"
            );
            return vec![Finding::ok(id, found)];
        }
        (Some(examined), true) => examined,
    };
    vec![match examined {
        Err(why) => {
            let found = say!(en: "a start refuses it: {why}", zh: "启动时会被拒绝：{why}");
            Finding::error(id, found, restore)
        }
        Ok(Examined { torn_snapshot: Some(torn), store_bytes, .. }) => {
            let (torn, room) = (torn.display(), bytes(*store_bytes));
            let found = say!(
                en: "the store's snapshot {torn} is torn; a start recovers the store in a copy, \
                     which needs {room}",
                zh: "存储的快照 {torn} 不完整；启动时会在副本中恢复，需要 {room}"
            );
            Finding::warn(id, found, format!("tidu verify {}", word(&files.directory)))
        }
        Ok(examined) => Finding::ok(id, whole(examined, &word(&files.directory))),
    }]
}

/// A store that a start would open; `verify` is its directory as a word of a command.
fn whole(examined: &Examined, verify: &str) -> String {
    let Examined { leftovers, store_bytes, whole_events, .. } = examined;
    let (size, left) = (bytes(*store_bytes), leftovers.len());
    let more = match left {
        0 => String::new(),
        _ => say!(
            en: "; a start removes or finishes {left} interrupted files",
            zh: "；启动时会清除或完成 {left} 个中断的文件"
        ),
    };
    let events = match whole_events {
        Some(events) => say!(
            en: "it has a whole copy of each of the mark's {events} events",
            zh: "标记的 {events} 个事件都有完整副本"
        ),
        None => said!(en: "there is no mark to compare it with", zh: "没有可比对的标记").to_owned(),
    };
    say!(
        en: "every byte of its {size} can be read, no segment is missing, and {events}{more}; \
             `tidu verify {verify}` opens it and checks them",
        zh: "{size} 均可读取，没有缺少分段，{events}{more}；tidu verify {verify} 会打开并逐一校验"
    )
}

/// `cursors`: a start would open their store.
pub(super) fn check_cursors(files: &LogFiles) -> Vec<Finding> {
    let id = "cursors";
    let path = files.directory.join("cursors.redb");
    vec![match &files.cursors {
        None | Some(Ok(None)) => return Vec::new(),
        Some(Ok(Some(count))) => {
            let text = say!(
                en: "every page of cursors.redb is whole, with {count} cursors",
                zh: "cursors.redb 的每一页都完整，有 {count} 个游标"
            );
            Finding::ok(id, text)
        }
        Some(Err(why)) => {
            let shown = path.display();
            let text = say!(
                en: "a start refuses {shown}: {why}; without it, cursors must be made again",
                zh: "启动时会拒绝 {shown}：{why}；去掉它则须重新建立游标"
            );
            let aside = word(&files::beside(&path, ".aside"));
            Finding::error(id, text, format!("mv {} {aside}", word(&path)))
        }
    }]
}

/// `catalogues`: each file is what its name says, and none is missing. `missing` are the digests
/// that the served log has adopted and that need a file.
pub(super) fn check_catalogues(
    files: &LogFiles,
    missing: &[[u8; 32]],
    backup: Option<&Path>,
    server: &str,
) -> Vec<Finding> {
    let id = "catalogues";
    if !files.exists {
        return Vec::new();
    }
    let folder = files.directory.join("catalogues");
    let copied = |path: &Path, from: &Path| {
        let name = path.file_name().unwrap_or_default();
        let newest = archived::newest(from).ok().flatten();
        let from = newest.map_or_else(|| from.to_owned(), |newest| newest.path().to_owned());
        format!("cp {} {}", word(&from.join("catalogues").join(name)), word(path))
    };
    let mut found = Vec::new();
    for (path, why) in &files.catalogues {
        let aside = || format!("mv {} {}", word(path), word(&files::beside(path, ".aside")));
        let run = backup.map_or_else(aside, |backup| copied(path, backup));
        found.push(Finding::error(id, why.clone(), run));
    }
    for digest in missing {
        let shown = hex(digest);
        let text = say!(
            en: "the file of catalogue {shown} is missing, which the log has adopted; without it \
                 the next start refuses the log",
            zh: "缺少日志已采用的目录 {shown} 的文件；没有它，下次启动会拒绝该日志"
        );
        let path = catalogue_files::path_in(&files.directory, digest);
        let fetched = files::beside(&files.directory, ".copy");
        let fetch = || {
            let copy = word(&fetched);
            let begun = fetched.join(FIRST_GENERATION).join("catalogues");
            let (from, into) = (word(&begun), word(&folder));
            format!("tidu backup {copy} {server} && mkdir -p {into} && cp {from}/* {into}/")
        };
        let run = backup.map_or_else(fetch, |backup| copied(&path, backup));
        found.push(Finding::error(id, text, run));
    }
    if found.is_empty() {
        let count = files.catalogue_count;
        let text = match count {
            0 => said!(
                en: "no file of an adopted catalogue is needed", zh: "不需要已采用目录的文件"
            )
            .to_owned(),
            count => say!(
                en: "{count} files of adopted catalogues are what their names say",
                zh: "已采用目录的 {count} 个文件与其名称相符"
            ),
        };
        found.push(Finding::ok(id, text));
    }
    found
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{
        super::finding::{Level, told},
        *,
    };

    const NOW: i64 = 1_800_000_000_000_000;
    const SECOND: u64 = 1_800_000_000;

    fn files() -> LogFiles {
        let mark = HighWaterMark::new(Uuid::nil(), 9, [0; 32]);
        LogFiles {
            directory: "/data".into(),
            exists: true,
            holder: Holder::Nobody,
            mark: Ok(Some(mark)),
            marked_micros: Some(NOW),
            examined: Some(Ok(Examined::default())),
            cursors: None,
            standing: None,
            failures: Vec::new(),
            catalogues: Vec::new(),
            catalogue_count: 0,
        }
    }

    fn all(files: &LogFiles, missing: &[[u8; 32]]) -> Vec<Finding> {
        told(|| {
            let found = [
                check_failures(files, NOW),
                check_mark(files, Some(9), "mend"),
                check_store(files, "mend"),
                check_catalogues(files, missing, None, "--server http://127.0.0.1:1"),
            ];
            found.concat()
        })
    }

    #[test]
    fn a_log_in_order_is_well_and_none_is_nothing_to_say() {
        let levels = all(&files(), &[]).into_iter().map(|it| it.level);
        assert_eq!(levels.collect::<Vec<_>>(), [Level::Ok; 4]);
        let served = LogFiles { examined: None, ..files() };
        assert_eq!(told(|| check_store(&served, "mend"))[0].level, Level::Ok);
        assert!(all(&LogFiles { exists: false, ..files() }, &[]).is_empty());
    }

    #[test]
    fn failures_count_within_their_window() {
        let window = FAILURES_WINDOW.as_secs();
        let level = |ages: &[u64]| {
            let failures = ages.iter().map(|age| (SECOND - age, 74)).collect();
            let files = LogFiles { failures, ..files() };
            told(|| check_failures(&files, NOW))[0].level
        };
        assert_eq!(level(&[]), Level::Ok);
        assert_eq!(level(&[0]), Level::Warn);
        assert_eq!(level(&[window, 1, 0]), Level::Error, "at the bound");
        assert_eq!(level(&[window + 1, 1, 0]), Level::Warn, "one past it");
    }

    #[test]
    fn a_mark_that_is_missing_damaged_or_ahead_is_seen() {
        let level = |mark, size| {
            let files = LogFiles { mark, ..files() };
            told(|| check_mark(&files, size, "mend"))[0].level
        };
        assert_eq!(level(Ok(None), None), Level::Warn);
        assert_eq!(level(Err("damaged".to_owned()), None), Level::Error);
        let mark = || files().mark;
        assert_eq!(level(mark(), None), Level::Ok);
        assert_eq!(level(mark(), Some(10)), Level::Ok, "it may lag behind");
        assert_eq!(level(mark(), Some(8)), Level::Error, "it never runs ahead");
    }

    #[test]
    fn a_store_is_refused_or_recovered_or_well() {
        let of = |examined| {
            let files = LogFiles { examined: Some(examined), ..files() };
            told(|| check_store(&files, "mend"))
        };
        assert_eq!(of(Err("damaged".to_owned()))[0].level, Level::Error);
        let torn =
            Examined { torn_snapshot: Some("/data/log/snap.1".into()), ..Examined::default() };
        assert_eq!(of(Ok(torn))[0].level, Level::Warn);
        let left = Examined { leftovers: vec!["/data/log.new".into()], ..Examined::default() };
        let found = &of(Ok(left))[0];
        assert!(found.level == Level::Ok && found.found.contains("1 interrupted"), "{found}");
    }

    #[test]
    fn cursors_that_a_start_refuses_are_put_aside() {
        let of = |cursors| {
            let files = LogFiles { cursors, ..files() };
            told(|| check_cursors(&files))
        };
        assert!(of(None).is_empty() && of(Some(Ok(None))).is_empty());
        assert_eq!(of(Some(Ok(Some(2))))[0].level, Level::Ok);
        let damaged = &of(Some(Err("torn".to_owned())))[0];
        let run = "mv /data/cursors.redb /data/cursors.redb.aside";
        assert_eq!((damaged.level, damaged.run.as_deref()), (Level::Error, Some(run)));
    }

    #[test]
    fn catalogue_files_that_are_changed_or_missing_are_copied_from_a_backup() {
        let changed = LogFiles {
            catalogues: vec![("/data/catalogues/a.toml".into(), "changed".to_owned())],
            ..files()
        };
        let run = |files: &LogFiles, missing: &[[u8; 32]], backup: Option<&str>| {
            let backup = backup.map(Path::new);
            let found = check_catalogues(files, missing, backup, "--server http://127.0.0.1:1");
            assert_eq!(found[0].level, Level::Error);
            found[0].run.clone().unwrap()
        };
        let aside = "mv /data/catalogues/a.toml /data/catalogues/a.toml.aside";
        assert_eq!(run(&changed, &[], None), aside);
        let copied = "cp /backup/catalogues/a.toml /data/catalogues/a.toml";
        assert_eq!(run(&changed, &[], Some("/backup")), copied);
        assert!(
            run(&files(), &[[7; 32]], None)
                .starts_with("tidu backup /data.copy --server http://127.")
        );
        assert!(run(&files(), &[[7; 32]], Some("/backup")).starts_with("cp /backup/catalogues/07"));
    }
}
