//! The answer of gRPC to a call of one message, as one answer of HTTP.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use tonic::{Code, Status, body::Body};

use super::{
    error, metadata,
    methods::Methods,
    request::{Codec, Reply},
};
use crate::service::{Response, errors};

/// Turns the answer to a call into that of Connect.
pub(super) async fn answer(answer: Response, reply: &Reply, methods: &Methods) -> Response {
    let (parts, body) = answer.into_parts();
    if let Some(status) = Status::from_header_map(&parts.headers) {
        let mut answer = refused(&status, &HeaderMap::new(), &parts.headers, methods);
        if reply.output.is_none() && status.code() == Code::Unimplemented {
            // There is nothing at all at this path.
            *answer.status_mut() = StatusCode::NOT_FOUND;
        }
        return answer;
    }
    let read = match body.collect().await {
        Ok(read) => read,
        Err(status) => return refused(&status, &parts.headers, &HeaderMap::new(), methods),
    };
    let trailers = read.trailers().cloned().unwrap_or_default();
    let status = Status::from_header_map(&trailers);
    let status = status.unwrap_or_else(|| errors::internal("an answer without a status"));
    if status.code() != Code::Ok {
        return refused(&status, &parts.headers, &trailers, methods);
    }
    match written(read.to_bytes().as_ref(), &parts.headers, reply, methods).await {
        Ok((message, coding)) => {
            let mut answer = Response::new(Body::new(Full::from(message)));
            let headers = answer.headers_mut();
            metadata::copy(&parts.headers, &trailers, headers);
            headers.extend(reply.headers());
            if let Some(coding) = coding {
                headers.insert(header::CONTENT_ENCODING, coding);
            }
            answer
        }
        Err(status) => refused(&status, &parts.headers, &trailers, methods),
    }
}

fn refused(
    status: &Status,
    headers: &HeaderMap,
    trailers: &HeaderMap,
    methods: &Methods,
) -> Response {
    // An answer of gRPC that has a status and nothing else is the end of one without a message.
    let status = match status.code() {
        Code::Ok => &errors::internal("an answer without a message"),
        _ => status,
    };
    let code = error::http_status(status.code());
    let mut answer = error::answer(status, code, trailers, &methods.pool);
    metadata::copy(headers, &HeaderMap::new(), answer.headers_mut());
    answer
}

/// The message of the answer in the codec of the reply, and its coding.
async fn written(
    frame: &[u8],
    headers: &HeaderMap,
    reply: &Reply,
    methods: &Methods,
) -> Result<(Vec<u8>, Option<HeaderValue>), Status> {
    let Some(([flag, _, _, _, _], message)) = frame.split_first_chunk() else {
        return Err(errors::internal("an answer without a message"));
    };
    match (reply.codec, &reply.output) {
        (Codec::Json, Some(output)) => {
            let text =
                methods.json_of(output, Bytes::copy_from_slice(message), reply.coding).await?;
            let coding = reply.coding.map(|coding| HeaderValue::from_static(coding.name()));
            Ok((text, coding))
        }
        _ => {
            let coding = headers.get("grpc-encoding").filter(|_| *flag == 1);
            Ok((message.to_vec(), coding.cloned()))
        }
    }
}
