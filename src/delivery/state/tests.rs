use std::fs;

use super::*;

const LOG: &str = "0d9b6f3e-3a54-4c8e-9d58-6b8c9b1e2f10";

fn status(log_id: &str, log_size: u64) -> pb::GetStatusResponse {
    pb::GetStatusResponse { log_id: log_id.to_owned(), log_size, ..Default::default() }
}

fn said(outcome: Result<impl Sized, DeliveryError>) -> String {
    outcome.err().unwrap().to_string()
}

const EACH: Group = Group { events_max: 1, interval: Duration::from_secs(3_600) };

/// The event below a position.
fn at(next: u64) -> Origin {
    Origin::Recorded { position: next - 1, day: None }
}

fn kept(path: &Path) -> u64 {
    read(path, &fs::read_to_string(path).unwrap()).ok().unwrap().next_position
}

#[test]
fn a_place_is_found_again_and_belongs_to_one_log() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state");
    let mut place = DeliveryState::open(&path, EACH).ok().unwrap();
    assert!(said(place.settle(&status(LOG, 2), 3)).contains("beyond"));
    assert_eq!(place.settle(&status(LOG, 9), 3).ok(), Some(3));
    for next in [5, 4] {
        assert!(place.take(&at(next), 1).is_ok());
    }
    let kept = format!("{{\"version\":1,\"log_id\":\"{LOG}\",\"next_position\":5}}\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), kept);
    assert!(said(DeliveryState::open(&path, EACH)).contains("another tidu"));
    drop(place);
    let mut place = DeliveryState::open(&path, EACH).ok().unwrap();
    assert_eq!(place.settle(&status(LOG, 9), 0).ok(), Some(5));
    assert!(said(place.settle(&status(LOG, 4), 0)).contains("older copy"));
    let other = LOG.replace('0', "1");
    assert!(said(place.settle(&status(&other, 9), 0)).contains("another --state file"));
}

#[test]
fn other_files_are_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state");
    let version = format!("{{\"version\":2,\"log_id\":\"{LOG}\",\"next_position\":5}}");
    let no_log = "{\"version\":1,\"log_id\":\"x\",\"next_position\":5}";
    let more = format!("{{\"version\":1,\"log_id\":\"{LOG}\",\"next_position\":5,\"x\":1}}");
    let mixed = more.replace("\"x\":1", "\"expiries\":{\"through\":\"2026-03-31\"}");
    let no_day = mixed.replace("\"version\":1", "\"version\":2").replace("-31", "");
    for text in ["", "{", &version, no_log, &more, &mixed, &no_day] {
        fs::write(&path, text).unwrap();
        assert!(said(DeliveryState::open(&path, EACH)).contains("is not a state file"), "{text}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "it is left as it was");
    }
}

/// A state at position 0 of a log of many events.
fn settled(path: &Path, events_max: u32, interval: u64) -> DeliveryState {
    let group = Group { events_max, interval: Duration::from_millis(interval) };
    let mut state = DeliveryState::open(path, group).ok().unwrap();
    assert_eq!(state.settle(&status(LOG, 1_000), 0).ok(), Some(0));
    state
}

#[tokio::test(start_paused = true)]
async fn the_file_is_written_once_for_a_full_group() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state");
    let mut state = settled(&path, 10, 3_600_000);
    for next in 1..=25 {
        assert!(state.make_room(1).is_ok() && state.take(&at(next), 1).is_ok());
        assert_eq!(kept(&path), next / 10 * 10, "after {next}");
    }
    // A batch that would make the group too large ends it first; a larger one is a group.
    assert!(state.make_room(6).is_ok());
    assert_eq!(kept(&path), 25);
    assert!(state.take(&at(31), 6).is_ok() && state.make_room(50).is_ok());
    assert_eq!(kept(&path), 31);
    assert!(state.take(&at(81), 50).is_ok());
    assert_eq!(kept(&path), 81);
    // Events that do not match take no part in a group.
    state.pass(500);
    assert!(state.make_room(10).is_ok());
    assert_eq!((kept(&path), state.next()), (81, Some(500)));
    assert!(state.write().is_ok());
    assert_eq!(kept(&path), 500);
}

#[tokio::test(start_paused = true)]
async fn the_file_is_written_in_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state");
    let mut state = settled(&path, 1_000, 100);
    assert_eq!((state.due(), state.due_if_idle()), (None, None));
    let began = Instant::now();
    let after = |millis| Some(began + Duration::from_millis(millis));
    assert!(state.take(&at(1), 1).is_ok());
    assert_eq!((state.due(), state.due_if_idle()), (after(100), began.checked_add(STATE_IDLE)));
    tokio::time::advance(Duration::from_millis(95)).await;
    assert!(state.take(&at(2), 1).is_ok());
    assert_eq!((state.due(), state.due_if_idle()), (after(100), after(100)));
    assert_eq!(kept(&path), 0);
    tokio::time::advance(Duration::from_millis(5)).await;
    assert!(state.take(&at(3), 1).is_ok());
    assert_eq!((kept(&path), state.due()), (3, None));
}

#[tokio::test(start_paused = true)]
async fn expiries_are_kept_by_day_and_title_in_a_version_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state");
    let day = |iso: &str| PartialDate::parse_iso(iso).unwrap().first_day();
    let mut state = settled(&path, 1, 3_600_000);
    assert!(state.begin_expiries(day("2026-03-31")).is_ok());
    assert!(state.begin_expiries(day("2027-01-01")).is_ok(), "it has begun already");
    let kept = |more: &str| {
        let head = format!("{{\"version\":2,\"log_id\":\"{LOG}\",\"next_position\":0");
        format!("{head},\"expiries\":{{\"through\":{more}}}}}\n")
    };
    assert_eq!(fs::read_to_string(&path).unwrap(), kept("\"2026-03-31\""));
    let title = "91/little-giant/000001/".to_owned();
    assert!(state.take(&Origin::Expired { title: title.clone() }, 1).is_ok());
    let with_title = kept(&format!("\"2026-03-31\",\"title\":\"{title}\""));
    assert_eq!(fs::read_to_string(&path).unwrap(), with_title);
    drop(state);
    let mut state = DeliveryState::open(&path, EACH).ok().unwrap();
    assert_eq!(state.expired_through(), Some(day("2026-03-31")));
    assert_eq!(state.expired_title(), Some(title.as_str()));
    state.finish_day(day("2026-04-01"));
    assert!(state.write().is_ok());
    assert_eq!(fs::read_to_string(&path).unwrap(), kept("\"2026-04-01\""));
}

#[test]
fn an_epoch_is_kept_once_two_answers_tell_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state");
    let of_epoch = |epoch| pb::GetStatusResponse {
        node: Some(pb::Node { epoch, ..Default::default() }),
        ..status(LOG, 9)
    };
    let kept = || read(&path, &fs::read_to_string(&path).unwrap()).ok().unwrap().epoch;
    let mut state = DeliveryState::open(&path, EACH).ok().unwrap();
    assert_eq!(state.settle(&of_epoch(1), 0).ok(), Some(0));
    assert_eq!(kept(), 0, "one answer");
    assert!(state.hear(1).is_ok());
    assert_eq!(kept(), 1, "two answers");
    // A bit that flips on the way.
    assert!(state.hear(1 << 40).is_ok() && state.hear(1).is_ok());
    assert_eq!(kept(), 1);
    drop(state);
    let mut state = DeliveryState::open(&path, EACH).ok().unwrap();
    assert!(said(state.settle(&of_epoch(0), 0)).contains("epoch 1"));
    assert!(state.settle(&of_epoch(2), 0).is_ok() && state.hear(2).is_ok());
    assert_eq!(kept(), 2);
}
