//! No text of an event takes data about a person: each text field of the protocol is tried, so that
//! a new one cannot be forgotten.

use prost::Message as _;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value,
};
use tidu::{
    domain::{catalogue::Catalogue, fault::Reason},
    protocol::{event, pb},
};

use crate::support::{A, B};

const MOBILE: &str = "13800000000";

/// Codes of closed lists and numbers, which no other text fits: refused by their form.
const CODES: [&str; 16] = [
    "authority",
    "co_issuers",
    "programme",
    "from_programme",
    "to_programme",
    "sublist",
    "recommended_by",
    "registered_region",
    "region",
    "from_region",
    "to_region",
    "from_authority",
    "to_authority",
    "industry",
    "issuing_bodies",
    "value",
];

/// A value of a text field that is fine.
fn fine(field: &str) -> &'static str {
    match field {
        "authority" => "100000",
        "designee" => A,
        "programme" | "to_programme" => "little-giant",
        "from_programme" => "national-platform",
        "recommended_by" | "from_authority" | "sublist" => "440000",
        "to_authority" => "330000",
        "registered_region" | "region" | "from_region" => "440100",
        "to_region" => "330100",
        "new_designee" | "successor" | "successors" => B,
        "industry" => "C",
        "issuing_bodies" => "mof",
        "co_issuers" => "110000",
        "document_number" | "amends" => "工信部企业函〔2019〕153号",
        "url" => "https://example.org/",
        "rule_version" => "2022",
        "batch" | "round" | "pool" | "scheme" | "key_id" | "algorithm" | "value" => "1",
        _ => "示例",
    }
}

/// Text with a mobile number that is fine otherwise.
fn personal(field: &str) -> String {
    match field {
        "url" => format!("https://example.org/?tel={MOBILE}"),
        "batch" | "round" | "pool" | "scheme" | "key_id" | "algorithm" | "rule_version" => {
            MOBILE.to_owned()
        }
        "designee" | "new_designee" | "successor" | "successors" => {
            format!("provisional:440000/示例{MOBILE}")
        }
        "document_number" | "amends" => format!("工信部企业函〔2019〕153号 {MOBILE}"),
        _ => format!("示例 {MOBILE}"),
    }
}

/// A message with all its texts, those of messages in it as well, except in a repetition of itself.
fn filled(message: &MessageDescriptor, depth: usize) -> DynamicMessage {
    let mut filled = DynamicMessage::new(message.clone());
    for field in message.fields().filter(|field| field.containing_oneof().is_none()) {
        let value = match field.kind() {
            Kind::String => Value::String(fine(field.name()).to_owned()),
            Kind::Message(inner) if inner.name() == "Date" => {
                let mut date = DynamicMessage::new(inner);
                for (part, number) in [("year", 2024), ("month", 2), ("day", 1)] {
                    date.set_field_by_name(part, Value::I32(number));
                }
                Value::Message(date)
            }
            Kind::Message(inner) if depth < 3 && inner.name() != "Event" => {
                Value::Message(self::filled(&inner, depth + 1))
            }
            _ => continue,
        };
        let value = if field.is_list() { Value::List(vec![value]) } else { value };
        filled.set_field(&field, value);
    }
    filled
}

/// The paths to the texts that are set in a message.
fn texts(message: &DynamicMessage) -> Vec<Vec<FieldDescriptor>> {
    let mut found = Vec::new();
    for (field, value) in message.fields() {
        let first = match value {
            Value::List(values) => values.first(),
            value => Some(value),
        };
        match first {
            Some(Value::String(_)) => found.push(vec![field]),
            Some(Value::Message(inner)) => {
                found.extend(
                    texts(inner)
                        .into_iter()
                        .map(|rest| [std::slice::from_ref(&field), &rest].concat()),
                );
            }
            _ => {}
        }
    }
    found
}

/// The message with another text at a path.
fn altered(message: &DynamicMessage, path: &[FieldDescriptor], text: &str) -> DynamicMessage {
    let mut altered = message.clone();
    let [field, rest @ ..] = path else { return altered };
    let old = message.get_field(field).into_owned();
    let change = |value: Value| match value {
        Value::Message(inner) => Value::Message(self::altered(&inner, rest, text)),
        _ => Value::String(text.to_owned()),
    };
    let new = match old {
        Value::List(values) => Value::List(values.into_iter().map(change).collect()),
        value => change(value),
    };
    altered.set_field(field, new);
    altered
}

/// An event with a fact of each kind, with all its texts.
fn events() -> Vec<DynamicMessage> {
    let pool = DescriptorPool::decode(pb::DESCRIPTORS).unwrap();
    let event = pool.get_message_by_name("tidu.v1.Event").unwrap();
    let facts = event.oneofs().find(|oneof| oneof.name() == "fact").unwrap();
    let of = |field: FieldDescriptor| {
        let Kind::Message(kind) = field.kind() else { panic!("{field:?}") };
        let mut filled = filled(&event, 0);
        filled.set_field(&field, Value::Message(self::filled(&kind, 0)));
        filled
    };
    facts.fields().map(of).collect()
}

#[test]
fn every_text_of_every_fact_is_judged() {
    let catalogue = Catalogue::built_in();
    let (mut wrong, mut judged) = (Vec::new(), 0);
    for event in events() {
        for path in texts(&event) {
            let field = path.last().unwrap().name().to_owned();
            let altered = altered(&event, &path, &personal(&field));
            let proposed = pb::Event::decode(altered.encode_to_vec().as_slice()).unwrap();
            let names: Vec<_> = path.iter().map(|field| field.name().to_owned()).collect();
            let name = names.join(".");
            let Err(faults) = event::proposal(&catalogue, 0, proposed) else {
                wrong.push(format!("{name}: accepted"));
                continue;
            };
            // Facts that are not about a designee must not name one.
            let judges = [Reason::PersonalData, Reason::FieldNotAllowed];
            if !faults.iter().any(|fault| judges.contains(&fault.reason()))
                && !CODES.contains(&field.as_str())
            {
                wrong.push(format!("{name}: {:?}", faults.to_vec()));
            }
            if faults.iter().any(|fault| format!("{fault:?}").contains(MOBILE)) {
                wrong.push(format!("{name}: repeated in {:?}", faults.to_vec()));
            }
            judged += 1;
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(judged > 300, "{judged}");
}
