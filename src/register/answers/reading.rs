//! One designee read and folded, in room that is used again for the next one.

use std::cell::RefCell;

use hashbrown::{HashMap, HashSet};

use crate::{
    domain::{
        AuthorityCode, CivilDate, DesigneeId, catalogue::Catalogues, event::Part, kind::ProgrammeId,
    },
    register::{
        AsOf, DesigneeIndex, Flag, Flags, FoldRules, Layers, Status,
        batches::BatchesAsOf,
        fold::{self, Folded, Folding},
        identity::{IdentityCluster, Subjects},
    },
};

/// The designee read last, with its titles folded for the day.
pub(super) struct Reading<'a> {
    pub(super) register: Layers<'a>,
    pub(super) catalogues: &'a Catalogues,
    pub(super) as_of: AsOf,
    /// The rules in force at the log size, or those that a comparison asks for.
    pub(super) rules: FoldRules,
    pub(super) cluster: IdentityCluster,
    pub(super) folding: Folding,
    /// Number of facts read so far.
    pub(super) facts_read: usize,
    /// Identifiers of subjects that an earlier identifier represents.
    represented: HashSet<DesigneeIndex>,
    /// Whether authorities had declared the yearly updates of a programme complete by a day.
    complete: RefCell<HashMap<(AuthorityCode, ProgrammeId, CivilDate), bool>>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(
        register: impl Into<Layers<'a>>,
        catalogues: &'a Catalogues,
        as_of: AsOf,
    ) -> Self {
        let register = register.into();
        Self::under(register, catalogues, as_of, register.rules_at(as_of.known_at))
    }

    /// As [`Reading::new`], by other rules than those in force.
    pub(super) fn under(
        register: impl Into<Layers<'a>>,
        catalogues: &'a Catalogues,
        as_of: AsOf,
        rules: FoldRules,
    ) -> Self {
        Self {
            register: register.into(),
            catalogues,
            as_of,
            rules,
            cluster: IdentityCluster::default(),
            folding: Folding::default(),
            facts_read: 0,
            represented: HashSet::new(),
            complete: RefCell::default(),
        }
    }

    pub(super) fn subjects(&self) -> Subjects<'a> {
        self.register.subjects(self.as_of.known_at)
    }

    pub(super) fn batches(&self) -> BatchesAsOf<'a> {
        self.register.batches_as_of(self.as_of)
    }

    /// Reads the subject of the designee at a place. Gives none if nothing is known of it, or if an
    /// earlier identifier represents the subject.
    pub(super) fn read(&mut self, place: usize) -> Option<DesigneeIndex> {
        let index = DesigneeIndex::of_place(place);
        let subjects = self.subjects();
        subjects.events_of(index).next()?;
        if !self.represented.is_empty() && self.represented.contains(&index) {
            return None;
        }
        subjects.cluster_into(&mut self.cluster, index, None);
        self.facts_read += self.cluster.read;
        if self.cluster.members.len() > 1 {
            // Its other identifiers are not read again.
            let first = self.cluster.same_subject().min().unwrap_or(index);
            let others = self.cluster.same_subject().filter(|member| *member != first);
            self.represented.extend(others);
            if first < index {
                return None;
            }
        }
        self.fold();
        Some(index)
    }

    /// Reads the subject of a designee, under any of its identifiers.
    pub(super) fn read_one(&mut self, index: DesigneeIndex) {
        self.subjects().cluster_into(&mut self.cluster, index, None);
        self.fold();
    }

    fn fold(&mut self) {
        fold::fold(&mut self.folding, &self.cluster, self.rules, self.as_of.valid_on);
    }

    /// The titles of the subject that some fact bears on by the day.
    pub(super) fn own_titles(&self) -> impl Iterator<Item = &Folded> {
        self.folding.titles.iter().filter(|title| title.subject == 0 && title.is_known())
    }

    /// The status of a title.
    pub(super) fn status(&self, title: &Folded) -> Status {
        title.status(self.batches(), self.rules)
    }

    /// The flags of a title.
    pub(super) fn flags(&self, title: &Folded, status: Status) -> Flags {
        let by_name_only = self
            .cluster
            .same_subject()
            .all(|member| matches!(self.register.id(member), DesigneeId::Provisional { .. }));
        let mut flags = title.flags(status, &self.folding.subject, by_name_only, self.batches());
        if status == Status::Active {
            flags.set(Flag::PrerequisiteLost, self.prerequisite_is_lost(title));
            flags.set(Flag::ReviewIneligible, self.update_is_missing(title));
        }
        flags
    }

    /// True if a prerequisite was held, and none is in force any more.
    fn prerequisite_is_lost(&self, title: &Folded) -> bool {
        let rule = self.catalogues.rule_at(title.key.programme, title.rule);
        let needed = rule.map_or(&[][..], |rule| rule.prerequisites(title.recommended_by));
        let mut on_record = self
            .own_titles()
            .filter(|other| needed.contains(&other.key.programme) && !other.periods.is_empty())
            .peekable();
        on_record.peek().is_some() && !on_record.any(|other| self.status(other) == Status::Active)
    }

    /// True if the information update of a year is missing that the responsible authority has
    /// declared complete.
    fn update_is_missing(&self, title: &Folded) -> bool {
        if !self.register.has_framework_facts() {
            return false;
        }
        let Some(period) = title.current() else { return false };
        let from = period.from;
        // The duty is that of the catalogue under which the period began, as its rule version is.
        let catalogue = self.catalogues.only().unwrap_or_else(|| {
            let began_at = self.subjects().facts().source_of(period.position);
            self.catalogues.at(began_at.into())
        });
        let update_by = catalogue.duties.update_by;
        let responsible = self.folding.subject.responsible.unwrap_or(title.key.authority);
        let programme = title.key.programme;
        let updated = self.cluster.years_updated(programme);
        let is_missing = |year: i16| {
            let Some(day) = update_by.of_year(year).filter(|_| !updated.contains(year)) else {
                return false;
            };
            from <= day
                && day < self.as_of.valid_on
                && self.updates_are_complete(responsible, programme, day)
        };
        (from.year()..=self.as_of.valid_on.year()).any(is_missing)
    }

    fn updates_are_complete(
        &self,
        authority: AuthorityCode,
        programme: ProgrammeId,
        day: CivilDate,
    ) -> bool {
        let mut known = self.complete.borrow_mut();
        *known.entry((authority, programme, day)).or_insert_with(|| {
            let due = self.register.framework_as_of(AsOf { valid_on: day, ..self.as_of });
            due.is_complete(authority, programme, Part::InformationUpdates)
        })
    }
}

impl Folded {
    /// True if some fact bears on the title by the day.
    fn is_known(&self) -> bool {
        !self.positions.is_empty() || !self.superseded.is_empty()
    }
}
