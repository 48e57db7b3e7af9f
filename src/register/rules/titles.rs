//! Rules for facts about a title that was noticed or designated before.

use super::{Case, Objection};
use crate::{
    domain::{
        CivilDate, DesigneeId, Name,
        catalogue::RuleVersion,
        event::{Event, Fact, Part, TitleFact, TitleRef},
        fault::Reason,
        name,
    },
    register::{
        DesigneeIndex, Register, Status,
        fold::{Folded, Notice},
        identity::Placed,
        row::{TitleKey, What},
    },
};

pub(super) const HELD_RULE: &str = "a fact about a title needs the title";

impl Case<'_> {
    pub(super) fn title_fact(&mut self, event: &Event, title: &TitleRef, fact: &TitleFact) {
        let Some(rule) = self.rule(event, title.programme) else { return };
        let key = self.register.find_title(title);
        self.not_ended(event, fact);
        match fact {
            TitleFact::NoticeOpened { .. }
            | TitleFact::Designated { .. }
            | TitleFact::CreationListed { .. } => self.listed_fact(event, title, key, rule, fact),
            TitleFact::ObjectionRaised { batch } => self.objection(event, title, key, batch, true),
            TitleFact::ObjectionResolved { batch, .. } => {
                self.objection(event, title, key, batch, false);
            }
            TitleFact::NoticeWithdrawn { batch } => self.withdrawn(event, title, key, batch),
            TitleFact::ReviewOpened { batch, .. } => {
                self.held(event, title, key);
                self.cohort_fits(key, batch, "review_opened.batch");
                self.not_twice(event, key);
            }
            TitleFact::ReviewPassed { batch, .. } => {
                self.held(event, title, key);
                self.cohort_fits(key, batch, "review_passed.batch");
                self.not_twice(event, key);
                self.updates_were_made(event, title, key);
            }
            TitleFact::ReviewFailed { batch, .. } => {
                self.held(event, title, key);
                self.cohort_fits(key, batch, "review_failed.batch");
                self.not_twice(event, key);
                self.nothing_later(event, key);
            }
            TitleFact::Revoked { serious, ban_until } => {
                self.held(event, title, key);
                self.nothing_later(event, key);
                self.ban_is_long_enough(event, rule, *serious, *ban_until);
            }
            TitleFact::Surrendered => {
                self.held(event, title, key);
                self.nothing_later(event, key);
            }
            TitleFact::RevocationProposed
            | TitleFact::RectificationOrdered { .. }
            | TitleFact::SupportGranted { .. } => {
                self.held(event, title, key);
                self.not_twice(event, key);
            }
            TitleFact::Reinstated { position } => self.reinstated(event, title, key, *position),
            TitleFact::Transferred { successor, .. } => {
                self.held(event, title, key);
                self.successor_fits(event, successor);
            }
            TitleFact::Converted { to, .. } => {
                self.held(event, title, key);
                self.conversion_is_foreseen(event, title, to);
            }
            TitleFact::CreationAssessed { batch, .. } => {
                let listed = self.folded(key).is_some_and(|title| title.creation.is_some());
                if !listed {
                    self.not_on_record(event, title, "creation_assessed.batch", batch);
                }
                self.not_twice(event, key);
            }
        }
    }

    /// The subject's title as the facts make it, and not a successor's.
    pub(super) fn folded(&self, key: Option<TitleKey>) -> Option<&Folded> {
        let key = key?;
        self.judge.folding.titles.iter().find(|title| title.subject == 0 && title.key == key)
    }

    /// Nothing begins after the subject has ceased to exist.
    fn not_ended(&mut self, event: &Event, fact: &TitleFact) {
        let begins = matches!(
            fact,
            TitleFact::NoticeOpened { .. }
                | TitleFact::Designated { .. }
                | TitleFact::ReviewPassed { .. }
                | TitleFact::CreationListed { .. }
        );
        let ended = self.judge.folding.subject.ended_on;
        let Some(ended) = ended.filter(|ended| begins && *ended <= event.effective) else { return };
        let ends = |what: &What| {
            matches!(what, What::SubjectEnded | What::Restructured { ends: true, .. })
        };
        let end = self.judge.circle.own_facts().find(|placed| ends(&placed.stated.what));
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

    /// A review or a revocation acts on a title. None on record may mean that it was not loaded yet; one that was revoked,
    /// given up or passed on before cannot be acted on.
    fn held(&mut self, event: &Event, title: &TitleRef, key: Option<TitleKey>) {
        let folded = self.folded(key).filter(|title| !title.periods.is_empty());
        let Some(folded) = folded else {
            return self.not_on_record(
                event,
                title,
                "",
                &self.catalogue.programme(title.programme).id,
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

    fn not_on_record(&mut self, event: &Event, title: &TitleRef, field: &str, value: &str) {
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
        self.absent(complete, objection);
    }

    /// The cohort of a title is the batch it was first designated in; a review keeps it.
    fn cohort_fits(&mut self, key: Option<TitleKey>, batch: &str, field: &str) {
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

    /// The same fact is stated once: of the same kind about the same title, in the same round or on the same day.
    fn not_twice(&mut self, event: &Event, key: Option<TitleKey>) {
        let kind = event.fact.kind().number();
        let Fact::Title { fact, .. } = &event.fact else { return };
        let text = |sym| self.register.text(sym);
        let twin = self.judge.circle.own_facts().find(|placed| {
            let stated = &placed.stated;
            stated.what.kind() == kind
                && stated.title() == key
                && match (&stated.what, fact) {
                    (What::ReviewOpened { round: a }, TitleFact::ReviewOpened { round: b, .. })
                    | (
                        What::ReviewPassed { round: a, .. },
                        TitleFact::ReviewPassed { round: b, .. },
                    )
                    | (
                        What::ReviewFailed { round: a, .. },
                        TitleFact::ReviewFailed { round: b, .. },
                    ) => text(*a) == b,
                    (
                        What::SupportGranted { scheme, round },
                        TitleFact::SupportGranted { scheme: s, round: r },
                    ) => text(*scheme) == s && text(*round) == r,
                    _ => stated.effective == event.effective,
                }
        });
        if let Some(position) = twin.map(|placed| placed.position) {
            self.already_recorded(event, position);
        }
    }

    pub(super) fn already_recorded(&mut self, event: &Event, position: u32) {
        let row = self.register.stated(position).map_or(0, |stated| stated.row);
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

    /// Who misses a yearly update loses the review.
    fn updates_were_made(&mut self, event: &Event, title: &TitleRef, key: Option<TitleKey>) {
        let duties = &self.catalogue.duties;
        let Some(from) = self.folded(key).and_then(|title| title.current()).map(|p| p.from) else {
            return;
        };
        let responsible = self.judge.folding.subject.responsible.unwrap_or(title.authority);
        let missing = (from.year()..=event.effective.year()).find(|year| {
            let Some(due) = duties.update_by.of_year(*year) else { return false };
            let updated = self.judge.circle.own_facts().any(|placed| {
                let stated = &placed.stated;
                matches!(stated.what, What::InformationUpdated { year: y } if i32::from(y) == i32::from(*year))
                    && stated.programme.is_none_or(|programme| programme == title.programme)
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

    /// An end that is recorded after a later beginning makes that beginning void, or is made void by it.
    fn nothing_later(&mut self, event: &Event, key: Option<TitleKey>) {
        let later: Vec<u32> = self
            .folded(key)
            .map(|t| t.periods_after(event.effective).collect())
            .unwrap_or_default();
        let Some(first) = later.first() else { return };
        let objection = Objection {
            field: "effective_date",
            value: event.effective.to_string(),
            reason: Reason::Conflicts,
            message: format!("the event at position {first} takes effect later"),
            rule: "facts count in the order of their effective dates",
        };
        self.warn(objection, &later);
    }

    fn ban_is_long_enough(
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

    /// What is undone is the revocation that stands, and it may be named.
    fn reinstated(
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
                let id = self.catalogue.programme(title.programme).id.clone();
                self.not_on_record(event, title, "reinstated.programme", &id);
            }
            (None, _) => {
                let message = "the title is not revoked on that day".to_owned();
                let (field, value) = ("effective_date", event.effective.to_string());
                let reason = Reason::TitleNotHeld;
                self.reject(Objection { field, value, reason, message, rule: RULE }, &[]);
            }
            (Some(position), Some(named)) => {
                let source = u64::from(self.register.source_of(position, self.known_at()));
                if named != source && named != u64::from(position) {
                    let message = format!("the revocation that stands is at position {source}");
                    let value = named.to_string();
                    let objection = Objection { field, value, reason, message, rule: RULE };
                    self.reject(objection, &[position]);
                }
            }
            (Some(_), None) => {}
        }
    }

    fn successor_fits(&mut self, event: &Event, successor: &DesigneeId) {
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
        self.circle_stays_small(successor, "title_transferred.successor");
    }

    /// True if the identifier is one of the subject being judged.
    pub(super) fn is_same_subject(&self, index: DesigneeIndex) -> bool {
        self.judge.circle.own_members().any(|member| member == index)
    }

    fn conversion_is_foreseen(&mut self, event: &Event, from: &TitleRef, to: &TitleRef) {
        let target = self.catalogue.programme(to.programme);
        let foreseen = match target.rule("", event.effective) {
            Ok((_, rule)) => rule.succeeds.ids().contains(&from.programme),
            Err(_) => false,
        };
        // Titles of one programme may be regrouped by item.
        if foreseen || (from.programme == to.programme && from.item != to.item) {
            return;
        }
        let from = &self.catalogue.programme(from.programme).id;
        let objection = Objection {
            field: "title_converted.to_programme",
            value: target.id.clone(),
            reason: Reason::ConversionNotForeseen,
            message: format!("titles of {from} are not converted into this programme"),
            rule: "the programme catalogue, succeeds",
        };
        self.reject(objection, &[]);
    }

    /// An objection is raised inside the window of an open notice, and decided once raised.
    fn objection(
        &mut self,
        event: &Event,
        title: &TitleRef,
        key: Option<TitleKey>,
        batch: &str,
        raises: bool,
    ) {
        let (kind, rule) = (event.fact.kind().name(), "an objection is raised during a notice");
        let field = format!("{kind}.batch");
        let Some(notice) = self.notice_of(key, batch) else {
            return self.notice_missing(event, title, &field, batch);
        };
        let past = notice.to.filter(|to| raises && event.effective > *to);
        if let Some(to) = past {
            let objection = Objection {
                field: "effective_date",
                value: event.effective.to_string(),
                reason: Reason::ObjectionLate,
                message: format!("the notice ended on {to}; what comes later is a report"),
                rule,
            };
            self.reject(objection, &[notice.position]);
        }
        if !raises && notice.raised.is_none() {
            let message = "no objection to this entry is on record".to_owned();
            let (value, reason) = (batch.to_owned(), Reason::NoticeNotOpen);
            let objection = Objection { field: &field, value, reason, message, rule };
            let complete = self.notices_are_complete(event, title);
            self.absent(complete, objection);
        }
    }

    /// An entry is withdrawn before its publication.
    fn withdrawn(&mut self, event: &Event, title: &TitleRef, key: Option<TitleKey>, batch: &str) {
        if self.notice_of(key, batch).is_none() {
            self.notice_missing(event, title, "notice_withdrawn.batch", batch);
        }
    }

    fn notice_of(&self, key: Option<TitleKey>, batch: &str) -> Option<Notice> {
        let notice = self.folded(key)?.notice?;
        (self.register.text(notice.batch) == batch && notice.closed.is_none()).then_some(notice)
    }

    pub(super) fn notices_are_complete(&mut self, event: &Event, title: &TitleRef) -> bool {
        self.is_complete(title.authority, title.programme, Part::Notices, event.effective)
    }

    fn notice_missing(&mut self, event: &Event, title: &TitleRef, field: &str, batch: &str) {
        let complete = self.notices_are_complete(event, title);
        let objection = Objection {
            field,
            value: batch.to_owned(),
            reason: Reason::NoticeNotOpen,
            message: "no open notice of this batch is on record".to_owned(),
            rule: "an entry is contested or withdrawn while its notice is open",
        };
        self.absent(complete, objection);
    }

    /// A list may write a name otherwise than the register has it; that deserves a look.
    pub(super) fn name_fits(&mut self, event: &Event, listed: Option<&Name>) {
        let Some(listed) = listed else { return };
        let Some(on_record) = self.other_name_on_record(event, listed) else { return };
        let field = format!("{}.profile.name", event.fact.kind().name());
        let objection = Objection {
            field: &field,
            value: listed.as_str().to_owned(),
            reason: Reason::NameDiffers,
            message: format!("the name on record on that day is {on_record}"),
            rule: "names change by renamed",
        };
        self.warn(objection, &[]);
    }
}

impl<'a> Case<'a> {
    /// The name on record on the day of an event, if it is not this one.
    pub(super) fn other_name_on_record(&self, event: &Event, stated: &Name) -> Option<&'a str> {
        let begun = |placed: &&Placed| placed.stated.effective <= event.effective;
        let mut facts = self.judge.circle.own_facts().rev().filter(begun);
        let on_record = self.register.text(facts.find_map(|placed| placed.stated.name())?);
        (name::folded(on_record) != stated.key()).then_some(on_record)
    }
}

/// The rows of two events, where lists have rows.
pub(super) fn rows(new: u32, old: u32) -> String {
    match (new, old) {
        (0, 0) => String::new(),
        (0, old) => format!(" (row {old})"),
        (new, 0) => format!(" (row {new})"),
        (new, old) => format!(" (rows {old} and {new})"),
    }
}

impl Register {
    pub(super) fn find_title(&self, title: &TitleRef) -> Option<TitleKey> {
        let item = self.texts.find(&title.item)?;
        Some(TitleKey { programme: title.programme, authority: title.authority, item })
    }
}
