//! Rules for public notices: entries, objections, withdrawals, and the designations that follow.

use super::{Case, with_rows};
use crate::{
    domain::{
        CivilDate,
        catalogue::RuleVersion,
        event::{Event, Part, TitleFact, TitleRef},
        fault::{Key, RuleId},
    },
    register::{
        fold::Entry,
        rows::{FactKindRow, TitleKey},
    },
};

impl Case<'_> {
    pub(super) fn reject_twice_in_notice(
        &mut self,
        event: &Event,
        key: Option<TitleKey>,
        fact: &TitleFact,
    ) {
        let TitleFact::NoticeOpened { batch, review, recommendation, .. } = fact else { return };
        let twin = self.judge.cluster.own_facts().find(|placed| match placed.fact.kind {
            FactKindRow::Noticed { batch: b, review: r, recommendation: step, .. } => {
                placed.fact.title() == key
                    && self.register.text(b) == batch
                    && (r, step) == (*review, *recommendation)
            }
            _ => false,
        });
        let Some(placed) = twin else { return };
        let (position, row) = (placed.position, placed.fact.row);
        let designee = event.fact.designee().map_or(String::new(), ToString::to_string);
        let breach = RuleId::NoticedTwice.with(Key::Batch, batch).with(Key::Position, position);
        self.reject("designee", &designee, with_rows(breach, event.row, row), &[position]);
    }

    /// A notice runs for a number of working days. The warning names the years whose holidays are
    /// not known: of these only weekends are subtracted.
    pub(super) fn warn_if_notice_short(
        &mut self,
        rule: &RuleVersion,
        from: CivilDate,
        to: Option<CivilDate>,
    ) {
        let Some(to) = to else { return };
        let days = from.working_days_to(to);
        if days < rule.notice_days && self.note_once(RuleId::NoticeShort, &to.to_string()) {
            let years = from.years_without_holidays_to(to).map(|year| year.to_string());
            let years =
                Some(years.collect::<Vec<_>>().join(", ")).filter(|years| !years.is_empty());
            let breach = RuleId::NoticeShort.with(Key::Count, days).with_any(Key::Year, years);
            self.warn("notice_opened.notice_to", &to.to_string(), breach, &[]);
        }
    }

    /// A designation follows a notice of the same batch.
    pub(super) fn require_notice(
        &mut self,
        event: &Event,
        title: &TitleRef,
        key: Option<TitleKey>,
        batch: &str,
        supplement: bool,
    ) {
        let noticed = self.judge.cluster.own_facts().any(|placed| match placed.fact.kind {
            FactKindRow::Noticed { batch: b, review: false, .. } => {
                placed.fact.title() == key && (supplement || self.register.text(b) == batch)
            }
            _ => false,
        });
        if noticed {
            return;
        }
        let complete = self.notices_are_complete(event, title);
        if !complete && !self.note_once(RuleId::NoticeMissing, batch) {
            return;
        }
        self.reject_if_complete(complete, "designated.batch", batch, RuleId::NoticeMissing);
    }

    /// An objection is raised while the notice is open, and resolved only after it was raised.
    pub(super) fn judge_objection(
        &mut self,
        event: &Event,
        title: &TitleRef,
        key: Option<TitleKey>,
        batch: &str,
        raises: bool,
    ) {
        let field = format!("{}.batch", event.fact.kind().name());
        let Some(notice) = self.open_notice(key, batch) else {
            return self.object_to_missing_notice(event, title, &field, batch);
        };
        let past = notice.to.filter(|to| raises && event.effective > *to);
        if let Some(to) = past {
            let breach = RuleId::ObjectionLate.with(Key::Day, to);
            let value = event.effective.to_string();
            self.reject("effective_date", &value, breach, &[notice.position]);
        }
        let is_contested =
            self.folded(key).is_some_and(|title| title.notices.is_contested(notice.key.batch));
        if !raises && !is_contested {
            let complete = self.notices_are_complete(event, title);
            self.reject_if_complete(complete, &field, batch, RuleId::ObjectionMissing);
        }
    }

    /// An entry is withdrawn while its notice is open.
    pub(super) fn require_withdrawable(
        &mut self,
        event: &Event,
        title: &TitleRef,
        key: Option<TitleKey>,
        batch: &str,
    ) {
        if self.open_notice(key, batch).is_none() {
            self.object_to_missing_notice(event, title, "notice_withdrawn.batch", batch);
        }
    }

    fn open_notice(&self, key: Option<TitleKey>, batch: &str) -> Option<Entry> {
        let entry = self.folded(key)?.notices.open_entry_of(self.register.find_word(batch)?)?;
        Some(*entry)
    }

    pub(super) fn notices_are_complete(&mut self, event: &Event, title: &TitleRef) -> bool {
        self.is_complete(title.authority, title.programme, Part::Notices, event.effective)
    }

    fn object_to_missing_notice(
        &mut self,
        event: &Event,
        title: &TitleRef,
        field: &str,
        batch: &str,
    ) {
        let complete = self.notices_are_complete(event, title);
        self.reject_if_complete(complete, field, batch, RuleId::NoticeNotOpen);
    }
}
