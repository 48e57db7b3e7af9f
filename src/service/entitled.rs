//! What holds for each method: the roles that may call it, and its lines in the audit trail. Rights
//! over content are judged where it is known.
//!
//! The match has no arm for "any other": a method that is added does not compile before it says who
//! may call it, and whether it is audited.

use tonic::{Code, Status};

use super::errors;
use crate::{
    domain::access::Role,
    protocol::{methods::Method, pb::ErrorReason},
};

use Role::{Auditor, Delegate, Node, Operator, Reader, Recorder, Signer};

/// Roles that ask questions about events and the register.
const READERS: &[Role] = &[Recorder, Signer, Reader, Auditor, Operator, Delegate, Node];

/// Whether a call that is done gets a line in the audit trail. Denials get theirs in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lines {
    /// No: it reads, or the log has it.
    None,
    /// Yes.
    Always,
    /// If the handler says that it is an act: see [`begin_act`](super::acts::begin_act).
    IfAct,
}

/// The roles that may call a method.
pub(crate) fn roles_of(method: Method) -> &'static [Role] {
    terms_of(method).0
}

/// The lines that a method gets.
pub(crate) fn lines_of(method: Method) -> Lines {
    terms_of(method).1
}

fn terms_of(method: Method) -> (&'static [Role], Lines) {
    match method {
        Method::Append => (&[Recorder, Signer], Lines::None),
        Method::GetEvent
        | Method::ListEvents
        | Method::Subscribe
        | Method::GetDigest
        | Method::CreateCursor
        | Method::GetCursor
        | Method::ListCursors
        | Method::AdvanceCursor
        | Method::GetDesignee
        | Method::ExplainTitle
        | Method::ListDesignees
        | Method::ListTitles
        | Method::ExportRegister
        | Method::DiffRules
        | Method::ListChanges
        | Method::ListTimelines
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
        | Method::WhoAmI => (READERS, Lines::None),
        // An operator may delete the cursor of another.
        Method::DeleteCursor => (READERS, Lines::IfAct),
        Method::Verify => (&[Auditor, Operator, Node], Lines::Always),
        Method::AdoptRules | Method::HandOver => (&[Operator], Lines::Always),
        Method::WithholdEvent => (&[Operator, Auditor], Lines::Always),
        Method::ListPrincipals => (&[Delegate, Operator, Auditor], Lines::None),
        Method::PutPrincipal | Method::DeletePrincipal => (&[Delegate], Lines::Always),
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
