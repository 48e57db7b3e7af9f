//! The messages in a body of gRPC: each is preceded by a flag and its length.

use bytes::{Buf as _, Bytes, BytesMut};

/// Bytes of the prefix of a message: a flag, and its length.
pub(super) const PREFIX_BYTES: usize = 5;

/// The bytes of a body that are not read yet.
#[derive(Default)]
pub(super) struct Frames(Bytes);

impl Frames {
    /// Adds what came next.
    pub(super) fn add(&mut self, data: Bytes) {
        if self.0.is_empty() {
            self.0 = data;
            return;
        }
        let mut joined = BytesMut::with_capacity(self.0.len() + data.len());
        joined.extend_from_slice(&self.0);
        joined.extend_from_slice(&data);
        self.0 = joined.freeze();
    }

    /// Bytes that are not read yet.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The next message, once it is there whole. It shares the memory of the body.
    pub(super) fn next(&mut self) -> Option<Bytes> {
        let mut prefix = self.0.get(..PREFIX_BYTES)?;
        // The requests whose answers are read here accept no packed messages.
        let _flag = prefix.get_u8();
        let length = usize::try_from(prefix.get_u32()).ok()?;
        let end = PREFIX_BYTES.checked_add(length)?;
        if self.0.len() < end {
            return None;
        }
        let message = self.0.slice(PREFIX_BYTES..end);
        self.0.advance(end);
        Some(message)
    }
}

/// The prefix of a message of so many bytes.
pub(super) fn prefix(flag: u8, bytes: usize) -> [u8; PREFIX_BYTES] {
    let [a, b, c, d] = u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes();
    [flag, a, b, c, d]
}

/// A message behind its prefix.
pub(super) fn framed(flag: u8, message: &[u8]) -> Bytes {
    Bytes::from([&prefix(flag, message.len())[..], message].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_found_however_the_body_is_cut() {
        let messages: [&[u8]; 4] = [b"one", b"", b"three", &[7; 300]];
        let mut body = Vec::new();
        for message in messages {
            body.push(0);
            body.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
            body.extend_from_slice(message);
        }
        for cut in 1..=body.len() {
            let (mut frames, mut found) = (Frames::default(), Vec::new());
            for part in body.chunks(cut) {
                frames.add(Bytes::copy_from_slice(part));
                found.extend(std::iter::from_fn(|| frames.next()));
            }
            assert_eq!(found, messages, "in parts of {cut} bytes");
        }
    }
}
