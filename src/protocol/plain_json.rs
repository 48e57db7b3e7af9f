//! JSON for scripts: days as ISO dates, hashes in hexadecimal, numbers as numbers.
//!
//! It has the members of protobuf JSON, with three values in another form: a `Date` is a text
//! (`2026-03-01`, `2026-03`, `2026`), bytes of the length of a hash are hexadecimal, and a number
//! of 64 bits is a number while every reader can hold it exactly. Reading takes both forms.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, ReflectMessage as _};
use serde_json::{Map, Value, json};

use super::zeros::WithZeros;
use crate::domain::text::hex;

/// Bytes of a hash: SHA-256, SM3.
const HASH_BYTES: usize = 32;
/// The largest number that every reader of JSON holds exactly: 2^53.
const EXACT_MAX: u64 = 1 << 53;
const DATE: &str = "google.type.Date";

/// The plain form of a message, with its zeros.
///
/// # Errors
/// If a value of the message has no JSON form.
pub(super) fn plain(message: &DynamicMessage) -> serde_json::Result<Value> {
    let mut value = serde_json::to_value(WithZeros(message))?;
    each_value(&message.descriptor(), &mut value, &mut |field, value| match field.kind() {
        Kind::Message(message) if message.full_name() == DATE => {
            *value = iso(value).into();
        }
        Kind::Bytes => {
            let bytes = value.as_str().and_then(|text| STANDARD.decode(text).ok());
            if let Some(bytes) = bytes.filter(|bytes| bytes.len() == HASH_BYTES) {
                *value = hex(&bytes).into();
            }
        }
        Kind::Uint64 | Kind::Fixed64 | Kind::Int64 | Kind::Sfixed64 | Kind::Sint64 => {
            let number = value.as_str().and_then(|text| text.parse::<i64>().ok());
            if let Some(number) = number.filter(|number| number.unsigned_abs() <= EXACT_MAX) {
                *value = number.into();
            }
        }
        _ => {}
    });
    Ok(value)
}

/// Brings the plain values in the JSON of a message into the form of protobuf JSON. Anything else
/// stays as it is, also a wrong value: who reads the message refuses it.
pub(crate) fn canonical(descriptor: &prost_reflect::MessageDescriptor, value: &mut Value) {
    each_value(descriptor, value, &mut |field, value| match field.kind() {
        Kind::Message(message) if message.full_name() == DATE => {
            if let Some(date) = value.as_str().and_then(date) {
                *value = date;
            }
        }
        Kind::Bytes => {
            if let Some(bytes) = value.as_str().and_then(hash) {
                *value = STANDARD.encode(bytes).into();
            }
        }
        _ => {}
    });
}

/// Visits each value of a message and of those in it: of a list, each item.
fn each_value(
    descriptor: &prost_reflect::MessageDescriptor,
    value: &mut Value,
    visit: &mut impl FnMut(&FieldDescriptor, &mut Value),
) {
    let Value::Object(members) = value else { return };
    for (name, value) in members {
        let field = descriptor.get_field_by_json_name(name);
        let Some(field) = field.or_else(|| descriptor.get_field_by_name(name)) else { continue };
        match value {
            Value::Array(items) if field.is_list() => {
                items.iter_mut().for_each(|item| one_value(&field, item, visit));
            }
            value => one_value(&field, value, visit),
        }
    }
}

fn one_value(
    field: &FieldDescriptor,
    value: &mut Value,
    visit: &mut impl FnMut(&FieldDescriptor, &mut Value),
) {
    match field.kind() {
        Kind::Message(message) if message.full_name() != DATE && !field.is_map() => {
            each_value(&message, value, visit);
        }
        _ => visit(field, value),
    }
}

/// A `Date` as a text: a part that is 0 is left out.
fn iso(date: &Value) -> String {
    let part = |name: &str| date.get(name).and_then(Value::as_i64).unwrap_or_default();
    match (part("year"), part("month"), part("day")) {
        (year, 0, _) => format!("{year:04}"),
        (year, month, 0) => format!("{year:04}-{month:02}"),
        (year, month, day) => format!("{year:04}-{month:02}-{day:02}"),
    }
}

/// The `Date` that a text means, if its form is right. Whether the day exists is for the reader.
fn date(text: &str) -> Option<Value> {
    let mut members = Map::new();
    let mut parts = text.split('-');
    for (name, digits) in [("year", 4), ("month", 2), ("day", 2)] {
        let Some(part) = parts.next() else { break };
        let is_number = part.len() == digits && part.bytes().all(|digit| digit.is_ascii_digit());
        members
            .insert(name.to_owned(), json!(is_number.then(|| part.parse::<i32>().ok()).flatten()?));
    }
    parts.next().is_none().then_some(Value::Object(members))
}

/// The bytes of a hash in hexadecimal. As base64 its length would be that of no hash.
fn hash(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if digits.len() != 2 * HASH_BYTES || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    digits.chunks(2).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;
    use crate::protocol::{json::Json, pb};

    #[test]
    fn plain_json_has_iso_dates_and_hex_and_reads_back() {
        let json = Json::new().unwrap();
        let date = |year, month, day| Some(pb::Date { year, month, day });
        for (valid_from, text) in [
            (date(2026, 3, 1), "\"2026-03-01\""),
            (date(2026, 3, 0), "\"2026-03\""),
            (date(2026, 0, 0), "\"2026\""),
        ] {
            let title = pb::Title { valid_from, ..Default::default() };
            let plain = json.plain("Title", &title).unwrap();
            assert!(plain.contains(&format!("\"validFrom\":{text}")), "{plain}");
            let read = json.parse_either("Title", &plain).unwrap();
            assert_eq!(pb::Title::decode(read.as_slice()).unwrap(), title);
        }
        let status = pb::GetStatusResponse {
            root_hash: vec![0xab; 32].into(),
            log_size: 7,
            ..Default::default()
        };
        let plain = json.plain("GetStatusResponse", &status).unwrap();
        assert!(plain.contains(&format!("\"rootHash\":\"{}\"", "ab".repeat(32))), "{plain}");
        assert!(plain.contains("\"logSize\":7,"), "{plain}");
        let read = json.parse_either("GetStatusResponse", &plain).unwrap();
        assert_eq!(pb::GetStatusResponse::decode(read.as_slice()).unwrap(), status);
    }

    #[test]
    fn a_text_that_is_no_date_or_hash_stays_as_it_is() {
        for text in ["2026-3-1", "26", "2026-03-01-01", "2026-03-01T00:00:00Z", ""] {
            assert_eq!(super::date(text), None, "{text}");
        }
        assert_eq!(hash(&"g".repeat(64)), None);
        assert_eq!(hash(&"a".repeat(62)), None);
    }
}
