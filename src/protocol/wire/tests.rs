#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

use fastrand::Rng;
use prost::{
    Message,
    encoding::{WireType, encode_key, encode_varint},
};

use super::*;
use crate::protocol::{append::ReceivedCommit, pb};

const NO_BOUND: Bounds = Bounds { elements: u32::MAX, list: None };
const EVENTS: Bounds =
    Bounds { elements: 100, list: Some(ListBounds { field: 4, items: 10, elements: 8 }) };

fn append() -> Shape {
    Shape::of("tidu.v1.AppendRequest")
}

fn field(number: u32, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    prost::encoding::bytes::encode(number, &content.to_vec(), &mut bytes);
    bytes
}

#[test]
fn elements_are_counted_where_they_are() {
    let event = pb::Event {
        authority: "100000".to_owned(),
        co_issuers: vec!["440000".to_owned(); 3],
        effective_date: Some(pb::Date { year: 2024, month: 1, day: 0 }),
        ..Default::default()
    };
    let versions = pb::DesigneeVersions {
        versions: vec![pb::DesigneeVersion { designee: "a".to_owned(), version: Some(1) }; 2],
    };
    let request = pb::AppendRequest {
        request_id: "one".to_owned(),
        precondition: Some(pb::append_request::Precondition::DesigneeVersions(versions)),
        events: vec![event, pb::Event::default()],
        validate_only: true,
        ..Default::default()
    };
    let counts = count(append(), EVENTS, &request.encode_to_vec()).unwrap();
    // request_id, the precondition with its two entries of two fields each, and validate_only.
    assert_eq!((counts.elements, counts.items), (9, 2));
    // The authority, three co-issuers, the date with two fields; nothing.
    assert_eq!(counts.of_items, 7);
}

#[test]
fn packed_values_are_counted_one_by_one() {
    let filter = pb::EventFilter { kinds: vec![1, 300, 70_000], ..Default::default() };
    let request = pb::ListEventsRequest { filter: Some(filter), ..Default::default() };
    let shape = Shape::of("tidu.v1.ListEventsRequest");
    let counts = count(shape, NO_BOUND, &request.encode_to_vec()).unwrap();
    assert_eq!(counts.elements, 5);
}

#[test]
fn the_element_that_is_too_many_is_refused_at_once() {
    let events = |count: usize, event: &[u8]| field(4, event).repeat(count);
    assert_eq!(count(append(), EVENTS, &events(10, b"")).unwrap().items, 10);
    assert_eq!(count(append(), EVENTS, &events(11, b"")), Err(WireError::Items(10)));
    // Eight empty co-issuers, and one more.
    let inside = |count: usize| events(3, &field(2, b"").repeat(count));
    assert_eq!(count(append(), EVENTS, &inside(8)).unwrap().of_items, 24);
    let refused = WireError::ItemElements { item: 0, limit: 8 };
    assert_eq!(count(append(), EVENTS, &inside(9)), Err(refused));
    // The precondition is one, and each empty entry another.
    let versions = |count: usize| field(3, &field(1, b"").repeat(count));
    assert_eq!(count(append(), EVENTS, &versions(99)).unwrap().elements, 100);
    assert_eq!(count(append(), EVENTS, &versions(100)), Err(WireError::Elements(100)));
    // It is refused before the rest is there.
    let mut walk = Walk::new(append(), EVENTS);
    let long = field(4, &[0; 1_000]);
    assert_eq!(walk.push(&[&events(10, b""), &long[..3]].concat()), Err(WireError::Items(10)));
}

#[test]
fn messages_nest_to_the_bound() {
    // A correction is field 90 of an event, its replacement is field 2.
    let nested = |levels: usize| {
        let deepest = field(5, b"");
        let event = (0..levels).fold(deepest, |inside, _| field(90, &field(2, &inside)));
        field(4, &event)
    };
    // The event, the evidence, and two levels for each correction.
    let most = (MESSAGE_DEPTH_MAX - 1 - 2) / 2;
    count(append(), NO_BOUND, &nested(most)).unwrap();
    let refused = count(append(), NO_BOUND, &nested(most + 1)).unwrap_err();
    assert_eq!(refused.to_string(), "messages are nested too deep");
    // Groups count as messages.
    let groups = |count: usize| [[0xFB, 1].repeat(count), [0xFC, 1].repeat(count)].concat();
    count(append(), NO_BOUND, &groups(MESSAGE_DEPTH_MAX - 1)).unwrap();
    count(append(), NO_BOUND, &groups(MESSAGE_DEPTH_MAX)).unwrap_err();
}

#[test]
fn what_is_not_a_message_is_refused() {
    let table: [(&[u8], &str); 12] = [
        (&[0x22], "the message is cut short"),
        (&[0x22, 2, 0x0A], "the message is cut short"),
        (&[0x08], "the message is cut short"),
        (&[0x08, 0x80], "the message is cut short"),
        (&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2], "more than 64 bits"),
        (&[0x80, 0x80, 0x80, 0x80, 0x10], "a key is too large"),
        (&[0x00, 0], "the number 0"),
        (&[0x0E], "an unknown type"),
        (&[0x0B], "the message is cut short"),
        (&[0x0C], "a group ends that has not begun"),
        // A field that is longer than the event around it, and one that ends inside a number.
        (&[0x22, 2, 0x0A, 5, 0, 0, 0, 0, 0], "longer than its message"),
        (&[0x22, 2, 0x08, 0x80, 0], "longer than its message"),
    ];
    for (bytes, detail) in table {
        let refused = count(append(), NO_BOUND, bytes).unwrap_err();
        assert!(refused.to_string().contains(detail), "{bytes:?}: {refused}");
        ReceivedCommit::decode(bytes)
            .map(|_| ())
            .or(pb::AppendRequest::decode(bytes).map(|_| ()))
            .unwrap_err();
    }
    let in_second = [0x22, 0, 0x22, 2, 0xFF, 0xFF];
    let refused = count(append(), EVENTS, &in_second).unwrap_err();
    assert!(matches!(refused, WireError::Malformed { item: Some(1), .. }), "{refused:?}");
}

#[test]
fn every_request_of_the_api_has_its_shape() {
    let files = prost_types::FileDescriptorSet::decode(pb::DESCRIPTORS).unwrap();
    let services = files.file.iter().flat_map(|file| &file.service);
    let methods: Vec<_> = services.flat_map(|service| &service.method).collect();
    assert!(methods.len() > 20, "the methods were not read");
    for method in methods {
        let shape = Shape::of(method.input_type().trim_start_matches('.'));
        assert_ne!(shape, Shape::OPAQUE, "{}", method.name());
    }
    assert_eq!(Shape::of("tidu.v1.Nothing"), Shape::OPAQUE);
}

/// Elements that prost has made: what a message of these kinds holds in memory.
trait Made: Message + Default {
    const NAME: &'static str;
    fn made(&self) -> u64;
}

impl Made for pb::ListEventsRequest {
    const NAME: &'static str = "tidu.v1.ListEventsRequest";
    fn made(&self) -> u64 {
        let Some(filter) = &self.filter else { return 0 };
        let texts = [&filter.programmes, &filter.authorities, &filter.designees, &filter.batches];
        let texts: usize = texts.iter().map(|texts| texts.len()).sum();
        (texts + filter.kinds.len()) as u64 + 1
    }
}

impl Made for pb::CountTitlesRequest {
    const NAME: &'static str = "tidu.v1.CountTitlesRequest";
    fn made(&self) -> u64 {
        let filter = self.filter.as_ref();
        let statuses = filter.map_or(0, |f| f.statuses.len() + f.flags.len() + f.batches.len());
        (statuses + self.group_by.len()) as u64
    }
}

impl Made for pb::AppendRequest {
    const NAME: &'static str = "tidu.v1.AppendRequest";
    fn made(&self) -> u64 {
        use pb::{append_request::Precondition, event::Fact};
        fn made_of(event: &pb::Event) -> u64 {
            let inside = match &event.fact {
                Some(Fact::EnvironmentAssessed(fact)) => fact.indicators.len() as u64,
                Some(Fact::Restructured(fact)) => fact.successors.len() as u64,
                Some(Fact::Corrected(fact)) => {
                    fact.replacement.iter().map(|inside| made_of(inside)).sum()
                }
                _ => 0,
            };
            1 + event.co_issuers.len() as u64 + inside
        }
        let versions = match &self.precondition {
            Some(Precondition::DesigneeVersions(versions)) => versions.versions.len() as u64,
            _ => 0,
        };
        versions + self.events.iter().map(made_of).sum::<u64>()
    }
}

/// Bytes that look like a message: fields of few numbers, messages inside messages, some damage.
fn made_up(random: &mut Rng, depth: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..random.usize(..6) {
        let number = *random.choice(&[1, 2, 3, 4, 5, 6, 7, 10, 72, 90, 110, 200]).unwrap();
        match random.u8(..20) {
            0..2 => {
                encode_key(number, WireType::Varint, &mut bytes);
                encode_varint(random.u64(..) >> random.u32(..64), &mut bytes);
            }
            2 => {
                encode_key(number, WireType::StartGroup, &mut bytes);
                bytes.extend(made_up(random, depth.saturating_sub(1)));
                encode_key(number, WireType::EndGroup, &mut bytes);
            }
            3 => {
                encode_key(number, WireType::SixtyFourBit, &mut bytes);
                bytes.extend(random.u64(..).to_le_bytes());
            }
            4 => bytes.push(random.u8(..)),
            5..9 => {
                let packed: Vec<_> = (0..random.usize(..9)).map(|_| random.u8(..140)).collect();
                bytes.extend(field(number, &packed));
            }
            _ if depth > 0 => bytes.extend(field(number, &made_up(random, depth - 1))),
            _ => bytes.extend(field(number, b"")),
        }
    }
    bytes
}

/// Walks in parts, and at once: both say the same.
fn walked(random: &mut Rng, shape: Shape, bytes: &[u8]) -> Result<Counts, WireError> {
    let at_once = count(shape, NO_BOUND, bytes);
    let mut walk = Walk::new(shape, NO_BOUND);
    let mut rest = bytes;
    let mut in_parts = Ok(());
    while !rest.is_empty() && in_parts.is_ok() {
        let (part, more) = rest.split_at(random.usize(1..=rest.len().min(5)));
        in_parts = walk.push(part);
        rest = more;
    }
    assert_eq!(in_parts.and_then(|()| walk.finish()), at_once, "{bytes:?}");
    at_once
}

/// Compares a walk with what prost makes of the same bytes.
fn compare<M: Made>(random: &mut Rng, bytes: &[u8]) -> bool {
    let counted = walked(random, Shape::of(M::NAME), bytes);
    let Ok(made) = M::decode(bytes) else { return false };
    // Whatever prost reads, the walk reads as well, except for what is nested too deep.
    let counts = counted.unwrap_or_else(|refused| panic!("{refused} {bytes:?}"));
    let made = made.made();
    assert!(made <= u64::from(counts.elements), "{made} of {counts:?}: {bytes:?}");
    made > 0
}

#[test]
fn prost_makes_no_more_than_a_walk_counts() {
    let seed = std::env::var("TIDU_WIRE_SEED").ok().map(|text| text.parse().unwrap());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("repeat with TIDU_WIRE_SEED={seed}");
    let mut random = Rng::with_seed(seed);
    let mut compared = 0;
    for _ in 0..30_000 {
        let bytes = made_up(&mut random, 5);
        compared += usize::from(compare::<pb::ListEventsRequest>(&mut random, &bytes));
        compared += usize::from(compare::<pb::CountTitlesRequest>(&mut random, &bytes));
        compared += usize::from(compare::<pb::AppendRequest>(&mut random, &bytes));
    }
    assert!(compared > 500, "only {compared} messages had elements");
}
