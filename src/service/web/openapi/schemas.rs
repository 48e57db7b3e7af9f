//! Messages as schemas of their JSON.

use prost_types::{
    FieldDescriptorProto,
    field_descriptor_proto::{Label, Type},
};
use serde_json::{Map, Value, json};

use super::{
    described::{Described, Enum, Message, short},
    put, reference,
};

/// All schemas, by their names.
pub(super) fn all(described: &Described) -> Map<String, Value> {
    let messages = described.messages.iter();
    let messages = messages.map(|of| (short(&of.name).to_owned(), message(of, described)));
    let enums = described.enums.iter().map(|of| (short(&of.name).to_owned(), enumeration(of)));
    messages.chain(enums).collect()
}

fn message(of: &Message, described: &Described) -> Value {
    let properties: Map<_, _> = of
        .fields
        .iter()
        .map(|(of, comment)| {
            let mut schema = field(of, described);
            put(&mut schema, "description", told(comment, of.name()));
            (of.json_name().to_owned(), schema)
        })
        .collect();
    let mut comment = told(&of.comment, short(&of.name)).as_str().unwrap_or_default().to_owned();
    for names in &of.alternatives {
        comment += &format!("\n\nAt most one of `{}` is there.", names.join("`, `"));
    }
    json!({
        "type": "object",
        "description": comment,
        "properties": properties,
        "additionalProperties": false,
    })
}

/// The comment of something, or its name in words.
fn told(comment: &str, name: &str) -> Value {
    match comment.is_empty() {
        true => format!("The {}.", name.replace('_', " ")).into(),
        false => comment.into(),
    }
}

fn enumeration(of: &Enum) -> Value {
    let mut comment = of.comment.clone();
    for (name, about) in &of.values {
        let about = about.split_whitespace().collect::<Vec<_>>().join(" ");
        comment += &format!("\n- `{name}`: {about}");
    }
    let names: Vec<_> = of.values.iter().map(|(name, _)| name).collect();
    json!({ "type": "string", "description": comment.trim(), "enum": names })
}

fn field(of: &FieldDescriptorProto, described: &Described) -> Value {
    let name = of.type_name().trim_start_matches('.');
    if let Some(value) = described.maps.get(name) {
        return json!({ "type": "object", "additionalProperties": single(value) });
    }
    match of.label() {
        Label::Repeated => json!({ "type": "array", "items": single(of) }),
        Label::Optional | Label::Required => single(of),
    }
}

/// One value of a field.
fn single(of: &FieldDescriptorProto) -> Value {
    match of.r#type() {
        Type::Double | Type::Float => json!({ "type": "number" }),
        Type::Int64 | Type::Sint64 | Type::Sfixed64 => {
            json!({ "type": "string", "format": "int64", "pattern": "^-?[0-9]+$" })
        }
        Type::Uint64 | Type::Fixed64 => {
            json!({ "type": "string", "format": "uint64", "pattern": "^[0-9]+$" })
        }
        Type::Int32 | Type::Sint32 | Type::Sfixed32 => {
            json!({ "type": "integer", "format": "int32" })
        }
        Type::Uint32 | Type::Fixed32 => {
            json!({ "type": "integer", "format": "uint32", "minimum": 0 })
        }
        Type::Bool => json!({ "type": "boolean" }),
        Type::String => json!({ "type": "string" }),
        Type::Bytes => json!({ "type": "string", "contentEncoding": "base64" }),
        Type::Enum | Type::Message | Type::Group => match of.type_name().trim_start_matches('.') {
            "google.protobuf.Timestamp" => json!({ "type": "string", "format": "date-time" }),
            "google.protobuf.Duration" => {
                json!({ "type": "string", "pattern": "^-?[0-9]+(\\.[0-9]{1,9})?s$" })
            }
            name => reference(name),
        },
    }
}
