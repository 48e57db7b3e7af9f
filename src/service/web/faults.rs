//! Errors over plain HTTP: the status of the call as JSON, in the form of the Connect protocol, and
//! as a code of HTTP.

use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
use prost::Message as _;
use serde_json::{Value, json};
use tonic::{Status, body::Body};
use tonic_types::StatusExt as _;

use super::parameters::by_parameters;
use crate::service::{
    Response,
    connect::{http_status, name_of, tell_error},
};

/// The answer to a request whose call was refused.
pub(super) fn answer(status: &Status) -> Response {
    let mut answer = Response::new(Body::new(format!("{}\n", of(status))));
    *answer.status_mut() = http_status(status.code());
    tell_error(answer.headers_mut(), status);
    answer
}

/// An error as JSON: `{"code": ..., "message": ..., "details": [...]}`. Its text names parameters
/// in the place of fields.
pub(in crate::service) fn of(status: &Status) -> Value {
    let details = tonic_types::pb::Status::decode(status.details()).unwrap_or_default().details;
    let details: Vec<_> = details
        .iter()
        .map(|detail| {
            let kind = detail.type_url.rsplit('/').next().unwrap_or_default();
            let value = BASE64_STANDARD_NO_PAD.encode(&detail.value);
            match debug(kind, status) {
                Some(debug) => json!({ "type": kind, "value": value, "debug": debug }),
                None => json!({ "type": kind, "value": value }),
            }
        })
        .collect();
    let mut error =
        json!({ "code": name_of(status.code()), "message": by_parameters(status.message()) });
    if !details.is_empty() {
        super::openapi::put(&mut error, "details", details);
    }
    error
}

/// A detail in the JSON of protobuf.
fn debug(kind: &str, status: &Status) -> Option<Value> {
    match kind {
        "google.rpc.ErrorInfo" => {
            let info = status.get_details_error_info()?;
            let metadata: std::collections::BTreeMap<_, _> = info.metadata.into_iter().collect();
            Some(json!({ "reason": info.reason, "domain": info.domain, "metadata": metadata }))
        }
        "google.rpc.RetryInfo" => {
            let delay = status.get_details_retry_info()?.retry_delay?;
            Some(json!({ "retryDelay": format!("{}s", delay.as_secs_f64()) }))
        }
        "google.rpc.BadRequest" => {
            let violations = status.get_details_bad_request()?.field_violations.into_iter();
            let violations = violations
                .map(|v| json!({ "field": v.field, "description": v.description }))
                .collect::<Vec<_>>();
            Some(json!({ "fieldViolations": violations }))
        }
        "google.rpc.PreconditionFailure" => {
            let violations = status.get_details_precondition_failure()?.violations.into_iter();
            let violations = violations
                .map(|v| (v.r#type, v.subject, v.description))
                .map(|(kind, subject, text)| {
                    json!({ "type": kind, "subject": subject, "description": text })
                })
                .collect::<Vec<_>>();
            Some(json!({ "violations": violations }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::{StatusCode, header};
    use tonic::Code;

    use super::*;
    use crate::service::errors;

    #[test]
    fn an_error_has_its_code_its_text_and_its_reason() {
        let status = errors::starting(7, 9, None);
        let refused = answer(&status);
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(refused.headers()[header::RETRY_AFTER], "1");
        let error = of(&status);
        assert_eq!(error["code"], "unavailable");
        assert_eq!(error["message"], "the server is starting: 7 of 9 events are replayed");
        let details = error["details"].as_array().unwrap();
        let info = details.iter().find(|detail| detail["type"] == "google.rpc.ErrorInfo").unwrap();
        assert_eq!(info["debug"]["reason"], "STARTING");
        assert_eq!(info["debug"]["metadata"]["events"], "9");
        let value = BASE64_STANDARD_NO_PAD.decode(info["value"].as_str().unwrap()).unwrap();
        let value = tonic_types::pb::ErrorInfo::decode(value.as_slice()).unwrap();
        assert_eq!((value.reason.as_str(), value.domain.as_str()), ("STARTING", "tidu"));
    }

    #[test]
    fn a_stranger_is_asked_for_a_token() {
        let text = "show a token";
        let reason = crate::protocol::pb::ErrorReason::CredentialMissing;
        let refused = answer(&errors::status(Code::Unauthenticated, reason, text, []));
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(refused.headers()[header::WWW_AUTHENTICATE], "Bearer");
    }
}
