//! Rules for facts about a title that was noticed or designated before.

use super::{Case, Objection};
use crate::{
    domain::{
        CivilDate, DesigneeId,
        catalogue::RuleVersion,
        event::{Event, Fact, Part, TitleFact, TitleRef},
        fault::Reason,
    },
    register::{
        DesigneeIndex, Status,
        fold::Folded,
        rows::{FactKindRow, TitleKey},
    },
};

pub(super) const HELD_RULE: &str = "a fact about a title needs the title";

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
            TitleFact::ObjectionRaised { batch } => {
                self.judge_objection(event, title, key, batch, true);
            }
            TitleFact::ObjectionResolved { batch, .. } => {
                self.judge_objection(event, title, key, batch, false);
            }
            TitleFact::NoticeWithdrawn { batch } => {
                self.require_withdrawable(event, title, key, batch);
            }
            TitleFact::ReviewOpened { batch, .. } => self.judge_review(event, title, key, batch),
            TitleFact::ReviewPassed { batch, .. } => {
                self.judge_review(event, title, key, batch);
                self.require_updates(event, title, key);
            }
            TitleFact::ReviewFailed { batch, .. } => {
                self.judge_review(event, title, key, batch);
                self.warn_if_later(event, key);
            }
            TitleFact::Revoked { serious, ban_until } => {
                self.require_held(event, title, key);
                self.warn_if_later(event, key);
                self.require_ban_length(event, rule, *serious, *ban_until);
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
        let field = format!("{}.batch", event.fact.kind().name());
        self.warn_if_cohort_differs(key, batch, &field);
        self.reject_twice(event, key);
    }

    /// The key of a title, if its item was ever recorded.
    fn title_key(&self, title: &TitleRef) -> Option<TitleKey> {
        let item = self.register.rows.find_word(&title.item)?;
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
        self.reject(
            Objection {
                field: "effective_date",
                value: event.effective.to_string(),
                reason: Reason::SubjectEnded,
                message: format!("the subject ceased to exist on {ended}"),
                rule: "a title ends with its subject",
            },
            &conflicts,
        );
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
            self.reject(
                Objection {
                    field: "effective_date",
                    value: event.effective.to_string(),
                    reason: Reason::TitleNotHeld,
                    message: format!(
                        "the title was {} before, at position {}",
                        ended.status.as_str(),
                        ended.position
                    ),
                    rule: HELD_RULE,
                },
                &[ended.position],
            );
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
        let reason = if complete { Reason::TitleNotHeld } else { Reason::TitleNotOnRecord };
        let objection = Objection {
            field: &field,
            value: value.to_owned(),
            reason,
            message: "no such title is on record".to_owned(),
            rule: HELD_RULE,
        };
        self.reject_if_complete(complete, objection);
    }

    /// The cohort of a title is the batch it was first designated in; a review keeps it.
    fn warn_if_cohort_differs(&mut self, key: Option<TitleKey>, batch: &str, field: &str) {
        let cohort = self.folded(key).map(|title| self.register.text(title.batch).to_owned());
        let Some(cohort) = cohort.filter(|cohort| !cohort.is_empty() && *cohort != batch) else {
            return;
        };
        // A review need not name the cohort.
        if !batch.is_empty() {
            let objection = Objection {
                field,
                value: batch.to_owned(),
                reason: Reason::CohortDiffers,
                message: format!("the title's cohort on record is {cohort}"),
                rule: "a review keeps the cohort",
            };
            self.warn(objection, &[]);
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
        let row = self.register.rows.fact(position).map_or(0, |fact| fact.row);
        let objection = Objection {
            field: "fact",
            value: event.fact.kind().name().to_owned(),
            reason: Reason::AlreadyRecorded,
            message: format!(
                "the same was stated already, at position {position}{}",
                rows(event.row, row)
            ),
            rule: "a fact is stated once; a repeated request is told by its request_id",
        };
        self.reject(objection, &[position]);
    }

    /// A review fails if the designee missed a yearly update.
    fn require_updates(&mut self, event: &Event, title: &TitleRef, key: Option<TitleKey>) {
        let duties = &self.catalogue.duties;
        let Some(from) = self.folded(key).and_then(|title| title.current()).map(|p| p.from) else {
            return;
        };
        let responsible = self.judge.folding.subject.responsible.unwrap_or(title.authority);
        let missing = (from.year()..=event.effective.year()).find(|year| {
            let Some(due) = duties.update_by.of_year(*year) else { return false };
            let updated = self.judge.cluster.own_facts().any(|placed| {
                let fact = &placed.fact;
                matches!(
                    fact.kind,
                    FactKindRow::InformationUpdated { year: updated }
                        if i32::from(updated) == i32::from(*year)
                ) && fact.programme.is_none_or(|programme| programme == title.programme)
            });
            from <= due
                && due < event.effective
                && !updated
                && self.is_complete(responsible, title.programme, Part::InformationUpdates, due)
        });
        if let Some(year) = missing {
            let objection = Objection {
                field: "review_passed.programme",
                value: year.to_string(),
                reason: Reason::InformationUpdateMissing,
                message: format!("the information update of {year} is missing"),
                rule: &duties.document,
            };
            self.reject(objection, &[]);
        }
    }

    /// An end is void if a later period of the title is on record, or makes that period void.
    fn warn_if_later(&mut self, event: &Event, key: Option<TitleKey>) {
        let Some(title) = self.folded(key) else { return };
        let later: Vec<u32> = title.periods_after(event.effective).collect();
        let rule = "facts count in the order of their effective dates";
        self.warn_of_later_periods(event, &later, rule);
    }

    /// Warns that periods, by the events that begin them, take effect after an end.
    pub(super) fn warn_of_later_periods(&mut self, event: &Event, later: &[u32], rule: &str) {
        let Some(first) = later.first() else { return };
        let objection = Objection {
            field: "effective_date",
            value: event.effective.to_string(),
            reason: Reason::Conflicts,
            message: format!("the event at position {first} takes effect later"),
            rule,
        };
        self.warn(objection, later);
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
            let objection = Objection {
                field: "revoked.ban_until",
                value: until.to_string(),
                reason: Reason::BanTooShort,
                message: format!("this ground carries a ban of {years} years, to {least} at least"),
                rule: &rule.document,
            };
            self.reject(objection, &[]);
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
        const RULE: &str = "a reinstatement undoes a revocation";
        let revoked = self.folded(key).and_then(|title| title.revoked_by(event.effective));
        let (field, reason) = ("reinstated.position", Reason::ReferenceInvalid);
        match (revoked, named) {
            (None, _) if self.folded(key).is_none_or(|title| title.periods.is_empty()) => {
                let id = self.catalogue.id_of(title.programme).to_owned();
                self.object_to_missing_title(event, title, "reinstated.programme", &id);
            }
            (None, _) => {
                let message = "the title is not revoked on that day".to_owned();
                let (field, value) = ("effective_date", event.effective.to_string());
                let reason = Reason::TitleNotHeld;
                self.reject(Objection { field, value, reason, message, rule: RULE }, &[]);
            }
            (Some(position), Some(named)) => {
                let facts = self.register.facts(self.known_at());
                let source = u64::from(facts.source_of(position));
                if named != source && named != u64::from(position) {
                    let message = format!("the revocation in force is at position {source}");
                    let value = named.to_string();
                    let objection = Objection { field, value, reason, message, rule: RULE };
                    self.reject(objection, &[position]);
                }
            }
            (Some(_), None) => {}
        }
    }

    fn require_other_subject(&mut self, event: &Event, successor: &DesigneeId) {
        let known = self.known(successor);
        let is_itself = known.is_some_and(|index| self.is_same_subject(index));
        if is_itself || event.fact.designee() == Some(successor) {
            let objection = Objection {
                field: "title_transferred.successor",
                value: successor.to_string(),
                reason: Reason::FieldInvalid,
                message: "is the holder itself".to_owned(),
                rule: "a title passes to another subject",
            };
            self.reject(objection, &[]);
        }
        self.reject_large_cluster(successor, "title_transferred.successor");
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
        let from = self.catalogue.id_of(from.programme);
        let objection = Objection {
            field: "title_converted.to_programme",
            value: self.catalogue.id_of(to.programme).to_owned(),
            reason: Reason::ConversionNotForeseen,
            message: format!("titles of {from} are not converted into this programme"),
            rule: "the programme catalogue, succeeds",
        };
        self.reject(objection, &[]);
    }
}

/// The row numbers of two events, as far as their lists have rows.
pub(super) fn rows(new: u32, old: u32) -> String {
    match (new, old) {
        (0, 0) => String::new(),
        (0, old) => format!(" (row {old})"),
        (new, 0) => format!(" (row {new})"),
        (new, old) => format!(" (rows {old} and {new})"),
    }
}
