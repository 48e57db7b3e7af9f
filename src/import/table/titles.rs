//! Facts that titles name: the name of the sheet, titles above a header, headings between rows. The
//! nearest one before a row counts.

use super::{
    super::{
        columns::visible,
        error::{FileFault, echo_on_one_line},
        fact_kinds::FactKind,
        report::place,
        sheet::{Cell, Sheet, SheetRow},
        values,
    },
    headers::filled,
    headings,
};
use crate::{
    lang::{Both, comma},
    limits::TITLE_CHARS_MAX,
};

/// A title that names facts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Title {
    /// Its row; 0 for the name of the sheet.
    pub(super) row: u32,
    pub(super) text: String,
    /// At least one.
    kinds: Vec<FactKind>,
}

impl Title {
    /// The name of a sheet as a title.
    pub(super) fn of_sheet(sheet: &Sheet) -> Option<Self> {
        Self::of(&sheet.name, 0)
    }

    /// The title that a text is, if it names facts. A sentence may name the facts of other lists.
    pub(super) fn of(text: &str, row: u32) -> Option<Self> {
        let text = visible(text);
        let is_title = text.chars().count() <= TITLE_CHARS_MAX
            && !text.contains(['。', '；'])
            && !headings::is_note(&text)
            && !headings::is_company(&text);
        let kinds = if is_title { values::kinds_in_title(&text) } else { Vec::new() };
        (!kinds.is_empty()).then_some(Self { row, text, kinds })
    }

    /// The title that a row with a single text is.
    pub(super) fn of_lone(row: &SheetRow) -> Option<Self> {
        if filled(row) == 1 { Self::in_cells(row.cells.iter(), row) } else { None }
    }

    /// The last title in some cells of a row.
    pub(super) fn in_cells<'c>(
        cells: impl Iterator<Item = &'c Cell>,
        row: &SheetRow,
    ) -> Option<Self> {
        let texts = cells.filter(|cell| matches!(cell, Cell::Text(_))).map(Cell::text);
        texts.filter_map(|text| Self::of(&text, row.number)).last()
    }

    /// The fact of the rows under it. `stated` is that of the caller.
    pub(super) fn fact(
        &self,
        sheet: &Sheet,
        stated: Option<FactKind>,
    ) -> Result<FactKind, FileFault> {
        let names = || {
            let names = || self.kinds.iter().map(|kind| kind.said());
            Both::made(|| names().collect::<Vec<_>>().join(comma()))
        };
        match (stated, self.kinds.as_slice()) {
            (Some(stated), kinds) if kinds.contains(&stated) => Ok(stated),
            (Some(stated), _) => Err(FileFault::OtherFact {
                place: Box::new(self.place(sheet)),
                title: echo_on_one_line(&self.text),
                named: names(),
                stated: stated.name().to_owned(),
            }),
            (None, [kind]) => Ok(*kind),
            (None, _) => Err(FileFault::SeveralFacts {
                place: Box::new(self.place(sheet)),
                title: Both::same(&echo_on_one_line(&self.text)),
                named: names(),
            }),
        }
    }

    fn place(&self, sheet: &Sheet) -> Both {
        match self.row {
            0 => Both::word("the name of the sheet", "工作表名称"),
            row => Both::made(|| place(&sheet.name, row)),
        }
    }
}
