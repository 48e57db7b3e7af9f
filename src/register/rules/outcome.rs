//! What follows from the effect of a proposal: a warning, or a rejection where the record is
//! declared complete.

use super::{Case, effect::Effect, titles::after_end};
use crate::{
    domain::{
        CivilDate, DesigneeId,
        event::{Event, Fact, SubjectFact, TitleFact, TitleRef},
        fault::{Breach, Key, RuleId},
        kind::Kind,
    },
    register::{
        identity::FactAt,
        rows::{FactKindRow, PROPOSED, TitleKey},
    },
};

impl Case<'_> {
    /// Judges the effect of a fact about a title. If nothing is on record about the designee, there
    /// is nothing that it could conflict with.
    pub(super) fn judge_title_effect(
        &mut self,
        event: &Event,
        designee: &DesigneeId,
        title: &TitleRef,
        fact: &TitleFact,
    ) {
        if self.judge.cluster.facts.is_empty() || !self.verdict.rejections.is_empty() {
            return;
        }
        let row = self.proposed(event, None);
        let Effect { superseded, lost } = self.effect(designee, row);
        if matches!(fact, TitleFact::Revoked { .. }) {
            self.reject_ban_of_applicant(event, title);
        }
        if let Some(cause) = superseded {
            self.object_to_no_effect(event, title, fact, cause.in_words());
        }
        // A correction is compared with the record as it was, its target included.
        if self.except.is_none() && !lost.is_empty() && !self.reject_overlap(event, title, &lost) {
            self.warn_of_lost("effective_date", &event.effective.to_string(), &lost);
        }
    }

    /// As [`Case::judge_title_effect`], of a fact about the designee: its end, or another
    /// identifier.
    pub(super) fn judge_subject_effect(&mut self, event: &Event, designee: &DesigneeId) {
        if self.judge.cluster.facts.is_empty() || !self.verdict.rejections.is_empty() {
            return;
        }
        let row = self.proposed(event, None);
        let has_effect = row.kind.ends_subject() || row.kind.ties_to().is_some();
        if !has_effect || self.except.is_some() {
            return;
        }
        // A title passes to a successor that the proposal names, and to nobody else.
        let mut named = Vec::new();
        if let Fact::Subject { fact: SubjectFact::Restructured { successors, ends, .. }, .. } =
            &event.fact
        {
            named.extend(successors.iter().map(|id| self.known(id).unwrap_or(PROPOSED)));
            let placed = FactAt { position: self.place(), member: 0, fact: row };
            self.judge.cluster.name_successors(&placed, *ends, &named);
        }
        let Effect { mut lost, .. } = self.effect(designee, row);
        self.judge.cluster.forget_successors(named.len());
        // Titles that two identifiers hold on the same days were named already.
        let told = self.verdict.warnings.iter().flat_map(|warning| warning.conflicts.clone());
        let told: Vec<u64> = told.collect();
        lost.retain(|position| !told.contains(&self.source_of(*position)));
        if lost.is_empty() {
            return;
        }
        self.warn_of_lost("effective_date", &event.effective.to_string(), &lost);
    }

    /// A fact that would change nothing is accepted with a warning, until the record is complete.
    fn object_to_no_effect(
        &mut self,
        event: &Event,
        title: &TitleRef,
        fact: &TitleFact,
        cause: &'static str,
    ) {
        let key = self.title_key(title);
        let (field, value) = ("effective_date", event.effective.to_string());
        if let TitleFact::ObjectionRaised { .. }
        | TitleFact::ObjectionResolved { .. }
        | TitleFact::NoticeWithdrawn { .. } = fact
        {
            return self.object_to_idle_notice_step(event, title, key, fact);
        }
        let applies_anew = matches!(
            fact,
            TitleFact::Designated { .. }
                | TitleFact::NoticeOpened { .. }
                | TitleFact::CreationListed { .. }
        );
        if !applies_anew && !self.is_on_record(event, key) {
            // It was said already.
            return;
        }
        let begins = applies_anew || matches!(fact, TitleFact::ReviewPassed { .. });
        let against = self.against(event, key, begins);
        if !self.titles_are_complete(event, title) {
            let mut told = self.verdict.warnings.iter();
            if told.any(|warning| warning.breach.rule() == RuleId::ChangesNothing) {
                return;
            }
            return self.warn_of_nothing(field, &value, cause, &against);
        }
        let breach: Breach = if let Some((day, _)) = self.subject_end(event).filter(|_| begins) {
            RuleId::SubjectEnded.with(Key::Day, day)
        } else if matches!(fact, TitleFact::Designated { .. }) {
            return self.object_to_overlap(event, true, &against);
        } else if matches!(fact, TitleFact::Reinstated { .. }) {
            RuleId::NotRevoked.into()
        } else if let Some(ended) = self.ended_before(event, key) {
            after_end(ended, self.source_of(ended.position))
        } else {
            RuleId::WithoutEffect.with(Key::Superseded, cause)
        };
        self.reject(field, &value, breach, &against);
    }

    /// Rejects a designation that makes later ones of the same title void, if the record is
    /// complete.
    fn reject_overlap(&mut self, event: &Event, title: &TitleRef, lost: &[u32]) -> bool {
        if event.fact.kind() != Kind::Designated {
            return false;
        }
        let key = self.title_key(title);
        let overlaps: Vec<u32> = self
            .judge
            .cluster
            .own_facts()
            .filter(|placed| {
                matches!(placed.fact.kind, FactKindRow::Designated { .. })
                    && placed.fact.title() == key
                    && lost.contains(&placed.position)
            })
            .map(|placed| placed.position)
            .collect();
        if overlaps.is_empty() || !self.titles_are_complete(event, title) {
            return false;
        }
        self.object_to_overlap(event, true, &overlaps);
        true
    }

    /// The end of the subject by the day of an event: its day and position.
    fn subject_end(&self, event: &Event) -> Option<(CivilDate, u32)> {
        let mut own = self.judge.cluster.own_facts();
        let end = own.find(|placed| placed.fact.kind.ends_subject())?;
        (end.fact.effective <= event.effective).then_some((end.fact.effective, end.position))
    }

    /// The events on record because of which a fact changes nothing: the end of the subject or of
    /// the title, a failed review, the stretch in force on the day, or the first one that begins
    /// later.
    fn against(&mut self, event: &Event, key: Option<TitleKey>, begins: bool) -> Vec<u32> {
        let on = event.effective;
        if let Some((_, position)) = self.subject_end(event).filter(|_| begins) {
            return vec![position];
        }
        let later = self.folded(key).and_then(|title| title.periods.iter().find(|p| p.from > on));
        let later = later.map(|period| period.position);
        let then = self.folded_on(key, on);
        let ended = then.and_then(|title| title.ended).map(|ended| ended.position);
        let failed = then.and_then(|title| title.failed).map(|failed| failed.position);
        let last = then.and_then(|title| title.periods.iter().rev().find(|p| p.from <= on));
        let last = last.map(|period| period.position);
        ended.or(failed).or(last).or(later).into_iter().collect()
    }
}
