//! Rules for facts that come from a list: notices, designations, creation tasks.

use super::{Case, Judge, notices::Entry, with_document, with_rows};
use crate::{
    domain::{
        AuthorityCode, CivilDate,
        catalogue::{Renewal, RuleVersion},
        event::{Event, Listed, Part, TitleFact, TitleRef},
        fault::{Breach, Key, RuleId},
    },
    register::{
        AsOf,
        fold::{Creation, Folded, Period},
        identity::FactAt,
        rows::{FactKindRow, TitleKey},
    },
};

impl Case<'_> {
    pub(super) fn judge_listed_fact(
        &mut self,
        event: &Event,
        title: &TitleRef,
        key: Option<TitleKey>,
        rule: &RuleVersion,
        fact: &TitleFact,
    ) {
        if let Some(listed) = event.fact.listed() {
            self.require_eligible_holder(event, rule, listed);
            self.warn_if_name_differs(event, listed.name.as_ref());
        }
        match fact {
            TitleFact::NoticeOpened { review, recommendation, from, to, listed, .. } => {
                self.require_open_list(event, title, fact);
                self.reject_twice_in_notice(event, key, fact);
                self.warn_if_notice_short(rule, *from, *to);
                if let Some(entry) = Entry::of(key, fact).filter(|_| !review) {
                    self.reject_late_objections(entry, *to);
                }
                if *recommendation {
                    let by = event.issuer.authority();
                    self.require_prerequisite(rule, by, *from, "notice_opened.programme");
                    self.require_not_excluded(rule, *from, "notice_opened.programme");
                } else if listed.recommended_by.is_some() && !review {
                    self.require_not_excluded(rule, *from, "notice_opened.programme");
                }
            }
            TitleFact::Designated {
                batch, sublist, supplement, recommended_on, listed, ..
            } => {
                self.require_open_list(event, title, fact);
                self.reject_designated_twice(event, key, batch, *sublist);
                self.warn_if_renewed_early(event, title, key, rule);
                let judged_on = recommended_on.unwrap_or(event.effective);
                let own = event.issuer.authority().filter(|issuer| !issuer.is_ministry());
                let by = listed.recommended_by.or(*sublist).or(own);
                self.require_prerequisite(rule, by, judged_on, "designated.programme");
                self.require_not_excluded(rule, judged_on, "designated.programme");
                self.require_passed_creation(event, title, key, rule);
                self.require_notice(event, title, key, batch, *supplement);
                self.require_measures(event, title);
            }
            _ => {}
        }
        if !matches!(fact, TitleFact::NoticeOpened { review: true, .. }) {
            self.reject_banned(event, title, rule);
        }
    }

    fn require_eligible_holder(&mut self, event: &Event, rule: &RuleVersion, listed: &Listed) {
        let Some(holder) = listed.kind else { return };
        if rule.holders.is_empty() || rule.holders.contains(&holder) {
            return;
        }
        let kind = event.fact.kind().name();
        let may: Vec<_> = rule.holders.iter().map(|holder| holder.as_str()).collect();
        let breach = RuleId::HolderNotEligible.with(Key::Holders, may.join(", "));
        let breach = with_document(breach, &rule.document);
        self.reject(&format!("{kind}.profile.kind"), holder.as_str(), breach, &[]);
    }

    /// Two designations of one title from the same day: no later fact could put that right.
    fn reject_designated_twice(
        &mut self,
        event: &Event,
        key: Option<TitleKey>,
        batch: &str,
        sublist: Option<AuthorityCode>,
    ) {
        let twin = self.twin(|stated| {
            matches!(stated.kind, FactKindRow::Designated { .. })
                && stated.title() == key
                && stated.effective == event.effective
        });
        let Some(twin) = twin else { return };
        if self.warn_if_said_under_other(event, &twin) {
            return;
        }
        let FactAt { position, fact, .. } = twin;
        let named = self.unless_told_by_rows(position, event.row, fact.row);
        let same_batch = matches!(fact.kind, FactKindRow::Designated { batch: b, .. }
            if self.register.text(b) == batch);
        let old = fact.listing().and_then(|listing| listing.sublist);
        let old = old.filter(|old| Some(*old) != sublist).map(AuthorityCode::as_str);
        if same_batch && event.row > 0 && fact.row > 0 {
            let designee = event.fact.designee().map_or(String::new(), ToString::to_string);
            let breach = RuleId::DesignatedTwice.with(Key::Batch, batch);
            let breach = with_rows(breach, event.row, fact.row)
                .with_any(Key::Position, named)
                .with_any(Key::Sublist, old);
            return self.reject("designee", &designee, breach, &[position]);
        }
        let breach = Breach::from(RuleId::TitleAlreadyHeld).with_any(Key::Position, named);
        let breach = with_rows(breach, event.row, fact.row)
            .with_any(Key::Sublist, old.filter(|_| same_batch));
        self.reject("effective_date", &event.effective.to_string(), breach, &[position]);
    }

    /// If a programme renews by a new designation, that one takes effect in the calendar year in
    /// which the old title ends. An end that is not on record may still come.
    fn warn_if_renewed_early(
        &mut self,
        event: &Event,
        title: &TitleRef,
        key: Option<TitleKey>,
        rule: &RuleVersion,
    ) {
        let from = event.effective;
        let Some(folded) = self.folded(key).filter(|_| rule.renewal == Renewal::Designation) else {
            return;
        };
        let is_early = |period: &&Period| {
            let in_year = |end: CivilDate| end.year() == from.year();
            period.from < from && period.holds_on(from) && !period.validity.to.is_some_and(in_year)
        };
        let Some(position) = folded.periods.iter().find(is_early).map(|period| period.position)
        else {
            return;
        };
        let complete = self.titles_are_complete(event, title);
        self.object_to_overlap(event, complete, &[position]);
    }

    /// The title is held over the validity, by other events.
    pub(super) fn object_to_overlap(&mut self, event: &Event, complete: bool, held: &[u32]) {
        let first = held.first().copied();
        let old = first.and_then(|first| self.register.recorded(first));
        let breach = Breach::from(RuleId::TitleAlreadyHeld).with_any(Key::Position, first);
        let breach = with_rows(breach, event.row, old.map_or(0, |old| old.row));
        let value = event.effective.to_string();
        self.reject_or_warn(complete, "effective_date", &value, breach, held);
    }

    /// A prerequisite title is in force on the day of the recommendation. If it ends later, the
    /// title that needed it goes on.
    fn require_prerequisite(
        &mut self,
        rule: &RuleVersion,
        candidate_of: Option<AuthorityCode>,
        on: CivilDate,
        field: &str,
    ) {
        let needed = rule.prerequisites(candidate_of);
        let in_force = |title: &Folded| {
            title.subject == 0
                && needed.contains(&title.key.programme)
                && title.periods.iter().any(|period| period.holds_on(on))
        };
        if needed.is_empty() || self.judge.folding.titles.iter().any(in_force) {
            return;
        }
        let complete = candidate_of.is_some_and(|authority| {
            needed.iter().all(|id| self.is_complete(authority, *id, Part::Titles, on))
        });
        let names: Vec<_> = needed.iter().map(|id| self.catalogue.id_of(*id)).collect();
        let names = names.join(", ");
        let breach = RuleId::PrerequisiteMissing.with(Key::Programmes, &names);
        let breach = with_document(breach.with(Key::Day, on), &rule.document);
        self.reject_if_complete(complete, field, &names, breach);
    }

    /// The holder of another title is not designated. The end of that title may still come, until
    /// its authority declares otherwise.
    fn require_not_excluded(&mut self, rule: &RuleVersion, on: CivilDate, field: &str) {
        let excluded = rule.excludes.ids();
        let holds = |title: &&Folded| {
            title.subject == 0
                && excluded.contains(&title.key.programme)
                && title.periods.iter().any(|period| period.holds_on(on))
        };
        let Some(title) = self.judge.folding.titles.iter().find(holds) else { return };
        let TitleKey { programme, authority, .. } = title.key;
        let position = title.current().map(|period| period.position);
        let id = self.catalogue.id_of(programme);
        let breach = RuleId::ExcludedByTitle.with(Key::Programme, id);
        let breach = with_document(breach, &rule.document);
        let conflicts: Vec<u32> = position.into_iter().collect();
        if self.is_complete(authority, programme, Part::Titles, on) {
            self.reject(field, id, breach, &conflicts);
        } else {
            self.warn(field, id, breach, &conflicts);
        }
    }

    fn require_passed_creation(
        &mut self,
        event: &Event,
        title: &TitleRef,
        key: Option<TitleKey>,
        rule: &RuleVersion,
    ) {
        let creation = self.folded(key).and_then(|title| title.creation);
        if !rule.creation_task || creation == Some(Creation::Passed) {
            return;
        }
        let failed = creation == Some(Creation::Failed);
        let (programme, authority) = (title.programme, title.authority);
        let complete = self.is_complete(authority, programme, Part::Titles, event.effective);
        let broken = if failed { RuleId::CreationFailed } else { RuleId::CreationMissing };
        let breach = with_document(broken, &rule.document);
        let id = self.catalogue.id_of(programme);
        self.reject_if_complete(complete, "designated.programme", id, breach);
    }

    /// A provincial-level authority designates under measures of its own.
    fn require_measures(&mut self, event: &Event, title: &TitleRef) {
        let (authority, programme) = (title.authority, title.programme);
        if authority.is_ministry() {
            return;
        }
        let (register, known_at) = (self.register, self.known_at());
        let question = (authority, programme, event.effective);
        let Judge { measures, facts_read, .. } = &mut *self.judge;
        let has_measures = measures.ask(register, question, || {
            let framework = register.framework_as_of(AsOf { valid_on: event.effective, known_at });
            framework.has_measures(authority, programme, facts_read)
        });
        if has_measures {
            return;
        }
        let complete = self.is_complete(authority, programme, Part::Measures, event.effective);
        if !complete && !self.note_once(RuleId::MeasuresMissing, authority.as_str()) {
            return;
        }
        let breach = RuleId::MeasuresMissing.with(Key::Day, event.effective);
        self.reject_if_complete(complete, "authority", authority.as_str(), breach);
    }
}
