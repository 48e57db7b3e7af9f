//! Adopting a version of the register's rules. An empty log adopts the newest one by itself; for
//! any other log it is the operator's decision, because answers change.

use std::sync::Arc;

use tonic::Status;

use super::{adoption::record, errors};
use crate::{
    domain::fault::{Key, Reason, RuleId},
    ledger::{AppendError, Ledger, Precondition},
    protocol::pb::{self, event::Fact},
    register::FoldRules,
};

/// The version that a log without events adopts at the start: the newest one, unless it is in force
/// anyway. Of any other log it says that newer rules exist, if they do.
pub(super) fn to_adopt_at_start(ledger: &Ledger) -> Option<u32> {
    let (size, in_force) = (ledger.durable().size, in_force(ledger));
    let newest = ledger.rules_book().newest().number;
    if newest == in_force {
        return None;
    }
    if size == 0 {
        return Some(newest);
    }
    let hint = "tidu rules diff lists the titles that change, tidu rules adopt adopts it";
    tracing::info!(in_force, newest, hint, "a newer version of the rules exists");
    None
}

/// Answers AdoptRules.
pub(super) async fn adopt(
    ledger: &Arc<Ledger>,
    request: pb::AdoptRulesRequest,
) -> Result<pb::AdoptRulesResponse, Status> {
    let version = known(ledger, request.version)?.number;
    if version == in_force(ledger) {
        return Ok(answer(ledger, false));
    }
    let precondition = request.log_size.map(Precondition::LogSize);
    let adoption = Fact::RulesAdopted(pb::RulesAdopted { version });
    match record(ledger, vec![adoption], precondition).await {
        Ok(receipt) => {
            tracing::info!(version, position = receipt.first, "rules adopted");
            Ok(answer(ledger, true))
        }
        // Another call may have been first. Its adoption is in force once it is durable.
        Err(AppendError::Rejected(faults))
            if faults.iter().all(|fault| fault.reason() == Reason::AlreadyRecorded) =>
        {
            wait_for(ledger, version).await?;
            if in_force(ledger) > version {
                return Err(errors::rejected(&faults));
            }
            Ok(answer(ledger, false))
        }
        Err(refusal) => Err(errors::refusal(refusal)),
    }
}

/// The version of the rules that a request names; the newest one if it names none.
pub(super) fn known(ledger: &Ledger, version: Option<u32>) -> Result<FoldRules, Status> {
    let book = ledger.rules_book();
    let newest = book.newest();
    let Some(version) = version else { return Ok(newest) };
    book.find(version).ok_or_else(|| {
        let breach = RuleId::RulesUnknown.with(Key::Limit, newest.number);
        errors::bad_field("version", &version.to_string(), breach)
    })
}

/// Waits until a version, or a later one, is in force in the durable log.
async fn wait_for(ledger: &Ledger, version: u32) -> Result<(), Status> {
    let mut durable = ledger.watch();
    while in_force(ledger) < version {
        durable.changed().await.map_err(|_| errors::draining())?;
    }
    Ok(())
}

/// The version in force in the durable log.
fn in_force(ledger: &Ledger) -> u32 {
    ledger.rules_at(ledger.durable().size).number
}

fn answer(ledger: &Ledger, recorded: bool) -> pb::AdoptRulesResponse {
    let last = ledger.register().rules_adopted(ledger.durable().size).last();
    pb::AdoptRulesResponse {
        version: last.map_or(FoldRules::FIRST, |(_, rules)| rules).number,
        position: last.map(|(position, _)| position),
        recorded,
    }
}
