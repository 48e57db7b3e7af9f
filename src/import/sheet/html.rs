//! Reads the tables of a web page, which many systems export under the name `.xls`. As in a
//! spreadsheet, all tables and the text between them follow each other in one sheet.

use std::collections::{HashSet, VecDeque};

use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer};

use super::{
    Cell, Sheet,
    grid::{Grid, Placed, Region, Unshown},
    xml::is_nothing,
};
use crate::{
    import::{
        budget::Budget,
        error::{FileFault, Things},
    },
    limits::{HTML_LINES_MAX, HTML_TABLES_DEEP_MAX},
};

/// Most columns of a sheet in any spreadsheet, and most columns and rows of one merged cell.
const COLUMNS_MAX: u32 = 16_384;
const COLSPAN_MAX: u32 = 1_000;
const ROWSPAN_MAX: u32 = 65_534;

/// Elements whose text nobody sees.
const UNSEEN: &[&str] = &["noscript", "script", "select", "style", "template", "title", "xml"];
/// Elements that begin a line.
const BLOCKS: &[&str] = &[
    "body", "br", "caption", "center", "dd", "div", "dt", "footer", "h1", "h2", "h3", "h4", "h5",
    "h6", "header", "hr", "li", "p", "section", "table", "tr", "ul",
];
/// Elements without an end.
const VOID: &[&str] = &["area", "base", "br", "col", "hr", "img", "input", "link", "meta", "wbr"];

/// Reads the tables of a page; `None` if it has none.
pub(super) fn read(text: &str) -> Result<Option<Sheet>, FileFault> {
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    let mut page = Page::default();
    for token in Tokenizer::new_with_emitter(text, emitter) {
        match token {
            Ok(Token::StartTag(tag)) => page.start(&tag)?,
            Ok(Token::EndTag(tag)) => page.end(&String::from_utf8_lossy(&tag.name))?,
            Ok(Token::String(text)) => page.text(&String::from_utf8_lossy(&text.value))?,
            _ => {}
        }
    }
    page.finish()
}

/// An element that hides what is in it.
struct Hidden {
    name: String,
    depth: u32,
    /// True if it is a part of a cell, whose other text is seen.
    in_cell: bool,
}

/// A table that is open.
#[derive(Default)]
struct Table {
    /// The row that is open.
    row: Option<Row>,
    /// For each column the row, of this table, up to which a cell above reaches.
    taken: Vec<u32>,
    rows: u32,
    columns: u32,
}

#[derive(Default)]
struct Row {
    hidden: bool,
    cells: Vec<Open>,
    /// The column that the next cell takes at the earliest.
    next: u32,
    is_cell_open: bool,
}

/// A cell and its text so far.
struct Open {
    column: u32,
    text: String,
    colspan: u32,
    rowspan: u32,
    is_formula: bool,
    /// True if it takes no room; its text is dropped.
    is_absent: bool,
}

#[derive(Default)]
struct Page {
    cells: Vec<Placed>,
    merged: Vec<Region>,
    unshown: Unshown,
    budget: Budget,
    /// Cells with the columns that they are merged over.
    made: Budget,
    tables: Vec<Table>,
    has_table: bool,
    next_row: u32,
    /// Text outside of tables, and the last lines of it.
    line: String,
    lines: VecDeque<(u32, String)>,
    unseen: Option<(String, u32)>,
    style: String,
    /// Classes that the page's style hides.
    classes: HashSet<String>,
    hidden: Option<Hidden>,
}

impl Page {
    fn start(&mut self, tag: &StartTag<()>) -> Result<(), FileFault> {
        let name = String::from_utf8_lossy(&tag.name).into_owned();
        let is_void = VOID.contains(&name.as_str()) || tag.self_closing;
        if let Some((unseen, depth)) = &mut self.unseen {
            *depth += u32::from(*unseen == name && !is_void);
            return Ok(());
        }
        if UNSEEN.contains(&name.as_str()) && !is_void {
            self.unseen = Some((name, 1));
            return Ok(());
        }
        if matches!(name.as_str(), "tr" | "tbody" | "thead" | "tfoot") {
            self.close_row();
        }
        let is_hidden = self.hides(tag);
        if let Some(hidden) = &mut self.hidden {
            hidden.depth += u32::from(hidden.name == name && !is_void);
        } else if is_hidden && !is_void && !matches!(name.as_str(), "tr" | "td" | "th") {
            let in_cell = self.open_cell().is_some() && name != "table";
            self.hidden = Some(Hidden { name: name.clone(), depth: 1, in_cell });
        }
        if BLOCKS.contains(&name.as_str()) {
            self.break_line()?;
        }
        match name.as_str() {
            "table" => self.open_table(),
            "col" => {
                if let Some(table) = self.tables.last_mut() {
                    let first = table.columns;
                    let span = number(tag, "span").clamp(1, COLSPAN_MAX);
                    table.columns = first.saturating_add(span).min(COLUMNS_MAX);
                    if is_hidden && table.columns > first {
                        self.unshown.column((first, table.columns - 1));
                    }
                }
                Ok(())
            }
            "tr" => {
                let hidden = is_hidden || self.hidden.as_ref().is_some_and(|h| !h.in_cell);
                if let Some(table) = self.tables.last_mut() {
                    table.row = Some(Row { hidden, ..Row::default() });
                }
                Ok(())
            }
            "td" | "th" => self.open_new_cell(tag, is_hidden),
            _ => Ok(()),
        }
    }

    fn end(&mut self, name: &str) -> Result<(), FileFault> {
        if let Some((unseen, depth)) = &mut self.unseen {
            *depth -= u32::from(unseen == name);
            if *depth == 0 {
                let style = std::mem::take(&mut self.style);
                self.classes.extend(hidden_classes(&style));
                self.unseen = None;
            }
            return Ok(());
        }
        if let Some(hidden) = &mut self.hidden
            && hidden.name == name
        {
            hidden.depth -= 1;
            if hidden.depth == 0 {
                self.hidden = None;
            }
        }
        if BLOCKS.contains(&name) {
            self.break_line()?;
        }
        match name {
            "td" | "th" => {
                self.leave_cell();
                if let Some(row) = self.tables.last_mut().and_then(|table| table.row.as_mut()) {
                    row.is_cell_open = false;
                }
            }
            "tr" | "tbody" | "thead" | "tfoot" => self.close_row(),
            "table" => {
                self.close_row();
                self.tables.pop();
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), FileFault> {
        if let Some((unseen, _)) = &self.unseen {
            if unseen == "style" {
                self.style.push_str(text);
            }
            return Ok(());
        }
        if self.hidden.as_ref().is_some_and(|hidden| hidden.in_cell) {
            return Ok(());
        }
        self.budget.text(text)?;
        let is_outside = self.tables.is_empty();
        match self.open_cell() {
            Some(cell) if cell.is_absent => {}
            Some(cell) => push_collapsed(&mut cell.text, text),
            // Text of a table outside of its cells is shown before the table.
            None if is_outside || !text.trim().is_empty() => push_collapsed(&mut self.line, text),
            None => {}
        }
        Ok(())
    }

    fn open_cell(&mut self) -> Option<&mut Open> {
        let row = self.tables.last_mut()?.row.as_mut()?;
        if row.is_cell_open { row.cells.last_mut() } else { None }
    }

    /// Whether an element is not shown.
    fn hides(&self, tag: &StartTag<()>) -> bool {
        let style = attribute(tag, "style").unwrap_or_default().to_ascii_lowercase();
        let style: String = style.chars().filter(|c| !c.is_whitespace()).collect();
        let is_low =
            matches!(tag.name.as_slice(), b"tr") && is_nothing(attribute(tag, "height").as_deref());
        let is_narrow =
            matches!(tag.name.as_slice(), b"col") && is_nothing(attribute(tag, "width").as_deref());
        let classes = attribute(tag, "class").unwrap_or_default();
        hides(&style)
            || is_low
            || is_narrow
            || attribute(tag, "hidden").is_some()
            || classes.split_ascii_whitespace().any(|class| self.classes.contains(class))
    }

    /// Ends a line of text: in a cell it goes on in the next, elsewhere it becomes a row.
    fn break_line(&mut self) -> Result<(), FileFault> {
        if let Some(cell) = self.open_cell() {
            cell.text.push('\n');
        }
        let line = std::mem::take(&mut self.line);
        if line.trim().is_empty() {
            return Ok(());
        }
        if self.lines.len() >= HTML_LINES_MAX {
            self.lines.pop_front();
        }
        if self.hidden.is_some() {
            self.unshown.row((self.next_row, self.next_row));
        }
        self.lines.push_back((self.next_row, line));
        self.next_row = self.next_row.saturating_add(1);
        Ok(())
    }

    /// The last lines of text become rows. The menus of a page would hide the header behind them.
    fn place_lines(&mut self) -> Result<(), FileFault> {
        for (row, line) in std::mem::take(&mut self.lines) {
            self.made.cells(1)?;
            self.cells.push(Placed { row, column: 0, cell: Cell::of_text(&line) });
        }
        Ok(())
    }

    fn open_table(&mut self) -> Result<(), FileFault> {
        if self.tables.len() >= HTML_TABLES_DEEP_MAX {
            let what = Things::NestedTables;
            let max = u64::try_from(HTML_TABLES_DEEP_MAX).unwrap_or(u64::MAX);
            return Err(FileFault::TooLarge { what, max });
        }
        self.has_table = true;
        self.place_lines()?;
        self.flush_row()?;
        self.tables.push(Table::default());
        Ok(())
    }

    /// The text beside a table within a cell becomes a row before it, as a title.
    fn flush_row(&mut self) -> Result<(), FileFault> {
        let row = self.tables.last_mut().and_then(|table| table.row.as_mut());
        let Some(row) = row else { return Ok(()) };
        let before = self.cells.len();
        for cell in row.cells.iter_mut().filter(|cell| !cell.is_absent) {
            let text = std::mem::take(&mut cell.text);
            if !text.trim().is_empty() {
                self.made.cells(1)?;
                let (row, column) = (self.next_row, cell.column);
                self.cells.push(Placed { row, column, cell: Cell::of_text(&text) });
            }
        }
        if self.cells.len() > before {
            if row.hidden {
                self.unshown.row((self.next_row, self.next_row));
            }
            self.next_row = self.next_row.saturating_add(1);
        }
        Ok(())
    }

    fn open_new_cell(&mut self, tag: &StartTag<()>, is_absent: bool) -> Result<(), FileFault> {
        self.leave_cell();
        let Some(table) = self.tables.last_mut() else { return Ok(()) };
        let row = table.row.get_or_insert_default();
        let colspan = number(tag, "colspan").clamp(1, COLSPAN_MAX);
        let rowspan = number(tag, "rowspan").clamp(1, ROWSPAN_MAX);
        let is_free = |column: u32| {
            table.taken.get(super::index(column)).is_none_or(|until| *until <= table.rows)
        };
        let mut column = row.next;
        while column < COLUMNS_MAX && !is_free(column) {
            column += 1;
        }
        self.made.cells(u64::from(column - row.next) + u64::from(colspan))?;
        if column.saturating_add(colspan) > COLUMNS_MAX {
            return Err(FileFault::TooLarge { what: Things::Columns, max: COLUMNS_MAX.into() });
        }
        row.is_cell_open = true;
        row.cells.push(Open {
            column,
            text: String::new(),
            colspan,
            rowspan,
            is_formula: attribute(tag, "x:fmla").is_some(),
            is_absent,
        });
        if is_absent {
            return Ok(());
        }
        row.next = column + colspan;
        if rowspan > 1 {
            let end = super::index(row.next);
            if table.taken.len() < end {
                table.taken.resize(end, 0);
            }
            let taken = table.taken.get_mut(super::index(column)..end).unwrap_or_default();
            taken.fill(table.rows.saturating_add(rowspan));
        }
        Ok(())
    }

    /// Nothing that hides a part of a cell reaches beyond it, though its end may be left out.
    fn leave_cell(&mut self) {
        self.hidden.take_if(|hidden| hidden.in_cell);
    }

    fn close_row(&mut self) {
        self.leave_cell();
        let Some(table) = self.tables.last_mut() else { return };
        let Some(row) = table.row.take() else { return };
        table.rows = table.rows.saturating_add(1);
        let at = self.next_row;
        self.next_row = at.saturating_add(1);
        if row.hidden {
            self.unshown.row((at, at));
        }
        for cell in row.cells.into_iter().filter(|cell| !cell.is_absent) {
            if cell.colspan > 1 || cell.rowspan > 1 {
                self.merged.push(Region {
                    rows: (at, at.saturating_add(cell.rowspan - 1)),
                    columns: (cell.column, cell.column + cell.colspan - 1),
                });
            }
            let value = match Cell::of_text(&cell.text) {
                Cell::Empty if cell.is_formula => Cell::Unevaluated,
                value => value,
            };
            if value != Cell::Empty {
                self.cells.push(Placed { row: at, column: cell.column, cell: value });
            }
        }
    }

    fn finish(mut self) -> Result<Option<Sheet>, FileFault> {
        while !self.tables.is_empty() {
            self.close_row();
            self.tables.pop();
        }
        self.break_line()?;
        self.place_lines()?;
        if !self.has_table {
            return Ok(None);
        }
        let Self { cells, merged, unshown, mut budget, .. } = self;
        let grid = Grid { name: String::new(), hidden: false, cells, merged, unshown };
        grid.sheet(&mut budget).map(Some)
    }
}

fn attribute(tag: &StartTag<()>, name: &str) -> Option<String> {
    let value = tag.attributes.get(name.as_bytes())?;
    Some(String::from_utf8_lossy(&value.value).into_owned())
}

/// A number in an attribute; 0 without one.
fn number(tag: &StartTag<()>, name: &str) -> u32 {
    let digits: String = attribute(tag, name)
        .unwrap_or_default()
        .trim()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    if digits.is_empty() { 0 } else { digits.parse().unwrap_or(u32::MAX) }
}

/// Whether a style, in small letters and without spaces, hides an element.
fn hides(style: &str) -> bool {
    ["display:none", "visibility:hidden", "visibility:collapse", "mso-hide:all"]
        .iter()
        .any(|hiding| style.contains(hiding))
}

/// Names of the classes whose rule hides an element: `.away, tr.off { display: none }`.
fn hidden_classes(style: &str) -> Vec<String> {
    let rules = style.split('}').filter_map(|rule| rule.rsplit_once('{'));
    let hiding = rules.filter(|(_, body)| {
        let body: String = body.chars().filter(|c| !c.is_whitespace()).collect();
        hides(&body.to_ascii_lowercase())
    });
    let last = |selector: &str| {
        let part = selector.split_ascii_whitespace().next_back()?;
        let class = part.split_once('.')?.1;
        Some(class.split(['.', ':', '[', '#']).next()?.to_owned())
    };
    hiding.flat_map(|(selectors, _)| selectors.split(',').filter_map(last)).collect()
}

/// Appends text as a browser shows it: spaces become one, and a line break of the source is none
/// between Chinese words.
fn push_collapsed(to: &mut String, text: &str) {
    let mut gap = None;
    for character in text.chars() {
        match character {
            '\n' | '\r' => gap = Some('\n'),
            ' ' | '\t' | '\x0c' => gap = gap.or(Some(' ')),
            character => {
                to.extend(gap.take());
                to.push(character);
            }
        }
    }
    to.extend(gap);
}
