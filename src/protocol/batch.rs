//! Batches of leaves on the wire: stored bytes go out without being decoded, and come in the same
//! way.
//!
//! [`LeafBatch`] replaces both `EventBatch` and `RawEventBatch`. The two have the same encoding,
//! because a stored leaf is the encoding of a `RecordedEvent`: field 1 repeats the leaves, field 2
//! is `next_position`. This file must never decode a leaf.

use bytes::{Buf, BufMut, Bytes};
use prost::{
    DecodeError,
    encoding::{self, DecodeContext, WireType},
};

/// Field of the leaves in both messages.
const LEAVES: u32 = 1;
/// Field of the next position in both messages.
const NEXT_POSITION: u32 = 2;
/// Key of a length-delimited field 1: the byte before every leaf in a run.
pub const LEAF_KEY: u8 = 0x0A;
/// Key of a length-delimited field 3: the byte before a withheld place in a run. No batch has this
/// field, so such a place never goes out as part of one.
pub const WITHHELD_KEY: u8 = 0x1A;

/// One frame of a run, without its key and length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// True if the bytes are a `Withheld` in the place of a leaf.
    pub withheld: bool,
    /// The leaf, or the `Withheld`.
    pub bytes: Bytes,
}

impl Frame {
    /// The byte before it in a run.
    #[must_use]
    pub fn key(&self) -> u8 {
        if self.withheld { WITHHELD_KEY } else { LEAF_KEY }
    }
}

/// Leaves in order.
///
/// A sender fills `runs` with stored runs (each leaf preceded by [`LEAF_KEY`] and its length); a
/// receiver finds `leaves`. Encoding writes both, so that a decoded batch can be passed on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeafBatch {
    /// Runs of framed leaves, ready to be copied to the wire.
    pub runs: Vec<Bytes>,
    /// Single leaves, without their frames.
    pub leaves: Vec<Bytes>,
    /// Everything below this position was delivered or does not match.
    pub next_position: u64,
}

impl prost::Message for LeafBatch {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        for run in &self.runs {
            buf.put_slice(run);
        }
        encoding::bytes::encode_repeated(LEAVES, &self.leaves, buf);
        if self.next_position != 0 {
            encoding::uint64::encode(NEXT_POSITION, &self.next_position, buf);
        }
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        match tag {
            LEAVES => encoding::bytes::merge_repeated(wire_type, &mut self.leaves, buf, ctx),
            NEXT_POSITION => encoding::uint64::merge(wire_type, &mut self.next_position, buf, ctx),
            _ => encoding::skip_field(wire_type, tag, buf, ctx),
        }
    }

    fn encoded_len(&self) -> usize {
        let position = match self.next_position {
            0 => 0,
            next => encoding::uint64::encoded_len(NEXT_POSITION, &next),
        };
        self.runs.iter().map(Bytes::len).sum::<usize>()
            + encoding::bytes::encoded_len_repeated(LEAVES, &self.leaves)
            + position
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}
