//! Lines of exports and copies, each of at most a number of bytes.

use std::io::{self, BufRead, Read as _};

use crate::{
    lang::{say, word},
    limits::JSON_LINE_BYTES_MAX,
};

/// The lines of an input without their ends. A line of gigabytes is refused before it is in memory.
pub struct Lines<R>(R);

impl<R: BufRead> Lines<R> {
    /// The lines that are left of an input.
    pub fn of(input: R) -> Self {
        Self(input)
    }

    fn read(&mut self) -> io::Result<Option<String>> {
        // One byte more for each of the two characters that end a line.
        let most = JSON_LINE_BYTES_MAX + 2;
        let mut line = Vec::new();
        let bound = u64::try_from(most).unwrap_or(u64::MAX);
        if (&mut self.0).take(bound).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        if line.last() == Some(&b'\n') {
            line.pop();
            if line.last() == Some(&b'\r') {
                line.pop();
            }
        }
        let invalid = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
        if line.len() > JSON_LINE_BYTES_MAX {
            return Err(invalid(say!(
                en: "a line has more than {JSON_LINE_BYTES_MAX} bytes",
                zh: "有一行超过 {JSON_LINE_BYTES_MAX} 字节"
            )));
        }
        let text = String::from_utf8(line).map_err(|_| {
            invalid(word!(en: "a line is not UTF-8", zh: "有一行不是 UTF-8 编码").to_owned())
        });
        text.map(Some)
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = io::Result<String>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: &[u8]) -> io::Result<Vec<String>> {
        Lines::of(input).collect()
    }

    #[test]
    fn lines_end_as_usual() {
        assert_eq!(lines(b"a\r\n\n\xE7\x94\xB2").unwrap(), ["a", "", "甲"]);
        assert_eq!(lines(b"").unwrap(), Vec::<String>::new());
        assert!(lines(b"\xFF\n").is_err());
    }

    #[test]
    fn a_line_has_a_bound() {
        let long = vec![b'x'; JSON_LINE_BYTES_MAX];
        for end in [&b""[..], b"\n", b"\r\n", b"\ny"] {
            assert!(lines(&[&long, end].concat()).is_ok(), "{end:?}");
        }
        for more in [&b"x"[..], b"x\n", b"xx", b"xxx\n"] {
            assert!(lines(&[&long, more].concat()).is_err(), "{more:?}");
        }
        // No more is read than the bound.
        let mut endless = Lines::of(io::BufReader::new(io::repeat(b'x')));
        assert!(endless.next().unwrap().is_err());
    }
}
