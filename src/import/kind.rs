//! Tells by its content what a file is. Notices come as documents, pictures and archives as well
//! as lists; each gets a sentence that says how to make a list of it.

use std::io::{Cursor, Read};

use cfb::CompoundFile;
use zip::ZipArchive;

use super::{
    error::{FileFault, echo_on_one_line},
    sheet::guarded,
    unpack,
};

/// First bytes of a ZIP archive with a file in it, which an XLSX file is.
const ZIP_MAGIC: &[u8] = b"PK\x03\x04";
/// First bytes of an OLE compound file, which an XLS file is.
const OLE_MAGIC: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";
/// Names of files in an archive that a fault repeats.
const NAMES_MAX: usize = 5;
/// Bytes of the file in an OpenDocument that names its kind; the longest names take 80.
const MEDIA_TYPE_BYTES_MAX: u64 = 128;

const COPY: &str = "copy its table into a spreadsheet, save that as XLSX and record it";
const EXPORT: &str = "open it and save it as XLSX, or as CSV in UTF-8";
const UNPACK: &str = "unpack it and record the list in it";

/// What a list can be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Xlsx,
    Xls,
    Ods,
    Text,
}

/// Place, bytes, kind and cure of files that are recognised by a few bytes.
#[rustfmt::skip]
const MAGIC: &[(usize, &[u8], &str, &str)] = &[
    (0, b"%PDF", "a PDF file", COPY),
    (0, b"{\\rtf", "a Word document (RTF)", COPY),
    (0, b"PK\x05\x06", "an empty ZIP archive", UNPACK),
    (0, b"Rar!\x1A\x07", "a RAR archive", UNPACK),
    (0, b"7z\xBC\xAF\x27\x1C", "a 7z archive", UNPACK),
    (0, b"\x1F\x8B\x08", "a compressed file (gzip, as .gz or .tar.gz)", UNPACK),
    (0, b"BZh", "a compressed file (bzip2)", UNPACK),
    (0, b"\xFD7zXZ\0", "a compressed file (xz)", UNPACK),
    (0, b"\x28\xB5\x2F\xFD", "a compressed file (zstd)", UNPACK),
    (0, b"MSCF\0\0\0\0", "a CAB archive", UNPACK),
    (257, b"ustar", "a TAR archive", UNPACK),
    (0, b"\x89PNG\r\n\x1A\n", "a picture (PNG)", COPY),
    (0, b"\xFF\xD8\xFF", "a picture (JPEG)", COPY),
    (0, b"GIF87a", "a picture (GIF)", COPY),
    (0, b"GIF89a", "a picture (GIF)", COPY),
    (0, b"II*\0", "a picture (TIFF)", COPY),
    (0, b"MM\0*", "a picture (TIFF)", COPY),
    (8, b"WEBP", "a picture (WebP)", COPY),
    (4, b"ftyp", "a picture or a film (HEIC, MP4)", COPY),
    (0, b"\x09\x00\x04\x00", "a workbook of Excel 2 to 4", EXPORT),
    (0, b"\x09\x02\x06\x00", "a workbook of Excel 2 to 4", EXPORT),
    (0, b"\x09\x04\x06\x00", "a workbook of Excel 2 to 4", EXPORT),
    (0, b"\x09\x08\x08\x00", "a workbook without its container, as old exports are", EXPORT),
    (0, b"\x09\x08\x10\x00", "a workbook without its container, as old exports are", EXPORT),
    (0, b"Founder CEB", "a CEB document", COPY),
    (0, b"SQLite format 3\0", "a database (SQLite)", EXPORT),
    (0, b"\0\x01\0\0Standard", "a database (Access)", EXPORT),
    (0, b"PAR1", "a Parquet file", EXPORT),
    (0, b"\x7FELF", "a program", "give a list"),
    (0, b"MZ\x90\0", "a program", "give a list"),
];

/// Streams of compound files that are no workbooks, and their kind.
const STREAMS: &[(&str, &str, &str)] = &[
    ("WordDocument", "a Word or WPS document", COPY),
    ("PowerPoint Document", "a PowerPoint presentation", COPY),
    ("VisioDocument", "a Visio drawing", COPY),
    ("__properties_version1.0", "a message of Outlook", "save the list attached to it"),
];

/// Folders of packages of Office, and their kind.
const FOLDERS: &[(&str, &str)] = &[
    ("word/", "a Word document (DOCX)"),
    ("ppt/", "a PowerPoint presentation (PPTX)"),
    ("visio/", "a Visio drawing (VSDX)"),
];

/// The kind of a list, or a fault that names what the file is instead.
pub(super) fn of(bytes: &[u8]) -> Result<Kind, FileFault> {
    if bytes.starts_with(ZIP_MAGIC) {
        return guarded("XLSX", || packed(bytes));
    }
    if bytes.starts_with(OLE_MAGIC) {
        return guarded("XLS", || compound(bytes));
    }
    let is = |(at, magic, ..): &&(usize, &[u8], &str, &str)| {
        bytes.get(*at..).is_some_and(|bytes| bytes.starts_with(magic))
    };
    match MAGIC.iter().find(is) {
        Some((.., what, cure)) => Err(foreign(what, cure)),
        None if is_bitmap(bytes) => Err(foreign("a picture (BMP)", COPY)),
        None if is_dbase(bytes) => Err(foreign("a table of dBase or FoxPro (DBF)", EXPORT)),
        None => Ok(Kind::Text),
    }
}

pub(super) fn foreign(what: &str, cure: &str) -> FileFault {
    FileFault::Foreign { what: what.to_owned(), cure: cure.to_owned() }
}

/// A text can begin with the same two letters, so the size that follows must be that of the file.
fn is_bitmap(bytes: &[u8]) -> bool {
    let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
    bytes.starts_with(b"BM") && bytes.get(2..6) == Some(size.as_slice())
}

/// Whether a file begins as dBase does: a version, a day, and columns of 32 bytes up to a mark.
fn is_dbase(bytes: &[u8]) -> bool {
    const VERSIONS: &[u8] = b"\x02\x03\x30\x31\x32\x43\x83\x8B\xF5";
    let Some([version, _, month, day, _, _, _, _, low, high]) = bytes.first_chunk::<10>() else {
        return false;
    };
    let head = usize::from(u16::from_le_bytes([*low, *high]));
    let has_mark = (32..=head).step_by(32).any(|at| bytes.get(at) == Some(&b'\r'));
    let is_day = (1..=12).contains(month) && (1..=31).contains(day);
    // A text can have the rest, but no NUL byte.
    let is_binary = bytes.get(10..32).is_some_and(|reserved| reserved.contains(&0));
    VERSIONS.contains(version) && is_day && has_mark && is_binary
}

/// The kind of a compound file. One that cannot be opened is left to the reader of XLS.
fn compound(bytes: &[u8]) -> Result<Kind, FileFault> {
    let Ok(file) = CompoundFile::open(Cursor::new(bytes)) else { return Ok(Kind::Xls) };
    let has = |stream: &str| file.exists(format!("/{stream}"));
    if has("EncryptedPackage") {
        return Err(FileFault::Locked);
    }
    if has("Workbook") || has("Book") {
        return Ok(Kind::Xls);
    }
    match STREAMS.iter().find(|(stream, ..)| has(stream)) {
        Some((_, what, cure)) => Err(foreign(what, cure)),
        None => Err(foreign("a compound file of Office or WPS without a workbook", EXPORT)),
    }
}

/// The kind of a ZIP archive. One that cannot be opened is left to the reader of XLSX.
fn packed(bytes: &[u8]) -> Result<Kind, FileFault> {
    unpack::require_few_files(bytes)?;
    let Ok(mut archive) = ZipArchive::new(Cursor::new(bytes)) else { return Ok(Kind::Xlsx) };
    let names = names(&mut archive);
    let has = |path: &str| names.iter().any(|name| name.eq_ignore_ascii_case(path));
    let has_in = |folder: &str| {
        names
            .iter()
            .any(|name| name.get(..folder.len()).is_some_and(|n| n.eq_ignore_ascii_case(folder)))
    };
    if has("[Content_Types].xml") || has("_rels/.rels") {
        if has("xl/workbook.bin") {
            return Err(foreign("a binary workbook (XLSB)", EXPORT));
        }
        let other = FOLDERS.iter().find(|(folder, _)| has_in(folder) && !has_in("xl/"));
        return other.map_or(Ok(Kind::Xlsx), |(_, what)| Err(foreign(what, COPY)));
    }
    if has("OFD.xml") {
        return Err(foreign("an OFD document", COPY));
    }
    if names.iter().any(|name| name.ends_with(".iwa")) || has("Index.zip") || has("index.apxl") {
        return Err(foreign(
            "a document of Apple Numbers, Pages or Keynote",
            "export it as Excel and record that file",
        ));
    }
    match media_type(&mut archive).as_deref() {
        Some(kind) if kind.contains("opendocument.spreadsheet") => Ok(Kind::Ods),
        Some(kind) if kind.contains("opendocument.") => {
            Err(foreign("an OpenDocument text or presentation", COPY))
        }
        Some("application/epub+zip") => Err(foreign("a book (EPUB)", COPY)),
        _ => Err(archive_of(&names)),
    }
}

/// Paths of the files in an archive. Chinese tools often write them in GB 18030, unmarked.
fn names(archive: &mut ZipArchive<Cursor<&[u8]>>) -> Vec<String> {
    let raw = (0..archive.len()).filter_map(|at| {
        let file = archive.by_index_raw(at).ok()?;
        let name = file.name_raw();
        let name = match std::str::from_utf8(name) {
            Ok(name) => name.to_owned(),
            Err(_) => encoding_rs::GB18030.decode(name).0.into_owned(),
        };
        Some(name.replace('\\', "/"))
    });
    raw.collect()
}

/// The first line of an OpenDocument or a book, which is not compressed.
fn media_type(archive: &mut ZipArchive<Cursor<&[u8]>>) -> Option<String> {
    let mut text = String::new();
    let file = archive.by_name("mimetype").ok()?;
    file.take(MEDIA_TYPE_BYTES_MAX).read_to_string(&mut text).ok()?;
    Some(text.trim().to_owned())
}

fn archive_of(names: &[String]) -> FileFault {
    let files: Vec<_> = names.iter().filter(|name| !name.ends_with('/')).collect();
    let shown = files.iter().take(NAMES_MAX).map(|name| echo_on_one_line(name));
    let mut shown = shown.collect::<Vec<_>>().join(", ");
    if files.len() > NAMES_MAX {
        shown.push_str(&format!(" and {} more", files.len() - NAMES_MAX));
    }
    let cure = match files.is_empty() {
        true => "it holds no file".to_owned(),
        false => format!("unpack it and record the list in it: {shown}"),
    };
    FileFault::Foreign { what: "a ZIP archive".to_owned(), cure }
}
