//! A batch that is read in slices, each under one hold of the register. What was read is summed up
//! without it.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use sha2::{Digest as _, Sha256};

use super::{BatchCounts, BatchKey, BatchesAsOf, EntryKind, SublistsFound, content::Fate};
use crate::{
    domain::AuthorityCode,
    register::{AsOf, rows::DesigneeIndex},
};

/// The entries of a batch, as far as they were read.
#[derive(Debug)]
pub(in crate::register) struct EntriesRead {
    pub(in crate::register) key: BatchKey,
    pub(in crate::register) as_of: AsOf,
    /// Whether digests are wanted.
    digests: bool,
    /// The place in the record to go on from.
    next: usize,
    entries: Vec<EntryRead>,
    /// For the digests.
    lines: Vec<LineRead>,
    sublists: SublistsFound,
}

/// The line of an entry in a digest.
#[derive(Debug)]
struct LineRead {
    position: u32,
    sublist: Option<AuthorityCode>,
    line: String,
}

#[derive(Clone, Copy, Debug)]
struct EntryRead {
    position: u32,
    kind: EntryKind,
    sublist: Option<AuthorityCode>,
    designee: DesigneeIndex,
    /// The caller may not know its title.
    is_hidden: bool,
}

/// The sums of a batch and of its sub-lists.
#[derive(Debug)]
pub(in crate::register) struct BatchSums {
    whole: Sum,
    sublists: BTreeMap<AuthorityCode, Sum>,
}

/// The sum of a list. Its counts hold those not designated as if it were sealed.
#[derive(Clone, Debug, Default)]
struct Sum {
    counts: BatchCounts,
    fates: HashMap<DesigneeIndex, Fate>,
    digest: Sha256,
    /// Some entry is left out.
    has_hidden: bool,
}

impl EntriesRead {
    pub(in crate::register) fn new(key: BatchKey, as_of: AsOf, digests: bool) -> Self {
        let (entries, lines, sublists) = (Vec::new(), Vec::new(), SublistsFound::new());
        Self { key, as_of, digests, next: 0, entries, lines, sublists }
    }

    /// Reads about `most` more events; true if some are left. Of an entry that is not `shown`, by
    /// its position, only its sub-list counts; `shown` adds to the facts read.
    pub(in crate::register) fn advance(
        &mut self,
        batches: BatchesAsOf<'_>,
        most: usize,
        mut shown: impl FnMut(u32, &mut usize) -> bool,
    ) -> bool {
        let mut read = 0;
        while read < most {
            let Some(position) = batches.entry_position(self.key, self.next) else { return false };
            self.next += 1;
            let entry = batches.entry_at(self.key, position, &mut self.sublists, &mut read);
            let Some((kind, sublist, designee)) = entry else { continue };
            let is_hidden = !shown(position, &mut read);
            if self.digests
                && !is_hidden
                && let Some(word) = kind.word()
            {
                let line = format!("{word} {}\n", batches.subjects().id(designee));
                self.lines.push(LineRead { position, sublist, line });
            }
            self.entries.push(EntryRead { position, kind, sublist, designee, is_hidden });
        }
        true
    }

    /// Sums up what was read.
    pub(in crate::register) fn sum_up(mut self) -> BatchSums {
        // A correction can state the entry of an event that is listed already.
        let listed_once = self.entries.is_sorted_by(|a, b| a.position < b.position);
        let mut sums = BatchSums { whole: Sum::default(), sublists: BTreeMap::new() };
        if !listed_once {
            self.entries.sort_unstable_by_key(|entry| entry.position);
            self.entries.dedup_by_key(|entry| entry.position);
            self.lines.sort_unstable_by_key(|line| line.position);
            self.lines.dedup_by_key(|line| line.position);
        }
        for entry in &self.entries {
            sums.each(entry.sublist, |sum| sum.add(entry));
        }
        self.lines.sort_unstable_by(|a, b| a.line.cmp(&b.line));
        for LineRead { sublist, line, .. } in &self.lines {
            sums.each(*sublist, |sum| sum.digest.update(line));
        }
        sums
    }
}

impl BatchSums {
    /// Adds to the whole and, if the entry is in one, to a sub-list.
    fn each(&mut self, sublist: Option<AuthorityCode>, add: impl Fn(&mut Sum)) {
        add(&mut self.whole);
        if let Some(sublist) = sublist {
            add(self.sublists.entry(sublist).or_default());
        }
    }

    fn of(&self, sublist: Option<AuthorityCode>) -> Option<&Sum> {
        match sublist {
            None => Some(&self.whole),
            Some(authority) => self.sublists.get(&authority),
        }
    }

    /// True if an entry belongs to the sub-list.
    pub(in crate::register) fn names(&self, authority: AuthorityCode) -> bool {
        self.sublists.contains_key(&authority)
    }

    /// The counts of a sub-list, or of the whole.
    pub(in crate::register) fn counts(
        &self,
        sublist: Option<AuthorityCode>,
        sealed: bool,
    ) -> BatchCounts {
        let Some(sum) = self.of(sublist) else { return BatchCounts::default() };
        let left_out = sum.fates.values().filter(|fate| sealed && fate.is_left_out()).count();
        BatchCounts { not_designated: left_out as u64, ..sum.counts }
    }

    /// The digest of a sub-list, or of the whole, as `BatchSealed.digest` defines it. There is none
    /// if an entry is left out.
    pub(in crate::register) fn digest(&self, sublist: Option<AuthorityCode>) -> Option<[u8; 32]> {
        let sum = self.of(sublist);
        if sum.is_some_and(|sum| sum.has_hidden) {
            return None;
        }
        Some(sum.map(|sum| sum.digest.clone()).unwrap_or_default().finalize().into())
    }
}

impl Sum {
    fn add(&mut self, entry: &EntryRead) {
        if entry.is_hidden {
            self.has_hidden = true;
            return;
        }
        self.counts.add(entry.kind);
        self.fates.entry(entry.designee).or_default().add(entry.kind);
    }
}
