//! The state that follows from the log is the same on each road: decided by the writer, rebuilt by
//! a start, rolled back.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use tidu::{
    domain::{CivilDate, catalogue::Catalogues},
    ledger::{Commit, Salt, decide::decide, state::State},
    log::{Chunk, ChunkWriter, LeafAt},
    merkle::leaf_hash,
    protocol::{event, leaf::Leaf, time::micros},
    register::{AsOf, Interest, Wanted},
};

use crate::support::{authority, commit, list};

const COMMITS: usize = 90;

/// Commits of one to three events, most with a request id.
fn commits(count: usize) -> Vec<Commit> {
    let mut events = list(5, count * 3).into_iter();
    let one = |i: usize| {
        let id = Bytes::from(format!("request-{i}"));
        let request = (!i.is_multiple_of(4)).then_some((id, [7; 32]));
        Commit { request, ..commit(events.by_ref().take(1 + i % 3).collect()) }
    };
    (0..count).map(one).collect()
}

/// Every part of a state, in a form that can be compared. The register is compared through its
/// answers.
fn parts(state: &State) -> impl PartialEq + std::fmt::Debug + use<> {
    let reader = state.reader();
    let register = reader.read();
    let candidates = |i| state.request_candidates(b"test", format!("request-{i}").as_bytes());
    let requests: Vec<Vec<u64>> = (0..COMMITS).map(candidates).collect();
    let moment = AsOf { valid_on: CivilDate::MAX, known_at: register.size() };
    let (catalogues, all) = (Catalogues::built_in(), (usize::MAX, usize::MAX));
    let found = register.search(&catalogues, &Wanted::default(), moment, 0, all).0;
    let mut of_guangdong = Interest::default();
    of_guangdong.authority(authority("440000"));
    let matching = register.matching(&of_guangdong, 0, register.size(), usize::MAX);
    (
        (state.size(), state.frontier().clone(), state.block(), state.recorded_micros()),
        (requests, register.size(), register.designee_count()),
        (format!("{found:?}"), matching),
    )
}

/// Decode → stage → seal, as a start and a follower do.
fn follow(state: &mut State, catalogues: &Catalogues, leaves: &[LeafAt]) {
    let decode = |leaf: &LeafAt| <Leaf as prost::Message>::decode(leaf.bytes.clone()).unwrap();
    let decoded: Vec<Leaf> = leaves.iter().map(decode).collect();
    let mut staging = state.begin();
    for leaf in &decoded {
        staging.stage(&event::stored_event(catalogues.in_use(), &leaf.event).unwrap());
    }
    let staged = staging.accept();
    let hashes: Vec<_> = leaves.iter().map(|leaf| leaf_hash(&leaf.bytes)).collect();
    let request = (decoded[0].recorded_by.as_ref(), decoded[0].request_id.as_ref());
    let request = Some(request).filter(|(_, id)| !id.is_empty());
    let micros = decoded[0].recorded_time.as_ref().map(micros);
    state.seal(staged, &hashes, request, micros, 0);
}

/// No event of these commits is other than public.
fn no_salt() -> Salt {
    unreachable!()
}

#[test]
fn the_writer_and_a_start_reach_the_same_state() {
    let catalogues = Catalogues::built_in();
    let (mut written, mut followed) = (State::default(), State::default());
    let mut chunks = ChunkWriter::new(0, Vec::new());
    for (i, commit) in (0_i64..).zip(commits(COMMITS)) {
        decide(&mut written, &catalogues, &mut chunks, commit, |_| Ok(1_000_000 + i), no_salt)
            .unwrap();
        let group = chunks.finish();
        let leaves: Vec<_> = group.chunks.iter().flat_map(Chunk::leaves).collect();
        follow(&mut followed, &catalogues, &leaves);
        assert_eq!(parts(&written), parts(&followed), "after commit {i}");
        if i % 7 == 0 {
            written.settle(written.size());
        }
    }
}

#[test]
fn a_rejected_commit_leaves_no_trace() {
    let catalogues = Catalogues::built_in();
    let mut state = State::default();
    let mut chunks = ChunkWriter::new(0, Vec::new());
    let [first, _] = commits(2).try_into().unwrap();
    let again = Commit { request: None, ..commit(list(5, 1)) };
    decide(&mut state, &catalogues, &mut chunks, first, |_| Ok(1), no_salt).unwrap();
    let before = parts(&state);
    decide(&mut state, &catalogues, &mut chunks, again, |_| unreachable!(), no_salt).unwrap_err();
    assert_eq!(parts(&state), before);
    let [_, second] = commits(2).try_into().unwrap();
    let refused = |_| Err("the clock jumped".to_owned());
    decide(&mut state, &catalogues, &mut chunks, second, refused, no_salt).unwrap_err();
    assert_eq!(parts(&state), before);
    let [_, second] = commits(2).try_into().unwrap();
    let panics = |_| panic!("injected");
    let decided = || decide(&mut state, &catalogues, &mut chunks, second, panics, no_salt);
    assert!(catch_unwind(AssertUnwindSafe(decided)).is_err());
    assert_eq!(parts(&state), before, "a panic takes staged events back");
    let [_, second] = commits(2).try_into().unwrap();
    decide(&mut state, &catalogues, &mut chunks, second, |_| Ok(2), no_salt).unwrap();
    let mut expected = State::default();
    let mut chunks = ChunkWriter::new(0, Vec::new());
    for (at, commit) in (1..).zip(commits(2)) {
        decide(&mut expected, &catalogues, &mut chunks, commit, |_| Ok(at), no_salt).unwrap();
    }
    assert_eq!(parts(&state), parts(&expected));
}

#[test]
fn a_rollback_over_ten_thousand_commits_equals_a_rebuild() {
    let catalogues = Catalogues::built_in();
    let kept = 40;
    let mut state = State::default();
    let mut chunks = ChunkWriter::new(0, Vec::new());
    let mut expected = None;
    for (i, commit) in commits(10_000 + kept).into_iter().enumerate() {
        if i == kept {
            expected = Some((state.size(), parts(&state)));
        }
        let now = |_| Ok(i64::try_from(i).unwrap());
        decide(&mut state, &catalogues, &mut chunks, commit, now, no_salt).unwrap();
        // A part of the commits before is durable; the way back to it stays open.
        if i == kept / 2 {
            state.settle(state.size());
        }
        if i == kept * 2 {
            let (size, _) = expected.as_ref().unwrap();
            state.settle(*size);
        }
    }
    let (size, expected) = expected.unwrap();
    state.rollback(size);
    assert!(parts(&state) == expected, "a rollback left a trace");
    let mut rebuilt = State::default();
    let mut chunks = ChunkWriter::new(0, Vec::new());
    for (i, commit) in (0_i64..).zip(commits(kept)) {
        decide(&mut rebuilt, &catalogues, &mut chunks, commit, |_| Ok(i), no_salt).unwrap();
    }
    assert!(parts(&state) == parts(&rebuilt), "a rollback is not a rebuild");
}

/// Number of commits that can be rolled back, and the bytes of the register's undo records as text.
fn undo_kept(state: &State) -> (usize, usize) {
    let register = format!("{:?}", *state.reader().read());
    let steps = register.split("steps: [").skip(1).map(|steps| steps.find(']').unwrap()).sum();
    (format!("{state:?}").matches("Seal {").count(), steps)
}

#[test]
fn a_writer_always_ahead_can_undo_its_lead_and_no_more() {
    const AHEAD: usize = 20;
    let catalogues = Catalogues::built_in();
    let mut state = State::default();
    let mut chunks = ChunkWriter::new(0, Vec::new());
    let mut sizes = Vec::new();
    let mut most = (0, 0);
    for (i, commit) in commits(3_000).into_iter().enumerate() {
        if let Some(durable) = i.checked_sub(AHEAD) {
            state.settle(sizes[durable]);
        }
        decide(&mut state, &catalogues, &mut chunks, commit, |_| Ok(1), no_salt).unwrap();
        sizes.push(state.size());
        if i % 500 == 499 {
            let (seals, steps) = undo_kept(&state);
            assert!(seals <= AHEAD, "{seals} commits after {i}");
            most = if i < 500 { (seals, steps) } else { most };
            assert!(steps <= most.1 * 2, "{steps} bytes of undo records after {i}, first {most:?}");
        }
    }
    assert!(most.1 > 0, "nothing was measured");
    let hashes = format!("{:?}", state.block());
    assert_eq!(state.block().len() as u64, state.size() % 128, "{hashes}");
}
