//! Whether a commit may be recorded in the name of its principals, under the policy in force when
//! it is decided. The edge has judged the same from the content alone, maybe under an earlier
//! policy; here the log before each event counts as well.

use std::sync::Arc;

use super::{AppendError, Commit, Entitlement, Proposal};
use crate::{
    domain::{
        Principal,
        access::{Action, Part, Place, Policy, Rights},
        catalogue::Catalogue,
        event::{Event, Fact},
    },
    register::Layers,
};

/// The rights of the principals of a commit, if any bound has to be judged.
pub(super) struct Entitled {
    policy: Arc<Policy>,
    recorder: (Principal, Arc<Rights>),
    approver: Option<(Principal, Arc<Rights>)>,
    /// The edge has judged each event under these very rights of the recorder.
    is_judged: bool,
    /// Events that need an approval are refused without one.
    asks_approval: bool,
    /// True once an event was judged that needs an approval.
    is_needed: bool,
    /// The first event that needs none, and that the approver may not approve.
    unreached: Option<AppendError>,
}

impl Entitled {
    /// Of a commit under a policy. `None` if everybody may record everything. `is_trial`: nothing
    /// is recorded, so nobody need approve it yet.
    ///
    /// # Errors
    /// [`AppendError::NotEntitled`] if the policy does not know a principal of the commit;
    /// [`AppendError::ApprovedByProposer`].
    pub(super) fn under(
        policy: &Arc<Policy>,
        commit: &Commit,
        is_trial: bool,
    ) -> Result<Option<Self>, AppendError> {
        if policy.is_open() {
            return Ok(None);
        }
        let Entitlement { approved_by, judged_under, .. } = &commit.entitlement;
        let recorder = known(policy, &commit.recorded_by, Action::Record)?;
        if approved_by.as_ref() == Some(&commit.recorded_by) {
            let principal = commit.recorded_by.as_str().to_owned();
            return Err(AppendError::ApprovedByProposer { principal });
        }
        let approver = approved_by.as_ref();
        let approver = approver.map(|name| known(policy, name, Action::Approve)).transpose()?;
        let asks_approval = !is_trial && policy.asks_approval();
        if recorder.1.records_everything() && approver.is_none() && !asks_approval {
            return Ok(None);
        }
        let is_judged = judged_under.as_ref().is_some_and(|judged| *judged == recorder.1);
        let policy = Arc::clone(policy);
        let (is_needed, unreached) = (false, None);
        Ok(Some(Self {
            policy,
            recorder,
            approver,
            is_judged,
            asks_approval,
            is_needed,
            unreached,
        }))
    }

    /// Judges an event that would be recorded next.
    ///
    /// # Errors
    /// [`AppendError::NotEntitled`], [`AppendError::ApprovalRequired`].
    pub(super) fn require(
        &mut self,
        register: Layers<'_>,
        catalogue: &Catalogue,
        Proposal { index, event, .. }: &Proposal,
    ) -> Result<(), AppendError> {
        // The rules refuse facts of the service to everybody but the server.
        if event.fact.kind().is_of_service() || self.recorder.0 == Principal::SERVER {
            return Ok(());
        }
        let is_repair = matches!(event.fact, Fact::Repair { .. });
        let looks_at_log = is_repair || self.names_regions();
        let parts = if looks_at_log { register.parts_of(event) } else { event.parts() };
        let at = (*index, catalogue, event);
        if looks_at_log || !self.is_judged {
            require_all(Action::Record, &self.recorder, &parts, at)?;
        }
        let is_needed = self.needs_approval(event, &parts);
        self.is_needed |= is_needed;
        match &self.approver {
            Some(approver) => {
                let approved = require_all(Action::Approve, approver, &parts, at);
                if is_needed {
                    return approved;
                }
                self.unreached = self.unreached.take().or_else(|| approved.err());
                Ok(())
            }
            None if is_needed => Err(AppendError::ApprovalRequired {
                index: *index,
                authority: event.issuer.as_str(),
                kind: event.fact.kind(),
            }),
            None => Ok(()),
        }
    }

    /// Ends the judgement. Who approves what needs no approval must be entitled to all of it.
    ///
    /// # Errors
    /// [`AppendError::NotEntitled`].
    pub(super) fn require_all_told(&self) -> Result<(), AppendError> {
        match &self.unreached {
            Some(error) if !self.is_needed => Err(error.clone()),
            _ => Ok(()),
        }
    }

    fn names_regions(&self) -> bool {
        let approver = self.approver.as_ref();
        self.recorder.1.names_regions(Action::Record)
            || approver.is_some_and(|(_, rights)| rights.names_regions(Action::Approve))
    }

    /// True if an event needs the approval of a second principal, or the fact that it repairs.
    fn needs_approval(&self, event: &Event, parts: &[Part]) -> bool {
        if self.approver.is_none() && !self.asks_approval {
            return false;
        }
        let targets = parts.iter().filter(|part| part.place == Place::Target);
        self.policy.needs_approval(event)
            || targets.into_iter().any(|part| self.policy.needs_approval_of(&part.matter))
    }
}

/// True if two policies say the same of a commit.
pub(super) fn is_same(before: &Arc<Policy>, after: &Arc<Policy>, commit: &Commit) -> bool {
    if Arc::ptr_eq(before, after) {
        return true;
    }
    let approver = commit.entitlement.approved_by.as_ref();
    let mut principals = [Some(&commit.recorded_by), approver].into_iter().flatten();
    before.is_open() == after.is_open()
        && before.asks_same_approvals(after)
        && principals.all(|name| before.rights_of(name) == after.rights_of(name))
}

fn known(
    policy: &Policy,
    principal: &Principal,
    action: Action,
) -> Result<(Principal, Arc<Rights>), AppendError> {
    match policy.rights_of(principal) {
        Some(rights) => Ok((principal.clone(), Arc::clone(rights))),
        None => Err(AppendError::NotEntitled {
            principal: principal.as_str().to_owned(),
            action,
            beyond: None,
        }),
    }
}

fn require_all(
    action: Action,
    (principal, rights): &(Principal, Arc<Rights>),
    parts: &[Part],
    (index, catalogue, event): (usize, &Catalogue, &Event),
) -> Result<(), AppendError> {
    for part in parts {
        if let Some(bound) = rights.broken_by(action, part, true) {
            let beyond = Some(event.beyond(index, catalogue, part.place, bound));
            return Err(AppendError::NotEntitled {
                principal: principal.as_str().to_owned(),
                action,
                beyond,
            });
        }
    }
    Ok(())
}
