//! The bounds of searches by name: the index of the parts of names, and the bearers of one name.

/// Least characters of a part of a name that is looked for: the index holds pairs of them.
pub const NAME_PART_CHARS_MIN: usize = 2;
/// Events in a segment of the index of names: their offsets fit in 16 bits.
pub const NAME_SEGMENT_EVENTS: u32 = 65_536;
/// Events in a small segment. A search reads the names of fewer events one by one: about 1 ms.
pub const NAME_SEGMENT_SMALL_EVENTS: u32 = 8_192;
/// Events whose names are read or indexed per hold of the register's read lock: about 1 ms.
pub const NAME_SLICE_EVENTS: u32 = 1_024;
/// Events of a designee, before one that names it, that are searched for the same name. The index
/// leaves it out then.
pub const NAME_LOOKBACK_EVENTS: usize = 4;
/// Memory from which the index of names no longer grows: about 25 million names. A search reads the
/// names after them one by one.
pub const NAME_INDEX_BYTES_MAX: usize = 1 << 30;
/// Bearers of one name that an answer lists. It tells how many there are besides.
pub const SUSPECT_BEARERS_MAX: usize = 64;

const _: () = {
    // A large segment takes the place of small ones.
    assert!(NAME_SEGMENT_EVENTS.is_multiple_of(NAME_SEGMENT_SMALL_EVENTS));
    assert!(NAME_SLICE_EVENTS <= NAME_SEGMENT_SMALL_EVENTS);
};
