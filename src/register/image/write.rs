//! Writes an image in slices, each within one short hold of the register.

use std::ops::Range;

use super::{ImageHead, Part};
use crate::register::{
    Extent, Register,
    identity::new_names,
    index::SetName,
    rows::{DesigneeIndex, FactKindRow, FactRow, NOBODY, Owner},
    stored::{Stored as _, Unfit},
};

/// Events of which the names or the ties are looked at in one slice.
const SLICE_EVENTS: u32 = 2_048;
/// Designees or scopes in one slice; a page of designees.
const SLICE_ITEMS: usize = 4_096;
/// Bytes after which a slice of sets ends.
const SLICE_BYTES: usize = 256 * 1024;

/// Writes the register as of an extent, which nothing takes back.
#[derive(Debug)]
pub struct ImageWriter {
    extent: Extent,
    part: Part,
    /// How far the part has got, in its own count.
    at: usize,
    /// Designees below this place are named already: their own names come before those that the
    /// events after them state.
    named: usize,
    /// Number of scopes that the rows name.
    scopes: usize,
    /// Names of sets that are still to come; those of batches are not among them.
    sets: Option<Vec<SetName>>,
}

impl ImageWriter {
    /// Begins an image.
    #[must_use]
    pub fn new(extent: Extent) -> Self {
        Self { extent, part: Part::Rows, at: 0, named: 0, scopes: 0, sets: None }
    }

    /// The head by which the sections are read. Every slice must be of the same register.
    #[must_use]
    pub fn head(&self, register: &Register) -> ImageHead {
        ImageHead {
            ends: self.extent.ends(),
            secret: register.identity.secret(),
            borne: register.identity.names_borne() as u64,
        }
    }

    /// Adds the next slice of the image to some bytes, and gives the part that it belongs to. A
    /// section consists of whole slices of one part. `None` after the last slice.
    ///
    /// # Errors
    /// [`Unfit`]: the log holds a correction of a later event, which no server records. Its effect
    /// on the register is not kept.
    pub fn slice(&mut self, register: &Register, out: &mut Vec<u8>) -> Result<Option<Part>, Unfit> {
        let part = self.part;
        let next = match part {
            Part::Rows => self.rows(register, out).then_some(Part::Texts),
            Part::Texts => {
                let is_there = register.rows.put_texts(self.at, self.extent.rows, out);
                self.at += 1;
                (!is_there).then_some(Part::Words)
            }
            Part::Words => {
                let count = register.rows.put_words(self.at, self.extent.rows, out);
                self.at += count;
                (count == 0).then_some(Part::Keys)
            }
            Part::Keys => {
                let count = register.rows.put_keys(self.at, self.extent.rows, out);
                self.at += count;
                (count == 0).then_some(Part::Designees)
            }
            Part::Designees => {
                let end = self.extent.designees().min(self.at + SLICE_ITEMS);
                let count = register.identity.put_page(self.at..end, out);
                self.at += count;
                (count == 0).then_some(Part::Names)
            }
            Part::Names => self.names(register, out).then_some(Part::Ties),
            Part::Ties => self.ties(register, out)?.then_some(Part::Scopes),
            Part::Scopes => {
                let end = self.scopes.min(self.at + SLICE_ITEMS);
                register.index.put_scopes(self.at..end, out);
                self.at = end;
                (end == self.scopes).then_some(Part::Sets)
            }
            Part::Sets => self.sets(register, out).then_some(Part::Withheld),
            Part::Withheld => {
                if self.at > 0 {
                    return Ok(None);
                }
                register.withheld.below(self.extent.ends().size).put(out);
                self.at = 1;
                None
            }
        };
        if let Some(next) = next {
            (self.part, self.at) = (next, 0);
        }
        Ok(Some(part))
    }

    /// The events of the next slice.
    fn events(&mut self, most: u32) -> Range<u32> {
        let size = self.extent.ends().size;
        let from = u32::try_from(self.at).unwrap_or(size);
        let end = from.saturating_add(most).min(size);
        self.at = end as usize;
        from..end
    }

    /// True if these were the last rows.
    fn rows(&mut self, register: &Register, out: &mut Vec<u8>) -> bool {
        let (rows, size) = (&register.rows, self.extent.ends().size);
        let from = u32::try_from(self.at).unwrap_or(size);
        self.scopes = self.scopes.max(rows.put_page(from, size, out));
        self.at = rows.page_of(from, size).end as usize;
        self.at == size as usize
    }

    /// The names that events give, in the order in which the register learned of them.
    fn names(&mut self, register: &Register, out: &mut Vec<u8>) -> bool {
        let facts = register.facts(self.extent.size());
        for position in self.events(SLICE_EVENTS) {
            let Some(row) = facts.row(position) else { break };
            let before = row.previous.position().and_then(|previous| facts.recorded(previous));
            self.names_of(register, position, (row.designee, &row.fact), before, out);
            if let Some((owner, fact)) = replacement_at(register, position, &row.fact) {
                self.names_of(register, position, (owner, &fact), None, out);
            }
        }
        let is_last = self.at == self.extent.ends().size as usize;
        if is_last {
            self.own_names(register, self.extent.designees(), out);
        }
        is_last
    }

    /// The names that a fact gives its designee, without those that the fact before gives already;
    /// and those in the identifiers that it mentions first.
    fn names_of(
        &mut self,
        register: &Register,
        position: u32,
        (owner, fact): (DesigneeIndex, &FactRow),
        before: Option<&FactRow>,
        out: &mut Vec<u8>,
    ) {
        let named = match fact.kind {
            FactKindRow::Transferred { successor, .. } => Some(successor),
            FactKindRow::Linked { other, .. } => Some(other),
            _ => None,
        };
        self.own_names(register, end_of(named.into_iter().chain([owner])), out);
        let facts = register.facts(self.extent.size());
        for name in new_names(fact, before).filter(|_| owner != NOBODY) {
            register.identity.put_name(owner, &facts.name_key(name), out);
        }
        if let FactKindRow::Restructured { .. } = fact.kind {
            let successors = register.identity.successors_at(position);
            self.own_names(register, end_of(successors.iter().copied()), out);
        }
    }

    /// The names in the identifiers of designees up to a place.
    fn own_names(&mut self, register: &Register, end: usize, out: &mut Vec<u8>) {
        for place in self.named..end.min(self.extent.designees()) {
            register.identity.put_own_name(place, out);
            self.named = place + 1;
        }
    }

    /// The ties of events, each behind its position, and the facts of corrections.
    fn ties(&mut self, register: &Register, out: &mut Vec<u8>) -> Result<bool, Unfit> {
        for position in self.events(2 * SLICE_EVENTS) {
            let Some(row) = register.rows.get(position) else { break };
            let ties = register.identity.ties_at(position);
            let replacement = replacement_at(register, position, &row.fact);
            if replacement.is_none() && corrects(&row.fact) {
                return Err(Unfit("the log corrects a later event"));
            }
            if !ties.is_empty() || replacement.is_some() {
                position.put(out);
                ties.put(out);
                replacement.map(|(owner, fact)| (Owner(owner), fact)).put(out);
            }
        }
        Ok(self.at == self.extent.ends().size as usize)
    }

    /// Sets of positions; those of batches by the words that may name one.
    fn sets(&mut self, register: &Register, out: &mut Vec<u8>) -> bool {
        let size = self.extent.ends().size;
        let began = out.len();
        let sets = self.sets.get_or_insert_with(|| register.index.set_names());
        while let Some(name) = sets.pop() {
            register.index.put_set(name, size, out);
            if out.len() - began >= SLICE_BYTES {
                return false;
            }
        }
        let mut count = 0;
        for batch in register.rows.words_from(self.at, self.extent.rows) {
            register.index.put_set(SetName::Batch { batch: *batch }, size, out);
            count += 1;
            if out.len() - began >= SLICE_BYTES {
                break;
            }
        }
        self.at += count;
        count == 0
    }
}

fn corrects(fact: &FactRow) -> bool {
    matches!(fact.kind, FactKindRow::Repaired { removes: false, .. })
}

/// The fact that the repair at a position puts into the place of its target.
fn replacement_at(
    register: &Register,
    position: u32,
    fact: &FactRow,
) -> Option<(DesigneeIndex, FactRow)> {
    match fact.kind {
        FactKindRow::Repaired { target, removes: false } => {
            register.repairs.replacement_of(position, target)
        }
        _ => None,
    }
}

/// One more than the highest place of some designees.
fn end_of(designees: impl Iterator<Item = DesigneeIndex>) -> usize {
    let known = designees.filter(|index| *index != NOBODY);
    known.map(|index| index.place() + 1).max().unwrap_or(0)
}
