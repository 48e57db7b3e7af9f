//! The ledger over logs that wait and fail on command, without a network.

use std::sync::{Arc, atomic::Ordering};

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use prost::Message as _;
use tidu::{
    catalogue_files::CatalogueFiles,
    domain::{Principal, catalogue::Catalogue},
    ledger::{AppendError, Commit, Ledger, LedgerOptions, Unhurried},
    limits::EVENT_BYTES_MAX,
    log::{Chunk, ChunkWriter, CommitLog as _},
    metrics::Metrics,
    protocol::{
        leaf::{CommitOf, Leaf},
        time::timestamp,
    },
    register::RulesBook,
};

use crate::support::{GatedLog, Hands, MemoryLog, commit, list, open, salts};

#[tokio::test(flavor = "multi_thread")]
async fn durable_before_visible_an_append_under_way_is_unseen() {
    let log = Arc::new(GatedLog::default());
    let ledger = Arc::new(open(Arc::<GatedLog>::clone(&log), Arc::default(), Arc::default()));
    let mut watch = ledger.watch();
    let appending = {
        let ledger = Arc::clone(&ledger);
        tokio::spawn(async move { ledger.append(commit(list(1, 5))).await })
    };
    // The writer has decided the commit once the register holds it; it waits at the gate now.
    while ledger.register().size() < 5 {
        tokio::task::yield_now().await;
    }
    assert_eq!(ledger.durable().size, 0);
    assert!(!watch.has_changed().unwrap());
    assert!(ledger.chunks(0, 1).await.unwrap().is_empty());
    let id = commit(list(1, 1)).proposals.remove(0).event;
    let tidu::domain::event::Fact::Title { designee, .. } = id.fact else { panic!("a title") };
    assert_eq!(ledger.register().find(&designee, ledger.durable().size), None);
    assert!(!appending.is_finished());

    log.open_gate();
    assert_eq!(appending.await.unwrap().unwrap().next, 5);
    watch.changed().await.unwrap();
    assert_eq!(ledger.durable().size, 5);
    assert!(ledger.register().find(&designee, 5).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_is_decided_while_the_one_before_it_is_on_its_way() {
    let log = Arc::new(GatedLog::default());
    let ledger = Arc::new(open(Arc::<GatedLog>::clone(&log), Arc::default(), Arc::default()));
    let append = |events| {
        let ledger = Arc::clone(&ledger);
        tokio::spawn(async move { ledger.append(commit(events)).await })
    };
    let one = append(list(1, 5));
    while ledger.register().size() < 5 {
        tokio::task::yield_now().await;
    }
    // It rests on the first, which nobody sees yet: its designees are the same, so the rules say no
    // to it.
    let refused = append(list(1, 5));
    let two = append(list(1, 8).split_off(5));
    while ledger.register().size() < 8 {
        tokio::task::yield_now().await;
    }
    assert_eq!(ledger.durable().size, 0);
    assert!(!one.is_finished() && !two.is_finished() && !refused.is_finished());

    log.open_gate();
    assert_eq!(one.await.unwrap().unwrap().next, 5);
    let refusal = refused.await.unwrap().unwrap_err();
    assert!(matches!(refusal, AppendError::Rejected(_)), "{refusal}");
    assert_eq!(two.await.unwrap().unwrap().next, 8);
    assert_eq!(ledger.durable().size, 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_append_acknowledges_nothing_and_ends_the_service() {
    let log = MemoryLog::default();
    let failures = Arc::new(Mutex::new(Vec::new()));
    let ledger = open(Arc::new(log.clone()), Arc::default(), Arc::clone(&failures));
    ledger.append(commit(list(1, 2))).await.unwrap();
    log.fail();
    let refusal = ledger.append(commit(list(2, 4).split_off(2))).await.unwrap_err();
    assert!(matches!(refusal, AppendError::Unknown), "{refusal}");
    assert_eq!(ledger.durable().size, 2);
    let refusal = ledger.append(commit(list(1, 9).split_off(8))).await.unwrap_err();
    assert!(matches!(refusal, AppendError::Unknown), "nothing is retried: {refusal}");
    ledger.close();
    let failures = failures.lock().clone();
    assert_eq!(failures.len(), 1, "{failures:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_low_disk_refuses_a_commit_before_it_is_decided() {
    let log = MemoryLog::default();
    let ledger = open(Arc::new(log.clone()), Arc::default(), Arc::default());
    let request = Some((Bytes::from_static(b"one"), [7; 32]));
    let first = || Commit { request: request.clone(), ..commit(list(1, 3)) };
    ledger.append(first()).await.unwrap();
    log.leave_room(Some(1_000));
    let second = || commit(list(1, 5).split_off(3));
    let refused = ledger.append(second()).await.unwrap_err();
    assert!(matches!(refused, AppendError::DiskLow(low) if low.free == 1_000), "{refused}");
    assert!(ledger.appends_refused().unwrap().contains("1000 bytes are free"));
    assert_eq!((ledger.durable().size, ledger.register().size()), (3, 3), "nothing was decided");
    // What records nothing goes on.
    assert!(ledger.append(first()).await.unwrap().replayed);
    assert_eq!(ledger.trial(&second(), &mut Unhurried).unwrap().unwrap().next, 5);

    log.leave_room(None);
    assert_eq!(ledger.append(second()).await.unwrap().next, 5, "without a restart");
    assert_eq!(ledger.appends_refused(), None);
    ledger.serve_reads_only("for a reason".to_owned());
    let refused = ledger.append(commit(list(1, 6).split_off(5))).await.unwrap_err();
    assert!(matches!(&refused, AppendError::ReadOnly(why) if why == "for a reason"), "{refused}");
    assert!(ledger.close(), "it has not failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn room_is_promised_once_for_commits_on_their_way() {
    const ROOM: u64 = 512 * 1024;
    let memory = MemoryLog::default();
    memory.leave_room(Some(ROOM));
    let log = Arc::new(GatedLog::before(memory.clone()));
    let ledger = open(Arc::<GatedLog>::clone(&log), Arc::default(), Arc::default());
    let events = list(1, 3_000);
    let (mut answers, mut refused, mut accepted) = (Vec::new(), 0, 0);
    // Nothing becomes durable, so the room is used up by commits that were accepted.
    for events in events.chunks(100) {
        let mut answer = Box::pin(ledger.append(commit(events.to_vec())));
        tokio::select! {
            biased;
            _ = &mut answer => panic!("an answer came through the gate"),
            () = std::future::ready(()) => answers.push(answer),
        }
    }
    while ledger.waiting_bytes() > 0 {
        tokio::task::yield_now().await;
    }
    log.open_gate();
    for answer in answers {
        match answer.await {
            Ok(_) => accepted += 1,
            Err(AppendError::DiskLow(_)) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(accepted > 1 && refused > 1, "{accepted} accepted, {refused} refused");
    let chunks = memory.read(0, usize::MAX).unwrap();
    let bytes: usize = chunks.iter().map(|chunk| chunk.bytes().len()).sum();
    assert!(bytes as u64 <= ROOM, "{bytes} bytes were accepted");
    let more = commit(list(1, 3_200).split_off(3_000));
    ledger.append(more).await.expect("they take no more room now");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flush_that_does_not_come_back_ends_the_service() {
    let (log, clock) = (Arc::new(GatedLog::default()), Arc::new(Hands::default()));
    let failures = Arc::new(Mutex::new(Vec::new()));
    let ledger =
        Arc::new(open(Arc::<GatedLog>::clone(&log), Arc::clone(&clock), Arc::clone(&failures)));
    let appending = {
        let ledger = Arc::clone(&ledger);
        tokio::spawn(async move { ledger.append(commit(list(1, 1))).await })
    };
    while ledger.register().size() < 1 {
        tokio::task::yield_now().await;
    }
    // The append began at most a moment ago by this clock; now it has hung for longer than is
    // allowed.
    while failures.lock().is_empty() {
        clock.1.fetch_add(31, Ordering::Relaxed);
        tokio::task::yield_now().await;
    }
    assert!(failures.lock()[0].contains("flush"), "{:?}", failures.lock());
    assert!(!appending.is_finished(), "nothing is acknowledged");
    log.open_gate();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_falls_behind_stops_appends_without_a_trace() {
    let clock = Arc::new(Hands::default());
    clock.0.store(1_000_000_000, Ordering::Relaxed);
    let ledger = open(Arc::new(MemoryLog::default()), Arc::clone(&clock), Arc::default());
    ledger.append(commit(list(1, 1))).await.unwrap();
    clock.0.store(900_000_000, Ordering::Relaxed);
    let refusal = ledger.append(commit(list(1, 2).split_off(1))).await.unwrap_err();
    assert!(matches!(refusal, AppendError::Clock(_)), "{refusal}");
    {
        let register = ledger.register();
        assert_eq!((register.size(), register.designee_count()), (1, 1));
    }
    clock.0.store(990_000_000, Ordering::Relaxed);
    let receipt = ledger.append(commit(list(1, 2).split_off(1))).await.unwrap();
    assert_eq!(receipt.recorded_micros, Some(1_000_000_000), "recorded time never decreases");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_does_not_take_its_commit_along() {
    let log = Arc::new(GatedLog::default());
    let ledger = Arc::new(open(Arc::<GatedLog>::clone(&log), Arc::default(), Arc::default()));
    let appending = {
        let ledger = Arc::clone(&ledger);
        tokio::spawn(async move { ledger.append(commit(list(1, 3))).await })
    };
    while ledger.register().size() < 3 {
        tokio::task::yield_now().await;
    }
    appending.abort();
    log.open_gate();
    let mut watch = ledger.watch();
    watch.wait_for(|durable| durable.size == 3).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_ledger_refuses_and_has_finished_what_it_took() {
    let log = MemoryLog::default();
    let ledger = open(Arc::new(log.clone()), Arc::default(), Arc::default());
    ledger.append(commit(list(1, 3))).await.unwrap();
    ledger.close();
    assert_eq!(log.size(), 3);
    let refusal = ledger.append(commit(list(1, 4).split_off(3))).await.unwrap_err();
    assert!(matches!(refusal, AppendError::Draining), "{refusal}");
}

/// No name of a recorder and no event that the edge lets through is too long for the writer.
#[tokio::test(flavor = "multi_thread")]
async fn the_longest_name_fits_beside_the_largest_event() {
    let log = MemoryLog::default();
    let ledger = open(Arc::new(log.clone()), Arc::default(), Arc::default());
    let mut largest = commit(list(1, 3));
    for proposal in &mut largest.proposals {
        proposal.body = Bytes::from(vec![7; EVENT_BYTES_MAX]);
    }
    largest.recorded_by = Principal::named(&"r".repeat(64)).unwrap();
    largest.request = Some((Bytes::from(vec![b'i'; 64]), [7; 32]));
    let receipt = ledger.append(largest).await.unwrap();
    assert_eq!((receipt.next, log.size()), (3, 3));
    for chunk in log.read(0, usize::MAX).unwrap() {
        assert!(Chunk::decode(chunk.first(), chunk.bytes().clone()).is_ok());
    }
    // The writer lives: it takes the next commit.
    ledger.append(commit(list(2, 1))).await.unwrap();
}

/// A start believes chunks and the mark. Envelopes with odd commits never kept a log from starting;
/// `verify` reports them.
#[tokio::test(flavor = "multi_thread")]
async fn odd_commits_in_envelopes_do_not_keep_a_log_from_starting() {
    type Odd = fn(u64) -> Option<CommitOf>;
    let events = commit(list(1, 12)).proposals;
    let count = events.len() as u64;
    let odd: [(&str, Odd); 6] = [
        ("none", |_| None),
        ("empty", |at| Some(CommitOf { first_position: Some(at), size: 0 })),
        ("no first position", |_| Some(CommitOf { first_position: None, size: 3 })),
        ("endless", |_| Some(CommitOf { first_position: Some(0), size: u32::MAX })),
        ("ahead", |at| Some(CommitOf { first_position: Some(at + 7), size: 2 })),
        ("last", |_| Some(CommitOf { first_position: Some(u64::MAX), size: 1 })),
    ];
    for (name, commit_at) in odd {
        let log = MemoryLog::default();
        let mut writer = ChunkWriter::new(0, Vec::new());
        for (at, proposal) in (0..).zip(&events) {
            let leaf = Leaf {
                position: Some(at),
                recorded_time: Some(timestamp(i64::try_from(at).unwrap())),
                commit: commit_at(at),
                request_id: if at % 5 == 2 { format!("r{at}").into() } else { Bytes::new() },
                request_digest: Bytes::copy_from_slice(&[7; 32]),
                event: proposal.body.clone(),
                ..Leaf::default()
            };
            let encode = |buffer: &mut BytesMut| leaf.encode_raw(buffer);
            writer.push(leaf.encoded_len(), at + 1 == count, encode);
        }
        log.append(0, &writer.finish()).unwrap();
        let ledger = open(Arc::new(log.clone()), Arc::default(), Arc::default());
        let durable = ledger.durable();
        assert_eq!((durable.size, durable.recorded_micros), (count, Some(11)), "{name}");
        // Every request id is found again, as before the commits were read.
        for at in [2, 7] {
            let request = Some((format!("r{at}").into(), [7; 32]));
            let again = Commit { request, ..commit(list(9, 1)) };
            let receipt = ledger.append(again).await.unwrap();
            assert!(receipt.replayed && receipt.first == at, "{name}: {receipt:?}");
        }
        // The root of the mark is compared wherever the mark is.
        for (size, root, starts) in [(5, [3; 32], false), (count, durable.root, true)] {
            let opened = Ledger::open(LedgerOptions {
                log: Arc::new(log.clone()),
                expected: Some((size, root)),
                rules: RulesBook::RELEASED,
                catalogue: Arc::new(Catalogue::built_in()),
                catalogue_files: CatalogueFiles::built_in(),
                clock: Arc::<Hands>::default(),
                salts: salts(),
                metrics: Metrics::new(),
                on_failure: Box::new(|_| {}),
            });
            assert_eq!(opened.is_ok(), starts, "{name}: a mark at {size}");
        }
    }
}
