//! A client that knows docs/errors.md writes the texts of rejections and warnings by itself: from
//! the rule and its values alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tidu::protocol::pb::{self, subscribe_request::Start};
use tonic::Status;
use tonic_types::StatusExt as _;

use super::{broken_rules::events, error_details::refused_events};
use crate::support::{Client, Fresh, date, little_giant};

const A: &str = "91110000MA00000152";

/// Rules that other tests break: they need a longer history, or are not broken by an Append.
const ELSEWHERE: [&str; 54] = [
    "assessments-of-authority",
    "catalogue-not-in-use",
    "correction-of-annulment",
    "correction-of-other-kind",
    "creation-missing",
    "date-form",
    "declarations-of-authority",
    "designee-not-on-record",
    "entries-of-batch",
    "entries-of-pool",
    "fact-unknown",
    "facts-of-subject",
    "identifier-replaced",
    "identifier-used-later",
    "json-field-twice",
    "json-field-unknown",
    "json-one-of",
    "json-value-form",
    "measures-of-authority",
    "move-to-other-region",
    "name-differs",
    "name-part-short",
    "name-part-without-letter",
    "not-revoked",
    "notice-short",
    "objection-missing",
    "old-name-differs",
    "openings-of-list",
    "other-revocation",
    "pools-of-authority",
    "repair-by-other",
    "repair-chain-length",
    "repair-of-annulled",
    "repair-of-redacted",
    "repair-of-redaction",
    "repair-of-service",
    "repairs-of-event",
    "replacement-is-repair",
    "report-late",
    "reviewed-count",
    "rules-unknown",
    "sealed-already",
    "stated-twice-in-list",
    "subject-ended-twice",
    "successor-is-designee",
    "successor-is-holder",
    "tied-identifiers",
    "title-not-held",
    "title-not-on-record",
    "titles-collide",
    "titles-of-authority",
    "titles-of-subject",
    "withheld-already",
    "withholding-of-service",
];

/// The templates of a rule, as the page has them.
struct Texts {
    reason: &'static str,
    message: &'static str,
    rule: &'static str,
}

/// The page: the templates by rule, and the words for those who may state a fact.
struct Page {
    rules: BTreeMap<&'static str, Texts>,
    words: BTreeMap<&'static str, &'static str>,
}

impl Page {
    fn read() -> Self {
        let lines = include_str!("../../../docs/errors.md").lines();
        let (mut rules, mut words) = (BTreeMap::new(), BTreeMap::new());
        for line in lines.filter(|line| line.starts_with("| `")) {
            let cells = line.trim_matches('|').split('|');
            let cells: Vec<_> = cells.map(|cell| cell.trim().trim_matches('`')).collect();
            if let [word, english] = cells[..] {
                words.insert(word, english);
            } else {
                let rule = cells.get(3).copied().unwrap_or("");
                rules.insert(cells[0], Texts { reason: cells[1], message: cells[2], rule });
            }
        }
        Self { rules, words }
    }

    fn word(&self, key: &str, value: &str) -> String {
        match key {
            "programmes" => value.replace(", ", " or "),
            "entitled" => {
                let words: Vec<_> = value.split(", ").map(|word| self.words[word]).collect();
                words.join(", or ")
            }
            _ => value.to_owned(),
        }
    }

    /// A template with its values. Notes the keys that it uses.
    fn fill(
        &self,
        template: &str,
        values: &HashMap<String, String>,
        used: &mut BTreeSet<String>,
    ) -> String {
        let mut text = String::new();
        for (i, part) in template.split('[').enumerate() {
            let (inside, outside) = if i == 0 { ("", part) } else { part.split_once(']').unwrap() };
            let keys = |text: &str| {
                let keys = text.split('{').skip(1).map(|rest| rest.split('}').next().unwrap());
                keys.map(str::to_owned).collect::<Vec<_>>()
            };
            let has_all = keys(inside).iter().all(|key| values.contains_key(key));
            for part in [if has_all { inside } else { "" }, outside] {
                let mut part = part.to_owned();
                for key in keys(&part) {
                    part = part.replace(&format!("{{{key}}}"), &self.word(&key, &values[&key]));
                    used.insert(key);
                }
                text.push_str(&part);
            }
        }
        text
    }

    fn check(&self, fault: &pb::Rejection) {
        let texts = &self.rules[fault.rule_id.as_str()];
        let mut used = BTreeSet::new();
        assert_eq!(fault.reason, texts.reason, "{fault:?}");
        assert_eq!(fault.message, self.fill(texts.message, &fault.metadata, &mut used));
        assert_eq!(fault.rule, self.fill(texts.rule, &fault.metadata, &mut used), "{fault:?}");
        let sent: BTreeSet<_> = fault.metadata.keys().cloned().collect();
        assert_eq!(sent, used, "{fault:?}");
    }

    /// A status about a field of a request.
    fn check_status(&self, rule: &str, status: &Status) {
        let info = status.get_details_error_info().unwrap();
        assert_eq!(info.metadata["rule_id"], rule, "{status:?}");
        let texts = &self.rules[rule];
        assert_eq!(info.reason, texts.reason, "{status:?}");
        let message = self.fill(texts.message, &info.metadata, &mut BTreeSet::new());
        let violations = status.get_details_bad_request().unwrap().field_violations;
        assert_eq!(violations[0].description, message, "{status:?}");
    }
}

/// A warning has the same fields as a rejection.
fn as_rejection(warning: pb::Warning) -> pb::Rejection {
    let pb::Warning {
        index,
        field,
        value,
        reason,
        message,
        rule,
        conflicts,
        rule_id,
        metadata,
        conflicts_not_shown,
    } = warning;
    pb::Rejection {
        index,
        field,
        value,
        reason,
        message,
        rule,
        conflicts,
        rule_id,
        metadata,
        conflicts_not_shown,
    }
}

/// Records a history and proposes an event after it. Checks every fault on the way, and gives the
/// rules of those of the event.
async fn rules_of(page: &Page, history: Vec<pb::Event>, event: pb::Event) -> BTreeSet<String> {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    if !history.is_empty() {
        let request = pb::AppendRequest { events: history, ..Default::default() };
        let recorded = client.append(request).await.unwrap();
        recorded.warnings.into_iter().map(as_rejection).for_each(|fault| page.check(&fault));
    }
    let (events, validate_only) = (vec![event.clone()], true);
    let request = pb::AppendRequest { events, validate_only, ..Default::default() };
    let answer = client.append(request).await.unwrap();
    if let Some(first) = answer.rejections.first() {
        // The status of a refused commit says the same.
        let status = client.record(vec![event]).await.unwrap_err();
        let info = status.get_details_error_info().unwrap();
        assert_eq!(info.metadata["rule_id"], first.rule_id);
        assert_eq!(info.metadata["rule"], first.rule);
        for (key, value) in &first.metadata {
            assert_eq!(&info.metadata[key], value, "{status:?}");
        }
    }
    let faults = answer.warnings.into_iter().map(as_rejection).chain(answer.rejections);
    faults.inspect(|fault| page.check(fault)).map(|fault| fault.rule_id).collect()
}

/// Questions about titles that contradict themselves.
async fn contradictions(client: &mut Client) -> Vec<(&'static str, Status)> {
    use pb::{EndCause, RevocationGround, TitleStatus};
    let filter = |alter: &dyn Fn(&mut pb::TitleFilter)| {
        let mut filter = pb::TitleFilter::default();
        alter(&mut filter);
        pb::ListTitlesRequest { filter: Some(filter), ..Default::default() }
    };
    let expired = vec![TitleStatus::Expired.into()];
    let count = pb::CountTitlesRequest {
        filter: Some(pb::TitleFilter { statuses: expired.clone(), ..Default::default() }),
        ..Default::default()
    };
    let mut found =
        vec![("status-outside-stage", client.register.count_titles(count).await.unwrap_err())];
    for (rule, request) in [
        (
            "cause-outside-statuses",
            filter(&|filter| {
                filter.statuses = expired.clone();
                filter.end_causes = vec![EndCause::Surrendered.into()];
            }),
        ),
        (
            "ground-outside-statuses",
            filter(&|filter| {
                filter.statuses = expired.clone();
                filter.grounds = vec![RevocationGround::Falsification.into()];
            }),
        ),
        (
            "last-day-past",
            filter(&|filter| {
                filter.statuses = vec![TitleStatus::Active.into()];
                filter.valid_to_to = date("2020-01-01");
            }),
        ),
        (
            "date-order",
            filter(&|filter| {
                filter.valid_to_from = date("2020-01-02");
                filter.valid_to_to = date("2020-01-01");
            }),
        ),
    ] {
        found.push((rule, client.register.list_titles(request).await.unwrap_err()));
    }
    found
}

async fn refused_requests() -> Vec<(&'static str, Status)> {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    client.record(vec![little_giant(A, "1", "2019-06-05")]).await.unwrap();
    let filter = |programme: &str| {
        Some(pb::EventFilter { programmes: vec![programme.into()], ..Default::default() })
    };
    let (cursor_id, kept) = ("bank".to_owned(), filter("little-giant"));
    let cursor = pb::CreateCursorRequest { cursor_id, filter: kept, next_position: 0 };
    client.cursors.create_cursor(cursor.clone()).await.unwrap();
    let mut found = Vec::new();

    found.push(("commit-empty", client.record(vec![]).await.unwrap_err()));
    let events = vec![little_giant(A, "1", "2019-06-05")];
    let request_id = "with a space".to_owned();
    let request = pb::AppendRequest { request_id, events, ..Default::default() };
    found.push(("request-id-form", client.append(request).await.unwrap_err()));
    let request = pb::ListEventsRequest { page_size: -1, ..Default::default() };
    found.push(("page-size-negative", client.ledger.list_events(request).await.unwrap_err()));
    let request =
        pb::GetDigestRequest { from_position: 1, to_position: Some(0), ..Default::default() };
    found.push(("position-order", client.proof.get_digest(request).await.unwrap_err()));
    found.extend(contradictions(&mut client).await);
    let request = pb::CreateCursorRequest { cursor_id: "Bank!".into(), ..cursor };
    found.push(("cursor-id-form", client.cursors.create_cursor(request).await.unwrap_err()));
    let request = pb::SubscribeRequest {
        start: Some(Start::CursorId("bank".into())),
        filter: filter("specialised-sme"),
        ..Default::default()
    };
    found.push(("cursor-filter-differs", client.ledger.subscribe(request).await.unwrap_err()));
    let request = pb::SubscribeRequest { start: Some(Start::Now(false)), ..Default::default() };
    found.push(("now-is-false", client.ledger.subscribe(request).await.unwrap_err()));
    let heartbeat_interval = Some(prost_types::Duration { seconds: 301, nanos: 0 });
    let request = pb::SubscribeRequest { heartbeat_interval, ..Default::default() };
    found.push(("heartbeat-range", client.ledger.subscribe(request).await.unwrap_err()));
    let request = pb::VerifyRequest { bytes_per_second: 1, ..Default::default() };
    found.push(("verify-rate-least", client.admin.verify(request).await.unwrap_err()));
    found
}

#[tokio::test]
async fn a_client_writes_the_text_of_each_fault_itself() {
    let page = Page::read();
    let mut seen = BTreeSet::new();
    for (_, history, event) in refused_events() {
        seen.extend(rules_of(&page, history, event).await);
    }
    for (rule, history, event) in events() {
        let rules = rules_of(&page, history, event).await;
        assert!(rules.contains(rule), "{rule}: {rules:?}");
        seen.extend(rules);
    }
    for (rule, status) in refused_requests().await {
        page.check_status(rule, &status);
        seen.insert(rule.to_owned());
    }
    let all: BTreeSet<_> = page.rules.keys().map(|rule| (*rule).to_owned()).collect();
    let missing: BTreeSet<_> = all.difference(&seen).map(String::as_str).collect();
    assert_eq!(missing, ELSEWHERE.into());
}
