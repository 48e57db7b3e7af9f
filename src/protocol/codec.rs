//! The server's codec: prost, with a buffer of the size that each message needs. A large message is
//! decoded beside the threads that serve others.
//!
//! tonic's own codec starts every stream with a buffer of 8 KiB, which ten thousand idle
//! subscribers would hold unused. For a large message it grows the buffer by copying it repeatedly.
//! The generated servers use this codec by name, see build.rs.

use std::marker::PhantomData;

use bytes::Buf as _;
use prost::Message;
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task::block_in_place,
};
use tonic::{
    Status,
    codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
};

use crate::limits::{INLINE_WORK_BYTES_MAX, STREAM_BUFFER_BYTES, STREAM_YIELD_BYTES};

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
    type Decoder = MessageDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        MessageEncoder(PhantomData)
    }

    fn decoder(&mut self) -> Self::Decoder {
        MessageDecoder(PhantomData)
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
        buffers()
    }
}

/// Decodes `U`. An error is INVALID_ARGUMENT without details, and nothing else is: the service adds
/// them.
pub(crate) struct MessageDecoder<U>(PhantomData<U>);

impl<U: Message + Default> Decoder for MessageDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        let is_large = buffer.remaining() > INLINE_WORK_BYTES_MAX;
        let mut decode = || U::decode(&mut *buffer);
        let decoded =
            if is_large && has_more_threads() { block_in_place(decode) } else { decode() };
        #[allow(clippy::disallowed_methods)] // service/transport.rs adds the details
        decoded.map(Some).map_err(|error| Status::invalid_argument(error.to_string()))
    }

    fn buffer_settings(&self) -> BufferSettings {
        buffers()
    }
}

/// True if another thread can take over what this one serves.
fn has_more_threads() -> bool {
    Handle::try_current().is_ok_and(|here| here.runtime_flavor() == RuntimeFlavor::MultiThread)
}

fn buffers() -> BufferSettings {
    BufferSettings::new(STREAM_BUFFER_BYTES, STREAM_YIELD_BYTES)
}
