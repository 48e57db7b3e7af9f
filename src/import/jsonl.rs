//! Reads JSON lines as events. Each line is a `tidu.v1.Event` in canonical protobuf JSON; an
//! unknown member is an error.

use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde_json::Value;

use super::{
    ImportedRow,
    error::{ImportError, RowError},
    personal::{self, Holds},
};
use crate::{
    domain::personal::PersonalData,
    limits::{JSON_LINE_BYTES_MAX, LIST_FAULTS_MAX},
    protocol::pb,
};

/// Members with identifiers, which may look like a resident identity number.
const IDENTIFIERS: &[&str] =
    &["designee", "newDesignee", "new_designee", "successor", "successors"];
/// Members with digests, which may look like any number.
const DIGESTS: &[&str] = &["sha256", "sm3", "digest"];

/// Reads a text whose line breaks are `\n`; blank lines are skipped.
pub(super) fn read(text: &str) -> Result<Vec<ImportedRow>, ImportError> {
    let descriptor = descriptor()?;
    let mut rows = Vec::new();
    let mut errors = Vec::new();
    for (row, line) in (1_u32..).zip(text.split('\n')).filter(|(_, line)| !line.trim().is_empty()) {
        if errors.len() >= LIST_FAULTS_MAX {
            break;
        }
        match event(&descriptor, line) {
            Ok(event) => rows.push(ImportedRow { sheet: String::new(), row, event }),
            Err(message) => errors.push(RowError {
                sheet: String::new(),
                row,
                column: String::new(),
                value: String::new(),
                message,
            }),
        }
    }
    if errors.is_empty() { Ok(rows) } else { Err(ImportError::Rows(errors)) }
}

fn descriptor() -> Result<MessageDescriptor, ImportError> {
    let pool = DescriptorPool::decode(pb::DESCRIPTORS).map_err(|_| ImportError::Schema)?;
    pool.get_message_by_name("tidu.v1.Event").ok_or(ImportError::Schema)
}

fn event(descriptor: &MessageDescriptor, line: &str) -> Result<pb::Event, String> {
    if line.len() > JSON_LINE_BYTES_MAX {
        let found = line.len();
        return Err(format!("has {found} bytes; a line has at most {JSON_LINE_BYTES_MAX}"));
    }
    // Errors repeat no value from here on: the line may hold personal data.
    let value: Value = serde_json::from_str(line)
        .map_err(|error| format!("not a JSON object on one line: {error}"))?;
    if let Some((member, what)) = personal_member("", &value) {
        return Err(format!("{member} contains {what}; the log cannot forget personal data"));
    }
    let message = DynamicMessage::deserialize(descriptor.clone(), value)
        .map_err(|error| format!("not a tidu.v1.Event: {error}"))?;
    message.transcode_to().map_err(|error| format!("not a tidu.v1.Event: {error}"))
}

/// The first member whose text contains personal data.
fn personal_member(name: &str, value: &Value) -> Option<(String, PersonalData)> {
    match value {
        Value::String(_) if DIGESTS.contains(&name) => None,
        Value::String(text) => {
            let holds = match name {
                "url" => Holds::Url,
                _ if IDENTIFIERS.contains(&name) => Holds::Code,
                _ => Holds::Text,
            };
            personal::found(text, holds).map(|what| (name.to_owned(), what))
        }
        Value::Array(values) => values.iter().find_map(|value| personal_member(name, value)),
        Value::Object(members) => {
            members.iter().find_map(|(name, value)| personal_member(name, value))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}
