//! Lists as authorities publish them, and other files, which the command line reads.

use super::{LEAF_BYTES_MAX, NAME_CHARS_MAX};

/// Most bytes of a list that is read whole: a workbook as it is packed, separated text, JSON lines,
/// identifiers. Lists of a whole country take a few MiB.
pub const INPUT_FILE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Most cells of a list in all its sheets, blank ones included, from the first row and column A to
/// the last cell of each: 200,000 rows of 40 columns.
pub const LIST_CELLS_MAX: u64 = 8_000_000;
/// Most bytes of text in the cells of a list. Cells that share a text count it in each of them.
pub const LIST_TEXT_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Most rows of a list, and most events of a file of JSON lines.
pub const LIST_ROWS_MAX: usize = 524_288;
/// Most faults of a list that are kept; reading ends there.
pub const LIST_FAULTS_MAX: usize = 10_000;
/// Most bytes of one line of JSON: an event of [`super::EVENT_BYTES_MAX`] takes less, however it is
/// written.
pub const JSON_LINE_BYTES_MAX: usize = 1024 * 1024;
/// Most files in a workbook.
pub const WORKBOOK_FILES_MAX: u64 = 4_096;
/// Most bytes of all files of a workbook together when they are unpacked.
pub const WORKBOOK_UNPACKED_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Most bytes of one text in a workbook with its markup. A cell can hold 32,767 characters.
pub const WORKBOOK_TEXT_BYTES_MAX: u64 = 1024 * 1024;
/// Most formats, names and sheets of a workbook. A spreadsheet allows 65,490 formats of cells.
pub const WORKBOOK_FORMATS_MAX: u64 = 262_144;
/// Most merged regions of a workbook.
pub const WORKBOOK_MERGED_MAX: u64 = 1_000_000;
/// Most characters in the name of a sheet. A spreadsheet allows 31.
pub const SHEET_NAME_CHARS_MAX: usize = 255;
/// Most tables within each other in a web page. Pages that are laid out in tables have a few.
pub const HTML_TABLES_DEEP_MAX: usize = 64;
/// Most lines of text before a table of a web page that are read as rows: its titles. The menus of
/// a page come before them.
pub const HTML_LINES_MAX: usize = 10;
/// Most bytes of address space that reading one list may add to the process.
pub const LIST_MEMORY_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;
/// Rows of a sheet that are searched for the header.
pub const HEADER_ROWS_MAX: usize = 30;
/// Most tables of a list. Each is reported with its headers; a list by cities has some twenty.
pub const LIST_TABLES_MAX: usize = 1_000;
/// Most characters of a header below the first; real ones have up to twenty.
pub const HEADER_CHARS_MAX: usize = 40;
/// Most characters of a title that can name a fact. Titles of notices reach 60; longer texts are
/// explanations.
pub const TITLE_CHARS_MAX: usize = 80;
/// Most characters of a heading that is a place: `黔东南苗族侗族自治州` has ten.
pub const PLACE_CHARS_MAX: usize = 14;
/// Most characters of a cell that states a fact by itself: `复核通过（2026年）`.
pub const FACT_WORD_CHARS_MAX: usize = 16;
/// Words of facts that an error repeats.
pub const FACT_WORDS_SHOWN_MAX: usize = 4;
/// Most characters of a lone text that can be a name and not a sentence. The log allows names of
/// 128, but real ones hardly reach 60.
pub const LONE_NAME_CHARS_MAX: usize = 60;
/// Characters beyond Latin before the first fault that show that a text is damaged UTF-8 and not
/// GB 18030. Pairs of GB 18030 form a valid sequence of three bytes only rarely.
pub const UTF8_EVIDENCE_CHARS: usize = 8;
/// Most bytes for each NUL byte in UTF-16 without a byte order mark. A line of a name alone has one
/// for its end.
pub const UTF16_BYTES_PER_NUL: usize = 32;
/// Bytes for each NUL byte above which a text is damaged, and below which a file is no text.
pub const BINARY_BYTES_PER_NUL: usize = 8;
/// Most cells of a row that an error repeats.
pub const ECHO_CELLS_MAX: usize = 12;
/// Most lines in the text of an error about rows; the error itself holds all of them.
pub const ROW_FAULT_LINES_MAX: usize = 20;

const _: () = {
    // Unpacking something must be possible.
    assert!(WORKBOOK_UNPACKED_BYTES_MAX > INPUT_FILE_BYTES_MAX as u64);
    assert!(WORKBOOK_TEXT_BYTES_MAX < WORKBOOK_UNPACKED_BYTES_MAX);
    assert!(LIST_ROWS_MAX as u64 <= LIST_CELLS_MAX);
    // The lines before a table do not hide its header.
    assert!(HTML_LINES_MAX < HEADER_ROWS_MAX);
    assert!(JSON_LINE_BYTES_MAX > 100 * LEAF_BYTES_MAX);
    // A lone name is a legal name.
    assert!(LONE_NAME_CHARS_MAX <= NAME_CHARS_MAX);
};
