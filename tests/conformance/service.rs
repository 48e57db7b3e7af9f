//! The service of the suite: it answers as each request says, and tells what it saw of it.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor, ServiceDescriptor, Value};
use tonic::{
    Code, Status, Streaming,
    body::Body,
    codec::CompressionEncoding::{Gzip, Zstd},
    server::Grpc,
};
use tower::{Service, service_fn};

use crate::{PACKAGE, codec::OfMethod};

type Answers = Pin<Box<dyn Stream<Item = Result<DynamicMessage, Status>> + Send>>;

#[derive(Clone)]
pub(crate) struct Conformance(ServiceDescriptor);

impl Conformance {
    pub(crate) fn new(pool: &DescriptorPool) -> Result<Self, String> {
        let name = format!("{PACKAGE}.ConformanceService");
        pool.get_service_by_name(&name).map(Self).ok_or(format!("no service {name}"))
    }
}

impl Service<Request<Body>> for Conformance {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let name = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
        let method = self.0.methods().find(|method| method.name() == name);
        Box::pin(async move {
            match method.filter(|method| method.name() != "Unimplemented") {
                Some(method) => Ok(answer(&method, request).await),
                None => Ok(Status::unimplemented("not of this service").into_http()),
            }
        })
    }
}

/// What a call was asked with, and what its answer says beside messages.
#[derive(Clone)]
struct Seen {
    method: MethodDescriptor,
    headers: HeaderMap,
    /// The query of a GET.
    query: Option<String>,
    told: Arc<Mutex<(HeaderMap, HeaderMap)>>,
}

async fn answer(method: &MethodDescriptor, request: Request<Body>) -> Response<Body> {
    let seen = Seen {
        method: method.clone(),
        headers: request.headers().clone(),
        query: request.uri().query().map(str::to_owned),
        told: Arc::default(),
    };
    let told = Arc::clone(&seen.told);
    let mut grpc = Grpc::new(OfMethod(method.input()))
        .send_compressed(Gzip)
        .send_compressed(Zstd)
        .max_decoding_message_size(usize::MAX);
    let answer = match (method.is_client_streaming(), method.is_server_streaming()) {
        (false, false) => {
            let one = move |request: tonic::Request<DynamicMessage>| {
                let seen = seen.clone();
                async move { seen.one(vec![request.into_inner()]).await.map(tonic::Response::new) }
            };
            grpc.unary(service_fn(one), request).await
        }
        (true, false) => {
            let one = move |request: tonic::Request<Streaming<DynamicMessage>>| {
                let seen = seen.clone();
                async move {
                    let requests = all(request.into_inner()).await?;
                    seen.one(requests).await.map(tonic::Response::new)
                }
            };
            grpc.client_streaming(service_fn(one), request).await
        }
        (false, true) => {
            let many = move |request: tonic::Request<DynamicMessage>| {
                let seen = seen.clone();
                async move {
                    Ok::<_, Status>(tonic::Response::new(seen.many(vec![request.into_inner()])))
                }
            };
            grpc.server_streaming(service_fn(many), request).await
        }
        (true, true) => {
            let many = move |request: tonic::Request<Streaming<DynamicMessage>>| {
                let seen = seen.clone();
                async move { seen.talk(request.into_inner()).await.map(tonic::Response::new) }
            };
            grpc.streaming(service_fn(many), request).await
        }
    };
    with_metadata(answer, told)
}

async fn all(mut requests: Streaming<DynamicMessage>) -> Result<Vec<DynamicMessage>, Status> {
    let mut read = Vec::new();
    while let Some(request) = requests.message().await? {
        read.push(request);
    }
    Ok(read)
}

impl Seen {
    /// The answer of a call that has one.
    async fn one(&self, requests: Vec<DynamicMessage>) -> Result<DynamicMessage, Status> {
        let definition = requests.first().and_then(|first| part(first, "response_definition"));
        let mut payload = self.payload();
        set(&mut payload, "request_info", Value::Message(self.info(&requests)));
        if let Some(definition) = &definition {
            self.tell(definition);
            tokio::time::sleep(delay(definition)).await;
            if let Some(error) = part(definition, "error") {
                return Err(status(&error, Some(&self.info(&requests))));
            }
            let data = definition.get_field_by_name("response_data").unwrap().into_owned();
            set(&mut payload, "data", data);
        }
        Ok(self.with_payload(payload))
    }

    /// The answers to requests that were all read.
    fn many(&self, requests: Vec<DynamicMessage>) -> Answers {
        let definition = requests.first().and_then(|first| part(first, "response_definition"));
        let Some(definition) = definition else { return Box::pin(stream::empty()) };
        self.tell(&definition);
        let (this, delay) = (self.clone(), delay(&definition));
        let data = list(&definition, "response_data");
        let error = part(&definition, "error").map(|error| {
            let info = data.is_empty().then(|| self.info(&requests));
            Err(status(&error, info.as_ref()))
        });
        let answers = data.into_iter().enumerate().map(move |(index, data)| {
            let requests = if index == 0 { Some(&*requests) } else { None };
            Ok(this.answer(data, requests))
        });
        let answers: Vec<_> = answers.chain(error).collect();
        Box::pin(stream::iter(answers).then(move |answer| async move {
            if answer.is_ok() {
                tokio::time::sleep(delay).await;
            }
            answer
        }))
    }

    /// The answers of a call on which both sides send.
    async fn talk(&self, mut requests: Streaming<DynamicMessage>) -> Result<Answers, Status> {
        let Some(first) = requests.message().await? else { return Ok(Box::pin(stream::empty())) };
        let full = first.get_field_by_name("full_duplex").unwrap().as_bool() == Some(true);
        if !full {
            let mut read = vec![first];
            read.extend(all(requests).await?);
            return Ok(self.many(read));
        }
        let definition = part(&first, "response_definition");
        if let Some(definition) = &definition {
            self.tell(definition);
        }
        let talk = Talk {
            data: definition.as_ref().map(|d| list(d, "response_data")).unwrap_or_default(),
            error: definition.as_ref().and_then(|d| part(d, "error")),
            delay: definition.as_ref().map(delay).unwrap_or_default(),
            next: Some(first),
            given: 0,
            requests,
            seen: self.clone(),
        };
        Ok(Box::pin(stream::unfold(Some(talk), |talk| async { talk?.step().await })))
    }

    fn answer(&self, data: Value, requests: Option<&[DynamicMessage]>) -> DynamicMessage {
        let mut payload = self.payload();
        set(&mut payload, "data", data);
        if let Some(requests) = requests {
            set(&mut payload, "request_info", Value::Message(self.info(requests)));
        }
        self.with_payload(payload)
    }

    fn new(&self, name: &str) -> DynamicMessage {
        let pool = self.method.parent_pool().clone();
        DynamicMessage::new(pool.get_message_by_name(&format!("{PACKAGE}.{name}")).unwrap())
    }

    fn payload(&self) -> DynamicMessage {
        self.new("ConformancePayload")
    }

    fn with_payload(&self, payload: DynamicMessage) -> DynamicMessage {
        let mut answer = DynamicMessage::new(self.method.output());
        set(&mut answer, "payload", Value::Message(payload));
        answer
    }

    /// What the service saw of a call.
    fn info(&self, requests: &[DynamicMessage]) -> DynamicMessage {
        let mut info = self.new("ConformancePayload.RequestInfo");
        let names: Vec<_> = self.headers.keys().cloned().collect();
        let texts = |name: &HeaderName| {
            let values = self.headers.get_all(name).iter();
            values.map(|value| value.to_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
        };
        let headers = names.iter().map(|name| self.header(name.as_str(), texts(name))).collect();
        set(&mut info, "request_headers", Value::List(headers));
        if let Some(milliseconds) = self.timeout() {
            set(&mut info, "timeout_ms", Value::I64(milliseconds));
        }
        let packed = requests.iter().map(|request| Value::Message(self.packed(request))).collect();
        set(&mut info, "requests", Value::List(packed));
        if let Some(query) = &self.query {
            let mut get = self.new("ConformancePayload.ConnectGetInfo");
            let pairs = url::form_urlencoded::parse(query.as_bytes());
            let pairs = pairs.map(|(name, value)| self.header(&name, vec![value.into_owned()]));
            set(&mut get, "query_params", Value::List(pairs.collect()));
            set(&mut info, "connect_get_info", Value::Message(get));
        }
        info
    }

    fn timeout(&self) -> Option<i64> {
        let text = self.headers.get("grpc-timeout")?.to_str().ok()?;
        let (amount, unit) = text.split_at(text.len() - 1);
        let amount: i64 = amount.parse().ok()?;
        Some(match unit {
            "H" => amount * 3_600_000,
            "M" => amount * 60_000,
            "S" => amount * 1_000,
            "m" => amount,
            "u" => amount / 1_000,
            _ => amount / 1_000_000,
        })
    }

    fn header(&self, name: &str, values: Vec<String>) -> Value {
        let mut header = self.new("Header");
        set(&mut header, "name", Value::String(name.to_owned()));
        let values = values.into_iter().map(Value::String).collect();
        set(&mut header, "value", Value::List(values));
        Value::Message(header)
    }

    fn packed(&self, message: &DynamicMessage) -> DynamicMessage {
        let pool = self.method.parent_pool().clone();
        let mut any = DynamicMessage::new(pool.get_message_by_name("google.protobuf.Any").unwrap());
        let url = format!("type.googleapis.com/{}", message.descriptor_name());
        set(&mut any, "type_url", Value::String(url));
        set(&mut any, "value", Value::Bytes(message.encode_to_vec().into()));
        any
    }

    /// Keeps the headers and trailers that an answer is to have.
    fn tell(&self, definition: &DynamicMessage) {
        let mut told = self.told.lock().unwrap();
        told.0 = metadata(definition, "response_headers");
        told.1 = metadata(definition, "response_trailers");
    }
}

trait Named {
    fn descriptor_name(&self) -> String;
}

impl Named for DynamicMessage {
    fn descriptor_name(&self) -> String {
        use prost_reflect::ReflectMessage as _;
        self.descriptor().full_name().to_owned()
    }
}

/// A call on which both sides send in turn.
struct Talk {
    seen: Seen,
    requests: Streaming<DynamicMessage>,
    data: Vec<Value>,
    error: Option<DynamicMessage>,
    delay: Duration,
    /// The request that is not answered yet.
    next: Option<DynamicMessage>,
    given: usize,
}

type Step = Option<(Result<DynamicMessage, Status>, Option<Talk>)>;

impl Talk {
    async fn step(mut self) -> Step {
        let request = match self.next.take() {
            Some(request) => Some(request),
            None => match self.requests.message().await {
                Ok(request) => request,
                Err(status) => return Some((Err(status), None)),
            },
        };
        let data = self.data.get(self.given).cloned();
        if let (Some(request), Some(data)) = (&request, &data) {
            tokio::time::sleep(self.delay).await;
            let requests = std::slice::from_ref(request);
            let answer = match self.given {
                0 => self.seen.answer(data.clone(), Some(requests)),
                _ => self.seen.later(data.clone(), requests),
            };
            self.given += 1;
            return Some((Ok(answer), Some(self)));
        }
        // The caller sends no more, or there is no answer to what it sent.
        if let Some(data) = data {
            tokio::time::sleep(self.delay).await;
            self.given += 1;
            let answer = self.seen.answer(data, None);
            return Some((Ok(answer), Some(self)));
        }
        let error = self.error.take()?;
        let requests: Vec<_> = request.into_iter().collect();
        let info = (self.given == 0).then(|| self.seen.info(&requests));
        Some((Err(status(&error, info.as_ref())), None))
    }
}

impl Seen {
    /// A later answer of a talk, which repeats the request alone.
    fn later(&self, data: Value, requests: &[DynamicMessage]) -> DynamicMessage {
        let mut payload = self.payload();
        set(&mut payload, "data", data);
        let mut info = self.new("ConformancePayload.RequestInfo");
        let packed = requests.iter().map(|request| Value::Message(self.packed(request))).collect();
        set(&mut info, "requests", Value::List(packed));
        set(&mut payload, "request_info", Value::Message(info));
        self.with_payload(payload)
    }
}

fn set(message: &mut DynamicMessage, name: &str, value: Value) {
    message.set_field_by_name(name, value);
}

/// A message inside another one, if it is there.
fn part(message: &DynamicMessage, name: &str) -> Option<DynamicMessage> {
    if !message.has_field_by_name(name) {
        return None;
    }
    message.get_field_by_name(name)?.as_message().cloned()
}

fn list(message: &DynamicMessage, name: &str) -> Vec<Value> {
    let field = message.get_field_by_name(name);
    field.and_then(|field| field.as_list().map(<[Value]>::to_vec)).unwrap_or_default()
}

fn delay(definition: &DynamicMessage) -> Duration {
    let delay = definition.get_field_by_name("response_delay_ms").unwrap().as_u32();
    Duration::from_millis(delay.unwrap_or_default().into())
}

fn metadata(definition: &DynamicMessage, field: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for header in list(definition, field) {
        let header = header.as_message().unwrap();
        let name = header.get_field_by_name("name").unwrap().as_str().unwrap().to_owned();
        let name = HeaderName::try_from(name).unwrap();
        for value in list(header, "value") {
            headers.append(&name, HeaderValue::from_str(value.as_str().unwrap()).unwrap());
        }
    }
    headers
}

/// The status that an error of the suite means.
fn status(error: &DynamicMessage, info: Option<&DynamicMessage>) -> Status {
    let code = error.get_field_by_name("code").unwrap().as_enum_number().unwrap();
    let message = error.get_field_by_name("message").unwrap().as_str().unwrap().to_owned();
    let any = |message: &DynamicMessage| {
        let url = message.get_field_by_name("type_url").unwrap().as_str().unwrap().to_owned();
        let value = message.get_field_by_name("value").unwrap().as_bytes().unwrap().to_vec();
        prost_types::Any { type_url: url, value }
    };
    let mut details: Vec<_> =
        list(error, "details").iter().map(|detail| any(detail.as_message().unwrap())).collect();
    if let Some(info) = info {
        let type_url = format!("type.googleapis.com/{}", info.descriptor_name());
        details.push(prost_types::Any { type_url, value: info.encode_to_vec() });
    }
    let all = tonic_types::pb::Status { code, message: message.clone(), details };
    Status::with_details(Code::from_i32(code), message, all.encode_to_vec().into())
}

/// The answer with the headers and trailers that it is to have. An error without messages has its
/// status in trailers, too, so that headers and trailers can be told apart.
fn with_metadata(
    answer: Response<Body>,
    told: Arc<Mutex<(HeaderMap, HeaderMap)>>,
) -> Response<Body> {
    let (mut parts, body) = answer.into_parts();
    let mut end = HeaderMap::new();
    for name in ["grpc-status", "grpc-message", "grpc-status-details-bin"] {
        if let Some(value) = parts.headers.remove(name) {
            end.insert(name, value);
        }
    }
    let headers = told.lock().unwrap().0.clone();
    for (name, value) in &headers {
        parts.headers.append(name, value.clone());
    }
    let is_empty = !end.is_empty();
    let frames = body.into_data_and_trailers();
    let with_told = move |frame: Result<Frame<Bytes>, Status>| {
        let told = Arc::clone(&told);
        frame.map(|frame| match frame.into_trailers() {
            Ok(mut trailers) => {
                for (name, value) in &told.lock().unwrap().1 {
                    trailers.append(name, value.clone());
                }
                Frame::trailers(trailers)
            }
            Err(frame) => frame,
        })
    };
    let frames: Pin<Box<dyn Stream<Item = _> + Send>> = match is_empty {
        true => Box::pin(stream::once(async { Ok(Frame::trailers(end)) }).map(with_told)),
        false => Box::pin(frames.map(with_told)),
    };
    Response::from_parts(parts, Body::new(StreamBody::new(frames)))
}

trait Frames {
    fn into_data_and_trailers(
        self,
    ) -> Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, Status>> + Send>>;
}

impl Frames for Body {
    fn into_data_and_trailers(
        self,
    ) -> Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, Status>> + Send>> {
        Box::pin(stream::unfold(self, |mut body| async {
            let frame = body.frame().await?;
            Some((frame, body))
        }))
    }
}
