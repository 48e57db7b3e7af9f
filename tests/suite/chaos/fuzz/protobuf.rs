//! Changes to an encoded message that leave it one: fields go, come, change places, numbers and
//! values, at any depth.

use fastrand::Rng;
use prost::encoding::{decode_varint, encode_varint};

use super::mutate::{extreme, mutate};

/// Characters that texts are brought into normal form for, or must be refused for.
const CHARACTERS: [&str; 12] =
    ["\0", " ", "\n", "Ａ", "（", "é", "e\u{301}", "\u{200B}", "\u{202E}", "𠮷", "ß", "0"];

#[derive(Clone)]
enum Value {
    Varint(u64),
    Fixed(Vec<u8>),
    Bytes(Vec<u8>),
    Message(Vec<Field>),
}

#[derive(Clone)]
struct Field {
    number: u64,
    value: Value,
}

/// One to three changes to a message, with parts from another one. Bytes that are no message are
/// changed as such.
pub fn mutate_message(random: &mut Rng, input: &[u8], donor: &[u8]) -> Vec<u8> {
    let (Some(mut fields), Some(donor)) = (parse(input), parse(donor)) else {
        return mutate(random, input, donor);
    };
    for _ in 0..random.usize(1..=3) {
        change(random, &mut fields, &donor);
    }
    encode(&fields)
}

fn parse(mut bytes: &[u8]) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = decode_varint(&mut bytes).ok()?;
        let mut take = |length: usize| {
            let (taken, rest) = bytes.split_at_checked(length)?;
            bytes = rest;
            Some(taken.to_vec())
        };
        let value = match key & 7 {
            0 => Value::Varint(decode_varint(&mut bytes).ok()?),
            1 => Value::Fixed(take(8)?),
            5 => Value::Fixed(take(4)?),
            2 => {
                let length = decode_varint(&mut bytes).ok()?;
                let (taken, rest) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
                bytes = rest;
                content(taken)
            }
            _ => return None,
        };
        (key >> 3 > 0).then(|| fields.push(Field { number: key >> 3, value }))?;
    }
    Some(fields)
}

/// A text, or a message inside, as far as that can be told.
fn content(bytes: &[u8]) -> Value {
    let is_text = |text: &str| !text.chars().any(char::is_control);
    if std::str::from_utf8(bytes).is_ok_and(is_text) {
        return Value::Bytes(bytes.to_vec());
    }
    parse(bytes).map_or_else(|| Value::Bytes(bytes.to_vec()), Value::Message)
}

fn encode(fields: &[Field]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for Field { number, value } in fields {
        let wire = match value {
            Value::Varint(_) => 0,
            Value::Fixed(bytes) if bytes.len() == 8 => 1,
            Value::Fixed(_) => 5,
            Value::Bytes(_) | Value::Message(_) => 2,
        };
        encode_varint(number << 3 | wire, &mut bytes);
        let mut put = |content: &[u8]| {
            encode_varint(content.len() as u64, &mut bytes);
            bytes.extend_from_slice(content);
        };
        match value {
            Value::Bytes(content) => put(content),
            Value::Message(fields) => put(&encode(fields)),
            Value::Varint(number) => encode_varint(*number, &mut bytes),
            Value::Fixed(content) => bytes.extend_from_slice(content),
        }
    }
    bytes
}

/// A message of a tree: this one, or one inside it.
fn inside<'a>(random: &mut Rng, fields: &'a [Field]) -> &'a [Field] {
    let messages = fields.iter().filter_map(|field| match &field.value {
        Value::Message(fields) => Some(fields),
        _ => None,
    });
    match random.choice(messages.collect::<Vec<_>>()) {
        Some(message) if random.u8(0..4) > 0 => inside(random, message),
        _ => fields,
    }
}

fn change(random: &mut Rng, fields: &mut Vec<Field>, donor: &[Field]) {
    let messages = (0..fields.len()).filter(|at| matches!(fields[*at].value, Value::Message(_)));
    let messages: Vec<_> = messages.collect();
    if let Some(at) = random.choice(messages)
        && random.u8(0..4) > 0
        && let Value::Message(inner) = &mut fields[at].value
    {
        return change(random, inner, donor);
    }
    let giver = inside(random, donor);
    let given = random.choice(giver).cloned();
    if fields.is_empty() {
        fields.extend(given);
        return;
    }
    let (at, other) = (random.usize(0..fields.len()), random.usize(0..fields.len()));
    match random.u8(0..10) {
        0 => drop(fields.remove(at)),
        1 => fields.push(fields[at].clone()),
        2 => fields.swap(at, other),
        3 => fields[at].number = random.u64(1..120),
        4 => fields.extend(given),
        5 => {
            // The value of another field, under the number of this one.
            if let Some(given) = given {
                fields[at].value = given.value;
            }
        }
        _ => value(random, &mut fields[at].value),
    }
}

fn value(random: &mut Rng, value: &mut Value) {
    match value {
        Value::Varint(number) => {
            *number = match random.u8(0..3) {
                0 => extreme(random),
                1 => random.u64(0..130),
                _ => number.wrapping_add(random.u64(0..3)).wrapping_sub(1),
            };
        }
        Value::Bytes(bytes) if random.bool() => {
            let mut text = String::from_utf8_lossy(bytes).into_owned();
            let places = text.char_indices().map(|(place, _)| place).chain([text.len()]);
            let place = random.choice(places.collect::<Vec<_>>()).unwrap();
            let character = CHARACTERS[random.usize(0..CHARACTERS.len())];
            text.insert_str(place, &character.repeat([1, 1, 2, 700][random.usize(0..4)]));
            *bytes = text.into_bytes();
        }
        Value::Bytes(bytes) | Value::Fixed(bytes) => {
            let length = bytes.len();
            let is_fixed = length == 8 || length == 4;
            let mut changed = mutate(random, bytes, b"");
            if is_fixed {
                changed.resize(length, 0);
            }
            *bytes = changed;
        }
        Value::Message(fields) => fields.clear(),
    }
}
