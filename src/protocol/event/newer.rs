//! Facts of newer versions. The generated code drops fields that it does not know, so that an event
//! with such a fact looks like one without any. Its bytes tell the two apart.

use std::iter;

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use crate::{domain::kind::Kind, protocol::pb};

/// Facts have the field numbers of `tidu.v1.Event` from here on, the other fields those below.
const FACTS_FROM: u32 = 20;
/// The number of `replacement` in `tidu.v1.Corrected`.
const REPLACEMENT: u32 = 2;

/// True if the event, or the one that it puts in the place of another, has no fact.
pub(super) fn lacks_fact(event: &pb::Event) -> bool {
    match &event.fact {
        Some(pb::event::Fact::Corrected(corrected)) => {
            corrected.replacement.as_ref().is_some_and(|replacement| replacement.fact.is_none())
        }
        fact => fact.is_none(),
    }
}

/// The number of a fact that this version does not know, in an encoded event or in its replacement.
pub(super) fn unknown_fact(event: &[u8]) -> Option<u32> {
    let values_of = |message, wanted| {
        fields(message).filter(move |(number, _)| *number == wanted).map(|(_, value)| value)
    };
    let corrected = values_of(event, Kind::Corrected.number().into());
    let replacements = corrected.flat_map(|corrected| values_of(corrected, REPLACEMENT));
    iter::once(event).chain(replacements).find_map(unknown_fact_of)
}

fn unknown_fact_of(event: &[u8]) -> Option<u32> {
    let is_known = |number: u32| i32::try_from(number).ok().and_then(Kind::from_number).is_some();
    let mut numbers = fields(event).map(|(number, _)| number);
    numbers.find(|number| *number >= FACTS_FROM && !is_known(*number))
}

/// The fields of a message, up to the first that cannot be read: its number, and its value if it is
/// delimited by its length.
fn fields(mut message: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    iter::from_fn(move || {
        let (number, wire) = decode_key(&mut message).ok()?;
        if wire != WireType::LengthDelimited {
            skip_field(wire, number, &mut message, DecodeContext::default()).ok()?;
            return Some((number, &[][..]));
        }
        let length = usize::try_from(decode_varint(&mut message).ok()?).ok()?;
        let (value, rest) = message.split_at_checked(length)?;
        message = rest;
        Some((number, value))
    })
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;

    /// An event whose only field is a message with a number.
    fn event_with(number: u32, value: &[u8]) -> Vec<u8> {
        let event = pb::Event { authority: "440000".to_owned(), ..Default::default() };
        let mut bytes = event.encode_to_vec();
        prost::encoding::encode_key(number, WireType::LengthDelimited, &mut bytes);
        prost::encoding::encode_varint(value.len() as u64, &mut bytes);
        bytes.extend(value);
        bytes
    }

    #[test]
    fn a_fact_of_a_newer_version_is_found_in_an_event_and_in_a_replacement() {
        for number in [32, 64, 112, 300, 100_000] {
            let newer = event_with(number, b"");
            assert!(lacks_fact(&pb::Event::decode(newer.as_slice()).unwrap()), "{number}");
            assert_eq!(unknown_fact(&newer), Some(number));
            let mut corrected = Vec::new();
            prost::encoding::encode_key(REPLACEMENT, WireType::LengthDelimited, &mut corrected);
            prost::encoding::encode_varint(newer.len() as u64, &mut corrected);
            corrected.extend(&newer);
            let corrected = event_with(Kind::Corrected.number().into(), &corrected);
            assert!(lacks_fact(&pb::Event::decode(corrected.as_slice()).unwrap()), "{number}");
            assert_eq!(unknown_fact(&corrected), Some(number));
        }
    }

    #[test]
    fn known_facts_missing_facts_and_broken_bytes_are_not_newer_ones() {
        for kind in Kind::all() {
            let known = event_with(kind.number().into(), b"");
            assert_eq!(unknown_fact(&known), None, "{kind:?}");
        }
        let empty = pb::Event::default();
        assert!(lacks_fact(&empty));
        assert_eq!(unknown_fact(&empty.encode_to_vec()), None);
        for broken in [&b"\xff"[..], b"\x0a\x7f", b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"] {
            assert_eq!(unknown_fact(broken), None, "{broken:?}");
        }
    }
}
