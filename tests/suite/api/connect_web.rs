//! The Connect protocol and browsers: a page of another origin changes nothing, because a browser
//! asks before it sends JSON, and what it sends without asking is refused.

use http::{Method, StatusCode};
use tidu::{cursors::Cursors, protocol::pb, service};

use crate::support::{
    Governed, MemoryLog,
    connect::{json_of, path_of, send, whole},
    directory, list, open,
};

const APPEND: &str = "LedgerService/Append";
const FOREIGN: &str = "https://elsewhere.example";
const OWN: &str = "https://register.example";

/// A commit of one event, in JSON.
fn commit_in_json() -> String {
    let request = pb::AppendRequest { events: list(1, 1), ..Default::default() };
    json_of("AppendRequest", &request)
}

#[tokio::test]
async fn what_a_page_sends_without_asking_records_nothing() {
    let governed = Governed::open();
    let text = commit_in_json();
    // The content types of forms, none at all, and what looks like JSON to a careless reader.
    let kinds = [
        Some("text/plain"),
        Some("text/plain;charset=utf-8"),
        Some("text/plain; application/json"),
        Some("application/x-www-form-urlencoded"),
        Some("multipart/form-data; boundary=x"),
        Some("application/jsonp"),
        Some(""),
        None,
    ];
    for kind in kinds {
        let kind = kind.map(|kind| ("content-type", kind));
        let headers: Vec<_> = kind.into_iter().chain([("origin", FOREIGN)]).collect();
        let path = path_of(APPEND);
        let refused = send(&governed.api, (Method::POST, &path), &headers, text.clone()).await;
        let refused = whole(refused).await;
        assert_eq!(refused.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind:?}");
        assert!(refused.text().contains("a call in JSON states application/json"), "{refused:?}");
    }
    let query = format!("{}?encoding=json&message=%7B%7D", path_of(APPEND));
    let got = whole(send(&governed.api, (Method::GET, &query), &[], "").await).await;
    assert_eq!(got.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(governed.ledger.durable().size, 0);
    // The same text is recorded by who may send it.
    let json = [("content-type", "application/json")];
    let path = path_of(APPEND);
    let done = whole(send(&governed.api, (Method::POST, &path), &json, text).await).await;
    assert_eq!(done.status, StatusCode::OK, "{done:?}");
    assert_eq!(governed.ledger.durable().size, 1);
}

#[tokio::test]
async fn what_curl_states_by_itself_is_json_for_reads_alone() {
    let governed = Governed::open();
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let ask = async |method: &str| {
        let path = path_of(method);
        whole(send(&governed.api, (Method::POST, &path), &form, "{}").await).await
    };
    let answered = ask("AdminService/GetStatus").await;
    assert_eq!(answered.status, StatusCode::OK, "{answered:?}");
    assert_eq!(answered.json()["logSize"], "0");
    for method in [APPEND, "AdminService/AdoptRules", "LedgerService/Subscribe"] {
        let refused = ask(method).await;
        assert_eq!(refused.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{method}");
    }
}

#[tokio::test]
async fn a_browser_that_asks_is_answered_by_the_origin() {
    let dir = directory();
    let log = std::sync::Arc::new(MemoryLog::default());
    let ledger = std::sync::Arc::new(open(log, Default::default(), Default::default()));
    let cursors = std::sync::Arc::new(Cursors::open(dir.path()).unwrap());
    let settings = service::ApiSettings {
        web_origins: vec![http::HeaderValue::from_static(OWN)],
        local_hosts: Some(Vec::new()),
        ..Default::default()
    };
    let phases = service::Phases::new();
    let api = service::api(std::sync::Arc::clone(&ledger), cursors, settings, &phases).unwrap();
    let path = path_of(APPEND);
    let ask = |origin: &'static str| {
        let headers = [
            ("host", "localhost:50051"),
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "content-type"),
        ];
        let (api, path) = (api.clone(), path.clone());
        async move { whole(send(&api, (Method::OPTIONS, &path), &headers, "").await).await }
    };
    let allowed = ask(OWN).await;
    assert_eq!(allowed.header("access-control-allow-origin"), OWN);
    assert!(allowed.header("access-control-allow-methods").contains("POST"), "{allowed:?}");
    assert!(allowed.header("access-control-allow-methods").contains("GET"), "{allowed:?}");
    let foreign = ask(FOREIGN).await;
    assert_eq!(foreign.header("access-control-allow-origin"), "", "{foreign:?}");
    // A server for this machine refuses a foreign page also if its browser does not ask.
    let text = commit_in_json();
    let post = |origin: &'static str, host: &'static str| {
        let kind = ("content-type", "application/json");
        let headers = [kind, ("origin", origin), ("host", host)];
        let (api, path, text) = (api.clone(), path.clone(), text.clone());
        async move { whole(send(&api, (Method::POST, &path), &headers, text).await).await }
    };
    for (origin, host) in [(FOREIGN, "localhost"), (OWN, "elsewhere.example")] {
        assert_eq!(post(origin, host).await.status, StatusCode::FORBIDDEN, "{origin} {host}");
    }
    assert_eq!(ledger.durable().size, 0, "nothing was recorded");
    let done = post(OWN, "localhost").await;
    assert_eq!(done.status, StatusCode::OK, "{done:?}");
    assert_eq!(done.header("access-control-allow-origin"), OWN);
}
