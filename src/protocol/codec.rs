//! How the server turns messages into bytes and back: prost, with room for what a message takes.
//!
//! The library's own codec begins every stream with 8 KiB of room, which ten thousand idle subscribers hold for nothing,
//! and lets the room for a large message grow by copying it again and again. The generated servers name this one, see
//! build.rs.

use std::marker::PhantomData;

use prost::Message;
use tonic::{
    Status,
    codec::{BufferSettings, Codec, EncodeBuf, Encoder},
};
use tonic_prost::ProstCodec;

use crate::limits::{STREAM_ROOM_BYTES, STREAM_YIELD_BYTES};

/// Encodes `T` and decodes `U`.
pub(crate) struct MessageCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for MessageCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for MessageCodec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = MessageEncoder<T>;
    type Decoder = <ProstCodec<T, U> as Codec>::Decoder;

    fn encoder(&mut self) -> Self::Encoder {
        MessageEncoder(PhantomData)
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstCodec::<T, U>::raw_decoder(room())
    }
}

/// Encodes `T`.
pub(crate) struct MessageEncoder<T>(PhantomData<T>);

impl<T: Message> Encoder for MessageEncoder<T> {
    type Item = T;
    type Error = Status;

    fn encode(&mut self, message: T, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.reserve(message.encoded_len());
        message.encode_raw(buffer);
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        room()
    }
}

fn room() -> BufferSettings {
    BufferSettings::new(STREAM_ROOM_BYTES, STREAM_YIELD_BYTES)
}
