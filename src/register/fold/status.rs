//! The status, end and flags of a folded title, on the day it was folded for.

use super::{
    EndCause, Flag, Flags, Status, Subject,
    ends::{End, Ended},
    notices::{Closed, Entry},
    title::{Creation, Folded},
};
use crate::{
    domain::{AuthorityCode, CivilDate},
    register::{
        batches::{BatchKey, Seal, SealsAsOf},
        rows::{Sym, TitleKey},
        versions::FoldRules,
    },
};

impl Folded {
    /// The status of the title by the rules that it was folded by.
    pub(in crate::register) fn status(&self, seals: SealsAsOf<'_>, rules: FoldRules) -> Status {
        let valid_on = seals.valid_on();
        if let Some(ended) = self.ended.filter(Ended::is_final) {
            return ended.status;
        }
        let last_day = match self.current() {
            None => None,
            Some(period) if period.holds_on(valid_on) => return Status::Active,
            Some(period) if period.from > valid_on => return Status::Pending,
            Some(period) => period.validity.to,
        };
        let is_after = |day: CivilDate| last_day.is_none_or(|last| day > last);
        let is_noticed =
            |entry: &Entry| is_after(entry.from) && self.closed(entry, seals, rules).is_none();
        let in_task = self.task.filter(|task| task.closed.is_none() && is_after(task.listed));
        if in_task.is_some() || self.notices.deciding().any(is_noticed) {
            return Status::Noticed;
        }
        match self.current() {
            Some(_) => Status::Expired,
            None if self.notices.is_empty() && self.task.is_none() => Status::NotOnRecord,
            None => Status::NotDesignated,
        }
    }

    /// The end of the title, or of the entry that led to none; of a title in force its failed
    /// review.
    pub(in crate::register) fn end_as_of(
        &self,
        status: Status,
        seals: SealsAsOf<'_>,
        rules: FoldRules,
    ) -> Option<End> {
        let failed = self.failed.map(|failed| End::by(failed.cause, failed.position));
        let ended = self.ended.map(|ended| End::by(ended.cause, ended.position));
        match status {
            Status::Active => failed,
            Status::Noticed => None,
            Status::Expired => failed.or(Some(End { cause: EndCause::Lapsed, position: None })),
            Status::NotDesignated => {
                let entries = self.notices.deciding();
                let closed = entries.filter_map(|entry| self.closed(entry, seals, rules));
                let last = closed.chain(self.task.and_then(|task| task.closed)).max();
                last.map(|last| End::by(last.cause, last.position))
            }
            _ => ended,
        }
    }

    /// An entry closes when it is withdrawn, an objection upheld, or its subject ends. It also
    /// closes at the seal of its list, unless an objection was open then and the rules let it
    /// survive. The earlier of the two counts.
    fn closed(&self, entry: &Entry, seals: SealsAsOf<'_>, rules: FoldRules) -> Option<Closed> {
        let batch = entry.key.batch;
        let after = entry.supplement.then_some(entry.from);
        let seal = seals.after(self.batch_key(batch), entry.sublist, after).filter(|seal| {
            !(rules.contest_survives_seal && self.notices.was_contested(batch, seal.effective))
        });
        let sealed = seal.map(|seal| Closed {
            day: seal.effective,
            cause: EndCause::NotOnFinalList,
            position: seal.position,
        });
        [entry.closed, sealed].into_iter().flatten().min_by_key(|closed| closed.day)
    }

    fn seal_of(
        &self,
        name: Sym,
        sublist: Option<AuthorityCode>,
        seals: SealsAsOf<'_>,
    ) -> Option<Seal> {
        seals.of(self.batch_key(name), sublist)
    }

    fn batch_key(&self, name: Sym) -> BatchKey {
        let TitleKey { programme, authority, .. } = self.key;
        BatchKey { programme, authority, name }
    }

    /// True if the list that the title was designated or noticed in is sealed.
    pub(in crate::register) fn is_sealed(&self, seals: SealsAsOf<'_>) -> bool {
        self.seal_of(self.batch, self.sublist, seals).is_some()
    }

    /// True if an objection is undecided to an entry that is open.
    fn is_contested(&self, seals: SealsAsOf<'_>, rules: FoldRules) -> bool {
        let mut deciding = self.notices.deciding();
        deciding.any(|entry| {
            self.notices.is_contested(entry.key.batch) && self.closed(entry, seals, rules).is_none()
        })
    }

    /// The flags of the title. Those that depend on other titles, duties or the catalogue are set
    /// by the caller.
    pub(in crate::register) fn flags(
        &self,
        status: Status,
        subject: &Subject,
        by_name_only: bool,
        seals: SealsAsOf<'_>,
        rules: FoldRules,
    ) -> Flags {
        let lives = matches!(status, Status::Active | Status::Pending);
        let mut flags = Flags::default();
        let contested = status == Status::Noticed && self.is_contested(seals, rules);
        flags.set(Flag::NoticeContested, contested);
        if let Some(round) = self.review {
            let past = status == Status::Expired && self.ended.is_none();
            let sublist = self.sublist.or(self.recommended_by);
            let is_open = self.seal_of(round, sublist, seals).is_none();
            flags.set(Flag::ReviewDue, lives);
            flags.set(Flag::ReviewPending, past && is_open);
        }
        let is_active = status == Status::Active;
        flags.set(Flag::ReportOverdue, lives && subject.report_overdue);
        flags.set(Flag::RelocationProposed, is_active && subject.relocation_proposed);
        flags.set(Flag::LicenceRevoked, lives && subject.licence_revoked);
        flags.set(Flag::Rectification, lives && self.rectify.is_some());
        flags.set(Flag::RevocationProposed, lives && self.revocation_proposed);
        flags.set(Flag::IdentityCollision, self.collision);
        let in_task = self.task.is_some_and(|task| task.closed.is_none());
        flags.set(Flag::CreationOpen, in_task && self.creation == Some(Creation::Open));
        flags.set(Flag::IdentityUnverified, by_name_only);
        flags.set(Flag::DesignationNotOnRecord, self.is_undesignated);
        flags
    }
}

impl End {
    fn by(cause: EndCause, position: u32) -> Self {
        Self { cause, position: Some(position) }
    }
}
