//! The list of all RPCs: the generated traits call these, and each request goes through [`answer`]
//! to its handler.
//!
//! This file decides nothing. A new RPC adds its lines here, and its handler in the file of its
//! service.

use tonic::{Request, Response, Status};

use super::{
    access::AccessApi,
    acts::begin_act,
    admin::{AdminApi, VerifyStream},
    call::answer,
    commit_line::CommitLine,
    cursors::CursorApi,
    ledger::{LedgerApi, SubscribeStream},
    proof::ProofApi,
    register::{ExportRegisterStream, RegisterApi},
    sealed_pages::answer_page,
};
use crate::{
    domain::fault::echo,
    protocol::{
        append::ReceivedCommit,
        pb::{
            self, access_service_server::AccessService, admin_service_server::AdminService,
            cursor_service_server::CursorService, ledger_service_server::LedgerService,
            proof_service_server::ProofService, register_service_server::RegisterService,
        },
    },
};

type Answer<T> = Result<Response<T>, Status>;

fn adopted(adopt: &pb::AdoptRulesRequest) -> String {
    adopt
        .version
        .map_or_else(|| "the newest rules".to_owned(), |version| format!("rules {version}"))
}

fn another_cursor(delete: &pb::DeleteCursorRequest) -> String {
    format!("cursor {} of {}", delete.cursor_id, delete.owner)
}

fn withheld(withhold: &pb::WithholdEventRequest) -> String {
    let step = if withhold.proposal.is_empty() { "propose" } else { "approve" };
    format!("{step}: {}", withhold.reason)
}

#[tonic::async_trait]
impl LedgerService for LedgerApi {
    async fn append(&self, request: Request<ReceivedCommit>) -> Answer<pb::AppendResponse> {
        let line = CommitLine::begin(&request, self.slow_commit);
        line.end(answer(request, |call, request| self.append(call, request)).await)
    }

    async fn get_event(
        &self,
        request: Request<pb::GetEventRequest>,
    ) -> Answer<pb::GetEventResponse> {
        answer(request, |call, request| self.get_event(call, request)).await
    }

    async fn list_events(
        &self,
        request: Request<pb::ListEventsRequest>,
    ) -> Answer<pb::ListEventsResponse> {
        answer_page(request, |call, request| self.list_events(call, request)).await
    }

    type SubscribeStream = SubscribeStream;

    async fn subscribe(&self, request: Request<pb::SubscribeRequest>) -> Answer<SubscribeStream> {
        answer(request, |call, request| self.subscribe(call, request)).await
    }
}

#[tonic::async_trait]
impl AdminService for AdminApi {
    async fn get_status(
        &self,
        request: Request<pb::GetStatusRequest>,
    ) -> Answer<pb::GetStatusResponse> {
        answer(request, |call, request| self.get_status(call, request)).await
    }

    type VerifyStream = VerifyStream;

    async fn verify(&self, request: Request<pb::VerifyRequest>) -> Answer<VerifyStream> {
        begin_act(&request, |verify| format!("from position {}", verify.from_position), [])?;
        answer(request, |call, request| self.verify(call, request)).await
    }

    async fn adopt_rules(
        &self,
        request: Request<pb::AdoptRulesRequest>,
    ) -> Answer<pb::AdoptRulesResponse> {
        begin_act(&request, adopted, [])?;
        answer(request, |call, request| self.adopt_rules(call, request)).await
    }

    async fn hand_over(
        &self,
        request: Request<pb::HandOverRequest>,
    ) -> Answer<pb::HandOverResponse> {
        begin_act(&request, |asked| format!("to {}", echo(&asked.successor)), [])?;
        answer(request, |call, request| self.hand_over(call, request)).await
    }

    async fn withhold_event(
        &self,
        request: Request<pb::WithholdEventRequest>,
    ) -> Answer<pb::WithholdEventResponse> {
        begin_act(&request, withheld, request.get_ref().position)?;
        answer(request, |call, request| self.withhold_event(call, request)).await
    }
}

#[tonic::async_trait]
impl AccessService for AccessApi {
    async fn who_am_i(&self, request: Request<pb::WhoAmIRequest>) -> Answer<pb::WhoAmIResponse> {
        answer(request, |call, request| self.who_am_i(call, request)).await
    }

    async fn list_principals(
        &self,
        request: Request<pb::ListPrincipalsRequest>,
    ) -> Answer<pb::ListPrincipalsResponse> {
        answer_page(request, |call, request| self.list_principals(call, request)).await
    }

    async fn put_principal(
        &self,
        request: Request<pb::PutPrincipalRequest>,
    ) -> Answer<pb::PutPrincipalResponse> {
        begin_act(
            &request,
            |put| put.principal.as_ref().map(|entry| entry.id.clone()).unwrap_or_default(),
            [],
        )?;
        answer(request, |call, request| self.put_principal(call, request)).await
    }

    async fn delete_principal(
        &self,
        request: Request<pb::DeletePrincipalRequest>,
    ) -> Answer<pb::DeletePrincipalResponse> {
        begin_act(&request, |delete| delete.id.clone(), [])?;
        answer(request, |call, request| self.delete_principal(call, request)).await
    }
}

#[tonic::async_trait]
impl CursorService for CursorApi {
    async fn create_cursor(
        &self,
        request: Request<pb::CreateCursorRequest>,
    ) -> Answer<pb::CreateCursorResponse> {
        answer(request, |call, request| self.create_cursor(call, request)).await
    }

    async fn get_cursor(
        &self,
        request: Request<pb::GetCursorRequest>,
    ) -> Answer<pb::GetCursorResponse> {
        answer(request, |call, request| self.get_cursor(call, request)).await
    }

    async fn list_cursors(
        &self,
        request: Request<pb::ListCursorsRequest>,
    ) -> Answer<pb::ListCursorsResponse> {
        answer_page(request, |call, request| self.list_cursors(call, request)).await
    }

    async fn advance_cursor(
        &self,
        request: Request<pb::AdvanceCursorRequest>,
    ) -> Answer<pb::AdvanceCursorResponse> {
        answer(request, |call, request| self.advance_cursor(call, request)).await
    }

    async fn delete_cursor(
        &self,
        request: Request<pb::DeleteCursorRequest>,
    ) -> Answer<pb::DeleteCursorResponse> {
        // One's own is deleted without its owner's name.
        if !request.get_ref().owner.is_empty() {
            begin_act(&request, another_cursor, [])?;
        }
        answer(request, |call, request| self.delete_cursor(call, request)).await
    }
}

#[tonic::async_trait]
impl ProofService for ProofApi {
    async fn get_digest(
        &self,
        request: Request<pb::GetDigestRequest>,
    ) -> Answer<pb::GetDigestResponse> {
        answer(request, |call, request| self.get_digest(call, request)).await
    }
}

#[tonic::async_trait]
impl RegisterService for RegisterApi {
    async fn get_designee(
        &self,
        request: Request<pb::GetDesigneeRequest>,
    ) -> Answer<pb::GetDesigneeResponse> {
        answer(request, |call, request| self.get_designee(call, request)).await
    }

    async fn explain_title(
        &self,
        request: Request<pb::ExplainTitleRequest>,
    ) -> Answer<pb::ExplainTitleResponse> {
        answer(request, |call, request| self.explain_title(call, request)).await
    }

    async fn list_designees(
        &self,
        request: Request<pb::ListDesigneesRequest>,
    ) -> Answer<pb::ListDesigneesResponse> {
        answer_page(request, |call, request| self.list_designees(call, request)).await
    }

    async fn list_titles(
        &self,
        request: Request<pb::ListTitlesRequest>,
    ) -> Answer<pb::ListTitlesResponse> {
        answer_page(request, |call, request| self.list_titles(call, request)).await
    }

    type ExportRegisterStream = ExportRegisterStream;

    async fn export_register(
        &self,
        request: Request<pb::ExportRegisterRequest>,
    ) -> Answer<ExportRegisterStream> {
        answer(request, |call, request| self.export_register(call, request)).await
    }

    async fn diff_rules(
        &self,
        request: Request<pb::DiffRulesRequest>,
    ) -> Answer<pb::DiffRulesResponse> {
        answer_page(request, |call, request| self.diff_rules(call, request)).await
    }

    async fn list_changes(
        &self,
        request: Request<pb::ListChangesRequest>,
    ) -> Answer<pb::ListChangesResponse> {
        answer_page(request, |call, request| self.list_changes(call, request)).await
    }

    async fn list_timelines(
        &self,
        request: Request<pb::ListTimelinesRequest>,
    ) -> Answer<pb::ListTimelinesResponse> {
        answer_page(request, |call, request| self.list_timelines(call, request)).await
    }

    async fn compare_batches(
        &self,
        request: Request<pb::CompareBatchesRequest>,
    ) -> Answer<pb::CompareBatchesResponse> {
        answer_page(request, |call, request| self.compare_batches(call, request)).await
    }

    async fn count_titles(
        &self,
        request: Request<pb::CountTitlesRequest>,
    ) -> Answer<pb::CountTitlesResponse> {
        answer(request, |call, request| self.count_titles(call, request)).await
    }

    async fn list_batches(
        &self,
        request: Request<pb::ListBatchesRequest>,
    ) -> Answer<pb::ListBatchesResponse> {
        answer_page(request, |call, request| self.list_batches(call, request)).await
    }

    async fn get_batch(
        &self,
        request: Request<pb::GetBatchRequest>,
    ) -> Answer<pb::GetBatchResponse> {
        answer(request, |call, request| self.get_batch(call, request)).await
    }

    async fn list_pools(
        &self,
        request: Request<pb::ListPoolsRequest>,
    ) -> Answer<pb::ListPoolsResponse> {
        answer_page(request, |call, request| self.list_pools(call, request)).await
    }

    async fn list_pool_members(
        &self,
        request: Request<pb::ListPoolMembersRequest>,
    ) -> Answer<pb::ListPoolMembersResponse> {
        answer_page(request, |call, request| self.list_pool_members(call, request)).await
    }

    async fn list_measures(
        &self,
        request: Request<pb::ListMeasuresRequest>,
    ) -> Answer<pb::ListMeasuresResponse> {
        answer_page(request, |call, request| self.list_measures(call, request)).await
    }

    async fn list_assessments(
        &self,
        request: Request<pb::ListAssessmentsRequest>,
    ) -> Answer<pb::ListAssessmentsResponse> {
        answer_page(request, |call, request| self.list_assessments(call, request)).await
    }

    async fn list_authorities(
        &self,
        request: Request<pb::ListAuthoritiesRequest>,
    ) -> Answer<pb::ListAuthoritiesResponse> {
        answer(request, |call, request| self.list_authorities(call, request)).await
    }

    async fn list_bodies(
        &self,
        request: Request<pb::ListBodiesRequest>,
    ) -> Answer<pb::ListBodiesResponse> {
        answer(request, |call, request| self.list_bodies(call, request)).await
    }

    async fn list_regions(
        &self,
        request: Request<pb::ListRegionsRequest>,
    ) -> Answer<pb::ListRegionsResponse> {
        answer(request, |call, request| self.list_regions(call, request)).await
    }

    async fn list_programmes(
        &self,
        request: Request<pb::ListProgrammesRequest>,
    ) -> Answer<pb::ListProgrammesResponse> {
        answer(request, |call, request| self.list_programmes(call, request)).await
    }

    async fn find_designees(
        &self,
        request: Request<pb::FindDesigneesRequest>,
    ) -> Answer<pb::FindDesigneesResponse> {
        answer_page(request, |call, request| self.find_designees(call, request)).await
    }

    async fn list_suspects(
        &self,
        request: Request<pb::ListSuspectsRequest>,
    ) -> Answer<pb::ListSuspectsResponse> {
        answer_page(request, |call, request| self.list_suspects(call, request)).await
    }

    async fn list_catalogues(
        &self,
        request: Request<pb::ListCataloguesRequest>,
    ) -> Answer<pb::ListCataloguesResponse> {
        answer(request, |call, request| self.list_catalogues(call, request)).await
    }

    async fn get_catalogue(
        &self,
        request: Request<pb::GetCatalogueRequest>,
    ) -> Answer<pb::GetCatalogueResponse> {
        answer(request, |call, request| self.get_catalogue(call, request)).await
    }
}
