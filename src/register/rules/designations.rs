//! Rules for facts that come from a list: notices, designations, creation tasks.

use super::{Case, Judge, with_document, with_rows};
use crate::{
    domain::{
        AuthorityCode, CivilDate,
        catalogue::{Renewal, RuleVersion},
        event::{Event, Listed, Part, TitleFact, TitleRef},
        fault::{Key, RuleId},
    },
    register::{
        AsOf,
        fold::{Creation, Folded},
        rows::TitleKey,
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
                if !review {
                    self.reject_banned(rule, title, *from, "notice_opened.notice_from");
                }
                if *recommendation {
                    let by = event.issuer.authority();
                    self.require_prerequisite(rule, by, *from, "notice_opened.programme");
                    self.reject_excluded(rule, *from, "notice_opened.programme");
                } else if listed.recommended_by.is_some() && !review {
                    self.reject_excluded(rule, *from, "notice_opened.programme");
                }
            }
            TitleFact::Designated {
                batch,
                sublist,
                validity,
                supplement,
                recommended_on,
                listed,
                ..
            } => {
                let (from, to) = (event.effective, validity.to);
                self.require_open_list(event, title, fact);
                self.reject_held_already(event, key, rule, (from, to));
                self.reject_banned(rule, title, from, "effective_date");
                let judged_on = recommended_on.unwrap_or(from);
                let own = event.issuer.authority().filter(|issuer| !issuer.is_ministry());
                let by = listed.recommended_by.or(*sublist).or(own);
                self.require_prerequisite(rule, by, judged_on, "designated.programme");
                self.reject_excluded(rule, judged_on, "designated.programme");
                self.require_passed_creation(event, title, key, rule);
                self.require_notice(event, title, key, batch, *supplement);
                self.require_measures(event, title);
            }
            TitleFact::CreationListed { .. } => {
                self.reject_banned(rule, title, event.effective, "effective_date");
            }
            _ => {}
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

    /// A designee holds a title once at a time. If a programme renews by a new designation, that
    /// one may take effect in the calendar year in which the old title ends.
    fn reject_held_already(
        &mut self,
        event: &Event,
        key: Option<TitleKey>,
        rule: &RuleVersion,
        (from, to): (CivilDate, Option<CivilDate>),
    ) {
        let Some(folded) = self.folded(key) else { return };
        let renews = |end: Option<CivilDate>| {
            rule.renewal == Renewal::Designation
                && end.is_some_and(|end| end.year() == from.year() || end < from)
        };
        let overlapping: Vec<u32> = folded
            .periods
            .iter()
            .filter(|period| period.overlaps(from, to))
            .filter(|period| !(period.from < from && renews(period.validity.to)))
            .map(|period| period.position)
            .collect();
        let Some(first) = overlapping.first().copied() else { return };
        let old = self.register.recorded(first);
        let same_list = old.is_some_and(|old| {
            old.listing().is_some() && old.effective == from && old.issuer == event.issuer
        });
        let sublist = old.and_then(|old| old.listing()?.sublist).map(AuthorityCode::as_str);
        let breach = RuleId::TitleAlreadyHeld.with(Key::Position, first);
        let breach = with_rows(breach, event.row, old.map_or(0, |old| old.row))
            .with_any(Key::Sublist, sublist.filter(|_| same_list));
        self.reject("effective_date", &from.to_string(), breach, &overlapping);
    }

    fn reject_banned(&mut self, rule: &RuleVersion, title: &TitleRef, on: CivilDate, field: &str) {
        // A ban rejects new applications only: those that take effect within it.
        if let Some(ban) = self.judge.folding.ban_on(title.programme, on) {
            let breach = with_document(RuleId::Banned.with(Key::Day, ban.until), &rule.document);
            self.reject(field, &on.to_string(), breach, &[ban.position]);
        }
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

    fn reject_excluded(&mut self, rule: &RuleVersion, on: CivilDate, field: &str) {
        let excluded = rule.excludes.ids();
        let holds = |title: &&Folded| {
            title.subject == 0
                && excluded.contains(&title.key.programme)
                && title.periods.iter().any(|period| period.holds_on(on))
        };
        let Some(title) = self.judge.folding.titles.iter().find(holds) else { return };
        let position = title.current().map(|period| period.position);
        let id = self.catalogue.id_of(title.key.programme);
        let breach = RuleId::ExcludedByTitle.with(Key::Programme, id);
        let breach = with_document(breach, &rule.document);
        let conflicts: Vec<u32> = position.into_iter().collect();
        self.reject(field, id, breach, &conflicts);
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
        self.reject_if_complete(failed || complete, "designated.programme", id, breach);
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
