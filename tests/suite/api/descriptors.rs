//! The API as its descriptors state it: what a client's tools read before any call.

use prost_reflect::{
    DescriptorPool, DynamicMessage, prost_types::method_options::IdempotencyLevel,
};
use tidu::protocol::pb;

/// Verbs of the RPCs that record or change nothing.
const READS: [&str; 11] = [
    "Get",
    "WhoAmI",
    "List",
    "Count",
    "Compare",
    "Diff",
    "Explain",
    "Export",
    "Find",
    "Subscribe",
    "Verify",
];

/// Verbs of the RPCs that may be repeated as they are.
const REPEATABLE: [&str; 6] = ["Adopt", "Advance", "DeletePrincipal", "Hand", "Put", "Withhold"];

/// Verbs of the others. An Append may be repeated only with a request id, which its options cannot
/// say.
const ONCE: [&str; 3] = ["Append", "Create", "DeleteCursor"];

fn pool() -> DescriptorPool {
    DescriptorPool::decode(pb::DESCRIPTORS).unwrap()
}

/// A proxy or a client may repeat a call by its mark, and Connect may send a read as a GET.
#[test]
fn every_rpc_says_whether_it_may_be_repeated() {
    let mut seen = 0;
    for method in pool().services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
        let name = method.name();
        let is_one_of = |verbs: &[&str]| verbs.iter().any(|verb| name.starts_with(verb));
        let expected = match (is_one_of(&READS), is_one_of(&REPEATABLE), is_one_of(&ONCE)) {
            (true, false, false) => IdempotencyLevel::NoSideEffects,
            (false, true, false) => IdempotencyLevel::Idempotent,
            (false, false, true) => IdempotencyLevel::IdempotencyUnknown,
            _ => panic!("{name} begins with a verb of no list"),
        };
        let options = method.method_descriptor_proto().options.clone().unwrap_or_default();
        assert_eq!(options.idempotency_level(), expected, "{name}");
        seen += 1;
    }
    assert!(seen >= 25, "{seen} methods");
}

/// Each language finds the messages of all files in one place of their own.
#[test]
fn every_file_names_its_packages() {
    for file in pool().files().filter(|file| file.name().starts_with("tidu/")) {
        let options = file.file_descriptor_proto().options.clone().unwrap_or_default();
        let go = options.go_package();
        assert_eq!(go, "tidu.example/go/tidu/v1;tiduv1", "{}", file.name());
        assert_eq!(options.java_package(), "tidu.v1", "{}", file.name());
    }
}

/// JSON says at most once what was known, because the two ways are a oneof.
#[test]
fn json_refuses_two_ways_to_say_what_was_known() {
    let as_of = pool().get_message_by_name("tidu.v1.AsOf").unwrap();
    let read = |text: &str| {
        let mut json = serde_json::Deserializer::from_str(text);
        DynamicMessage::deserialize(as_of.clone(), &mut json)
    };
    read(r#"{"validOn": {"year": 2024}, "knownAt": "3"}"#).unwrap();
    read(r#"{"knownAtTime": "2026-03-01T09:00:00+08:00"}"#).unwrap();
    read(r#"{"knownAt": "3", "knownAtTime": "2026-03-01T09:00:00+08:00"}"#).unwrap_err();
}
