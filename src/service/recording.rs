//! In whose name a request records, and whether that principal may. It is judged from the content
//! alone, before the rules and before anything is looked up; the writer judges again.

use std::sync::Arc;

use tonic::Status;

use super::{call::Call, errors};
use crate::{
    domain::{
        Principal,
        access::{Action, Rights},
        catalogue::Catalogue,
        event::Event,
    },
    ledger::Entitlement,
};

/// The principal in whose name a request records, with its rights.
pub(super) struct Recorder {
    principal: Principal,
    rights: Arc<Rights>,
    /// Nothing need be judged.
    records_everything: bool,
    expires_micros: Option<i64>,
}

impl Recorder {
    /// Of a call that records in its own name.
    pub(super) fn of(call: &Call) -> Self {
        let who = &call.who;
        Self {
            principal: who.principal.clone(),
            rights: Arc::clone(&who.rights),
            records_everything: who.rights.records_everything(),
            expires_micros: who.expires_micros,
        }
    }

    /// Its name.
    pub(super) fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Refuses an event that it may not record, as far as the event itself tells.
    pub(super) fn require(
        &self,
        catalogue: &Catalogue,
        index: usize,
        event: &Event,
    ) -> Result<(), Status> {
        // The rules refuse facts of the service to every caller.
        if self.records_everything || event.fact.kind().is_of_service() {
            return Ok(());
        }
        for part in event.parts() {
            if let Some(bound) = self.rights.broken_by(Action::Record, &part, false) {
                let name = String::from_utf8_lossy(self.principal.name());
                let beyond = event.beyond(index, catalogue, part.place, bound);
                return Err(errors::beyond_rights(&name, Action::Record, Some(beyond)));
            }
        }
        Ok(())
    }

    /// On whose authority its commit may be recorded, once each event was judged.
    pub(super) fn entitlement(&self) -> Entitlement {
        Entitlement {
            approved_by: None,
            expires_micros: self.expires_micros,
            judged_under: Some(Arc::clone(&self.rights)),
        }
    }
}
