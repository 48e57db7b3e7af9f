//! Questions that compare, through the service: changes between two moments, and two sets of
//! titles; their pages, and the errors of those that contradict themselves.

use std::collections::BTreeMap;

use tidu::protocol::pb;
use tonic::Code;

use super::title_questions::{designated, field_of, filter};
use crate::support::{A, Client, Fresh, date, little_giant, made_up, notice, reason, valid_on};

const GUANGDONG: &str = "440000";

/// All changes between two moments, in pages of a size, and the number of pages.
async fn changes(
    client: &mut Client,
    (from, to): (Option<pb::AsOf>, Option<pb::AsOf>),
    page_size: i32,
) -> (Vec<pb::StatusChange>, usize) {
    let (mut all, mut pages, mut page_token) = (Vec::new(), 0, String::new());
    loop {
        let request =
            pb::ListChangesRequest { from, to, page_size, page_token, ..Default::default() };
        let page = client.register.list_changes(request).await.unwrap().into_inner();
        assert!(page.changes.len() <= usize::try_from(page_size).unwrap());
        assert_eq!(page.from.unwrap().valid_on, from.unwrap().valid_on);
        assert_eq!(page.to.unwrap().valid_on, to.unwrap().valid_on);
        pages += 1;
        all.extend(page.changes);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return (all, pages);
        }
    }
}

#[tokio::test]
async fn changes_come_in_pages_of_both_moments() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let giants = made_up(3, 7);
    let giant = |index: usize| little_giant(&giants[index].uscc.to_string(), "5", "2023-07-01");
    client.record((0..7).map(giant).collect()).await.unwrap();
    let moments = (valid_on("2023-06-01"), valid_on("2026-07-01"));
    let (all, pages) = changes(&mut client, moments, 3).await;
    assert_eq!((all.len(), pages), (7, 3));
    for change in &all {
        assert_eq!(change.before(), pb::TitleStatus::Pending);
        assert_eq!(change.after(), pb::TitleStatus::Expired);
        assert_eq!(change.reason(), pb::ChangeReason::Expiry);
        assert_eq!(change.valid_to, date("2026-06-30"));
    }
    assert_eq!(changes(&mut client, moments, 7).await, (all, 1));

    // The pages stay those of the first one while the log grows.
    let (from, to) = (valid_on("2023-07-01"), None);
    let known_at = |known_at| {
        Some(pb::AsOf {
            valid_on: date("2023-07-01"),
            known: Some(pb::as_of::Known::KnownAt(known_at)),
        })
    };
    let request =
        pb::ListChangesRequest { from: known_at(0), to: from, page_size: 5, ..Default::default() };
    let first = client.register.list_changes(request.clone()).await.unwrap().into_inner();
    client.record(vec![little_giant(A, "5", "2023-07-01")]).await.unwrap();
    let page_token = first.next_page_token.clone();
    let second = pb::ListChangesRequest { from: to, page_token, ..request.clone() };
    let second = client.register.list_changes(second).await.unwrap().into_inner();
    assert_eq!((first.changes.len(), second.changes.len()), (5, 2));
    assert_eq!((first.from, first.to), (second.from, second.to));

    // A token belongs to its filter.
    let filter = filter(|filter| filter.batches = vec!["5".to_owned()]);
    for page_token in [first.next_page_token.clone(), "abc".to_owned(), "a~b".to_owned()] {
        let foreign =
            pb::ListChangesRequest { filter: filter.clone(), page_token, ..request.clone() };
        let refused = client.register.list_changes(foreign).await.unwrap_err();
        assert_eq!(reason(&refused), "PAGE_TOKEN_INVALID");
    }
}

/// A change tells at most a hundred events, and how many it leaves out.
#[tokio::test]
async fn a_change_tells_its_events_up_to_their_bound() {
    for (notices, shown, omitted) in [(100, 100, 0), (101, 100, 1)] {
        let fresh = Fresh::start();
        let mut client = fresh.client().await;
        let noticed = |batch: usize| notice(A, &batch.to_string(), "2023-07-02");
        client.record((0..notices).map(noticed).collect()).await.unwrap();
        let moments = (valid_on("2023-06-01"), valid_on("2023-08-01"));
        let (changes, _) = changes(&mut client, moments, 9).await;
        let [change] = changes.as_slice() else { panic!("{changes:?}") };
        assert_eq!((change.positions.len(), change.omitted_position_count), (shown, omitted));
    }
}

#[tokio::test]
async fn an_end_before_a_beginning_is_an_error() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    client.record(vec![little_giant(A, "5", "2023-07-01")]).await.unwrap();
    let at = |day: &str, known_at| {
        Some(pb::AsOf { valid_on: date(day), known: Some(pb::as_of::Known::KnownAt(known_at)) })
    };
    for (from, to, field) in [
        (at("2024-01-02", 0), at("2024-01-01", 1), "to.valid_on"),
        (at("2024-01-01", 1), at("2024-01-02", 0), "to.known_at"),
    ] {
        let request = pb::ListChangesRequest { from, to, ..Default::default() };
        let refused = client.register.list_changes(request).await.unwrap_err();
        assert_eq!((field_of(&refused).as_str(), reason(&refused).as_str()), (field, "DATE_ORDER"));
    }
    let same = at("2024-01-01", 1);
    let request = pb::ListChangesRequest { from: same, to: same, ..Default::default() };
    let answer = client.register.list_changes(request).await.unwrap().into_inner();
    assert!(answer.changes.is_empty());
    let request = pb::ListChangesRequest { from: at("2024-01-01", 9), ..Default::default() };
    let refused = client.register.list_changes(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::OutOfRange);
}

#[tokio::test]
async fn two_batches_compare_by_their_holders_in_pages() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let made = made_up(4, 6);
    let id = |index: usize| made[index].uscc.to_string();
    let own = |index: usize, batch: &str, from: &str| {
        designated(GUANGDONG, &id(index), ("innovative-sme", batch), from, |_| {})
    };
    let mut events: Vec<_> = (0..4).map(|index| own(index, "2021-1", "2021-07-01")).collect();
    events.extend((2..6).map(|index| own(index, "2024-1", "2024-07-01")));
    events.push(little_giant(&id(0), "5", "2021-07-01"));
    client.record(events).await.unwrap();
    let list = |batch: &str| {
        filter(|filter| {
            filter.programmes = vec!["innovative-sme".to_owned()];
            filter.authorities = vec![GUANGDONG.to_owned()];
            filter.listed_in = vec![batch.to_owned()];
        })
    };
    let mut request = pb::CompareBatchesRequest {
        first: list("2021-1"),
        second: list("2024-1"),
        as_of: valid_on("2024-08-01"),
        page_size: 2,
        ..Default::default()
    };
    let (mut found, mut counts) = (BTreeMap::new(), Vec::new());
    loop {
        let page = client.register.compare_batches(request.clone()).await.unwrap().into_inner();
        assert!(page.designees.len() <= 2);
        counts.push(page.counts);
        for row in page.designees {
            let sides = (row.first_title.is_some(), row.second_title.is_some());
            assert_eq!((row.first_count > 0, row.second_count > 0), sides);
            assert!(found.insert(row.designee.clone(), row.part()).is_none());
        }
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    use pb::ComparisonPart::{Both, OnlyFirst, OnlySecond};
    let parts = [OnlyFirst, OnlyFirst, Both, Both, OnlySecond, OnlySecond];
    let expected = parts.into_iter().enumerate().map(|(index, part)| (id(index), part));
    assert_eq!(found, expected.collect());
    let all = pb::ComparisonCounts { both: 2, only_first: 2, only_second: 2 };
    assert_eq!(counts, [Some(all), None, None]);

    // The holders of two titles.
    let active = |programme: &str| {
        filter(|filter| {
            filter.programmes = vec![programme.to_owned()];
            filter.statuses = vec![pb::TitleStatus::Active.into()];
        })
    };
    let request = pb::CompareBatchesRequest {
        first: active("innovative-sme"),
        second: active("little-giant"),
        parts: vec![Both.into()],
        as_of: valid_on("2021-08-01"),
        ..Default::default()
    };
    let answer = client.register.compare_batches(request.clone()).await.unwrap().into_inner();
    let holders: Vec<_> = answer.designees.iter().map(|row| row.designee.clone()).collect();
    assert_eq!(holders, [id(0)]);
    let counts = pb::ComparisonCounts { both: 1, only_first: 3, only_second: 0 };
    assert_eq!(answer.counts, Some(counts));

    let absent = pb::CompareBatchesRequest { second: None, ..request.clone() };
    let refused = client.register.compare_batches(absent).await.unwrap_err();
    assert_eq!(
        (field_of(&refused).as_str(), reason(&refused).as_str()),
        ("second", "FIELD_REQUIRED")
    );
    let unknown = filter(|filter| filter.programmes = vec!["giant".to_owned()]);
    let unknown = pb::CompareBatchesRequest { second: unknown, ..request };
    let refused = client.register.compare_batches(unknown).await.unwrap_err();
    assert_eq!(field_of(&refused), "second.programmes[0]");
}
