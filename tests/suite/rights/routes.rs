//! Who may ask what over plain HTTP: every route and every role, by hand, as the table of methods.

use std::sync::Arc;

use http::{Method, StatusCode};
use tidu::{
    metrics::Metrics,
    operations::{Operations, OperationsOptions},
    protocol::pb,
    service::Phases,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime::Handle,
};

use super::matrix::{ROLES, name_of};
use crate::support::{
    Governed, Hands, commit, in_time, list,
    principals::token_of,
    rights,
    web::{ask, get},
};

/// Each route of the port for callers, and who gets its answer: recorder, signer, reader, auditor,
/// operator, delegate, node, gateway, a stranger.
const ROUTES: [(&str, &str); 4] = [
    ("/v1/events?follow=false", "yyyyyyy--"),
    // The same text for everybody, which tells nothing of the log.
    ("/", "yyyyyyyyy"),
    ("/openapi.json", "yyyyyyyyy"),
    ("/favicon.ico", "yyyyyyyyy"),
];

/// Each route of the operations port. It knows no callers: whoever reaches it gets its answers.
const OPERATIONS: [(&str, &str); 6] = [
    ("/", "yyyyyyyyy"),
    ("/metrics", "yyyyyyyyy"),
    ("/healthz", "yyyyyyyyy"),
    ("/readyz", "yyyyyyyyy"),
    ("/startupz", "yyyyyyyyy"),
    ("/v1/events", "---------"),
];

fn governed() -> Governed {
    let principals = ROLES.map(|role| (name_of(role), rights(role, Some("440000"))));
    let named: Vec<_> = principals.iter().map(|(name, own)| (name.as_str(), own.clone())).collect();
    Governed::new(&named)
}

#[tokio::test]
async fn every_role_gets_the_routes_of_the_table_and_no_other() {
    let governed = governed();
    governed.ledger.append(commit(list(1, 3))).await.unwrap();
    for (route, row) in ROUTES {
        let roles = ROLES.iter().map(|role| Some(*role)).chain([None]);
        for (role, cell) in roles.zip(row.chars()) {
            let (caller, refusal) = match role {
                Some(role) => (governed.as_principal(&name_of(role)), StatusCode::FORBIDDEN),
                None => (governed.as_stranger(), StatusCode::UNAUTHORIZED),
            };
            for method in [Method::GET, Method::HEAD] {
                let answered = ask(&caller.api, method, route, &[]).await;
                let what = format!("{role:?} asks {route}: {answered:?}");
                match cell {
                    'y' => assert!(answered.status.is_success(), "{what}"),
                    _ => assert_eq!(answered.status, refusal, "{what}"),
                }
            }
        }
    }
}

#[tokio::test]
async fn a_reader_gets_over_http_what_its_rights_reach() {
    let governed = governed();
    governed.ledger.append(commit(list(1, 3))).await.unwrap();
    for (role, may) in ROLES.iter().zip("yyyyyyy-".chars()) {
        let mut caller = governed.as_principal(&name_of(*role));
        let answered = get(&caller.api, "/v1/events?follow=false", &[]).await;
        let page = caller.ledger.list_events(pb::ListEventsRequest::default()).await;
        match may {
            'y' => {
                let page = page.unwrap().into_inner();
                let told = page.events.len() + page.withheld.len();
                assert_eq!(answered.lines().len(), told, "{role:?}");
            }
            _ => assert_eq!(answered.reason(), "NOT_ENTITLED", "{role:?}"),
        }
    }
}

#[tokio::test]
async fn the_operations_port_answers_whoever_reaches_it() {
    let options = OperationsOptions {
        phases: Phases::new(),
        metrics: Metrics::new(),
        clock: Arc::new(Hands::default()),
        telemetry: |_| {},
        runtime: Handle::current(),
        data_dir: "nowhere".into(),
        hosts: Vec::new(),
    };
    let operations = Operations::start(([127, 0, 0, 1], 0).into(), options).unwrap();
    for (route, row) in OPERATIONS {
        let roles = ROLES.iter().map(|role| Some(*role)).chain([None]);
        let mut told = None;
        for (role, cell) in roles.zip(row.chars()) {
            let token = role.map(|role| token_of(&name_of(role)));
            let shown = token.map_or(String::new(), |t| format!("Authorization: Bearer {t}\r\n"));
            let request = format!("GET {route} HTTP/1.1\r\nHost: localhost\r\n{shown}\r\n");
            let exchange = async {
                let mut stream = TcpStream::connect(operations.address()).await.unwrap();
                stream.write_all(request.as_bytes()).await.unwrap();
                let mut answer = String::new();
                stream.read_to_string(&mut answer).await.unwrap();
                answer.split(' ').nth(1).unwrap().to_owned()
            };
            let status = in_time("an answer", exchange).await;
            assert_eq!(status == "404", cell != 'y', "{role:?} asks {route}: {status}");
            assert_eq!(told.get_or_insert(status.clone()), &status, "{role:?} asks {route}");
        }
    }
}
