//! The format of the log that a leaf needs.

use crate::{
    domain::event::Event,
    log::{FORMAT_BEGUN, FORMAT_KNOWN},
    protocol::leaf::Leaf,
};

/// The format that a log must have before it holds this leaf of this event.
pub(super) fn needed(leaf: &Leaf, event: &Event) -> u16 {
    let is_new = !leaf.salt.is_empty()
        || !leaf.approved_by.is_empty()
        || !leaf.signatures.is_empty()
        || event.needs_second_format();
    if is_new { FORMAT_KNOWN } else { FORMAT_BEGUN }
}
