//! Comments above the header of a list, as templates have them.

use super::{columns::recognise, sheet::SheetRow};

/// A character that begins a comment.
const MARK: char = '#';

/// Takes the comments above the header away.
pub(super) fn drop_comments(rows: &mut Vec<SheetRow>) {
    let comments = rows.iter().take_while(|row| is_comment(row)).count();
    rows.drain(..comments);
}

/// `#` is also a header for the number of a row.
fn is_comment(row: &SheetRow) -> bool {
    let texts = row.cells.iter().map(super::sheet::Cell::text).filter(|text| !text.is_empty());
    let known = texts.clone().filter(|text| recognise(text).is_some()).count();
    known < 2 && texts.clone().next().is_some_and(|text| text.starts_with(MARK))
}
