//! `/v1/events` and its parameters.

use serde_json::{Value, json};

use super::reference;
use crate::service::web::parameters::{PARAMETERS, Parameter, Times};

const ABOUT: &str = "The events of the log in their order, from a position on. It is the call \
    LedgerService.Subscribe, with its rights and limits. Each line is the JSON of a RecordedEvent, \
    or of a Withheld in the place of an event whose content is not shown. With `Accept: \
    text/event-stream` the answer is server-sent events: events have no name, the others are \
    named `withheld` and `progress`; the id of each is the position from which to resume. An error \
    after the beginning of the answer is its last line, `{\"error\": ...}`, or the event `error`.";

pub(super) fn path() -> Value {
    let mut parameters: Vec<_> = PARAMETERS.iter().map(parameter).collect();
    parameters.push(json!({
        "name": "Last-Event-ID",
        "in": "header",
        "description": "The id of the last event that the caller has. It wins over `from` \
                        and `since`.",
        "schema": { "type": "string", "pattern": "^[0-9]+$" },
    }));
    let lines = json!({
        "description": "A line.",
        "anyOf": [reference("RecordedEvent"), reference("Withheld"), reference("Progress")],
    });
    json!({
        "get": {
            "operationId": "events",
            "tags": ["http"],
            "summary": "The events as lines of JSON or as server-sent events",
            "description": ABOUT,
            "parameters": parameters,
            "responses": {
                "200": {
                    "description": "The events, one a line.",
                    "content": {
                        "application/x-ndjson": { "schema": lines },
                        "text/event-stream": { "schema": { "type": "string" } },
                    },
                },
                "204": {
                    "description": "Server-sent events with an end: the caller has them all, and \
                                    need not come again.",
                },
                "default": { "$ref": "#/components/responses/Refused" },
            },
        },
    })
}

fn parameter(of: &Parameter) -> Value {
    let text = json!({ "type": "string" });
    let several = json!({ "type": "array", "items": text });
    let (schema, about) = match of.times {
        Times::Once => (text, of.about.to_owned()),
        Times::Repeated => (several, format!("{} May be repeated.", of.about)),
        Times::List => {
            (several, format!("{} May be repeated, or have values parted by commas.", of.about))
        }
    };
    json!({
        "name": of.name,
        "in": "query",
        "description": about,
        "style": "form",
        "explode": true,
        "schema": schema,
    })
}
