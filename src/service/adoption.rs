//! Adopting a catalogue is an event, so the log shows which catalogue has decided from which
//! position on.

use bytes::Bytes;

use super::register::stated_at;
use crate::{
    domain::{CivilDate, Issuer, Principal, catalogue::Catalogue},
    ledger::{Commit, Ledger, Proposal},
    protocol::{
        event,
        pb::{self, event::Fact},
        time,
    },
};

/// Records that the catalogue in use was adopted, unless the log says so already. A log that was
/// only ever kept under the built-in catalogue has no such event: the program's version names it.
///
/// # Errors
/// The reason for people, if it could not be recorded.
pub(crate) async fn adopt(ledger: &Ledger) -> Result<(), String> {
    let catalogue = ledger.catalogue();
    let size = ledger.durable().size;
    let last = ledger.register().last_adoption(size);
    let adopted = match last {
        Some(position) => match stated_at(ledger, position).await {
            Ok(Some(Fact::CatalogueAdopted(adopted))) => Some(adopted.sha256),
            Ok(_) => None,
            Err(error) => return Err(error.to_string()),
        },
        None => Some(Bytes::copy_from_slice(&Catalogue::built_in().sha256)),
    };
    if adopted.is_some_and(|adopted| adopted == catalogue.sha256.as_slice()) {
        return Ok(());
    }
    let now = jiff::Timestamp::from_microsecond(ledger.now_micros()).map_err(|e| e.to_string())?;
    let fact = pb::CatalogueAdopted {
        sha256: catalogue.sha256.to_vec().into(),
        version: catalogue.version.clone(),
    };
    let event = pb::Event {
        authority: Issuer::Service.as_str().to_owned(),
        effective_date: Some(time::pb_date(CivilDate::today_in_shanghai(now))),
        fact: Some(Fact::CatalogueAdopted(fact)),
        ..Default::default()
    };
    let proposed = event::proposal(catalogue, 0, event).map_err(|faults| format!("{faults:?}"))?;
    let commit = Commit {
        proposals: vec![Proposal::new(0, proposed)],
        request: None,
        precondition: None,
        validate_only: false,
        recorded_by: Principal::SERVER,
    };
    let receipt = ledger.append(commit).await.map_err(|refusal| format!("{refusal:?}"))?;
    tracing::info!(version = catalogue.version, position = receipt.first, "catalogue adopted");
    Ok(())
}
