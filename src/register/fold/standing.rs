//! Where a folded title stands on the day it was folded for: its status and flags.

use super::{
    Flag, Flags, Status, Subject,
    title::{Creation, Folded, Notice},
};
use crate::{
    domain::{AuthorityCode, CivilDate},
    register::{Register, batch::BatchKey, query::Moment, row::TitleKey, texts::Sym},
};

impl Folded {
    /// Where the title stands.
    pub(in crate::register) fn status(&self, register: &Register, moment: Moment) -> Status {
        let as_of = moment.as_of;
        let lapsed_on = match (self.ended, self.current()) {
            (Some(ended), _) if ended.status != Status::Expired => return ended.status,
            (Some(ended), _) => Some(ended.day),
            (None, None) => None,
            (None, Some(period)) if period.from > as_of => return Status::Pending,
            (None, Some(period)) if period.holds_on(as_of) => return Status::Active,
            (None, Some(period)) => period.validity.to,
        };
        let noticed_since =
            self.notice.filter(|notice| lapsed_on.is_none_or(|day| notice.from >= day));
        let in_creation = matches!(self.creation, Some(Creation::Open | Creation::Passed));
        match (noticed_since, lapsed_on) {
            (Some(notice), _) if !self.is_closed(register, notice, moment) => Status::Noticed,
            (_, None) if in_creation => Status::Noticed,
            (_, Some(_)) => Status::Expired,
            _ => Status::NotDesignated,
        }
    }

    /// A notice closes when its entry is withdrawn or an objection upheld, and at the seal of its list, unless it was
    /// contested then.
    fn is_closed(&self, register: &Register, notice: Notice, moment: Moment) -> bool {
        if notice.closed.is_some() {
            return true;
        }
        let seal = self.seal(register, notice.batch, notice.sublist, moment);
        seal.is_some_and(|seal| {
            let raised = notice.raised.is_some_and(|day| day <= seal);
            let resolved = notice.resolved.is_some_and(|day| day <= seal);
            !raised || resolved
        })
    }

    fn seal(
        &self,
        register: &Register,
        name: Sym,
        sublist: Option<AuthorityCode>,
        moment: Moment,
    ) -> Option<CivilDate> {
        let TitleKey { programme, authority, .. } = self.key;
        let key = BatchKey { programme, authority, name };
        register.seal_of(key, sublist, moment).map(|seal| seal.effective)
    }

    /// True if the list that the title was designated or noticed in is sealed.
    pub(in crate::register) fn is_sealed(&self, register: &Register, moment: Moment) -> bool {
        self.seal(register, self.batch, self.sublist, moment).is_some()
    }

    /// What deserves attention. The flags that rest on other titles or on duties are the caller's.
    pub(in crate::register) fn flags(
        &self,
        register: &Register,
        subject: &Subject,
        by_name_only: bool,
        moment: Moment,
    ) -> Flags {
        let status = self.status(register, moment);
        let lives = matches!(status, Status::Active | Status::Pending);
        let mut flags = Flags::default();
        let contested = self.notice.is_some_and(|n| n.raised.is_some() && n.resolved.is_none());
        flags.set(Flag::NoticeContested, contested && status == Status::Noticed);
        if let Some(round) = self.review {
            let past = status == Status::Expired && self.ended.is_none();
            let open = self.seal(register, round, self.sublist.or(self.recommended_by), moment);
            flags.set(Flag::ReviewDue, lives);
            flags.set(Flag::ReviewPending, past && open.is_none());
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
