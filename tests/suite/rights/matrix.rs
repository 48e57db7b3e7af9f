//! Who may do what, in full: every role and every method, and every role over events of its own
//! authority and of others, public and not. The tables here say it again, so that neither side
//! changes alone.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use strum::IntoEnumIterator as _;
use tidu::{
    domain::access::Role,
    protocol::{
        methods::Method,
        pb::{self, event::Fact},
    },
};
use tonic::{Code, body::Body};
use tower::ServiceExt as _;

use crate::support::{Caller, Governed, commit, date, designated, event, made_up, reason, rights};

/// The authority of every principal here that has one.
const OWN: &str = "440000";
const FOREIGN: &str = "330000";

const ROLES: [(&str, Role); 8] = [
    ("recorder", Role::Recorder),
    ("signer", Role::Signer),
    ("reader", Role::Reader),
    ("auditor", Role::Auditor),
    ("operator", Role::Operator),
    ("delegate", Role::Delegate),
    ("node", Role::Node),
    ("gateway", Role::Gateway),
];

/// Everybody but a gateway, who calls for others alone.
const READERS: &str = "recorder signer reader auditor operator delegate node";

/// The roles that may call each method.
const METHODS: [(&str, &str); 41] = [
    ("AccessService/DeletePrincipal", "delegate"),
    ("AccessService/ListPrincipals", "auditor operator delegate"),
    ("AccessService/PutPrincipal", "delegate"),
    ("AccessService/WhoAmI", READERS),
    ("AdminService/AdoptRules", "operator"),
    ("AdminService/GetStatus", READERS),
    ("AdminService/Verify", "auditor operator node"),
    ("AdminService/WithholdEvent", "auditor operator"),
    ("CursorService/AdvanceCursor", READERS),
    ("CursorService/CreateCursor", READERS),
    ("CursorService/DeleteCursor", READERS),
    ("CursorService/GetCursor", READERS),
    ("CursorService/ListCursors", READERS),
    ("LedgerService/Append", "recorder signer"),
    ("LedgerService/GetEvent", READERS),
    ("LedgerService/ListEvents", READERS),
    ("LedgerService/Subscribe", READERS),
    ("ProofService/GetDigest", READERS),
    ("RegisterService/CompareBatches", READERS),
    ("RegisterService/CountTitles", READERS),
    // The others ask a question whose answer spans the whole register.
    ("RegisterService/DiffRules", "auditor node"),
    ("RegisterService/ExplainTitle", READERS),
    ("RegisterService/ExportRegister", READERS),
    ("RegisterService/FindDesignees", READERS),
    ("RegisterService/GetBatch", READERS),
    ("RegisterService/GetCatalogue", READERS),
    ("RegisterService/GetDesignee", READERS),
    ("RegisterService/ListAssessments", READERS),
    ("RegisterService/ListAuthorities", READERS),
    ("RegisterService/ListBatches", READERS),
    ("RegisterService/ListBodies", READERS),
    ("RegisterService/ListCatalogues", READERS),
    ("RegisterService/ListChanges", READERS),
    ("RegisterService/ListDesignees", READERS),
    ("RegisterService/ListMeasures", READERS),
    ("RegisterService/ListPoolMembers", READERS),
    ("RegisterService/ListPools", READERS),
    ("RegisterService/ListProgrammes", READERS),
    ("RegisterService/ListRegions", READERS),
    ("RegisterService/ListSuspects", READERS),
    ("RegisterService/ListTitles", READERS),
];

/// Paths beside the methods, and what somebody gets who shows no credential, and a reader.
const OTHER_PATHS: [(&str, Option<Code>, Option<Code>); 6] = [
    ("/grpc.health.v1.Health/Check", Some(Code::Ok), Some(Code::Ok)),
    ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", REFUSED, None),
    ("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", REFUSED, None),
    ("/tidu.v1.LedgerService/Erase", REFUSED, Some(Code::Unimplemented)),
    ("/tidu.v1.Nothing/Get", REFUSED, Some(Code::Unimplemented)),
    ("/metrics", REFUSED, Some(Code::Unimplemented)),
];
const REFUSED: Option<Code> = Some(Code::Unauthenticated);

fn governed() -> Governed {
    let principals = ROLES.map(|(name, role)| {
        let authority = (!matches!(role, Role::Auditor | Role::Operator)).then_some(OWN);
        (name, rights(role, authority))
    });
    Governed::new(&principals)
}

/// Calls a path with an empty message; the status, if the headers tell it.
async fn call(caller: &Caller, path: &str, kind: &str) -> Option<Code> {
    let request = Request::post(format!("http://localhost{path}"))
        .version(http::Version::HTTP_2)
        .header("content-type", kind)
        .header("te", "trailers")
        .body(Body::new(Full::new(Bytes::from_static(&[0; 5]))))
        .unwrap();
    let answer = caller.api.clone().oneshot(request).await.unwrap();
    let code = answer.headers().get("grpc-status");
    code.map(|code| Code::from_bytes(code.as_bytes()))
}

#[tokio::test]
async fn each_role_reaches_its_methods_and_no_others() {
    let governed = governed();
    for method in Method::iter() {
        let path = method.path();
        let row = METHODS.iter().find(|(name, _)| path == format!("/tidu.v1.{name}"));
        let (_, allowed) = row.unwrap_or_else(|| panic!("who may call {path}?"));
        for (name, _) in ROLES {
            let code = call(&governed.as_principal(name), path, "application/grpc").await;
            let is_let_in = code != Some(Code::PermissionDenied);
            let may = allowed.split(' ').any(|role| role == name);
            assert_eq!(is_let_in, may, "{name} and {path}: {code:?}");
        }
        for kind in ["application/grpc", "application/grpc-web+proto"] {
            let code = call(&governed.as_stranger(), path, kind).await;
            assert_eq!(code, REFUSED, "a stranger and {path}, {kind}");
        }
    }
}

#[tokio::test]
async fn a_stranger_reaches_nothing_beside_the_methods_but_health() {
    let governed = governed();
    for (path, stranger, reader) in OTHER_PATHS {
        let code = call(&governed.as_stranger(), path, "application/grpc").await;
        if path.ends_with("/Check") {
            // An answer has its status behind it.
            assert!(code.is_none_or(|code| Some(code) == stranger), "{path}: {code:?}");
            continue;
        }
        assert_eq!(code, stranger, "a stranger and {path}");
        let code = call(&governed.as_principal("reader"), path, "application/grpc").await;
        assert_eq!(code, reader, "a reader and {path}");
    }
}

/// An event of an authority, of a class, issued with another authority or alone.
fn an_event(authority: &str, with: Option<&str>, is_public: bool) -> pb::Event {
    let number = usize::from(with.is_some()) * 2 + usize::from(is_public);
    let enterprise = &made_up(7, 1)[0];
    let fact = if is_public {
        designated(enterprise).fact.unwrap()
    } else {
        Fact::MajorChangeReported(pb::MajorChangeReported {
            change: pb::MajorChange::Rename.into(),
            occurred_on: date("2024-02-01"),
            reported_on: date("2024-03-01"),
        })
    };
    let designee = format!("local:{authority}/{number}");
    let mut event = event(authority, &designee, "2024-03-01", fact);
    event.co_issuers = with.map(str::to_owned).into_iter().collect();
    if let Some(Fact::Designated(fact)) = &mut event.fact {
        fact.profile =
            Some(pb::Profile { name: "示例有限公司".to_owned(), ..Default::default() });
    }
    event
}

/// Each issuer and its co-issuer, and whether a recorder of [`OWN`] may record for it.
const ISSUERS: [(&str, Option<&str>, bool); 4] = [
    (OWN, None, true),
    (OWN, Some(FOREIGN), true),
    (FOREIGN, None, false),
    (FOREIGN, Some(OWN), false),
];

#[tokio::test]
async fn each_role_records_for_its_own_authority_or_not_at_all() {
    for (issuer, with, is_own) in ISSUERS {
        for is_public in [true, false] {
            for (name, role) in ROLES {
                let governed = governed();
                let before = governed.ledger.durable().size;
                let events = vec![an_event(issuer, with, is_public)];
                let request = pb::AppendRequest { events, ..Default::default() };
                let mut caller = governed.as_principal(name);
                let answer = caller.ledger.append(request).await;
                let what = format!("{name} for {issuer} with {with:?}, public: {is_public}");
                if role == Role::Recorder && is_own {
                    answer.unwrap_or_else(|status| panic!("{what}: {status:?}"));
                    assert_eq!(governed.ledger.durable().size, before + 1, "{what}");
                    continue;
                }
                let status = answer.expect_err(&what);
                let found = (status.code(), reason(&status));
                assert_eq!(found, (Code::PermissionDenied, "NOT_ENTITLED".to_owned()), "{what}");
                assert_eq!(governed.ledger.durable().size, before, "{what}");
            }
        }
    }
}

/// True if a role of [`OWN`] reads an event of these authorities and this class.
fn reads(role: Role, issuer: &str, with: Option<&str>, is_public: bool) -> bool {
    match role {
        Role::Auditor | Role::Node => true,
        Role::Operator => is_public,
        Role::Gateway => false,
        _ => is_public || issuer == OWN || with == Some(OWN),
    }
}

#[tokio::test]
async fn each_role_reads_its_own_class_and_what_is_public() {
    let governed = governed();
    let mut events = Vec::new();
    for (issuer, with, _) in ISSUERS {
        events.extend([true, false].map(|is_public| (issuer, with, is_public)));
    }
    for (issuer, with, is_public) in &events {
        governed.ledger.append(commit(vec![an_event(issuer, *with, *is_public)])).await.unwrap();
    }
    for (name, role) in ROLES.into_iter().filter(|(_, role)| *role != Role::Gateway) {
        let mut caller = governed.as_principal(name);
        for (position, (issuer, with, is_public)) in (0..).zip(&events) {
            let request = pb::GetEventRequest { position: Some(position), raw: false };
            let answer = caller.ledger.get_event(request).await.unwrap().into_inner();
            let what = format!("{name} reads {issuer} with {with:?}, public: {is_public}");
            let expected = reads(role, issuer, *with, *is_public);
            assert_eq!(answer.event.is_some(), expected, "{what}");
            let Some(place) = answer.withheld else { continue };
            // A place, its leaf hash, and nothing else.
            let bare = pb::Withheld {
                position: place.position,
                leaf_hash: place.leaf_hash.clone(),
                ..Default::default()
            };
            assert_eq!((place.leaf_hash.len(), &place), (32, &bare), "{what}");
        }
    }
}
