//! ProofService: digests with which a subscriber checks its copy.

use std::sync::Arc;

use bytes::Bytes;
use tonic::Status;

use super::{
    arrival::Named,
    call::Call,
    errors,
    filter::interest,
    questions::{Questions, Turn},
};
use crate::{
    domain::fault::{Key, RuleId},
    ledger::{Ledger, digest::RunningDigest},
    protocol::pb,
};

/// The service.
#[derive(Clone)]
pub(crate) struct ProofApi {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) questions: Questions,
    /// The gate of long filters that are read.
    pub(crate) reading: Questions,
}

impl ProofApi {
    pub(super) async fn get_digest(
        &self,
        call: Call,
        request: pb::GetDigestRequest,
    ) -> Result<pb::GetDigestResponse, Status> {
        errors::require_log(self.ledger.log_id(), &request.log_id)?;
        let from = request.from_position;
        let named = Named { field: "from_position", position: from };
        let size = named.within(&self.ledger, &call).await?;
        let (to, size) = match request.to_position {
            None => (size, size),
            Some(to) => {
                let named = Named { field: "to_position", position: to };
                (to, named.within(&self.ledger, &call).await?)
            }
        };
        if to < from {
            let breach = RuleId::PositionOrder.with(Key::From, from);
            return Err(errors::bad_field("to_position", &to.to_string(), breach));
        }
        let digest = match request.digest.as_ref() {
            [] => RunningDigest::default(),
            bytes => running(bytes)?,
        };
        let interest = interest(&self.ledger, &self.reading, &call, request.filter).await?;
        let (ledger, sight) = (Arc::clone(&self.ledger), call.sight(&self.ledger));
        let question = move |turn: &mut Turn| {
            Ok(ledger.digest((&interest, &sight), from, to, digest, turn)?)
        };
        let digested = self.questions.ask(&call, question).await?;
        Ok(pb::GetDigestResponse {
            digest: Bytes::copy_from_slice(&digested.digest.0),
            next_position: digested.next,
            event_count: digested.events,
            log_size: size,
            log_id: self.ledger.log_id().to_string(),
        })
    }
}

/// Reads a digest that is to be continued.
pub(crate) fn running(bytes: &[u8]) -> Result<RunningDigest, Status> {
    bytes.try_into().map(RunningDigest).map_err(|_| {
        errors::bad_field("digest", "", RuleId::DigestLength.with(Key::Count, bytes.len()))
    })
}
