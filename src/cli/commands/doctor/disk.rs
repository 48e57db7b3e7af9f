//! The file system of the data directory: its kind, its room, and how long a sync takes.

use std::{
    fs,
    io::{self, Seek as _, SeekFrom, Write as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use super::finding::{Finding, word};
use crate::{
    cli::print::bytes,
    files,
    lang::{say, word as said},
    limits::{
        DOCTOR_DAYS_LEFT_ERROR, DOCTOR_DAYS_LEFT_WARN, DOCTOR_GROWTH_BYTES_MIN,
        DOCTOR_GROWTH_EVENTS_MIN, DOCTOR_GROWTH_WINDOW_MIN, DOCTOR_SYNC_BYTES, DOCTOR_SYNC_FAILING,
        DOCTOR_SYNC_SLOW, DOCTOR_SYNC_UNREAL, DOCTOR_SYNCS, DOCTOR_SYNCS_DURATION_MAX,
        FLUSH_DURATION_MAX,
    },
};

/// Why a file system keeps less than a sync promises.
#[derive(Clone, Copy)]
enum Lost {
    WithMachine,
    WithContainer,
    ByServer,
    ByServerWithLocks,
    ByProgram,
}

/// File systems that keep less than a sync promises, by their numbers.
const UNSAFE: [(u64, &str, Lost); 8] = [
    (0x0102_1994, "tmpfs", Lost::WithMachine),
    (0x8584_58F6, "ramfs", Lost::WithMachine),
    (0x794C_7630, "overlay", Lost::WithContainer),
    (0x6969, "NFS", Lost::ByServerWithLocks),
    (0xFF53_4D42, "CIFS", Lost::ByServer),
    (0xFE53_4D42, "SMB", Lost::ByServer),
    (0x6573_5546, "FUSE", Lost::ByProgram),
    (0x0102_1997, "9P", Lost::ByServer),
];

impl Lost {
    fn said(self) -> &'static str {
        match self {
            Self::WithMachine => {
                said!(en: "it is lost when the machine stops", zh: "关机后内容丢失")
            }
            Self::WithContainer => {
                said!(en: "it is lost with its container", zh: "内容随容器一起丢失")
            }
            Self::ByServer => said!(
                en: "its server may confirm a sync that reached no disk",
                zh: "其服务器可能在未落盘时确认同步"
            ),
            Self::ByServerWithLocks => said!(
                en: "its server may confirm a sync that reached no disk, and its locks may fail",
                zh: "其服务器可能在未落盘时确认同步，文件锁也可能失效"
            ),
            Self::ByProgram => said!(
                en: "its program may confirm a sync that reached no disk",
                zh: "其程序可能在未落盘时确认同步"
            ),
        }
    }
}

/// File systems on which a sync does what it promises.
const SAFE: [(u64, &str); 5] = [
    (0xEF53, "ext4"),
    (0x5846_5342, "XFS"),
    (0x9123_683E, "Btrfs"),
    (0x2FC1_2FC1, "ZFS"),
    (0xF2F5_2010, "F2FS"),
];

/// The room of a disk.
#[derive(Clone, Debug)]
pub(super) struct Room {
    /// The data directory, or the nearest directory above it that exists.
    pub(super) directory: PathBuf,
    /// Where its file system begins.
    pub(super) mount: PathBuf,
    pub(super) disk: Result<files::Disk, String>,
}

pub(super) fn look(data: &Path) -> Room {
    let directory = data.ancestors().find(|path| path.is_dir()).unwrap_or(Path::new("."));
    let disk = files::disk(directory).map_err(|error| error.to_string());
    Room { directory: directory.to_path_buf(), mount: mount(directory), disk }
}

/// The topmost directory above a path on the same file system.
fn mount(directory: &Path) -> PathBuf {
    let device = |path: &Path| fs::metadata(path).map(|metadata| metadata.dev());
    let path = directory.canonicalize().unwrap_or_else(|_| directory.to_path_buf());
    let same = path.ancestors().take_while(
        |above| matches!((device(above), device(&path)), (Ok(above), Ok(own)) if above == own),
    );
    same.last().unwrap_or(&path).to_path_buf()
}

/// `file-system`: a sync on it is one.
pub(super) fn check_kind(room: &Room, data: &Path) -> Finding {
    let id = "file-system";
    let shown = room.mount.display();
    let disk = match &room.disk {
        Ok(disk) => disk,
        Err(why) => {
            let found = say!(
                en: "the file system of {shown} does not tell its kind: {why}",
                zh: "无法得知 {shown} 的文件系统类型：{why}"
            );
            return Finding::warn(id, found, format!("df -hT {}", word(&room.directory)));
        }
    };
    if let Some((_, name, why)) = UNSAFE.iter().find(|(kind, ..)| *kind == disk.kind) {
        let why = why.said();
        let found = say!(
            en: "{shown} is {name}: {why}; move the data directory to a local disk while no server \
                 runs",
            zh: "{shown} 是 {name}：{why}；请在停止服务器后把数据目录移到本地磁盘"
        );
        let (data, target) = (word(data), "/var/lib/tidu");
        return Finding::warn(id, found, format!("sudo cp -a {data} {target}"));
    }
    let name = SAFE.iter().find(|(kind, _)| *kind == disk.kind);
    let name = name.map_or_else(
        || say!(en: "of kind {:#x}", zh: "类型 {:#x}", disk.kind),
        |(_, name)| (*name).to_owned(),
    );
    Finding::ok(id, say!(en: "{shown} is {name}", zh: "{shown} 是 {name}"))
}

/// `space`: there is room above the reserve.
pub(super) fn check_space(room: &Room, reserve: u64) -> Vec<Finding> {
    let id = "space";
    let Ok(disk) = &room.disk else { return Vec::new() };
    let mount = word(&room.mount);
    let largest = format!("sudo du -xh --max-depth=3 {mount} | sort -h | tail -n 20");
    let (free, shown) = (disk.free_bytes, room.mount.display());
    let (left, all, kept) = (bytes(free), bytes(disk.bytes), bytes(reserve));
    let text = say!(
        en: "{shown} has {left} free of {all}; {kept} stay in reserve",
        zh: "{shown} 共 {all}，剩余 {left}，其中保留 {kept}"
    );
    if disk.free_files == Some(0) {
        let found = say!(en: "{shown} can hold no more files", zh: "{shown} 不能再存放文件");
        let run = format!("sudo du -x --inodes --max-depth=3 {mount} | sort -n | tail -n 20");
        return vec![Finding::error(id, found, run)];
    }
    vec![if free < reserve {
        let found = say!(
            en: "{text}: appends are refused; remove what is large",
            zh: "{text}：拒绝写入；请清理大文件"
        );
        Finding::error(id, found, largest)
    } else if free < reserve.saturating_mul(2) {
        let found = say!(
            en: "{text}: it is nearly reached; remove what is large",
            zh: "{text}：即将用到保留空间；请清理大文件"
        );
        Finding::warn(id, found, largest)
    } else {
        Finding::ok(id, text)
    }]
}

/// How the log grows, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Growth {
    /// Bytes of the log on the disk.
    pub(super) disk_bytes: u64,
    /// Its events.
    pub(super) events: u64,
    /// Events that were recorded in `over`.
    pub(super) recorded: u64,
    pub(super) over: Duration,
}

impl Growth {
    /// True if it tells anything. A young log takes room that no event needed, and a few events
    /// within seconds tell nothing about a day.
    fn is_known(self) -> bool {
        self.disk_bytes >= DOCTOR_GROWTH_BYTES_MIN
            && self.recorded >= DOCTOR_GROWTH_EVENTS_MIN
            && self.over >= DOCTOR_GROWTH_WINDOW_MIN
    }

    /// Bytes a day, if the log goes on like that.
    fn daily(self) -> u64 {
        let each = self.disk_bytes as f64 / self.events.max(1) as f64;
        let seconds = self.over.as_secs_f64().max(1.0);
        let daily = self.recorded as f64 / seconds * 86_400.0 * each;
        // Whatever does not fit is more than any disk has.
        Duration::try_from_secs_f64(daily).map_or(u64::MAX, |daily| daily.as_secs())
    }
}

/// `growth`: the room lasts for a while.
pub(super) fn check_growth(room: &Room, reserve: u64, growth: Growth) -> Vec<Finding> {
    let id = "growth";
    let Ok(disk) = &room.disk else { return Vec::new() };
    let size = bytes(growth.disk_bytes);
    if growth.recorded == 0 {
        let found = say!(
            en: "the log has {size} and does not grow just now", zh: "日志 {size}，目前没有增长"
        );
        return vec![Finding::ok(id, found)];
    }
    if !growth.is_known() {
        let (got, seconds) = (growth.recorded, growth.over.as_secs());
        let (least, window) = (bytes(DOCTOR_GROWTH_BYTES_MIN), DOCTOR_GROWTH_WINDOW_MIN.as_secs());
        let found = say!(
            en: "not known yet: the log has {size} and got {got} events within {seconds} s; a rate \
                 needs {least}, {DOCTOR_GROWTH_EVENTS_MIN} events and {window} s",
            zh: "尚不能判断：日志 {size}，{seconds} 秒内写入 {got} 个事件；计算增速需要 {least}、\
                 {DOCTOR_GROWTH_EVENTS_MIN} 个事件和 {window} 秒"
        );
        return vec![Finding::ok(id, found)];
    }
    let daily = growth.daily().max(1);
    let days = disk.free_bytes.saturating_sub(reserve) / daily;
    let (each_day, plural) = (bytes(daily), if days == 1 { "" } else { "s" });
    let text = say!(
        en: "the log has {size} and grows by {each_day} a day at the present rate: it reaches the \
             reserve in {days} day{plural}",
        zh: "日志 {size}，按目前速度每天增长 {each_day}：{days} 天后用到保留空间"
    );
    let run = || format!("df -h {}", word(&room.directory));
    let larger = say!(
        en: "{text}; give it a larger file system", zh: "{text}；请换用更大的文件系统"
    );
    vec![match days {
        0..DOCTOR_DAYS_LEFT_ERROR => Finding::error(id, larger, run()),
        DOCTOR_DAYS_LEFT_ERROR..DOCTOR_DAYS_LEFT_WARN => Finding::warn(id, larger, run()),
        _ => Finding::ok(id, text),
    }]
}

/// How long syncs took, in the order in which they were made.
#[derive(Debug)]
pub(super) enum Syncs {
    Done(Vec<Duration>),
    /// One has not come back.
    Stuck,
    Failed(String),
}

/// Writes and syncs a scratch file in a directory, and removes it.
pub(super) fn time_syncs(directory: &Path) -> Syncs {
    #[allow(clippy::disallowed_methods)] // a name that nothing has
    let path = directory.join(format!("doctor-{}", uuid::Uuid::new_v4()));
    let (ends, ended) = mpsc::channel();
    // A disk that hangs keeps the thread, not the doctor.
    let timing = move || {
        let timed = timed(&path);
        let _ = fs::remove_file(&path);
        let _ = ends.send(timed);
    };
    if let Err(error) = thread::Builder::new().name("doctor-syncs".to_owned()).spawn(timing) {
        return Syncs::Failed(error.to_string());
    }
    match ended.recv_timeout(DOCTOR_SYNCS_DURATION_MAX + FLUSH_DURATION_MAX) {
        Ok(Ok(times)) => Syncs::Done(times),
        Ok(Err(error)) => Syncs::Failed(error.to_string()),
        Err(_) => Syncs::Stuck,
    }
}

fn timed(path: &Path) -> io::Result<Vec<Duration>> {
    let mut file = files::create(path)?;
    file.write_all(&[0; DOCTOR_SYNC_BYTES])?;
    file.sync_all()?;
    let (began, mut times) = (now(), Vec::with_capacity(DOCTOR_SYNCS));
    while times.len() < DOCTOR_SYNCS && began.elapsed() < DOCTOR_SYNCS_DURATION_MAX {
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&[1; DOCTOR_SYNC_BYTES])?;
        let before = now();
        file.sync_data()?;
        times.push(before.elapsed());
    }
    Ok(times)
}

#[allow(clippy::disallowed_methods)] // measures the disk; no record depends on it
fn now() -> Instant {
    Instant::now()
}

/// `sync-latency`: the disk is quick enough, and not quicker than a disk can be.
pub(super) fn check_syncs(syncs: &Syncs, directory: &Path) -> Finding {
    let id = "sync-latency";
    let allowed = FLUSH_DURATION_MAX.as_secs();
    let devices = || "iostat -xd 1 5 || cat /proc/diskstats".to_owned();
    let times = match syncs {
        Syncs::Done(times) => times,
        Syncs::Stuck => {
            let found = say!(
                en: "a sync has not come back within {allowed} s, after which a server ends with \
                     exit code 74",
                zh: "有一次同步 {allowed} 秒内没有返回；遇此情况服务器会以退出码 74 结束"
            );
            return Finding::error(id, found, "sudo dmesg | tail -n 50");
        }
        Syncs::Failed(why) => {
            let shown = directory.display();
            let found = say!(
                en: "a file in {shown} cannot be synced: {why}",
                zh: "{shown} 中的文件无法同步：{why}"
            );
            return Finding::error(id, found, format!("df -hT {}", word(directory)));
        }
    };
    let mut sorted = times.clone();
    sorted.sort();
    let last = sorted.len().saturating_sub(1);
    let at = |part: usize| sorted.get((sorted.len() * part / 100).min(last)).copied();
    let (Some(half), Some(most)) = (at(50), at(99)) else {
        return Finding::ok(id, said!(en: "no sync was timed", zh: "没有测到同步用时"));
    };
    let count = times.len();
    let text = say!(
        en: "{count} syncs took {half:.1?} (p50) and {most:.1?} (p99); the watchdog allows \
             {allowed} s for each",
        zh: "{count} 次同步用时 {half:.1?}（p50）和 {most:.1?}（p99）；看门狗允许每次 {allowed} 秒"
    );
    if most >= DOCTOR_SYNC_FAILING {
        let found = say!(
            en: "{text}; the disk is too slow for a log", zh: "{text}；磁盘太慢，不适合存放日志"
        );
        Finding::error(id, found, devices())
    } else if most >= DOCTOR_SYNC_SLOW {
        let found = say!(en: "{text}; each commit waits for that", zh: "{text}；每次提交都要等待");
        Finding::warn(id, found, devices())
    } else if half < DOCTOR_SYNC_UNREAL {
        let found = say!(
            en: "{text}; no disk is that quick, so a power loss may take events",
            zh: "{text}；磁盘不可能这样快，断电可能丢失事件"
        );
        Finding::warn(id, found, format!("df -hT {}", word(directory)))
    } else {
        Finding::ok(id, text)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::finding::{Level, one_told, told},
        *,
    };

    const GIB: u64 = 1 << 30;

    fn room(kind: u64, free_bytes: u64) -> Room {
        let disk = files::Disk { kind, bytes: 100 * GIB, free_bytes, free_files: Some(9) };
        Room { directory: "/d/e".into(), mount: "/d".into(), disk: Ok(disk) }
    }

    #[test]
    fn file_systems_that_lose_a_sync_are_named() {
        let level = |kind| one_told(|| check_kind(&room(kind, GIB), Path::new("/d/e"))).level;
        for (kind, ..) in UNSAFE {
            assert_eq!(level(kind), Level::Warn, "{kind:#x}");
        }
        for kind in SAFE.map(|(kind, _)| kind).into_iter().chain([1]) {
            assert_eq!(level(kind), Level::Ok, "{kind:#x}");
        }
        let unknown = Room { disk: Err("no".to_owned()), ..room(1, 1) };
        assert_eq!(one_told(|| check_kind(&unknown, Path::new("/d/e"))).level, Level::Warn);
        assert!(check_space(&unknown, 1).is_empty());
    }

    #[test]
    fn space_is_compared_with_the_reserve() {
        let level = |free| told(|| check_space(&room(1, free), GIB))[0].level;
        assert_eq!(level(GIB - 1), Level::Error, "one byte below");
        assert_eq!(level(GIB), Level::Warn, "at the reserve");
        assert_eq!(level(2 * GIB - 1), Level::Warn);
        assert_eq!(level(2 * GIB), Level::Ok);
        let mut full = room(1, 50 * GIB);
        full.disk = full.disk.map(|disk| files::Disk { free_files: Some(0), ..disk });
        assert_eq!(told(|| check_space(&full, GIB))[0].level, Level::Error);
        full.disk = full.disk.map(|disk| files::Disk { free_files: None, ..disk });
        assert_eq!(check_space(&full, GIB)[0].level, Level::Ok, "Btrfs does not count them");
    }

    #[test]
    fn growth_is_compared_with_the_days_that_are_left() {
        // A GiB a day: each of a thousand events takes a MiB, and 1,024 come in a day.
        let growth = |recorded| Growth {
            disk_bytes: 1_000 << 20,
            events: 1_000,
            recorded,
            over: Duration::from_secs(86_400),
        };
        assert_eq!(growth(1_024).daily(), GIB);
        let of = |free, growth| told(|| check_growth(&room(1, free), GIB, growth)).remove(0);
        let level = |days| of(GIB * (1 + days), growth(1_024)).level;
        assert_eq!(level(DOCTOR_DAYS_LEFT_ERROR - 1), Level::Error);
        assert_eq!(level(DOCTOR_DAYS_LEFT_ERROR), Level::Warn);
        assert_eq!(level(DOCTOR_DAYS_LEFT_WARN - 1), Level::Warn);
        assert_eq!(level(DOCTOR_DAYS_LEFT_WARN), Level::Ok);
        assert_eq!(of(0, growth(0)).level, Level::Ok);
        let one = of(2 * GIB, growth(1_024));
        assert!(one.found.ends_with("in 1 day; give it a larger file system"), "{one}");
        let endless = Growth { events: 0, recorded: u64::MAX, ..growth(0) };
        assert_eq!(endless.daily(), u64::MAX);
    }

    #[test]
    fn growth_of_a_young_log_is_not_known_yet() {
        let least = Growth {
            disk_bytes: DOCTOR_GROWTH_BYTES_MIN,
            events: 1,
            recorded: DOCTOR_GROWTH_EVENTS_MIN,
            over: DOCTOR_GROWTH_WINDOW_MIN,
        };
        let found = |growth| told(|| check_growth(&room(1, 2 * GIB), GIB, growth)).remove(0);
        assert_eq!(found(least).level, Level::Error, "at the bounds");
        let moment = Duration::from_nanos(1);
        for growth in [
            Growth { disk_bytes: least.disk_bytes - 1, ..least },
            Growth { recorded: least.recorded - 1, ..least },
            Growth { over: least.over - moment, ..least },
        ] {
            let young = found(growth);
            assert_eq!(young.level, Level::Ok, "{young}");
            assert!(young.found.starts_with("not known yet"), "{young}");
        }
    }

    #[test]
    fn syncs_are_judged_by_their_percentiles() {
        let judged = |syncs: &Syncs| one_told(|| check_syncs(syncs, Path::new("/d"))).level;
        let level = |times: &[Duration]| judged(&Syncs::Done(times.to_vec()));
        let all = |time| level(&[time; 100]);
        let moment = Duration::from_nanos(1);
        assert_eq!(all(Duration::from_millis(1)), Level::Ok);
        assert_eq!(all(DOCTOR_SYNC_SLOW - moment), Level::Ok);
        assert_eq!(all(DOCTOR_SYNC_SLOW), Level::Warn);
        assert_eq!(all(DOCTOR_SYNC_FAILING), Level::Error);
        assert_eq!(all(DOCTOR_SYNC_UNREAL), Level::Ok);
        assert_eq!(all(DOCTOR_SYNC_UNREAL - moment), Level::Warn);
        assert_eq!(level(&[]), Level::Ok);
        let mut one_slow = [Duration::from_millis(1); 100];
        one_slow[50] = DOCTOR_SYNC_FAILING;
        assert_eq!(level(&one_slow), Level::Error, "one of a hundred is the 99th percentile");
        for syncs in [Syncs::Stuck, Syncs::Failed("no".to_owned())] {
            assert_eq!(judged(&syncs), Level::Error);
        }
    }

    #[test]
    fn a_scratch_file_is_synced_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let Syncs::Done(times) = time_syncs(dir.path()) else { panic!("it cannot be synced") };
        assert!(!times.is_empty() && times.len() <= DOCTOR_SYNCS);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        let missing = time_syncs(&dir.path().join("nowhere"));
        assert!(matches!(missing, Syncs::Failed(_)));
    }

    #[test]
    fn the_disk_of_a_directory_to_come_is_that_of_the_one_above() {
        let dir = tempfile::tempdir().unwrap();
        let room = look(&dir.path().join("a/b"));
        assert_eq!(room.directory, dir.path());
        assert!(room.disk.is_ok() && dir.path().starts_with(&room.mount));
    }
}
