//! The description of the API over HTTP (OpenAPI 3.1), made from the descriptors and their comments
//! when somebody first asks for it.
//!
//! ```text
//! described.rs  services, messages and enums with their comments
//! schemas.rs    a message as a schema of its JSON
//! calls.rs      a method as an operation of Connect
//! events.rs     `/v1/events` and its parameters
//! ```

mod calls;
mod described;
mod events;
mod schemas;

use std::sync::OnceLock;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use self::described::Described;
use crate::protocol::pb;

const ABOUT: &str = "The system of record for designations of enterprises. Each method of gRPC is \
    a path of the Connect protocol: POST its request as JSON, and get its answer as JSON. Methods \
    without side effects can be asked with GET, too. `/v1/events` streams the events as lines of \
    JSON or as server-sent events. Numbers of 64 bits are strings, bytes are base64, and enums are \
    names. A field that is unknown is refused.";

/// The document. `None` if the embedded descriptors cannot be read, which a test rules out.
pub(super) fn document() -> Option<Bytes> {
    static DOCUMENT: OnceLock<Option<Bytes>> = OnceLock::new();
    DOCUMENT
        .get_or_init(|| {
            let described = Described::read(pb::DESCRIPTORS).ok()?;
            Some(Bytes::from(written(&described).to_string()))
        })
        .clone()
}

fn written(described: &Described) -> Value {
    let mut paths = Map::new();
    paths.insert("/v1/events".to_owned(), events::path());
    let mut tags = vec![json!({ "name": "http", "description": "Plain HTTP." })];
    for service in &described.services {
        tags.push(json!({ "name": service.name, "description": service.comment }));
        for method in &service.methods {
            paths.insert(method.path.clone(), calls::path(service, method));
        }
    }
    let mut schemas = schemas::all(described);
    schemas.insert(calls::ERROR.to_owned(), calls::error());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tidu",
            "version": "v1",
            "summary": "The register of enterprise designations",
            "description": ABOUT,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "The server that gives this document." }],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": { "Refused": calls::refused() },
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of a principal, for a server that knows its callers.",
                },
                "certificate": {
                    "type": "mutualTLS",
                    "description": "A client certificate of a principal.",
                },
            },
        },
        "security": [{}, { "token": [] }, { "certificate": [] }],
    })
}

/// Puts a member into an object.
pub(super) fn put(object: &mut Value, name: &str, value: impl Into<Value>) {
    if let Value::Object(members) = object {
        members.insert(name.to_owned(), value.into());
    }
}

/// A reference to the schema of a message or enum.
fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{}", described::short(name)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls `see` with each value and the way to it.
    fn walk(value: &Value, way: &str, see: &mut impl FnMut(&str, &Value)) {
        see(way, value);
        match value {
            Value::Object(members) => {
                members.iter().for_each(|(name, value)| walk(value, &format!("{way}/{name}"), see));
            }
            Value::Array(values) => values.iter().for_each(|value| walk(value, way, see)),
            _ => {}
        }
    }

    fn read() -> Value {
        serde_json::from_slice(&document().unwrap()).unwrap()
    }

    #[test]
    fn each_reference_leads_somewhere() {
        let (document, mut references) = (read(), 0);
        walk(&document, "", &mut |way, value| {
            let Some(target) = value.get("$ref").and_then(Value::as_str) else { return };
            references += 1;
            assert!(document.pointer(&target[1..]).is_some(), "{way}: {target}");
        });
        assert!(references > 200, "only {references}");
    }

    #[test]
    fn everything_is_described() {
        let document = read();
        let require = |value: &Value, what: &str| {
            let text = value["description"].as_str().unwrap_or_default();
            assert!(text.len() > 5, "{what} has the description {text:?}");
        };
        for (path, operations) in document["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                require(operation, &format!("{method} {path}"));
                for parameter in operation["parameters"].as_array().into_iter().flatten() {
                    require(parameter, &format!("{path}, {}", parameter["name"]));
                }
            }
        }
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            require(schema, name);
            for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
                require(schema, &format!("{name}.{field}"));
            }
        }
    }

    #[test]
    fn every_method_has_its_path() {
        use strum::IntoEnumIterator as _;

        let document = read();
        for method in crate::protocol::methods::Method::iter() {
            assert!(document["paths"][method.path()]["post"].is_object(), "{}", method.path());
        }
        let status = &document["components"]["schemas"]["GetStatusResponse"]["properties"];
        assert_eq!(status["logSize"]["type"], "string", "64 bits are a text");
        let event = &document["components"]["schemas"]["Event"]["properties"];
        assert_eq!(event["effectiveDate"]["$ref"], "#/components/schemas/google.type.Date");
    }
}
