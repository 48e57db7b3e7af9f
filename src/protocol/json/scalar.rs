//! Values of JSON without parts, as protobuf writes them.

use std::borrow::Cow;

use base64::{
    Engine as _,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use prost_reflect::{EnumDescriptor, Kind};

use crate::domain::fault::{Breach, Key, RuleId, echo};

/// A value of JSON that has no parts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scalar<'t> {
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(&'t str),
}

/// The same value as it is written after the key of its field.
#[derive(Debug, PartialEq)]
pub(super) enum Plain<'t> {
    Varint(u64),
    Fixed32([u8; 4]),
    Fixed64([u8; 8]),
    Bytes(Cow<'t, [u8]>),
}

impl Plain<'_> {
    /// True for the value that a field without presence has if nothing is stated.
    pub(super) fn is_zero(&self) -> bool {
        match self {
            Self::Varint(number) => *number == 0,
            Self::Fixed32(bytes) => *bytes == [0; 4],
            Self::Fixed64(bytes) => *bytes == [0; 8],
            Self::Bytes(bytes) => bytes.is_empty(),
        }
    }
}

impl<'t> Scalar<'t> {
    /// The value as it was written, shortened.
    pub(super) fn shown(self) -> String {
        match self {
            Self::Bool(value) => value.to_string(),
            Self::Unsigned(value) => value.to_string(),
            Self::Signed(value) => value.to_string(),
            Self::Float(value) => value.to_string(),
            Self::Text(text) => echo(text),
        }
    }

    /// The value for a field of a kind, which is not a message.
    pub(super) fn plain(self, kind: &Kind) -> Result<Plain<'t>, Breach> {
        let of_kind = match kind {
            Kind::Bool => self.flag().map(|value| Plain::Varint(value.into())),
            Kind::Int32 => self.whole().map(|v: i32| Plain::Varint(i64::from(v).cast_unsigned())),
            Kind::Int64 => self.whole().map(|v: i64| Plain::Varint(v.cast_unsigned())),
            Kind::Uint32 => self.whole().map(|v: u32| Plain::Varint(v.into())),
            Kind::Uint64 => self.whole().map(Plain::Varint),
            Kind::Sint32 => {
                let zigzag = |v: i32| ((v << 1) ^ (v >> 31)).cast_unsigned();
                self.whole().map(|v| Plain::Varint(zigzag(v).into()))
            }
            Kind::Sint64 => self.whole().map(|v: i64| Plain::Varint(zigzag(v))),
            Kind::Fixed32 => self.whole().map(|v: u32| Plain::Fixed32(v.to_le_bytes())),
            Kind::Sfixed32 => self.whole().map(|v: i32| Plain::Fixed32(v.to_le_bytes())),
            Kind::Fixed64 => self.whole().map(|v: u64| Plain::Fixed64(v.to_le_bytes())),
            Kind::Sfixed64 => self.whole().map(|v: i64| Plain::Fixed64(v.to_le_bytes())),
            Kind::Float => self.float().map(|v: f32| Plain::Fixed32(v.to_le_bytes())),
            Kind::Double => self.float().map(|v: f64| Plain::Fixed64(v.to_le_bytes())),
            Kind::String => self.text().map(|text| Plain::Bytes(text.as_bytes().into())),
            Kind::Bytes => self.text().and_then(unpacked).map(|bytes| Plain::Bytes(bytes.into())),
            Kind::Enum(values) => return self.enumerated(values),
            Kind::Message(_) => None,
        };
        of_kind.ok_or_else(|| RuleId::JsonValueForm.with(Key::Expected, expected(kind)))
    }

    fn flag(self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(value),
            _ => None,
        }
    }

    fn text(self) -> Option<&'t str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A whole number: as a number, or in a text, as numbers of 64 bits are written.
    fn whole<N: TryFrom<i128>>(self) -> Option<N> {
        let number: i128 = match self {
            Self::Unsigned(value) => value.into(),
            Self::Signed(value) => value.into(),
            // 1e3 and 2.0 are whole numbers, too. Larger ones are not told apart.
            Self::Float(value) if value.fract() == 0.0 && value.abs() < 1e20 => {
                format!("{value:.0}").parse().ok()?
            }
            Self::Text(text) if !text.starts_with('+') => text.parse().ok()?,
            _ => return None,
        };
        number.try_into().ok()
    }

    /// A number with a fraction. Its text is the shortest that means it, so it is read again as it
    /// was.
    fn float<N: std::str::FromStr>(self) -> Option<N> {
        match self {
            Self::Unsigned(value) => value.to_string().parse().ok(),
            Self::Signed(value) => value.to_string().parse().ok(),
            Self::Float(value) => value.to_string().parse().ok(),
            Self::Text(text @ ("NaN" | "Infinity" | "-Infinity")) => text.parse().ok(),
            Self::Text(text) if text.ends_with(|c: char| c.is_ascii_digit()) => text.parse().ok(),
            _ => None,
        }
    }

    /// A value of an enum: its name, or its number.
    fn enumerated(self, values: &EnumDescriptor) -> Result<Plain<'t>, Breach> {
        let number = match self {
            Self::Text(name) => values.get_value_by_name(name).map(|value| value.number()),
            _ => self.whole(),
        };
        let number = number.ok_or(RuleId::EnumUnknown)?;
        Ok(Plain::Varint(i64::from(number).cast_unsigned()))
    }
}

fn zigzag(v: i64) -> u64 {
    ((v << 1) ^ (v >> 63)).cast_unsigned()
}

/// The bytes of a text in base64 of either alphabet, padded or not.
fn unpacked(text: &str) -> Option<Vec<u8>> {
    const CONFIG: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let of_urls = text.bytes().any(|byte| matches!(byte, b'-' | b'_'));
    let alphabet = if of_urls { &URL_SAFE } else { &STANDARD };
    GeneralPurpose::new(alphabet, CONFIG).decode(text).ok()
}

/// What a value of a kind looks like, for people.
pub(super) fn expected(kind: &Kind) -> &'static str {
    match kind {
        Kind::Bool => "true or false",
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => "a whole number of 32 bits",
        Kind::Uint32 | Kind::Fixed32 => "a whole number of 32 bits, 0 or more",
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => "a whole number of 64 bits",
        Kind::Uint64 | Kind::Fixed64 => "a whole number of 64 bits, 0 or more",
        Kind::Float | Kind::Double => "a number",
        Kind::String => "a text in quotation marks",
        Kind::Bytes => "a text in base64",
        Kind::Enum(_) => "the name of a value",
        Kind::Message(message) => match message.full_name() {
            "google.protobuf.Timestamp" => "a time like \"2019-06-05T08:00:00Z\"",
            "google.protobuf.Duration" => "a duration like \"3.5s\"",
            _ => "an object in braces",
        },
    }
}
