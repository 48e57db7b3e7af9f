//! The texts of cells: as a row reads them, and as a spreadsheet shows them.

use super::super::{fields::Field, sheet::Cell};
use crate::{
    domain::characters::is_hidden,
    limits::{YEAR_MAX, YEAR_MIN},
};

/// The text of a cell, without what keeps a spreadsheet from reading it as a formula or a number:
/// `="2025-1"`, `'2025-1`. A text that the event keeps may begin with a quotation mark of its own.
pub(super) fn text_of(cell: &Cell, field: Field) -> String {
    let mut text = cell.text();
    let is_formula = text.len() > 3 && text.starts_with("=\"") && text.ends_with('"');
    if is_formula {
        text.pop();
        text.drain(..2);
    } else if let Some(rest) = text.strip_prefix('\'')
        && (rest.starts_with(['=', '+', '-', '@']) || !field.is_text())
    {
        text.remove(0);
    }
    text
}

/// Whether a text only fills its cell.
pub(super) fn is_dash(text: &str) -> bool {
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c >= '\u{4E00}');
    let mark = |c| matches!(c, '-' | '—' | '–' | '―' | '−' | '－' | '/' | '／' | ' ');
    !is_plain && !text.is_empty() && text.chars().all(|c| mark(c) || is_hidden(c))
}

/// Whether a number is a year or `20190605`.
pub(super) fn is_plain_date(number: f64) -> bool {
    let is_year = |year: f64| (f64::from(YEAR_MIN)..=f64::from(YEAR_MAX)).contains(&year);
    number.fract() == 0.0 && (is_year(number) || is_year((number / 10_000.0).floor()))
}

/// A long number as a spreadsheet shows it: `9.14403E+17`.
pub(super) fn scientific(number: f64) -> String {
    if number.abs() < 1e11 {
        return Cell::Number(number).text();
    }
    format!("{number:.5E}").replace('E', "E+")
}

/// `9.14403E+17`: a number with an exponent, as a spreadsheet writes it to CSV. A code of 18
/// characters has no point and no sign.
pub(super) fn is_scientific(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['E', 'e']) else { return false };
    let is_number = mantissa.parse::<f64>().is_ok() && exponent.parse::<i16>().is_ok();
    is_number && (mantissa.contains('.') || exponent.starts_with(['+', '-']))
}
