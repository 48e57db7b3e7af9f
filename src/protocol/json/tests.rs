//! The one form of JSON: what it takes, what it refuses, and what it gives.

#![allow(clippy::unwrap_used)]

use prost_reflect::{Kind, MapKey, Value};

use super::*;

#[test]
fn an_answer_has_its_zeros_and_means_the_same_without_them() {
    let json = Json::new().unwrap();
    let (name, empty) = ("GetStatusResponse", pb::GetStatusResponse::default());
    assert_eq!(json.line(name, &empty).unwrap(), "{}");
    let whole = json.whole(name, &empty).unwrap();
    assert!(whole.starts_with("{\"logSize\":\"0\",\"designeeCount\":\"0\""), "{whole}");
    assert!(whole.contains("\"subscriberCount\":0"), "{whole}");
    assert!(!whole.contains("logId") && !whole.contains("diskBytes"), "{whole}");
    assert_eq!(json.parse(name, &whole).unwrap(), empty.encode_to_vec());
}

#[test]
fn zeros_reach_the_parts_of_an_answer_and_no_record() {
    let json = Json::new().unwrap();
    let cursor = pb::Cursor { cursor_id: "a".to_owned(), ..Default::default() };
    let name = "ListCursorsResponse";
    let list = pb::ListCursorsResponse { cursors: vec![cursor], ..Default::default() };
    let whole = json.whole(name, &list).unwrap();
    assert!(
        whole.starts_with("{\"cursors\":[{\"cursorId\":\"a\",\"nextPosition\":\"0\""),
        "{whole}"
    );
    assert_eq!(json.parse(name, &whole).unwrap(), list.encode_to_vec());
    let event = pb::RecordedEvent { position: Some(0), ..Default::default() };
    let events = pb::ListEventsResponse { events: vec![event.clone()], ..Default::default() };
    let whole = json.whole("ListEventsResponse", &events).unwrap();
    assert!(whole.contains(&json.line("RecordedEvent", &event).unwrap()), "{whole}");
}

/// The encoded message of a JSON text.
fn read_as(name: &str, text: &str) -> Result<Vec<u8>, Unread> {
    read(text.as_bytes(), &descriptor(name), usize::MAX, &mut |_| true)
}

fn descriptor(name: &str) -> MessageDescriptor {
    let pool = DescriptorPool::decode(pb::DESCRIPTORS).unwrap();
    pool.get_message_by_name(&format!("tidu.v1.{name}")).unwrap()
}

/// A value of a field, made from a random source. Messages end at a depth.
fn random_value(kind: &Kind, random: &mut fastrand::Rng, depth: usize) -> Value {
    let mut text = |most: usize| -> String {
        (0..random.usize(..=most)).map(|_| random.char('\u{0}'..='\u{1F600}')).collect()
    };
    match kind {
        Kind::Bool => Value::Bool(random.bool()),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(random.i32(..)),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(random.u32(..)),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(random.i64(..)),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(random.u64(..)),
        Kind::Float => Value::F32(random.f32()),
        Kind::Double => Value::F64(random.f64()),
        Kind::String => Value::String(text(12)),
        Kind::Bytes => Value::Bytes(text(12).into()),
        // A number that a newer version may have is kept as well.
        Kind::Enum(_) => Value::EnumNumber(random.i32(0..20)),
        Kind::Message(message) => match message.full_name() {
            "google.protobuf.Timestamp" => {
                let mut time = DynamicMessage::new(message.clone());
                time.set_field_by_name(
                    "seconds",
                    Value::I64(random.i64(-62_135_596_800..253_402_300_799)),
                );
                time.set_field_by_name("nanos", Value::I32(random.i32(0..1_000_000_000)));
                Value::Message(time)
            }
            "google.protobuf.Duration" => {
                let mut time = DynamicMessage::new(message.clone());
                time.set_field_by_name("seconds", Value::I64(random.i64(0..315_576_000_000)));
                time.set_field_by_name("nanos", Value::I32(random.i32(0..1_000_000_000)));
                Value::Message(time)
            }
            _ => Value::Message(random_message(message, random, depth + 1)),
        },
    }
}

fn random_message(
    message: &MessageDescriptor,
    random: &mut fastrand::Rng,
    depth: usize,
) -> DynamicMessage {
    let mut made = DynamicMessage::new(message.clone());
    for field in message.fields() {
        let is_message = matches!(field.kind(), Kind::Message(_));
        if random.u8(..3) == 0 || (is_message && depth > 4) {
            continue;
        }
        let value = if field.is_map() {
            let entry = field.kind().as_message().unwrap().map_entry_value_field();
            let key = |random: &mut fastrand::Rng| MapKey::String(format!("k{}", random.u8(..)));
            let entry = |_| (key(random), random_value(&entry.kind(), random, depth));
            Value::Map((0..3).map(entry).collect())
        } else if field.is_list() {
            let count = random.usize(..3);
            Value::List((0..count).map(|_| random_value(&field.kind(), random, depth)).collect())
        } else {
            random_value(&field.kind(), random, depth)
        };
        made.set_field(&field, value);
    }
    made
}

/// The names of all messages that go over the wire as they are: requests and answers.
fn of_methods() -> Vec<MessageDescriptor> {
    let mut pool = DescriptorPool::decode(pb::DESCRIPTORS).unwrap();
    for more in [
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        tonic_types::pb::FILE_DESCRIPTOR_SET,
    ] {
        pool.decode_file_descriptor_set(more).unwrap();
    }
    let services: Vec<_> = pool.services().collect();
    let methods = services.iter().flat_map(|service| service.methods().collect::<Vec<_>>());
    let mut messages: Vec<_> =
        methods.flat_map(|method| [method.input(), method.output()]).collect();
    let details = ["ErrorInfo", "BadRequest", "PreconditionFailure", "RetryInfo"];
    let detail = |name| pool.get_message_by_name(&format!("google.rpc.{name}")).unwrap();
    messages.extend(details.map(detail));
    messages
}

#[test]
fn every_request_and_answer_comes_back_from_its_json() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let messages = of_methods();
    assert!(messages.len() > 80, "{}", messages.len());
    for message in &messages {
        for _ in 0..20 {
            let made = random_message(message, &mut random, 0);
            let encoded = made.encode_to_vec();
            // What is not stated has the same value as its default.
            let made = DynamicMessage::decode(message.clone(), encoded.as_slice()).unwrap();
            let told = whole(message, &encoded).unwrap();
            let back = read(told.as_bytes(), message, usize::MAX, &mut |_| true).unwrap();
            let back = DynamicMessage::decode(message.clone(), back.as_slice()).unwrap();
            assert!(back == made, "{}: {told}", message.full_name());
            // The canonical form, with the names of the protocol and numbers for enums.
            let names = prost_reflect::SerializeOptions::new();
            let names = names.use_proto_field_name(true).use_enum_numbers(true);
            let mut told = Vec::new();
            let mut output = serde_json::Serializer::new(&mut told);
            made.serialize_with_options(&mut output, &names).unwrap();
            let back = read(&told, message, usize::MAX, &mut |_| true).unwrap();
            let back = DynamicMessage::decode(message.clone(), back.as_slice()).unwrap();
            assert!(back == made, "{}", message.full_name());
        }
    }
}

/// Only a tree holds any JSON, and nothing would pay for it.
#[test]
fn no_request_has_a_field_of_any_json() {
    fn visit(message: &MessageDescriptor, seen: &mut Vec<MessageDescriptor>) {
        if seen.contains(message) {
            return;
        }
        seen.push(message.clone());
        for field in message.fields() {
            if let Kind::Message(inner) = field.kind() {
                visit(&inner, seen);
            }
        }
    }
    let mut seen = Vec::new();
    of_methods().iter().for_each(|message| visit(message, &mut seen));
    assert!(seen.len() > 150, "{}", seen.len());
    for message in seen {
        let name = message.full_name();
        for any in ["Any", "Struct", "Value", "ListValue"] {
            assert_ne!(name, format!("google.protobuf.{any}"));
        }
    }
}

#[test]
fn a_fault_names_its_field_its_value_and_its_rule() {
    let append = |event: &str| format!("{{\"events\":[{{}},{event}]}}");
    let table = [
        ("{\"event\":[]}".to_owned(), "event", "event", "json-field-unknown"),
        (append("{\"Authority\":\"1\"}"), "events[1].Authority", "Authority", "json-field-unknown"),
        (append("{\"authority\":1}"), "events[1].authority", "1", "json-value-form"),
        (append("{\"authority\":{}}"), "events[1].authority", "{…}", "json-value-form"),
        (append("{\"authority\":[]}"), "events[1].authority", "[…]", "json-value-form"),
        (append("[]"), "events[1]", "[…]", "json-value-form"),
        (append("null"), "events[1]", "null", "json-value-form"),
        (append("7"), "events[1]", "7", "json-value-form"),
        ("{\"events\":{}}".to_owned(), "events", "{…}", "json-value-form"),
        ("{\"events\":true}".to_owned(), "events", "true", "json-value-form"),
        ("{\"validateOnly\":\"true\"}".to_owned(), "validate_only", "true", "json-value-form"),
        (
            "{\"requestId\":\"a\",\"request_id\":\"b\"}".to_owned(),
            "request_id",
            "requestId",
            "json-field-twice",
        ),
        (
            append("{\"designated\":{},\"revoked\":{}}"),
            "events[1].revoked",
            "revoked",
            "json-one-of",
        ),
        (
            append("{\"revoked\":{\"ground\":\"REVOCATION_GROUND_WHIM\"}}"),
            "events[1].revoked.ground",
            "REVOCATION_GROUND_WHIM",
            "enum-unknown",
        ),
        (
            append("{\"effectiveDate\":{\"year\":2147483648}}"),
            "events[1].effective_date.year",
            "2147483648",
            "json-value-form",
        ),
        (
            append("{\"effectiveDate\":{\"year\":20.5}}"),
            "events[1].effective_date.year",
            "20.5",
            "json-value-form",
        ),
    ];
    for (text, at, stated, rule) in table {
        let Err(Unread::Field { field, value, breach }) = read_as("AppendRequest", &text) else {
            panic!("{text} was read")
        };
        assert_eq!((&*field, &*value), (at, stated), "{text}");
        assert_eq!(breach.rule().as_str(), rule, "{text}");
        assert!(!breach.message().is_empty());
    }
    let unknown = read_as("GetEventRequest", "{\"pos\":1}").unwrap_err();
    let says = "pos: is not a field of GetEventRequest, which has position, raw";
    assert_eq!(unknown.to_string(), says);
    // A time says what it looks like.
    let text = "{\"principal\":{\"tokenExpireTime\":\"tomorrow\"}}";
    let odd = read_as("PutPrincipalRequest", text).unwrap_err().to_string();
    assert!(odd.ends_with("is not a time like \"2019-06-05T08:00:00Z\""), "{odd}");
}

#[test]
fn values_are_read_in_each_of_their_forms() {
    let table = [
        ("GetEventRequest", "{\"position\":\"7\"}", "{\"position\":7}"),
        ("GetEventRequest", "{\"position\":7.0}", "{\"position\":7}"),
        ("GetEventRequest", "{\"position\":7e0}", "{\"position\":7}"),
        ("GetEventRequest", "{\"position\":null}", "{}"),
        ("GetEventRequest", "{\"raw\":false}", "{}"),
        ("AppendRequest", "{\"events\":[]}", "{}"),
        ("AppendRequest", "{\"request_id\":\"a\"}", "{\"requestId\":\"a\"}"),
        (
            "AppendRequest",
            "{\"events\":[{\"designated\":null,\"revoked\":{}}]}",
            "{\"events\":[{\"revoked\":{}}]}",
        ),
        (
            "PutPrincipalRequest",
            "{\"principal\":{\"keySha256\":\"-_8=\"}}",
            "{\"principal\":{\"keySha256\":\"+/8\"}}",
        ),
    ];
    for (name, one, other) in table {
        assert_eq!(read_as(name, one), read_as(name, other), "{one}");
        assert!(read_as(name, one).is_ok(), "{one}");
    }
    // A position of zero is stated, unlike a flag that is false.
    assert_eq!(read_as("GetEventRequest", "{\"position\":0}").unwrap(), [8, 0]);
}

#[test]
fn what_is_not_json_says_where_it_ends() {
    for text in
        ["", "{", "{}x", "[]", "7", "{\"events\":[", "{'events':[]}", "{\"requestId\":\"\u{1}\"}"]
    {
        let Err(Unread::Malformed { detail, .. }) = read_as("AppendRequest", text) else {
            panic!("{text:?} was read")
        };
        assert!(detail.starts_with("not JSON"), "{text:?}: {detail}");
    }
    let Err(Unread::Malformed { detail, field }) = read_as("AppendRequest", "{\"events\":[{\"a")
    else {
        panic!("half a text was read")
    };
    assert_eq!(field, "events[0]");
    assert!(detail.contains("line 1 column 14"), "{detail}");
}

#[test]
fn messages_inside_each_other_are_bounded() {
    let nested = |depth: usize| {
        let (open, close) = ("{\"corrected\":{\"replacement\":", "}}");
        let events = format!("{}{{}}{}", open.repeat(depth), close.repeat(depth));
        read_as("AppendRequest", &format!("{{\"events\":[{events}]}}"))
    };
    // The request, an event, and two for each correction: 16 at most.
    assert!(nested(7).is_ok());
    let Err(Unread::Malformed { detail, .. }) = nested(8) else { panic!("it was read") };
    assert_eq!(detail, "messages are nested too deep");
    for bomb in ["[", "{\"events\":[", "{\"a\":"] {
        assert!(read_as("AppendRequest", &bomb.repeat(1_000_000)).is_err(), "{bomb}");
    }
}

#[test]
fn a_message_takes_no_more_than_it_may_and_asks_for_what_it_takes() {
    let message = descriptor("AppendRequest");
    let text = format!("{{\"requestId\":\"{}\"}}", "a".repeat(1_000));
    let whole = read(text.as_bytes(), &message, usize::MAX, &mut |_| true).unwrap();
    let at = |most| read(text.as_bytes(), &message, most, &mut |_| true);
    assert_eq!(at(whole.len()), Ok(whole.clone()));
    assert_eq!(at(whole.len() - 1), Err(Unread::TooLarge { limit: whole.len() - 1 }));
    let mut asked = 0;
    let mut pay = |bytes| {
        asked += bytes;
        true
    };
    let read_again = read(text.as_bytes(), &message, usize::MAX, &mut pay).unwrap();
    assert_eq!(asked, read_again.capacity());
    // Empty events cost their text three bytes each, and the message two.
    let many = format!("{{\"events\":[{}{{}}]}}", "{},".repeat(100_000));
    let mut left = 64 * 1024;
    let mut budget = |bytes: usize| {
        left = usize::saturating_sub(left, bytes);
        left > 0
    };
    assert_eq!(read(many.as_bytes(), &message, usize::MAX, &mut budget), Err(Unread::NoRoom));
}
