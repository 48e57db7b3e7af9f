//! Reads the JSON of a message and writes the message, encoded, as it goes.
//!
//! No tree is built in between: one of `prost-reflect` takes hundreds of bytes for each pair of
//! braces, so a request of 16 MiB would take gigabytes. The one thing that grows is the encoded
//! message, and whoever pays for it is asked before. A fault names its field, which a tree would
//! not know any more. A member that is there twice is one, because no reader can tell which of the
//! two its writer meant.

use std::fmt::{self, Write as _};

use prost::Message as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{
    refused::Unread,
    scalar::{Plain, Scalar, expected},
    writer::Writer,
};
use crate::domain::fault::{Breach, Key, RuleId, echo};

/// The encoded message that a text means. `room` is asked before the message takes more bytes, and
/// tells whether it may.
///
/// # Errors
/// [`Unread`].
pub(super) fn read(
    text: &[u8],
    message: &MessageDescriptor,
    bytes_max: usize,
    room: &mut dyn FnMut(usize) -> bool,
) -> Result<Vec<u8>, Unread> {
    let mut writer = Writer::new(bytes_max, room);
    let mut input = serde_json::Deserializer::from_slice(text);
    let seed = Whole { writer: &mut writer, message };
    let read = seed.deserialize(&mut input).and_then(|()| input.end());
    match (writer.unread, read) {
        (Some(unread), _) => Err(unread),
        (None, Ok(())) if writer.out.len() > bytes_max => {
            Err(Unread::TooLarge { limit: bytes_max })
        }
        (None, Ok(())) => Ok(writer.out),
        (None, Err(fault)) => {
            let detail = format!("not JSON: {}", echo(&fault.to_string()));
            Err(Unread::Malformed { detail, field: writer.path })
        }
    }
}

impl Writer<'_> {
    /// Reads the members of a message.
    fn members<'de, A: MapAccess<'de>>(
        &mut self,
        message: &MessageDescriptor,
        mut map: A,
    ) -> Result<(), A::Error> {
        // The fields so far, and whether each has a value: null is none.
        let mut seen: Vec<(FieldDescriptor, bool)> = Vec::new();
        while let Some(named) = map.next_key_seed(Named(message))? {
            let field = match named {
                Ok(field) => field,
                Err(name) => return self.unknown(message, &name),
            };
            let before = self.enter(field.name());
            if seen.iter().any(|(other, _)| *other == field) {
                return self.fault(field.json_name().to_owned(), RuleId::JsonFieldTwice.into());
            }
            let seed = Value { writer: self, field: &field, place: Place::Member };
            let is_there = map.next_value_seed(seed)?;
            let rival = |(other, is_there): &&(FieldDescriptor, bool)| {
                *is_there
                    && field.containing_oneof().is_some()
                    && other.containing_oneof() == field.containing_oneof()
            };
            if is_there && let Some((other, _)) = seen.iter().find(rival) {
                let breach = RuleId::JsonOneOf.with(Key::Found, other.json_name());
                return self.fault(field.json_name().to_owned(), breach);
            }
            seen.push((field, is_there));
            self.path.truncate(before);
        }
        Ok(())
    }

    /// A member that is not a field.
    fn unknown<E: Error>(&mut self, message: &MessageDescriptor, name: &str) -> Result<(), E> {
        let names: Vec<_> = message.fields().map(|field| field.json_name().to_owned()).collect();
        let names = Some(names.join(", ")).filter(|names| !names.is_empty());
        let breach = RuleId::JsonFieldUnknown.with(Key::Message, message.name());
        self.enter(name);
        self.fault(name.to_owned(), breach.with_any(Key::Fields, names))
    }

    /// Reads the entries of a map: messages with a key and a value.
    fn entries<'de, A: MapAccess<'de>>(
        &mut self,
        field: &FieldDescriptor,
        entry: &MessageDescriptor,
        mut map: A,
    ) -> Result<(), A::Error> {
        let (key_field, value) = (entry.map_entry_key_field(), entry.map_entry_value_field());
        while let Some(key) = map.next_key::<String>()? {
            let before = self.path.len();
            self.path = format!("{}[{:?}]", self.path, echo(&key));
            let scalar = match (key_field.kind(), &*key) {
                (Kind::Bool, "true") => Scalar::Bool(true),
                (Kind::Bool, "false") => Scalar::Bool(false),
                _ => Scalar::Text(&key),
            };
            let plain = match scalar.plain(&key_field.kind()) {
                Ok(plain) => plain,
                Err(breach) => return self.fault(echo(&key), breach),
            };
            self.part(field.number(), |writer| {
                writer.put(key_field.number(), &plain, false)?;
                let seed = Value { writer, field: &value, place: Place::Listed };
                map.next_value_seed(seed).map(drop)
            })?;
            self.path.truncate(before);
        }
        Ok(())
    }
}

/// The field that a member of an object names, in either of its two forms; or else that name,
/// shortened.
struct Named<'d>(&'d MessageDescriptor);

impl<'de> DeserializeSeed<'de> for Named<'_> {
    type Value = Result<FieldDescriptor, String>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Self::Value, D::Error> {
        input.deserialize_str(self)
    }
}

impl Visitor<'_> for Named<'_> {
    type Value = Result<FieldDescriptor, String>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name of a field")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        let field = self.0.get_field_by_json_name(name);
        Ok(field.or_else(|| self.0.get_field_by_name(name)).ok_or_else(|| echo(name)))
    }
}

/// The message itself.
struct Whole<'w, 's> {
    writer: &'s mut Writer<'w>,
    message: &'s MessageDescriptor,
}

impl<'de> DeserializeSeed<'de> for Whole<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Whole<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object in braces")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        self.writer.members(self.message, map)
    }
}

/// Where a value is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Behind the name of its field.
    Member,
    /// In a list, or behind the key of a map.
    Listed,
    /// In a list of numbers without keys.
    Packed,
}

/// A value of a field. Gives false for null, which means that there is none.
struct Value<'w, 's> {
    writer: &'s mut Writer<'w>,
    field: &'s FieldDescriptor,
    place: Place,
}

impl Value<'_, '_> {
    fn scalar<E: Error>(self, scalar: Scalar<'_>) -> Result<bool, E> {
        let Self { writer, field, place } = self;
        if place == Place::Member && (field.is_list() || field.is_map()) {
            return writer.fault(scalar.shown(), wanted(field, place));
        }
        let kind = field.kind();
        if let Kind::Message(message) = &kind {
            let Some(encoded) = well_known(message, scalar) else {
                return writer.fault(scalar.shown(), wanted(field, place));
            };
            writer.put(field.number(), &Plain::Bytes(encoded.into()), false)?;
            return Ok(true);
        }
        match scalar.plain(&kind) {
            // What is not stated has the same value.
            Ok(plain)
                if place == Place::Member && plain.is_zero() && !field.supports_presence() => {}
            Ok(plain) => writer.put(field.number(), &plain, place == Place::Packed)?,
            Err(breach) => return writer.fault(scalar.shown(), breach),
        }
        Ok(true)
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_, '_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<bool, D::Error> {
        let is_one = self.place != Place::Member || !(self.field.is_list() || self.field.is_map());
        match self.field.kind() {
            Kind::Message(message) if is_one && is_any_json(&message) => {
                let Some(tree) = input.deserialize_option(Tree(&message))? else {
                    return Ok(false);
                };
                let encoded = Plain::Bytes(tree.encode_to_vec().into());
                self.writer.put(self.field.number(), &encoded, false)?;
                Ok(true)
            }
            _ => input.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Value<'_, '_> {
    type Value = bool;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(expected(&self.field.kind()))
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        match self.place {
            Place::Member => Ok(false),
            _ => self.writer.fault("null".to_owned(), wanted(self.field, self.place)),
        }
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<bool, E> {
        self.scalar(Scalar::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<bool, E> {
        self.scalar(Scalar::Unsigned(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<bool, E> {
        self.scalar(Scalar::Signed(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<bool, E> {
        self.scalar(Scalar::Float(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<bool, E> {
        self.scalar(Scalar::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, values: A) -> Result<bool, A::Error> {
        let Self { writer, field, place } = self;
        if place != Place::Member || !field.is_list() {
            return writer.fault("[…]".to_owned(), wanted(field, place));
        }
        if field.is_packed() {
            writer.packed(field.number(), |writer| items(writer, field, Place::Packed, values))?;
        } else {
            items(writer, field, Place::Listed, values)?;
        }
        Ok(true)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<bool, A::Error> {
        let Self { writer, field, place } = self;
        match field.kind() {
            Kind::Message(entry) if place == Place::Member && field.is_map() => {
                writer.entries(field, &entry, map)?;
            }
            Kind::Message(message)
                if (place != Place::Member || !field.is_list()) && !is_one_value(&message) =>
            {
                writer.inside(|writer| {
                    writer.part(field.number(), |writer| writer.members(&message, map))
                })?;
            }
            _ => return writer.fault("{…}".to_owned(), wanted(field, place)),
        }
        Ok(true)
    }
}

/// Reads the items of a list.
fn items<'de, A: SeqAccess<'de>>(
    writer: &mut Writer<'_>,
    field: &FieldDescriptor,
    place: Place,
    mut values: A,
) -> Result<(), A::Error> {
    let before = writer.path.len();
    for index in 0_usize.. {
        // The path is that of the item also if it is cut short.
        let _ = write!(writer.path, "[{index}]");
        if values.next_element_seed(Value { writer, field, place })?.is_none() {
            break;
        }
        writer.path.truncate(before);
    }
    writer.path.truncate(before);
    Ok(())
}

/// The breach of a value that is not what its place takes.
fn wanted(field: &FieldDescriptor, place: Place) -> Breach {
    let expected = match place {
        Place::Member if field.is_list() => "a list in brackets",
        Place::Member if field.is_map() => "an object in braces",
        _ => expected(&field.kind()),
    };
    RuleId::JsonValueForm.with(Key::Expected, expected)
}

/// True for the messages whose JSON may be anything. No request of the API has one: `prost-reflect`
/// reads them, into a tree.
fn is_any_json(message: &MessageDescriptor) -> bool {
    let name = message.full_name().strip_prefix("google.protobuf.");
    matches!(name, Some("Any" | "Struct" | "Value" | "ListValue"))
}

/// True for the messages whose JSON is one value, such as a time.
fn is_one_value(message: &MessageDescriptor) -> bool {
    match message.full_name().strip_prefix("google.protobuf.") {
        Some("Timestamp" | "Duration" | "FieldMask") => true,
        Some(name) => name.ends_with("Value"),
        None => false,
    }
}

/// The encoded form of such a value.
fn well_known(message: &MessageDescriptor, scalar: Scalar<'_>) -> Option<Vec<u8>> {
    if !is_one_value(message) {
        return None;
    }
    let value = match scalar {
        Scalar::Bool(value) => value.into(),
        Scalar::Unsigned(value) => value.into(),
        Scalar::Signed(value) => value.into(),
        Scalar::Float(value) => value.into(),
        Scalar::Text(text) => serde_json::Value::from(text),
    };
    let read = DynamicMessage::deserialize(message.clone(), value);
    read.ok().map(|message| message.encode_to_vec())
}

/// A message whose JSON may be anything.
struct Tree<'d>(&'d MessageDescriptor);

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Option<DynamicMessage>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.full_name())
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        // Only a value of any JSON can be null itself.
        if self.0.full_name() != "google.protobuf.Value" {
            return Ok(None);
        }
        let null = DynamicMessage::deserialize(self.0.clone(), serde_json::Value::Null);
        null.map(Some).map_err(E::custom)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        self.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, input: D) -> Result<Self::Value, D::Error> {
        DynamicMessage::deserialize(self.0.clone(), input).map(Some)
    }
}
