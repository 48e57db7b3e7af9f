//! A line of the trail: JSON with its fields in a fixed order, and a hash that chains it to the one
//! before it.
//!
//! ```text
//! {"line":17,"time":"…","principal":"…",…,"previous":"<hash of line 16>","hash":"<its own>"}
//! ```
//!
//! The hash is SHA-256 over the word of this format, the previous hash, and the bytes of the line
//! without its field `hash`. The first line of all has a previous hash of zeros.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Anchor;
use crate::{
    domain::escape::{escaped, escaped_json},
    domain::text::hex,
    limits::{TRAIL_NAME_BYTES_MAX, TRAIL_POSITIONS_MAX, TRAIL_TEXT_BYTES_MAX},
    merkle::Hash,
};

/// Keeps the hashes of the trail apart from all others, and names the form of its lines.
const WORD: &[u8] = b"tidu-audit-line-v1\0";
/// Between a line without its hash and the digits of the hash.
const HASH_KEY: &str = ",\"hash\":\"";
const HASH_END: &str = "\"}";
/// Digits of a hash.
const DIGITS: usize = 64;

/// How it ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The caller may not.
    Denied,
    /// It was done.
    #[default]
    Allowed,
    /// It was not done, for another reason.
    Failed,
}

impl Outcome {
    /// Its word in a line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Allowed => "allowed",
            Self::Failed => "failed",
        }
    }
}

/// The content of a line. Texts may be of any length and have any characters: a line holds them
/// escaped and shortened. None of them may be a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Who called; empty if it is not known.
    pub principal: String,
    /// The kind of its credential, and a mark that tells it from others.
    pub credential: String,
    /// The address that the call came from.
    pub peer: String,
    /// The gateway or node that handed the call on.
    pub handed_on_by: String,
    /// The method, or the act of the server itself.
    pub method: String,
    /// The object of the call.
    pub target: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, as a word.
    pub reason: String,
    /// Why, in a sentence.
    pub detail: String,
    /// Positions on the log.
    pub positions: Vec<u64>,
    /// The number of calls that the line tells of.
    pub count: u64,
}

/// A line as it was read, with its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number, from 1.
    pub number: u64,
    /// When, in UTC.
    pub time: String,
    /// The content.
    pub entry: Entry,
    /// The hash of the line before it.
    pub previous: Hash,
    /// Its own.
    pub hash: Hash,
    /// The line itself, without its line break.
    pub text: String,
}

impl Line {
    /// Refuses it as the line after one with this number and hash. Gives the cause.
    pub(super) fn require_after(&self, last: u64, head: &Hash) -> Result<(), String> {
        let (number, due) = (self.number, last.saturating_add(1));
        if number > due {
            return Err(format!(
                "it is line {number}, and line {due} was expected: lines are gone"
            ));
        }
        if number < due {
            return Err(format!(
                "it is line {number}, and line {due} was expected: lines were added or exchanged"
            ));
        }
        if self.previous != *head {
            return Err(format!("it does not continue line {last}: a line was exchanged"));
        }
        Ok(())
    }

    /// Refuses it if it is the one that an anchor covers last, with another hash.
    pub(super) fn require_anchored(&self, anchor: Option<&Anchor>) -> Result<(), String> {
        match anchor.filter(|anchor| anchor.lines == self.number && anchor.head != self.hash) {
            None => Ok(()),
            Some(Anchor { position, lines, .. }) => Err(format!(
                "line {lines} has another hash than the log anchors at position {position}: the \
                 trail was written anew"
            )),
        }
    }
}

/// The fields in their order, without the last one.
#[derive(Serialize, Deserialize)]
struct Fields<'a> {
    line: u64,
    #[serde(borrow)]
    time: Cow<'a, str>,
    #[serde(borrow)]
    principal: Cow<'a, str>,
    #[serde(borrow)]
    credential: Cow<'a, str>,
    #[serde(borrow)]
    peer: Cow<'a, str>,
    #[serde(borrow)]
    handed_on_by: Cow<'a, str>,
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    target: Cow<'a, str>,
    outcome: Outcome,
    #[serde(borrow)]
    reason: Cow<'a, str>,
    #[serde(borrow)]
    detail: Cow<'a, str>,
    positions: Cow<'a, [u64]>,
    count: u64,
    #[serde(borrow)]
    previous: Cow<'a, str>,
}

/// A line with its line break, and its hash.
pub(super) fn sealed(
    entry: &Entry,
    number: u64,
    time_micros: i64,
    previous: &Hash,
) -> (String, Hash) {
    let name = |text| bounded(text, TRAIL_NAME_BYTES_MAX);
    let text = |text| bounded(text, TRAIL_TEXT_BYTES_MAX);
    let positions = entry.positions.get(..TRAIL_POSITIONS_MAX).unwrap_or(&entry.positions);
    let fields = Fields {
        line: number,
        time: time_of(time_micros).into(),
        principal: name(&entry.principal),
        credential: name(&entry.credential),
        peer: name(&entry.peer),
        handed_on_by: name(&entry.handed_on_by),
        method: name(&entry.method),
        target: text(&entry.target),
        outcome: entry.outcome,
        reason: name(&entry.reason),
        detail: text(&entry.detail),
        positions: positions.into(),
        count: entry.count.max(1),
        previous: hex(previous).into(),
    };
    // Texts and numbers always have a JSON form.
    let json = serde_json::to_string(&fields).unwrap_or_default();
    let json = escaped_json(&json);
    let hash = hash_of(previous, json.as_bytes());
    let open = json.strip_suffix('}').unwrap_or(&json);
    (format!("{open}{HASH_KEY}{}{HASH_END}\n", hex(&hash)), hash)
}

/// Reads a line without its line break, and checks its hash. Gives the cause if it is not one.
pub(super) fn read(line: &str) -> Result<Line, String> {
    let parts = line.strip_suffix(HASH_END).and_then(|rest| {
        let (open, digits) = rest.split_at_checked(rest.len().checked_sub(DIGITS)?)?;
        Some((open.strip_suffix(HASH_KEY)?, digits))
    });
    let (open, digits) = parts.ok_or("it does not end with its hash")?;
    let stated = hash_from(digits).ok_or("its hash is not 64 hexadecimal digits")?;
    let json = format!("{open}}}");
    let fields: Fields<'_> =
        serde_json::from_str(&json).map_err(|error| format!("it is not a line: {error}"))?;
    let previous =
        hash_from(&fields.previous).ok_or("its previous hash is not 64 hexadecimal digits")?;
    if hash_of(&previous, json.as_bytes()) != stated {
        return Err("its content does not have its hash: it was changed".to_owned());
    }
    let entry = Entry {
        principal: fields.principal.into(),
        credential: fields.credential.into(),
        peer: fields.peer.into(),
        handed_on_by: fields.handed_on_by.into(),
        method: fields.method.into(),
        target: fields.target.into(),
        outcome: fields.outcome,
        reason: fields.reason.into(),
        detail: fields.detail.into(),
        positions: fields.positions.into(),
        count: fields.count,
    };
    let (number, time) = (fields.line, fields.time.into());
    Ok(Line { number, time, entry, previous, hash: stated, text: line.to_owned() })
}

fn hash_of(previous: &Hash, without_hash: &[u8]) -> Hash {
    let hash = Sha256::new().chain_update(WORD).chain_update(previous);
    hash.chain_update(without_hash).finalize().into()
}

fn hash_from(digits: &str) -> Option<Hash> {
    let mut hash = Hash::default();
    if digits.len() != DIGITS || digits.bytes().any(|digit| !is_digit(digit)) {
        return None;
    }
    for (index, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(hash)
}

/// As the lines are written: in lower case.
fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)
}

fn time_of(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros).map(|time| time.to_string()).unwrap_or_default()
}

/// A text that shows each of its characters, shortened.
fn bounded(text: &str, most: usize) -> Cow<'_, str> {
    // What is cut anyway is not escaped first.
    let head = text.get(..text.floor_char_boundary(most + 4)).unwrap_or(text);
    let mut shown = escaped(head);
    if shown.len() > most {
        let shortened = shown.to_mut();
        shortened.truncate(shortened.floor_char_boundary(most - '…'.len_utf8()));
        shortened.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::limits::TRAIL_LINE_BYTES_MAX;

    fn entry(text: &str) -> Entry {
        let text = || text.to_owned();
        Entry {
            principal: text(),
            credential: text(),
            peer: text(),
            handed_on_by: text(),
            method: text(),
            target: text(),
            outcome: Outcome::Denied,
            reason: text(),
            detail: text(),
            positions: vec![u64::MAX; 2 * TRAIL_POSITIONS_MAX],
            count: u64::MAX,
        }
    }

    #[test]
    fn a_line_is_read_as_it_was_written() {
        let entry = Entry {
            principal: "guangdong.reader".to_owned(),
            target: "field \"a\\b\"".to_owned(),
            positions: vec![3, 7],
            count: 1,
            ..Entry::default()
        };
        let (line, hash) = sealed(&entry, 17, 1_700_000_000_123_456, &[7; 32]);
        assert!(
            line.starts_with(r#"{"line":17,"time":"2023-11-14T22:13:20.123456Z","principal":"#)
        );
        let read = read(line.trim_end()).unwrap();
        assert_eq!((read.number, &read.entry, read.hash), (17, &entry, hash));
        assert_eq!(read.previous, [7; 32]);
    }

    #[test]
    fn the_form_of_a_line_never_changes() {
        let (line, _) = sealed(&Entry::default(), 1, 0, &[0; 32]);
        let zeros = "0".repeat(64);
        let expected = format!(
            "{{\"line\":1,\"time\":\"1970-01-01T00:00:00Z\",\"principal\":\"\",\"credential\":\"\",\
             \"peer\":\"\",\"handed_on_by\":\"\",\"method\":\"\",\"target\":\"\",\
             \"outcome\":\"allowed\",\"reason\":\"\",\"detail\":\"\",\"positions\":[],\"count\":1,\
             \"previous\":\"{zeros}\",\"hash\":\""
        );
        assert!(line.starts_with(&expected), "{line}");
        let digest = "efb57401";
        assert_eq!(line.get(expected.len()..expected.len() + 8), Some(digest));
    }

    #[test]
    fn the_longest_line_keeps_its_bound_and_is_one_line() {
        for text in ["\"", "\\", "\n", "\u{1b}", "\u{202e}", "\u{e0041}", "名", "𠮷"] {
            let (line, _) = sealed(&entry(&text.repeat(5_000)), u64::MAX, i64::MAX, &[255; 32]);
            assert!(line.len() <= TRAIL_LINE_BYTES_MAX, "{text:?}: {} bytes", line.len());
            assert_eq!(line.matches('\n').count(), 1);
            let read = read(line.trim_end()).unwrap();
            assert_eq!(read.entry.positions.len(), TRAIL_POSITIONS_MAX);
            assert!(!read.entry.target.chars().any(char::is_control), "{text:?}");
        }
    }

    #[test]
    fn each_changed_byte_is_found() {
        let (line, _) = sealed(&Entry { count: 1, ..Entry::default() }, 2, 0, &[1; 32]);
        let line = line.trim_end();
        for at in 0..line.len() {
            let mut bytes = line.as_bytes().to_vec();
            bytes[at] ^= 1;
            let changed = String::from_utf8(bytes).unwrap();
            assert!(read(&changed).is_err(), "{changed}");
        }
        assert!((0..line.len()).all(|end| read(&line[..end]).is_err()), "a cut is found");
    }
}
