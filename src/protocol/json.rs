//! Canonical protobuf JSON, from the embedded descriptors.

use std::{collections::HashSet, fmt};

use bytes::Bytes;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};

use super::{batch::Frame, pb, plain_json, zeros::WithZeros};

/// A message without a JSON form, or a text that is not one, with the reason.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct JsonError(String);

/// A line of an export: an event, or the place of one whose content is erased.
#[derive(Debug)]
pub enum JsonPlace {
    /// An event.
    Event(Box<pb::RecordedEvent>),
    /// A withheld place.
    Withheld(Box<pb::Withheld>),
}

impl JsonPlace {
    /// The place of an event.
    #[must_use]
    pub fn event(event: pb::RecordedEvent) -> Self {
        Self::Event(Box::new(event))
    }

    /// A withheld place.
    #[must_use]
    pub fn withheld(withheld: pb::Withheld) -> Self {
        Self::Withheld(Box::new(withheld))
    }

    /// Its position, if the line has one.
    #[must_use]
    pub fn position(&self) -> Option<u64> {
        match self {
            Self::Event(event) => event.position,
            Self::Withheld(withheld) => withheld.position,
        }
    }

    /// The bytes that the log holds in this place.
    #[must_use]
    pub fn frame(&self) -> Frame {
        let (withheld, bytes) = match self {
            Self::Event(event) => (false, event.encode_to_vec()),
            Self::Withheld(withheld) => (true, withheld.encode_to_vec()),
        };
        Frame { withheld, bytes: Bytes::from(bytes) }
    }
}

/// Turns messages of package `tidu.v1` into protobuf JSON and back.
#[derive(Debug)]
pub struct Json {
    pool: DescriptorPool,
}

impl Json {
    /// Reads the embedded descriptors.
    ///
    /// # Errors
    /// If they cannot be read. Only a build with broken descriptors causes it.
    pub fn new() -> Result<Self, JsonError> {
        let pool = DescriptorPool::decode(pb::DESCRIPTORS)
            .map_err(|e| JsonError(format!("the embedded descriptors cannot be read: {e}")))?;
        Ok(Self { pool })
    }

    /// One line of JSON for a message.
    ///
    /// # Errors
    /// If `name` is not a message, or cannot be printed.
    pub fn line(&self, name: &str, message: &impl Message) -> Result<String, JsonError> {
        self.line_of(name, &message.encode_to_vec())
    }

    /// As [`Json::line`], with the numbers and flags that are zero.
    ///
    /// # Errors
    /// As for [`Json::line`].
    pub fn whole(&self, name: &str, message: &impl Message) -> Result<String, JsonError> {
        let dynamic = self.message(name, &message.encode_to_vec())?;
        serde_json::to_string(&WithZeros(&dynamic))
            .map_err(|e| JsonError(format!("cannot print a {name}: {e}")))
    }

    /// As [`Json::whole`], with ISO dates and hashes in hexadecimal.
    ///
    /// # Errors
    /// As for [`Json::line`].
    pub fn plain(&self, name: &str, message: &impl Message) -> Result<String, JsonError> {
        let dynamic = self.message(name, &message.encode_to_vec())?;
        plain_json::plain(&dynamic)
            .map(|value| value.to_string())
            .map_err(|e| JsonError(format!("cannot print a {name}: {e}")))
    }

    /// One line of JSON for an encoded message.
    ///
    /// # Errors
    /// As for [`Json::line`], or if the bytes are not a message of that name.
    pub fn line_of(&self, name: &str, encoded: &[u8]) -> Result<String, JsonError> {
        let dynamic = self.message(name, encoded)?;
        serde_json::to_string(&dynamic)
            .map_err(|e| JsonError(format!("cannot print a {name}: {e}")))
    }

    /// An encoded message in a form that serialises as its JSON.
    ///
    /// # Errors
    /// As for [`Json::line_of`].
    pub fn message(&self, name: &str, encoded: &[u8]) -> Result<DynamicMessage, JsonError> {
        let unreadable = |why: String| JsonError(format!("cannot read a {name}: {why}"));
        let descriptor = self.pool.get_message_by_name(&format!("tidu.v1.{name}"));
        let descriptor = descriptor.ok_or_else(|| unreadable("it has no descriptor".to_owned()))?;
        DynamicMessage::decode(descriptor, encoded).map_err(|e| unreadable(e.to_string()))
    }

    /// The encoded message that a text of JSON means.
    ///
    /// # Errors
    /// The reason for which the text is not one message of that name.
    pub fn parse(&self, name: &str, text: &str) -> Result<Vec<u8>, String> {
        let descriptor = self.pool.get_message_by_name(&format!("tidu.v1.{name}"));
        let descriptor = descriptor.ok_or_else(|| format!("a {name} has no descriptor"))?;
        let mut input = serde_json::Deserializer::from_str(text);
        let message = DynamicMessage::deserialize(descriptor, &mut input);
        let message = message.map_err(|e| format!("not a {name}: {e}"))?;
        input.end().map_err(|e| format!("more than a {name}: {e}"))?;
        Ok(message.encode_to_vec())
    }

    /// As [`Json::parse`], for a text that may have the plain form of some values as well.
    ///
    /// # Errors
    /// As for [`Json::parse`].
    pub fn parse_either(&self, name: &str, text: &str) -> Result<Vec<u8>, String> {
        let descriptor = self.pool.get_message_by_name(&format!("tidu.v1.{name}"));
        let descriptor = descriptor.ok_or_else(|| format!("a {name} has no descriptor"))?;
        let not_one = |e: serde_json::Error| format!("not a {name}: {e}");
        let mut value = serde_json::from_str(text).map_err(not_one)?;
        plain_json::canonical(&descriptor, &mut value);
        let message = DynamicMessage::deserialize(descriptor, value).map_err(not_one)?;
        Ok(message.encode_to_vec())
    }

    /// The log id and the size that the first line of an export states, and the same line for a log
    /// of another format.
    ///
    /// # Errors
    /// As for [`Json::parse`].
    pub fn head(&self, line: &str, format: u16) -> Result<(String, u64, String), String> {
        let encoded = self.parse("GetStatusResponse", line)?;
        let status = pb::GetStatusResponse::decode(encoded.as_slice());
        let status = status.map_err(|e| e.to_string())?;
        let (id, size) = (status.log_id.clone(), status.log_size);
        let status =
            pb::GetStatusResponse { log_format: status.log_format.max(format.into()), ..status };
        let line = self.line("GetStatusResponse", &status).map_err(|e| e.to_string())?;
        Ok((id, size, line))
    }

    /// The place of the log that a line of an export means. Encoded again, an event gives the bytes
    /// that were recorded.
    ///
    /// # Errors
    /// As for [`Json::parse`]; also if a member is there twice.
    pub fn place(&self, line: &str) -> Result<JsonPlace, String> {
        serde_json::from_str::<MembersOnce>(line)
            .map_err(|e| format!("not a RecordedEvent: {e}"))?;
        match self.parse("RecordedEvent", line) {
            Ok(encoded) => pb::RecordedEvent::decode(encoded.as_slice())
                .map(JsonPlace::event)
                .map_err(|e| e.to_string()),
            // No event has a leaf hash, so a line is never both.
            Err(why) => {
                let encoded = self.parse("Withheld", line).map_err(|_| why)?;
                pb::Withheld::decode(encoded.as_slice())
                    .map(JsonPlace::withheld)
                    .map_err(|e| e.to_string())
            }
        }
    }
}

/// Any JSON in which no object has a member twice. `prost-reflect` would take the last one.
struct MembersOnce;

impl<'de> Deserialize<'de> for MembersOnce {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for MembersOnce {
    type Value = Self;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            // Each field has two names: `approvedBy` and `approved_by`.
            if !names.insert(name.replace('_', "").to_ascii_lowercase()) {
                return Err(A::Error::custom(format!("member {name:?} is there twice")));
            }
            map.next_value::<Self>()?;
        }
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Self, A::Error> {
        while values.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_its_zeros_and_means_the_same_without_them() {
        let json = Json::new().unwrap();
        let (name, empty) = ("GetStatusResponse", pb::GetStatusResponse::default());
        assert_eq!(json.line(name, &empty).unwrap(), "{}");
        let whole = json.whole(name, &empty).unwrap();
        assert!(whole.starts_with("{\"logSize\":\"0\",\"designeeCount\":\"0\""), "{whole}");
        assert!(whole.contains("\"subscriberCount\":0"), "{whole}");
        assert!(!whole.contains("logId") && !whole.contains("diskBytes"), "{whole}");
        assert_eq!(json.parse(name, &whole).unwrap(), empty.encode_to_vec());
    }

    #[test]
    fn zeros_reach_the_parts_of_an_answer_and_no_record() {
        let json = Json::new().unwrap();
        let cursor = pb::Cursor { cursor_id: "a".to_owned(), ..Default::default() };
        let name = "ListCursorsResponse";
        let list = pb::ListCursorsResponse { cursors: vec![cursor], ..Default::default() };
        let whole = json.whole(name, &list).unwrap();
        assert!(
            whole.starts_with("{\"cursors\":[{\"cursorId\":\"a\",\"nextPosition\":\"0\""),
            "{whole}"
        );
        assert_eq!(json.parse(name, &whole).unwrap(), list.encode_to_vec());
        let event = pb::RecordedEvent { position: Some(0), ..Default::default() };
        let events = pb::ListEventsResponse { events: vec![event.clone()], ..Default::default() };
        let whole = json.whole("ListEventsResponse", &events).unwrap();
        assert!(whole.contains(&json.line("RecordedEvent", &event).unwrap()), "{whole}");
    }
}
