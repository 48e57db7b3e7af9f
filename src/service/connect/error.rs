//! A status as the JSON of Connect.

use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::Full;
use prost::Message as _;
use prost_reflect::DescriptorPool;
use serde::Serialize;
use serde_json::Value;
use tonic::{Code, Status, body::Body};
use tonic_types::{StatusExt as _, pb};

use super::metadata;
use crate::{protocol, service::Response};

/// The answer that is nothing but an error.
pub(super) fn answer(
    status: &Status,
    code: StatusCode,
    trailers: &HeaderMap,
    pool: &DescriptorPool,
) -> Response {
    // It holds texts alone, so it can be written.
    let text = serde_json::to_vec(&Told::of(status, pool)).unwrap_or_default();
    let mut answer = Response::new(Body::new(Full::from(text)));
    *answer.status_mut() = code;
    let headers = answer.headers_mut();
    metadata::copy(&HeaderMap::new(), trailers, headers);
    tell_error(headers, status);
    answer
}

/// Adds the headers of an error in JSON: what a caller without a credential shows, and when a call
/// may be repeated.
pub(in crate::service) fn tell_error(headers: &mut HeaderMap, status: &Status) {
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if status.code() == Code::Unauthenticated {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    let retry = status.get_details_retry_info().and_then(|retry| retry.retry_delay);
    if let Some(delay) = retry {
        let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
}

/// A status in JSON, in the order in which people read it.
#[derive(Serialize)]
pub(super) struct Told<'s> {
    code: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    message: &'s str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<Detail>,
}

#[derive(Serialize)]
struct Detail {
    r#type: String,
    value: String,
    /// Its JSON, for people, if the server knows the type.
    #[serde(skip_serializing_if = "Option::is_none")]
    debug: Option<Value>,
}

impl<'s> Told<'s> {
    pub(super) fn of(status: &'s Status, pool: &DescriptorPool) -> Self {
        let details = pb::Status::decode(status.details()).unwrap_or_default().details;
        let details = details.iter().map(|detail| Detail::of(detail, pool)).collect();
        Self { code: name_of(status.code()), message: status.message(), details }
    }
}

impl Detail {
    fn of(detail: &prost_types::Any, pool: &DescriptorPool) -> Self {
        let (url, value) = (&detail.type_url, &detail.value);
        let name = url.rsplit_once('/').map_or(&**url, |(_, name)| name);
        let message = pool.get_message_by_name(name);
        let shown = message.and_then(|message| protocol::json::whole(&message, value).ok());
        let debug = shown.and_then(|text| serde_json::from_str(&text).ok());
        Self { r#type: name.to_owned(), value: BASE64_STANDARD_NO_PAD.encode(value), debug }
    }
}

/// A code as Connect writes it.
pub(crate) fn name_of(code: Code) -> &'static str {
    match code {
        // No error has it.
        Code::Ok => "ok",
        Code::Cancelled => "canceled",
        Code::Unknown => "unknown",
        Code::InvalidArgument => "invalid_argument",
        Code::DeadlineExceeded => "deadline_exceeded",
        Code::NotFound => "not_found",
        Code::AlreadyExists => "already_exists",
        Code::PermissionDenied => "permission_denied",
        Code::ResourceExhausted => "resource_exhausted",
        Code::FailedPrecondition => "failed_precondition",
        Code::Aborted => "aborted",
        Code::OutOfRange => "out_of_range",
        Code::Unimplemented => "unimplemented",
        Code::Internal => "internal",
        Code::Unavailable => "unavailable",
        Code::DataLoss => "data_loss",
        Code::Unauthenticated => "unauthenticated",
    }
}

/// The status of HTTP that the protocol has for a code.
pub(in crate::service) fn http_status(code: Code) -> StatusCode {
    match code {
        Code::Ok => StatusCode::OK,
        // "Client closed request", which has no name in the standard.
        Code::Cancelled => StatusCode::from_u16(499).unwrap_or(StatusCode::REQUEST_TIMEOUT),
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => {
            StatusCode::BAD_REQUEST
        }
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::AlreadyExists | Code::Aborted => StatusCode::CONFLICT,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::Unknown | Code::Internal | Code::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn each_code_has_its_name_and_its_status_of_http() {
        let table = [
            (Code::Cancelled, "canceled", 499),
            (Code::Unknown, "unknown", 500),
            (Code::InvalidArgument, "invalid_argument", 400),
            (Code::DeadlineExceeded, "deadline_exceeded", 504),
            (Code::NotFound, "not_found", 404),
            (Code::AlreadyExists, "already_exists", 409),
            (Code::PermissionDenied, "permission_denied", 403),
            (Code::ResourceExhausted, "resource_exhausted", 429),
            (Code::FailedPrecondition, "failed_precondition", 400),
            (Code::Aborted, "aborted", 409),
            (Code::OutOfRange, "out_of_range", 400),
            (Code::Unimplemented, "unimplemented", 501),
            (Code::Internal, "internal", 500),
            (Code::Unavailable, "unavailable", 503),
            (Code::DataLoss, "data_loss", 500),
            (Code::Unauthenticated, "unauthenticated", 401),
        ];
        for (code, name, status) in table {
            assert_eq!(name_of(code), name);
            assert_eq!(http_status(code).as_u16(), status, "{name}");
        }
    }

    #[test]
    fn a_detail_of_an_unknown_type_has_its_bytes() {
        let detail = prost_types::Any { type_url: "x/a.B".to_owned(), value: vec![1, 2] };
        let status = pb::Status { code: 3, message: String::new(), details: vec![detail] };
        let details = status.encode_to_vec().into();
        let status = Status::with_details(Code::InvalidArgument, "", details);
        let told = serde_json::to_string(&Told::of(&status, &DescriptorPool::new())).unwrap();
        let detail = "{\"type\":\"a.B\",\"value\":\"AQI\"}";
        assert_eq!(told, format!("{{\"code\":\"invalid_argument\",\"details\":[{detail}]}}"));
    }
}
