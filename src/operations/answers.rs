//! The answers of the operations port.

use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use serde::Serialize;
use tokio::{
    task::spawn_blocking,
    time::{Instant, timeout},
};

use super::{
    State, Unhealthy,
    page::{page, paths},
    readiness::Replay,
    takes_tasks,
};
use crate::{
    limits::{HEALTH_DURATION_MAX, SCRAPE_DURATION_MAX},
    metrics::Format,
    service::Phase,
};

/// An answer.
pub(super) type Answer = Response<Full<Bytes>>;

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

/// The answer to a request.
pub(super) async fn answer<B>(
    state: Arc<State>,
    request: Request<B>,
) -> Result<Answer, Infallible> {
    Ok(answered(&state, &request).await)
}

async fn answered<B>(state: &Arc<State>, request: &Request<B>) -> Answer {
    let foreign = state.hosts.as_ref().and_then(|hosts| hosts.foreign(request));
    if let Some((key, value)) = foreign {
        return line(
            StatusCode::FORBIDDEN,
            &format!(
                "the request names the {key} {value:?}; this port is for this machine alone, and \
                 allows localhost, addresses, and what the setting hosts names"
            ),
        );
    }
    let path = request.uri().path();
    if path != "/" && path != "/favicon.ico" && !paths().any(|known| known == path) {
        let text = "there are /metrics, /healthz, /readyz and /startupz; / tells of them";
        return line(StatusCode::NOT_FOUND, text);
    }
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        let mut answer = line(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are answered");
        answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return answer;
    }
    match path {
        "/" => root(request.headers()),
        // A browser asks for it with every page.
        "/favicon.ico" => respond(StatusCode::NO_CONTENT, TEXT, String::new()),
        "/metrics" => metrics(state, request).await,
        "/healthz" => healthz(state).await,
        "/readyz" => readyz(state),
        _ => startupz(state),
    }
}

/// The page of the port.
fn root(headers: &HeaderMap) -> Answer {
    let (kind, text) = page(headers);
    let mut answer = respond(StatusCode::OK, kind, text);
    let headers = answer.headers_mut();
    let policy = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(header::VARY, HeaderValue::from_static("accept, accept-language"));
    answer
}

/// The values of all metrics. They are read on a thread of their own, because a thread that hangs
/// may hold some of them.
async fn metrics<B>(state: &Arc<State>, request: &Request<B>) -> Answer {
    let accept = request.headers().get_all(header::ACCEPT).iter();
    let accept: Vec<_> = accept.filter_map(|value| value.to_str().ok()).collect();
    let format = Format::accepted(&accept.join(","));
    let scraped = async {
        // One at a time: the others wait for the same values.
        let turn = Arc::clone(&state.scrapes).lock_owned().await;
        state.observer.refresh().await;
        let scraping = Arc::clone(state);
        let scraped = spawn_blocking(move || {
            let text = scraping.scrape(format);
            drop(turn);
            text
        });
        scraped.await
    };
    match timeout(SCRAPE_DURATION_MAX, scraped).await {
        Ok(Ok(text)) => respond(StatusCode::OK, format.content_type(), text),
        Ok(Err(_)) => line(StatusCode::INTERNAL_SERVER_ERROR, "the values could not be read"),
        Err(_) => line(
            StatusCode::SERVICE_UNAVAILABLE,
            &format!("the values could not be read within {} s", SCRAPE_DURATION_MAX.as_secs()),
        ),
    }
}

/// Whether the runtime of the server takes a task in time.
async fn healthz(state: &State) -> Answer {
    match takes_tasks(&state.main, HEALTH_DURATION_MAX).await {
        Ok(()) => line(StatusCode::OK, "ok"),
        Err(Unhealthy::Ended) => {
            line(StatusCode::SERVICE_UNAVAILABLE, "the server's runtime has ended")
        }
        Err(Unhealthy::Hangs) => line(
            StatusCode::SERVICE_UNAVAILABLE,
            &format!(
                "the server's runtime has taken no task for {} s",
                HEALTH_DURATION_MAX.as_secs()
            ),
        ),
    }
}

/// Whether an append would be acknowledged now.
fn readyz(state: &State) -> Answer {
    let readiness = state.readiness(Instant::now());
    json(if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, &readiness)
}

/// How far a start has come.
#[derive(Serialize)]
struct Start {
    phase: &'static str,
    replayed: u64,
    events: u64,
}

/// Whether the start is over.
fn startupz(state: &State) -> Answer {
    let Replay { replayed, events, .. } = state.replay();
    let (status, phase) = match state.phases.now() {
        Phase::Starting if events == 0 => (StatusCode::SERVICE_UNAVAILABLE, "open"),
        Phase::Starting => (StatusCode::SERVICE_UNAVAILABLE, "replay"),
        Phase::Serving => (StatusCode::OK, "serving"),
        Phase::Draining => (StatusCode::OK, "draining"),
    };
    json(status, &Start { phase, replayed, events })
}

/// A line of text.
fn line(status: StatusCode, text: &str) -> Answer {
    respond(status, TEXT, format!("{text}\n"))
}

fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    match serde_json::to_string(value) {
        Ok(text) => respond(status, JSON, format!("{text}\n")),
        Err(error) => line(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

fn respond(status: StatusCode, kind: &'static str, text: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(text)));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
