//! The machine's clock, which stamps commits.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use super::finding::Finding;
use crate::{
    files,
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
        return Finding::ok(id, format!("it made no step within {over:.1?}"));
    }
    let way = if clock.stepped_micros < 0 { "back" } else { "ahead" };
    let found = format!(
        "it stepped {way} by {stepped:.1?} within {over:.1?}; recorded times wait for a clock that \
         went back"
    );
    Finding::warn(id, found, SET)
}

/// `clock-keeper`: something sets it right.
pub(super) fn check_keeper(clock: &Clock) -> Finding {
    let id = "clock-keeper";
    match &clock.keeper {
        Some(keeper) => Finding::ok(id, format!("{keeper} keeps the clock")),
        None if clock.in_container => {
            Finding::ok(id, "the machine of this container keeps the clock; look there")
        }
        None => Finding::warn(id, "no program that keeps the clock runs on this machine", SET),
    }
}

/// `clock-record`: what is on record lies in the past. `last` names a thing and its time.
pub(super) fn check_record(clock: &Clock, last: Option<(&str, i64)>) -> Finding {
    let id = "clock-record";
    let Some((what, micros)) = last else {
        return Finding::ok(id, "nothing is on record that the clock could be compared with");
    };
    let ahead = micros.saturating_sub(clock.now_micros);
    let ahead = Duration::from_micros(u64::try_from(ahead).unwrap_or(0));
    if ahead > CLOCK_BEHIND_MAX {
        let found = format!(
            "{what} is {ahead:.1?} in the future; appends are refused until the clock is right"
        );
        return Finding::error(id, found, SET);
    }
    if ahead >= DOCTOR_CLOCK_STEP {
        return Finding::warn(id, format!("{what} is {ahead:.1?} in the future"), SET);
    }
    Finding::ok(id, format!("{what} is in the past"))
}

#[cfg(test)]
mod tests {
    use super::{super::finding::Level, *};

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
        let of = |stepped_micros| check_step(&Clock { stepped_micros, ..clock() });
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
        assert_eq!(check_keeper(&clock()).level, Level::Ok);
        let alone = Clock { keeper: None, ..clock() };
        assert_eq!(check_keeper(&alone).level, Level::Warn);
        assert_eq!(check_keeper(&Clock { in_container: true, ..alone }).level, Level::Ok);
    }

    #[test]
    fn the_record_lies_in_the_past() {
        let behind = i64::try_from(CLOCK_BEHIND_MAX.as_micros()).unwrap();
        let level = |ahead: i64| check_record(&clock(), Some(("it", NOW + ahead))).level;
        assert_eq!(level(-1), Level::Ok);
        assert_eq!(level(0), Level::Ok);
        assert_eq!(level(1_000_000), Level::Warn);
        assert_eq!(level(behind), Level::Warn, "at the bound");
        assert_eq!(level(behind + 1), Level::Error, "one past it");
        assert_eq!(check_record(&clock(), None).level, Level::Ok);
    }

    #[test]
    fn a_run_reads_both_clocks() {
        let looked = look(read());
        assert!(looked.now_micros > 0);
        assert!(looked.stepped_micros.unsigned_abs() < 1_000_000_000);
    }
}
