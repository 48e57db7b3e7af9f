//! A request of Connect, and the gRPC request that means the same.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method as Verb, StatusCode, header};
use http_body_util::Full;
use prost_reflect::MessageDescriptor;
use tonic::{Status, body::Body};

use super::{
    coding::Coding,
    error, metadata,
    methods::{Method, Methods},
    query,
};
use crate::{
    domain::fault::echo,
    service::{
        Request, Response,
        intake::{Form, of_unknown_encoding, unreadable},
    },
};

/// What `curl -d` states if nobody says otherwise. Web pages may send it anywhere without asking,
/// so it is JSON for the calls that only read.
const FORM: &str = "x-www-form-urlencoded";

/// What a request is.
pub(super) enum Asked {
    /// A call of this protocol.
    Call(Call),
    /// A call of this protocol that is refused at once.
    Refused(Refused),
    /// Something else.
    Other,
}

/// The codec of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    Json,
    Proto,
}

impl Codec {
    fn named(name: &str) -> Option<Self> {
        match name {
            "json" => Some(Self::Json),
            "proto" => Some(Self::Proto),
            _ => None,
        }
    }
}

/// What the answer to a call looks like.
pub(super) struct Reply {
    pub(super) codec: Codec,
    pub(super) is_unary: bool,
    /// The answer's message. `None`: no method has the path.
    pub(super) output: Option<MessageDescriptor>,
    /// The coding of an answer in JSON. In the other codec, gRPC has packed it.
    pub(super) coding: Option<Coding>,
    /// True for a call by GET, whose answer nobody keeps.
    is_get: bool,
}

impl Reply {
    /// The headers that every answer of a call begins with.
    pub(super) fn headers(&self) -> HeaderMap {
        let kind = match (self.is_unary, self.codec) {
            (true, Codec::Json) => "application/json",
            (true, Codec::Proto) => "application/proto",
            (false, Codec::Json) => "application/connect+json",
            (false, Codec::Proto) => "application/connect+proto",
        };
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        if self.is_get {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        headers
    }
}

/// A call, with what its gRPC request needs.
pub(super) struct Call {
    reply: Reply,
    /// The message, if it is in the query.
    message: Option<Bytes>,
    form: Form,
    /// The coding of the request; empty for none.
    sent: &'static str,
    timeout: Option<String>,
}

/// A call that is refused at once.
pub(super) struct Refused {
    pub(super) status: Status,
    code: StatusCode,
    /// A header of the answer.
    hint: Option<(header::HeaderName, &'static str)>,
}

impl From<Status> for Refused {
    fn from(status: Status) -> Self {
        let code = error::http_status(status.code());
        Self { status, code, hint: None }
    }
}

impl Refused {
    fn with(code: StatusCode, hint: (header::HeaderName, &'static str), text: String) -> Self {
        Self { status: unreadable(text), code, hint: Some(hint) }
    }

    pub(super) fn answer(&self, methods: &Methods) -> Response {
        let mut answer = error::answer(&self.status, self.code, &HeaderMap::new(), &methods.pool);
        if let Some((name, value)) = &self.hint {
            answer.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        answer
    }
}

/// Tells what a request is, from its line and its headers.
pub(super) fn asked(methods: &Methods, request: &Request) -> Asked {
    let path = request.uri().path();
    let method = methods.find(path);
    let read = match *request.method() {
        Verb::POST if method.is_some() || names_method(path) => posted(method, request.headers()),
        Verb::GET => method.map(|method| got(method, request)),
        _ => None,
    };
    match read {
        None => Asked::Other,
        Some(Ok(call)) => Asked::Call(call),
        Some(Err(refused)) => Asked::Refused(refused),
    }
}

/// True for a path that a method can have: `/package.Service/Method`.
fn names_method(path: &str) -> bool {
    let parts = path.strip_prefix('/').and_then(|path| path.split_once('/'));
    parts.is_some_and(|(service, method)| service.contains('.') && !method.contains('/'))
}

/// A call by POST; `None` if the content type is not of this protocol.
fn posted(method: Option<&Method>, headers: &HeaderMap) -> Option<Result<Call, Refused>> {
    let stated = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let kind = stated.split(';').next().unwrap_or(stated).trim().to_ascii_lowercase();
    let kind = kind.strip_prefix("application/")?;
    let reads = method.is_some_and(|method| method.is_safe && method.is_unary);
    let kind = if kind == FORM && reads { "json" } else { kind };
    let (is_unary, codec) = match kind.strip_prefix("connect+") {
        Some(codec) => (false, Codec::named(codec)),
        None => (true, Some(Codec::named(kind)?)),
    };
    let is_fit = method.is_none_or(|method| method.is_unary == is_unary);
    let Some(codec) = codec.filter(|_| is_fit) else {
        return Some(Err(unfit(method, stated)));
    };
    let accepted = match is_unary {
        true => (header::ACCEPT_ENCODING.as_str(), "content-encoding"),
        false => ("connect-accept-encoding", "connect-content-encoding"),
    };
    Some(called(method, (is_unary, codec), headers, accepted))
}

/// The answer to a content type that the method does not take.
fn unfit(method: Option<&Method>, stated: &str) -> Refused {
    let takes = match method.is_none_or(|method| method.is_unary) {
        true => "application/json, application/proto",
        false => "application/connect+json, application/connect+proto",
    };
    let text = format!("the content-type is {}; this method takes {takes}", echo(stated));
    let hint = (header::HeaderName::from_static("accept-post"), takes);
    Refused::with(StatusCode::UNSUPPORTED_MEDIA_TYPE, hint, text)
}

fn called(
    method: Option<&Method>,
    (is_unary, codec): (bool, Codec),
    headers: &HeaderMap,
    (accepted, encoded): (&str, &'static str),
) -> Result<Call, Refused> {
    let stated = text_of(headers, encoded)?;
    let sent = known(encoded, &stated)?;
    let coding = Coding::of(&text_of(headers, accepted)?, sent);
    let json = method.map(|method| method.input.clone()).filter(|_| codec == Codec::Json);
    let output = method.map(|method| method.output.clone());
    Ok(Call {
        reply: Reply { codec, is_unary, output, coding, is_get: false },
        message: None,
        form: Form { is_bare: is_unary, json },
        sent,
        timeout: limits_of(headers)?,
    })
}

/// A call by GET.
fn got(method: &Method, request: &Request) -> Result<Call, Refused> {
    let headers = request.headers();
    if !method.is_safe || !method.is_unary {
        let text = "GET is for the calls that only read and have one answer; this one takes POST";
        let hint = (header::ALLOW, "POST");
        return Err(Refused::with(StatusCode::METHOD_NOT_ALLOWED, hint, text.to_owned()));
    }
    let query = query::read(request.uri().query().unwrap_or(""))?;
    let Some(codec) = Codec::named(&query.encoding) else {
        let text = "the parameter encoding of the query is json or proto";
        let hint = (header::ACCEPT, "application/json, application/proto");
        return Err(Refused::with(StatusCode::UNSUPPORTED_MEDIA_TYPE, hint, text.to_owned()));
    };
    let sent = known("compression", &query.compression)?;
    let coding = Coding::of(&text_of(headers, header::ACCEPT_ENCODING.as_str())?, sent);
    let (input, output) = (method.input.clone(), Some(method.output.clone()));
    Ok(Call {
        reply: Reply { codec, is_unary: true, output, coding, is_get: true },
        message: Some(query.message),
        form: Form { is_bare: true, json: Some(input).filter(|_| codec == Codec::Json) },
        sent,
        timeout: limits_of(headers)?,
    })
}

/// The values of a header in one text.
fn text_of(headers: &HeaderMap, name: &str) -> Result<String, Status> {
    let values = headers.get_all(name).iter().map(HeaderValue::to_str);
    let texts: Result<Vec<_>, _> = values.collect();
    let texts = texts.map_err(|_| unreadable(format!("the header {name} is not a text")))?;
    Ok(texts.join(", "))
}

/// The coding of a request, as gRPC names it.
fn known(stated_by: &str, coding: &str) -> Result<&'static str, Status> {
    match coding {
        "" | "identity" => Ok(""),
        "gzip" => Ok("gzip"),
        "zstd" => Ok("zstd"),
        _ => Err(of_unknown_encoding(stated_by, coding)),
    }
}

/// Checks the version of the protocol, and gives the timeout as gRPC writes it.
fn limits_of(headers: &HeaderMap) -> Result<Option<String>, Status> {
    let version = text_of(headers, "connect-protocol-version")?;
    if !matches!(&*version, "" | "1") {
        return Err(unreadable("the header connect-protocol-version is not 1".to_owned()));
    }
    let stated = text_of(headers, "connect-timeout-ms")?;
    if stated.is_empty() {
        return Ok(None);
    }
    /// Most digits that the two protocols have.
    const DIGITS: usize = 10;
    const DIGITS_OF_GRPC: usize = 8;
    if stated.len() > DIGITS || !stated.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(unreadable("the header connect-timeout-ms is not up to ten digits".to_owned()));
    }
    let milliseconds: u64 = stated.parse().unwrap_or(u64::MAX);
    Ok(Some(match stated.len() <= DIGITS_OF_GRPC {
        true => format!("{milliseconds}m"),
        false => format!("{}S", milliseconds / 1_000),
    }))
}

impl Call {
    /// The gRPC request, and what its answer is to look like.
    pub(super) fn translate(self, request: Request) -> (Request, Reply) {
        let Self { reply, message, form, sent, timeout } = self;
        let (mut parts, body) = request.into_parts();
        parts.method = Verb::POST;
        parts.headers = metadata::of_call(parts.headers);
        let mut set = |name: &'static str, value: &str| {
            // Each of these is made here, and is a text of ASCII.
            if let Ok(value) = HeaderValue::try_from(value) {
                parts.headers.insert(name, value);
            }
        };
        if !sent.is_empty() {
            set("grpc-encoding", sent);
        }
        if let Some(timeout) = timeout {
            set("grpc-timeout", &timeout);
        }
        if let Some(coding) = reply.coding.filter(|_| reply.codec == Codec::Proto) {
            set("grpc-accept-encoding", coding.name());
        }
        let body = match message {
            Some(message) => Body::new(Full::new(message)),
            None => body,
        };
        parts.extensions.insert(form);
        (Request::from_parts(parts, body), reply)
    }
}
