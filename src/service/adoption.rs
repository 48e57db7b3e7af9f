//! Adopting a catalogue is an event, so the log shows which catalogue has decided from which
//! position on.

use crate::{
    domain::{CivilDate, Issuer, Principal, text::hex},
    ledger::{Commit, Ledger, Proposal},
    protocol::{
        event,
        pb::{self, event::Fact},
        time,
    },
};

/// Records that the catalogue in use was adopted, unless the log says so already. A log that was
/// only ever kept under the first built-in catalogue has no such event.
///
/// Its file is kept by then, and no other commit was recorded since the ledger was opened.
///
/// # Errors
/// The reason for people, if it could not be recorded.
pub(crate) async fn adopt(ledger: &Ledger) -> Result<(), String> {
    if !ledger.needs_adoption() {
        return Ok(());
    }
    let catalogue = ledger.catalogue();
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
    let digest = hex(&catalogue.sha256);
    tracing::info!(
        version = catalogue.version,
        digest,
        position = receipt.first,
        "catalogue adopted for facts from this position on; earlier facts keep theirs"
    );
    Ok(())
}
