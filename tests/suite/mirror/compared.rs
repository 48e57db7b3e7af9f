//! A copy beside the answers of its server: all events, all batches, and all designees and titles
//! on many days.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use prost::Message as _;
use serde_json::Value;
use tidu::{
    mirror::schema::{BATCHES, DESIGNEES, EVENTS, IDENTIFIERS, STATE, TITLES},
    protocol::{
        json::Json,
        pb::{self, google::r#type::Date, subscribe_request::Start, subscribe_response::Payload},
    },
};
use tonic::Code;

use super::tables::{Kept, Row};
use crate::support::{Client, date};

/// Days that are compared besides those on which something changes.
const OTHER_DAYS: usize = 6;
/// Most of the days on which something changes.
const CHANGE_DAYS: usize = 24;

/// Counts of the comparison, so that a test cannot pass by comparing nothing.
#[derive(Debug, Default)]
pub struct Compared {
    pub events: usize,
    pub titles: usize,
    pub batches: usize,
}

/// Compares a copy with its server; the copy must have caught up.
pub async fn compare(copy: &Kept<'_>, client: &mut Client, random: &mut Rng) -> Compared {
    let status = client.status().await;
    let state = copy.rows(&STATE).await;
    assert_eq!(state.len(), 1, "{state:?}");
    assert_eq!(state[0]["log_id"], status.log_id);
    assert_eq!(state[0]["next_position"], status.log_size.to_string());
    assert_eq!(state[0]["loading_at"], "-");
    assert_eq!(state[0]["rules_version"], status.rules_version.to_string());
    let events = compare_events(copy, client, status.log_size).await;
    let batches = compare_batches(copy, client, status.log_size).await;
    let titles = copy.rows(&TITLES).await;
    let designees = copy.rows(&DESIGNEES).await;
    compare_identifiers(copy, &designees).await;
    let mut compared = Compared { events, batches, titles: 0 };
    for day in days(&titles, &designees, random) {
        let on = |row: &&Row| row["from_day"] <= day && day <= row["to_day"];
        let known: BTreeMap<&str, &Row> =
            designees.iter().filter(on).map(|row| (row["subject"].as_str(), row)).collect();
        let shown: BTreeSet<String> = known.values().map(|row| shown_designee(row)).collect();
        assert_eq!(shown, listed_designees(client, &day, status.log_size).await, "on {day}");
        let copied: BTreeSet<String> = titles
            .iter()
            .filter(on)
            .map(|row| shown_title(row, known[row["subject"].as_str()]))
            .collect();
        let listed = listed_titles(client, &day, status.log_size).await;
        assert_eq!(copied, listed, "on {day}");
        compared.titles += listed.len();
    }
    compared
}

fn days(titles: &[Row], designees: &[Row], random: &mut Rng) -> Vec<String> {
    let rows = titles.iter().chain(designees);
    let ends = rows.flat_map(|row| [row["from_day"].clone(), row["to_day"].clone()]);
    let mut days: Vec<String> = ends.filter(|day| *day != "9999-12-31").collect();
    days.sort_unstable();
    days.dedup();
    random.shuffle(&mut days);
    days.truncate(CHANGE_DAYS);
    days.push("2199-12-31".to_owned());
    let any = |random: &mut Rng| {
        let (year, month, day) = (random.u32(2014..2031), random.u8(1..13), random.u8(1..29));
        format!("{year}-{month:02}-{day:02}")
    };
    days.extend((0..OTHER_DAYS).map(|_| any(random)));
    days
}

async fn compare_identifiers(copy: &Kept<'_>, designees: &[Row]) {
    let identifiers = copy.rows(&IDENTIFIERS).await;
    let subjects: BTreeSet<&str> = identifiers.iter().map(|row| row["subject"].as_str()).collect();
    let named: BTreeSet<&str> = designees.iter().map(|row| row["subject"].as_str()).collect();
    assert_eq!(subjects, named);
    let all: BTreeSet<&str> = identifiers.iter().map(|row| row["identifier"].as_str()).collect();
    for row in designees {
        assert!(all.contains(row["designee"].as_str()), "{row:?}");
    }
}

async fn compare_events(copy: &Kept<'_>, client: &mut Client, size: u64) -> usize {
    let json = Json::new().unwrap();
    let request = pb::SubscribeRequest {
        start: Some(Start::FromPosition(0)),
        stop_position: Some(size),
        ..Default::default()
    };
    let mut stream = client.ledger.subscribe(request).await.unwrap().into_inner();
    let mut served: BTreeMap<String, Option<Value>> = BTreeMap::new();
    while let Some(message) = stream.message().await.unwrap() {
        match message.payload {
            Some(Payload::Events(batch) | Payload::RawEvents(batch)) => {
                for leaf in batch.leaves {
                    let event = pb::RecordedEvent::decode(leaf.clone()).unwrap();
                    let line = json.line_of("RecordedEvent", &leaf).unwrap();
                    let value = serde_json::from_str(&line).unwrap();
                    served.insert(event.position.unwrap().to_string(), Some(value));
                }
            }
            Some(Payload::Withheld(place)) => {
                served.insert(place.position.unwrap().to_string(), None);
            }
            _ => {}
        }
    }
    let rows = copy.rows(&EVENTS).await;
    assert_eq!(rows.len(), served.len());
    for row in &rows {
        let event = match row["event"].as_str() {
            "-" => None,
            text => Some(serde_json::from_str::<Value>(text).unwrap()),
        };
        assert_eq!(event, served[&row["position"]], "{row:?}");
        assert_eq!(row["withheld"] == "1", event.is_none());
    }
    rows.len()
}

fn as_of(day: &str, size: u64) -> Option<pb::AsOf> {
    let known = Some(pb::as_of::Known::KnownAt(size));
    Some(pb::AsOf { valid_on: date(day), known })
}

fn iso(date: Option<Date>) -> String {
    date.map_or_else(
        || "-".to_owned(),
        |date| format!("{:04}-{:02}-{:02}", date.year, date.month, date.day),
    )
}

fn word(name: &str, prefix: &str) -> String {
    match name.strip_prefix(prefix).unwrap() {
        "UNSPECIFIED" => String::new(),
        word => word.to_lowercase().replace('_', "-"),
    }
}

fn flag(flag: bool) -> &'static str {
    if flag { "1" } else { "0" }
}

const TITLE_COLUMNS: [&str; 22] = [
    "programme",
    "authority",
    "item",
    "status",
    "valid_from",
    "valid_to",
    "valid_to_inferred",
    "batch",
    "sublist",
    "round",
    "recommended_by",
    "rule_version",
    "end_cause",
    "ended_on",
    "ended_position",
    "ground",
    "ban_until",
    "ban_until_inferred",
    "successor",
    "converted_to",
    "rectify_by",
    "known_at",
];

fn shown_title(row: &Row, designee: &Row) -> String {
    let own = ["designee", "name", "region", "region_inferred", "responsible_authority"];
    let own = own.iter().map(|column| designee[column].clone());
    // The log size of a row is that of its own last change.
    let columns = TITLE_COLUMNS.iter().filter(|column| **column != "known_at");
    own.chain(columns.map(|column| row[column].clone())).collect::<Vec<_>>().join("|")
}

async fn listed_titles(client: &mut Client, day: &str, size: u64) -> BTreeSet<String> {
    let all = (1..=10).collect();
    let filter = Some(pb::TitleFilter { statuses: all, ..Default::default() });
    let (mut listed, mut page_token) = (BTreeSet::new(), String::new());
    loop {
        let request = pb::ListTitlesRequest {
            filter: filter.clone(),
            as_of: as_of(day, size),
            page_size: 1_000,
            page_token,
        };
        let page = client.register.list_titles(request).await.unwrap().into_inner();
        listed.extend(page.titles.iter().map(served_title));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return listed;
        }
    }
}

fn served_title(row: &pb::DesigneeTitle) -> String {
    let title = row.title.as_ref().unwrap();
    [
        row.designee.as_str(),
        &row.name,
        &row.region,
        flag(title.region_inferred),
        &title.responsible_authority,
        &title.programme,
        &title.authority,
        &title.item,
        &word(title.status().as_str_name(), "TITLE_STATUS_"),
        &iso(title.valid_from),
        &iso(title.valid_to),
        flag(title.valid_to_inferred),
        &title.batch,
        &title.sublist,
        &title.round,
        &title.recommended_by,
        &title.rule_version,
        &word(title.end_cause().as_str_name(), "END_CAUSE_"),
        &iso(title.ended_on),
        &title.ended_position.map_or_else(|| "-".to_owned(), |at| at.to_string()),
        &word(title.ground().as_str_name(), "REVOCATION_GROUND_"),
        &iso(title.ban_until),
        flag(title.ban_until_inferred),
        &title.successor,
        &title.converted_to,
        &iso(title.rectify_by),
    ]
    .join("|")
}

fn shown_designee(row: &Row) -> String {
    let columns = [
        "designee",
        "name",
        "region",
        "region_inferred",
        "industry",
        "responsible_authority",
        "ended_on",
    ];
    columns.map(|column| row[column].clone()).join("|")
}

async fn listed_designees(client: &mut Client, day: &str, size: u64) -> BTreeSet<String> {
    let (mut listed, mut page_token) = (BTreeSet::new(), String::new());
    loop {
        let request = pb::ListDesigneesRequest {
            as_of: as_of(day, size),
            page_size: 1_000,
            page_token,
            ..Default::default()
        };
        let page = client.register.list_designees(request).await.unwrap().into_inner();
        listed.extend(page.designees.iter().map(|designee| {
            [
                designee.designee.as_str(),
                &designee.name,
                &designee.region,
                flag(designee.region_inferred),
                &designee.industry,
                &designee.responsible_authority,
                &iso(designee.ended_on),
            ]
            .join("|")
        }));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return listed;
        }
    }
}

const COUNTS: [&str; 8] = [
    "noticed",
    "designated",
    "supplements",
    "reviewed",
    "reviewed_supplements",
    "not_designated",
    "recommended",
    "reviews_noticed",
];

fn counted(counts: Option<pb::BatchCounts>) -> String {
    let c = counts.unwrap_or_default();
    [
        c.noticed,
        c.designated,
        c.supplements,
        c.reviewed,
        c.reviewed_supplements,
        c.not_designated,
        c.recommended,
        c.reviews_noticed,
    ]
    .map(|count| count.to_string())
    .join("|")
}

async fn compare_batches(copy: &Kept<'_>, client: &mut Client, size: u64) -> usize {
    let last = as_of("2199-12-31", size);
    let (mut served, mut page_token) = (BTreeSet::new(), String::new());
    loop {
        let request = pb::ListBatchesRequest { as_of: last, page_token, ..Default::default() };
        let page = client.register.list_batches(request).await.unwrap().into_inner();
        for batch in page.batches {
            let pb::Batch { programme, authority, batch, .. } = batch;
            let key = format!("{programme}|{authority}|{batch}");
            let request = pb::GetBatchRequest { programme, authority, batch, as_of: last };
            let answer = client.register.get_batch(request).await;
            let answer = match answer {
                Err(status) if status.code() == Code::NotFound => continue,
                answer => answer.unwrap().into_inner(),
            };
            let whole = answer.batch.unwrap();
            let state = word(whole.state().as_str_name(), "BATCH_STATE_");
            let (sealed, counts) = (iso(whole.sealed_on), counted(whole.counts));
            served.insert(format!("{key}||{state}|{sealed}|{counts}"));
            for part in answer.sublists {
                let state = word(part.state().as_str_name(), "BATCH_STATE_");
                let (sealed, counts) = (iso(part.sealed_on), counted(part.counts));
                served.insert(format!("{key}|{}|{state}|{sealed}|{counts}", part.sublist));
            }
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let row = |row: &Row| {
        let key = ["programme", "authority", "batch", "sublist", "state", "sealed_on"];
        let columns = key.iter().chain(&COUNTS);
        columns.map(|column| row[column].clone()).collect::<Vec<_>>().join("|")
    };
    let copied: BTreeSet<String> = copy.rows(&BATCHES).await.iter().map(row).collect();
    assert_eq!(copied, served);
    served.len()
}
