//! A call in the query of a GET: `?encoding=json&message={}`.

use std::borrow::Cow;

use base64::{
    Engine as _,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;
use tonic::Status;

use crate::service::intake::unreadable;

/// The parameters of a call.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Query {
    /// The codec of the message and of the answer.
    pub(super) encoding: String,
    /// The coding of the message.
    pub(super) compression: String,
    pub(super) message: Bytes,
}

/// Reads a query.
///
/// # Errors
/// INVALID_ARGUMENT with the parameter that is missing or wrong.
pub(super) fn read(query: &str) -> Result<Query, Status> {
    let mut read = Query::default();
    let (mut message, mut is_base64) = (None, false);
    for (name, value) in pairs(query) {
        let text = || String::from_utf8_lossy(&value).into_owned();
        match &*name {
            b"encoding" => read.encoding = text(),
            b"compression" => read.compression = text(),
            b"message" => message = Some(value),
            b"base64" => match &*value {
                b"1" => is_base64 = true,
                b"0" => is_base64 = false,
                _ => {
                    return Err(unreadable(
                        "the parameter base64 of the query is 0 or 1".to_owned(),
                    ));
                }
            },
            b"connect" if &*value != b"v1" => {
                return Err(unreadable("the parameter connect of the query is not v1".to_owned()));
            }
            _ => {}
        }
    }
    let message = message.filter(|_| !read.encoding.is_empty());
    let Some(message) = message else {
        let needs = "a GET states encoding and message in its query: ?encoding=json&message={}";
        return Err(unreadable(needs.to_owned()));
    };
    read.message = match is_base64 {
        true => Bytes::from(unpacked(&message)?),
        false => Bytes::from(message.into_owned()),
    };
    Ok(read)
}

fn unpacked(text: &[u8]) -> Result<Vec<u8>, Status> {
    const CONFIG: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let read = GeneralPurpose::new(&URL_SAFE, CONFIG).decode(text);
    read.map_err(|_| {
        unreadable("the parameter message of the query is not base64 for URLs".to_owned())
    })
}

/// The names and values of a query, decoded. A message need not be a text.
fn pairs(query: &str) -> impl Iterator<Item = (Cow<'_, [u8]>, Cow<'_, [u8]>)> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts.map(|part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (decoded(name), decoded(value))
    })
}

/// The bytes of a text in the form of queries. A sign `%` that no two digits follow is one itself.
fn decoded(text: &str) -> Cow<'_, [u8]> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let (byte, taken) = match (first, after) {
            (b'%', [high, low, ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, 3),
                _ => (b'%', 1),
            },
            (b'+', _) => (b' ', 1),
            (byte, _) => (*byte, 1),
        };
        bytes.push(byte);
        rest = rest.get(taken..).unwrap_or_default();
    }
    Cow::Owned(bytes)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn message(query: &str) -> Vec<u8> {
        read(query).unwrap().message.to_vec()
    }

    #[test]
    fn a_message_is_read_in_each_of_its_forms() {
        assert_eq!(message("encoding=json&message={}"), b"{}");
        assert_eq!(message("message=%7b%7D&encoding=json&connect=v1"), b"{}");
        assert_eq!(message("encoding=json&message=%22a+b%2B%22"), b"\"a b+\"");
        assert_eq!(message("encoding=proto&message=%ff%00"), [0xff, 0]);
        assert_eq!(message("encoding=proto&message=_w&base64=1"), [0xff]);
        assert_eq!(message("encoding=proto&message=_w%3d%3D&base64=1"), [0xff]);
        assert_eq!(message("encoding=proto&message="), b"");
        assert_eq!(message("encoding=json&message=%&extra=1"), b"%");
        assert_eq!(message("encoding=json&message=%4"), b"%4");
        let read = read("encoding=proto&message=&compression=gzip").unwrap();
        assert_eq!((&*read.encoding, &*read.compression), ("proto", "gzip"));
    }

    #[test]
    fn a_query_without_a_message_says_what_it_needs() {
        for query in ["", "encoding=json", "message={}", "message={}&encoding="] {
            assert!(read(query).unwrap_err().message().contains("?encoding=json&message={}"));
        }
        for query in ["base64=2", "base64=true", "connect=v2", "encoding=proto&base64=1&message=+"]
        {
            assert!(read(query).is_err(), "{query}");
        }
    }
}
