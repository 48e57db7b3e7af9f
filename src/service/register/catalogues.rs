//! The catalogues that the log has adopted.

use bytes::Bytes;
use tonic::{Code, Status};

use crate::{
    domain::{
        catalogue::Adoption,
        fault::{Key, RuleId, echo},
        text::hex,
    },
    ledger::Ledger,
    protocol::pb::{self, ErrorReason},
    service::errors,
};

pub(super) fn adoptions(ledger: &Ledger) -> pb::ListCataloguesResponse {
    let adoption = |Adoption { position, catalogue }: &Adoption| pb::AdoptedCatalogue {
        position: *position,
        sha256: Bytes::copy_from_slice(&catalogue.sha256),
        // The file has no bound on it; a thousand of them must fit a response.
        version: echo(&catalogue.version),
    };
    let catalogues = ledger.catalogues().adoptions().map(adoption).collect();
    pb::ListCataloguesResponse { catalogues }
}

pub(super) fn catalogue(
    ledger: &Ledger,
    request: &pb::GetCatalogueRequest,
) -> Result<pb::GetCatalogueResponse, Status> {
    // No more of a wrong value is repeated than a digest has.
    let digest = hex(request.sha256.get(..32).unwrap_or(&request.sha256));
    if request.sha256.len() != 32 {
        let breach = RuleId::DigestLength.with(Key::Count, request.sha256.len());
        return Err(errors::bad_field("sha256", &digest, breach));
    }
    let Some(found) = ledger.catalogues().with_digest(&request.sha256) else {
        return Err(errors::status(
            Code::NotFound,
            ErrorReason::CatalogueNotFound,
            "the log has adopted no catalogue with this digest; ListCatalogues gives them",
            [("value", digest)],
        ));
    };
    Ok(pb::GetCatalogueResponse {
        toml: Bytes::copy_from_slice(found.text().as_bytes()),
        version: found.version.clone(),
    })
}
