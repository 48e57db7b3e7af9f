//! The answer of gRPC to a call that has a stream of answers, as a stream of Connect.
//!
//! Both write messages behind the same prefixes. So messages of protobuf pass as they are, packed
//! or not, and those in JSON are written anew. The end of the stream is a message, too.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use serde::Serialize;
use serde_json::{Map, Value};
use tonic::{Code, Status, body::Body};

use super::{
    error::Told,
    metadata,
    methods::Methods,
    request::{Codec, Reply},
};
use crate::service::{
    Response, errors,
    frames::{Frames, framed},
};

const PACKED: u8 = 1;
const END: u8 = 2;

/// Turns the answer to a call into that of Connect.
pub(super) fn answer(answer: Response, reply: Reply, methods: Arc<Methods>) -> Response {
    let (parts, body) = answer.into_parts();
    let mut headers = reply.headers();
    let mut stream = Stream { body, arrived: Frames::default(), reply, methods, end: None };
    if let Some(status) = Status::from_header_map(&parts.headers) {
        stream.end = Some((status, parts.headers));
    } else {
        for (name, value) in metadata::of_answer(&parts.headers) {
            headers.append(name, value.clone());
        }
        let coding = match (stream.reply.codec, stream.reply.coding) {
            (Codec::Json, coding) => coding.map(|coding| HeaderValue::from_static(coding.name())),
            (Codec::Proto, _) => parts.headers.get("grpc-encoding").cloned(),
        };
        if let Some(coding) = coding {
            headers.insert("connect-content-encoding", coding);
        }
    }
    let frames = stream::unfold(Some(stream), |stream| async { stream?.next().await });
    let mut answer = Response::new(Body::new(StreamBody::new(frames)));
    *answer.headers_mut() = headers;
    answer
}

/// A stream of answers, until its end is told.
struct Stream {
    body: Body,
    /// Messages that are to be written in JSON. gRPC packs none of these streams.
    arrived: Frames,
    reply: Reply,
    methods: Arc<Methods>,
    /// How it ends, with the trailers, once that is known.
    end: Option<(Status, HeaderMap)>,
}

/// The last message of a stream.
#[derive(Serialize)]
struct End<'s> {
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Told<'s>>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    metadata: Map<String, Value>,
}

type Next = Option<(Result<Frame<Bytes>, Status>, Option<Stream>)>;

impl Stream {
    /// The next bytes of the answer.
    async fn next(mut self) -> Next {
        loop {
            if let Some((status, trailers)) = &self.end {
                let end = framed(END, self.told_end(status, trailers).as_bytes());
                return Some((Ok(Frame::data(end)), None));
            }
            if let Some(message) = self.arrived.next() {
                match written(&self.methods, &self.reply, message).await {
                    Ok(frame) => return Some((Ok(Frame::data(frame)), Some(self))),
                    Err(status) => self.end = Some((status, HeaderMap::new())),
                }
                continue;
            }
            match self.body.frame().await {
                None => self.end_as_told(HeaderMap::new()),
                Some(Err(status)) => self.end = Some((status, HeaderMap::new())),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if self.reply.codec == Codec::Proto => {
                        return Some((Ok(Frame::data(data)), Some(self)));
                    }
                    Ok(data) => self.arrived.add(data),
                    Err(frame) => self.end_as_told(frame.into_trailers().unwrap_or_default()),
                },
            }
        }
    }

    fn end_as_told(&mut self, trailers: HeaderMap) {
        let status = Status::from_header_map(&trailers);
        let status = status.unwrap_or_else(|| errors::internal("a stream without a status"));
        self.end = Some((status, trailers));
    }

    /// The last message: how the stream ended, and its trailers.
    fn told_end(&self, status: &Status, trailers: &HeaderMap) -> String {
        let failed = status.code() != Code::Ok;
        let error = failed.then(|| Told::of(status, &self.methods.pool));
        let mut told: Map<String, Value> = Map::new();
        for (name, value) in metadata::of_answer(trailers) {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            let values = told.entry(name.as_str()).or_insert_with(|| Vec::<Value>::new().into());
            if let Some(values) = values.as_array_mut() {
                values.push(value.into());
            }
        }
        let end = End { error, metadata: told };
        // It holds texts alone, so it can be written.
        serde_json::to_string(&end).unwrap_or_default()
    }
}

/// A message in JSON, behind its prefix.
async fn written(methods: &Methods, reply: &Reply, message: Bytes) -> Result<Bytes, Status> {
    let Some(output) = &reply.output else {
        return Err(errors::internal("a message of a method that is not known"));
    };
    let text = methods.json_of(output, message, reply.coding).await?;
    Ok(framed(if reply.coding.is_some() { PACKED } else { 0 }, &text))
}
