//! Events: the ones on record, those of the well-behaved caller, and commits meant to do harm.

use tidu::protocol::pb::{self, event::Fact};
use tokio::task::JoinSet;

use crate::{Target, server::Client};

pub const PROGRAMME: &str = "specialised-sme";
pub const AUTHORITY: &str = "330000";
/// The batch of the first designees. A batch holds only so many, so the later ones have others.
pub const BATCH: &str = "2024-1";
const DESIGNEES_OF_BATCH: u64 = 100_000;

pub fn identifier(number: u64) -> String {
    format!("local:330000/{number}")
}

pub fn event(authority: &str, designee: &str, fact: Fact) -> pb::Event {
    pb::Event {
        authority: authority.to_owned(),
        designee: designee.to_owned(),
        effective_date: Some(pb::Date { year: 2024, month: 1, day: 1 }),
        fact: Some(fact),
        ..Default::default()
    }
}

fn designated(number: u64, name: String, item: String) -> pb::Event {
    let profile =
        pb::Profile { name, registered_region: "330100".to_owned(), ..Default::default() };
    let fact = pb::Designated {
        programme: PROGRAMME.to_owned(),
        batch: format!("2024-{}", 1 + number / DESIGNEES_OF_BATCH),
        item,
        profile: Some(profile),
        ..Default::default()
    };
    event(AUTHORITY, &identifier(number), Fact::Designated(fact))
}

/// The designation of a designee on record.
pub fn designation(number: u64) -> pb::Event {
    designated(number, format!("示例恒达{number}有限公司"), String::new())
}

/// The event of the well-behaved caller.
pub fn update(number: u64) -> pb::Event {
    let fact = pb::InformationUpdated { year: 2024, ..Default::default() };
    event(AUTHORITY, &identifier(number), Fact::InformationUpdated(fact))
}

/// Records commits from some connections as fast as they are answered.
async fn flood(
    target: Target,
    connections: u64,
    validate_only: bool,
    commit: impl Fn(u64) -> Vec<pb::Event> + Clone + Send + 'static,
) {
    let mut tasks = JoinSet::new();
    for i in 0..connections {
        let (target, commit) = (target.clone(), commit.clone());
        tasks.spawn(async move {
            let mut client = Client::connect(&target.url()).await;
            client.ledger = client.ledger.max_encoding_message_size(16 << 20);
            let mut number = i;
            while target.goes_on() {
                let events = commit(number);
                let request = pb::AppendRequest { events, validate_only, ..Default::default() };
                let _ = client.append(request).await;
                number += connections;
            }
        });
    }
    tasks.join_all().await;
}

fn dated(number: u64, designee: u64) -> pb::Event {
    let (year, month, day) = (1950 + number / 300 % 100, 1 + number / 25 % 12, 1 + number % 25);
    let fact = pb::InformationUpdated { year: year as u32, ..Default::default() };
    let mut event = event(AUTHORITY, &identifier(designee), Fact::InformationUpdated(fact));
    let date = pb::Date { year: year as i32, month: month as i32, day: day as i32 };
    event.effective_date = Some(date);
    event
}

pub async fn trials_of_one_designee(target: Target) {
    flood(target, 8, true, |_| (0..10_000).map(|i| dated(i, 60_000_000)).collect()).await;
}

/// Titles of one designee with the longest items, and reads of what they make.
pub async fn one_designee(target: Target) {
    let reading = tokio::spawn(read(target.clone(), identifier(60_000_001)));
    flood(target, 2, false, |round| {
        let item = |i: u64| format!("{:0>60}{i:04}", round);
        let titles =
            (0..600).map(|i| designated(60_000_001, "示例长项有限公司".to_owned(), item(i)));
        titles.chain((0..600).map(|i| dated(round * 600 + i, 60_000_001))).collect()
    })
    .await;
    reading.abort();
}

fn link(one: u64, other: u64) -> pb::Event {
    let fact = pb::IdentifierChanged {
        new_designee: identifier(other),
        reason: pb::IdentifierChangeReason::Reregistered.into(),
    };
    event(AUTHORITY, &identifier(one), Fact::IdentifierChanged(fact))
}

pub async fn circle(target: Target) {
    let reading = tokio::spawn(read(target.clone(), identifier(61_000_000)));
    flood(target, 2, false, |round| {
        let first = 61_000_000 + round * 1_000;
        (0..1_000).map(|i| link(first + i, first + (i + 1) % 1_000)).collect()
    })
    .await;
    reading.abort();
}

pub async fn namesakes(target: Target) {
    let name = "示例同名有限公司";
    let reading = tokio::spawn(read(target.clone(), name.to_owned()));
    flood(target, 2, false, move |round| {
        let first = 62_000_000 + round * 5_000;
        let namesake = |i| designated(first + i, name.to_owned(), String::new());
        (0..5_000).map(namesake).collect()
    })
    .await;
    reading.abort();
}

/// Reads a designee, by an identifier or by its name, from four connections.
async fn read(target: Target, designee: String) {
    let mut tasks = JoinSet::new();
    for _ in 0..4 {
        let (target, designee) = (target.clone(), designee.clone());
        tasks.spawn(async move {
            let mut client = Client::connect(&target.url()).await;
            while target.goes_on() {
                let designee = designee.clone();
                let request = pb::GetDesigneeRequest { designee, ..Default::default() };
                let _ = client.register.get_designee(request).await;
            }
        });
    }
    tasks.join_all().await;
}

pub async fn largest_commits(target: Target) {
    flood(target, 8, false, |round| {
        let first = 70_000_000 + round * 9_000;
        let designation = |i| {
            let mut event = designated(first + i, format!("示例巨量{i}有限公司"), String::new());
            let url = format!("https://register.example/{:0>480}", first + i);
            event.evidence = Some(pb::Evidence { url, ..Default::default() });
            event
        };
        (0..9_000).map(designation).collect()
    })
    .await;
}
