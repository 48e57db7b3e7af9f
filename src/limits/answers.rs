//! The bounds of answers: each list in a response ends before the entry that does not fit, so
//! nothing on record makes an answer too large.

use super::{LEAF_BYTES_MAX, PAGE_BYTES, REDACTED_POSITIONS_MAX, RESPONSE_BYTES_MAX};

/// Most positions of a title, and of a batch, in one response.
pub const TITLE_POSITIONS_MAX: usize = 1_000;
/// Most designees listed as bearers of an ambiguous name.
pub const DESIGNEE_NAMESAKES_MAX: usize = 8;
/// Most positions of a change in one response: a row tells the events behind it, and ListEvents
/// gives the history.
pub const CHANGE_POSITIONS_MAX: usize = 100;
/// Most titles that `tidu list` keeps to sort them by their last day: about 100 MiB.
pub const SORTED_TITLES_MAX: usize = 100_000;
/// Most rows of a table that goes out as XLSX: those of a sheet, without the header.
pub const XLSX_ROWS_MAX: u32 = 1_048_575;
/// Width of a column of such a table, in characters: a code of 18 fits.
pub const XLSX_COLUMN_WIDTH: f64 = 22.0;
/// Most explanations in one response.
pub const EXPLANATIONS_MAX: usize = 64;
/// Most steps of an explanation.
pub const EXPLAINED_STEPS_MAX: usize = 1_000;
/// Most groups of a count.
pub const GROUPS_MAX: usize = 10_000;
/// Most dimensions of a count.
pub const GROUP_DIMENSIONS_MAX: usize = 3;
/// Most positions of a designee in one response.
pub const DESIGNEE_POSITIONS_MAX: usize = 1_000;
/// Most bytes of the titles of a designee in one response; ListTitles gives all of them.
pub const DESIGNEE_TITLES_BYTES_MAX: usize = 320 * 1024;
/// Most bytes of the names of a designee in one response, of its identifiers, and of its pools.
pub const DESIGNEE_LIST_BYTES_MAX: usize = 48 * 1024;
/// Most bytes of the supports of a title in one response.
pub const TITLE_SUPPORTS_BYTES_MAX: usize = 32 * 1024;
/// Most bytes of a title in a response: the texts of six events, each whole, two lists of positions
/// and the supports.
pub const TITLE_BYTES_MAX: usize = 96 * 1024;
/// Most bytes of identifiers in the error about an ambiguous name: the longest one fits.
pub const NAMESAKES_BYTES_MAX: usize = 600;
/// Most bytes of the titles and conclusions in a response of explanations; the rest is for steps.
pub const EXPLAINED_TITLES_BYTES_MAX: usize = 512 * 1024;
/// Most bytes of the steps of all explanations in one response.
pub const EXPLAINED_STEPS_BYTES_MAX: usize = 448 * 1024;
/// Bytes of a response beside its lists: ids, dates, names, and the positions of redacted events.
pub const ANSWER_REST_BYTES: usize = 32 * 1024;
/// Most amendments of an instrument in a response.
pub const AMENDMENTS_SHOWN_MAX: usize = 100;
/// Most bytes of a cursor's filter in a response; of a longer one only the designees are counted.
pub const CURSOR_FILTER_SHOWN_BYTES_MAX: usize = 64 * 1024;
/// Most streams of a cursor in a response; all are counted.
pub const CURSOR_CONNECTIONS_SHOWN_MAX: usize = 100;

const _: () = {
    // A title with all its parts. A position has at most five bytes.
    let positions = 2 * TITLE_POSITIONS_MAX * 5;
    assert!(6 * LEAF_BYTES_MAX + positions + TITLE_SUPPORTS_BYTES_MAX <= TITLE_BYTES_MAX);
    // A designee with all its parts and its profile fits a page, so that a list goes past it.
    let lists = DESIGNEE_TITLES_BYTES_MAX + 3 * DESIGNEE_LIST_BYTES_MAX;
    assert!(lists + 4 * LEAF_BYTES_MAX + 5 * DESIGNEE_POSITIONS_MAX <= PAGE_BYTES);
    assert!(3 * TITLE_BYTES_MAX <= DESIGNEE_TITLES_BYTES_MAX);
    // A change repeats less of a title than the title has.
    assert!(CHANGE_POSITIONS_MAX <= TITLE_POSITIONS_MAX);
    // A page, with the two versions of the title that takes it over its aim.
    assert!(PAGE_BYTES + 2 * TITLE_BYTES_MAX + ANSWER_REST_BYTES <= RESPONSE_BYTES_MAX);
    let explained = EXPLAINED_TITLES_BYTES_MAX + EXPLAINED_STEPS_BYTES_MAX;
    assert!(explained + ANSWER_REST_BYTES <= RESPONSE_BYTES_MAX);
    assert!(TITLE_BYTES_MAX + LEAF_BYTES_MAX <= EXPLAINED_TITLES_BYTES_MAX);
    // The positions of redacted events, and the identifier and name of a designee.
    assert!(REDACTED_POSITIONS_MAX * 5 + 2 * LEAF_BYTES_MAX <= ANSWER_REST_BYTES);
    assert!(CURSOR_FILTER_SHOWN_BYTES_MAX <= PAGE_BYTES);
    // An instrument with its words and amendments fits the rest of a response.
    assert!(LEAF_BYTES_MAX + AMENDMENTS_SHOWN_MAX * 5 <= ANSWER_REST_BYTES);
};
