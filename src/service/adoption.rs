//! Adopting a catalogue or a version of the rules is an event, so the log shows by what its facts
//! are read from which position on.

use super::rules;
use crate::{
    domain::{CivilDate, Issuer, Party, Principal, text::hex},
    ledger::{AppendError, Commit, Ledger, Precondition, Proposal, Receipt},
    protocol::{
        event,
        pb::{self, event::Fact},
        time,
    },
};

/// Records that the catalogue in use was adopted, unless the log says so already. A log that was
/// only ever kept under the first built-in catalogue has no such event. An empty log adopts the
/// newest rules in the same commit.
///
/// The file of the catalogue is kept by then, and no other commit was recorded since the ledger was
/// opened.
///
/// # Errors
/// The reason for people, if it could not be recorded.
pub(crate) async fn adopt(ledger: &Ledger) -> Result<(), String> {
    let catalogue = ledger.catalogue();
    // The adoption of the catalogue comes first: it counts from the next position on.
    let mut facts = Vec::new();
    if ledger.needs_adoption() {
        facts.push(Fact::CatalogueAdopted(pb::CatalogueAdopted {
            sha256: catalogue.sha256.to_vec().into(),
            version: catalogue.version.clone(),
        }));
    }
    let adopts_catalogue = !facts.is_empty();
    let rules = rules::to_adopt_at_start(ledger);
    facts.extend(rules.map(|version| Fact::RulesAdopted(pb::RulesAdopted { version })));
    if facts.is_empty() {
        return Ok(());
    }
    let receipt = record(ledger, facts, None).await.map_err(|refusal| format!("{refusal:?}"))?;
    if adopts_catalogue {
        // A forgotten flag must not pass unseen: it changes the rules for later facts.
        tracing::warn!(
            version = catalogue.version,
            digest = hex(&catalogue.sha256),
            position = receipt.first,
            "catalogue adopted for facts from this position on; earlier facts keep theirs"
        );
    }
    if let Some(version) = rules {
        tracing::info!(version, position = receipt.next - 1, "rules adopted");
    }
    Ok(())
}

/// Records facts of the service in one commit.
pub(super) async fn record(
    ledger: &Ledger,
    facts: Vec<Fact>,
    precondition: Option<Precondition>,
) -> Result<Receipt, AppendError> {
    let now = jiff::Timestamp::from_microsecond(ledger.now_micros())
        .map_err(|error| AppendError::Clock(error.to_string()))?;
    let today = time::pb_date(CivilDate::today_in_shanghai(now));
    let propose = |(index, fact)| {
        let event = pb::Event {
            authority: Issuer::Service.as_str().to_owned(),
            effective_date: Some(today),
            fact: Some(fact),
            ..Default::default()
        };
        let proposed = event::proposal(ledger.catalogue(), index, event);
        proposed.map(|proposed| Proposal::new(index, proposed)).map_err(AppendError::Rejected)
    };
    let commit = Commit {
        proposals: facts.into_iter().enumerate().map(propose).collect::<Result<_, _>>()?,
        request: None,
        precondition,
        recorded_by: Principal::SERVER,
        party: Party::Server,
    };
    ledger.append(commit).await
}
