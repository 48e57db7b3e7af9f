//! Requests of plain HTTP to a service without a socket, and the lines in its answers.

#![allow(dead_code)] // rooms take what they need

use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tidu::service::Api;
use tonic::body::Body;
use tower::ServiceExt as _;

use super::in_time;

/// A whole answer.
#[derive(Debug)]
pub struct Answered {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answered {
    /// A header as text; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The lines of JSON.
    pub fn lines(&self) -> Vec<Value> {
        self.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The reason in an error.
    pub fn reason(&self) -> String {
        reason(&serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{}", self.body)))
    }
}

/// The reason in the JSON of an error.
pub fn reason(error: &Value) -> String {
    info(error)["reason"].as_str().unwrap_or_default().to_owned()
}

/// The ErrorInfo in the JSON of an error.
pub fn info(error: &Value) -> Value {
    let details = error["details"].as_array().unwrap_or_else(|| panic!("no details: {error}"));
    let info = details.iter().find(|detail| detail["type"] == "google.rpc.ErrorInfo").unwrap();
    info["debug"].clone()
}

/// Sends a request, and gives the head of the answer with its body.
pub async fn send(
    api: &Api,
    method: Method,
    target: &str,
    headers: &[(&str, &str)],
) -> http::Response<Body> {
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    api.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

/// Sends a request, and takes its whole answer.
pub async fn ask(api: &Api, method: Method, target: &str, headers: &[(&str, &str)]) -> Answered {
    let (head, body) = send(api, method, target, headers).await.into_parts();
    let body = in_time("the answer", body.collect()).await.unwrap().to_bytes();
    let body = String::from_utf8(body.to_vec()).unwrap();
    Answered { status: head.status, headers: head.headers, body }
}

pub async fn get(api: &Api, target: &str, headers: &[(&str, &str)]) -> Answered {
    ask(api, Method::GET, target, headers).await
}

/// What a browser knows of an event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sent {
    /// Empty: a message.
    pub kind: String,
    pub id: String,
    pub data: String,
}

impl Sent {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_else(|_| panic!("{self:?}"))
    }
}

/// The server-sent events in a text, as the standard reads them: one that is not whole is dropped.
pub fn sent(text: &str) -> Vec<Sent> {
    let (mut all, mut one, mut id) = (Vec::new(), Sent::default(), String::new());
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    for line in whole.split('\n') {
        match line.split_once(": ") {
            Some(("event", kind)) => kind.clone_into(&mut one.kind),
            Some(("id", at)) => at.clone_into(&mut id),
            Some(("data", data)) => one.data.push_str(data),
            None if line.is_empty() && one.data.is_empty() => one = Sent::default(),
            None if line.is_empty() => {
                all.push(Sent { id: id.clone(), ..std::mem::take(&mut one) });
            }
            _ => panic!("a line of another form: {line:?}"),
        }
    }
    all
}

/// An answer that is read event by event.
pub struct Source {
    body: Body,
    text: String,
    id: String,
    events: std::collections::VecDeque<Sent>,
}

impl Source {
    /// Opens a source of events.
    pub async fn open(api: &Api, target: &str, headers: &[(&str, &str)]) -> Self {
        let accept = ("accept", "text/event-stream");
        let headers: Vec<_> = headers.iter().copied().chain([accept]).collect();
        let answer = send(api, Method::GET, target, &headers).await;
        assert_eq!(answer.status(), StatusCode::OK, "{target}");
        let (text, id, events) = Default::default();
        Self { body: answer.into_body(), text, id, events }
    }

    /// The next event; `None` at the end.
    pub async fn next(&mut self) -> Option<Sent> {
        loop {
            if let Some(mut event) = self.events.pop_front() {
                match event.id.is_empty() {
                    true => event.id.clone_from(&self.id),
                    false => self.id.clone_from(&event.id),
                }
                return Some(event);
            }
            let frame = self.body.frame().await?.unwrap().into_data().unwrap();
            self.text.push_str(std::str::from_utf8(&frame).unwrap());
            let end = self.text.rfind("\n\n")? + 2;
            self.events = sent(&self.text[..end]).into();
            self.text.drain(..end);
        }
    }

    /// The next event that is not progress.
    pub async fn next_told(&mut self) -> Option<Sent> {
        loop {
            let event = in_time("an event", self.next()).await?;
            if event.kind != "progress" {
                return Some(event);
            }
        }
    }
}
