//! In whose name a request records, and whether its principals may. It is judged from the content
//! alone, before the rules and before anything is looked up; the writer judges again.

use std::sync::Arc;

use tonic::Status;

use super::{call::Call, errors, proposals};
use crate::{
    domain::{
        Principal,
        access::{Action, Policy, Rights},
        catalogue::Catalogue,
        event::Event,
    },
    ledger::{AppendError, Entitlement},
    limits::PROPOSAL_BYTES_MAX,
    protocol::{append::ReceivedCommit, proposal::SealedProposal},
};

/// The principals of a request, with their rights.
pub(super) struct Recorder {
    principal: Principal,
    rights: Arc<Rights>,
    /// Nothing of it need be judged.
    records_everything: bool,
    /// The policy, if events are judged whether they need an approval.
    policy: Option<Arc<Policy>>,
    approver: Option<(Principal, Arc<Rights>)>,
    /// The proposal that is approved.
    pub(super) proposal: Option<SealedProposal>,
    expires_micros: Option<i64>,
}

impl Recorder {
    /// Of a request, which records in its caller's name, or in that of the principal whose proposal
    /// the caller approves.
    ///
    /// # Errors
    /// If the proposal cannot be approved by this caller, or another field does not fit.
    pub(super) fn of(call: &Call, request: &ReceivedCommit) -> Result<Self, Status> {
        if request.proposal.len() > PROPOSAL_BYTES_MAX {
            let bytes = request.proposal.len();
            return Err(errors::over_limit("proposal", bytes, PROPOSAL_BYTES_MAX, "bytes"));
        }
        let policy = call.access.as_ref().map(|access| access.policy());
        let own = Self {
            principal: call.principal().clone(),
            rights: Arc::clone(&call.who.rights),
            records_everything: call.who.rights.records_everything(),
            policy: policy.filter(|policy| policy.asks_approval() && !request.validate_only),
            approver: None,
            proposal: None,
            expires_micros: call.who.expires_micros,
        };
        if request.proposal.is_empty() && !request.propose {
            return Ok(own);
        }
        proposals::require_form(call, request)?;
        if request.propose { Ok(own) } else { own.approving(call, request) }
    }

    /// The same caller, as the one who approves a proposal.
    fn approving(self, call: &Call, request: &ReceivedCommit) -> Result<Self, Status> {
        let (proposal, policy) = proposals::open(call, request)?;
        let proposer = Principal::named(&proposal.proposer);
        let known = proposer.and_then(|proposer| {
            let rights = Arc::clone(policy.rights_of(&proposer)?);
            Some((proposer, rights))
        });
        let Some((proposer, rights)) = known else {
            return Err(errors::beyond_rights(&proposal.proposer, Action::Record, None));
        };
        if proposer == self.principal {
            let principal = proposal.proposer;
            return Err(errors::refusal(AppendError::ApprovedByProposer { principal }));
        }
        Ok(Self {
            records_everything: rights.records_everything(),
            principal: proposer,
            rights,
            policy: Some(policy),
            approver: Some((self.principal, self.rights)),
            proposal: Some(proposal),
            expires_micros: self.expires_micros,
        })
    }

    /// The one in whose name the request records.
    pub(super) fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Refuses an event that it may not record, or that lacks an approval, as far as the event
    /// itself tells.
    pub(super) fn require(
        &self,
        catalogue: &Catalogue,
        index: usize,
        event: &Event,
    ) -> Result<(), Status> {
        // The rules refuse facts of the service to every caller.
        if event.fact.kind().is_of_service() {
            return Ok(());
        }
        if !self.records_everything {
            let recorder = (&self.principal, &*self.rights);
            require_all(Action::Record, recorder, catalogue, index, event)?;
        }
        let needs = self.policy.as_ref().is_some_and(|policy| policy.needs_approval(event));
        match &self.approver {
            _ if !needs => Ok(()),
            Some((name, rights)) => {
                require_all(Action::Approve, (name, &**rights), catalogue, index, event)
            }
            None => Err(errors::refusal(AppendError::ApprovalRequired {
                index,
                authority: event.issuer.as_str(),
                kind: event.fact.kind(),
            })),
        }
    }

    /// On whose authority its commit may be recorded, once each event was judged.
    pub(super) fn entitlement(&self) -> Entitlement {
        Entitlement {
            approved_by: self.approver.as_ref().map(|(name, _)| name.clone()),
            expires_micros: self.expires_micros,
            judged_under: Some(Arc::clone(&self.rights)),
        }
    }
}

fn require_all(
    action: Action,
    (name, rights): (&Principal, &Rights),
    catalogue: &Catalogue,
    index: usize,
    event: &Event,
) -> Result<(), Status> {
    for part in event.parts() {
        if let Some(bound) = rights.broken_by(action, &part, false) {
            let beyond = event.beyond(index, catalogue, part.place, bound);
            return Err(errors::beyond_rights(name.as_str(), action, Some(beyond)));
        }
    }
    Ok(())
}
