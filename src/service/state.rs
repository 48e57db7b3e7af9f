//! The state of the server in the answer to GetStatus: its room, its memory, its start, its work.

use std::{path::Path, time::Duration};

use super::recent::Work;
use crate::{files, ledger::Ledger, protocol::pb};

/// Most bytes of a file of /proc that is read.
const PROCESS_BYTES_MAX: usize = 64 * 1024;

/// An answer that has the state alone. It asks the file system: run it on a thread that may block.
pub(super) fn of(ledger: &Ledger, work: Work) -> pb::GetStatusResponse {
    let metrics = ledger.metrics();
    let (disk, unread) = (ledger.observe().disk, ledger.unread());
    let start = metrics.start_duration_seconds.get();
    let number = |count: u64| Some(u32::try_from(count).unwrap_or(u32::MAX));
    pb::GetStatusResponse {
        appends_refused: ledger.appends_refused().unwrap_or_default(),
        stored_bytes: Some(metrics.log_stored_bytes.get()),
        disk_bytes: disk.map(|disk| disk.used),
        disk_free_bytes: disk.map(|disk| disk.free),
        disk_reserve_bytes: disk.map(|disk| disk.reserve),
        memory_bytes: memory_bytes(),
        replayed_events: Some(metrics.replayed_events.get()),
        trusted_events: Some(unread.trusted),
        verified_events: Some(unread.verified),
        start_duration: Some(start).filter(|start| !start.is_zero()).and_then(duration),
        questions_running: number(metrics.questions_running.get()),
        questions_waiting: number(metrics.questions_waiting.get()),
        recent_work: Some(pb::RecentWork {
            window: duration(work.window),
            event_count: work.events,
            call_count: work.calls,
        }),
        ..Default::default()
    }
}

/// `None` for a duration that the message cannot hold.
fn duration(duration: Duration) -> Option<prost_types::Duration> {
    duration.try_into().ok()
}

/// Resident memory of this process, where the system tells it.
fn memory_bytes() -> Option<u64> {
    let status = files::read_text(Path::new("/proc/self/status"), PROCESS_BYTES_MAX).ok()?;
    resident(&status)
}

fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_read() {
        let status = "Name:\ttidu\nVmSize:\t  99 kB\nVmRSS:\t    1234 kB\nThreads:\t9\n";
        assert_eq!(resident(status), Some(1234 * 1024));
        assert_eq!(resident("Name:\tkthreadd\n"), None);
        assert!(memory_bytes().is_none_or(|bytes| bytes > 1024 * 1024));
    }
}
