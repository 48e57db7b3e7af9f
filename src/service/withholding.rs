//! Withholding an event: an operator proposes it, a second principal approves it, and the server
//! records it for both.
//!
//! The server keeps no proposal. The first caller gets one, sealed: who asked, when it ends, the
//! position and the reason. Only the server that sealed it accepts it.

use std::sync::Arc;

use tonic::{Code, Status};

use super::{
    access::principals_needed,
    adoption::{record, stated},
    arrival::Named,
    call::Call,
    entitled::not_entitled,
    errors::{self, bad_field, status},
};
use crate::{
    access::AccessControl,
    domain::{
        Principal,
        access::{Policy, Role},
        fault::{RuleId, echo},
    },
    ledger::{AppendError, Ledger},
    limits::{PROPOSAL_AGE_MAX, REDACTION_REASON_BYTES_MAX, SEAL_BYTES},
    protocol::{
        event,
        pb::{self, ErrorReason, event::Fact},
        time::timestamp,
    },
};

/// Says what the seals here are on.
const DOMAIN: &[u8] = b"withholding";

/// The method's name in refusals.
const ACTION: &str = "withhold";

/// Answers WithholdEvent.
pub(super) async fn withhold(
    ledger: &Arc<Ledger>,
    call: &Call,
    request: pb::WithholdEventRequest,
) -> Result<pb::WithholdEventResponse, Status> {
    let access = call.access.as_ref().filter(|access| !access.policy().is_open());
    let Some(access) = access else { return Err(principals_needed()) };
    let (policy, caller) = (access.policy(), call.principal());
    let is_first = request.proposal.is_empty();
    let roles = if is_first { &[Role::Operator][..] } else { &[Role::Operator, Role::Auditor] };
    require_role(&policy, caller, roles)?;
    let asked = Asked::read(ledger, call, &request).await?;
    if is_first {
        asked.require_recordable(ledger, caller)?;
        return Ok(asked.propose(ledger, access, caller));
    }
    let proposer = asked.opened(ledger, access, &request.proposal)?;
    if proposer == *caller {
        let name = caller.as_str().to_owned();
        let text = format!("{name} proposed it; another principal must approve it");
        let reason = ErrorReason::ApprovedByProposer;
        return Err(status(Code::PermissionDenied, reason, text, [("principal", name)]));
    }
    require_role(&policy, &proposer, &[Role::Operator])?;
    let fact = asked.fact(&proposer, caller);
    let position = asked.position;
    let receipt = record(ledger, vec![fact], None).await;
    let receipt = receipt.map_err(|refused| match refused {
        // Another approval was first.
        AppendError::Rejected(faults)
            if faults.iter().all(|fault| fault.breach.rule() == RuleId::WithheldAlready) =>
        {
            withheld_already(position)
        }
        refused => errors::refusal(refused),
    })?;
    tracing::warn!(
        position,
        at = receipt.first,
        requested_by = proposer.as_str().to_owned(),
        approved_by = caller.as_str().to_owned(),
        "an event is withheld from everybody"
    );
    Ok(pb::WithholdEventResponse { withheld_at: Some(receipt.first), ..Default::default() })
}

/// Refuses a principal that has none of the roles by now.
fn require_role(policy: &Policy, principal: &Principal, roles: &[Role]) -> Result<(), Status> {
    let rights = policy.rights_of(principal);
    if rights.is_some_and(|rights| rights.roles.any(roles)) {
        return Ok(());
    }
    let names: Vec<_> = roles.iter().map(|role| role.name()).collect();
    let text = format!("that is for the role {}", names.join(" or "));
    Err(not_entitled(principal.as_str(), ACTION, &text, []))
}

/// What is asked for.
struct Asked {
    position: u64,
    reason: String,
}

impl Asked {
    /// Reads the request, and refuses an event that cannot be withheld.
    async fn read(
        ledger: &Ledger,
        call: &Call,
        request: &pb::WithholdEventRequest,
    ) -> Result<Self, Status> {
        let position =
            request.position.ok_or_else(|| bad_field("position", "", RuleId::FieldRequired))?;
        let reason = request.reason.trim().to_owned();
        if reason.is_empty() {
            return Err(bad_field("reason", "", RuleId::FieldRequired));
        }
        let (bytes, most) = (reason.len(), REDACTION_REASON_BYTES_MAX);
        if bytes > most {
            return Err(errors::over_limit("reason", bytes, most, "bytes"));
        }
        Named { field: "position", position }.recorded(ledger, call).await?;
        let register = ledger.register();
        if register.is_of_service(position) {
            let value = position.to_string();
            return Err(bad_field("position", &value, RuleId::WithholdingOfService));
        }
        let next = position.saturating_add(1);
        if register.is_withheld(position) || !register.withheld_within(position, next).is_empty() {
            return Err(withheld_already(position));
        }
        Ok(Self { position, reason })
    }

    fn fact(&self, proposer: &Principal, approver: &Principal) -> Fact {
        Fact::EventWithheld(pb::EventWithheld {
            position: Some(self.position),
            reason: self.reason.clone(),
            requested_by: proposer.as_str().to_owned(),
            approved_by: approver.as_str().to_owned(),
        })
    }

    /// Refuses a reason that the log would not take, before anybody is asked to approve it.
    fn require_recordable(&self, ledger: &Ledger, caller: &Principal) -> Result<(), Status> {
        let event = stated(ledger, self.fact(caller, caller)).map_err(errors::refusal)?;
        let Err(faults) = event::proposal(ledger.catalogue(), 0, event) else { return Ok(()) };
        let of_reason = faults.iter().find(|fault| fault.field.ends_with(".reason"));
        match of_reason {
            Some(fault) => Err(bad_field("reason", &fault.value, fault.breach.clone())),
            None => Ok(()),
        }
    }

    fn propose(
        &self,
        ledger: &Ledger,
        access: &AccessControl,
        proposer: &Principal,
    ) -> pb::WithholdEventResponse {
        let age = i64::try_from(PROPOSAL_AGE_MAX.as_micros()).unwrap_or(i64::MAX);
        let expires = ledger.now_micros().saturating_add(age);
        let seal =
            self.context(ledger, expires, proposer.name(), |context| access.seal().seal(context));
        let mut proposal = expires.to_be_bytes().to_vec();
        proposal.extend_from_slice(proposer.name());
        proposal.extend_from_slice(&seal);
        pb::WithholdEventResponse {
            proposal: proposal.into(),
            proposal_expire_time: Some(timestamp(expires)),
            withheld_at: None,
        }
    }

    /// The principal that proposed what is asked for.
    fn opened(
        &self,
        ledger: &Ledger,
        access: &AccessControl,
        proposal: &[u8],
    ) -> Result<Principal, Status> {
        let foreign = || {
            let detail = "it was not made by this server, or for another position or reason";
            let text = format!("the proposal cannot be approved: {detail}");
            let detail = [("detail", detail.to_owned())];
            status(Code::InvalidArgument, ErrorReason::ProposalInvalid, text, detail)
        };
        let (expires, rest) = proposal.split_first_chunk::<8>().ok_or_else(foreign)?;
        let (name, seal) = rest.split_last_chunk::<SEAL_BYTES>().ok_or_else(foreign)?;
        let expires = i64::from_be_bytes(*expires);
        let is_own =
            self.context(ledger, expires, name, |context| access.seal().is_seal_of(seal, context));
        let proposer = str::from_utf8(name).ok().and_then(Principal::named);
        let proposer = proposer.filter(|_| is_own).ok_or_else(foreign)?;
        if ledger.now_micros() >= expires {
            let at = jiff::Timestamp::from_microsecond(expires).map(|at| at.to_string());
            let text = "the proposal is too old; propose again";
            let expired = [("expired", at.unwrap_or_default())];
            let reason = ErrorReason::ProposalExpired;
            return Err(status(Code::FailedPrecondition, reason, text, expired));
        }
        Ok(proposer)
    }

    /// Gives what is sealed: the log, the position and the reason, the end, and who asked.
    fn context<T>(
        &self,
        ledger: &Ledger,
        expires: i64,
        proposer: &[u8],
        with: impl FnOnce(&[&[u8]]) -> T,
    ) -> T {
        let (log, position) = (ledger.log_id(), self.position.to_be_bytes());
        let (expires, reason) = (expires.to_be_bytes(), self.reason.as_bytes());
        with(&[DOMAIN, log.as_bytes(), &position, reason, &expires, proposer])
    }
}

fn withheld_already(position: u64) -> Status {
    let text = format!("event {position} is withheld already");
    let at = [("position", echo(&position.to_string()))];
    status(Code::FailedPrecondition, ErrorReason::WithheldAlready, text, at)
}
