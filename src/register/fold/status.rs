//! The status and flags of a folded title, on the day it was folded for.

use super::{
    Flag, Flags, Status, Subject,
    title::{Creation, Folded, Notice},
};
use crate::{
    domain::{AuthorityCode, CivilDate},
    register::{
        batches::{BatchKey, SealsAsOf},
        rows::{Sym, TitleKey},
        versions::FoldRules,
    },
};

impl Folded {
    /// The status of the title by the rules that it was folded by.
    pub(in crate::register) fn status(&self, seals: SealsAsOf<'_>, rules: FoldRules) -> Status {
        let valid_on = seals.valid_on();
        let lapsed_on = match (self.ended, self.current()) {
            (Some(ended), _) if ended.status != Status::Expired => return ended.status,
            (Some(ended), _) => Some(ended.day),
            (None, None) => None,
            (None, Some(period)) if period.from > valid_on => return Status::Pending,
            (None, Some(period)) if period.holds_on(valid_on) => return Status::Active,
            (None, Some(period)) => period.validity.to,
        };
        let noticed_since =
            self.notice.filter(|notice| lapsed_on.is_none_or(|day| notice.from >= day));
        let in_creation = matches!(self.creation, Some(Creation::Open | Creation::Passed));
        match (noticed_since, lapsed_on) {
            (Some(notice), _) if !self.is_closed(notice, seals, rules) => Status::Noticed,
            (_, None) if in_creation => Status::Noticed,
            (_, Some(_)) => Status::Expired,
            _ => Status::NotDesignated,
        }
    }

    /// A notice closes when its entry is withdrawn or an objection upheld. It also closes at the
    /// seal of its list, unless an objection was open then and the rules let it survive.
    fn is_closed(&self, notice: Notice, seals: SealsAsOf<'_>, rules: FoldRules) -> bool {
        if notice.closed.is_some() {
            return true;
        }
        let sealed_on = self.sealed_on(notice.batch, notice.sublist, seals);
        sealed_on.is_some_and(|seal| {
            let raised = notice.raised.is_some_and(|day| day <= seal);
            let resolved = notice.resolved.is_some_and(|day| day <= seal);
            !raised || resolved || !rules.contest_survives_seal
        })
    }

    fn sealed_on(
        &self,
        name: Sym,
        sublist: Option<AuthorityCode>,
        seals: SealsAsOf<'_>,
    ) -> Option<CivilDate> {
        let TitleKey { programme, authority, .. } = self.key;
        let key = BatchKey { programme, authority, name };
        seals.of(key, sublist).map(|seal| seal.effective)
    }

    /// True if the list that the title was designated or noticed in is sealed.
    pub(in crate::register) fn is_sealed(&self, seals: SealsAsOf<'_>) -> bool {
        self.sealed_on(self.batch, self.sublist, seals).is_some()
    }

    /// The flags of the title. Those that depend on other titles or duties are set by the caller.
    pub(in crate::register) fn flags(
        &self,
        status: Status,
        subject: &Subject,
        by_name_only: bool,
        seals: SealsAsOf<'_>,
    ) -> Flags {
        let lives = matches!(status, Status::Active | Status::Pending);
        let mut flags = Flags::default();
        let contested = self.notice.is_some_and(|n| n.raised.is_some() && n.resolved.is_none());
        flags.set(Flag::NoticeContested, contested && status == Status::Noticed);
        if let Some(round) = self.review {
            let past = status == Status::Expired && self.ended.is_none();
            let sublist = self.sublist.or(self.recommended_by);
            let is_open = self.sealed_on(round, sublist, seals).is_none();
            flags.set(Flag::ReviewDue, lives);
            flags.set(Flag::ReviewPending, past && is_open);
        }
        flags.set(Flag::ReportOverdue, lives && subject.report_overdue);
        flags.set(Flag::RelocationProposed, lives && subject.relocation_proposed);
        flags.set(Flag::Rectification, lives && self.rectify.is_some());
        flags.set(Flag::RevocationProposed, lives && self.revocation_proposed);
        flags.set(Flag::IdentityCollision, self.collision);
        flags.set(Flag::CreationOpen, self.creation == Some(Creation::Open));
        flags.set(Flag::IdentityUnverified, by_name_only);
        flags
    }
}
