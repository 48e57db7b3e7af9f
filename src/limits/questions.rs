//! The bounds of questions on the command line.

use super::{DESIGNEE_NAMESAKES_MAX, PAGE_EVENTS_MAX};

/// Designees that are listed for a part of a name that is in the names of several. A screen holds
/// them, and whoever needs more gives a longer part.
pub const CHOICE_DESIGNEES_MAX: usize = 20;
/// Events that an explanation reads for the words of its facts and for their documents, one by one.
/// Later facts are told by their kind.
pub const EXPLAINED_EVENTS_MAX: usize = 200;

const _: () = {
    // One page has them, and no fewer than the server names.
    assert!(DESIGNEE_NAMESAKES_MAX <= CHOICE_DESIGNEES_MAX);
    assert!(CHOICE_DESIGNEES_MAX <= PAGE_EVENTS_MAX);
};
