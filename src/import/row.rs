//! Reads one row field by field: from its cell, or else from the option. It collects every fault of
//! the row, and no fault repeats personal data.

mod texts;

use self::texts::{is_dash, is_plain_date, is_scientific, scientific, text_of};
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
    domain::{
        characters::{is_hidden, require_visible},
        fault::Breach,
    },
    lang::{Both, both},
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
                let (header, what) = (&column.header, personal::said(what));
                let message = both!(
                    en: "{header} contains {what}; the log cannot forget personal data. Take it \
                         out of the list, or leave the column out: --column ignore={header}",
                    zh: "“{header}”列中有{what}；个人信息一旦写入日志就无法删除。请从名单中删去，或不读该列：\
                         --column ignore={header}"
                );
                reader.refuse(&column.header, "", message);
            }
            if column.field.is_text()
                && let Err(breach) = require_visible(&cell.text())
            {
                let message = invisible(&column.header, &breach);
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
                self.refuse(header, error, error_of_formula(header, error));
            }
            Cell::Text(error) if error.starts_with('#') && ERRORS.contains(&error.as_str()) => {
                self.refuse(header, error, error_of_formula(header, error));
            }
            Cell::Unevaluated => {
                let message = both!(
                    en: "{header} holds a formula without its value; open the list in a \
                         spreadsheet and save it, or leave the column out: \
                         --column ignore={header}",
                    zh: "“{header}”列中有公式，但没有计算结果；请用电子表格软件打开并保存，或不读该列：--column \
                         ignore={header}"
                );
                self.refuse(header, "", message);
            }
            _ => {}
        }
    }

    /// Notes an assumption. It blocks nothing.
    pub(super) fn note(&self, reason: NoteReason, column: &str, message: Both) {
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
        let message = Both::word(
            "this row is the example of the template; replace it, or delete it",
            "该行是模板的示例；请改写或删除",
        );
        self.refuse(Field::Row.name(), "", message);
        self.errors
    }

    /// Notes a fault, at most one for a column. A second would only follow from the first, and
    /// could repeat a value that the first withheld as personal.
    fn refuse(&mut self, column: &str, value: &str, message: Both) {
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
        let mut columns = self.context.columns.iter();
        let Some(column) = columns.find(|column| tally::supplies(column.field, field)) else {
            self.lacking = self.lacking.with(field);
            return;
        };
        let message = both!(
            en: "there is no {0}{1}",
            zh: "缺少{0}{1}",
            field.label(),
            options::or_option(field)
        );
        self.refuse(&column.header, "", message);
    }

    /// Notes that a row lacks a value that no option can supply.
    pub(super) fn lacks(&mut self, field: Field, message: Both) {
        self.refuse(field.name(), "", message);
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
            let message = both!(
                en: "the columns {0} and {1} state different values for {2}; leave one out: \
                     --column ignore={1}",
                zh: "“{0}”列和“{1}”列写的{2}不同；请不读其中一列：--column ignore={1}",
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
        parse: impl Fn(&str) -> Result<T, Both>,
    ) -> Option<T> {
        let Some((column, cell)) = self.cell(field) else {
            let value = self.context.options.value(field)?;
            return match parse(value) {
                Ok(value) => Some(value),
                Err(message) => {
                    let option = options::flag(field);
                    let said = both!(en: "{option}: {message}", zh: "{option}：{message}");
                    self.refuse(&option, value, said);
                    None
                }
            };
        };
        let text = text_of(cell, field);
        match parse(&text) {
            Ok(value) => Some(value),
            Err(message) => {
                let header = &column.header;
                let message = message.map(|text| text.replace("=HEADER", &format!("={header}")));
                let said = both!(en: "{header}: {message}", zh: "“{header}”列：{message}");
                self.refuse(header, &text, said);
                None
            }
        }
    }

    /// A parsed value; it is a fault if there is none.
    pub(super) fn required<T: Default>(
        &mut self,
        field: Field,
        parse: impl Fn(&str) -> Result<T, Both>,
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
            let message = both!(
                en: "{0} is the number {text}; format the column as a date in the list",
                zh: "“{0}”列是数字 {text}；请在名单中把该列设为日期格式",
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
            NoteReason::NextDay => {
                Both::word("the day that begins a moment later", "即随后开始的那一天")
            }
            NoteReason::SerialDate => Both::word(
                "the day with this serial number in a spreadsheet",
                "即电子表格中该序列号对应的日期",
            ),
            _ => Both::word("without its time of day", "不计时刻"),
        };
        let message = both!(
            en: "{0}: {text} is read as {year:04}-{month:02}-{day:02}, {assumed}",
            zh: "“{0}”列：{text} 读作 {year:04}-{month:02}-{day:02}，{assumed}",
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
        let message = both!(
            en: "{header}: {0} is a batch of another fact than the one of the row; name the fact \
                 of the list with --fact, or of the row in a column 类别",
            zh: "{header}：“{0}”是另一种事项的批次，与该行不符；请用 --fact 写明名单的事项，或在“类别”列中写明\
                 每行的事项",
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
            let message = both!(
                en: "{0}: {text} ends after the last year of the record",
                zh: "“{0}”列：{text} 的届满日期超出可记录的年份",
                column.header
            );
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
                    let message = both!(
                        en: "{header}: {code} is recorded as {identifier}: {fault}",
                        zh: "“{header}”列：{code} 记为 {identifier}：{fault}"
                    );
                    self.note(NoteReason::CodeLocal, header, message);
                    return Some(identifier);
                }
                let message = both!(
                    en: "{header}: {code}: {fault}. If the licence does show this code, \
                         --odd-codes local records it as {identifier}",
                    zh: "“{header}”列：{code}：{fault}。如果营业执照上确是此代码，可用 --odd-codes local \
                         记为 {identifier}"
                );
                (code, message)
            }
            Err((shown, message)) => {
                (shown, both!(en: "{header} {message}", zh: "“{header}”列{message}"))
            }
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
            Some((column, Ok(Code::Odd(code, fault)))) => {
                (column, code, both!(en: ": {fault}", zh: "：{fault}"))
            }
            Some((column, Err((shown, message)))) => {
                (column, shown, both!(en: " {message}", zh: "{message}"))
            }
        };
        let header = &column.header;
        self.refuse(header, &shown, both!(en: "{header}{message}", zh: "“{header}”列{message}"));
        String::new()
    }
}

/// The fault of a cell with the error of a formula.
fn error_of_formula(header: &str, error: &str) -> Both {
    both!(
        en: "{header} holds the error {error} of a formula",
        zh: "“{header}”列中是公式的错误值 {error}"
    )
}

/// The fault of a text with a character that nobody sees.
fn invisible(header: &str, breach: &Breach) -> Both {
    let character = breach.metadata().map(|(_, value)| value).next().unwrap_or_default();
    let rule = breach.rule_text();
    both!(
        en: "{header} {breach}; {rule}",
        zh: "“{header}”列中有看不见的字符 {character}；请删去该字符，重新输入这一格的内容"
    )
}

/// Reads a code cell. A fault has the cell's text as the list shows it.
fn read_code(cell: &Cell) -> Result<Code, (String, Both)> {
    let text = text_of(cell, Field::Designee);
    let lost = match cell {
        Cell::Number(number) => Some(scientific(*number)),
        _ => is_scientific(&text).then(|| text.clone()),
    };
    match lost {
        None => values::code(&text).map_err(|message| (text, message)),
        Some(shown) => {
            let message = both!(
                en: "is a number ({shown}); Excel keeps 15 digits, so the code is lost. Format \
                     the column as text in the original list",
                zh: "是数字（{shown}）；Excel 只保留 15 位，代码已经丢失。请在原名单中把该列设为文本格式"
            );
            Err((shown, message))
        }
    }
}

/// The side of a period on which the day of a field lies.
fn side_of(field: Field) -> Side {
    match field.form() {
        Form::LastDay => Side::Last,
        _ => Side::First,
    }
}

/// The form of the texts of a field.
fn holds(field: Field) -> Holds {
    match field.form() {
        Form::Code | Form::Codes => Holds::Code,
        _ if field == Field::Url => Holds::Url,
        _ => Holds::Text,
    }
}
