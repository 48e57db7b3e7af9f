//! A client that knows docs/errors.md writes the texts of rejections and warnings by itself: from
//! the rule and its values alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tidu::protocol::pb;
use tonic_types::StatusExt as _;

use super::error_details::refused_events;
use crate::support::Fresh;

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
}

/// A warning has the same fields as a rejection.
fn as_rejection(warning: pb::Warning) -> pb::Rejection {
    let pb::Warning { index, field, value, reason, message, rule, conflicts, rule_id, metadata } =
        warning;
    pb::Rejection { index, field, value, reason, message, rule, conflicts, rule_id, metadata }
}

#[tokio::test]
async fn a_client_writes_the_text_of_each_fault_itself() {
    let page = Page::read();
    let mut seen = BTreeSet::new();
    for (expected, history, event) in refused_events() {
        let fresh = Fresh::start();
        let mut client = fresh.client().await;
        if !history.is_empty() {
            let request = pb::AppendRequest { events: history, ..Default::default() };
            let recorded = client.append(request).await.unwrap();
            for warning in recorded.warnings.into_iter().map(as_rejection) {
                page.check(&warning);
                seen.insert(warning.rule_id);
            }
        }
        let request = pb::AppendRequest {
            events: vec![event.clone()],
            validate_only: true,
            ..Default::default()
        };
        let answer = client.append(request).await.unwrap();
        assert!(!answer.rejections.is_empty(), "{expected}");
        let first = answer.rejections[0].clone();
        let warnings = answer.warnings.into_iter().map(as_rejection);
        for fault in answer.rejections.into_iter().chain(warnings) {
            page.check(&fault);
            seen.insert(fault.rule_id);
        }
        // The status of a refused commit says the same.
        let status = client.record(vec![event]).await.unwrap_err();
        let info = status.get_details_error_info().unwrap();
        assert_eq!(info.metadata["rule_id"], first.rule_id);
        assert_eq!(info.metadata["rule"], first.rule);
        for (key, value) in &first.metadata {
            assert_eq!(&info.metadata[key], value, "{status:?}");
        }
    }
    assert!(seen.len() > 40, "{seen:?}");
}
