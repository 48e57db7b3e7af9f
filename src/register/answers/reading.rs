//! One designee read and folded, in room that is used again for the next one.

use crate::{
    domain::{DesigneeId, catalogue::Catalogues, event::Part},
    register::{
        AsOf, DesigneeIndex, Flag, Flags, FoldRules, Layers, Status,
        batches::BatchesAsOf,
        fold::{self, Folded, Folding},
        identity::{IdentityCluster, Subjects},
        rows::FactKindRow,
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
        let register = register.into();
        let (cluster, folding) = (IdentityCluster::default(), Folding::default());
        Self { register, catalogues, as_of, rules, cluster, folding }
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
        subjects.cluster_into(&mut self.cluster, index, None);
        if self.cluster.same_subject().any(|member| member < index) {
            return None;
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
        let is_missing = |year: i16| {
            let Some(day) = update_by.of_year(year) else { return false };
            let due = self.register.framework_as_of(AsOf { valid_on: day, ..self.as_of });
            let (programme, part) = (title.key.programme, Part::InformationUpdates);
            from <= day
                && day < self.as_of.valid_on
                && due.is_complete(responsible, programme, part)
                && !self.is_updated(title, year)
        };
        (from.year()..=self.as_of.valid_on.year()).any(is_missing)
    }

    fn is_updated(&self, title: &Folded, year: i16) -> bool {
        self.cluster.own_facts().any(|placed| {
            let fact = &placed.fact;
            matches!(
                fact.kind,
                FactKindRow::InformationUpdated { year: updated }
                    if i32::from(updated) == i32::from(year)
            ) && fact.programme.is_none_or(|programme| programme == title.key.programme)
        })
    }
}

impl Folded {
    /// True if some fact bears on the title by the day.
    fn is_known(&self) -> bool {
        !self.positions.is_empty() || !self.superseded.is_empty()
    }
}
