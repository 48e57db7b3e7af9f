//! Facts about the framework and pools, read in slices, each under one hold of the register.

use hashbrown::HashMap;

use super::{FrameworkAsOf, Shelf, pools::PoolKey};
use crate::{
    domain::{AuthorityCode, CivilDate},
    register::{
        AsOf,
        rows::{DesigneeIndex, FactKindRow, FactRow},
    },
};

/// A fact in force, read from a shelf.
#[derive(Clone, Copy, Debug)]
pub(in crate::register) struct Stated {
    /// The event in whose place it is.
    pub(in crate::register) position: u32,
    /// The event that carries it: that one, or a repair.
    pub(in crate::register) source: u32,
    pub(in crate::register) fact: FactRow,
}

/// The facts of some shelves, as far as they were read. Those that take effect after the day are
/// included.
#[derive(Debug)]
pub(in crate::register) struct ShelvesRead {
    pub(in crate::register) as_of: AsOf,
    shelves: Vec<Shelf>,
    /// The place on the last of `shelves` to go on from.
    next: usize,
    facts: Vec<Stated>,
}

impl ShelvesRead {
    pub(in crate::register) fn new(shelves: impl Iterator<Item = Shelf>, as_of: AsOf) -> Self {
        Self { as_of, shelves: shelves.collect(), next: 0, facts: Vec::new() }
    }

    /// Reads about `most` more facts; true if some are left. The places on a shelf stay the same
    /// while the log grows.
    pub(in crate::register) fn advance(
        &mut self,
        framework: FrameworkAsOf<'_>,
        most: usize,
    ) -> bool {
        let mut read = 0;
        while let Some(shelf) = self.shelves.last() {
            let left = framework.recorded_on(*shelf).get(self.next..).unwrap_or_default();
            for position in left {
                if read >= most {
                    return true;
                }
                self.next += 1;
                self.facts.extend(framework.stated(*position, &mut read));
            }
            self.shelves.pop();
            self.next = 0;
        }
        false
    }

    /// What was read, in the order of the log.
    pub(in crate::register) fn in_order(mut self) -> Vec<Stated> {
        self.facts.sort_unstable_by_key(|stated| stated.position);
        self.facts.dedup_by_key(|stated| stated.position);
        self.facts
    }
}

/// The pools of some authorities, as far as their entries were read.
#[derive(Debug)]
pub(in crate::register) struct PoolsRead {
    pub(in crate::register) as_of: AsOf,
    /// The pools to read, with the numbers of their known events.
    left: Vec<(PoolKey, usize)>,
    /// The place in the last one to go on from.
    next: usize,
    /// The last entry or departure of each subject in that one, by the day, and whether it is an
    /// entry.
    last: HashMap<DesigneeIndex, (Order, bool)>,
    counted: Vec<(PoolKey, u64)>,
    /// If they are asked for: the subjects of the last pool that was read, and whether each is in
    /// it.
    members: Option<Vec<(DesigneeIndex, bool)>>,
    /// The identifier that represents the subject of another one. Many events name one subject.
    representatives: HashMap<DesigneeIndex, DesigneeIndex>,
}

/// The order of entries and departures: the later one decides.
type Order = (CivilDate, u8, u32);

impl PoolsRead {
    /// Begins to read the known pools of the authorities wanted.
    pub(in crate::register) fn begin(
        framework: FrameworkAsOf<'_>,
        wanted: impl Fn(AuthorityCode) -> bool,
        as_of: AsOf,
    ) -> Self {
        Self {
            as_of,
            left: framework.known_pools(wanted).collect(),
            next: 0,
            last: HashMap::new(),
            counted: Vec::new(),
            members: None,
            representatives: HashMap::new(),
        }
    }

    /// Begins to read one pool with its members; none if it is not known.
    pub(in crate::register) fn begin_one(
        framework: FrameworkAsOf<'_>,
        (authority, pool): PoolKey,
        as_of: AsOf,
    ) -> Option<Self> {
        let mut read = Self::begin(framework, |owner| owner == authority, as_of);
        read.left.retain(|((_, known), _)| *known == pool);
        read.members = Some(Vec::new());
        (!read.left.is_empty()).then_some(read)
    }

    /// Reads about `most` more facts; true if some are left. Subjects that are not `shown` do not
    /// count; `shown` adds to the facts read.
    pub(in crate::register) fn advance(
        &mut self,
        framework: FrameworkAsOf<'_>,
        most: usize,
        mut shown: impl FnMut(DesigneeIndex, &mut usize) -> bool,
    ) -> bool {
        let mut read = 0;
        while let Some((key, end)) = self.left.last().copied() {
            while self.next < end {
                if read >= most {
                    return true;
                }
                if let Some(position) = framework.pool_event(key, self.next) {
                    self.read_event(framework, key, position, (&mut read, &mut shown));
                }
                self.next += 1;
            }
            let entered = self.last.values().filter(|(_, entered)| *entered);
            self.counted.push((key, entered.count() as u64));
            let last = self.last.drain().map(|(subject, (_, entered))| (subject, entered));
            if let Some(members) = &mut self.members {
                *members = last.collect();
            }
            self.left.pop();
            self.next = 0;
        }
        false
    }

    fn read_event(
        &mut self,
        framework: FrameworkAsOf<'_>,
        (authority, pool): PoolKey,
        position: u32,
        (read, shown): (&mut usize, &mut impl FnMut(DesigneeIndex, &mut usize) -> bool),
    ) {
        let stated = framework.subjects.facts().effective(position, read);
        *read += 1;
        let Some((owner, fact, _)) = stated else { return };
        let entered = match fact.kind {
            FactKindRow::PoolEntered { pool: entered, .. } if entered == pool => true,
            FactKindRow::PoolLeft { pool: left } if left == pool => false,
            _ => return,
        };
        if fact.issuer != authority || fact.effective > framework.valid_on {
            return;
        }
        let order = (fact.effective, fact.precedence(), position);
        let subject = self.representative(framework, owner, read);
        if !shown(subject, read) {
            return;
        }
        let known = self.last.entry(subject).or_insert((order, entered));
        if known.0 <= order {
            *known = (order, entered);
        }
    }

    fn representative(
        &mut self,
        framework: FrameworkAsOf<'_>,
        owner: DesigneeIndex,
        read: &mut usize,
    ) -> DesigneeIndex {
        if !framework.subjects.may_be_tied(owner) {
            return owner;
        }
        if let Some(known) = self.representatives.get(&owner) {
            return *known;
        }
        let cluster = framework.subjects.cluster(owner, None);
        *read += cluster.facts_read();
        let first = cluster.same_subject().min().unwrap_or(owner);
        self.representatives.extend(cluster.same_subject().map(|member| (member, first)));
        first
    }

    /// The subjects of the pool that was read, and whether each is in it.
    pub(in crate::register) fn members(&self) -> &[(DesigneeIndex, bool)] {
        self.members.as_deref().unwrap_or_default()
    }

    /// The pools that were read, with the numbers of subjects in them.
    pub(in crate::register) fn counted(&self) -> &[(PoolKey, u64)] {
        &self.counted
    }
}
