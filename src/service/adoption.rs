//! Adopting a catalogue or a version of the rules is an event, so the log shows by what its facts
//! are read from which position on.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Mutex;
use tonic::Status;

use super::{errors, rules};
use crate::{
    domain::{CivilDate, Issuer, Party, Principal, text::hex},
    ledger::{AppendError, Commit, Entitlement, Ledger, Precondition, Proposal, Receipt},
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
/// opened. If appends are refused just now, the adoption waits for the first that is not.
///
/// # Errors
/// The reason for people, if it could not be recorded.
pub(crate) async fn adopt(ledger: &Ledger) -> Result<(), String> {
    match adopt_at(ledger, None).await {
        Ok(()) => Ok(()),
        Err(
            refusal @ (AppendError::DiskLow(_)
            | AppendError::ReadOnly(_)
            | AppendError::Retired { .. }
            | AppendError::AuditFailed(_)),
        ) => {
            tracing::warn!(%refusal, "the adoption of the catalogue or the rules waits");
            Ok(())
        }
        Err(refusal) => Err(format!("{refusal:?}")),
    }
}

/// An adoption that could not be recorded at the start. It goes before every other commit.
pub(super) struct PendingAdoption {
    waits: AtomicBool,
    turn: Mutex<()>,
}

impl PendingAdoption {
    /// What is left to adopt after the start.
    pub(super) fn of(ledger: &Ledger) -> Self {
        let waits = AtomicBool::new(self::waits(ledger));
        Self { waits, turn: Mutex::new(()) }
    }

    /// Records the adoption if it waits.
    ///
    /// # Errors
    /// The status of its refusal. The caller's own commit must not be recorded then.
    pub(super) async fn settle(&self, ledger: &Ledger) -> Result<(), Status> {
        if !self.waits.load(Ordering::Acquire) {
            return Ok(());
        }
        let _turn = self.turn.lock().await;
        if self.waits.load(Ordering::Acquire) {
            let size = ledger.durable().size;
            match adopt_at(ledger, Some(Precondition::LogSize(size))).await {
                // A caller that went away had it recorded: nothing else can have moved the log.
                Ok(()) | Err(AppendError::SizeMoved { .. }) => {}
                Err(refusal) => return Err(errors::refusal(refusal)),
            }
            self.waits.store(false, Ordering::Release);
        }
        Ok(())
    }
}

/// True if something is left to adopt. It goes before every other commit.
pub(super) fn waits(ledger: &Ledger) -> bool {
    !to_adopt(ledger).is_empty()
}

/// The facts that record what the log has not adopted yet.
fn to_adopt(ledger: &Ledger) -> Vec<Fact> {
    let catalogue = ledger.catalogue();
    // The adoption of the catalogue comes first: it counts from the next position on.
    let mut facts = Vec::new();
    // A node that follows adopts what its leader has adopted.
    if ledger.is_following() {
        return facts;
    }
    if ledger.needs_adoption() {
        facts.push(Fact::CatalogueAdopted(pb::CatalogueAdopted {
            sha256: catalogue.sha256.to_vec().into(),
            version: catalogue.version.clone(),
        }));
    }
    let rules = rules::to_adopt_at_start(ledger);
    facts.extend(rules.map(|version| Fact::RulesAdopted(pb::RulesAdopted { version })));
    facts
}

async fn adopt_at(ledger: &Ledger, precondition: Option<Precondition>) -> Result<(), AppendError> {
    let facts = to_adopt(ledger);
    if facts.is_empty() {
        return Ok(());
    }
    let adopts_catalogue = matches!(facts.first(), Some(Fact::CatalogueAdopted(_)));
    let rules = facts.iter().find_map(|fact| match fact {
        Fact::RulesAdopted(adopted) => Some(adopted.version),
        _ => None,
    });
    let receipt = record(ledger, facts, precondition).await?;
    if adopts_catalogue {
        let catalogue = ledger.catalogue();
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

/// A fact of the service, stated today.
pub(super) fn stated(ledger: &Ledger, fact: Fact) -> Result<pb::Event, AppendError> {
    let now = jiff::Timestamp::from_microsecond(ledger.now_micros())
        .map_err(|error| AppendError::Clock(error.to_string()))?;
    Ok(pb::Event {
        authority: Issuer::Service.as_str().to_owned(),
        effective_date: Some(time::pb_date(CivilDate::today_in_shanghai(now))),
        fact: Some(fact),
        ..Default::default()
    })
}

/// Records facts of the service in one commit.
pub(super) async fn record(
    ledger: &Ledger,
    facts: Vec<Fact>,
    precondition: Option<Precondition>,
) -> Result<Receipt, AppendError> {
    let propose = |(index, fact)| {
        let proposed = event::proposal(ledger.catalogue(), index, stated(ledger, fact)?);
        proposed.map(|proposed| Proposal::new(index, proposed)).map_err(AppendError::Rejected)
    };
    let commit = Commit {
        proposals: facts.into_iter().enumerate().map(propose).collect::<Result<_, _>>()?,
        request: None,
        precondition,
        recorded_by: Principal::SERVER,
        party: Party::Server,
        entitlement: Entitlement::default(),
    };
    ledger.append(commit).await
}
