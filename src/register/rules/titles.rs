//! Rules for facts about a title that was noticed or designated before.

use super::{Case, Judge, with_document};
use crate::{
    domain::{
        CivilDate, DesigneeId,
        catalogue::RuleVersion,
        event::{Event, Fact, Ground, Part, TitleFact, TitleRef},
        fault::{Breach, Key, RuleId},
        kind::Kind,
    },
    register::{
        DesigneeIndex,
        fold::{self, Ended, Folded, Folding},
        rows::{FactKindRow, TitleKey},
    },
};

impl Case<'_> {
    pub(super) fn judge_title_fact(&mut self, event: &Event, title: &TitleRef, fact: &TitleFact) {
        let Some(rule) = self.rule(event, title.programme) else { return };
        let key = self.title_key(title);
        if needs_title(fact) {
            self.require_title(event, title, key);
        }
        match fact {
            TitleFact::NoticeOpened { .. }
            | TitleFact::Designated { .. }
            | TitleFact::CreationListed { .. } => {
                self.judge_listed_fact(event, title, key, rule, fact);
            }
            TitleFact::ObjectionRaised { .. }
            | TitleFact::ObjectionResolved { .. }
            | TitleFact::NoticeWithdrawn { .. } => {
                self.judge_notice_step(event, title, key, fact);
            }
            TitleFact::ReviewOpened { batch, .. } => self.judge_review(event, key, batch),
            TitleFact::ReviewPassed { batch, .. } => {
                self.require_open_round(event, title, key, fact);
                self.judge_review(event, key, batch);
                self.reject_other_result(event, key, fact);
                self.require_updates(event, title, key);
            }
            TitleFact::ReviewFailed { batch, .. } => {
                self.require_open_round(event, title, key, fact);
                self.judge_review(event, key, batch);
                self.reject_other_result(event, key, fact);
            }
            TitleFact::Revoked { ground, ban_until, .. } => {
                let serious = ground.is_some_and(Ground::is_serious);
                self.require_ban_length(event, rule, serious, *ban_until);
            }
            TitleFact::Surrendered => {}
            TitleFact::RevocationProposed
            | TitleFact::RectificationOrdered { .. }
            | TitleFact::CreationAssessed { .. } => self.reject_twice(event, key),
            TitleFact::SupportGranted { .. } => {
                self.require_not_ended(event, title, key);
                self.reject_twice(event, key);
            }
            TitleFact::Reinstated { position } => {
                self.require_named_revocation(event, title, key, *position);
            }
            TitleFact::Transferred { successor, valid_to } => {
                self.require_other_subject(event, successor);
                self.require_covered_transfer(event, title, key, (successor, *valid_to));
            }
            TitleFact::Converted { to, .. } => self.require_foreseen_conversion(event, title, to),
        }
    }

    /// The checks that every step of a review shares.
    fn judge_review(&mut self, event: &Event, key: Option<TitleKey>, batch: &str) {
        self.warn_if_cohort_differs(event, key, batch);
        self.reject_twice(event, key);
    }

    /// The key of a title, if its item was ever recorded.
    pub(super) fn title_key(&self, title: &TitleRef) -> Option<TitleKey> {
        let item = self.register.find_word(&title.item)?;
        Some(TitleKey { programme: title.programme, authority: title.authority, item })
    }

    /// The subject's own title, as the facts make it.
    pub(super) fn folded(&self, key: Option<TitleKey>) -> Option<&Folded> {
        title_in(&self.judge.folding, key?)
    }

    /// A review or a revocation needs a title. If none is on record, it may not be loaded yet.
    fn require_title(&mut self, event: &Event, title: &TitleRef, key: Option<TitleKey>) {
        if !self.is_on_record(event, key) {
            let id = self.catalogue.id_of(title.programme);
            self.object_to_missing_title(event, title, "", id);
        }
    }

    /// True if something is on record that a fact about a title can act on: a stretch of the title,
    /// or its end; for the assessment of a creation task, its list.
    pub(super) fn is_on_record(&self, event: &Event, key: Option<TitleKey>) -> bool {
        self.folded(key).is_some_and(|title| match event.fact.kind() {
            Kind::CreationAssessed => title.creation.is_some(),
            // These act without a stretch, so a later one does not make up for a missing one.
            Kind::ReviewPassed | Kind::Revoked | Kind::Surrendered => {
                title.ended.is_some_and(|ended| ended.day <= event.effective)
                    || title.periods.iter().any(|period| period.from <= event.effective)
            }
            _ => !title.periods.is_empty() || title.ended.is_some(),
        })
    }

    /// Support is recorded beside a title, also if that has ended.
    fn require_not_ended(&mut self, event: &Event, title: &TitleRef, key: Option<TitleKey>) {
        let Some(ended) = self.ended_before(event, key) else { return };
        let complete = self.titles_are_complete(event, title);
        let breach = after_end(ended, self.source_of(ended.position));
        let value = event.effective.to_string();
        self.reject_or_warn(complete, "effective_date", &value, breach, &[ended.position]);
    }

    /// The final end of a title on or before the day of an event.
    pub(super) fn ended_before(&mut self, event: &Event, key: Option<TitleKey>) -> Option<Ended> {
        // Few titles end, and a title that never ended had not ended on the day.
        let ends = |title: &Folded| title.ended.is_some() || title.periods.len() > 1;
        self.folded(key).filter(|title| ends(title))?;
        self.folded_on(key, event.effective)?.ended.filter(Ended::is_final)
    }

    /// The subject's own title, as the facts up to a day make it.
    pub(super) fn folded_on(&mut self, key: Option<TitleKey>, on: CivilDate) -> Option<&Folded> {
        title_in(self.fold_until(on), key?)
    }

    /// Folds the facts up to a day.
    pub(super) fn fold_until(&mut self, on: CivilDate) -> &Folding {
        let rules = self.register.rules_in_force();
        let Judge { cluster, after, .. } = &mut *self.judge;
        fold::fold(after, cluster, rules, on);
        after
    }

    pub(super) fn titles_are_complete(&mut self, event: &Event, title: &TitleRef) -> bool {
        self.is_complete(title.authority, title.programme, Part::Titles, event.effective)
    }

    fn object_to_missing_title(
        &mut self,
        event: &Event,
        title: &TitleRef,
        field: &str,
        value: &str,
    ) {
        let complete = self.titles_are_complete(event, title);
        let kind = event.fact.kind().name();
        let field = if field.is_empty() { format!("{kind}.programme") } else { field.to_owned() };
        let rule = if complete { RuleId::TitleNotHeld } else { RuleId::TitleNotOnRecord };
        self.reject_if_complete(complete, &field, value, rule);
    }

    /// The cohort of a title is the batch it was first designated in; a review keeps it.
    fn warn_if_cohort_differs(&mut self, event: &Event, key: Option<TitleKey>, batch: &str) {
        let register = self.register;
        let Some(title) = self.folded(key) else { return };
        let (cohort, positions) = (register.text(title.batch), title.positions.first().copied());
        // A review need not name the cohort.
        if !cohort.is_empty() && !batch.is_empty() && cohort != batch {
            let field = format!("{}.batch", event.fact.kind().name());
            let breach = RuleId::CohortDiffers.with(Key::Batch, cohort);
            self.warn(&field, batch, breach, positions.as_slice());
        }
    }

    /// A fact is stated once: of one kind about one title, in one round or on one day.
    fn reject_twice(&mut self, event: &Event, key: Option<TitleKey>) {
        let kind = event.fact.kind();
        let Fact::Title { fact, .. } = &event.fact else { return };
        let text = |sym| self.register.text(sym);
        let twin = self.twin(|stated| {
            stated.kind.as_kind() == kind
                && stated.title() == key
                && match (&stated.kind, fact) {
                    (
                        FactKindRow::ReviewOpened { round: a },
                        TitleFact::ReviewOpened { round: b, .. },
                    )
                    | (
                        FactKindRow::ReviewPassed { round: a, .. },
                        TitleFact::ReviewPassed { round: b, .. },
                    )
                    | (
                        FactKindRow::ReviewFailed { round: a, .. },
                        TitleFact::ReviewFailed { round: b, .. },
                    ) => text(*a) == b,
                    (
                        FactKindRow::SupportGranted { scheme, round },
                        TitleFact::SupportGranted { scheme: s, round: r },
                    ) => text(*scheme) == s && text(*round) == r,
                    _ => stated.effective == event.effective,
                }
        });
        if let Some(twin) = twin {
            self.reject_already_recorded(event, &twin);
        }
    }

    /// A review fails if the designee missed a yearly update.
    fn require_updates(&mut self, event: &Event, title: &TitleRef, key: Option<TitleKey>) {
        let duties = &self.catalogue.duties;
        let Some(from) = self.folded(key).and_then(|title| title.current()).map(|p| p.from) else {
            return;
        };
        let responsible = self.judge.folding.subject.responsible.unwrap_or(title.authority);
        // An update that is not on record may still come, until the authority declares otherwise.
        let part = Part::InformationUpdates;
        let Some(complete_from) = self.complete_from(responsible, title.programme, part) else {
            return;
        };
        let updated = self.judge.cluster.years_updated(title.programme);
        let missing = (from.year()..=event.effective.year()).find(|year| {
            let Some(due) = duties.update_by.of_year(*year) else { return false };
            from <= due && due < event.effective && complete_from <= due && !updated.contains(*year)
        });
        if let Some(year) = missing {
            let breach = RuleId::InformationUpdateMissing.with(Key::Year, year);
            let breach = with_document(breach, &duties.document);
            self.reject("review_passed.programme", &year.to_string(), breach, &[]);
        }
    }

    /// A round has one result. A pass after a failure is a supplement. Neither order of recording
    /// makes both right.
    fn reject_other_result(&mut self, event: &Event, key: Option<TitleKey>, fact: &TitleFact) {
        let (round, passes) = match fact {
            TitleFact::ReviewPassed { supplement: true, .. } => return,
            TitleFact::ReviewPassed { round, .. } => (round, true),
            TitleFact::ReviewFailed { round, .. } => (round, false),
            _ => return,
        };
        let other = self.twin(|stated| {
            stated.title() == key
                && match stated.kind {
                    FactKindRow::ReviewFailed { round: r, .. } if passes => {
                        self.register.text(r) == round
                    }
                    FactKindRow::ReviewPassed { round: r, supplement: false, .. } if !passes => {
                        self.register.text(r) == round
                    }
                    _ => false,
                }
        });
        if let Some(other) = other {
            let (field, position) = (format!("{}.round", event.fact.kind().name()), other.position);
            let breach = RuleId::ReviewContradicted.with(Key::Position, self.source_of(position));
            let is_own = other.is_under_the_identifier();
            self.reject_or_warn(is_own, &field, round, breach, &[position]);
        }
    }

    fn require_ban_length(
        &mut self,
        event: &Event,
        rule: &RuleVersion,
        serious: bool,
        until: Option<CivilDate>,
    ) {
        let years = rule.ban_years;
        let Some(until) = until.filter(|_| serious && years > 0) else { return };
        let least = event.effective.plus_years_minus_day(years);
        if until < least {
            let breach = RuleId::BanTooShort.with(Key::Years, years).with(Key::Day, least);
            let breach = with_document(breach, &rule.document);
            self.reject("revoked.ban_until", &until.to_string(), breach, &[]);
        }
    }

    /// A reinstatement undoes the revocation in force, and may name it. Another fact that is still
    /// to come may make another revocation the one in force.
    fn require_named_revocation(
        &mut self,
        event: &Event,
        title: &TitleRef,
        key: Option<TitleKey>,
        named: Option<u64>,
    ) {
        let Some(named) = named else { return };
        let (field, value) = ("reinstated.position", named.to_string());
        let own = self.judge.cluster.own_facts();
        let revocations = own.filter(|placed| {
            matches!(placed.fact.kind, FactKindRow::Revoked { .. }) && placed.fact.title() == key
        });
        let revocations: Vec<u32> = revocations.map(|placed| placed.position).collect();
        let is_named = |case: &mut Self, position: u32| {
            named == u64::from(position) || named == case.source_of(position)
        };
        if !revocations.into_iter().any(|position| is_named(self, position)) {
            return self.reject(field, &value, RuleId::NotARevocation, &[]);
        }
        let on = event.effective;
        let in_force = self.folded_on(key, on).and_then(|title| title.revoked_by(on));
        let Some(position) = in_force.filter(|position| !is_named(self, *position)) else { return };
        let breach = RuleId::OtherRevocation.with(Key::Position, self.source_of(position));
        let complete = self.titles_are_complete(event, title);
        self.reject_or_warn(complete, field, &value, breach, &[position]);
    }

    fn require_other_subject(&mut self, event: &Event, successor: &DesigneeId) {
        let field = "title_transferred.successor";
        // A link to the successor may be recorded later as well: it leaves the transfer without
        // effect, and the warning says so.
        if event.fact.designee() == Some(successor) {
            self.reject(field, &successor.to_string(), RuleId::SuccessorIsHolder, &[]);
        }
        self.require_room_to_tie(event, successor, field);
    }

    /// A title passes to a successor on record, for no longer than it lasted. Either may still be
    /// put right by a fact to come.
    fn require_covered_transfer(
        &mut self,
        event: &Event,
        title: &TitleRef,
        key: Option<TitleKey>,
        (successor, valid_to): (&DesigneeId, Option<CivilDate>),
    ) {
        let on = event.effective;
        let complete = self.titles_are_complete(event, title);
        let own = self.judge.cluster.own_facts();
        let restructured: Vec<u32> = own
            .filter(|placed| {
                matches!(placed.fact.kind, FactKindRow::Restructured { .. })
                    && placed.fact.effective <= on
            })
            .map(|placed| placed.position)
            .collect();
        if self.is_on_record(event, key) && !self.is_successor(successor, on) {
            let (field, value) = ("title_transferred.successor", successor.to_string());
            let rule = RuleId::SuccessorNotRecorded;
            self.reject_or_warn(complete, field, &value, rule, &restructured);
        }
        let held = self.folded(key).and_then(|title| title.periods.iter().find(|p| p.holds_on(on)));
        let Some((to, valid_to)) = held.and_then(|period| period.validity.to).zip(valid_to) else {
            return;
        };
        if valid_to > to {
            let (field, value) = ("title_transferred.valid_to", valid_to.to_string());
            let breach = RuleId::TransferBeyondEnd.with(Key::Day, to);
            self.reject_or_warn(complete, field, &value, breach, &[]);
        }
    }

    /// True if a restructuring of the holder names a designee, under any of its identifiers, as a
    /// successor by a day.
    fn is_successor(&mut self, successor: &DesigneeId, on: CivilDate) -> bool {
        let Some(index) = self.known(successor) else { return false };
        if self.judge.cluster.names_successor(index, on) {
            return true;
        }
        if !self.subjects().may_be_tied(index) {
            return false;
        }
        let theirs = self.cluster_of(index);
        theirs.same_subject().any(|index| self.judge.cluster.names_successor(index, on))
    }

    /// True if the identifier is one of the subject being judged.
    pub(super) fn is_same_subject(&self, index: DesigneeIndex) -> bool {
        self.judge.cluster.same_subject().any(|member| member == index)
    }

    fn require_foreseen_conversion(&mut self, event: &Event, from: &TitleRef, to: &TitleRef) {
        let target = self.catalogue.programme(to.programme);
        let rule = target.and_then(|target| target.rule("", event.effective).ok());
        let foreseen = rule.is_some_and(|(_, rule)| rule.succeeds.ids().contains(&from.programme));
        // Titles of one programme may be regrouped by item.
        if foreseen || (from.programme == to.programme && from.item != to.item) {
            return;
        }
        let breach = RuleId::ConversionNotForeseen
            .with(Key::Programme, self.catalogue.id_of(from.programme));
        let id = self.catalogue.id_of(to.programme);
        self.reject("title_converted.to_programme", id, breach, &[]);
    }
}

/// A title of the subject asked for.
fn title_in(folding: &Folding, key: TitleKey) -> Option<&Folded> {
    folding.titles.iter().find(|title| title.subject == 0 && title.key == key)
}

/// True for a fact that acts on a title that was noticed or designated before.
fn needs_title(fact: &TitleFact) -> bool {
    match fact {
        TitleFact::NoticeOpened { review, .. } => *review,
        TitleFact::Designated { .. }
        | TitleFact::CreationListed { .. }
        | TitleFact::ObjectionRaised { .. }
        | TitleFact::ObjectionResolved { .. }
        | TitleFact::NoticeWithdrawn { .. } => false,
        TitleFact::ReviewOpened { .. }
        | TitleFact::ReviewPassed { .. }
        | TitleFact::ReviewFailed { .. }
        | TitleFact::RevocationProposed
        | TitleFact::Revoked { .. }
        | TitleFact::Surrendered
        | TitleFact::Reinstated { .. }
        | TitleFact::Transferred { .. }
        | TitleFact::Converted { .. }
        | TitleFact::CreationAssessed { .. }
        | TitleFact::RectificationOrdered { .. }
        | TitleFact::SupportGranted { .. } => true,
    }
}

/// A fact about a title that has ended.
pub(super) fn after_end(ended: Ended, source: u64) -> Breach {
    RuleId::TitleEnded.with(Key::Status, ended.status.as_str()).with(Key::Position, source)
}
