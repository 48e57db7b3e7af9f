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
use crate::lang::{Both, both, say};

/// First bytes of a ZIP archive with a file in it, which an XLSX file is.
const ZIP_MAGIC: &[u8] = b"PK\x03\x04";
/// First bytes of an OLE compound file, which an XLS file is.
const OLE_MAGIC: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";
/// Names of files in an archive that a fault repeats.
const NAMES_MAX: usize = 5;
/// Bytes of the file in an OpenDocument that names its kind; the longest names take 80.
const MEDIA_TYPE_BYTES_MAX: u64 = 128;

const COPY: Both = Both::word(
    "copy its table into a spreadsheet, save that as XLSX and record it",
    "请把其中的表格复制到电子表格中，另存为 XLSX 后再记录",
);
pub(super) const EXPORT: Both = Both::word(
    "open it and save it as XLSX, or as CSV in UTF-8",
    "请打开后另存为 XLSX，或 UTF-8 编码的 CSV",
);
const UNPACK: Both =
    Both::word("unpack it and record the list in it", "请先解压，再记录其中的名单");
const GIVE: Both = Both::word("give a list", "请提供名单文件");

const GZIP: Both = Both::word(
    "a compressed file (gzip, as .gz or .tar.gz)",
    "压缩文件（gzip，如 .gz 或 .tar.gz）",
);
const BARE_WORKBOOK: Both =
    Both::word("a workbook without its container, as old exports are", "旧系统导出的不完整工作簿");

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
const MAGIC: &[(usize, &[u8], Both, Both)] = &[
    (0, b"%PDF", Both::word("a PDF file", "PDF 文件"), COPY),
    (0, b"{\\rtf", Both::word("a Word document (RTF)", "Word 文档（RTF）"), COPY),
    (0, b"PK\x05\x06", Both::word("an empty ZIP archive", "空的 ZIP 压缩包"), UNPACK),
    (0, b"Rar!\x1A\x07", Both::word("a RAR archive", "RAR 压缩包"), UNPACK),
    (0, b"7z\xBC\xAF\x27\x1C", Both::word("a 7z archive", "7z 压缩包"), UNPACK),
    (0, b"\x1F\x8B\x08", GZIP, UNPACK),
    (0, b"BZh", Both::word("a compressed file (bzip2)", "压缩文件（bzip2）"), UNPACK),
    (0, b"\xFD7zXZ\0", Both::word("a compressed file (xz)", "压缩文件（xz）"), UNPACK),
    (0, b"\x28\xB5\x2F\xFD", Both::word("a compressed file (zstd)", "压缩文件（zstd）"), UNPACK),
    (0, b"MSCF\0\0\0\0", Both::word("a CAB archive", "CAB 压缩包"), UNPACK),
    (257, b"ustar", Both::word("a TAR archive", "TAR 归档文件"), UNPACK),
    (0, b"\x89PNG\r\n\x1A\n", Both::word("a picture (PNG)", "图片（PNG）"), COPY),
    (0, b"\xFF\xD8\xFF", Both::word("a picture (JPEG)", "图片（JPEG）"), COPY),
    (0, b"GIF87a", Both::word("a picture (GIF)", "图片（GIF）"), COPY),
    (0, b"GIF89a", Both::word("a picture (GIF)", "图片（GIF）"), COPY),
    (0, b"II*\0", Both::word("a picture (TIFF)", "图片（TIFF）"), COPY),
    (0, b"MM\0*", Both::word("a picture (TIFF)", "图片（TIFF）"), COPY),
    (8, b"WEBP", Both::word("a picture (WebP)", "图片（WebP）"), COPY),
    (4, b"ftyp", Both::word("a picture or a film (HEIC, MP4)", "图片或视频（HEIC、MP4）"), COPY),
    (0, b"\x09\x00\x04\x00", Both::word("a workbook of Excel 2 to 4", "Excel 2 至 4 的工作簿"), EXPORT),
    (0, b"\x09\x02\x06\x00", Both::word("a workbook of Excel 2 to 4", "Excel 2 至 4 的工作簿"), EXPORT),
    (0, b"\x09\x04\x06\x00", Both::word("a workbook of Excel 2 to 4", "Excel 2 至 4 的工作簿"), EXPORT),
    (0, b"\x09\x08\x08\x00", BARE_WORKBOOK, EXPORT),
    (0, b"\x09\x08\x10\x00", BARE_WORKBOOK, EXPORT),
    (0, b"Founder CEB", Both::word("a CEB document", "CEB 文档"), COPY),
    (0, b"SQLite format 3\0", Both::word("a database (SQLite)", "数据库（SQLite）"), EXPORT),
    (0, b"\0\x01\0\0Standard", Both::word("a database (Access)", "数据库（Access）"), EXPORT),
    (0, b"PAR1", Both::word("a Parquet file", "Parquet 文件"), EXPORT),
    (0, b"\x7FELF", Both::word("a program", "程序"), GIVE),
    (0, b"MZ\x90\0", Both::word("a program", "程序"), GIVE),
];

/// Streams of compound files that are no workbooks, and their kind.
const STREAMS: &[(&str, Both, Both)] = &[
    ("WordDocument", Both::word("a Word or WPS document", "Word 或 WPS 文档"), COPY),
    ("PowerPoint Document", Both::word("a PowerPoint presentation", "PowerPoint 演示文稿"), COPY),
    ("VisioDocument", Both::word("a Visio drawing", "Visio 绘图"), COPY),
    (
        "__properties_version1.0",
        Both::word("a message of Outlook", "Outlook 邮件"),
        Both::word("save the list attached to it", "请把附件中的名单另存后再记录"),
    ),
];

/// Folders of packages of Office, and their kind.
const FOLDERS: &[(&str, Both)] = &[
    ("word/", Both::word("a Word document (DOCX)", "Word 文档（DOCX）")),
    ("ppt/", Both::word("a PowerPoint presentation (PPTX)", "PowerPoint 演示文稿（PPTX）")),
    ("visio/", Both::word("a Visio drawing (VSDX)", "Visio 绘图（VSDX）")),
];

/// The kind of a list, or a fault that names what the file is instead.
pub(super) fn of(bytes: &[u8]) -> Result<Kind, FileFault> {
    if bytes.starts_with(ZIP_MAGIC) {
        return guarded("XLSX", || packed(bytes));
    }
    if bytes.starts_with(OLE_MAGIC) {
        return guarded("XLS", || compound(bytes));
    }
    let is = |(at, magic, ..): &&(usize, &[u8], Both, Both)| {
        bytes.get(*at..).is_some_and(|bytes| bytes.starts_with(magic))
    };
    match MAGIC.iter().find(is) {
        Some((.., what, cure)) => Err(foreign(what.clone(), cure.clone())),
        None if is_bitmap(bytes) => {
            Err(foreign(Both::word("a picture (BMP)", "图片（BMP）"), COPY))
        }
        None if is_dbase(bytes) => Err(foreign(
            Both::word("a table of dBase or FoxPro (DBF)", "dBase 或 FoxPro 数据表（DBF）"),
            EXPORT,
        )),
        None => Ok(Kind::Text),
    }
}

pub(super) fn foreign(what: Both, cure: Both) -> FileFault {
    FileFault::Foreign { what, cure }
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
        Some((_, what, cure)) => Err(foreign(what.clone(), cure.clone())),
        None => Err(foreign(
            Both::word(
                "a compound file of Office or WPS without a workbook",
                "不含工作簿的 Office 或 WPS 复合文件",
            ),
            EXPORT,
        )),
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
            return Err(foreign(
                Both::word("a binary workbook (XLSB)", "二进制工作簿（XLSB）"),
                EXPORT,
            ));
        }
        let other = FOLDERS.iter().find(|(folder, _)| has_in(folder) && !has_in("xl/"));
        return other.map_or(Ok(Kind::Xlsx), |(_, what)| Err(foreign(what.clone(), COPY)));
    }
    if has("OFD.xml") {
        return Err(foreign(Both::word("an OFD document", "OFD 文档"), COPY));
    }
    if names.iter().any(|name| name.ends_with(".iwa")) || has("Index.zip") || has("index.apxl") {
        return Err(foreign(
            Both::word(
                "a document of Apple Numbers, Pages or Keynote",
                "Apple Numbers、Pages 或 Keynote 文档",
            ),
            Both::word("export it as Excel and record that file", "请导出为 Excel 文件后再记录"),
        ));
    }
    match media_type(&mut archive).as_deref() {
        Some(kind) if kind.contains("opendocument.spreadsheet") => Ok(Kind::Ods),
        Some(kind) if kind.contains("opendocument.") => Err(foreign(
            Both::word("an OpenDocument text or presentation", "OpenDocument 文档或演示文稿"),
            COPY,
        )),
        Some("application/epub+zip") => {
            Err(foreign(Both::word("a book (EPUB)", "电子书（EPUB）"), COPY))
        }
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
    let shown = shown.collect::<Vec<_>>().join(", ");
    let more = || match files.len().saturating_sub(NAMES_MAX) {
        0 => String::new(),
        more => say!(en: " and {more} more", zh: " 等（另有 {more} 个）"),
    };
    let cure = match files.is_empty() {
        true => Both::word("it holds no file", "其中没有文件"),
        false => both!(
            en: "unpack it and record the list in it: {shown}{0}",
            zh: "请先解压，再记录其中的名单：{shown}{0}",
            more()
        ),
    };
    FileFault::Foreign { what: Both::word("a ZIP archive", "ZIP 压缩包"), cure }
}
