//! Who may do what, in one table: every role and every method, and every role and every event by
//! its authority and its class.
//!
//! The table is written by hand, from the meaning of the roles. A method without a row fails.

use std::collections::BTreeMap;

use http::{Request, header::CONTENT_TYPE};
use http_body_util::{BodyExt as _, Full};
use strum::IntoEnumIterator as _;
use tidu::{
    cli::generate::{Enterprise, enterprises},
    domain::access::{Rights, Role},
    protocol::{
        methods::Method,
        pb::{self, event::Fact},
    },
};
use tonic::{Code, Status, body::Body};
use tonic_types::StatusExt as _;
use tower::ServiceExt as _;

use crate::support::{
    Caller, Governed, authority, changed, commit, connect, designated, reason, rights,
};

/// The roles, in the order of the columns.
pub(super) const ROLES: [Role; 8] = [
    Role::Recorder,
    Role::Signer,
    Role::Reader,
    Role::Auditor,
    Role::Operator,
    Role::Delegate,
    Role::Node,
    Role::Gateway,
];

/// Every method, and the roles that may call it: recorder, signer, reader, auditor, operator,
/// delegate, node, gateway.
const METHODS: [(&str, &str); 43] = [
    ("LedgerService/Append", "yy------"),
    ("LedgerService/GetEvent", "yyyyyyy-"),
    ("LedgerService/ListEvents", "yyyyyyy-"),
    ("LedgerService/Subscribe", "yyyyyyy-"),
    ("ProofService/GetDigest", "yyyyyyy-"),
    ("CursorService/CreateCursor", "yyyyyyy-"),
    ("CursorService/GetCursor", "yyyyyyy-"),
    ("CursorService/ListCursors", "yyyyyyy-"),
    ("CursorService/AdvanceCursor", "yyyyyyy-"),
    ("CursorService/DeleteCursor", "yyyyyyy-"),
    ("RegisterService/GetDesignee", "yyyyyyy-"),
    ("RegisterService/ExplainTitle", "yyyyyyy-"),
    ("RegisterService/ListDesignees", "yyyyyyy-"),
    ("RegisterService/ListTitles", "yyyyyyy-"),
    ("RegisterService/ExportRegister", "yyyyyyy-"),
    ("RegisterService/DiffRules", "yyyyyyy-"),
    ("RegisterService/ListChanges", "yyyyyyy-"),
    ("RegisterService/ListTimelines", "yyyyyyy-"),
    ("RegisterService/CompareBatches", "yyyyyyy-"),
    ("RegisterService/CountTitles", "yyyyyyy-"),
    ("RegisterService/ListBatches", "yyyyyyy-"),
    ("RegisterService/GetBatch", "yyyyyyy-"),
    ("RegisterService/ListPools", "yyyyyyy-"),
    ("RegisterService/ListPoolMembers", "yyyyyyy-"),
    ("RegisterService/ListMeasures", "yyyyyyy-"),
    ("RegisterService/ListAssessments", "yyyyyyy-"),
    ("RegisterService/ListAuthorities", "yyyyyyy-"),
    ("RegisterService/ListBodies", "yyyyyyy-"),
    ("RegisterService/ListRegions", "yyyyyyy-"),
    ("RegisterService/ListProgrammes", "yyyyyyy-"),
    ("RegisterService/FindDesignees", "yyyyyyy-"),
    ("RegisterService/ListSuspects", "yyyyyyy-"),
    ("RegisterService/ListCatalogues", "yyyyyyy-"),
    ("RegisterService/GetCatalogue", "yyyyyyy-"),
    ("AdminService/GetStatus", "yyyyyyy-"),
    ("AdminService/Verify", "---yy-y-"),
    ("AdminService/AdoptRules", "----y---"),
    ("AdminService/HandOver", "----y---"),
    // An auditor approves, and never proposes.
    ("AdminService/WithholdEvent", "---yy---"),
    ("AccessService/WhoAmI", "yyyyyyy-"),
    ("AccessService/ListPrincipals", "---yyy--"),
    ("AccessService/PutPrincipal", "-----y--"),
    ("AccessService/DeletePrincipal", "-----y--"),
];

/// Calls over Connect, in JSON.
const CONNECT: &str = "connect";

/// Whose events: of the authority of the caller, of another one, and of another one with the own
/// one as a co-issuer. Each of the class `public`, then of the class `own`.
const EVENTS: [&str; 6] = [
    "own, public",
    "own, own class",
    "foreign, public",
    "foreign, own class",
    "co-issued, public",
    "co-issued, own class",
];

/// For each role: which of these events it reads, and which it records.
const CONTENT: [(Role, &str, &str); 8] = [
    (Role::Recorder, "yyy-yy", "yy----"),
    (Role::Signer, "yyy-yy", "------"),
    (Role::Reader, "yyy-yy", "------"),
    (Role::Auditor, "yyyyyy", "------"),
    (Role::Operator, "y-y-y-", "------"),
    (Role::Delegate, "yyy-yy", "------"),
    (Role::Node, "yyyyyy", "------"),
    (Role::Gateway, "------", "------"),
];

pub(super) fn name_of(role: Role) -> String {
    format!("guangdong.{}", role.name())
}

fn principals() -> Vec<(String, Rights)> {
    ROLES.map(|role| (name_of(role), rights(role, Some("440000")))).into()
}

fn governed() -> Governed {
    let principals = principals();
    let named: Vec<_> = principals.iter().map(|(name, own)| (name.as_str(), own.clone())).collect();
    Governed::new(&named)
}

/// The columns of a row.
fn allowed(row: &str) -> Vec<bool> {
    row.chars().map(|cell| cell == 'y').collect()
}

/// Calls a method with an empty request, as the content type says, and gives the status of its
/// first answer.
async fn called(caller: &Caller, path: &str, content: &str) -> Status {
    if content == CONNECT {
        return over_connect(caller, path).await;
    }
    let body = Body::new(Full::new(bytes::Bytes::from_static(&[0; 5])));
    let request = Request::post(format!("http://localhost{path}"))
        .version(http::Version::HTTP_2)
        .header(CONTENT_TYPE, content)
        .header("te", "trailers");
    let answer = caller.api.clone().oneshot(request.body(body).unwrap()).await.unwrap();
    if let Some(status) = Status::from_header_map(answer.headers()) {
        return status;
    }
    // A stream that was let in may never end: its first frame tells enough.
    let mut body = answer.into_body();
    match body.frame().await {
        Some(Ok(frame)) if frame.is_data() => in_body(&frame.into_data().unwrap()),
        Some(Ok(frame)) => {
            let trailers = frame.into_trailers().unwrap_or_default();
            Status::from_header_map(&trailers).unwrap_or_else(|| Status::ok(""))
        }
        Some(Err(status)) => status,
        None => Status::ok(""),
    }
}

/// As [`called`], in JSON over Connect.
async fn over_connect(caller: &Caller, path: &str) -> Status {
    let is_stream = ["/Subscribe", "/ExportRegister", "/Verify"].iter().any(|m| path.ends_with(m));
    let (kind, body) = match is_stream {
        true => ("application/connect+json", connect::framed(0, b"{}")),
        false => ("application/json", bytes::Bytes::from_static(b"{}")),
    };
    let headers = [("content-type", kind)];
    let answer = connect::send(&caller.api, (http::Method::POST, path), &headers, body).await;
    let mut body = answer.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    let told = match is_stream {
        true if first[0] == 2 => serde_json::from_slice(&first[5..]).unwrap(),
        true => return Status::ok(""),
        false => serde_json::from_slice::<serde_json::Value>(&first).unwrap(),
    };
    connect::status_of(told.get("error").unwrap_or(&told))
}

/// The status that a frame of gRPC-Web holds; that of a message is OK.
fn in_body(frame: &[u8]) -> Status {
    let [0x80, _, _, _, _, lines @ ..] = frame else { return Status::ok("") };
    let mut headers = http::HeaderMap::new();
    for line in String::from_utf8_lossy(lines).lines() {
        let (name, value) = line.split_once(':').unwrap();
        let name = http::HeaderName::try_from(name).unwrap();
        headers.insert(name, value.trim().parse().unwrap());
    }
    Status::from_header_map(&headers).unwrap()
}

/// True if the method itself is refused, whatever it is asked for.
fn is_refused(status: &Status) -> bool {
    let details = status.get_error_details();
    let action = details.error_info().and_then(|info| info.metadata.get("action").cloned());
    status.code() == Code::PermissionDenied && action.as_deref() == Some("call")
}

#[tokio::test]
async fn every_role_calls_the_methods_of_the_table_and_no_other() {
    let row = |(path, row): &(&str, &str)| (format!("/tidu.v1.{path}"), allowed(row));
    let rows: BTreeMap<_, _> = METHODS.iter().map(row).collect();
    let known: Vec<_> = Method::iter().map(|method| method.path().to_owned()).collect();
    for path in &known {
        assert!(rows.contains_key(path), "{path} has no row: say which roles may call it");
    }
    for path in rows.keys() {
        assert!(known.contains(path), "{path} is not a method");
    }
    let governed = governed();
    for (path, row) in &rows {
        for (role, may) in ROLES.iter().zip(row) {
            let caller = governed.as_principal(&name_of(*role));
            for content in ["application/grpc", "application/grpc-web", CONNECT] {
                let status = called(&caller, path, content).await;
                let what = format!("{} calls {path} as {content}: {status:?}", role.name());
                assert_eq!(!is_refused(&status), *may, "{what}");
                assert_ne!(status.code(), Code::Unauthenticated, "{what}");
            }
        }
        for content in ["application/grpc", CONNECT] {
            let status = called(&governed.as_stranger(), path, content).await;
            assert_eq!(status.code(), Code::Unauthenticated, "a stranger calls {path}: {status:?}");
            assert_eq!(reason(&status), "CREDENTIAL_MISSING", "{path} as {content}");
        }
    }
    assert_eq!(governed.ledger.durable().size, 0, "nothing was recorded");
}

/// The events of the table about enterprises of their own, in its order.
fn events(seed: u64) -> Vec<pb::Event> {
    let of = |code: &str| enterprises(seed, authority(code)).take(4).collect::<Vec<_>>();
    let (own, foreign) = (of("440000"), of("330000"));
    let by = |event: pb::Event, code: &str, with: &[&str]| pb::Event {
        authority: code.to_owned(),
        co_issuers: with.iter().map(|code| (*code).to_owned()).collect(),
        ..event
    };
    let pair = |one: &Enterprise, other: &Enterprise, code: &str, with: &[&str]| {
        [by(designated(one), code, with), by(changed(other), code, with)]
    };
    [
        pair(&own[0], &own[1], "440000", &[]),
        pair(&foreign[0], &foreign[1], "330000", &[]),
        pair(&foreign[2], &foreign[3], "330000", &["440000"]),
    ]
    .concat()
}

#[tokio::test]
async fn every_role_reads_the_events_of_the_table_and_no_other() {
    let governed = governed();
    governed.ledger.append(commit(events(1))).await.unwrap();
    for (role, reads, _) in CONTENT {
        let mut caller = governed.as_principal(&name_of(role));
        let mut seen = Vec::new();
        for position in 0..6 {
            let request = pb::GetEventRequest { position: Some(position), raw: true };
            match caller.ledger.get_event(request).await.map(tonic::Response::into_inner) {
                Ok(answer) => {
                    assert_eq!(answer.event.is_some(), !answer.leaf.is_empty());
                    assert_ne!(answer.event.is_some(), answer.withheld.is_some());
                    seen.push(answer.event.is_some());
                }
                Err(refused) => {
                    assert!(role == Role::Gateway && is_refused(&refused), "{refused:?}");
                    seen.push(false);
                }
            }
        }
        for (event, (seen, reads)) in EVENTS.iter().zip(seen.iter().zip(allowed(reads))) {
            assert_eq!(*seen, reads, "{} reads {event}", role.name());
        }
        if role != Role::Gateway {
            let page = caller.ledger.list_events(pb::ListEventsRequest::default()).await.unwrap();
            let page = page.into_inner();
            let listed: Vec<_> = page.events.iter().map(|e| e.position.unwrap()).collect();
            let expected: Vec<_> =
                (0..6).zip(&seen).filter(|(_, s)| **s).map(|(at, _)| at).collect();
            assert_eq!(listed, expected, "{} lists", role.name());
        }
    }
}

#[tokio::test]
async fn every_role_records_the_events_of_the_table_and_no_other() {
    for (number, (role, _, records)) in (10..).zip(CONTENT) {
        let governed = governed();
        let mut caller = governed.as_principal(&name_of(role));
        let rows = EVENTS.iter().zip(allowed(records));
        for (event, (what, records)) in events(number).into_iter().zip(rows) {
            // Repairs judge what is inside, too: the same event in the place of another one.
            let fact = pb::Corrected {
                position: Some(0),
                reason: "listed wrongly".to_owned(),
                replacement: Some(Box::new(event.clone())),
            };
            let inside = pb::Event {
                authority: "440000".to_owned(),
                designee: String::new(),
                co_issuers: Vec::new(),
                fact: Some(Fact::Corrected(Box::new(fact))),
                ..event.clone()
            };
            let size = governed.ledger.durable().size;
            let append = |event: pb::Event, validate_only: bool| pb::AppendRequest {
                events: vec![event],
                validate_only,
                ..Default::default()
            };
            if !records {
                for request in [
                    append(event.clone(), true),
                    append(inside.clone(), true),
                    append(inside, false),
                ] {
                    let refused = caller.ledger.append(request).await.unwrap_err();
                    let told = (refused.code(), reason(&refused));
                    let denied = (Code::PermissionDenied, "NOT_ENTITLED".to_owned());
                    assert_eq!(told, denied, "{} tries {what}", role.name());
                }
            }
            let answer = caller.ledger.append(append(event, false)).await;
            assert_eq!(answer.is_ok(), records, "{} records {what}: {answer:?}", role.name());
            let recorded = governed.ledger.durable().size - size;
            assert_eq!(recorded, u64::from(records), "{} records {what}", role.name());
        }
    }
}
