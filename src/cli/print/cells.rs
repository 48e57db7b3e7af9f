//! The columns of a table and their cells, for people and for programs.

use anstyle::{AnsiColor, Color, Style};

use crate::lang::Lang;

/// A column: its name for programs, its heading for people, and its weight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heading {
    /// The name in CSV and TSV: `recommended_by`.
    key: &'static str,
    en: &'static str,
    zh: &'static str,
    /// A terminal that is too narrow drops the columns with the largest number first, and never one
    /// with 0.
    drops: u8,
}

impl Heading {
    /// A column that is always shown.
    pub(crate) const fn new(key: &'static str, en: &'static str, zh: &'static str) -> Self {
        Self { key, en, zh, drops: 0 }
    }

    /// A column that a narrow terminal drops, those with the largest number first.
    pub(crate) const fn drops(self, order: u8) -> Self {
        Self { drops: order, ..self }
    }
}

/// A column of a table that is being made.
#[derive(Clone, Debug)]
pub(crate) struct TableColumn {
    /// Its name for programs.
    pub(super) key: String,
    /// Its heading for people.
    pub(super) text: String,
    /// As [`Heading::drops`]; 0: never.
    pub(super) drops: u8,
}

impl TableColumn {
    /// A column that is always shown, with its name for programs and its heading for people.
    pub(crate) fn named(key: &str, text: String) -> Self {
        Self { key: key.replace('-', "_"), text, drops: 0 }
    }
}

impl From<Heading> for TableColumn {
    fn from(heading: Heading) -> Self {
        let Heading { key, en, zh, drops } = heading;
        let text = Lang::current().of(en, zh);
        Self { key: key.to_owned(), text: text.to_owned(), drops }
    }
}

/// A column whose name is its heading: one that the data names.
impl From<String> for TableColumn {
    fn from(text: String) -> Self {
        Self { key: text.clone(), text, drops: 0 }
    }
}

impl From<&str> for TableColumn {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

/// What a cell says to the eye, beside its text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Nothing.
    #[default]
    Plain,
    /// In force, right.
    Good,
    /// To be looked at.
    Warning,
    /// Wrong, refused.
    Bad,
    /// Of less weight.
    Faint,
    /// A heading.
    Strong,
}

impl Tone {
    pub(super) fn style(self) -> Style {
        let colour = |colour: AnsiColor| Style::new().fg_color(Some(Color::Ansi(colour)));
        match self {
            Self::Plain => Style::new(),
            Self::Good => colour(AnsiColor::Green),
            Self::Warning => colour(AnsiColor::Yellow),
            Self::Bad => colour(AnsiColor::Red),
            Self::Faint => Style::new().dimmed(),
            Self::Strong => Style::new().bold(),
        }
    }
}

/// A cell: its text for programs, which is never translated, and its text for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    machine: String,
    human: Option<String>,
    pub(super) tone: Tone,
    /// A count, which people read from its right end. A code or a position is none.
    pub(super) is_count: bool,
}

impl Cell {
    /// A cell that people read otherwise than programs: `not-designated` and 未认定.
    pub(crate) fn of(machine: impl Into<String>, human: impl Into<String>) -> Self {
        Self { machine: machine.into(), human: Some(human.into()), ..Self::default() }
    }

    /// The cell in a tone.
    pub(crate) fn tone(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }

    /// The text for programs.
    pub(super) fn machine(&self) -> &str {
        &self.machine
    }

    /// The text for people.
    pub(crate) fn human(&self) -> &str {
        self.human.as_deref().unwrap_or(&self.machine)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { machine: text, ..Self::default() }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<&String> for Cell {
    fn from(text: &String) -> Self {
        text.clone().into()
    }
}

impl From<u64> for Cell {
    fn from(count: u64) -> Self {
        Self { machine: count.to_string(), is_count: true, ..Self::default() }
    }
}

impl From<u32> for Cell {
    fn from(count: u32) -> Self {
        u64::from(count).into()
    }
}
