//! RegisterService: what follows from the events.

use std::sync::Arc;

use tonic::{Code, Request, Response, Status};

use super::{convert, errors, ledger::decode};
use crate::{
    domain::{
        AuthorityCode, CivilDate, DesigneeId,
        limits::{DESIGNEE_NAMESAKES_MAX, DESIGNEE_POSITIONS_MAX},
    },
    ledger::{Ledger, Refusal},
    log::LogError,
    pb::{self, ErrorReason, event::Fact},
    register::{DesigneeIndex, Register},
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
        let request = request.into_inner();
        let size = self.ledger.durable().size;
        let known_at = request.known_at.unwrap_or(size);
        if known_at > size {
            return Err(errors::beyond_log("known_at", known_at, size));
        }
        let as_of = match convert::civil_date(request.as_of.as_ref()) {
            Some(day) => day.map_err(|error| errors::bad_field("as_of", "", &error))?,
            None => self.today()?,
        };
        let view = {
            let register = self.ledger.register();
            let index = find(&register, &request.designee, known_at)?;
            register.view(index, as_of, known_at)
        };
        let profile_at = view.profile_at;
        let mut designee = convert::designee(view, &self.ledger, DESIGNEE_POSITIONS_MAX);
        if let Some(position) = profile_at {
            designee.profile = self.profile(position).await?;
        }
        Ok(Response::new(pb::GetDesigneeResponse {
            designee: Some(designee),
            as_of: Some(convert::pb_date(as_of)),
            known_at,
        }))
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
    fn today(&self) -> Result<CivilDate, Status> {
        let now = jiff::Timestamp::from_microsecond(self.ledger.now_micros());
        now.map(CivilDate::today_in_shanghai)
            .map_err(|_| errors::refusal(Refusal::Clock("it shows no date".to_owned())))
    }

    /// The profile in the event at a position.
    async fn profile(&self, position: u64) -> Result<Option<pb::Profile>, Status> {
        let leaf = self.ledger.leaf(position).await.map_err(|e| log_error(&e))?;
        let mut fact = decode(&leaf)?.event.and_then(|event| event.fact);
        if let Some(Fact::Corrected(corrected)) = fact {
            fact = corrected.replacement.and_then(|replacement| replacement.fact);
        }
        Ok(match fact {
            Some(Fact::Designated(fact)) => fact.profile,
            Some(Fact::NoticeOpened(fact)) => fact.profile,
            _ => None,
        })
    }
}

fn log_error(error: &LogError) -> Status {
    errors::log_error(error)
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
                [("value", crate::domain::fault::echo(text)), ("designees", designees)],
            ))
        }
    }
}

fn not_found(text: &str) -> Status {
    let value = crate::domain::fault::echo(text);
    errors::status(
        Code::NotFound,
        ErrorReason::DesigneeNotFound,
        format!("nothing is recorded about {value}"),
        [("value", value)],
    )
}
