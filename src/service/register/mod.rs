//! RegisterService: what follows from the events.

mod batches;
mod counts;
mod designee;
mod framework;
mod lists;

use std::{pin::Pin, sync::Arc};

use tokio_stream::Stream;
use tonic::{Request, Response, Status};

use super::{convert, ledger::decode};
use crate::{
    ledger::{Ledger, ReadError, TaskEnded, run_blocking},
    protocol::pb::{self, event::Fact},
};

/// The service.
#[derive(Clone)]
pub(crate) struct RegisterApi {
    pub(crate) ledger: Arc<Ledger>,
}

#[tonic::async_trait]
impl pb::register_service_server::RegisterService for RegisterApi {
    async fn get_designee(
        &self,
        request: Request<pb::GetDesigneeRequest>,
    ) -> Result<Response<pb::GetDesigneeResponse>, Status> {
        designee::designee(&self.ledger, request.into_inner()).await.map(Response::new)
    }

    async fn explain_title(
        &self,
        request: Request<pb::ExplainTitleRequest>,
    ) -> Result<Response<pb::ExplainTitleResponse>, Status> {
        designee::explain(&self.ledger, request.into_inner()).await.map(Response::new)
    }

    async fn list_designees(
        &self,
        request: Request<pb::ListDesigneesRequest>,
    ) -> Result<Response<pb::ListDesigneesResponse>, Status> {
        lists::designees(&self.ledger, request.into_inner()).await.map(Response::new)
    }

    async fn list_titles(
        &self,
        request: Request<pb::ListTitlesRequest>,
    ) -> Result<Response<pb::ListTitlesResponse>, Status> {
        lists::titles(&self.ledger, request.into_inner()).await.map(Response::new)
    }

    type ExportRegisterStream =
        Pin<Box<dyn Stream<Item = Result<pb::ExportRegisterResponse, Status>> + Send>>;

    async fn export_register(
        &self,
        request: Request<pb::ExportRegisterRequest>,
    ) -> Result<Response<Self::ExportRegisterStream>, Status> {
        let stream = lists::export(&self.ledger, request.into_inner()).await?;
        Ok(Response::new(Box::pin(stream)))
    }

    async fn count_titles(
        &self,
        request: Request<pb::CountTitlesRequest>,
    ) -> Result<Response<pb::CountTitlesResponse>, Status> {
        counts::count(&self.ledger, request.into_inner()).await.map(Response::new)
    }

    async fn list_batches(
        &self,
        request: Request<pb::ListBatchesRequest>,
    ) -> Result<Response<pb::ListBatchesResponse>, Status> {
        batches::batches(&self.ledger, request.into_inner()).await.map(Response::new)
    }

    async fn get_batch(
        &self,
        request: Request<pb::GetBatchRequest>,
    ) -> Result<Response<pb::GetBatchResponse>, Status> {
        batches::batch(&self.ledger, request.into_inner()).await.map(Response::new)
    }

    async fn list_pools(
        &self,
        request: Request<pb::ListPoolsRequest>,
    ) -> Result<Response<pb::ListPoolsResponse>, Status> {
        framework::pools(&self.ledger, &request.into_inner()).await.map(Response::new)
    }

    async fn list_measures(
        &self,
        request: Request<pb::ListMeasuresRequest>,
    ) -> Result<Response<pb::ListMeasuresResponse>, Status> {
        framework::measures(&self.ledger, request.into_inner()).await.map(Response::new)
    }

    async fn list_assessments(
        &self,
        request: Request<pb::ListAssessmentsRequest>,
    ) -> Result<Response<pb::ListAssessmentsResponse>, Status> {
        framework::assessments(&self.ledger, request.into_inner()).await.map(Response::new)
    }

    async fn list_authorities(
        &self,
        _request: Request<pb::ListAuthoritiesRequest>,
    ) -> Result<Response<pb::ListAuthoritiesResponse>, Status> {
        let authorities = framework::authorities();
        Ok(Response::new(pb::ListAuthoritiesResponse { authorities }))
    }

    async fn list_programmes(
        &self,
        _request: Request<pb::ListProgrammesRequest>,
    ) -> Result<Response<pb::ListProgrammesResponse>, Status> {
        let programmes = self.ledger.catalogue().programmes().map(convert::programme).collect();
        Ok(Response::new(pb::ListProgrammesResponse { programmes }))
    }
}

/// Runs a question that goes over the register where it delays nobody.
async fn over_register<T: Send + 'static>(
    ledger: &Arc<Ledger>,
    question: impl FnOnce(&Ledger) -> T + Send + 'static,
) -> Result<T, TaskEnded> {
    let ledger = Arc::clone(ledger);
    run_blocking(move || question(&ledger)).await
}

/// The fact that the event at a position states: for a correction, the replacement.
pub(super) async fn stated_at(ledger: &Ledger, position: u64) -> Result<Option<Fact>, ReadError> {
    let leaf = ledger.leaf(position).await?;
    let fact = decode(position, &leaf)?.event.and_then(|event| event.fact);
    Ok(match fact {
        Some(Fact::Corrected(corrected)) => {
            corrected.replacement.and_then(|replacement| replacement.fact)
        }
        fact => fact,
    })
}
