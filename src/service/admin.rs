//! AdminService: what an operator asks.

use std::{pin::Pin, sync::Arc};

use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio_stream::Stream;
use tonic::{Request, Response, Status};

use super::{convert, subscribe, verify::Verifications};
use crate::{ledger::Ledger, protocol::pb};

/// The service.
#[derive(Clone)]
pub(crate) struct AdminApi {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) started_micros: i64,
    /// One permit for each stream that may still be opened.
    pub(crate) streams: Arc<Semaphore>,
    pub(crate) verifications: Verifications,
}

#[tonic::async_trait]
impl pb::admin_service_server::AdminService for AdminApi {
    async fn get_status(
        &self,
        _request: Request<pb::GetStatusRequest>,
    ) -> Result<Response<pb::GetStatusResponse>, Status> {
        let durable = self.ledger.durable();
        Ok(Response::new(pb::GetStatusResponse {
            log_id: self.ledger.log_id().to_string(),
            log_size: durable.size,
            root_hash: Bytes::copy_from_slice(&durable.root),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            start_time: Some(convert::recorded_time(self.started_micros)),
            last_recorded_time: durable.recorded_micros.map(convert::recorded_time),
            designee_count: durable.designees as u64,
            subscriber_count: subscribe::served(&self.streams),
        }))
    }

    type VerifyStream = Pin<Box<dyn Stream<Item = Result<pb::VerifyResponse, Status>> + Send>>;

    async fn verify(
        &self,
        request: Request<pb::VerifyRequest>,
    ) -> Result<Response<Self::VerifyStream>, Status> {
        let stream = self.verifications.open(request.into_inner()).await?;
        Ok(Response::new(Box::pin(stream)))
    }
}
