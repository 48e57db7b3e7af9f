//! Faults that concern an earlier event of the same request. It has no position, so its path names
//! it.

use tidu::protocol::pb;

use crate::support::{Fresh, date, list};

/// The fault's event, the earlier event that it names, and its message.
fn named(index: u32, fault: &pb::Rejection) -> (u32, String, String) {
    assert_eq!(fault.index, index);
    assert!(fault.conflicts.is_empty(), "a position that does not exist: {fault:?}");
    assert!(!fault.metadata.contains_key("position"), "{fault:?}");
    (fault.index, fault.metadata["earlier_event"].clone(), fault.message.clone())
}

#[tokio::test]
async fn an_earlier_event_of_the_request_is_named_by_its_path() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    client.record(list(7, 3)).await.unwrap();
    // The first has no readable code, and the repeats are rejected: neither takes a position.
    let [mut unreadable, first, second] = <[_; 3]>::try_from(list(1, 3)).unwrap();
    unreadable.designee = "91".to_owned();
    let again = |event: &pb::Event, row| {
        let mut again = event.clone();
        again.evidence.as_mut().unwrap().row = row;
        again
    };
    let events = vec![
        unreadable,
        again(&first, 1),
        again(&first, 1),
        again(&second, 0),
        again(&second, 2),
        again(&first, 9),
    ];
    let request = pb::AppendRequest { events, validate_only: true, ..Default::default() };
    let answer = client.append(request).await.unwrap();
    assert_eq!(answer.rejection_count, 4, "{answer:?}");
    let message = |text: &str| text.to_owned();
    let named: Vec<_> =
        [2, 4].into_iter().zip(&answer.rejections[1..]).map(|(at, of)| named(at, of)).collect();
    let expected = [
        (
            2,
            message("events[1]"),
            message("is designated in batch 2024-1 already, by events[1] of this request"),
        ),
        (
            4,
            message("events[3]"),
            message("the title is held in that time already, by events[3] of this request"),
        ),
    ];
    assert_eq!(named, expected);
    // Different rows of one list tell where the two are.
    let told = &answer.rejections[3];
    assert_eq!(told.message, "is designated in batch 2024-1 already, rows 1 and 9");
    assert_eq!((told.metadata["row"].as_str(), told.metadata["earlier_row"].as_str()), ("9", "1"));
}

#[tokio::test]
async fn a_warning_names_events_of_the_request_and_of_the_record() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let first = list(1, 1).remove(0);
    let later = pb::Event { effective_date: date("2024-06-01"), ..first.clone() };
    let lost = |answer: &pb::AppendResponse| {
        let of = |warning: &&pb::Warning| warning.rule_id == "effect-lost";
        let warning = answer.warnings.iter().find(of).unwrap_or_else(|| panic!("{answer:?}"));
        (warning.message.clone(), warning.conflicts.clone())
    };
    let trial = |events| pb::AppendRequest { events, validate_only: true, ..Default::default() };
    let both = vec![later.clone(), first.clone()];
    let same = "events[0] of this request changes nothing any more".to_owned();
    let tried = client.append(trial(both)).await.unwrap();
    assert_eq!(lost(&tried), (same, vec![]));
    client.record(list(7, 3)).await.unwrap();
    client.record(vec![later]).await.unwrap();
    let recorded = "the event at position 3 changes nothing any more".to_owned();
    let tried = client.append(trial(vec![first])).await.unwrap();
    assert_eq!(lost(&tried), (recorded, vec![3]));
}
