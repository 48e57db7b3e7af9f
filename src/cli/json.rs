//! Canonical protobuf JSON, from the embedded descriptors.

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};

use super::CliError;
use crate::pb;

/// Turns messages into JSON.
pub(super) struct Json {
    pool: DescriptorPool,
}

impl Json {
    pub(super) fn new() -> Result<Self, CliError> {
        let pool = DescriptorPool::decode(pb::DESCRIPTORS)
            .map_err(|e| CliError::Said(format!("the embedded descriptors cannot be read: {e}")))?;
        Ok(Self { pool })
    }

    /// One line of JSON for a message of package `tidu.v1`.
    pub(super) fn line(&self, name: &str, message: &impl Message) -> Result<String, CliError> {
        self.line_of(name, &message.encode_to_vec())
    }

    /// One line of JSON for an encoded message of package `tidu.v1`.
    pub(super) fn line_of(&self, name: &str, encoded: &[u8]) -> Result<String, CliError> {
        let dynamic = self.message(name, encoded)?;
        serde_json::to_string(&dynamic)
            .map_err(|e| CliError::Said(format!("cannot print a {name}: {e}")))
    }

    /// An encoded message of package `tidu.v1`, which serialises as its JSON.
    pub(super) fn message(&self, name: &str, encoded: &[u8]) -> Result<DynamicMessage, CliError> {
        let said = |why: String| CliError::Said(format!("cannot read a {name}: {why}"));
        let descriptor = self.pool.get_message_by_name(&format!("tidu.v1.{name}"));
        let descriptor = descriptor.ok_or_else(|| said("it has no descriptor".to_owned()))?;
        DynamicMessage::decode(descriptor, encoded).map_err(|e| said(e.to_string()))
    }

    /// The encoded message of package `tidu.v1` that a text of JSON stands for, or why it stands for none.
    pub(super) fn parse(&self, name: &str, text: &str) -> Result<Vec<u8>, String> {
        let descriptor = self.pool.get_message_by_name(&format!("tidu.v1.{name}"));
        let descriptor = descriptor.ok_or_else(|| format!("a {name} has no descriptor"))?;
        let mut input = serde_json::Deserializer::from_str(text);
        let message = DynamicMessage::deserialize(descriptor, &mut input);
        let message = message.map_err(|e| format!("is no {name}: {e}"))?;
        input.end().map_err(|e| format!("is more than a {name}: {e}"))?;
        Ok(message.encode_to_vec())
    }

    /// The recorded event that a line of an export stands for, or why it stands for none. Encoded again, it has its fields in
    /// the order in which it was recorded.
    pub(super) fn recorded(&self, line: &str) -> Result<pb::RecordedEvent, String> {
        let encoded = self.parse("RecordedEvent", line)?;
        pb::RecordedEvent::decode(encoded.as_slice()).map_err(|e| e.to_string())
    }
}
