//! Faults of lists, worded so that a person can correct the list. Each names its place.

use std::fmt;

pub use super::file_fault::{FileFault, Things};
use super::report;
use crate::{
    domain::fault::echo,
    lang::{Both, say, word},
    limits::ROW_FAULT_LINES_MAX,
};

/// Why a list was not read.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ImportError {
    /// An option has a value that cannot be used.
    #[error("{}", say!(en: "{option}: {message}", zh: "{option}：{message}"))]
    Option {
        /// The option as the caller typed it: `--date`.
        option: String,
        /// The fault, and the values that are accepted.
        message: Both,
    },
    /// The file as a whole cannot be read.
    #[error("{}", say!(en: "{file}: {fault}", zh: "{file}：{fault}"))]
    File {
        /// Name of the file.
        file: String,
        /// The fault.
        fault: Box<FileFault>,
    },
    /// JSON lines cannot be read by this build.
    #[error("{}", word!(
        en: "this build has no description of tidu.v1.Event",
        zh: "本程序缺少 tidu.v1.Event 的描述"
    ))]
    Schema,
    /// Rows cannot be recorded; the list holds all of them.
    #[error("{}", lines(.0))]
    Rows(Vec<RowError>),
}

/// A fault of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    /// Name of the sheet; empty where the format has no sheets.
    pub sheet: String,
    /// Row of the sheet or line of the text, from 1.
    pub row: u32,
    /// Header of the column, or the field if it has no column.
    pub column: String,
    /// The offending value, shortened; empty if it is missing or must not be repeated.
    pub value: String,
    /// The fault and its remedy, in a sentence that names the column.
    pub message: Both,
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sheet, row, message, .. } = self;
        let place = report::place(sheet, *row);
        f.write_str(&say!(en: "{place}: {message}", zh: "{place}：{message}"))
    }
}

impl std::error::Error for RowError {}

/// Shortens a value so that an error can repeat it on one line.
pub(super) fn echo_on_one_line(value: &str) -> String {
    echo(value).replace(char::is_control, " ")
}

/// The errors as lines; equal ones share a line.
fn lines(errors: &[RowError]) -> String {
    let mut groups: Vec<(&RowError, u32, usize)> = Vec::new();
    let mut unshown = 0_usize;
    for error in errors {
        let is_same =
            |first: &RowError| (&first.sheet, &first.message) == (&error.sheet, &error.message);
        if let Some((_, last, count)) = groups.iter_mut().find(|(first, ..)| is_same(first)) {
            *last = error.row;
            *count += 1;
        } else if groups.len() < ROW_FAULT_LINES_MAX {
            groups.push((error, error.row, 1));
        } else {
            unshown += 1;
        }
    }
    let count = errors.len();
    let mut text = say!(en: "the list has {count} faults", zh: "名单有 {count} 处错误");
    for (first, last, count) in groups {
        text.push_str("\n  ");
        text.push_str(&first.to_string());
        if count > 1 {
            text.push_str(&say!(
                en: " ({count} rows, the last is {last})",
                zh: "（共 {count} 行，最后一行是第 {last} 行）"
            ));
        }
    }
    if unshown > 0 {
        text.push_str(&say!(en: "\n  and {unshown} more", zh: "\n  另有 {unshown} 处"));
    }
    text
}
