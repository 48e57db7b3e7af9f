//! The machine's clock, which stamps commits.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use super::finding::Finding;
use crate::{
    files,
    lang::{say, word},
    limits::{CLOCK_BEHIND_MAX, DOCTOR_CLOCK_STEP},
};

/// Programs that keep a clock, as the system shortens their names.
const KEEPERS: [&str; 7] =
    ["chronyd", "ntpd", "openntpd", "ntpsec", "systemd-timesyn", "ptp4l", "phc2sys"];
/// Made by systemd-timesyncd when the clock is right.
const SYNCHRONISED: &str = "/run/systemd/timesync/synchronized";
/// Sets the clock right and keeps it so.
const SET: &str = "sudo timedatectl set-ntp true";

/// A reading of both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// Microseconds since 1970.
    pub(super) wall_micros: i64,
    monotonic: Instant,
}

#[allow(clippy::disallowed_methods)] // looks at the clock itself; no record depends on it
pub(super) fn read() -> Reading {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let wall_micros = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
    Reading { wall_micros, monotonic: Instant::now() }
}

/// The clock during one run.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    /// Microseconds since 1970, at the end.
    pub(super) now_micros: i64,
    /// By how much it moved more than the monotonic one, in microseconds.
    pub(super) stepped_micros: i64,
    pub(super) over: Duration,
    /// The program that keeps it, if one runs here.
    pub(super) keeper: Option<String>,
    /// This is a container, whose machine keeps the clock.
    pub(super) in_container: bool,
}

pub(super) fn look(began: Reading) -> Clock {
    let (keeper, in_container) = (keeper(), in_container());
    let ended = read();
    let over = ended.monotonic.duration_since(began.monotonic);
    let passed = i64::try_from(over.as_micros()).unwrap_or(i64::MAX);
    let moved = ended.wall_micros.saturating_sub(began.wall_micros);
    let stepped_micros = moved.saturating_sub(passed);
    Clock { now_micros: ended.wall_micros, stepped_micros, over, keeper, in_container }
}

fn keeper() -> Option<String> {
    if Path::new(SYNCHRONISED).exists() {
        return Some("systemd-timesyncd".to_owned());
    }
    let processes = fs::read_dir("/proc").ok()?;
    let names = processes.flatten().filter_map(|process| {
        process.file_name().to_str()?.parse::<u32>().ok()?;
        files::read_text(&process.path().join("comm"), 64).ok()
    });
    let mut keepers = names.map(|name| name.trim().to_owned());
    keepers.find(|name| KEEPERS.contains(&name.as_str()))
}

fn in_container() -> bool {
    let marks = ["/.dockerenv", "/run/.containerenv", "/run/systemd/container"];
    marks.iter().any(|mark| Path::new(mark).exists())
        || std::env::var_os("KUBERNETES_SERVICE_HOST").is_some()
}

/// `clock-step`: the clock moves as time does.
pub(super) fn check_step(clock: &Clock) -> Finding {
    let id = "clock-step";
    let stepped = Duration::from_micros(clock.stepped_micros.unsigned_abs());
    let over = clock.over;
    if stepped < DOCTOR_CLOCK_STEP {
        let found = say!(
            en: "it made no step within {over:.1?}", zh: "{over:.1?} 内时钟没有跳变"
        );
        return Finding::ok(id, found);
    }
    let way = match clock.stepped_micros < 0 {
        true => word!(en: "back", zh: "后"),
        false => word!(en: "ahead", zh: "前"),
    };
    let found = say!(
        en: "it stepped {way} by {stepped:.1?} within {over:.1?}; recorded times wait for a clock \
             that went back",
        zh: "时钟在 {over:.1?} 内向{way}跳变了 {stepped:.1?}；时钟倒退时，写入要等它追上"
    );
    Finding::warn(id, found, SET)
}

/// `clock-keeper`: something sets it right.
pub(super) fn check_keeper(clock: &Clock) -> Finding {
    let id = "clock-keeper";
    match &clock.keeper {
        Some(keeper) => {
            Finding::ok(id, say!(en: "{keeper} keeps the clock", zh: "由 {keeper} 校准时钟"))
        }
        None if clock.in_container => {
            let found = word!(
                en: "the machine of this container keeps the clock; look there",
                zh: "时钟由此容器所在的机器校准，请在那里查看"
            );
            Finding::ok(id, found)
        }
        None => {
            let found = word!(
                en: "no program that keeps the clock runs on this machine",
                zh: "本机没有运行校准时钟的程序"
            );
            Finding::warn(id, found, SET)
        }
    }
}

/// `clock-record`: what is on record lies in the past. `last` names a thing and its time.
pub(super) fn check_record(clock: &Clock, last: Option<(&str, i64)>) -> Finding {
    let id = "clock-record";
    let Some((what, micros)) = last else {
        let found = word!(
            en: "nothing is on record that the clock could be compared with",
            zh: "没有可与时钟比对的记录"
        );
        return Finding::ok(id, found);
    };
    let ahead = micros.saturating_sub(clock.now_micros);
    let ahead = Duration::from_micros(u64::try_from(ahead).unwrap_or(0));
    if ahead > CLOCK_BEHIND_MAX {
        let found = say!(
            en: "{what} is {ahead:.1?} in the future; appends are refused until the clock is right",
            zh: "{what}比当前时钟晚 {ahead:.1?}；时钟校准之前拒绝写入"
        );
        return Finding::error(id, found, SET);
    }
    if ahead >= DOCTOR_CLOCK_STEP {
        let found = say!(
            en: "{what} is {ahead:.1?} in the future", zh: "{what}比当前时钟晚 {ahead:.1?}"
        );
        return Finding::warn(id, found, SET);
    }
    Finding::ok(id, say!(en: "{what} is in the past", zh: "{what}早于当前时钟"))
}

#[cfg(test)]
mod tests {
    use super::{
        super::finding::{Level, one_told},
        *,
    };

    const NOW: i64 = 1_800_000_000_000_000;

    fn clock() -> Clock {
        Clock {
            now_micros: NOW,
            stepped_micros: 0,
            over: Duration::from_secs(1),
            keeper: Some("chronyd".to_owned()),
            in_container: false,
        }
    }

    #[test]
    fn a_step_of_either_way_is_seen() {
        let step = i64::try_from(DOCTOR_CLOCK_STEP.as_micros()).unwrap();
        let of = |stepped_micros| one_told(|| check_step(&Clock { stepped_micros, ..clock() }));
        assert_eq!(of(0).level, Level::Ok);
        for stepped in [step - 1, 1 - step] {
            assert_eq!(of(stepped).level, Level::Ok);
        }
        assert!(of(step).found.contains("ahead") && of(step).level == Level::Warn);
        assert!(of(-step).found.contains("back") && of(-step).level == Level::Warn);
        assert_eq!(of(i64::MIN).level, Level::Warn);
    }

    #[test]
    fn somebody_must_keep_the_clock() {
        let level = |clock: &Clock| one_told(|| check_keeper(clock)).level;
        assert_eq!(level(&clock()), Level::Ok);
        let alone = Clock { keeper: None, ..clock() };
        assert_eq!(level(&alone), Level::Warn);
        assert_eq!(level(&Clock { in_container: true, ..alone }), Level::Ok);
    }

    #[test]
    fn the_record_lies_in_the_past() {
        let behind = i64::try_from(CLOCK_BEHIND_MAX.as_micros()).unwrap();
        let level =
            |ahead: i64| one_told(|| check_record(&clock(), Some(("it", NOW + ahead)))).level;
        assert_eq!(level(-1), Level::Ok);
        assert_eq!(level(0), Level::Ok);
        assert_eq!(level(1_000_000), Level::Warn);
        assert_eq!(level(behind), Level::Warn, "at the bound");
        assert_eq!(level(behind + 1), Level::Error, "one past it");
        assert_eq!(one_told(|| check_record(&clock(), None)).level, Level::Ok);
    }

    #[test]
    fn a_run_reads_both_clocks() {
        let looked = look(read());
        assert!(looked.now_micros > 0);
        assert!(looked.stepped_micros.unsigned_abs() < 1_000_000_000);
    }
}
