//! Methods as operations of the Connect protocol, and their errors.

use serde_json::{Map, Value, json};

use super::{
    described::{Method, Service},
    put, reference,
};

/// The schema of errors.
pub(super) const ERROR: &str = "connect.Error";

/// The operations of a method.
pub(super) fn path(service: &Service, method: &Method) -> Value {
    let mut operations = Map::new();
    let operation = if method.streams { stream } else { call };
    operations.insert("post".to_owned(), operation(service, method));
    if method.only_reads && !method.streams {
        operations.insert("get".to_owned(), question(service, method));
    }
    operations.into()
}

/// What all operations of a method have.
fn head(service: &Service, method: &Method, suffix: &str) -> Value {
    let summary = method.comment.split_inclusive(['.', ':']).next().unwrap_or_default();
    let summary = summary.split_whitespace().collect::<Vec<_>>().join(" ");
    json!({
        "operationId": format!("{}.{}{suffix}", service.name, method.name),
        "tags": [service.name],
        "summary": summary.trim_end_matches(['.', ':']),
        "description": method.comment,
    })
}

fn call(service: &Service, method: &Method) -> Value {
    let mut operation = head(service, method, "");
    put(
        &mut operation,
        "requestBody",
        json!({
            "required": true,
            "content": { "application/json": { "schema": reference(&method.request) } },
        }),
    );
    put(&mut operation, "responses", answers(method));
    operation
}

/// A call by GET, whose request is in the query.
fn question(service: &Service, method: &Method) -> Value {
    let parameter = |name: &str, is_required: bool, about: &str, schema: Value| {
        json!({
            "name": name,
            "in": "query",
            "required": is_required,
            "description": about,
            "schema": schema,
        })
    };
    let mut operation = head(service, method, ".get");
    let message = json!({
        "name": "message",
        "in": "query",
        "required": true,
        "description": "The request as JSON, percent-encoded.",
        "content": { "application/json": { "schema": reference(&method.request) } },
    });
    put(
        &mut operation,
        "parameters",
        json!([
            parameter(
                "connect",
                false,
                "The version of the Connect protocol.",
                json!({ "type": "string", "const": "v1" }),
            ),
            parameter(
                "encoding",
                true,
                "The form of the message.",
                json!({ "type": "string", "const": "json" }),
            ),
            message,
        ]),
    );
    put(&mut operation, "responses", answers(method));
    operation
}

fn answers(method: &Method) -> Value {
    json!({
        "200": {
            "description": "The answer.",
            "content": { "application/json": { "schema": reference(&method.response) } },
        },
        "default": { "$ref": "#/components/responses/Refused" },
    })
}

/// A call whose answer is a stream, which OpenAPI describes in words.
fn stream(service: &Service, method: &Method) -> Value {
    const ENVELOPE: &str = "Each message is JSON behind five bytes: a flag (0, and 2 for the last \
        one) and the length of the message as a big-endian number. The last one holds the error, \
        if there is one, and no answer.";
    const CONTENT: &str = "application/connect+json";
    let mut operation = head(service, method, "");
    let text = format!("{}\n\nThe answer is a stream of Connect. {ENVELOPE}", method.comment);
    put(&mut operation, "description", text);
    let message = |of: &str| {
        let name = super::described::short(of);
        json!({
            "type": "string",
            "format": "binary",
            "description": format!("Messages of the schema `{name}`. {ENVELOPE}"),
        })
    };
    put(
        &mut operation,
        "requestBody",
        json!({
            "required": true,
            "description": "One message behind its five bytes.",
            "content": { CONTENT: { "schema": message(&method.request) } },
        }),
    );
    put(
        &mut operation,
        "responses",
        json!({
            "200": {
                "description": "The stream. An error comes as its last message.",
                "content": { CONTENT: { "schema": message(&method.response) } },
            },
        }),
    );
    operation
}

/// The schema of an error.
pub(super) fn error() -> Value {
    let codes = [
        "canceled",
        "unknown",
        "invalid_argument",
        "deadline_exceeded",
        "not_found",
        "already_exists",
        "permission_denied",
        "resource_exhausted",
        "failed_precondition",
        "aborted",
        "out_of_range",
        "unimplemented",
        "internal",
        "unavailable",
        "data_loss",
        "unauthenticated",
    ];
    json!({
        "type": "object",
        "description": "An error. docs/errors.md lists the reasons and their values.",
        "required": ["code"],
        "properties": {
            "code": {
                "type": "string",
                "enum": codes,
                "description": "The code of gRPC, as Connect writes it.",
            },
            "message": { "type": "string", "description": "The error, in English." },
            "details": {
                "type": "array",
                "description": "Details, among them a google.rpc.ErrorInfo with the reason.",
                "items": {
                    "type": "object",
                    "required": ["type", "value"],
                    "properties": {
                        "type": {
                            "type": "string",
                            "description": "The name of the message: `google.rpc.ErrorInfo`.",
                        },
                        "value": {
                            "type": "string",
                            "contentEncoding": "base64",
                            "description": "The encoded message, without padding.",
                        },
                        "debug": {
                            "type": "object",
                            "description": "The message as JSON: `reason`, `domain`, `metadata`.",
                        },
                    },
                },
            },
        },
    })
}

/// The answer to whoever is refused.
pub(super) fn refused() -> Value {
    json!({
        "description": "An error. The code of HTTP follows from the code of the error: 400, 401, \
                        403, 404, 409, 429, 499, 500, 501, 503 or 504.",
        "content": { "application/json": { "schema": reference(ERROR) } },
    })
}
