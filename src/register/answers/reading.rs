//! One designee read and folded, in room that is used again for the next one.

use std::cell::{Cell, RefCell};

use hashbrown::{HashMap, HashSet};

use crate::{
    domain::{
        AuthorityCode, CivilDate, DesigneeId,
        catalogue::Catalogues,
        event::{Ground, Part},
        kind::{Kind, ProgrammeId},
    },
    register::{
        AsOf, DesigneeIndex, Flag, Flags, FoldRules, Layers, Sight, Status,
        batches::{SealsAsOf, SealsFound},
        fold::{self, ASKED_FOR, End, Folded, Folding},
        identity::{IdentityCluster, Subjects},
        index::Located,
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
    facts_read: Cell<usize>,
    seals: SealsFound,
    /// Identifiers of subjects that an earlier identifier represents.
    represented: HashSet<DesigneeIndex>,
    /// From which day authorities declare the yearly updates of a programme complete.
    complete_from: RefCell<HashMap<(AuthorityCode, ProgrammeId), Option<CivilDate>>>,
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
            facts_read: Cell::new(0),
            seals: SealsFound::default(),
            represented: HashSet::new(),
            complete_from: RefCell::default(),
        }
    }

    pub(super) fn subjects(&self) -> Subjects<'a> {
        self.register.subjects(self.as_of.known_at)
    }

    pub(super) fn seals(&self) -> SealsAsOf<'_> {
        SealsAsOf::new(self.register.batches_as_of(self.as_of), &self.seals)
    }

    /// Number of facts read so far, or of names that took as long.
    pub(super) fn facts_read(&self) -> usize {
        self.facts_read.get() + self.seals.read()
    }

    /// Counts facts read.
    pub(super) fn count(&self, read: usize) {
        self.facts_read.set(self.facts_read.get() + read);
    }

    /// Reads the subject of the designee at a place. Gives none if the caller may not know it, if
    /// nothing is known of it, or if an earlier identifier represents the subject.
    pub(super) fn read(&mut self, place: usize) -> Option<DesigneeIndex> {
        let index = DesigneeIndex::of_place(place);
        let subjects = self.subjects();
        subjects.events_of(index).next()?;
        if !self.represented.is_empty() && self.represented.contains(&index) {
            return None;
        }
        subjects.cluster_into(&mut self.cluster, index, None);
        self.count(self.cluster.facts_read());
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
        self.is_shown().then_some(index)
    }

    /// Reads the subject of a designee, under any of its identifiers.
    pub(super) fn read_one(&mut self, index: DesigneeIndex) {
        self.subjects().cluster_into(&mut self.cluster, index, None);
        self.fold();
    }

    /// Folds the subject that was read for another day.
    pub(super) fn fold_on(&mut self, day: CivilDate) {
        self.count(self.seals.read() + self.cluster.facts.len());
        self.seals = SealsFound::default();
        self.complete_from.get_mut().clear();
        self.as_of.valid_on = day;
        self.fold();
    }

    fn fold(&mut self) {
        fold::fold(&mut self.folding, &self.cluster, self.rules, self.as_of.valid_on);
    }

    /// The region of the subject, as deliveries have it.
    pub(super) fn located(&self) -> Option<Located> {
        Located::of(self.folding.subject.region, self.folding.subject.responsible)
    }

    /// The titles of the subject that some fact bears on by the day, and that the caller may know.
    pub(super) fn own_titles(&self) -> impl Iterator<Item = &Folded> {
        self.all_titles().filter(|title| self.shows(title))
    }

    /// The same, whatever the caller may know: for the conditions of those that it knows.
    fn all_titles(&self) -> impl Iterator<Item = &Folded> {
        self.folding.titles.iter().filter(|title| title.subject == ASKED_FOR && title.is_known())
    }

    /// True if the caller may know a title of the subject.
    pub(super) fn shows(&self, title: &Folded) -> bool {
        let Some(sight) = self.register.sight() else { return true };
        let responsible = self.folding.subject.responsible;
        let authorities = [Some(title.key.authority), title.recommended_by, responsible];
        let region = self.located().map(|located| located.region);
        sight.shows(authorities.into_iter().flatten(), Some(title.key.programme), region)
    }

    /// True if the caller may know the subject that was read: by a title, or by its region and the
    /// responsible authority.
    pub(super) fn is_shown(&self) -> bool {
        let Some(sight) = self.register.sight() else { return true };
        let subjects = self.subjects();
        let has_event = |member| subjects.events_of(member).next().is_some();
        let region = self.located().map(|located| located.region);
        self.cluster.same_subject().any(has_event)
            && (sight.shows(self.folding.subject.responsible, None, region)
                || self.own_titles().next().is_some())
    }

    /// True if the caller may read the event at a position.
    pub(super) fn may_read(&self, position: u64) -> bool {
        let facts = self.subjects().facts();
        u32::try_from(position).is_ok_and(|position| facts.may_read(position))
    }

    /// The status of a title.
    pub(super) fn status(&self, title: &Folded) -> Status {
        title.status(self.seals(), self.rules)
    }

    /// The end of a title: its cause, and the event behind it.
    pub(super) fn end_of(&self, title: &Folded, status: Status) -> Option<End> {
        title.end_as_of(status, self.seals(), self.rules)
    }

    /// The flags of a title.
    pub(super) fn flags(&self, title: &Folded, status: Status) -> Flags {
        let by_name_only = self
            .cluster
            .same_subject()
            .all(|member| matches!(self.register.id(member), DesigneeId::Provisional { .. }));
        let mut flags =
            title.flags(status, &self.folding.subject, by_name_only, self.seals(), self.rules);
        if status == Status::Active {
            flags.set(Flag::PrerequisiteLost, self.prerequisite_is_lost(title));
            flags.set(Flag::ReviewIneligible, self.update_is_missing(title));
        }
        flags.set(Flag::BanMissing, status == Status::Revoked && self.ban_is_missing(title));
        flags
    }

    /// True if the ground of the revocation carries a ban by the catalogue of its time, and the
    /// revocation states none.
    fn ban_is_missing(&self, title: &Folded) -> bool {
        let revocation = title.ended.and_then(|ended| ended.revocation);
        revocation.is_some_and(|revocation| {
            let rule = self.catalogues.rule_at(title.key.programme, revocation.rule);
            !revocation.has_ban
                && revocation.ground.is_some_and(Ground::is_serious)
                && rule.is_some_and(|rule| rule.ban_years > 0)
        })
    }

    /// True if a prerequisite was once in force, and none is any more.
    fn prerequisite_is_lost(&self, title: &Folded) -> bool {
        let rule = self.catalogues.rule_at(title.key.programme, title.rule);
        let needed = rule.map_or(&[][..], |rule| rule.prerequisites(title.recommended_by));
        let mut once_held = self
            .all_titles()
            .filter(|other| needed.contains(&other.key.programme))
            .filter(|other| other.was_in_force_by(self.as_of.valid_on))
            .peekable();
        once_held.peek().is_some() && !once_held.any(|other| self.status(other) == Status::Active)
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
            let began_at = self.subjects().facts().source_of(period.position, &mut 0);
            self.catalogues.at(began_at.into())
        });
        let update_by = catalogue.duties.update_by;
        let responsible = self.folding.subject.responsible.unwrap_or(title.key.authority);
        let programme = title.key.programme;
        let region = self.located().map(|located| located.region);
        let reads_updates = |sight: &Sight| {
            sight.reads_all(Kind::InformationUpdated, responsible, programme, region)
        };
        if !self.register.sight().is_none_or(reads_updates) {
            // Those that the caller may not read do not count, and are not missing either.
            return false;
        }
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
        let mut known = self.complete_from.borrow_mut();
        let from = known.entry((authority, programme)).or_insert_with(|| {
            let (framework, mut read) = (self.register.framework_as_of(self.as_of), 0);
            let part = Part::InformationUpdates;
            let from = framework.complete_from(authority, programme, part, &mut read);
            self.count(read);
            from
        });
        from.is_some_and(|from| from <= day)
    }
}

impl Folded {
    /// True if some fact bears on the title by the day.
    fn is_known(&self) -> bool {
        !self.positions.is_empty() || !self.superseded.is_empty()
    }
}
