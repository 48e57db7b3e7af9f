//! Rules for facts about a title that was noticed or designated before.

use super::{Case, with_document, with_rows};
use crate::{
    domain::{
        CivilDate, DesigneeId,
        catalogue::RuleVersion,
        event::{Event, Fact, Ground, Part, TitleFact, TitleRef},
        fault::{Key, RuleId},
    },
    register::{
        DesigneeIndex, Status,
        fold::Folded,
        rows::{FactKindRow, TitleKey},
    },
};

impl Case<'_> {
    pub(super) fn judge_title_fact(&mut self, event: &Event, title: &TitleRef, fact: &TitleFact) {
        let Some(rule) = self.rule(event, title.programme) else { return };
        let key = self.title_key(title);
        self.reject_ended_subject(event, fact);
        match fact {
            TitleFact::NoticeOpened { .. }
            | TitleFact::Designated { .. }
            | TitleFact::CreationListed { .. } => {
                self.judge_listed_fact(event, title, key, rule, fact);
            }
            TitleFact::ObjectionRaised { batch, .. } => {
                self.judge_objection(event, title, key, batch, true);
            }
            TitleFact::ObjectionResolved { batch, .. } => {
                self.judge_objection(event, title, key, batch, false);
            }
            TitleFact::NoticeWithdrawn { batch, .. } => {
                self.require_withdrawable(event, title, key, batch);
            }
            TitleFact::ReviewOpened { batch, .. } => self.judge_review(event, title, key, batch),
            TitleFact::ReviewPassed { batch, .. } => {
                self.require_open_round(event, title, key, fact);
                self.judge_review(event, title, key, batch);
                self.require_updates(event, title, key);
            }
            TitleFact::ReviewFailed { batch, .. } => {
                self.require_open_round(event, title, key, fact);
                self.judge_review(event, title, key, batch);
                self.warn_if_later(event, key);
            }
            TitleFact::Revoked { ground, ban_until, .. } => {
                let serious = ground.is_some_and(Ground::is_serious);
                self.require_held(event, title, key);
                self.warn_if_later(event, key);
                self.require_ban_length(event, rule, serious, *ban_until);
            }
            TitleFact::Surrendered => {
                self.require_held(event, title, key);
                self.warn_if_later(event, key);
            }
            TitleFact::RevocationProposed
            | TitleFact::RectificationOrdered { .. }
            | TitleFact::SupportGranted { .. } => {
                self.require_held(event, title, key);
                self.reject_twice(event, key);
            }
            TitleFact::Reinstated { position } => {
                self.require_revocation(event, title, key, *position);
            }
            TitleFact::Transferred { successor, .. } => {
                self.require_held(event, title, key);
                self.require_other_subject(event, successor);
            }
            TitleFact::Converted { to, .. } => {
                self.require_held(event, title, key);
                self.require_foreseen_conversion(event, title, to);
            }
            TitleFact::CreationAssessed { batch, .. } => {
                if self.folded(key).is_none_or(|title| title.creation.is_none()) {
                    self.object_to_missing_title(event, title, "creation_assessed.batch", batch);
                }
                self.reject_twice(event, key);
            }
        }
    }

    /// The checks that every step of a review shares.
    fn judge_review(
        &mut self,
        event: &Event,
        title: &TitleRef,
        key: Option<TitleKey>,
        batch: &str,
    ) {
        self.require_held(event, title, key);
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
        let key = key?;
        self.judge.folding.titles.iter().find(|title| title.subject == 0 && title.key == key)
    }

    /// A title does not begin after the subject has ceased to exist.
    fn reject_ended_subject(&mut self, event: &Event, fact: &TitleFact) {
        let begins = matches!(
            fact,
            TitleFact::NoticeOpened { .. }
                | TitleFact::Designated { .. }
                | TitleFact::ReviewPassed { .. }
                | TitleFact::CreationListed { .. }
        );
        let ended = self.judge.folding.subject.ended_on;
        let Some(ended) = ended.filter(|ended| begins && *ended <= event.effective) else { return };
        let end = self.judge.cluster.own_facts().find(|placed| placed.fact.kind.ends_subject());
        let conflicts: Vec<u32> = end.map(|placed| placed.position).into_iter().collect();
        let (value, breach) = (event.effective.to_string(), RuleId::SubjectEnded);
        self.reject("effective_date", &value, breach.with(Key::Day, ended), &conflicts);
    }

    /// A review or a revocation needs a title. If none is on record, it may not be loaded yet. A
    /// title that was revoked, given up or passed on before cannot be reviewed or revoked.
    fn require_held(&mut self, event: &Event, title: &TitleRef, key: Option<TitleKey>) {
        let folded = self.folded(key).filter(|title| !title.periods.is_empty());
        let Some(folded) = folded else {
            return self.object_to_missing_title(
                event,
                title,
                "",
                self.catalogue.id_of(title.programme),
            );
        };
        let final_end = |status| status != Status::Expired;
        let ended = folded.ended.filter(|e| final_end(e.status) && e.day <= event.effective);
        if let Some(ended) = ended {
            let breach = RuleId::TitleEnded
                .with(Key::Status, ended.status.as_str())
                .with(Key::Position, ended.position);
            let value = event.effective.to_string();
            self.reject("effective_date", &value, breach, &[ended.position]);
        }
    }

    fn object_to_missing_title(
        &mut self,
        event: &Event,
        title: &TitleRef,
        field: &str,
        value: &str,
    ) {
        let (programme, authority) = (title.programme, title.authority);
        let complete = self.is_complete(authority, programme, Part::Titles, event.effective);
        let kind = event.fact.kind().name();
        let field = if field.is_empty() { format!("{kind}.programme") } else { field.to_owned() };
        let rule = if complete { RuleId::TitleNotHeld } else { RuleId::TitleNotOnRecord };
        self.reject_if_complete(complete, &field, value, rule);
    }

    /// The cohort of a title is the batch it was first designated in; a review keeps it.
    fn warn_if_cohort_differs(&mut self, event: &Event, key: Option<TitleKey>, batch: &str) {
        let register = self.register;
        let Some(cohort) = self.folded(key).map(|title| register.text(title.batch)) else { return };
        // A review need not name the cohort.
        if !cohort.is_empty() && !batch.is_empty() && cohort != batch {
            let field = format!("{}.batch", event.fact.kind().name());
            self.warn(&field, batch, RuleId::CohortDiffers.with(Key::Batch, cohort), &[]);
        }
    }

    /// A fact is stated once: of one kind about one title, in one round or on one day.
    fn reject_twice(&mut self, event: &Event, key: Option<TitleKey>) {
        let kind = event.fact.kind();
        let Fact::Title { fact, .. } = &event.fact else { return };
        let text = |sym| self.register.text(sym);
        let twin = self.judge.cluster.own_facts().find(|placed| {
            let stated = &placed.fact;
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
        if let Some(position) = twin.map(|placed| placed.position) {
            self.reject_already_recorded(event, position);
        }
    }

    pub(super) fn reject_already_recorded(&mut self, event: &Event, position: u32) {
        let row = self.register.recorded(position).map_or(0, |fact| fact.row);
        let breach = RuleId::AlreadyRecorded.with(Key::Position, position);
        let breach = with_rows(breach, event.row, row);
        self.reject("fact", event.fact.kind().name(), breach, &[position]);
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

    /// An end is void if a later period of the title is on record, or makes that period void.
    fn warn_if_later(&mut self, event: &Event, key: Option<TitleKey>) {
        let Some(title) = self.folded(key) else { return };
        let later: Vec<u32> = title.periods_after(event.effective).collect();
        self.warn_of_later_periods(event, &later, RuleId::LaterPeriod);
    }

    /// Warns that periods, by the events that begin them, take effect after an end.
    pub(super) fn warn_of_later_periods(&mut self, event: &Event, later: &[u32], rule: RuleId) {
        let Some(first) = later.first() else { return };
        let breach = rule.with(Key::Position, first);
        self.warn("effective_date", &event.effective.to_string(), breach, later);
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

    /// A reinstatement undoes the revocation in force, and may name it.
    fn require_revocation(
        &mut self,
        event: &Event,
        title: &TitleRef,
        key: Option<TitleKey>,
        named: Option<u64>,
    ) {
        let revoked = self.folded(key).and_then(|title| title.revoked_by(event.effective));
        match (revoked, named) {
            (None, _) if self.folded(key).is_none_or(|title| title.periods.is_empty()) => {
                let id = self.catalogue.id_of(title.programme).to_owned();
                self.object_to_missing_title(event, title, "reinstated.programme", &id);
            }
            (None, _) => {
                let value = event.effective.to_string();
                self.reject("effective_date", &value, RuleId::NotRevoked, &[]);
            }
            (Some(position), Some(named)) => {
                let source = self.source_of(position);
                if named != source && named != u64::from(position) {
                    let breach = RuleId::OtherRevocation.with(Key::Position, source);
                    self.reject("reinstated.position", &named.to_string(), breach, &[position]);
                }
            }
            (Some(_), None) => {}
        }
    }

    fn require_other_subject(&mut self, event: &Event, successor: &DesigneeId) {
        let field = "title_transferred.successor";
        let known = self.known(successor);
        let is_itself = known.is_some_and(|index| self.is_same_subject(index));
        if is_itself || event.fact.designee() == Some(successor) {
            self.reject(field, &successor.to_string(), RuleId::SuccessorIsHolder, &[]);
        }
        self.require_room_to_tie(event, successor, field);
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
