//! RegisterService: what follows from the events.

use std::{pin::Pin, sync::Arc};

use tokio_stream::Stream;
use tonic::{Code, Request, Response, Status};

use super::{
    convert, errors,
    ledger::decode,
    lists,
    moment::{Asked, moment},
};
use crate::{
    domain::{AuthorityCode, DesigneeId, event::BatchRef, fault::echo},
    ledger::Ledger,
    limits::{DESIGNEE_NAMESAKES_MAX, DESIGNEE_POSITIONS_MAX, EXPLANATIONS_MAX},
    protocol::pb::{self, ErrorReason, event::Fact},
    register::{DesigneeIndex, Register},
};

/// The service.
#[derive(Clone)]
pub(crate) struct RegisterApi {
    pub(crate) ledger: Arc<Ledger>,
}

/// The moments that a request names.
macro_rules! asked {
    ($request:expr) => {
        Asked {
            as_of: $request.as_of,
            known_at: $request.known_at,
            known_at_time: $request.known_at_time,
        }
    };
}
pub(super) use asked;

#[tonic::async_trait]
impl pb::register_service_server::RegisterService for RegisterApi {
    async fn get_designee(
        &self,
        request: Request<pb::GetDesigneeRequest>,
    ) -> Result<Response<pb::GetDesigneeResponse>, Status> {
        let request = request.into_inner();
        let at = moment(&self.ledger, asked!(request)).await?;
        let catalogue = self.ledger.catalogue();
        let view = {
            let register = self.ledger.register();
            let index = find(&register, &request.designee, at.known_at)?;
            register.view(catalogue, index, at)
        };
        let profile_at = view.profile_at;
        let mut designee = convert::designee(view, catalogue, DESIGNEE_POSITIONS_MAX);
        if let Some(position) = profile_at {
            designee.profile = self.profile(position).await?;
        }
        Ok(Response::new(pb::GetDesigneeResponse {
            designee: Some(designee),
            as_of: Some(convert::pb_date(at.as_of)),
            known_at: at.known_at,
        }))
    }

    async fn explain_title(
        &self,
        request: Request<pb::ExplainTitleRequest>,
    ) -> Result<Response<pb::ExplainTitleResponse>, Status> {
        let request = request.into_inner();
        let at = moment(&self.ledger, asked!(request)).await?;
        let catalogue = self.ledger.catalogue();
        let id = request.programme.as_str();
        let found = catalogue.find(id);
        let programme = found.map_err(|error| errors::bad_field("programme", id, &error))?;
        let authority = match request.authority.as_str() {
            "" => None,
            code => Some(
                AuthorityCode::parse(code)
                    .map_err(|error| errors::bad_field("authority", code, &error))?,
            ),
        };
        let register = self.ledger.register();
        let index = find(&register, &request.designee, at.known_at)?;
        let view = register.view(catalogue, index, at);
        let mut titles = register.explain(catalogue, index, programme, at);
        drop(register);
        titles.retain(|explained| {
            authority.is_none_or(|authority| explained.title.authority == authority)
                && (request.item.is_empty() || explained.title.item == request.item)
        });
        if titles.is_empty() {
            return Err(errors::status(
                Code::NotFound,
                ErrorReason::TitleNotFound,
                format!("nothing is recorded about a title of {id} for this designee"),
                [("value", echo(id))],
            ));
        }
        let titles = titles.into_iter().take(EXPLANATIONS_MAX);
        Ok(Response::new(pb::ExplainTitleResponse {
            titles: titles.map(|title| convert::explanation(title, catalogue)).collect(),
            designee: view.id.to_string(),
            name: view.names.last().map(|dated| dated.name.clone()).unwrap_or_default(),
            as_of: Some(convert::pb_date(at.as_of)),
            known_at: at.known_at,
        }))
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
        lists::count(&self.ledger, request.into_inner()).await.map(Response::new)
    }

    async fn list_batches(
        &self,
        request: Request<pb::ListBatchesRequest>,
    ) -> Result<Response<pb::ListBatchesResponse>, Status> {
        lists::batches(&self.ledger, request.into_inner()).await.map(Response::new)
    }

    async fn get_batch(
        &self,
        request: Request<pb::GetBatchRequest>,
    ) -> Result<Response<pb::GetBatchResponse>, Status> {
        let request = request.into_inner();
        let at = moment(&self.ledger, asked!(request)).await?;
        let catalogue = self.ledger.catalogue();
        let found = catalogue.find(&request.programme);
        let programme =
            found.map_err(|error| errors::bad_field("programme", &request.programme, &error))?;
        let authority = match request.authority.as_str() {
            "" => AuthorityCode::ministry(),
            code => AuthorityCode::parse(code)
                .map_err(|error| errors::bad_field("authority", code, &error))?,
        };
        let name = request.batch.trim().to_owned();
        let batch = BatchRef { programme, authority, batch: name, sublist: None };
        let view = self.ledger.register().batch(&batch, at, true).ok_or_else(|| {
            let shown = format!("{} {}", request.programme, request.batch);
            errors::status(
                Code::NotFound,
                ErrorReason::BatchNotFound,
                format!("nothing is recorded about batch {shown} of {}", authority.as_str()),
                [("value", echo(&request.batch))],
            )
        })?;
        Ok(Response::new(pb::GetBatchResponse {
            batch: Some(convert::batch(&view, catalogue)),
            sublists: view.sublists.iter().map(convert::sublist).collect(),
            as_of: Some(convert::pb_date(at.as_of)),
            known_at: at.known_at,
        }))
    }

    async fn list_pools(
        &self,
        request: Request<pb::ListPoolsRequest>,
    ) -> Result<Response<pb::ListPoolsResponse>, Status> {
        lists::pools(&self.ledger, &request.into_inner()).await.map(Response::new)
    }

    async fn list_measures(
        &self,
        request: Request<pb::ListMeasuresRequest>,
    ) -> Result<Response<pb::ListMeasuresResponse>, Status> {
        lists::measures(&self.ledger, request.into_inner()).await.map(Response::new)
    }

    async fn list_assessments(
        &self,
        request: Request<pb::ListAssessmentsRequest>,
    ) -> Result<Response<pb::ListAssessmentsResponse>, Status> {
        lists::assessments(&self.ledger, request.into_inner()).await.map(Response::new)
    }

    async fn list_authorities(
        &self,
        _request: Request<pb::ListAuthoritiesRequest>,
    ) -> Result<Response<pb::ListAuthoritiesResponse>, Status> {
        let authorities = AuthorityCode::all().map(|code| {
            let info = code.info();
            pb::Authority {
                code: code.as_str().to_owned(),
                name: info.name.to_owned(),
                name_en: info.name_en.to_owned(),
                kind: info.kind.as_str().to_owned(),
                excluded_from: info.excluded_from.map_or("", |a| a.as_str()).to_owned(),
            }
        });
        let authorities = authorities.collect();
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

impl RegisterApi {
    /// The profile in the event at a position.
    async fn profile(&self, position: u64) -> Result<Option<pb::Profile>, Status> {
        Ok(match stated_at(&self.ledger, position).await? {
            Some(Fact::Designated(fact)) => fact.profile,
            Some(Fact::NoticeOpened(fact)) => fact.profile,
            Some(Fact::CreationListed(fact)) => fact.profile,
            Some(Fact::PoolEntered(fact)) => fact.profile,
            _ => None,
        })
    }
}

/// The fact that the event at a position states: for a correction, the replacement.
pub(super) async fn stated_at(ledger: &Ledger, position: u64) -> Result<Option<Fact>, Status> {
    let leaf = ledger.leaf(position).await.map_err(|e| errors::log_error(&e))?;
    let fact = decode(&leaf)?.event.and_then(|event| event.fact);
    Ok(match fact {
        Some(Fact::Corrected(corrected)) => {
            corrected.replacement.and_then(|replacement| replacement.fact)
        }
        fact => fact,
    })
}

/// Finds a designee by identifier or, if the text is none, by name.
fn find(register: &Register, text: &str, known_at: u64) -> Result<DesigneeIndex, Status> {
    let parsed = DesigneeId::parse(text);
    if let Ok(id) = &parsed {
        return register.find(id, known_at).ok_or_else(|| not_found(text));
    }
    let bearers = register.find_by_name(text, known_at);
    match (bearers.as_slice(), parsed) {
        ([only], _) => Ok(*only),
        // A code that is wrong is told apart from a name that nobody bears.
        ([], Err(error)) if text.is_ascii() => Err(errors::bad_field("designee", text, &error)),
        ([], _) => Err(not_found(text)),
        (several, _) => {
            let ids = several.iter().take(DESIGNEE_NAMESAKES_MAX);
            let ids: Vec<_> = ids.map(|index| register.id(*index).to_string()).collect();
            let designees = ids.join(", ");
            Err(errors::status(
                Code::FailedPrecondition,
                ErrorReason::NameAmbiguous,
                format!("{} designees bear this name: {designees}", several.len()),
                [("value", echo(text)), ("designees", designees)],
            ))
        }
    }
}

fn not_found(text: &str) -> Status {
    let value = echo(text);
    errors::status(
        Code::NotFound,
        ErrorReason::DesigneeNotFound,
        format!("nothing is recorded about {value}"),
        [("value", value)],
    )
}
