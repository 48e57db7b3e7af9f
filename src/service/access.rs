//! AccessService: who calls, and the principals that delegates manage.

use std::sync::Arc;

use tonic::{Code, Status};

use super::{call::Call, errors};
use crate::{
    access::AccessControl,
    domain::{
        Principal,
        access::{Rights, Unseen},
    },
    protocol::{
        pb::{self, ErrorReason},
        time::timestamp,
    },
};

/// The service.
#[derive(Clone)]
pub(crate) struct AccessApi {
    pub(crate) access: Arc<AccessControl>,
}

impl AccessApi {
    pub(super) async fn who_am_i(
        &self,
        call: Call,
        _request: pb::WhoAmIRequest,
    ) -> Result<pb::WhoAmIResponse, Status> {
        let who = &call.who;
        let name = |principal: &Principal| String::from_utf8_lossy(principal.name()).into_owned();
        Ok(pb::WhoAmIResponse {
            principal: Some(entry(&who.principal, &who.rights)),
            credential: i32::from(who.credential as u8),
            credential_expire_time: who.expires_micros.map(timestamp),
            policy_generation: self.access.policy().generation,
            handed_on_by: who.handed_on_by.as_ref().map(name).unwrap_or_default(),
        })
    }

    pub(super) async fn list_principals(
        &self,
        _call: Call,
        _request: pb::ListPrincipalsRequest,
    ) -> Result<pb::ListPrincipalsResponse, Status> {
        Err(principals_needed())
    }

    pub(super) async fn put_principal(
        &self,
        _call: Call,
        _request: pb::PutPrincipalRequest,
    ) -> Result<pb::PutPrincipalResponse, Status> {
        Err(principals_needed())
    }

    pub(super) async fn delete_principal(
        &self,
        _call: Call,
        _request: pb::DeletePrincipalRequest,
    ) -> Result<pb::DeletePrincipalResponse, Status> {
        Err(principals_needed())
    }
}

/// A principal without its credentials.
fn entry(principal: &Principal, rights: &Rights) -> pb::PrincipalEntry {
    let unseen = match rights.unseen {
        Unseen::Withheld => pb::Unseen::Withheld,
        Unseen::Hidden => pb::Unseen::Hidden,
    };
    pb::PrincipalEntry {
        id: String::from_utf8_lossy(principal.name()).into_owned(),
        authority: rights.authority.map(|code| code.as_str().to_owned()).unwrap_or_default(),
        roles: rights.roles.iter().map(|role| i32::from(role as u8)).collect(),
        unseen: unseen.into(),
        ..Default::default()
    }
}

/// The server runs without principals: FAILED_PRECONDITION.
pub(crate) fn principals_needed() -> Status {
    let text = "the server runs without principals, and everybody may do everything; start it with \
                --principals FILE";
    errors::status(Code::FailedPrecondition, ErrorReason::PrincipalsNeeded, text, [])
}
