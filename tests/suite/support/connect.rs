//! Calls of the Connect protocol to a service without a socket.

#![allow(dead_code)] // rooms take what they need

use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD, prelude::BASE64_URL_SAFE_NO_PAD};
use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use prost::Message;
use serde_json::Value;
use tidu::{protocol::json::Json, service::Api};
use tonic::{Code, Status, body::Body};
use tower::ServiceExt as _;

use super::in_time;

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// The message at the end of a stream.
#[derive(Debug)]
pub struct End {
    pub error: Option<Value>,
    pub metadata: Value,
}

impl Answer {
    /// A header as text; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }

    /// The message of an answer in either codec, by its name in `tidu.v1`.
    pub fn message<M: Message + Default>(&self, name: &str) -> M {
        assert_eq!(self.status, StatusCode::OK, "{self:?}");
        match self.header("content-type") {
            "application/json" => of_json(name, &self.body),
            "application/proto" => M::decode(self.body.clone()).unwrap(),
            other => panic!("{other}"),
        }
    }

    /// The code and the reason of a call of one answer that failed.
    pub fn refusal(&self) -> (u16, String, String) {
        assert_eq!(self.header("content-type"), "application/json", "{self:?}");
        let (code, reason) = refusal(&self.json());
        (self.status.as_u16(), code, reason)
    }

    /// The messages of a stream, each with its flag, and its end.
    pub fn messages(&self) -> (Vec<(u8, Bytes)>, End) {
        assert_eq!(self.status, StatusCode::OK, "{self:?}");
        let (mut messages, mut rest) = (Vec::new(), self.body.clone());
        loop {
            let head = rest.split_to(5);
            let length = u32::from_be_bytes(head[1..].try_into().unwrap()) as usize;
            let message = rest.split_to(length);
            if head[0] & 2 == 0 {
                messages.push((head[0], message));
                continue;
            }
            assert!(rest.is_empty(), "bytes follow the end: {rest:?}");
            let mut end: Value = serde_json::from_slice(&message).unwrap();
            let error = end.get_mut("error").map(Value::take);
            return (messages, End { error, metadata: end["metadata"].take() });
        }
    }
}

/// A message from its JSON.
pub fn of_json<M: Message + Default>(name: &str, text: &[u8]) -> M {
    let text = std::str::from_utf8(text).unwrap();
    let encoded = Json::new().unwrap().parse(name, text).unwrap();
    M::decode(encoded.as_slice()).unwrap()
}

/// The JSON of a message.
pub fn json_of(name: &str, message: &impl Message) -> String {
    Json::new().unwrap().line(name, message).unwrap()
}

/// The code and the reason in the JSON of an error. The bytes and the JSON of its details agree.
pub fn refusal(error: &Value) -> (String, String) {
    let empty = Vec::new();
    let details = error["details"].as_array().unwrap_or(&empty);
    let info = details.iter().find(|detail| detail["type"] == "google.rpc.ErrorInfo");
    let reason = info.map(|info| {
        let value = BASE64_STANDARD_NO_PAD.decode(info["value"].as_str().unwrap()).unwrap();
        let read = tonic_types::pb::ErrorInfo::decode(value.as_slice()).unwrap();
        assert_eq!(info["debug"]["reason"], read.reason, "{info}");
        assert_eq!(info["debug"]["domain"], read.domain, "{info}");
        for (key, value) in &read.metadata {
            assert_eq!(info["debug"]["metadata"][key], *value, "{info}");
        }
        read.reason
    });
    (error["code"].as_str().unwrap().to_owned(), reason.unwrap_or_default())
}

/// The status in the JSON of an error; OK for anything else.
pub fn status_of(error: &Value) -> Status {
    let Some(name) = error["code"].as_str() else { return Status::ok("") };
    let code = (1..=16).map(Code::from_i32).find(|code| code_name(*code) == name).unwrap();
    let message = error["message"].as_str().unwrap_or_default();
    let detail = |detail: &Value| prost_types::Any {
        type_url: format!("type.googleapis.com/{}", detail["type"].as_str().unwrap()),
        value: BASE64_STANDARD_NO_PAD.decode(detail["value"].as_str().unwrap()).unwrap(),
    };
    let details = error["details"].as_array().map(|all| all.iter().map(detail).collect());
    let all = tonic_types::pb::Status {
        code: code.into(),
        message: message.to_owned(),
        details: details.unwrap_or_default(),
    };
    Status::with_details(code, message, all.encode_to_vec().into())
}

/// A code as Connect writes it.
pub fn code_name(code: Code) -> String {
    let debug = format!("{code:?}");
    if code == Code::Cancelled {
        return "canceled".to_owned();
    }
    let mut name = String::new();
    for letter in debug.chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

/// A message behind its prefix.
pub fn framed(flag: u8, message: &[u8]) -> Bytes {
    let mut frame = BytesMut::new();
    frame.put_u8(flag);
    frame.put_u32(message.len().try_into().unwrap());
    frame.extend_from_slice(message);
    frame.freeze()
}

/// Sends a request and gives the head of its answer.
pub async fn send(
    api: &Api,
    (method, target): (Method, &str),
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> http::Response<Body> {
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = Body::new(Full::new(body.into()));
    api.clone().oneshot(request.body(body).unwrap()).await.unwrap()
}

/// The whole of an answer.
pub async fn whole(answer: http::Response<Body>) -> Answer {
    let (head, body) = answer.into_parts();
    let body = in_time("the answer", body.collect()).await.unwrap().to_bytes();
    Answer { status: head.status, headers: head.headers, body }
}

/// Posts a message of a content type.
pub async fn post(
    api: &Api,
    method: &str,
    kind: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Answer {
    let headers: Vec<_> = headers.iter().copied().chain([("content-type", kind)]).collect();
    whole(send(api, (Method::POST, &path_of(method)), &headers, body).await).await
}

/// Posts JSON.
pub async fn post_json(api: &Api, method: &str, body: impl Into<Bytes>) -> Answer {
    post(api, method, "application/json", &[], body).await
}

/// Posts the one request of a stream of answers in JSON.
pub async fn stream_json(api: &Api, method: &str, message: &str) -> Answer {
    post(api, method, "application/connect+json", &[], framed(0, message.as_bytes())).await
}

/// Gets the answer to a message in the query.
pub async fn get(api: &Api, method: &str, query: &str, headers: &[(&str, &str)]) -> Answer {
    let target = format!("{}?{query}", path_of(method));
    whole(send(api, (Method::GET, &target), headers, Bytes::new()).await).await
}

/// The query of a message in protobuf.
pub fn query_of(message: &[u8]) -> String {
    let message = BASE64_URL_SAFE_NO_PAD.encode(message);
    format!("connect=v1&encoding=proto&base64=1&message={message}")
}

/// The path of a method, which may leave the package out.
pub fn path_of(method: &str) -> String {
    match method.starts_with('/') {
        true => method.to_owned(),
        false => format!("/tidu.v1.{method}"),
    }
}
