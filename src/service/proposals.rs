//! Proposals: commits that one principal proposes and another one approves. The server keeps none:
//! it seals what identifies one, and takes the seal back with the same request.

use std::sync::Arc;

use bytes::Bytes;
use prost::Message as _;
use tonic::{Code, Status};

use super::{access::principals_needed, call::Call, errors};
use crate::{
    access::AccessControl,
    domain::{
        access::Policy,
        fault::{RuleId, echo},
    },
    ledger::{Ledger, Proposal},
    limits::PROPOSAL_AGE_MAX,
    merkle::{self, Frontier, Hash},
    protocol::{
        append::ReceivedCommit,
        pb::{self, ErrorReason},
        proposal::{SealedProposal, precondition_digest},
        time::timestamp,
    },
};

/// What is sealed: no other seal of the server begins with it.
const DOMAIN: &[u8] = b"proposal";

/// A proposal that is sealed if its trial succeeds.
pub(super) struct Draft {
    proposer: String,
    request_id: String,
    precondition: Bytes,
    access: Arc<AccessControl>,
}

/// Requires the fields that a request must have to propose or to approve.
///
/// # Errors
/// FAILED_PRECONDITION on a server without principals; otherwise INVALID_ARGUMENT.
pub(super) fn require_form(call: &Call, request: &ReceivedCommit) -> Result<(), Status> {
    if governed(call).is_none() {
        return Err(principals_needed());
    }
    if request.propose && !request.validate_only {
        return Err(errors::bad_field("validate_only", "false", RuleId::FieldRequired));
    }
    if request.propose && !request.proposal.is_empty() {
        return Err(invalid("the request proposes and approves at once"));
    }
    if request.request_id.is_empty() {
        return Err(errors::bad_field("request_id", "", RuleId::FieldRequired));
    }
    Ok(())
}

/// The proposal that a request approves, once its seal, its log and its age are judged, and the
/// policy in force.
///
/// # Errors
/// PROPOSAL_INVALID, PROPOSAL_EXPIRED.
pub(super) fn open(
    call: &Call,
    request: &ReceivedCommit,
) -> Result<(SealedProposal, Arc<Policy>), Status> {
    let Some(access) = governed(call) else { return Err(principals_needed()) };
    let strange = || invalid("this server has not made it");
    let proposal = SealedProposal::decode(request.proposal.clone()).map_err(|_| strange())?;
    let sealed = proposal.sealed_bytes();
    if !access.seal().is_seal_of(&proposal.seal, &[DOMAIN, &sealed]) {
        return Err(strange());
    }
    if proposal.request_id != request.request_id {
        return Err(invalid("the request has another request_id"));
    }
    if proposal.precondition != precondition_digest(request.precondition.as_ref()) {
        return Err(invalid("the request has another precondition"));
    }
    Ok((proposal, access.policy()))
}

/// Requires that a proposal is of this log, in time, and of these events.
///
/// # Errors
/// PROPOSAL_INVALID, PROPOSAL_EXPIRED.
pub(super) fn require_of(
    proposal: &SealedProposal,
    ledger: &Ledger,
    content_root: &Hash,
) -> Result<(), Status> {
    if proposal.log_id != ledger.log_id().as_bytes().as_slice() {
        return Err(invalid("it is for another log"));
    }
    if proposal.content_root != content_root.as_slice() {
        return Err(invalid("the request has other events"));
    }
    if ledger.now_micros() >= proposal.expires_micros {
        let at = jiff::Timestamp::from_microsecond(proposal.expires_micros);
        let expired = ("expired", at.map(|at| at.to_string()).unwrap_or_default());
        let text = "the proposal is too old; propose again";
        let reason = ErrorReason::ProposalExpired;
        return Err(errors::status(Code::FailedPrecondition, reason, text, [expired]));
    }
    Ok(())
}

/// The root over the normalised events.
pub(super) fn content_root(proposals: &[Proposal]) -> Hash {
    let mut frontier = Frontier::default();
    for proposal in proposals {
        frontier.push(merkle::leaf_hash(&proposal.body));
    }
    frontier.root()
}

impl Draft {
    /// Of a request that proposes; `None` for any other.
    pub(super) fn of(call: &Call, request: &ReceivedCommit) -> Option<Self> {
        if !request.propose {
            return None;
        }
        Some(Self {
            proposer: call.name().to_owned(),
            request_id: request.request_id.clone(),
            precondition: precondition_digest(request.precondition.as_ref()),
            access: Arc::clone(governed(call)?),
        })
    }

    /// Seals it, and adds it to the answer.
    pub(super) fn seal(self, ledger: &Ledger, answer: &mut pb::AppendResponse) {
        let age = i64::try_from(PROPOSAL_AGE_MAX.as_micros()).unwrap_or(i64::MAX);
        let mut proposal = SealedProposal {
            log_id: Bytes::copy_from_slice(ledger.log_id().as_bytes()),
            proposer: self.proposer,
            content_root: Bytes::copy_from_slice(&answer.content_root),
            request_id: self.request_id,
            precondition: self.precondition,
            expires_micros: ledger.now_micros().saturating_add(age),
            seal: Bytes::new(),
        };
        let seal = self.access.seal().seal(&[DOMAIN, &proposal.sealed_bytes()]);
        proposal.seal = Bytes::copy_from_slice(&seal);
        answer.proposal_expire_time = Some(timestamp(proposal.expires_micros));
        answer.proposal = proposal.encode_to_vec().into();
    }
}

/// The principals of a server that has some.
fn governed(call: &Call) -> Option<&Arc<AccessControl>> {
    call.access.as_ref().filter(|access| !access.policy().is_open())
}

/// The proposal cannot be approved with this request: INVALID_ARGUMENT.
fn invalid(detail: &str) -> Status {
    let text = format!("the proposal cannot be approved: {detail}");
    let metadata = [("detail", echo(detail))];
    errors::status(Code::InvalidArgument, ErrorReason::ProposalInvalid, text, metadata)
}
