//! Canonical protobuf JSON, from the embedded descriptors. It has one form everywhere: in the
//! command line, in exports and over HTTP.
//!
//! ```text
//! read.rs    JSON -> encoded message     scalar.rs   values without parts
//! writer.rs  the message being written   refused.rs  why a text is not one
//! ```

mod read;
mod refused;
mod scalar;
#[cfg(test)]
mod tests;
mod writer;

use bytes::Bytes;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, ReflectMessage as _};

pub use self::refused::Unread;
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

/// The kind of a `RecordedEvent` as a word: `review-passed`. `None` for a fact of a later version.
#[must_use]
pub fn fact_word(recorded: &DynamicMessage) -> Option<String> {
    let event = recorded.get_field_by_name("event")?;
    let event = event.as_message()?;
    let fact = event.descriptor().oneofs().find(|oneof| oneof.name() == "fact")?;
    let fact = fact.fields().find(|field| event.has_field(field))?;
    Some(fact.name().replace('_', "-"))
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
        whole(&self.descriptor(name)?, &message.encode_to_vec())
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
        DynamicMessage::decode(self.descriptor(name)?, encoded)
            .map_err(|e| JsonError(format!("cannot read a {name}: {e}")))
    }

    fn descriptor(&self, name: &str) -> Result<MessageDescriptor, JsonError> {
        let found = self.pool.get_message_by_name(&format!("tidu.v1.{name}"));
        found.ok_or_else(|| JsonError(format!("a {name} has no descriptor")))
    }

    /// The encoded message that a text of JSON means.
    ///
    /// # Errors
    /// The reason for which the text is not one message of that name.
    pub fn parse(&self, name: &str, text: &str) -> Result<Vec<u8>, String> {
        let descriptor = self.descriptor(name).map_err(|e| e.to_string())?;
        read(text.as_bytes(), &descriptor, usize::MAX, &mut |_| true)
            .map_err(|unread| format!("not a {name}: {unread}"))
    }

    /// As [`Json::parse`], for a text that may have the plain form of some values as well.
    ///
    /// # Errors
    /// As for [`Json::parse`].
    pub fn parse_either(&self, name: &str, text: &str) -> Result<Vec<u8>, String> {
        let descriptor = self.descriptor(name).map_err(|e| e.to_string())?;
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
    /// As for [`Json::parse`].
    pub fn place(&self, line: &str) -> Result<JsonPlace, String> {
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

/// The encoded message that a text of JSON means, in at most `bytes_max` bytes. `room` is asked
/// before the message takes so many bytes more, and tells whether it may.
///
/// # Errors
/// [`Unread`]: the field that is wrong and the rule that it breaks, or why this is no JSON at all.
pub fn read(
    text: &[u8],
    message: &MessageDescriptor,
    bytes_max: usize,
    room: &mut dyn FnMut(usize) -> bool,
) -> Result<Vec<u8>, Unread> {
    read::read(text, message, bytes_max, room)
}

/// The JSON of an encoded message, in one line, with the numbers and flags that are zero.
///
/// # Errors
/// If the bytes are not such a message.
pub fn whole(message: &MessageDescriptor, encoded: &[u8]) -> Result<String, JsonError> {
    let name = message.full_name();
    let dynamic = DynamicMessage::decode(message.clone(), encoded)
        .map_err(|e| JsonError(format!("cannot read a {name}: {e}")))?;
    serde_json::to_string(&WithZeros(&dynamic))
        .map_err(|e| JsonError(format!("cannot print a {name}: {e}")))
}
