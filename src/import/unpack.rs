//! Unpacks a workbook once and keeps nothing, to know what reading it costs before it is read.
//!
//! A workbook is a ZIP archive of XML files. A few bytes can unpack to gigabytes, and a few bytes
//! of XML can become a large value. So this counts the files, the bytes that really come out of
//! each, and the elements of which the reader keeps one each. It looks at the bytes alone: text in
//! a comment counts as well, and an encoding of two bytes a character does not hide anything.

use std::io::{self, Cursor, Read};

use zip::ZipArchive;

use super::error::{FileFault, Things};
use crate::lang::Both;
use crate::limits::{
    LIST_CELLS_MAX, WORKBOOK_FILES_MAX, WORKBOOK_FORMATS_MAX, WORKBOOK_MERGED_MAX,
    WORKBOOK_TEXT_BYTES_MAX, WORKBOOK_UNPACKED_BYTES_MAX,
};

/// What each entry in the directory of a ZIP archive begins with.
const ENTRY: &[u8] = b"PK\x01\x02";
/// Longest name of an element that is counted, with its prefix.
const NAME_BYTES_MAX: usize = 32;
/// Longest tag of the table of texts.
const TAG_BYTES_MAX: usize = 4 * 1024;
/// The attribute that states how many texts there are.
const TEXTS: &[u8] = b"uniqueCount";
const BUFFER_BYTES: usize = 64 * 1024;

/// Refuses a workbook whose reading has no bound.
pub(super) fn require_bounded(format: &'static str, bytes: &[u8]) -> Result<(), FileFault> {
    require_within(format, bytes, WORKBOOK_UNPACKED_BYTES_MAX)
}

/// Refuses an archive whose directory alone is large.
pub(super) fn require_few_files(bytes: &[u8]) -> Result<(), FileFault> {
    let entries = bytes.windows(ENTRY.len()).filter(|window| *window == ENTRY).count();
    at_most(count(entries), WORKBOOK_FILES_MAX, Things::Files)
}

fn require_within(
    format: &'static str,
    bytes: &[u8],
    unpacked_bytes_max: u64,
) -> Result<(), FileFault> {
    require_few_files(bytes)?;
    let damaged = |cause: &dyn std::error::Error| FileFault::Workbook {
        format,
        cause: Both::same(&cause.to_string()),
    };
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|e| damaged(&e))?;
    let mut counted = Counted { bytes_max: unpacked_bytes_max, ..Counted::default() };
    for index in 0..archive.len() {
        // What cannot be opened here cannot be opened by the reader either.
        let Ok(mut file) = archive.by_index(index) else { continue };
        let stated = file.size();
        at_most(counted.bytes.saturating_add(stated), unpacked_bytes_max, UNPACKED)?;
        let before = counted.bytes;
        let is_whole = counted.read(&mut file)?;
        if is_whole && counted.bytes - before != stated {
            let cause = Both::word(
                "a file in it has another size than its directory states",
                "其中一个文件的大小与目录所写的不同",
            );
            return Err(FileFault::Workbook { format, cause });
        }
    }
    Ok(())
}

const UNPACKED: Things = Things::UnpackedBytes;

fn at_most(found: u64, max: u64, what: Things) -> Result<(), FileFault> {
    if found > max { Err(FileFault::TooLarge { what, max }) } else { Ok(()) }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// What the files of a workbook hold together.
#[derive(Debug, Default)]
struct Counted {
    bytes_max: u64,
    bytes: u64,
    cells: u64,
    strings: u64,
    rows: u64,
    merged: u64,
    formats: u64,
}

impl Counted {
    /// Unpacks a file. False if it is damaged; the reader gets no further.
    fn read(&mut self, file: &mut impl Read) -> Result<bool, FileFault> {
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut tags = Tags::default();
        loop {
            let length = match file.read(&mut buffer) {
                Ok(0) => return Ok(true),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return Ok(false),
            };
            self.bytes += count(length);
            at_most(self.bytes, self.bytes_max, UNPACKED)?;
            let mut rest = buffer.get(..length).unwrap_or_default();
            while let Some((byte, behind)) = rest.split_first() {
                let text = tags.text_before_a_tag(rest);
                if text > 0 {
                    tags.pass(text)?;
                    rest = rest.get(text..).unwrap_or_default();
                    continue;
                }
                tags.take(*byte, |name| self.element(name))?;
                self.require_stated(&mut tags, *byte)?;
                rest = behind;
            }
        }
    }

    /// Refuses a number of texts for which the reader would make room at once.
    fn require_stated(&self, tags: &mut Tags, byte: u8) -> Result<(), FileFault> {
        let Some(collected) = &mut tags.collected else { return Ok(()) };
        collected.extend((byte != 0).then_some(byte));
        if byte == b'<' {
            tags.collected = None;
            return Ok(());
        }
        if collected.len() > TAG_BYTES_MAX {
            let cause =
                Both::word("its table of texts begins with too long a tag", "文本表开头的标签太长");
            return Err(FileFault::Workbook { format: "XLSX", cause });
        }
        // A value may contain this character, so the tag can go on behind it.
        let stated = if byte == b'>' { stated_count(collected) } else { 0 };
        at_most(stated, LIST_CELLS_MAX, Things::Texts)
    }

    fn element(&mut self, name: &[u8]) -> Result<(), FileFault> {
        let (counter, max, what) = match name {
            b"c" | b"table-cell" | b"covered-table-cell" => {
                (&mut self.cells, LIST_CELLS_MAX, Things::Cells)
            }
            b"row" | b"table-row" => (&mut self.rows, LIST_CELLS_MAX, Things::Rows),
            b"si" => (&mut self.strings, LIST_CELLS_MAX, Things::Texts),
            b"mergeCell" => (&mut self.merged, WORKBOOK_MERGED_MAX, Things::MergedRegions),
            b"xf" | b"font" | b"fill" | b"border" | b"numFmt" | b"dxf" | b"sheet"
            | b"Relationship" | b"definedName" => {
                (&mut self.formats, WORKBOOK_FORMATS_MAX, Things::Formats)
            }
            _ => return Ok(()),
        };
        *counter += 1;
        at_most(*counter, max, what)
    }
}

/// The highest number that the attribute states, if there is one.
fn stated_count(tag: &[u8]) -> u64 {
    let number = |from: usize| {
        let rest = tag.get(from + TEXTS.len()..).unwrap_or_default();
        let digits = rest.iter().skip_while(|byte| b" \t\r\n='\"+".contains(byte));
        let digits = digits.take_while(|byte| byte.is_ascii_digit());
        digits.fold(0_u64, |sum, digit| {
            sum.saturating_mul(10).saturating_add(u64::from(digit - b'0'))
        })
    };
    let places =
        (0..tag.len()).filter(|from| tag.get(*from..).is_some_and(|t| t.starts_with(TEXTS)));
    places.map(number).max().unwrap_or(0)
}

/// Finds the names of elements in bytes that come in pieces.
#[derive(Debug, Default)]
struct Tags {
    /// True between `<` and the end of the name.
    in_name: bool,
    name: Vec<u8>,
    /// True if the file begins as XML does; others have no texts.
    is_xml: Option<bool>,
    /// Bytes since the last `<`.
    run: u64,
    /// The tag of the table of texts.
    collected: Option<Vec<u8>>,
}

impl Tags {
    /// Bytes before the next tag in which nothing is looked for.
    fn text_before_a_tag(&self, bytes: &[u8]) -> usize {
        if self.in_name || self.is_xml.is_none() || self.collected.is_some() {
            return 0;
        }
        memchr::memchr(b'<', bytes).unwrap_or(bytes.len())
    }

    /// Passes over bytes of a text, or of the attributes of a tag.
    fn pass(&mut self, bytes: usize) -> Result<(), FileFault> {
        self.run = self.run.saturating_add(count(bytes));
        self.require_short_text()
    }

    fn require_short_text(&self) -> Result<(), FileFault> {
        match self.is_xml {
            Some(true) => at_most(self.run, WORKBOOK_TEXT_BYTES_MAX, Things::TextBytes),
            _ => Ok(()),
        }
    }

    fn take(
        &mut self,
        byte: u8,
        element: impl FnOnce(&[u8]) -> Result<(), FileFault>,
    ) -> Result<(), FileFault> {
        match byte {
            // The other half of a character of two bytes, or a byte order mark.
            0 | 0xEF | 0xBB | 0xBF | 0xFE | 0xFF if self.is_xml.is_none() || byte == 0 => {}
            b'<' => {
                self.is_xml.get_or_insert(true);
                (self.in_name, self.run) = (true, 0);
                self.name.clear();
            }
            _ if !self.in_name => {
                self.is_xml.get_or_insert(byte.is_ascii_whitespace());
            }
            b' ' | b'\t' | b'\r' | b'\n' | b'/' | b'>' if !self.name.is_empty() => {
                self.in_name = false;
                if self.name == b"sst" {
                    self.collected = Some(Vec::new());
                }
                element(&self.name)?;
            }
            // A prefix; or the slash of an end tag, whose name is not counted.
            b':' => self.name.clear(),
            b'/' => self.in_name = false,
            byte if self.name.len() < NAME_BYTES_MAX => self.name.push(byte),
            _ => self.in_name = false,
        }
        self.run += 1;
        self.require_short_text()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;

    fn counted() -> Counted {
        Counted { bytes_max: WORKBOOK_UNPACKED_BYTES_MAX, ..Counted::default() }
    }

    /// The elements that are counted in a text, whatever the pieces it comes in.
    fn names(text: &[u8]) -> Vec<String> {
        let (mut tags, mut found) = (Tags::default(), Vec::new());
        for byte in text {
            let add = |name: &[u8]| {
                found.push(String::from_utf8(name.to_vec()).unwrap());
                Ok(())
            };
            tags.take(*byte, add).unwrap();
        }
        found
    }

    #[test]
    fn elements_are_found_by_their_names() {
        let text = b"<?xml version='1.0'?><row r=\"1\"><c/><x:c\n t='s'><v>0</v></x:c ></row>";
        assert_eq!(names(text), ["?xml", "row", "c", "c", "v"]);
        let wide: Vec<u8> = "<c/><c>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(names(&[&[0xFF, 0xFE], wide.as_slice()].concat()), ["c", "c"]);
        assert!(names(&[b'<'; 100]).is_empty());
        assert!(names(&[b"<".as_slice(), &[b'c'; 100], b">"].concat()).is_empty());
    }

    #[test]
    fn a_text_has_a_bound_and_a_picture_has_none() {
        let long = vec![b'x'; usize::try_from(WORKBOOK_TEXT_BYTES_MAX).unwrap()];
        let read = |bytes: &[u8]| counted().read(&mut &*bytes);
        assert!(read(&[b"<t>", long.as_slice()].concat()).is_err());
        assert!(read(&[b"<t>", &long[3..], b"</t>"].concat()).unwrap());
        assert!(read(&[b"\x89PNG", long.as_slice()].concat()).unwrap());
    }

    #[test]
    fn bytes_are_counted_over_all_files_as_they_come_out() {
        let packed = |sizes: &[usize]| {
            let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
            for (number, size) in sizes.iter().enumerate() {
                let options = SimpleFileOptions::default();
                zip.start_file(format!("media/{number}.png"), options).unwrap();
                zip.write_all(&vec![0x89; *size]).unwrap();
            }
            zip.finish().unwrap().into_inner()
        };
        let max = 1024 * 1024;
        let files = [max / 2, max / 4, max / 4];
        let bytes = packed(&files);
        assert!(bytes.len() < 16 * 1024, "{}", bytes.len());
        let max = max as u64;
        require_within("XLSX", &bytes, max).unwrap();
        let refused = require_within("XLSX", &bytes, max - 1);
        assert_eq!(refused, Err(FileFault::TooLarge { what: UNPACKED, max: max - 1 }));
        // As they come out, whatever the directory states.
        let mut counted = Counted { bytes_max: 99, ..Counted::default() };
        assert!(counted.read(&mut [b'x'; 100].as_slice()).is_err());
    }

    #[test]
    fn the_stated_number_of_texts_has_a_bound() {
        let read = |stated: &str| {
            let text = format!("<sst count='9' a='>' uniqueCount = \"{stated}\" b=''>");
            counted().read(&mut text.as_bytes())
        };
        assert!(read(&LIST_CELLS_MAX.to_string()).unwrap());
        for stated in [(LIST_CELLS_MAX + 1).to_string(), u64::MAX.to_string() + "0"] {
            assert!(read(&stated).is_err(), "{stated}");
        }
        let long = [b"<sst ".as_slice(), &[b' '; TAG_BYTES_MAX + 1]].concat();
        assert!(counted().read(&mut long.as_slice()).is_err());
    }

    #[test]
    fn each_element_has_a_bound() {
        for (name, max) in [
            (b"c".as_slice(), LIST_CELLS_MAX),
            (b"row", LIST_CELLS_MAX),
            (b"si", LIST_CELLS_MAX),
            (b"mergeCell", WORKBOOK_MERGED_MAX),
            (b"xf", WORKBOOK_FORMATS_MAX),
        ] {
            let mut counted = Counted::default();
            (0..max).for_each(|_| counted.element(name).unwrap());
            assert!(counted.element(name).is_err(), "{name:?}");
        }
    }
}
