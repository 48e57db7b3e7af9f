//! The format of the log that a leaf needs.

use crate::{
    domain::event::Event,
    log::{FORMAT_BEGUN, FORMAT_SECOND, FORMAT_WITHHOLDING},
    protocol::leaf::Leaf,
};

/// The format that a log must have before it holds this leaf of this event.
pub(super) fn needed(leaf: &Leaf, event: &Event) -> u16 {
    if event.withholds().is_some() {
        return FORMAT_WITHHOLDING;
    }
    let is_new = !leaf.salt.is_empty()
        || !leaf.approved_by.is_empty()
        || !leaf.signatures.is_empty()
        || event.needs_later_format();
    if is_new { FORMAT_SECOND } else { FORMAT_BEGUN }
}
