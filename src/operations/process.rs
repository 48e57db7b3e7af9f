//! This process, as the system sees it. It takes five calls of the system, however many files,
//! threads or streams there are.

use std::{fs, path::Path, time::Duration};

use rustix::{
    param::{clock_ticks_per_second, page_size},
    process::{Resource, getrlimit},
    time::{ClockId, clock_gettime},
};

use crate::{
    files,
    limits::{PROCESS_FDS_PAUSE, PROCESS_STAT_BYTES_MAX},
    metrics::Metrics,
};

/// Observes this process.
#[derive(Debug, Default)]
pub(super) struct Process {
    /// Since 1970. It is computed once, so that a clock that is set does not move it.
    started: Option<Duration>,
    /// Observations until open files are counted one by one again.
    pause: u32,
}

impl Process {
    /// Reads the metrics of the process. What the system does not tell stays as it is.
    pub(super) fn observe(&mut self, metrics: &Metrics, now: Duration) {
        metrics.process_cpu_seconds_total.reach(elapsed(ClockId::ProcessCPUTime));
        if let Some(most) = getrlimit(Resource::Nofile).current {
            metrics.process_max_fds.set(most);
        }
        if let Some(open) = self.open_files() {
            metrics.process_open_fds.set(open);
        }
        let Some(stat) = Stat::read() else { return };
        metrics.process_threads.set(stat.threads);
        metrics.process_virtual_memory_bytes.set(stat.virtual_bytes);
        metrics.process_resident_memory_bytes.set(stat.resident_pages * page_size() as u64);
        let started = self.started.get_or_insert_with(|| now.saturating_sub(stat.age()));
        metrics.process_start_time_seconds.set(*started);
    }

    /// Open files. Linux tells their number since version 6.2. Before, they must be counted, which
    /// takes long when there are many: that is done seldom.
    fn open_files(&mut self) -> Option<u64> {
        let directory = Path::new("/proc/self/fd");
        match fs::metadata(directory).ok()?.len() {
            0 if self.pause > 0 => {
                self.pause -= 1;
                None
            }
            0 => {
                self.pause = PROCESS_FDS_PAUSE;
                Some(fs::read_dir(directory).ok()?.count() as u64)
            }
            open => Some(open),
        }
    }
}

/// Time since this process began, if the system tells.
pub fn age() -> Option<Duration> {
    Stat::read().map(|stat| stat.age())
}

/// Some fields of `/proc/self/stat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    threads: u64,
    /// When the process began, in ticks since the machine began.
    started_ticks: u64,
    virtual_bytes: u64,
    resident_pages: u64,
}

impl Stat {
    fn read() -> Option<Self> {
        let text = files::read_text(Path::new("/proc/self/stat"), PROCESS_STAT_BYTES_MAX);
        Self::parse(&text.ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        // The name of the process comes first. It can hold anything, brackets too.
        let (_, fields) = text.rsplit_once(')')?;
        // The first of these fields has the number 3.
        let field = |number: usize| fields.split_ascii_whitespace().nth(number - 3)?.parse().ok();
        Some(Self {
            threads: field(20)?,
            started_ticks: field(22)?,
            virtual_bytes: field(23)?,
            resident_pages: field(24)?,
        })
    }

    fn age(&self) -> Duration {
        let second = clock_ticks_per_second().max(1);
        let started = Duration::from_millis(self.started_ticks.saturating_mul(1_000) / second);
        elapsed(ClockId::Boottime).saturating_sub(started)
    }
}

fn elapsed(clock: ClockId) -> Duration {
    Duration::try_from(clock_gettime(clock)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_is_passed_over() {
        let numbers: Vec<String> = (4..=52).map(|number| (number * 10).to_string()).collect();
        let text = format!("7 (ti) du (x)) S {}\n", numbers.join(" "));
        let stat =
            Stat { threads: 200, started_ticks: 220, virtual_bytes: 230, resident_pages: 240 };
        assert_eq!(Stat::parse(&text), Some(stat));
        for cut in ["", "7 (tidu", "7 (tidu) S 1 2", "7 (tidu) S a b c d e f g h i j k l m n o p"] {
            assert_eq!(Stat::parse(cut), None, "{cut}");
        }
    }

    #[test]
    fn this_process_is_observed() {
        let (metrics, mut process) = (Metrics::new(), Process::default());
        let now = Duration::from_secs(2_000_000_000);
        process.observe(&metrics, now);
        assert!(metrics.process_threads.get() >= 1);
        assert!(metrics.process_open_fds.get() >= 3);
        assert!(metrics.process_max_fds.get() >= metrics.process_open_fds.get());
        let resident = metrics.process_resident_memory_bytes.get();
        assert!(resident > 1_000_000 && resident < metrics.process_virtual_memory_bytes.get());
        let started = metrics.process_start_time_seconds.get();
        assert!(started < now && now - started < Duration::from_secs(24 * 3_600));
        // A clock that is set meanwhile does not move the start.
        process.observe(&metrics, now + Duration::from_secs(9_999));
        assert_eq!(metrics.process_start_time_seconds.get(), started);
    }
}
