//! Plain HTTP refuses what calls are refused, with the same reasons, and ends as they end.

use http::{Method, StatusCode};
use tidu::{
    domain::access::{Rights, Role},
    limits::STREAMS_OF_PARTY_MAX,
    metrics::Metrics,
    protocol::pb,
    service::{ApiSettings, Peer, Phase, Phases, starting},
};
use tonic::body::Body;
use tower::{ServiceExt as _, util::BoxCloneSyncService};

use crate::support::{
    Caller, Governed, commit, list,
    principals::policy,
    rights,
    web::{Source, ask, get, info, reason, send},
};

#[tokio::test]
async fn a_refusal_names_the_parameter_the_value_and_the_rule() {
    let governed = Governed::open();
    governed.ledger.append(commit(list(1, 3))).await.unwrap();
    let table = [
        ("?form=7", "MALFORMED_REQUEST", "form: this parameter is not known; there are from,"),
        ("?to=1&to=2", "MALFORMED_REQUEST", "to=2: this parameter is there twice"),
        ("?from=x", "MALFORMED_REQUEST", "from=x: it must be a position"),
        ("?from=4", "POSITION_BEYOND_LOG", "from 4 is beyond the log, which has 3 events"),
        ("?programme=giant", "PROGRAMME_UNKNOWN", "programme[0]: "),
        ("?authority=44", "AUTHORITY_UNKNOWN", "authority[0]: "),
        ("?region=44", "REGION_UNKNOWN", "region: "),
        ("?batch=", "FIELD_REQUIRED", "batch[0]: "),
        ("?heartbeat=500ms", "FIELD_INVALID", "heartbeat: must be 1 s to 300 s"),
        ("?log_id=other", "LOG_ID_MISMATCH", "the server's log is not the one named"),
        ("?cursor=nobody", "CURSOR_NOT_FOUND", "there is no cursor"),
    ];
    for (query, expected, text) in table {
        for accept in ["*/*", "text/event-stream"] {
            let target = format!("/v1/events{query}");
            let refused = get(&governed.api, &target, &[("accept", accept)]).await;
            assert!(refused.status.is_client_error(), "{query}: {refused:?}");
            assert_eq!(refused.header("content-type"), "application/json", "{query}");
            assert_eq!(refused.reason(), expected, "{query}: {}", refused.body);
            let error: serde_json::Value = serde_json::from_str(&refused.body).unwrap();
            let message = error["message"].as_str().unwrap();
            assert!(message.starts_with(text), "{query}: {message}");
        }
    }
    let refused = get(&governed.api, "/v1/events", &[("last-event-id", "seven")]).await;
    assert!(refused.body.contains("Last-Event-ID=seven: it must be a position"), "{refused:?}");
}

#[tokio::test]
async fn other_methods_and_other_paths_are_told_where_to_go() {
    let governed = Governed::open();
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        let refused = ask(&governed.api, method, "/v1/events", &[]).await;
        assert_eq!(refused.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(refused.header("allow"), "GET, HEAD");
    }
    for path in ["/v1/event", "/v1/events/", "/v2/events", "/metrics", "//", "/tidu.v1"] {
        let refused = get(&governed.api, path, &[]).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "{path}");
        assert!(refused.body.contains("/v1/events"), "{path}: {}", refused.body);
        assert_eq!(refused.header("content-type"), "text/plain; charset=utf-8");
        let refused = get(&governed.api, path, &[("accept", "application/json")]).await;
        assert_eq!(
            (refused.status, refused.reason().as_str()),
            (StatusCode::NOT_FOUND, "MALFORMED_REQUEST")
        );
    }
}

#[tokio::test]
async fn a_stranger_learns_nothing() {
    let reader = ("guangdong.reader", rights(Role::Reader, Some("440000")));
    let governed = Governed::new(&[reader]);
    governed.ledger.append(commit(list(1, 3))).await.unwrap();
    let stranger = governed.as_stranger().api;
    // What a stranger asks is not even read.
    for query in ["", "?from=99", "?form=7", "?programme=giant", "?log_id=other"] {
        let refused = get(&stranger, &format!("/v1/events{query}"), &[]).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{query}");
        assert_eq!(refused.header("www-authenticate"), "Bearer");
        assert_eq!(refused.reason(), "CREDENTIAL_MISSING", "{query}: {}", refused.body);
    }
    let reader = governed.as_principal("guangdong.reader").api;
    let read = get(&reader, "/v1/events?follow=false", &[]).await;
    assert_eq!(read.lines().len(), 3);
}

#[tokio::test]
async fn a_change_of_rights_ends_a_stream_with_its_place() {
    let reader = |rights: Rights| [("guangdong.reader", rights)];
    let usual = || rights(Role::Reader, Some("440000"));
    let governed = Governed::new(&reader(usual()));
    governed.ledger.append(commit(list(1, 3))).await.unwrap();
    let api = governed.as_principal("guangdong.reader").api;
    let mut source = Source::open(&api, "/v1/events", &[]).await;
    for _ in 0..3 {
        assert_eq!(source.next_told().await.unwrap().kind, "");
    }
    let wider = Rights { read: vec![tidu::domain::access::Reach::everything()], ..usual() };
    governed.access.adopt(policy(&reader(wider), Vec::new()));
    let error = source.next_told().await.unwrap();
    assert_eq!(error.kind, "error");
    assert_eq!(error.json()["code"], "aborted");
    assert_eq!(reason(&error.json()), "SCOPE_CHANGED");
    assert_eq!(info(&error.json())["metadata"]["next_position"], "3");
    assert_eq!(error.id, "3", "a browser resumes there");
    assert!(source.next().await.is_none(), "the error is the last event");
}

#[tokio::test]
async fn the_drain_ends_every_stream_with_its_reason() {
    let governed = Governed::open();
    let mut source = Source::open(&governed.api, "/v1/events", &[]).await;
    assert_eq!(source.next().await.unwrap().kind, "progress");
    let lines = tokio::spawn({
        let api = governed.api.clone();
        async move { get(&api, "/v1/events", &[]).await }
    });
    tokio::task::yield_now().await;
    governed.phases.enter(Phase::Draining);
    let error = source.next_told().await.unwrap();
    assert_eq!((error.kind.as_str(), reason(&error.json())), ("error", "DRAINING".to_owned()));
    let lines = lines.await.unwrap().lines();
    assert_eq!(reason(&lines.last().unwrap()["error"]), "DRAINING");
}

/// Streams of both forms count together.
#[tokio::test]
async fn a_machine_has_as_many_streams_as_over_grpc() {
    let governed = Governed::open();
    let peer = Peer("192.0.2.7:4000".parse().unwrap());
    let api = governed.api.clone().map_request(move |mut request: http::Request<Body>| {
        request.extensions_mut().insert(peer);
        request
    });
    let api = BoxCloneSyncService::new(api);
    let mut client = Caller::of(api.clone());
    let (mut of_http, mut of_grpc) = (Vec::new(), Vec::new());
    for number in 0..STREAMS_OF_PARTY_MAX {
        match number % 2 {
            0 => of_http.push(Source::open(&api, "/v1/events", &[]).await),
            _ => of_grpc
                .push(client.ledger.subscribe(pb::SubscribeRequest::default()).await.unwrap()),
        }
    }
    let refused = get(&api, "/v1/events", &[]).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{refused:?}");
    assert_eq!(refused.reason(), "LIMIT_EXCEEDED");
    assert!(refused.body.contains("one address has at most 256 streams"), "{}", refused.body);
    // One that leaves makes room.
    of_http.pop();
    let answer = send(&api, Method::GET, "/v1/events", &[]).await;
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_server_that_starts_says_how_far_it_is() {
    let (phases, metrics) = (Phases::new(), Metrics::new());
    let api = starting(ApiSettings::default(), &phases, &metrics).unwrap();
    let refused = get(&api, "/v1/events", &[]).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!((refused.reason().as_str(), refused.header("retry-after")), ("STARTING", "1"));
    let page = get(&api, "/", &[]).await;
    assert!(page.body.contains("The server is starting"), "{}", page.body);
    assert_eq!(get(&api, "/openapi.json", &[]).await.status, StatusCode::OK);
}

const PAGES: &str = "https://pages.example";

#[tokio::test]
async fn pages_of_allowed_origins_read_and_others_do_not() {
    let web_origins = vec![http::HeaderValue::from_static(PAGES)];
    let governed = Governed::open_with(ApiSettings { web_origins, ..ApiSettings::default() });
    for target in ["/v1/events?follow=false", "/openapi.json", "/v1/events?form=1"] {
        let own = get(&governed.api, target, &[("origin", PAGES)]).await;
        assert_eq!(own.header("access-control-allow-origin"), PAGES, "{target}");
        let foreign = get(&governed.api, target, &[("origin", "https://evil.example")]).await;
        assert_eq!(foreign.header("access-control-allow-origin"), "", "{target}");
        // Nor can it take the answer for a script or an image.
        if foreign.status.is_success() {
            assert_eq!(foreign.header("cross-origin-resource-policy"), "same-origin");
            assert_eq!(foreign.header("x-content-type-options"), "nosniff");
        }
    }
    // A page that shows a token asks before.
    let asks = [
        ("origin", PAGES),
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "authorization,last-event-id"),
    ];
    let allowed = ask(&governed.api, Method::OPTIONS, "/v1/events", &asks).await;
    assert!(allowed.header("access-control-allow-methods").contains("GET"), "{allowed:?}");
    assert!(
        allowed.header("access-control-allow-headers").contains("authorization"),
        "{allowed:?}"
    );
    let asks = asks
        .map(|(name, value)| (name, if value == PAGES { "https://evil.example" } else { value }));
    let refused = ask(&governed.api, Method::OPTIONS, "/v1/events", &asks).await;
    assert_eq!(refused.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn a_server_for_one_machine_answers_no_page_of_another_host() {
    let local_hosts = Some(Vec::new());
    let governed = Governed::open_with(ApiSettings { local_hosts, ..ApiSettings::default() });
    for target in ["/", "/v1/events?follow=false", "/openapi.json", "/favicon.ico", "/nothing"] {
        for foreign in [("host", "evil.example"), ("origin", "http://evil.example")] {
            let refused = get(&governed.api, target, &[foreign]).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{target} {foreign:?}");
            assert!(refused.body.contains("evil.example"), "{}", refused.body);
        }
        let own = get(&governed.api, target, &[("host", "localhost:50051")]).await;
        assert_ne!(own.status, StatusCode::FORBIDDEN, "{target}");
    }
}
