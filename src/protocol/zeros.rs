//! The JSON of an answer with its zeros. Canonical JSON leaves out numbers and flags that are zero,
//! so a script that reads a count would find none in an empty log.

use std::borrow::Cow;

use base64::{display::Base64Display, prelude::BASE64_STANDARD};
use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage as _, Value,
};
use serde::{Serialize, Serializer, ser::SerializeMap as _};

/// Records have one form everywhere: that of an export.
const RECORDS: [&str; 3] = ["tidu.v1.Event", "tidu.v1.RecordedEvent", "tidu.v1.Withheld"];

/// A message whose numbers and flags are written also if they are zero. Texts, lists and whatever
/// can be absent are left out as before.
pub(super) struct WithZeros<'m>(pub(super) &'m DynamicMessage);

impl Serialize for WithZeros<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let descriptor = self.0.descriptor();
        let name = descriptor.full_name();
        if !name.starts_with("tidu.v1.") || RECORDS.contains(&name) {
            return self.0.serialize(serializer);
        }
        let mut map = serializer.serialize_map(None)?;
        // The fields are in the order of their numbers.
        for field in descriptor.fields() {
            if self.0.has_field(&field) {
                let value: Cow<'_, Value> = self.0.get_field(&field);
                let part = Part { kind: &field.kind(), value: &value };
                map.serialize_entry(field.json_name(), &part)?;
            } else if let Some(zero) = zero(&field) {
                map.serialize_entry(field.json_name(), &zero)?;
            }
        }
        map.end()
    }
}

/// A value of a field.
struct Part<'m> {
    kind: &'m Kind,
    value: &'m Value,
}

impl Serialize for Part<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.value {
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::I32(value) => serializer.serialize_i32(*value),
            Value::U32(value) => serializer.serialize_u32(*value),
            Value::I64(value) => serializer.collect_str(value),
            Value::U64(value) => serializer.collect_str(value),
            Value::F32(value) => fraction(f64::from(*value), serializer),
            Value::F64(value) => fraction(*value, serializer),
            Value::String(text) => serializer.serialize_str(text),
            Value::Bytes(bytes) => {
                serializer.collect_str(&Base64Display::new(bytes, &BASE64_STANDARD))
            }
            Value::EnumNumber(number) => {
                let known = self.kind.as_enum().and_then(|values| values.get_value(*number));
                match known {
                    Some(value) => serializer.serialize_str(value.name()),
                    None => serializer.serialize_i32(*number),
                }
            }
            Value::Message(message) => WithZeros(message).serialize(serializer),
            Value::List(values) => {
                let part = |value| Part { kind: self.kind, value };
                serializer.collect_seq(values.iter().map(part))
            }
            Value::Map(values) => {
                let entry = self.kind.as_message().map(MessageDescriptor::map_entry_value_field);
                let kind = entry.map_or_else(|| self.kind.clone(), |value| value.kind());
                // In an order of their own, so that the same answer is the same text.
                let mut entries: Vec<_> = values.iter().map(|(k, v)| (key(k), v)).collect();
                entries.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
                let part = |(key, value)| (key, Part { kind: &kind, value });
                serializer.collect_map(entries.into_iter().map(part))
            }
        }
    }
}

fn key(key: &MapKey) -> Cow<'_, str> {
    match key {
        MapKey::Bool(value) => value.to_string().into(),
        MapKey::I32(value) => value.to_string().into(),
        MapKey::I64(value) => value.to_string().into(),
        MapKey::U32(value) => value.to_string().into(),
        MapKey::U64(value) => value.to_string().into(),
        MapKey::String(text) => text.into(),
    }
}

/// A number that JSON may not be able to write.
fn fraction<S: Serializer>(value: f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.is_finite() {
        return serializer.serialize_f64(value);
    }
    serializer.serialize_str(match value {
        f64::INFINITY => "Infinity",
        f64::NEG_INFINITY => "-Infinity",
        _ => "NaN",
    })
}

/// The zero of a number or a flag that cannot be absent. Numbers of 64 bits are texts.
fn zero(field: &FieldDescriptor) -> Option<serde_json::Value> {
    if field.supports_presence() || field.is_list() || field.is_map() {
        return None;
    }
    match field.kind() {
        Kind::Int64 | Kind::Uint64 | Kind::Sint64 | Kind::Fixed64 | Kind::Sfixed64 => {
            Some("0".into())
        }
        Kind::Int32 | Kind::Uint32 | Kind::Sint32 | Kind::Fixed32 | Kind::Sfixed32 => {
            Some(0.into())
        }
        Kind::Double | Kind::Float => Some(0.0.into()),
        Kind::Bool => Some(false.into()),
        Kind::String | Kind::Bytes | Kind::Message(_) | Kind::Enum(_) => None,
    }
}
