//! AccessService: who calls, and the principals that delegates manage.

use std::sync::Arc;

use tokio::task::spawn_blocking;
use tonic::{Code, Status};

use super::{
    call::Call,
    entitled, errors,
    page::{foreign_token, page_size},
    principals::{self, into_text, invalid},
    room::Room,
};
use crate::{
    access::{AccessControl, ManageError},
    domain::{Principal, access::Role, fault::echo, text::hex},
    ledger::Ledger,
    protocol::{
        pb::{self, ErrorReason},
        time::timestamp,
    },
};

/// The domain of the seals of page tokens.
const PAGE_DOMAIN: &[u8] = b"tidu list-principals page";

/// The service.
#[derive(Clone)]
pub(crate) struct AccessApi {
    pub(crate) access: Arc<AccessControl>,
    /// It has the programmes that rights name.
    pub(crate) ledger: Arc<Ledger>,
}

impl AccessApi {
    pub(super) async fn who_am_i(
        &self,
        call: Call,
        _request: pb::WhoAmIRequest,
    ) -> Result<pb::WhoAmIResponse, Status> {
        let who = &call.who;
        let name = who.principal.as_str().to_owned();
        Ok(pb::WhoAmIResponse {
            principal: Some(pb::PrincipalEntry {
                managed_by: self.access.manager_of(&name).unwrap_or_default(),
                ..principals::without_credentials(name, &who.rights, self.ledger.catalogues())
            }),
            credential: i32::from(who.credential as u8),
            credential_expire_time: who.expires_micros.map(timestamp),
            policy_generation: who.generation,
            handed_on_by: who
                .handed_on_by
                .as_ref()
                .map(|by| by.as_str().to_owned())
                .unwrap_or_default(),
        })
    }

    pub(super) async fn list_principals(
        &self,
        call: Call,
        request: pb::ListPrincipalsRequest,
    ) -> Result<pb::ListPrincipalsResponse, Status> {
        if self.access.policy().is_open() {
            return Err(principals_needed());
        }
        let size = page_size(request.page_size)?;
        let after = match request.page_token.as_str() {
            "" => "",
            token => self.read_token(&call, token).ok_or_else(|| foreign_token(token))?,
        };
        // Whoever sees all sees those of a delegate as well.
        let sees_all = call.rights().roles.any(&[Role::Operator, Role::Auditor]);
        let delegate = (!sees_all).then(|| call.principal());
        let found = self.access.list(after, delegate, size + 1);
        let (mut listed, mut room) = (Vec::new(), Room::of_page());
        for entry in found.iter().take(size) {
            let entry = principals::of_entry(entry, self.ledger.catalogues());
            // The first one fits into any page.
            if !room.takes(&entry) && !listed.is_empty() {
                break;
            }
            listed.push(entry);
        }
        let next_page_token = match listed.last() {
            Some(last) if listed.len() < found.len() => self.token(&call, &last.id),
            _ => String::new(),
        };
        Ok(pb::ListPrincipalsResponse { principals: listed, next_page_token })
    }

    pub(super) async fn put_principal(
        &self,
        call: Call,
        request: pb::PutPrincipalRequest,
    ) -> Result<pb::PutPrincipalResponse, Status> {
        let stated = request.principal.ok_or_else(|| invalid("", None, "it is required"))?;
        let stated = into_text(stated)?;
        let policy_generation =
            self.manage(call, move |access, delegate| access.put(delegate, stated)).await?;
        Ok(pb::PutPrincipalResponse { policy_generation })
    }

    pub(super) async fn delete_principal(
        &self,
        call: Call,
        request: pb::DeletePrincipalRequest,
    ) -> Result<pb::DeletePrincipalResponse, Status> {
        let id = request.id;
        let policy_generation =
            self.manage(call, move |access, delegate| access.remove(delegate, &id)).await?;
        Ok(pb::DeletePrincipalResponse { policy_generation })
    }

    /// Lets a delegate change its principals, on a thread that may block: it writes a file.
    async fn manage<F>(&self, call: Call, change: F) -> Result<u64, Status>
    where
        F: FnOnce(&AccessControl, &Principal) -> Result<u64, ManageError> + Send + 'static,
    {
        let (access, delegate) = (Arc::clone(&self.access), call.principal().clone());
        let changed = spawn_blocking(move || change(&access, &delegate)).await;
        let changed = changed.map_err(errors::internal)?;
        changed.map_err(|error| refused(&call, error))
    }

    /// The token of the page after a principal, which counts for this caller alone.
    fn token(&self, call: &Call, last: &str) -> String {
        format!("{last}.{}", hex(&self.seal(call, last)))
    }

    fn read_token<'t>(&self, call: &Call, token: &'t str) -> Option<&'t str> {
        let (last, seal) = token.rsplit_once('.')?;
        (hex(&self.seal(call, last)) == seal).then_some(last)
    }

    fn seal(&self, call: &Call, last: &str) -> [u8; 32] {
        self.access.seal().seal(&[PAGE_DOMAIN, call.principal().name(), last.as_bytes()])
    }
}

fn refused(call: &Call, error: ManageError) -> Status {
    match error {
        ManageError::NoPrincipals => principals_needed(),
        ManageError::Invalid(fault) => invalid(&fault.key, fault.value.as_deref(), &fault.rule),
        ManageError::Beyond { key, value, text } => {
            let field = if key == "right" { "rights" } else { key };
            let at = [("field", format!("principal.{field}")), ("value", echo(&value))];
            entitled::not_entitled(call.name(), "manage", &text, at)
        }
        ManageError::Full(limit) => {
            let message = format!("{limit} principals are managed; at most {limit} are allowed");
            let limit = limit as u64;
            let unit = "principals";
            errors::exhausted(message, errors::Limit { limit, unit, ..Default::default() })
        }
        ManageError::NotManaged => {
            let text = "the caller manages no principal of this id";
            let metadata = [("field", "id".to_owned()), ("detail", text.to_owned())];
            errors::status(Code::NotFound, ErrorReason::PrincipalInvalid, text, metadata)
        }
        ManageError::Io { .. } => errors::internal(error),
    }
}

/// The server runs without principals: FAILED_PRECONDITION.
pub(crate) fn principals_needed() -> Status {
    let text = "the server runs without principals, and everybody may do everything; start it with \
                --principals FILE";
    errors::status(Code::FailedPrecondition, ErrorReason::PrincipalsNeeded, text, [])
}
