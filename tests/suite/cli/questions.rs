//! Questions about titles, as a person types them: lists by their last day, changes, comparisons,
//! members of pools, batches of any authority.

use std::process::Output;

use tidu::protocol::pb::{self, event::Fact};

use crate::support::{DESIGNEES, Fresh, TIDU, date, done, event, little_giant, refused, revoked};

fn tidu(fresh: &Fresh, args: &[&str]) -> Output {
    let mut command = std::process::Command::new(TIDU);
    command.args(args).args(["--server", &fresh.server.address]);
    command.output().unwrap()
}

fn own(authority: &str, who: &str, batch: &str, from: &str) -> pb::Event {
    let (programme, batch) = ("innovative-sme".to_owned(), batch.to_owned());
    let fact = pb::Designated { programme, batch, ..Default::default() };
    event(authority, who, from, Fact::Designated(fact))
}

fn giant(who: &str, valid_to: &str) -> pb::Event {
    let mut event = little_giant(who, "5", "2023-07-01");
    if let Some(Fact::Designated(fact)) = &mut event.fact {
        fact.valid_to = date(valid_to);
    }
    event
}

/// The first column of each row of a table.
fn column(printed: &str) -> Vec<&str> {
    let rows = printed.lines().skip(2).take_while(|line| !line.trim_start().starts_with('─'));
    rows.filter_map(|line| line.split_whitespace().next()).collect()
}

#[tokio::test]
async fn titles_that_end_soon_are_listed_by_their_last_day() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let [a, b, c, d] = DESIGNEES;
    let titles = [(a, "2026-09-28"), (b, "2026-07-01"), (c, "2026-09-29"), (d, "2026-06-30")];
    client.record(titles.map(|(who, to)| giant(who, to)).into()).await.unwrap();
    let day = ["--as-of", "2026-06-30", "-o", "json"];
    let holders = |args: &[&str]| {
        let printed = done(&tidu(&fresh, &[&["list"], args, &day[..]].concat()));
        let holder = |line: &str| {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            row["designee"].as_str().unwrap().to_owned()
        };
        printed.lines().map(holder).collect::<Vec<_>>()
    };
    // Ninety days after 30 June is 28 September, and both days count.
    assert_eq!(holders(&["--expires-within", "90d"]), [d, b, a]);
    assert_eq!(holders(&["--expires-within", "0d"]), [d]);
    assert_eq!(holders(&["--expires-within", "3m", "-n", "2"]), [d, b]);
    assert_eq!(holders(&["--valid-to-from", "2026-07", "--valid-to-to", "2026-09"]), [b, a, c]);
    assert_eq!(holders(&["designees", "--expires-within", "90d"]), [a, b, d]);
    let printed =
        done(&tidu(&fresh, &["list", "--expires-within", "90d", "--as-of", "2026-06-30"]));
    assert!(printed.contains("3 titles, as of 2026-06-30"), "{printed}");
    let both = ["list", "--expires-within", "90d", "--valid-to-to", "2026-07-01"];
    refused(&tidu(&fresh, &both), &["cannot be used with"]);
    refused(&tidu(&fresh, &["list", "--expires-within", "soon"]), &["90d"]);
    let ended = ["list", "--status", "expired", "--end-cause", "surrendered"];
    refused(&tidu(&fresh, &ended), &["filter.end_causes[0]", "FIELD_INVALID"]);
    refused(&tidu(&fresh, &["count", "--status", "expired"]), &["the stage any has all"]);
    let by_month = ["count", "--by", "valid-to-month", "--as-of", "2026-06-30"];
    let counted = done(&tidu(&fresh, &by_month));
    assert!(counted.contains("2026-09") && counted.contains("4 titles"), "{counted}");
}

#[tokio::test]
async fn changes_are_listed_between_days_and_between_sizes() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let [a, b, ..] = DESIGNEES;
    client.record(vec![giant(a, "2026-06-30"), giant(b, "2026-06-30")]).await.unwrap();
    client.record(vec![revoked(b, "2025-01-01", Some("2028-01-01"))]).await.unwrap();
    let printed = done(&tidu(&fresh, &["changes", "--from", "2024-01-01", "--to", "2026-07-01"]));
    assert_eq!(column(&printed), [a, b], "{printed}");
    for told in ["expiry", "fact", "revoked", "2 titles changed, from as of 2024-01-01"] {
        assert!(printed.contains(told), "{told}: {printed}");
    }
    let sizes = ["changes", "--from", "2025-06-01@2", "--to", "2025-06-01@3"];
    let printed = done(&tidu(&fresh, &sizes));
    assert_eq!(column(&printed), [b], "{printed}");
    assert!(printed.contains("1 title changed"), "{printed}");
    let wrong = ["changes", "--from", "2025-06-01", "--to", "2025-05-31"];
    refused(&tidu(&fresh, &wrong), &["to.valid_on", "2025-05-31", "DATE_ORDER"]);
    refused(&tidu(&fresh, &["changes", "--from", "42"]), &["@42"]);
    // The end of a title is told wherever the title is.
    let list = ["list", "--end-cause", "revoked", "--ground", "falsification"];
    let explained = done(&tidu(&fresh, &["explain", b, "little-giant"]));
    let end = "revoked on 2025-01-01 for falsified data; banned to 2028-01-01";
    assert!(explained.contains(end), "{explained}");
    for args in [&list[..], &["show", b]] {
        let printed = done(&tidu(&fresh, args));
        let end = "revoked, falsification, ban to 2028-01-01";
        // A table of a narrow terminal breaks its cells.
        let words: Vec<&str> = printed.split_whitespace().collect();
        let is_told = end.split(' ').all(|word| words.contains(&word));
        assert!(is_told, "{args:?}: {printed}");
    }
}

#[tokio::test]
async fn batches_are_compared_and_found_without_an_authority() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let [_, b, c, d] = DESIGNEES;
    let (guangdong, zhejiang) = ("440000", "330000");
    client
        .record(vec![
            own(guangdong, c, "2021-1", "2021-07-01"),
            own(guangdong, d, "2021-1", "2021-07-01"),
            own(guangdong, d, "2024-1", "2024-07-01"),
            own(zhejiang, b, "2024-1", "2024-07-01"),
            little_giant(d, "6", "2024-07-01"),
        ])
        .await
        .unwrap();
    let day = ["--as-of", "2024-08-01"];
    let (first, second) = ("innovative-sme/2021-1/440000", "innovative-sme/2024-1");
    let printed = done(&tidu(&fresh, &[&["compare", first, second], &day[..]].concat()));
    assert_eq!(column(&printed), [c, d, b], "{printed}");
    let counts = "1 in both, 1 in the first only, 1 in the second only; 3 listed";
    assert!(printed.contains(counts), "{printed}");
    let holders = ["compare", "innovative-sme", "little-giant", "--part", "both"];
    let printed = done(&tidu(&fresh, &[&holders[..], &day[..]].concat()));
    assert_eq!(column(&printed), [d], "{printed}");
    refused(&tidu(&fresh, &["compare", "innovative-sme/", "little-giant"]), &["PROGRAMME/BATCH"]);

    let printed = done(&tidu(&fresh, &["batches", "innovative-sme", "2021-1"]));
    assert!(printed.contains(guangdong) && printed.contains("digest"), "the only one: {printed}");
    let printed = done(&tidu(&fresh, &["batches", "innovative-sme", "2024-1"]));
    let both = printed.contains(guangdong) && printed.contains(zhejiang);
    assert!(both && !printed.contains("digest"), "{printed}");
    let unknown = ["batches", "innovative-sme", "2030-1"];
    refused(&tidu(&fresh, &unknown), &["BATCH_NOT_FOUND"]);
}

#[tokio::test]
async fn the_members_of_a_pool_are_listed() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let [a, b, ..] = DESIGNEES;
    let entered = |who: &str| {
        let fact = pb::PoolEntered { pool: "2024".to_owned(), profile: None };
        event("440000", who, "2024-01-01", Fact::PoolEntered(fact))
    };
    let left = pb::PoolLeft { pool: "2024".to_owned(), ..Default::default() };
    let left = event("440000", b, "2024-03-01", Fact::PoolLeft(left));
    client.record(vec![entered(a), entered(b), left]).await.unwrap();
    let members = ["pools", "440000", "2024"];
    let printed = done(&tidu(&fresh, &members));
    assert_eq!(column(&printed), [a], "{printed}");
    let printed = done(&tidu(&fresh, &[&members[..], &["--left"]].concat()));
    assert_eq!(column(&printed), [a, b], "{printed}");
    assert!(printed.contains("2024-03-01") && printed.contains("2 members"), "{printed}");
    refused(&tidu(&fresh, &["pools", "440000", "2030"]), &["POOL_NOT_FOUND"]);
    refused(&tidu(&fresh, &["pools", "440000"]), &["<POOL>"]);
}
