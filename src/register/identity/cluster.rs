//! The identifiers that bear on one designee's titles, with all their facts. Plain room for an
//! answer: it is filled from [`super::Subjects`], and used again.

use hashbrown::HashMap;

use crate::{
    domain::{CivilDate, event::LinkReason, kind::ProgrammeId},
    limits::{YEAR_MAX, YEAR_MIN},
    register::rows::{DesigneeIndex, FactKindRow, FactRow},
};

/// Up to so many members are searched one by one, which is faster than a map.
const LISTED_MEMBERS: usize = 16;

/// A fact in force, with the identifier it belongs to.
#[derive(Clone, Copy, Debug)]
pub(in crate::register) struct FactAt {
    /// The event in whose place the fact is in force.
    pub(in crate::register) position: u32,
    /// The identifier it is stated under, by its place in the cluster.
    pub(in crate::register) member: u16,
    pub(in crate::register) fact: FactRow,
}

impl FactAt {
    /// True if it is stated under the identifier asked for, not under another one of the subject.
    pub(in crate::register) fn is_under_the_identifier(&self) -> bool {
        self.member == 0
    }
}

/// A link in force: from a day on, one identifier replaces another.
#[derive(Clone, Copy, Debug)]
pub(in crate::register) struct LinkAt {
    pub(in crate::register) from: DesigneeIndex,
    pub(in crate::register) to: DesigneeIndex,
    pub(in crate::register) reason: LinkReason,
    pub(in crate::register) day: CivilDate,
    /// The event in whose place it is in force.
    pub(in crate::register) position: u32,
}

/// A successor that a restructuring names.
#[derive(Clone, Copy, Debug)]
struct Successor {
    on: CivilDate,
    /// The identifier that the restructuring is stated under.
    member: u16,
    /// The subject ceases to exist by it.
    ends: bool,
    index: DesigneeIndex,
}

/// The identifiers that bear on one designee's titles, and their facts in the order in which the
/// fold reads them. The first member is the designee asked for.
#[derive(Debug, Default)]
pub(in crate::register) struct IdentityCluster {
    pub(in crate::register) members: Vec<DesigneeIndex>,
    /// For each member, the first member that is the same subject.
    subjects: Vec<u16>,
    /// The places of the members, once there are more than [`LISTED_MEMBERS`].
    places: HashMap<DesigneeIndex, u16>,
    pub(in crate::register) facts: Vec<FactAt>,
    successors: Vec<Successor>,
    /// Number of events that were read for it.
    pub(in crate::register) read: usize,
    /// Number of events that were read again because of repairs, and of repairs looked at.
    pub(super) repairs_read: usize,
}

impl IdentityCluster {
    /// The work that it was, in facts read.
    pub(in crate::register) fn facts_read(&self) -> usize {
        self.read + self.repairs_read
    }

    pub(in crate::register) fn subject_of(&self, member: u16) -> u16 {
        self.subjects.get(usize::from(member)).copied().unwrap_or(member)
    }

    pub(in crate::register) fn place_of(&self, index: DesigneeIndex) -> Option<u16> {
        if self.members.len() > LISTED_MEMBERS {
            return self.places.get(&index).copied();
        }
        let place = self.members.iter().position(|member| *member == index)?;
        u16::try_from(place).ok()
    }

    /// The facts of the subject asked for.
    pub(in crate::register) fn own_facts(&self) -> impl DoubleEndedIterator<Item = &FactAt> {
        self.facts.iter().filter(|placed| self.subject_of(placed.member) == 0)
    }

    /// The identifiers of the subject asked for.
    pub(in crate::register) fn same_subject(&self) -> impl Iterator<Item = DesigneeIndex> {
        let same = self.members.iter().zip(&self.subjects).filter(|(_, subject)| **subject == 0);
        same.map(|(member, _)| *member)
    }

    /// Of each subject in the cluster, the identifier that the log named first.
    pub(in crate::register) fn first_of_each_subject(&self) -> Vec<DesigneeIndex> {
        let mut first: HashMap<u16, DesigneeIndex> = HashMap::new();
        for (member, subject) in self.members.iter().zip(&self.subjects) {
            let known = first.entry(*subject).or_insert(*member);
            *known = (*known).min(*member);
        }
        first.into_values().collect()
    }

    /// The links between the identifiers of the subject asked for.
    pub(in crate::register) fn links(&self) -> impl Iterator<Item = LinkAt> {
        self.own_facts().filter_map(|placed| {
            let FactKindRow::Linked { other: to, reason } = placed.fact.kind else { return None };
            let from = self.members.get(usize::from(placed.member)).copied()?;
            let (day, position) = (placed.fact.effective, placed.position);
            Some(LinkAt { from, to, reason, day, position })
        })
    }

    /// The years of which the subject's yearly update is on record, for a programme or for all.
    pub(in crate::register) fn years_updated(&self, programme: ProgrammeId) -> Years {
        let mut years = Years::default();
        for placed in self.own_facts() {
            let fact = &placed.fact;
            if let FactKindRow::InformationUpdated { year } = fact.kind
                && fact.programme.is_none_or(|stated| stated == programme)
            {
                years.insert(i32::from(year));
            }
        }
        years
    }

    pub(in crate::register) fn clear(&mut self) {
        self.members.clear();
        self.subjects.clear();
        if !self.places.is_empty() {
            self.places.clear();
        }
        self.facts.clear();
        self.successors.clear();
        (self.read, self.repairs_read) = (0, 0);
    }

    /// Adds an identifier as a subject of its own, unless it is a member already.
    pub(super) fn join(&mut self, index: DesigneeIndex) -> u16 {
        if let Some(place) = self.place_of(index) {
            return place;
        }
        let place = u16::try_from(self.members.len()).unwrap_or(u16::MAX);
        self.members.push(index);
        self.subjects.push(place);
        if self.members.len() > LISTED_MEMBERS {
            if self.places.is_empty() {
                self.places.extend(self.members.iter().copied().zip(0..));
            }
            self.places.insert(index, place);
        }
        place
    }

    /// Adds the identifier that a fact ties its own to; a link makes both one subject.
    pub(super) fn follow(&mut self, placed: &FactAt) {
        let Some(other) = placed.fact.kind.ties_to() else { return };
        let place = self.join(other);
        if matches!(placed.fact.kind, FactKindRow::Linked { .. }) {
            let (one, two) = (self.subject_of(placed.member), self.subject_of(place));
            if one == two {
                return;
            }
            let (root, joins) = (one.min(two), one.max(two));
            for subject in &mut self.subjects {
                if *subject == joins {
                    *subject = root;
                }
            }
        }
    }

    /// Notes the successors that a restructuring names.
    pub(in crate::register) fn name_successors(
        &mut self,
        placed: &FactAt,
        ends: bool,
        successors: &[DesigneeIndex],
    ) {
        let (on, member) = (placed.fact.effective, placed.member);
        let named = successors.iter().map(|index| Successor { on, member, ends, index: *index });
        self.successors.extend(named);
    }

    /// Forgets the successors that were named last.
    pub(in crate::register) fn forget_successors(&mut self, count: usize) {
        self.successors.truncate(self.successors.len().saturating_sub(count));
    }

    /// True if a restructuring of the subject asked for names a successor by a day.
    pub(in crate::register) fn names_successor(
        &self,
        index: DesigneeIndex,
        day: CivilDate,
    ) -> bool {
        let of_subject = |named: &&Successor| self.subject_of(named.member) == 0;
        let mut named = self.successors.iter().filter(of_subject);
        named.any(|named| named.on <= day && named.index == index)
    }

    /// True if a subject may take over a title of one that was absorbed by a day: it is among the
    /// successors on record, or there are none.
    pub(in crate::register) fn may_succeed(
        &self,
        giver: u16,
        receiver: u16,
        day: CivilDate,
    ) -> bool {
        let is_recorded = |named: &&Successor| {
            named.ends && named.on <= day && self.subject_of(named.member) == giver
        };
        let mut recorded = self.successors.iter().filter(is_recorded).peekable();
        let is_receiver = |named: &Successor| {
            self.place_of(named.index).is_some_and(|place| self.subject_of(place) == receiver)
        };
        recorded.peek().is_none() || recorded.any(is_receiver)
    }

    /// Brings the facts into the order in which the fold reads them.
    pub(super) fn sort(&mut self) {
        self.facts.sort_unstable_by_key(|placed| placed.fact.fold_order(placed.position));
    }
}

/// A set of years in which dates may lie.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::register) struct Years([u64; 5]);

const _: () = assert!(YEAR_MAX - YEAR_MIN < 5 * 64);

impl Years {
    fn insert(&mut self, year: i32) {
        if let Some((word, bit)) = Self::place(year)
            && let Some(word) = self.0.get_mut(word)
        {
            *word |= bit;
        }
    }

    pub(in crate::register) fn contains(&self, year: i16) -> bool {
        let place = Self::place(i32::from(year));
        place.is_some_and(|(word, bit)| self.0.get(word).is_some_and(|word| word & bit != 0))
    }

    fn place(year: i32) -> Option<(usize, u64)> {
        let place = usize::try_from(year - i32::from(YEAR_MIN)).ok()?;
        Some((place / 64, 1 << (place % 64)))
    }
}

impl FactKindRow {
    /// The designee that the fact ties its own to.
    pub(in crate::register) fn ties_to(&self) -> Option<DesigneeIndex> {
        match self {
            Self::Linked { other, .. } => Some(*other),
            Self::Transferred { successor, .. } => Some(*successor),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::kind::Kind;

    fn designee(number: u32) -> DesigneeIndex {
        DesigneeIndex::of_number(number)
    }

    /// A fact of a member, which ties it to another designee.
    fn fact(cluster: &IdentityCluster, of: u32, position: u32, kind: FactKindRow) -> FactAt {
        let member = cluster.place_of(designee(of)).unwrap();
        FactAt { position, member, fact: FactRow { kind, ..FactRow::withheld(Kind::Renamed) } }
    }

    fn linked(to: u32) -> FactKindRow {
        FactKindRow::Linked { other: designee(to), reason: LinkReason::Duplicate }
    }

    fn same(cluster: &IdentityCluster) -> Vec<u32> {
        cluster.same_subject().map(DesigneeIndex::number).collect()
    }

    #[test]
    fn members_join_once_and_are_found_however_many_there_are() {
        let mut cluster = IdentityCluster::default();
        // Not in order, and past the number that is searched one by one.
        let numbers = || (0..40).map(|n| n * 7 % 41);
        for (place, number) in numbers().enumerate() {
            assert_eq!(cluster.place_of(designee(number)), None);
            assert_eq!(usize::from(cluster.join(designee(number))), place);
        }
        for (place, number) in numbers().enumerate() {
            assert_eq!(usize::from(cluster.join(designee(number))), place);
        }
        assert_eq!(cluster.members.len(), 40);
        cluster.clear();
        assert_eq!((cluster.place_of(designee(7)), same(&cluster)), (None, vec![]));
        assert_eq!(cluster.join(designee(9)), 0);
        assert_eq!((cluster.place_of(designee(7)), same(&cluster)), (None, vec![9]));
    }

    #[test]
    fn links_make_one_subject_and_transfers_do_not() {
        let mut cluster = IdentityCluster::default();
        cluster.join(designee(5));
        let transferred = FactKindRow::Transferred { successor: designee(6), valid_to: None };
        cluster.follow(&fact(&cluster, 5, 0, transferred));
        cluster.follow(&fact(&cluster, 6, 1, linked(7)));
        assert_eq!((same(&cluster), cluster.subject_of(2)), (vec![5], 1));
        // The link of a later member joins both subjects, under the first of them.
        cluster.follow(&fact(&cluster, 7, 2, linked(8)));
        cluster.follow(&fact(&cluster, 8, 3, linked(5)));
        assert_eq!(same(&cluster), [5, 6, 7, 8]);
        cluster.follow(&fact(&cluster, 5, 4, linked(8)));
        assert_eq!(same(&cluster), [5, 6, 7, 8]);
    }

    #[test]
    fn links_are_told_with_both_ends_and_without_those_of_others() {
        let mut cluster = IdentityCluster::default();
        cluster.join(designee(5));
        for (of, position, kind) in [
            (5, 10, linked(6)),
            (6, 11, FactKindRow::Transferred { successor: designee(7), valid_to: None }),
            (7, 12, linked(8)),
        ] {
            let placed = fact(&cluster, of, position, kind);
            cluster.follow(&placed);
            cluster.facts.push(placed);
        }
        let told = cluster.links().map(|link| (link.from, link.to, link.position));
        assert_eq!(told.collect::<Vec<_>>(), [(designee(5), designee(6), 10)]);
        (cluster.read, cluster.repairs_read) = (3, 4);
        assert_eq!(cluster.facts_read(), 7);
    }

    #[test]
    fn years_are_kept_to_both_ends() {
        let mut years = Years::default();
        let all = [YEAR_MIN, YEAR_MIN + 1, 1_963, 1_964, 2_024, 2_025, YEAR_MAX - 1, YEAR_MAX];
        for year in all {
            years.insert(year.into());
            years.insert(year.into());
        }
        let kept: Vec<_> = (YEAR_MIN..=YEAR_MAX).filter(|year| years.contains(*year)).collect();
        assert_eq!(kept, all);
        years.insert(i32::from(YEAR_MIN) - 1);
        years.insert(i32::from(YEAR_MIN) + 5 * 64);
        assert!(!years.contains(YEAR_MIN - 1));
        assert_eq!((YEAR_MIN..=YEAR_MAX).filter(|year| years.contains(*year)).count(), all.len());
    }
}
