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
        identity::FactAt,
        rows::{FactKindRow, FactRow, TitleKey},
    },
};

/// Names an entry of a notice: a title, a batch, and the step of the notice.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) key: Option<TitleKey>,
    pub(super) batch: &'a str,
    pub(super) recommendation: bool,
}

impl<'a> Entry<'a> {
    /// The entry that a step of a notice is about.
    pub(super) fn of(key: Option<TitleKey>, fact: &'a TitleFact) -> Option<Self> {
        match fact {
            TitleFact::NoticeOpened { batch, recommendation, .. }
            | TitleFact::ObjectionRaised { batch, recommendation }
            | TitleFact::ObjectionResolved { batch, recommendation, .. }
            | TitleFact::NoticeWithdrawn { batch, recommendation } => {
                Some(Self { key, batch, recommendation: *recommendation })
            }
            _ => None,
        }
    }
}

impl Case<'_> {
    pub(super) fn reject_twice_in_notice(
        &mut self,
        event: &Event,
        key: Option<TitleKey>,
        fact: &TitleFact,
    ) {
        let TitleFact::NoticeOpened { batch, review, recommendation, .. } = fact else { return };
        let twin = self.twin(|stated| match stated.kind {
            FactKindRow::Noticed { batch: b, review: r, recommendation: step, .. } => {
                stated.title() == key
                    && self.register.text(b) == batch
                    && (r, step) == (*review, *recommendation)
            }
            _ => false,
        });
        let Some(placed) = twin else { return };
        if self.warn_if_said_under_other(event, &placed) {
            return;
        }
        let (position, row) = (placed.position, placed.fact.row);
        let designee = event.fact.designee().map_or(String::new(), ToString::to_string);
        let named = self.unless_told_by_rows(position, event.row, row);
        let breach = RuleId::NoticedTwice.with(Key::Batch, batch).with_any(Key::Position, named);
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

    /// A notice does not end before an objection to it on record. No later fact puts that right, so
    /// neither order of recording is accepted.
    pub(super) fn reject_late_objections(&mut self, entry: Entry<'_>, to: Option<CivilDate>) {
        let Some(to) = to else { return };
        let late = self.judge.cluster.own_facts().find(|placed| {
            placed.fact.effective > to
                && matches!(placed.fact.kind, FactKindRow::ObjectionRaised { .. })
                && self.is_of_entry(&placed.fact, entry)
        });
        let Some(FactAt { position, fact, .. }) = late.copied() else { return };
        let breach = RuleId::ObjectionAfterNotice
            .with(Key::Position, self.source_of(position))
            .with(Key::Day, fact.effective);
        self.reject("notice_opened.notice_to", &to.to_string(), breach, &[position]);
    }

    /// An objection is raised while the notice is open, and resolved only after it was raised. An
    /// entry is withdrawn while its notice is open.
    pub(super) fn judge_notice_step(
        &mut self,
        event: &Event,
        title: &TitleRef,
        key: Option<TitleKey>,
        fact: &TitleFact,
    ) {
        let Some(entry) = Entry::of(key, fact) else { return };
        if let TitleFact::ObjectionResolved { objection, .. } = fact {
            self.require_named_objection(event, entry, *objection);
        }
        let Some(notice) = self.notice_of(entry).copied() else {
            return self.object_to_missing_notice(event, title, entry.batch);
        };
        match (fact, notice.fact.kind) {
            (TitleFact::ObjectionRaised { .. }, FactKindRow::Noticed { to: Some(to), .. })
                if event.effective > to =>
            {
                let breach = RuleId::ObjectionLate.with(Key::Day, to);
                let value = event.effective.to_string();
                self.reject("effective_date", &value, breach, &[notice.position]);
            }
            _ => {}
        }
    }

    /// A resolution names an objection that it can decide: one to the same entry, raised by then.
    fn require_named_objection(&mut self, event: &Event, entry: Entry<'_>, named: Option<u64>) {
        let Some(named) = named else { return };
        let own = self.judge.cluster.own_facts();
        let raised = own.filter(|placed| {
            placed.fact.effective <= event.effective
                && matches!(placed.fact.kind, FactKindRow::ObjectionRaised { .. })
                && self.is_of_entry(&placed.fact, entry)
        });
        let raised: Vec<u32> = raised.map(|placed| placed.position).collect();
        let mut is_named = |at: u32| named == u64::from(at) || named == self.source_of(at);
        if !raised.into_iter().any(&mut is_named) {
            let field = "objection_resolved.objection";
            self.reject(field, &named.to_string(), RuleId::OtherObjection, &[]);
        }
    }

    /// A step of a notice that changes nothing although the entry is on record.
    pub(super) fn object_to_idle_notice_step(
        &mut self,
        event: &Event,
        title: &TitleRef,
        key: Option<TitleKey>,
        fact: &TitleFact,
    ) {
        let Some(entry) = Entry::of(key, fact) else { return };
        // Of a missing entry it was said already.
        let Some(position) = self.notice_of(entry).map(|placed| placed.position) else { return };
        let resolves = matches!(fact, TitleFact::ObjectionResolved { .. });
        let rule = if resolves { RuleId::ObjectionMissing } else { RuleId::NoticeNotOpen };
        let field = format!("{}.batch", event.fact.kind().name());
        let complete = self.notices_are_complete(event, title);
        self.reject_or_warn(complete, &field, entry.batch, rule, &[position]);
    }

    /// The notice of a new designation that an entry belongs to.
    fn notice_of(&self, entry: Entry<'_>) -> Option<&FactAt> {
        self.judge.cluster.own_facts().find(|placed| {
            matches!(placed.fact.kind, FactKindRow::Noticed { review: false, .. })
                && self.is_of_entry(&placed.fact, entry)
        })
    }

    /// True for a fact about an entry of a notice.
    fn is_of_entry(&self, fact: &FactRow, entry: Entry<'_>) -> bool {
        let (FactKindRow::Noticed { batch, recommendation, .. }
        | FactKindRow::ObjectionRaised { batch, recommendation }) = fact.kind
        else {
            return false;
        };
        fact.title() == entry.key
            && recommendation == entry.recommendation
            && self.register.text(batch) == entry.batch
    }

    pub(super) fn notices_are_complete(&mut self, event: &Event, title: &TitleRef) -> bool {
        self.is_complete(title.authority, title.programme, Part::Notices, event.effective)
    }

    fn object_to_missing_notice(&mut self, event: &Event, title: &TitleRef, batch: &str) {
        let complete = self.notices_are_complete(event, title);
        let field = format!("{}.batch", event.fact.kind().name());
        self.reject_if_complete(complete, &field, batch, RuleId::NoticeNotOpen);
    }
}
