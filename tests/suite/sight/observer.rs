//! What is read at a scrape, each value set against what really is.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tidu::{
    cursors::{Change, CursorState, Cursors},
    ledger::Ledger,
    log::CommitLog as _,
    metrics::Metrics,
    operations::Observer,
};
use uuid::Uuid;

use crate::support::{Hands, MemoryLog, UnmarkedLog, commit, directory, list, open};

fn telemetry(metrics: &Metrics) {
    metrics.log_lines_dropped_total.reach(3);
    metrics.log_lines_left_out_total.reach(4);
    metrics.otlp_dropped_total.with(["traces"]).reach(5);
}

#[tokio::test]
async fn the_log_the_disk_and_lost_lines_are_observed() {
    let clock = Arc::new(Hands::default());
    let log = Arc::new(UnmarkedLog::default());
    let ledger = Arc::new(open(log, Arc::clone(&clock), Arc::default()));
    let dir = directory();
    let cursors = Arc::new(Cursors::open(dir.path()).unwrap());
    let metrics = Arc::clone(ledger.metrics());
    let observer = Observer::start(Arc::clone(&metrics), clock.clone(), telemetry).unwrap();
    observer.refresh().await;
    assert_eq!(metrics.log_lines_dropped_total.get(), 3, "before there is a ledger");
    assert_eq!(metrics.log_lines_left_out_total.get(), 4);
    assert_eq!(metrics.otlp_dropped_total.with(["traces"]).get(), 5);
    assert!(metrics.process_resident_memory_bytes.get() > 0);
    assert_eq!(metrics.disk_free_bytes.get(), 0);

    observer.serve(&ledger, &cursors);
    ledger.append(commit(list(1, 5))).await.unwrap();
    clock.1.fetch_add(60, Ordering::Relaxed);
    observer.refresh().await;
    assert_eq!(metrics.log_events.get(), 5);
    assert_eq!(metrics.mark_lag_events.get(), 5);
    assert_eq!(metrics.mark_age_seconds.get(), Duration::from_secs(60));
    assert_eq!(metrics.disk_free_bytes.get(), 7);
    assert_eq!(metrics.disk_reserve_bytes.get(), 8);
    assert_eq!(metrics.log_disk_bytes.get(), 9);
    assert_eq!((metrics.queue_commits.get(), metrics.queue_bytes.get()), (0, 0));
    let refused = |cause| metrics.appends_refused.with([cause]).get();
    let causes = ["DISK_LOW", "READ_ONLY", "DRAINING", "LOG_FAILED"];
    assert_eq!(causes.map(refused), [0; 4]);
    ledger.serve_reads_only("a test".to_owned());
    observer.refresh().await;
    assert_eq!(causes.map(refused), [0, 1, 0, 0]);

    // The ledger may end before the observer.
    let weak = Arc::downgrade(&ledger);
    drop(ledger);
    observer.refresh().await;
    assert!(weak.upgrade().is_none());
}

/// Three cursors of a log of ten events, and one of another log.
#[tokio::test]
async fn the_lag_of_cursors_is_observed() {
    let clock = Arc::new(Hands::default());
    let log = MemoryLog::default();
    let log_id = log.id();
    let ledger: Arc<Ledger> = Arc::new(open(Arc::new(log), Arc::clone(&clock), Arc::default()));
    let dir = directory();
    let cursors = Arc::new(Cursors::open(dir.path()).unwrap());
    let metrics: Arc<Metrics> = Arc::clone(ledger.metrics());
    let observer = Observer::start(Arc::clone(&metrics), clock.clone(), |_| {});
    let observer = observer.unwrap();
    observer.serve(&ledger, &cursors);
    const SECOND: i64 = 1_000_000;
    for (seconds, seed) in [(10, 1), (20, 2)] {
        clock.0.store(seconds * SECOND, Ordering::Relaxed);
        ledger.append(commit(list(seed, 5))).await.unwrap();
    }
    clock.0.store(25 * SECOND, Ordering::Relaxed);
    let create = async |id: &str, next_position, log_id| {
        let (created_micros, advanced_micros) = (1, None);
        let state = CursorState { next_position, log_id, created_micros, advanced_micros };
        cursors.change(id, Change::Create(state, bytes::Bytes::new())).await.unwrap();
    };
    create("a", 0, log_id).await;
    create("b", 7, log_id).await;
    create("c", 10, log_id).await;
    create("d", 3, Uuid::from_u128(9)).await;
    observer.refresh().await;
    let events = |id| metrics.cursor_lag_events.with([id]).get();
    let seconds = |id| metrics.cursor_lag_seconds.with([id]).get().as_secs();
    assert_eq!((metrics.cursors.get(), metrics.cursors_lag_events.get()), (4, 13));
    assert_eq!(["a", "b", "c"].map(events), [10, 3, 0]);
    assert_eq!(["a", "b", "c"].map(seconds), [15, 5, 0]);
    let text = metrics.encode(tidu::metrics::Format::Text);
    assert!(!text.contains("cursor=\"d\""), "its position means nothing in this log");

    let now_micros = 25 * SECOND;
    let advance = Change::Advance { next_position: 6, log_id, force: false, now_micros };
    cursors.change("a", advance).await.unwrap();
    cursors.change("b", Change::Delete).await.unwrap();
    clock.0.store(30 * SECOND, Ordering::Relaxed);
    observer.refresh().await;
    assert_eq!((metrics.cursors.get(), metrics.cursors_lag_events.get()), (3, 4));
    assert_eq!((events("a"), seconds("a")), (4, 10));
    let text = metrics.encode(tidu::metrics::Format::Text);
    assert!(!text.contains("cursor=\"b\""), "its series has gone with it");
}
