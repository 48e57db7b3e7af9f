//! A file of the trail as a start finds it.
//!
//! A start reads the whole file. It goes on behind the last line that it can read, whatever is
//! before: a trail that somebody has changed must not keep the service down for ever. The start
//! says so in a line, in the log lines and in the status, and `tidu audit verify` finds the place.

use std::{io, path::Path};

use super::{
    Anchor, Found,
    lines::{Read, TrailLines},
};

/// The content of one file.
#[derive(Debug, Default)]
pub(super) struct Examined {
    pub(super) found: Found,
    /// Bytes of its whole lines.
    pub(super) bytes: u64,
    /// The number of its first line.
    pub(super) first: Option<u64>,
}

/// Reads a file to its end.
pub(super) fn examined(path: &Path, anchor: Option<&Anchor>) -> io::Result<Examined> {
    let (mut lines, mut examined) = (TrailLines::open(path)?, Examined::default());
    while let Some(read) = lines.read()? {
        let cause = match read {
            Read::Torn(bytes) => {
                examined.found.torn_bytes = bytes;
                break;
            }
            Read::Odd(cause) => Some(cause),
            Read::Line(line) => {
                let cause = match examined.found.last {
                    Some((last, head)) => line.require_after(last, &head).err(),
                    None => None,
                };
                let cause = cause.or_else(|| line.require_anchored(anchor).err());
                examined.first.get_or_insert(line.number);
                examined.found.last = Some((line.number, line.hash));
                cause
            }
        };
        if let Some(cause) = cause {
            let place = format!("{} line {}: {cause}", path.display(), lines.at());
            examined.found.problem.get_or_insert(place);
        }
    }
    examined.bytes = lines.bytes();
    Ok(examined)
}
