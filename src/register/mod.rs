//! What follows from the events: designees, titles, batches, and whom an event concerns. Pure: no I/O, no clock.
//!
//! A [`Register`] is a function of the events applied to it, in order. Nothing in it is stored; delete it, and the log
//! rebuilds the same. Every question names the log size it stands on (`known_at`), so events past the durable size are
//! invisible to readers although the writer has applied them.
//!
//! ```text
//! row.rs       an event in 56 bytes          pages.rs, texts.rs  where rows and texts are kept
//! state.rs     from events to rows           identity.rs         designees, names, identifiers of one subject
//! repair.rs    what stands after repairs     concern.rs          whom an event concerns
//! postings.rs  events by whom they concern   interest.rs         filters over them
//! fold/        from facts to titles          batch.rs, frame.rs  batches; measures, pools, completeness
//! rules/       what may be recorded          view.rs, query.rs, count.rs, explain.rs, change.rs  answers
//! ```

mod batch;
mod change;
mod concern;
mod count;
mod explain;
pub mod fold;
mod frame;
mod identity;
mod interest;
mod pages;
mod postings;
mod query;
mod repair;
mod row;
pub mod rules;
mod state;
mod texts;
mod view;

use hashbrown::{DefaultHashBuilder, HashMap, HashTable, hash_map::Entry};

pub use self::{
    batch::{BatchCounts, BatchState, BatchView, SublistView},
    change::Change,
    concern::Concern,
    count::{Counting, Group, Stage},
    explain::{Effect, Explanation, Step},
    fold::{Flag, Flags, Status},
    frame::{AssessmentView, MeasureView, MeasuresWanted, PoolView},
    interest::{Interest, Terms},
    query::{Found, Moment, Wanted},
    view::{DatedId, DatedName, DesigneeView, Membership, SupportView, TitleView},
};
use self::{
    batch::{BatchKey, BatchRecord},
    concern::Reach,
    identity::{Bearer, Circle, DesigneeRecord},
    pages::Pages,
    postings::{Posting, Postings},
    repair::Repair,
    row::{Link, Row, Stated},
    texts::{Sym, Texts},
};
use crate::domain::{
    AuthorityCode,
    event::{Event, Fact},
};

/// A designee, by its place in the register. Never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DesigneeIndex(u32);

const NOBODY: DesigneeIndex = DesigneeIndex(u32::MAX);

/// Everything that follows from the events applied so far.
#[derive(Debug, Default)]
pub struct Register {
    /// One row an event, by position.
    rows: Pages<Row>,
    texts: Texts,
    designees: Pages<DesigneeRecord>,
    by_id: HashTable<DesigneeIndex>,
    /// Who bears or bore a name, by the hash of its folded form.
    bearers: HashTable<Bearer>,
    /// Events that concern a designee although they are about another one, oldest first.
    also: HashMap<DesigneeIndex, Vec<u32>>,
    /// The same by event.
    others_at: HashMap<u32, Vec<DesigneeIndex>>,
    /// Repairs by the position they repair, oldest first.
    repairs: HashMap<u32, Vec<Repair>>,
    /// Number of repairs recorded, also of one target.
    repair_count: usize,
    postings: Postings,
    batches: HashMap<BatchKey, BatchRecord>,
    /// Batches in order of appearance.
    batch_order: Vec<BatchKey>,
    /// Entries and leavings of cultivation pools.
    pools: HashMap<(AuthorityCode, Sym), Vec<u32>>,
    /// Positions of facts about neither designees nor batches, oldest first.
    frame: Vec<u32>,
    hasher: DefaultHashBuilder,
    /// How to take back what was applied since the last call of [`Register::keep`], as far as rows do not tell.
    undo: Vec<Undo>,
    /// Room that is used again; holds nothing between two events.
    scratch: Circle,
}

/// One step back.
#[derive(Clone, Copy, Debug)]
enum Undo {
    Designee,
    Bearer(u64, Bearer),
    Word(Sym),
    Also(DesigneeIndex),
    Repair(u32),
    Posted(Posting),
    BatchEntry(BatchKey),
    BatchEvent(BatchKey),
    Batch(BatchKey),
    Pool(AuthorityCode, Sym),
    Frame,
}

/// A place to come back to.
#[derive(Clone, Copy, Debug)]
pub struct Savepoint {
    size: usize,
    undo: usize,
    texts: texts::Mark,
}

impl Register {
    /// Number of events applied.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.rows.len() as u64
    }

    /// Number of designees that the events name.
    #[must_use]
    pub fn designee_count(&self) -> usize {
        self.designees.len()
    }

    /// Applies the next event. Total: what cannot apply is kept and changes no title.
    pub fn apply(&mut self, event: &Event) {
        let position = narrow(self.size());
        let about = event.fact.designee().map(|id| self.intern_designee(id));
        let stated = self.state(event, about);
        let mut reach = Reach::default();
        reach.is_stated_by(event, &stated);
        if let Some(index) = about {
            self.is_about(&mut reach, index, &event.fact, &stated);
            self.index_fact(index, (position, position), event, &stated);
        }
        let mut designee = about.unwrap_or(NOBODY);
        match &event.fact {
            Fact::Title { .. } | Fact::Subject { .. } => {}
            Fact::Repair { position: target, replacement } => {
                designee = self.repair(position, *target, replacement.as_deref(), &mut reach);
            }
            Fact::Batch { batch, .. } => self.note_batch_event(batch, position),
            Fact::Frame(_) | Fact::Assessed { .. } => {
                self.frame.push(position);
                self.undo.push(Undo::Frame);
            }
        }
        let mut previous = Link::NONE;
        if designee != NOBODY {
            let record = self.record(designee);
            previous = record.last;
            record.last = Link::to(position);
        }
        let audience = self.post(position, stated.what.kind(), &reach);
        self.rows.push(Row { audience, designee, previous, stated });
    }

    /// Makes everything applied so far final.
    pub fn keep(&mut self) {
        self.undo.clear();
    }

    /// A place to come back to with [`Register::take_back`], valid until [`Register::keep`].
    #[must_use]
    pub fn savepoint(&self) -> Savepoint {
        Savepoint { size: self.rows.len(), undo: self.undo.len(), texts: self.texts.mark() }
    }

    /// Takes back everything applied since the savepoint, without a trace.
    pub fn take_back(&mut self, savepoint: &Savepoint) {
        while self.rows.len() > savepoint.size {
            let Some(row) = self.rows.pop() else { break };
            self.postings.take_from_audience(row.audience);
            if row.designee != NOBODY {
                self.record(row.designee).last = row.previous;
            }
        }
        while self.undo.len() > savepoint.undo {
            let Some(step) = self.undo.pop() else { break };
            self.step_back(step);
        }
        self.texts.cut(savepoint.texts);
    }

    fn step_back(&mut self, step: Undo) {
        match step {
            Undo::Designee => self.forget_last_designee(),
            Undo::Bearer(hash, bearer) => {
                if let Ok(entry) = self.bearers.find_entry(hash, |known| *known == bearer) {
                    entry.remove();
                }
            }
            Undo::Word(sym) => self.texts.forget_word(sym),
            Undo::Also(index) => {
                if let Some(position) = shorten(self.also.entry(index)) {
                    shorten(self.others_at.entry(position));
                }
            }
            Undo::Posted(posting) => self.postings.take_newest(posting),
            Undo::Repair(target) => {
                shorten(self.repairs.entry(target));
                self.repair_count -= 1;
            }
            Undo::BatchEntry(key) => drop(self.batch_mut(key).entries.pop()),
            Undo::BatchEvent(key) => drop(self.batch_mut(key).events.pop()),
            Undo::Batch(key) => {
                self.batches.remove(&key);
                self.batch_order.pop();
            }
            Undo::Pool(authority, pool) => {
                shorten(self.pools.entry((authority, pool)));
            }
            Undo::Frame => drop(self.frame.pop()),
        }
    }

    fn row(&self, position: u32) -> Option<&Row> {
        self.rows.get(position as usize)
    }

    /// What the event at a position says, before repairs.
    fn stated(&self, position: u32) -> Option<&Stated> {
        self.row(position).map(|row| &row.stated)
    }

    fn word(&mut self, text: &str) -> Sym {
        let (sym, is_new) = self.texts.word(text);
        if is_new {
            self.undo.push(Undo::Word(sym));
        }
        sym
    }

    fn text(&self, sym: Sym) -> &str {
        self.texts.text(sym)
    }
}

/// Takes the last item off a list, and the list away when it is empty.
fn shorten<K, T, S>(entry: Entry<'_, K, Vec<T>, S>) -> Option<T>
where
    K: Eq + std::hash::Hash,
    S: std::hash::BuildHasher,
{
    let Entry::Occupied(mut list) = entry else { return None };
    let last = list.get_mut().pop();
    if list.get().is_empty() {
        list.remove();
    }
    last
}

/// A position as rows keep it. The writer refuses events beyond [`crate::limits::LOG_EVENTS_MAX`].
fn narrow(position: u64) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}
