//! Reads one row field by field: from its cell, or else from the option. It collects every fault of
//! the row, and no fault repeats personal data.

use super::{
    columns::Column,
    error::{RowError, echo_on_one_line},
    events::Context,
    fields::{Field, FieldSet, Form},
    options,
    personal::{self, Holds},
    sheet::{Cell, SheetRow},
    tally, values,
};
use crate::{
    domain::characters::require_visible,
    limits::{YEAR_MAX, YEAR_MIN},
    protocol::pb,
};

/// A row and the faults found in it so far.
pub(super) struct RowReader<'a> {
    context: &'a Context<'a>,
    row: &'a SheetRow,
    errors: Vec<RowError>,
    /// Needed fields that the whole list lacks.
    lacking: FieldSet,
}

impl<'a> RowReader<'a> {
    /// Begins a row. It finds errors of formulas and personal data in any cell.
    pub(super) fn new(context: &'a Context<'a>, row: &'a SheetRow) -> Self {
        let mut reader = Self { context, row, errors: Vec::new(), lacking: FieldSet::default() };
        for column in context.columns {
            let Some(cell) = row.cells.get(column.index) else { continue };
            if let Cell::Error(error) = cell {
                let message = format!("{} holds the error {error} of a formula", column.header);
                reader.refuse(&column.header, error, message);
            }
            if let Some(what) = personal::found(&cell.text(), holds(column.field)) {
                let message = format!(
                    "{} contains {what}; the log cannot forget personal data. Take it out of the \
                     list, or leave the column out: --column ignore={0}",
                    column.header
                );
                reader.refuse(&column.header, "", message);
            }
            if column.field.is_text()
                && let Err(breach) = require_visible(&cell.text())
            {
                let message = format!("{} {breach}; {}", column.header, breach.rule_text());
                reader.refuse(&column.header, &cell.text(), message);
            }
        }
        reader
    }

    /// Needed fields that the whole list lacks, and the faults of the row.
    pub(super) fn finish(self) -> (FieldSet, Vec<RowError>) {
        (self.lacking, self.errors)
    }

    /// The fault of a row that is the example of a template.
    pub(super) fn example(mut self) -> Vec<RowError> {
        self.errors.clear();
        let message = "this row is the example of the template; replace it, or delete it";
        self.refuse(Field::Row.name(), "", message.to_owned());
        self.errors
    }

    /// Notes a fault, at most one for a column. A second would only follow from the first, and
    /// could repeat a value that the first withheld as personal.
    fn refuse(&mut self, column: &str, value: &str, message: String) {
        if self.errors.iter().any(|error| error.column == echo_on_one_line(column)) {
            return;
        }
        self.errors.push(RowError {
            sheet: self.context.sheet.to_owned(),
            row: self.row.number,
            column: echo_on_one_line(column),
            value: echo_on_one_line(value),
            message,
        });
    }

    /// Notes that a needed field has neither a cell nor an option. Without a column for it, that is
    /// a fault of the list and not of each row.
    pub(super) fn missing(&mut self, field: Field) {
        if !self.context.columns.iter().any(|column| tally::supplies(column.field, field)) {
            self.lacking = self.lacking.with(field);
            return;
        }
        let message = format!("there is no {}{}", field.label(), options::or_option(field));
        self.refuse(field.name(), "", message);
    }

    /// Notes that a row lacks a value that no option can supply.
    pub(super) fn lacks(&mut self, field: Field, message: &str) {
        self.refuse(field.name(), "", message.to_owned());
    }

    /// The cell of a field, with its column; `None` if it is empty or only a dash.
    pub(super) fn cell(&self, field: Field) -> Option<(&'a Column, &'a Cell)> {
        let column = self.context.columns.iter().find(|column| column.field == field)?;
        let cell = self.row.cells.get(column.index)?;
        let is_dash =
            matches!(cell, Cell::Text(text) if matches!(text.as_str(), "-" | "—" | "——" | "/"));
        let holds_none = matches!(cell, Cell::Empty | Cell::Error(_) | Cell::Unevaluated);
        (!is_dash && !holds_none).then_some((column, cell))
    }

    /// Which of a field and its alternatives has a cell. Two that differ are a fault: either would
    /// be a guess.
    pub(super) fn first_cell_of(&mut self, field: Field, others: &[Field]) -> Option<Field> {
        let filled: Vec<_> = [field].iter().chain(others).copied().collect();
        let mut filled = filled.into_iter().filter_map(|field| self.cell(field));
        let (first, cell) = filled.next()?;
        let other = filled.find(|(_, other)| other.text() != cell.text());
        let field = first.field;
        if let Some((other, _)) = other {
            let message = format!(
                "the columns {} and {} state different values for {}; leave one out: --column \
                 ignore={1}",
                first.header,
                other.header,
                field.label()
            );
            let header = first.header.clone();
            self.refuse(&header, &cell.text(), message);
        }
        Some(field)
    }

    /// The fields with a cell that are not among these.
    pub(super) fn filled_beside(&self, fields: FieldSet) -> FieldSet {
        let others = self.context.columns.iter().filter(|column| !fields.has(column.field));
        let filled = others.filter(|column| self.cell(column.field).is_some());
        filled.fold(FieldSet::default(), |set, column| set.with(column.field))
    }

    /// The text of the cell alone.
    pub(super) fn cell_text(&self, field: Field) -> String {
        self.cell(field).map(|(_, cell)| cell.text()).unwrap_or_default()
    }

    /// The text of the cell, else of the option, else nothing.
    pub(super) fn text(&self, field: Field) -> String {
        match self.cell(field) {
            Some((_, cell)) => cell.text(),
            None => self.context.options.value(field).unwrap_or_default().to_owned(),
        }
    }

    /// A value parsed from the cell or the option.
    pub(super) fn parse<T>(
        &mut self,
        field: Field,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let Some((column, cell)) = self.cell(field) else {
            let value = self.context.options.value(field)?;
            return match parse(value) {
                Ok(value) => Some(value),
                Err(message) => {
                    let option = options::flag(field);
                    self.refuse(&option, value, format!("{option}: {message}"));
                    None
                }
            };
        };
        let text = cell.text();
        match parse(&text) {
            Ok(value) => Some(value),
            Err(message) => {
                self.refuse(&column.header, &text, format!("{}: {message}", column.header));
                None
            }
        }
    }

    /// A parsed value; it is a fault if there is none.
    pub(super) fn required<T: Default>(
        &mut self,
        field: Field,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> T {
        if self.text(field).is_empty() {
            self.missing(field);
            return T::default();
        }
        self.parse(field, parse).unwrap_or_default()
    }

    /// A date from the cell or the option.
    pub(super) fn date(&mut self, field: Field) -> Option<pb::Date> {
        if let Some((column, cell @ Cell::Number(number))) = self.cell(field)
            && !is_plain_date(*number)
        {
            // 2024.1 may have been 2024.10, and 45292 is a serial day number of Excel.
            let text = cell.text();
            let message = format!(
                "{} is the number {text}; format the column as a date in the list",
                column.header
            );
            self.refuse(&column.header, &text, message);
            return None;
        }
        self.parse(field, values::date)
    }

    /// First and last day from a column that holds both.
    pub(super) fn validity(&mut self) -> (Option<pb::Date>, Option<pb::Date>) {
        self.parse(Field::Validity, values::date_range).unzip()
    }

    /// The code of an authority from the cell or the option.
    pub(super) fn authority(&mut self, field: Field) -> Option<String> {
        let authority_of = self.context.authority_of;
        self.parse(field, |text| values::authority(text, authority_of))
    }

    /// The unified social credit code, unchecked. A number has lost digits.
    pub(super) fn code(&mut self) -> String {
        let Some((column, cell)) = self.cell(Field::Designee) else { return String::new() };
        let shown = match cell {
            Cell::Number(number) => scientific(*number),
            Cell::Text(text) if is_scientific(text) => text.clone(),
            _ => return cell.text(),
        };
        let message = format!(
            "{} is a number ({shown}); Excel keeps 15 digits, so the code is lost. Format the \
             column as text in the original list",
            column.header
        );
        self.refuse(&column.header, &shown, message);
        String::new()
    }
}

/// Whether a number is a year or `20190605`.
fn is_plain_date(number: f64) -> bool {
    let is_year = |year: f64| (f64::from(YEAR_MIN)..=f64::from(YEAR_MAX)).contains(&year);
    number.fract() == 0.0 && (is_year(number) || is_year((number / 10_000.0).floor()))
}

/// A long number as a spreadsheet shows it: `9.14403E+17`.
fn scientific(number: f64) -> String {
    if number.abs() < 1e11 {
        return Cell::Number(number).text();
    }
    format!("{number:.5E}").replace('E', "E+")
}

/// `9.14403E+17`: a number with an exponent, as a spreadsheet writes it to CSV. A code of 18
/// characters has no point and no sign.
fn is_scientific(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['E', 'e']) else { return false };
    let is_number = mantissa.parse::<f64>().is_ok() && exponent.parse::<i16>().is_ok();
    is_number && (mantissa.contains('.') || exponent.starts_with(['+', '-']))
}

/// The form of the texts of a field.
fn holds(field: Field) -> Holds {
    match field.form() {
        Form::Code | Form::Codes => Holds::Code,
        _ if field == Field::Url => Holds::Url,
        _ => Holds::Text,
    }
}
