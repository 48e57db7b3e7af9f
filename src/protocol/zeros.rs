//! The JSON of an answer with its zeros. Canonical JSON leaves out numbers and flags that are zero,
//! so a script that reads a count would find none in an empty log.

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, ReflectMessage as _, Value};
use serde::{
    Serialize, Serializer,
    ser::{Error as _, SerializeMap as _},
};

/// Records have one form everywhere: that of an export.
const RECORDS: [&str; 3] = ["tidu.v1.Event", "tidu.v1.RecordedEvent", "tidu.v1.Withheld"];

/// A message whose numbers and flags are written also if they are zero. Texts, lists and whatever
/// can be absent are left out as before.
pub(super) struct WithZeros<'m>(pub(super) &'m DynamicMessage);

impl Serialize for WithZeros<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let name = self.0.descriptor().full_name().to_owned();
        if !name.starts_with("tidu.v1.") || RECORDS.contains(&name.as_str()) {
            return self.0.serialize(serializer);
        }
        let mut fields: Vec<_> = self.0.descriptor().fields().collect();
        fields.sort_by_key(FieldDescriptor::number);
        let mut map = serializer.serialize_map(None)?;
        for field in fields {
            if self.0.has_field(&field) {
                let value = self.0.get_field(&field);
                map.serialize_entry(field.json_name(), &Part { field: &field, value: &value })?;
            } else if let Some(zero) = zero(&field) {
                map.serialize_entry(field.json_name(), &zero)?;
            }
        }
        map.end()
    }
}

/// The value of a field.
struct Part<'m> {
    field: &'m FieldDescriptor,
    value: &'m Value,
}

impl Serialize for Part<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.value {
            Value::Message(message) => WithZeros(message).serialize(serializer),
            Value::List(values) if matches!(self.field.kind(), Kind::Message(_)) => {
                let messages = values.iter().filter_map(Value::as_message).map(WithZeros);
                serializer.collect_seq(messages)
            }
            value => {
                // The form of a plain value depends on its field: of an enum, of bytes.
                let mut alone = DynamicMessage::new(self.field.parent_message().clone());
                alone.set_field(self.field, value.clone());
                let alone = serde_json::to_value(&alone).map_err(S::Error::custom)?;
                let name = self.field.json_name();
                let value = alone.get(name);
                value
                    .ok_or_else(|| S::Error::custom(format!("{name} has no value")))?
                    .serialize(serializer)
            }
        }
    }
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
