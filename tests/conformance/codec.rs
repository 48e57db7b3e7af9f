//! How tonic reads and writes messages without generated code.

use bytes::Buf as _;
use prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use tonic::{
    Status,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
};

/// The messages of a method: of this type are its requests.
#[derive(Clone)]
pub(crate) struct OfMethod(pub MessageDescriptor);

pub(crate) struct Write;

impl Codec for OfMethod {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = Write;
    type Decoder = Self;

    fn encoder(&mut self) -> Write {
        Write
    }

    fn decoder(&mut self) -> Self {
        self.clone()
    }
}

impl Encoder for Write {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(&mut self, item: DynamicMessage, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.encode(buffer).map_err(|error| Status::internal(error.to_string()))
    }
}

impl Decoder for OfMethod {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<DynamicMessage>, Status> {
        let bytes = buffer.copy_to_bytes(buffer.remaining());
        let read = DynamicMessage::decode(self.0.clone(), bytes);
        read.map(Some).map_err(|error| Status::invalid_argument(error.to_string()))
    }
}
