//! What the service counts: one table of all metrics, their instruments, and both text formats.
//!
//! ```text
//! table.rs        every metric: name, type, unit, labels, meaning
//! instruments.rs  counters, gauges and histograms, which are atomic numbers
//! family.rs       series of one metric that differ in their labels; bounded
//! parties.rs      a count for each party: the first ones by name
//! format.rs       the formats, and which one a scraper accepts
//! ```
//!
//! There is no global: a server makes one [`Metrics`] and hands it to its parts. Counters and
//! histograms move as things happen. Gauges are read when somebody asks: see `operations/`.
//!
//! To count costs an atomic addition. A part that counts often resolves its series once, with
//! [`Family::with`], and keeps it.

mod family;
mod format;
mod instruments;
mod parties;
mod table;

pub use self::{
    family::Family,
    format::Format,
    instruments::{
        Counter, DurationHistogram, Gauge, Info, Kind, SecondsCounter, SecondsGauge, SizeHistogram,
        Unit,
    },
    parties::PartyCounters,
    table::{Metrics, TABLE},
};

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Described {
    /// The name of its samples; those of a histogram add `_bucket`, `_sum` and `_count`.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Its unit, which is the end of the name.
    pub unit: Unit,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// Its meaning, without the full stop.
    pub help: &'static str,
}

impl Described {
    /// The name without the endings that the formats add.
    fn base(&self) -> &'static str {
        let mut base = self.name;
        for ending in [self.kind.ending(), self.unit.as_str()] {
            if let Some(rest) = base.strip_suffix(ending).filter(|_| !ending.is_empty()) {
                base = rest.strip_suffix('_').unwrap_or(rest);
            }
        }
        base
    }
}
