//! Which roles may call which method. Rights over content are judged where it is known.
//!
//! The match has no arm for "any other": a method that is added does not compile before it says who
//! may call it.

use tonic::{Code, Status};

use super::errors;
use crate::{
    domain::access::Role,
    protocol::{methods::Method, pb::ErrorReason},
};

use Role::{Auditor, Delegate, Node, Operator, Reader, Recorder, Signer};

/// Roles that ask questions about events and the register.
const READERS: &[Role] = &[Recorder, Signer, Reader, Auditor, Operator, Delegate, Node];

/// The roles that may call a method.
pub(crate) fn roles_of(method: Method) -> &'static [Role] {
    match method {
        Method::Append => &[Recorder, Signer],
        Method::GetEvent
        | Method::ListEvents
        | Method::Subscribe
        | Method::GetDigest
        | Method::CreateCursor
        | Method::GetCursor
        | Method::ListCursors
        | Method::AdvanceCursor
        | Method::DeleteCursor
        | Method::GetDesignee
        | Method::ExplainTitle
        | Method::ListDesignees
        | Method::ListTitles
        | Method::ExportRegister
        | Method::DiffRules
        | Method::ListChanges
        | Method::CompareBatches
        | Method::CountTitles
        | Method::ListBatches
        | Method::GetBatch
        | Method::ListPools
        | Method::ListPoolMembers
        | Method::ListMeasures
        | Method::ListAssessments
        | Method::ListAuthorities
        | Method::ListBodies
        | Method::ListRegions
        | Method::ListProgrammes
        | Method::FindDesignees
        | Method::ListSuspects
        | Method::ListCatalogues
        | Method::GetCatalogue
        | Method::GetStatus
        | Method::WhoAmI => READERS,
        Method::Verify => &[Auditor, Operator, Node],
        Method::AdoptRules => &[Operator],
        Method::WithholdEvent => &[Operator, Auditor],
        Method::ListPrincipals => &[Delegate, Operator, Auditor],
        Method::PutPrincipal | Method::DeletePrincipal => &[Delegate],
    }
}

/// The refusal of a call that the caller's rights do not reach.
pub(crate) fn not_entitled<const N: usize>(
    principal: &str,
    action: &str,
    text: &str,
    at: [(&str, String); N],
) -> Status {
    let mut metadata = vec![("principal", principal.to_owned()), ("action", action.to_owned())];
    metadata.extend(at);
    let message = format!("{principal} may not {action}: {text}");
    errors::with_metadata(Code::PermissionDenied, ErrorReason::NotEntitled, message, metadata)
}
