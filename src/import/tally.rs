//! The facts that a list states, and the needed fields that it lacks as a whole: one fault, however
//! many rows and fields it concerns.

use super::{
    Note, NoteReason, Report,
    columns::Column,
    error::{ImportError, RowError},
    events::ReadRow,
    fact_kinds::KindSet,
    fields::{Field, FieldSet},
    options, values,
};
use crate::lang::{both, joined, say, word};

/// Columns that tell the fact of a list. Others, such as a batch or a region, only describe.
const SIGNS: FieldSet = FieldSet::of(&[
    Field::Reason,
    Field::BanUntil,
    Field::RevokedOn,
    Field::RenamedOn,
    Field::EndedOn,
    Field::LeftOn,
    Field::OldName,
    Field::NewName,
    Field::NewDesignee,
    Field::NoticeFrom,
    Field::NoticeTo,
]);

/// Counts over the rows of a list.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) kinds: KindSet,
    lacking: FieldSet,
    /// Sheet and row of the first row that lacks a field.
    place: Option<(String, u32)>,
    /// Headers of the columns that were left out.
    left_out: Vec<String>,
    /// Cells whose field the fact of their row does not take.
    unused: Vec<Unused>,
}

/// Cells of a column that are not used.
#[derive(Debug)]
struct Unused {
    sheet: String,
    field: Field,
    header: String,
    first: u32,
    count: usize,
}

impl Tally {
    /// Adds a row.
    pub(super) fn add(&mut self, sheet: &str, columns: &[Column], number: u32, row: &ReadRow) {
        if let Some(kind) = row.kind {
            self.kinds.insert(kind);
        }
        if !row.unused.is_empty() {
            for column in columns.iter().filter(|column| row.unused.has(column.field)) {
                self.leave_unused(sheet, column, number);
            }
        }
        if row.lacking.is_empty() {
            return;
        }
        self.lacking = self.lacking.and(row.lacking);
        self.place.get_or_insert_with(|| (sheet.to_owned(), number));
    }

    fn leave_unused(&mut self, sheet: &str, column: &Column, number: u32) {
        let is_same = |unused: &&mut Unused| unused.field == column.field && unused.sheet == sheet;
        if let Some(unused) = self.unused.iter_mut().find(is_same) {
            unused.count += 1;
            return;
        }
        self.unused.push(Unused {
            sheet: sheet.to_owned(),
            field: column.field,
            header: column.header.clone(),
            first: number,
            count: 1,
        });
    }

    /// Refuses a filled column that belongs to another fact than the list states: `公示截止` in a
    /// list of designations. It is no fault if the caller, or a column, says which fact it is.
    pub(super) fn other_fact(&self, is_stated: bool) -> Option<RowError> {
        let takes = self.kinds.takes();
        let is_other = |unused: &&Unused| SIGNS.has(unused.field) && !takes.has(unused.field);
        let column = self.unused.iter().filter(|_| !is_stated).find(is_other)?;
        let mut kinds = values::kinds_in_title(&column.header);
        kinds.retain(|kind| !self.kinds.has(*kind));
        let facts = || match kinds.as_slice() {
            [] => say!(
                en: "--fact (it belongs to {0})",
                zh: "--fact（该列属于{0}）",
                options::taking(column.field)
            ),
            kinds => {
                let flags: Vec<_> =
                    kinds.iter().map(|kind| format!("--fact {}", kind.name())).collect();
                flags.join(word!(en: " or ", zh: " 或 "))
            }
        };
        Some(RowError {
            sheet: column.sheet.clone(),
            row: column.first,
            column: column.header.clone(),
            value: String::new(),
            message: both!(
                en: "{0} has no place in a list of {1}; say which fact the rows state: {2}; or \
                     leave the column out: --column ignore={0}",
                zh: "{1}的名单中不应有“{0}”列；请写明各行是什么事项：{2}；或不读该列：--column ignore={0}",
                column.header,
                self.kinds.names(),
                facts()
            ),
        })
    }

    /// Says in the report what was not used: a column that no fact of the list takes is ignored,
    /// and cells of others get a note.
    pub(super) fn report(&self, report: &mut Report) {
        let takes = self.kinds.takes();
        if self.kinds.is_empty() {
            return;
        }
        for sheet in &mut report.sheets {
            let is_taken = |name: &str| Field::named(name).is_none_or(|field| takes.has(field));
            let columns = std::mem::take(&mut sheet.columns);
            let (taken, ignored): (Vec<_>, Vec<_>) =
                columns.into_iter().partition(|(name, _)| is_taken(name));
            sheet.columns = taken;
            sheet.unmapped.extend(ignored.into_iter().map(|(_, header)| header));
        }
        let unused = self.unused.iter().filter(|unused| takes.has(unused.field));
        report.notes.extend(unused.map(|unused| Note {
            reason: NoteReason::NotUsed,
            sheet: unused.sheet.clone(),
            row: unused.first,
            column: unused.header.clone(),
            message: both!(
                en: "{0} cells of {1} are not used, from this row on: the fact of their row has \
                     no {2}",
                zh: "自该行起，“{1}”列有 {0} 个单元格没有用到：所在行的事项没有“{2}”这一项",
                unused.count,
                unused.header,
                unused.field.label()
            ),
        }));
    }

    /// Adds the columns of a table that were left out: one of them may be what is lacking.
    pub(super) fn leave_out(&mut self, headers: &[String]) {
        for header in headers {
            if !self.left_out.contains(header) {
                self.left_out.push(header.clone());
            }
        }
    }

    /// The fault of a list that lacks needed fields.
    pub(super) fn fault(&self) -> Option<RowError> {
        let (sheet, row) = self.place.clone()?;
        let lacking: Vec<_> = self.lacking.iter().collect();
        let flags: Vec<_> =
            lacking.iter().filter_map(|field| options::supplied_by(*field)).collect();
        let headers: Vec<_> = lacking.iter().filter_map(|field| field.headers().first()).collect();
        let give = || {
            let columns = if headers.len() > 1 { "columns" } else { "a column" };
            let (flags_named, headers) = (and(&flags), and(&headers));
            match flags.len() == lacking.len() {
                true => say!(
                    en: "give {flags_named}, or {columns} {headers}",
                    zh: "请给出 {flags_named}，或在名单中加上 {headers} 列"
                ),
                false if flags.is_empty() => say!(
                    en: "the list needs {columns} {headers}", zh: "名单需要有 {headers} 列"
                ),
                false => say!(
                    en: "the list needs {columns} {headers}; {flags_named} will also do for all \
                         rows",
                    zh: "名单需要有 {headers} 列；也可用 {flags_named} 对所有行统一给出"
                ),
            }
        };
        let left_out = || match self.left_out.is_empty() {
            true => String::new(),
            false => say!(
                en: ". Columns left out: {0}; --column FIELD=HEADER reads one as {1}",
                zh: "。没有读入的列：{0}；可用 --column 字段=表头 将其读作 {1}",
                self.left_out.join(", "),
                lacking.iter().map(|field| field.name()).collect::<Vec<_>>().join(", ")
            ),
        };
        let labels = || {
            let labels: Vec<_> = lacking.iter().map(|field| field.label()).collect();
            joined(&labels, ["or", "和"])
        };
        let message = both!(
            en: "the list states no {0}: {1}{2}",
            zh: "名单没有写明{0}：{1}{2}",
            labels(),
            give(),
            left_out()
        );
        Some(RowError { sheet, row, column: String::new(), value: String::new(), message })
    }

    /// The error of a list with faults, if it has some.
    pub(super) fn refuse(&self, mut errors: Vec<RowError>) -> Result<(), ImportError> {
        // First: the other faults may follow from it.
        errors.splice(0..0, self.fault());
        if errors.is_empty() { Ok(()) } else { Err(ImportError::Rows(errors)) }
    }
}

/// Whether a column of one field can supply another.
pub(super) fn supplies(column: Field, field: Field) -> bool {
    match field {
        Field::Date => column.is_day_of_fact() || column == Field::NoticeFrom,
        Field::Region => matches!(column, Field::Region | Field::City | Field::County),
        Field::OldName | Field::NewName => {
            matches!(column, Field::OldName | Field::NewName) && column == field
        }
        _ => column == field,
    }
}

fn and<T: std::fmt::Display>(parts: &[T]) -> String {
    joined(parts, ["and", "和"])
}
