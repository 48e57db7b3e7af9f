//! A table for people, within the width of their terminal.
//!
//! No cell is broken inside a word. A terminal that is too narrow for all columns loses those of
//! the least weight, then cells with spaces wrap, and at last each row becomes a block of lines.

use comfy_table::{Attribute, CellAlignment, Color, ContentArrangement, LineStyle, TableStyle};
use unicode_width::UnicodeWidthStr as _;

use super::{
    cells::{Cell, TableColumn, Tone},
    escaped,
};
use crate::lang::{comma, say};

/// Columns between two cells.
const PADDING: usize = 2;

/// A table for people. Its cells are escaped, because a line break in one would look like a row.
pub(crate) struct Layout<'t> {
    pub(super) headings: &'t [TableColumn],
    pub(super) rows: &'t [Vec<Cell>],
    /// Columns of the terminal. `None`: as many as the table takes.
    pub(super) width: Option<usize>,
    pub(super) is_coloured: bool,
}

impl Layout<'_> {
    /// The lines of the table.
    pub(super) fn text(&self) -> String {
        let mut shown: Vec<usize> = (0..self.headings.len()).collect();
        let Some(width) = self.width else { return self.table(&shown, None) };
        if self.natural(&shown) > width {
            // A column without a cell is not missed.
            shown.retain(|column| self.drops(*column) == 0 || !self.is_empty(*column));
        }
        let mut names = Vec::new();
        while self.natural(&shown) > width {
            let last = shown.iter().copied().max_by_key(|column| (self.drops(*column), *column));
            let Some(column) = last.filter(|column| self.drops(*column) > 0) else { break };
            shown.retain(|kept| *kept != column);
            names.extend(self.headings.get(column).map(|head| (column, head.text.as_str())));
        }
        let text = match (self.natural(&shown) <= width, self.narrowest(&shown) <= width) {
            (true, _) => self.table(&shown, None),
            (false, true) => self.table(&shown, Some(&self.widths(&shown, width))),
            (false, false) => return self.blocks(width),
        };
        if names.is_empty() {
            return text;
        }
        names.sort_unstable();
        let names: Vec<_> = names.into_iter().map(|(_, name)| name).collect();
        let names = names.join(comma());
        let note = say!(
            en: "left out, because the terminal is narrow: {names} (-o csv and -o json have all)",
            zh: "终端较窄，未显示：{names}（-o csv 和 -o json 有全部列）"
        );
        let note = wrapped(&note, width).join("\n");
        format!("{text}\n{}", self.toned(&note, Tone::Faint))
    }

    fn drops(&self, column: usize) -> u8 {
        self.headings.get(column).map_or(0, |head| head.drops)
    }

    fn is_empty(&self, column: usize) -> bool {
        !self.rows.is_empty() && self.rows.iter().all(|row| self.cell(row, column).is_empty())
    }

    /// The widths of columns whose cells wrap: those of long texts get what the others leave.
    fn widths(&self, shown: &[usize], width: usize) -> Vec<usize> {
        let columns: Vec<[usize; 2]> = shown
            .iter()
            .map(|column| {
                let least = self.column_width(*column, widest_word);
                [least, self.column_width(*column, str::width)]
            })
            .collect();
        let capped = |cap: usize| {
            columns.iter().map(move |[least, most]| cap.clamp(*least, (*most).max(*least)))
        };
        let room = width.saturating_sub(shown.len() * PADDING);
        let cap = (0..=room).rev().find(|cap| capped(*cap).sum::<usize>() <= room);
        capped(cap.unwrap_or_default()).collect()
    }

    fn cell(&self, row: &[Cell], column: usize) -> String {
        row.get(column).map_or_else(String::new, |cell| escaped(cell.human()).into_owned())
    }

    /// The widest of a column by `measure`, its heading included.
    fn column_width(&self, column: usize, measure: impl Fn(&str) -> usize) -> usize {
        let head = self.headings.get(column).map_or(0, |head| measure(&head.text));
        let cells = self.rows.iter().map(|row| measure(&self.cell(row, column)));
        cells.fold(head, usize::max)
    }

    /// The width of a table of these columns in which nothing wraps.
    fn natural(&self, shown: &[usize]) -> usize {
        shown.iter().map(|column| self.column_width(*column, str::width) + PADDING).sum()
    }

    /// The width of one in which only words stay whole.
    fn narrowest(&self, shown: &[usize]) -> usize {
        shown.iter().map(|column| self.column_width(*column, widest_word) + PADDING).sum()
    }

    /// The table of these columns; with widths, its cells wrap.
    fn table(&self, shown: &[usize], widths: Option<&[usize]>) -> String {
        let mut table = comfy_table::Table::new();
        // A line with a junction would put a column between each two.
        let line = LineStyle::none().fill('─');
        let style = TableStyle::new().header_separator(line);
        // Whoever reads wrapped rows must see where one ends.
        let thin = LineStyle::none().fill('┈');
        table.load_style(if widths.is_some() { style.row_separator(thin) } else { style });
        table.set_content_arrangement(ContentArrangement::Disabled);
        if self.is_coloured {
            table.enforce_styling()
        } else {
            table.force_no_tty()
        };
        let fitted = |place: usize, text: String| {
            let width = widths.and_then(|widths| widths.get(place));
            width.map_or_else(|| text.clone(), |width| wrapped(&text, *width).join("\n"))
        };
        let heads = shown.iter().filter_map(|column| self.headings.get(*column)).enumerate();
        table.set_header(
            heads.map(|(place, head)| table_cell(fitted(place, head.text.clone()), Tone::Strong)),
        );
        for row in self.rows {
            table.add_row(shown.iter().enumerate().map(|(place, column)| {
                let tone = row.get(*column).map_or(Tone::Plain, |cell| cell.tone);
                table_cell(fitted(place, self.cell(row, *column)), tone)
            }));
        }
        for (place, column) in shown.iter().enumerate() {
            let counts = table.column_mut(place).filter(|_| self.has_counts(*column));
            if let Some(counts) = counts {
                counts.set_cell_alignment(CellAlignment::Right);
            }
        }
        let text = table.to_string();
        let below = text.lines().find(|line| line.starts_with('─')).unwrap_or_default();
        format!("{text}\n{below}")
    }

    /// True if a column has counts, and beside them only empty cells and such as a dash.
    fn has_counts(&self, column: usize) -> bool {
        let cells = || self.rows.iter().filter_map(|row| row.get(column));
        let counts = cells().filter(|cell| cell.is_count).count();
        counts > 0 && cells().all(|cell| cell.is_count || cell.human().width() < 2)
    }

    /// Each row as lines of a heading and a cell, with a line between two rows.
    fn blocks(&self, width: usize) -> String {
        let heads = self.headings.iter().map(|head| head.text.width());
        let indent = heads.max().unwrap_or_default() + PADDING;
        let blocks = self.rows.iter().map(|row| {
            let lines = self.headings.iter().enumerate().flat_map(|(column, head)| {
                let tone = row.get(column).map_or(Tone::Plain, |cell| cell.tone);
                self.block_lines(&head.text, indent, (&self.cell(row, column), tone), width)
            });
            lines.collect::<Vec<_>>().join("\n")
        });
        let line = self.toned(&"┈".repeat(width.min(80)), Tone::Faint);
        blocks.collect::<Vec<_>>().join(&format!("\n{line}\n"))
    }

    /// The lines of a cell in a block; none for an empty cell. A heading and a text that do not fit
    /// beside each other are on two lines.
    fn block_lines(
        &self,
        head: &str,
        indent: usize,
        (cell, tone): (&str, Tone),
        width: usize,
    ) -> Vec<String> {
        if cell.is_empty() {
            return Vec::new();
        }
        let is_beside = indent + widest_word(cell) <= width;
        let indent = if is_beside { indent } else { PADDING };
        let texts = wrapped(cell, width.saturating_sub(indent));
        let mut lines: Vec<String> = texts
            .iter()
            .map(|text| format!("{}{}", " ".repeat(indent), self.toned(text, tone)))
            .collect();
        let toned = self.toned(head, Tone::Faint);
        match lines.first_mut().filter(|_| is_beside) {
            Some(first) => {
                let space = " ".repeat(indent - head.width());
                let text = texts.first().map(|text| self.toned(text, tone)).unwrap_or_default();
                *first = format!("{toned}{space}{text}");
            }
            None => lines.insert(0, toned),
        }
        lines
    }

    fn toned(&self, text: &str, tone: Tone) -> String {
        if !self.is_coloured || tone == Tone::Plain || text.is_empty() {
            return text.to_owned();
        }
        let style = tone.style();
        format!("{style}{text}{style:#}")
    }
}

/// A cell for the library, which measures texts without their colours.
fn table_cell(text: String, tone: Tone) -> comfy_table::Cell {
    let cell = comfy_table::Cell::new(text);
    match tone {
        Tone::Plain => cell,
        Tone::Good => cell.fg(Color::Green),
        Tone::Warning => cell.fg(Color::Yellow),
        Tone::Bad => cell.fg(Color::Red),
        Tone::Faint => cell.add_attribute(Attribute::Dim),
        Tone::Strong => cell.add_attribute(Attribute::Bold),
    }
}

/// The parts of a text between which a line may end, each with the space before it: words, and
/// what follows a Chinese mark.
fn pieces(text: &str) -> impl Iterator<Item = (&'static str, &str)> {
    text.split(' ').enumerate().flat_map(|(at, word)| {
        let parts = word.split_inclusive(['，', '。', '；', '：', '、']).enumerate();
        parts.map(move |(piece, part)| (if piece == 0 && at > 0 { " " } else { "" }, part))
    })
}

fn widest_word(text: &str) -> usize {
    pieces(text).map(|(_, part)| part.width()).max().unwrap_or_default()
}

/// A text in lines of at most `width` columns; only a wider word has a line that is wider.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for (space, part) in pieces(text) {
        let Some(line) = lines.last_mut() else { continue };
        if line.is_empty() || line.width() + space.len() + part.width() <= width {
            line.push_str(if line.is_empty() { "" } else { space });
            line.push_str(part);
        } else {
            lines.push(part.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests;
