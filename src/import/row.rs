//! Reads one row field by field: from its cell, or else from the option. It collects every fault of
//! the row, and no fault repeats personal data.

use super::{
    columns::Column,
    error::{RowError, echo_on_one_line},
    events::Context,
    fact_kinds::FactKind,
    fields::{Field, FieldSet, Form},
    note::{Note, NoteReason},
    options,
    personal::{self, Holds},
    sheet::{Cell, SheetRow},
    tally,
    values::{self, Code, Day, OddCodes, Period, Side},
};
use crate::{
    domain::characters::{is_hidden, require_visible},
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

/// Errors of formulas as a text file holds them.
const ERRORS: &[&str] =
    &["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"];

impl<'a> RowReader<'a> {
    /// Begins a row. It finds errors of formulas and personal data in any cell.
    pub(super) fn new(context: &'a Context<'a>, row: &'a SheetRow) -> Self {
        let mut reader = Self { context, row, errors: Vec::new(), lacking: FieldSet::default() };
        for column in context.columns {
            let Some(cell) = row.cells.get(column.index) else { continue };
            reader.require_evaluated(column, cell);
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

    /// Refuses a formula whose value the list does not hold.
    fn require_evaluated(&mut self, column: &Column, cell: &Cell) {
        let header = &column.header;
        match cell {
            Cell::Error(error) => {
                let message = format!("{header} holds the error {error} of a formula");
                self.refuse(header, error, message);
            }
            Cell::Text(error) if error.starts_with('#') && ERRORS.contains(&error.as_str()) => {
                let message = format!("{header} holds the error {error} of a formula");
                self.refuse(header, error, message);
            }
            Cell::Unevaluated => {
                let message = format!(
                    "{header} holds a formula without its value; open the list in a spreadsheet \
                     and save it, or leave the column out: --column ignore={header}"
                );
                self.refuse(header, "", message);
            }
            _ => {}
        }
    }

    /// Notes an assumption. It blocks nothing.
    pub(super) fn note(&self, reason: NoteReason, column: &str, message: String) {
        self.context.notes.add(Note {
            reason,
            sheet: self.context.sheet.to_owned(),
            row: self.row.number,
            column: echo_on_one_line(column),
            message,
        });
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
        let is_dash = matches!(cell, Cell::Text(text) if is_dash(text));
        let is_value =
            !is_dash && !matches!(cell, Cell::Empty | Cell::Error(_) | Cell::Unevaluated);
        is_value.then_some((column, cell))
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
        self.cell(field).map(|(_, cell)| text_of(cell, field)).unwrap_or_default()
    }

    /// The text of the cell, else of the option, else nothing.
    pub(super) fn text(&self, field: Field) -> String {
        let mut text = match self.cell(field) {
            Some((_, cell)) => text_of(cell, field),
            None => self.context.options.value(field).unwrap_or_default().to_owned(),
        };
        // In a text that the event keeps, such a character is a fault.
        if !field.is_text() {
            text.retain(|c| !is_hidden(c));
        }
        text
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
        let text = text_of(cell, field);
        match parse(&text) {
            Ok(value) => Some(value),
            Err(message) => {
                let message = message.replace("=HEADER", &format!("={}", column.header));
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
        let side = side_of(field);
        let serials = self.is_text_file();
        let read = |text: &str| match values::serial(text, side).filter(|_| serials) {
            Some(serial) => serial,
            None => values::day(text, side),
        };
        let day = self.parse(field, read)?;
        self.note_day(field, day);
        Some(day.date)
    }

    /// Numbers in a text file may be serial numbers of days. A workbook tells its dates apart.
    fn is_text_file(&self) -> bool {
        self.context.sheet.is_empty()
    }

    /// Notes the assumption under which a day was read.
    fn note_day(&self, field: Field, day: Day) {
        let (Some(reason), Some((column, cell))) = (day.note, self.cell(field)) else { return };
        let pb::Date { year, month, day } = day.date;
        let text = echo_on_one_line(&text_of(cell, field));
        let assumed = match reason {
            NoteReason::NextDay => "the day that begins a moment later",
            NoteReason::SerialDate => "the day with this serial number in a spreadsheet",
            _ => "without its time of day",
        };
        let message = format!(
            "{}: {text} is read as {year:04}-{month:02}-{day:02}, {assumed}",
            column.header
        );
        self.note(reason, &column.header, message);
    }

    /// The fact that the row states, by its cell.
    pub(super) fn fact(&mut self) -> Option<FactKind> {
        let header = self.cell(Field::Fact).map_or("", |(column, _)| column.header.as_str());
        self.parse(Field::Fact, |text| values::fact_under(text, header))
    }

    /// Refuses a batch of other facts than the one that the row states: `第四批（复核）`.
    pub(super) fn require_batch_of(&mut self, kind: FactKind) {
        let text = self.text(Field::Batch);
        let kinds = values::kinds_of_batch(&text);
        if kinds.is_empty() || kinds.contains(&kind) {
            return;
        }
        let header = self.cell(Field::Batch).map_or("--batch", |(column, _)| &column.header);
        let message = format!(
            "{header}: {} is a batch of another fact than the one of the row; name the fact of \
             the list with --fact, or of the row in a column 类别",
            echo_on_one_line(&text)
        );
        self.refuse(header, &text, message);
    }

    /// The period of a column that holds both its days, one of them, or its length.
    pub(super) fn validity(&mut self) -> Period {
        let serials = self.is_text_file();
        let read = self.parse(Field::Validity, |text| values::period(text, serials));
        let period = read.unwrap_or_default();
        for day in [period.first, period.last].into_iter().flatten() {
            self.note_day(Field::Validity, day);
        }
        period
    }

    /// The last day of a period. A length needs the day on which it begins.
    pub(super) fn last_of(&mut self, period: &Period, first: Option<pb::Date>) -> Option<pb::Date> {
        let last = period.last_from(first);
        if let (Some((column, cell)), Some(_), Some(_), None) =
            (self.cell(Field::Validity), period.months, first, last)
        {
            let text = cell.text();
            let message =
                format!("{}: {text} ends after the last year of the record", column.header);
            self.refuse(&column.header, &text, message);
        }
        last
    }

    /// The code of an authority from the cell or the option.
    pub(super) fn authority(&mut self, field: Field) -> Option<String> {
        let authority_of = self.context.authority_of;
        self.parse(field, |text| values::authority(text, authority_of))
    }

    /// The identifier in the code column; `None` if the row has none. `authority` is that of a
    /// local identifier.
    pub(super) fn code(&mut self, authority: &str) -> Option<String> {
        let read = self.cell(Field::Designee).map(|(column, cell)| (column, read_code(cell)));
        let has_code = !matches!(read, None | Some((_, Ok(Code::Missing))));
        self.context.notes.count_designee(self.row.number, has_code);
        let (column, code) = read?;
        let header = &column.header;
        let (shown, message) = match code {
            Ok(Code::Missing) => return None,
            Ok(Code::Given(code)) => return Some(code),
            Ok(Code::Odd(code, fault)) => {
                let identifier = format!("local:{authority}/{code}");
                if self.context.options.odd_codes == OddCodes::Local {
                    let message = format!("{header}: {code} is recorded as {identifier}: {fault}");
                    self.note(NoteReason::CodeLocal, header, message);
                    return Some(identifier);
                }
                let message = format!(
                    "{code}: {fault}. If the licence does show this code, --odd-codes local \
                     records it as {identifier}"
                );
                (code, format!("{header}: {message}"))
            }
            Err((shown, message)) => (shown, format!("{header} {message}")),
        };
        self.refuse(header, &shown, message);
        Some(String::new())
    }
}

impl RowReader<'_> {
    /// The needed identifier of another designee.
    pub(super) fn other_code(&mut self, field: Field) -> String {
        let read = self.cell(field).map(|(column, cell)| (column, read_code(cell)));
        let (column, shown, message) = match read {
            None | Some((_, Ok(Code::Missing))) => {
                self.missing(field);
                return String::new();
            }
            Some((_, Ok(Code::Given(code)))) => return code,
            Some((column, Ok(Code::Odd(code, fault)))) => (column, code, format!(": {fault}")),
            Some((column, Err((shown, message)))) => (column, shown, format!(" {message}")),
        };
        let header = &column.header;
        self.refuse(header, &shown, format!("{header}{message}"));
        String::new()
    }
}

/// Reads a code cell. A fault has the cell's text as the list shows it.
fn read_code(cell: &Cell) -> Result<Code, (String, String)> {
    let text = text_of(cell, Field::Designee);
    let lost = match cell {
        Cell::Number(number) => Some(scientific(*number)),
        _ => is_scientific(&text).then(|| text.clone()),
    };
    match lost {
        None => values::code(&text).map_err(|message| (text, message)),
        Some(shown) => {
            let message = format!(
                "is a number ({shown}); Excel keeps 15 digits, so the code is lost. Format the \
                 column as text in the original list"
            );
            Err((shown, message))
        }
    }
}

/// The text of a cell, without what keeps a spreadsheet from reading it as a formula or a number:
/// `="2025-1"`, `'2025-1`. A text that the event keeps may begin with a quotation mark of its own.
fn text_of(cell: &Cell, field: Field) -> String {
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
fn is_dash(text: &str) -> bool {
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c >= '\u{4E00}');
    let mark = |c| matches!(c, '-' | '—' | '–' | '―' | '−' | '－' | '/' | '／' | ' ');
    !is_plain && !text.is_empty() && text.chars().all(|c| mark(c) || is_hidden(c))
}

/// The side of a period on which the day of a field lies.
fn side_of(field: Field) -> Side {
    match field.form() {
        Form::LastDay => Side::Last,
        _ => Side::First,
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
