//! An error that ends a command, for programs: one line of JSON in the form of a Connect error.
//!
//! `{"code", "message", "details": [{"type", "value", "debug"}], "exitCode"}`. An error of this
//! program has an ErrorInfo as one of the server has, of another domain.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use prost::Message as _;
use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::pb;

use crate::service;

/// The domain of errors that no server states.
const DOMAIN: &str = "tidu.cli";
const ERROR_INFO: &str = "google.rpc.ErrorInfo";
const RETRY_INFO: &str = "google.rpc.RetryInfo";

/// An error that no server states.
pub(crate) struct LocalError<'a> {
    /// A stable word: `UNREACHABLE`.
    pub(crate) reason: &'a str,
    pub(crate) code: Code,
    pub(crate) message: &'a str,
    pub(crate) metadata: Vec<(&'a str, String)>,
}

impl LocalError<'_> {
    /// The line of JSON.
    pub(crate) fn json(self, exit_code: u8) -> String {
        let metadata =
            self.metadata.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let info =
            pb::ErrorInfo { reason: self.reason.to_owned(), domain: DOMAIN.to_owned(), metadata };
        let detail = detail(ERROR_INFO, &info.encode_to_vec());
        line(self.code, self.message, &[detail], exit_code)
    }
}

/// The line of JSON for the refusal of a call, with all its details.
pub(crate) fn status_json(status: &Status, exit_code: u8) -> String {
    let details = pb::Status::decode(status.details()).unwrap_or_default().details;
    let of = |any: prost_types::Any| {
        let name = any.type_url.rsplit('/').next().unwrap_or_default();
        detail(name, &any.value)
    };
    let details: Vec<Value> = details.into_iter().map(of).collect();
    line(status.code(), status.message(), &details, exit_code)
}

fn line(code: Code, message: &str, details: &[Value], exit_code: u8) -> String {
    json!({
        "code": service::code_name(code),
        "message": message,
        "details": details,
        "exitCode": exit_code,
    })
    .to_string()
}

fn detail(name: &str, bytes: &[u8]) -> Value {
    let debug = match name {
        ERROR_INFO => pb::ErrorInfo::decode(bytes).ok().map(|info| {
            json!({ "reason": info.reason, "domain": info.domain, "metadata": info.metadata })
        }),
        RETRY_INFO => pb::RetryInfo::decode(bytes).ok().and_then(|info| {
            let delay = std::time::Duration::try_from(info.retry_delay?).ok()?;
            Some(json!({ "retryDelay": format!("{}s", delay.as_secs_f64()) }))
        }),
        _ => None,
    };
    let mut detail = json!({ "type": name, "value": STANDARD_NO_PAD.encode(bytes) });
    if let (Some(debug), Some(members)) = (debug, detail.as_object_mut()) {
        members.insert("debug".to_owned(), debug);
    }
    detail
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, time::Duration};

    use tonic_types::{ErrorDetails, StatusExt as _};

    use super::*;

    #[test]
    fn a_refusal_has_all_its_details() {
        let metadata = [("value", "999999"), ("rule_id", "authority-unknown")];
        let metadata = metadata.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let metadata: HashMap<String, String> = metadata.into();
        let mut details = ErrorDetails::with_error_info("AUTHORITY_UNKNOWN", "tidu", metadata);
        details.set_retry_info(Some(Duration::from_millis(1500)));
        details.add_bad_request_violation("filter.authorities[0]", "is not one of them");
        let status = Status::with_error_details(Code::InvalidArgument, "a \"text\"", details);
        let line = status_json(&status, 3);
        assert!(!line.contains('\n'), "{line}");
        let read: Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&read["code"], &read["exitCode"]), (&json!("invalid_argument"), &json!(3)));
        assert_eq!(read["message"], "a \"text\"");
        let of = |name: &str| {
            let all = read["details"].as_array().unwrap();
            all.iter().find(|detail| detail["type"] == name).unwrap().clone()
        };
        let info = of(ERROR_INFO);
        assert_eq!(info["debug"]["reason"], "AUTHORITY_UNKNOWN");
        assert_eq!(info["debug"]["metadata"]["rule_id"], "authority-unknown");
        let bytes = STANDARD_NO_PAD.decode(info["value"].as_str().unwrap()).unwrap();
        assert_eq!(pb::ErrorInfo::decode(bytes.as_slice()).unwrap().metadata.len(), 2);
        assert_eq!(of(RETRY_INFO)["debug"]["retryDelay"], "1.5s");
        assert_eq!(of("google.rpc.BadRequest").get("debug"), None);
    }

    #[test]
    fn a_local_error_has_the_same_form() {
        let error = LocalError {
            reason: "UNREACHABLE",
            code: Code::Unavailable,
            message: "cannot reach it",
            metadata: vec![("server", "http://127.0.0.1:1".to_owned())],
        };
        let read: Value = serde_json::from_str(&error.json(4)).unwrap();
        let debug = &read["details"][0]["debug"];
        assert_eq!((&debug["reason"], &debug["domain"]), (&json!("UNREACHABLE"), &json!(DOMAIN)));
        assert_eq!(debug["metadata"]["server"], "http://127.0.0.1:1");
        assert_eq!((&read["code"], &read["exitCode"]), (&json!("unavailable"), &json!(4)));
    }
}
