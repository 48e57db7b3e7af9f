//! Who is let in, and who the server says it is.

use tidu::{domain::access::Role, protocol::pb};
use tonic::Code;

use crate::support::{Governed, reason, rights};

#[tokio::test]
async fn a_principal_is_known_and_a_stranger_learns_nothing() {
    let name = "guangdong.recorder";
    let governed = Governed::new(&[(name, rights(Role::Recorder, Some("440000")))]);
    let answer = governed.as_principal(name).access.who_am_i(pb::WhoAmIRequest {}).await;
    let who = answer.unwrap().into_inner();
    let principal = who.principal.clone().unwrap();
    assert_eq!((principal.id.as_str(), principal.authority.as_str()), (name, "440000"));
    assert_eq!(principal.roles, [pb::Role::Recorder as i32]);
    assert_eq!(who.credential(), pb::CredentialKind::Token);

    for (mut caller, expected) in [
        (governed.as_stranger(), "CREDENTIAL_MISSING"),
        (governed.as_principal("guangdong.reader"), "CREDENTIAL_INVALID"),
    ] {
        let refused = caller.access.who_am_i(pb::WhoAmIRequest {}).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated);
        assert_eq!(reason(&refused), expected);
        assert!(!refused.message().contains("guangdong"), "{}", refused.message());
    }
}

#[tokio::test]
async fn a_method_that_no_role_reaches_is_refused() {
    let name = "guangdong.reader";
    let governed = Governed::new(&[(name, rights(Role::Reader, Some("440000")))]);
    let request = pb::AdoptRulesRequest::default();
    let refused = governed.as_principal(name).admin.adopt_rules(request).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused)), (Code::PermissionDenied, "NOT_ENTITLED".into()));
}
