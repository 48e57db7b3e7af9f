//! Unpacks a message that arrived packed, and counts its elements while it does. No more is ever
//! unpacked than the method takes.

use std::{
    collections::VecDeque,
    io::{self, BufRead, Read},
};

use bytes::{Buf as _, Bytes};
use flate2::bufread::GzDecoder;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::{
    budget::Ticket,
    form::Form,
    methods::Method,
    receive::{self, Received},
    refusals,
};
use crate::{
    ledger::run_blocking,
    limits::{INLINE_WORK_BYTES_MAX, UNPACK_STEP_BYTES, UNPACK_WORK_BYTES, ZSTD_WINDOW_LOG_MAX},
    protocol::wire::Walk,
    service::errors,
};

/// How a message is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Gzip,
    Zstd,
}

/// A message that is being unpacked.
struct Unpacking {
    reader: Reader,
    method: Method,
    /// Counts a message of protobuf.
    walk: Option<Walk>,
    parts: Vec<Bytes>,
    bytes: usize,
    /// Bytes of the packed message and of the unpacking itself, which are free at the end.
    borrowed: usize,
}

enum Reader {
    Gzip(Box<GzDecoder<Parts>>),
    Zstd(zstd::stream::read::Decoder<'static, Parts>),
}

/// Unpacks a small message at once.
pub(super) fn at_once(
    packed: (Packing, Vec<Bytes>),
    form: &Form,
    method: Method,
    ticket: &mut Ticket,
) -> Result<Received, Status> {
    let mut unpacking = Unpacking::new(packed, form, method, ticket)?;
    while !unpacking.step(ticket)? {}
    unpacking.finish(ticket)
}

/// Unpacks a message: a small one at once, a large one on a thread that may block, of which few run
/// at a time. Gives the ticket back, which the work owns meanwhile.
pub(super) async fn unpack(
    packed: (Packing, Vec<Bytes>),
    form: &Form,
    method: Method,
    mut ticket: Ticket,
    large: &Semaphore,
) -> Result<(Received, Ticket), Status> {
    let packed_bytes: usize = packed.1.iter().map(Bytes::len).sum();
    let mut unpacking = Unpacking::new(packed, form, method, &mut ticket)?;
    while packed_bytes <= INLINE_WORK_BYTES_MAX && unpacking.bytes < INLINE_WORK_BYTES_MAX {
        if unpacking.step(&mut ticket)? {
            return Ok((unpacking.finish(&mut ticket)?, ticket));
        }
    }
    let _turn = large.acquire().await.map_err(|_| errors::draining())?;
    let caller = CancellationToken::new();
    let gone = caller.clone();
    let _leaves = caller.drop_guard();
    run_blocking(move || {
        while !unpacking.step(&mut ticket)? {
            if gone.is_cancelled() {
                return Err(errors::deadline_passed());
            }
        }
        Ok((unpacking.finish(&mut ticket)?, ticket))
    })
    .await?
}

impl Unpacking {
    /// Begins, and takes the memory that it needs from the budget.
    fn new(
        (packing, packed): (Packing, Vec<Bytes>),
        form: &Form,
        method: Method,
        ticket: &mut Ticket,
    ) -> Result<Self, Status> {
        let packed_bytes: usize = packed.iter().map(Bytes::len).sum();
        let parts = Parts(packed.into());
        let window = match packing {
            Packing::Gzip => 0,
            // Of a larger window, no more is used than the method takes.
            Packing::Zstd => {
                let window = window_bytes(&parts.begin()).unwrap_or(usize::MAX);
                window.min(method.bytes_max)
            }
        };
        ticket.charge(window + UNPACK_WORK_BYTES).map_err(refusals::no_room)?;
        let reader = match packing {
            Packing::Gzip => Reader::Gzip(Box::new(GzDecoder::new(parts))),
            Packing::Zstd => Reader::Zstd(zstd_reader(parts).map_err(|e| unreadable(&e))?),
        };
        let walk = form.json.is_none().then(|| Walk::new(method.shape, method.bounds));
        let borrowed = packed_bytes + window + UNPACK_WORK_BYTES;
        Ok(Self { reader, method, walk, parts: Vec::new(), bytes: 0, borrowed })
    }

    /// Unpacks one step. True at the end.
    fn step(&mut self, ticket: &mut Ticket) -> Result<bool, Status> {
        let most = self.method.bytes_max;
        // One byte over the limit shows that there is more.
        let room = (most - self.bytes + 1).min(UNPACK_STEP_BYTES);
        // Most packed messages are small.
        let room = if self.bytes == 0 { room.min(UNPACK_STEP_BYTES / 16) } else { room };
        let mut part = vec![0; room];
        let mut filled = 0;
        while let Some(free) = part.get_mut(filled..).filter(|free| !free.is_empty()) {
            match self.reader.read(free).map_err(|error| unreadable(&error))? {
                0 => break,
                read => filled += read,
            }
        }
        part.truncate(filled);
        self.bytes += filled;
        if self.bytes > most {
            return Err(refusals::too_large(self.bytes, &self.method, true));
        }
        if let Some(walk) = &mut self.walk {
            walk.push(&part).map_err(refusals::not_decoded)?;
        }
        if filled > 0 {
            ticket.charge(room).map_err(refusals::no_room)?;
            self.parts.push(Bytes::from(part));
        }
        if filled == room {
            return Ok(false);
        }
        if self.reader.has_more() {
            return Err(refusals::malformed("bytes follow the packed message"));
        }
        Ok(true)
    }

    /// Ends: what was packed is free.
    fn finish(self, ticket: &mut Ticket) -> Result<Received, Status> {
        let Self { reader, walk, mut parts, bytes, borrowed, .. } = self;
        drop(reader);
        ticket.refund(borrowed);
        let counts = walk.map(Walk::finish).transpose();
        let counts = counts.map_err(refusals::not_decoded)?.unwrap_or_default();
        parts.insert(0, receive::plain_prefix(bytes));
        Ok(Received::Plain { parts, bytes, counts })
    }
}

impl Reader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(reader) => reader.read(into),
            Self::Zstd(reader) => reader.read(into),
        }
    }

    fn has_more(&self) -> bool {
        match self {
            Self::Gzip(reader) => !reader.get_ref().0.is_empty(),
            Self::Zstd(reader) => !reader.get_ref().0.is_empty(),
        }
    }
}

fn zstd_reader(parts: Parts) -> io::Result<zstd::stream::read::Decoder<'static, Parts>> {
    let mut reader = zstd::stream::read::Decoder::with_buffer(parts)?.single_frame();
    reader.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
    Ok(reader)
}

fn unreadable(error: &io::Error) -> Status {
    refusals::malformed(&format!("unpacking failed: {error}"))
}

/// Bytes of the window that the head of a zstd frame asks for (RFC 8878, 3.1.1.1), if the head can
/// be read. The reader refuses a frame that asks for more than the largest window.
fn window_bytes(head: &[u8]) -> Option<usize> {
    const MAGIC: usize = 4;
    const SINGLE_SEGMENT: u8 = 0x20;
    let (descriptor, rest) = head.get(MAGIC..)?.split_first()?;
    if descriptor & SINGLE_SEGMENT == 0 {
        let window = rest.first()?;
        let base = 1_usize.checked_shl(10 + u32::from(window >> 3))?;
        return base.checked_add(base / 8 * usize::from(window & 7));
    }
    // The window is the content, whose size is behind the id of a dictionary.
    let id_bytes = [0, 1, 2, 4].get(usize::from(descriptor & 3))?;
    let (size_bytes, more) =
        [(1, 0), (2, 256), (4, 0), (8, 0)].get(usize::from(descriptor >> 6))?;
    let size = rest.get(*id_bytes..id_bytes + size_bytes)?;
    let size = size
        .iter()
        .rev()
        .try_fold(0_usize, |sum, byte| Some(sum.checked_mul(256)? + usize::from(*byte)))?;
    size.checked_add(*more)
}

/// Parts of a message as one reader. Each is freed once it is read.
struct Parts(VecDeque<Bytes>);

impl Parts {
    /// The first bytes, as many as the head of a frame has at most.
    fn begin(&self) -> Vec<u8> {
        self.0.iter().flatten().take(18).copied().collect()
    }
}

impl BufRead for Parts {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(self.0.front().map_or(&[], |part| part))
    }

    fn consume(&mut self, bytes: usize) {
        let Some(part) = self.0.front_mut() else { return };
        part.advance(bytes.min(part.len()));
        if part.is_empty() {
            self.0.pop_front();
        }
    }
}

impl Read for Parts {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let here = self.fill_buf()?;
        let read = here.len().min(into.len());
        for (place, byte) in into.iter_mut().zip(here) {
            *place = *byte;
        }
        self.consume(read);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_window_of_a_frame_is_read_from_its_head() {
        let magic = [0x28, 0xB5, 0x2F, 0xFD];
        let window = |head: &[u8]| window_bytes(&[&magic, head].concat());
        // 2 MiB, and 2 MiB with a quarter more.
        assert_eq!(window(&[0x00, 11 << 3]), Some(2 << 20));
        assert_eq!(window(&[0x00, 11 << 3 | 2]), Some((2 << 20) + (1 << 19)));
        // Single segments with a size of one, two and four bytes, one of them behind an id.
        assert_eq!(window(&[0x20, 9]), Some(9));
        assert_eq!(window(&[0x60, 1, 0]), Some(257));
        assert_eq!(window(&[0xA1, 7, 0, 0, 1, 0]), Some(1 << 16));
        assert_eq!(window(&[0x60, 1]), None);
        assert_eq!(window_bytes(&[0x28]), None);
        for bytes in [30, 5_000, 3 << 20] {
            let packed = zstd::bulk::compress(&vec![7; bytes], 3).unwrap();
            let window = window_bytes(&packed).unwrap();
            assert!(window >= bytes.min(1 << 20) && window <= 4 << 20, "{bytes}: {window}");
        }
    }
}
