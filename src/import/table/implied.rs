//! Columns that only other facts than a designation have: `撤销原因` in a list that nothing calls a
//! list of revocations.

use super::{
    super::{
        columns::{Column, Headers},
        error::{FileFault, echo_on_one_line},
        fact_kinds::FactKind,
        fields::Field,
        report::place,
        sheet::Cell,
        values,
    },
    DataRow, Reading,
};
use crate::lang::{Both, both, joined};

/// Refuses rows that would be designated because nothing states their fact, if a column with
/// content belongs to another one.
pub(super) fn reject_other_facts(
    reading: &Reading<'_>,
    headers: &Headers,
    header_row: u32,
    rows: &[DataRow<'_>],
) -> Result<(), FileFault> {
    let has = |field: Field| headers.columns.iter().any(|column| column.field == field);
    if has(Field::Fact) || rows.iter().all(|row| row.fact.is_some()) {
        return Ok(());
    }
    let renames = has(Field::OldName) && has(Field::NewName);
    let is_filled = |column: &Column| {
        let cells = rows.iter().filter_map(|row| row.row.cells.get(column.index));
        cells.into_iter().any(|cell| match cell {
            Cell::Empty => false,
            Cell::Text(text) => text.contains(char::is_alphanumeric),
            _ => true,
        })
    };
    let of_others = headers.columns.iter().find_map(|column| {
        let kinds = others(column, renames);
        (!kinds.is_empty() && is_filled(column)).then_some((column, kinds))
    });
    let Some((column, kinds)) = of_others else { return Ok(()) };
    let names = || {
        let names: Vec<_> = kinds.iter().map(|kind| kind.said()).collect();
        joined(&names, ["or", "或"])
    };
    let header = echo_on_one_line(&column.header);
    Err(FileFault::SeveralFacts {
        place: Box::new(Both::made(|| place(&reading.sheet.name, header_row))),
        title: both!(en: "the column {header}", zh: "{header}"),
        named: both!(
            en: "{0}, and nothing else says so (--column ignore={header} leaves it out)",
            zh: "{0}，但没有别的内容说明这一点（--column ignore={header} 表示不读该列）",
            names()
        ),
    })
}

/// The facts that a column belongs to, if a designation is not among them.
fn others(column: &Column, renames: bool) -> Vec<FactKind> {
    let kinds = match column.field {
        Field::Reason => vec![FactKind::Revoked, FactKind::ReviewFailed],
        Field::BanUntil | Field::RevokedOn => vec![FactKind::Revoked],
        Field::RenamedOn => vec![FactKind::Renamed],
        Field::OldName | Field::NewName if renames => vec![FactKind::Renamed],
        Field::EndedOn => vec![FactKind::SubjectEnded],
        _ => return Vec::new(),
    };
    let named = values::kinds_in_title(&column.header);
    let is_named = !named.is_empty() && named.iter().all(|kind| kinds.contains(kind));
    if is_named { named } else { kinds }
}
