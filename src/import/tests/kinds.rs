//! Files that are no lists: each is named, with what to do about it.

use std::io::{Cursor, Write as _};

use cfb::CompoundFile;

use super::{bombs::pack, *};

/// An archive of files with a few bytes each.
fn archive(names: &[&str]) -> Vec<u8> {
    let files: Vec<_> = names
        .iter()
        .map(|name| ((*name).to_owned(), vec![(b"some bytes".as_slice(), 1)]))
        .collect();
    pack(&files)
}

/// An archive whose first file states a kind, as in an OpenDocument.
fn of_media_type(kind: &str) -> Vec<u8> {
    pack(&[
        ("mimetype".to_owned(), vec![(kind.as_bytes(), 1)]),
        ("content.xml".to_owned(), vec![(b"<x/>".as_slice(), 1)]),
    ])
}

fn compound(streams: &[&str]) -> Vec<u8> {
    let mut file = CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    for stream in streams {
        file.create_stream(format!("/{stream}")).unwrap().write_all(&[0; 9]).unwrap();
    }
    file.flush().unwrap();
    file.into_inner().into_inner()
}

#[test]
fn documents_are_named_and_their_table_can_be_copied() {
    for (bytes, what) in [
        (compound(&["WordDocument", "1Table"]), "a Word or WPS document"),
        (archive(&["[Content_Types].xml", "_rels/.rels", "word/document.xml"]), "a Word document"),
        (b"{\\rtf1\\ansi x}".to_vec(), "a Word document (RTF)"),
        (compound(&["PowerPoint Document"]), "a PowerPoint"),
        (archive(&["[Content_Types].xml", "ppt/presentation.xml"]), "a PowerPoint"),
        (b"%PDF-1.7\nx".to_vec(), "a PDF file"),
        (archive(&["OFD.xml", "Doc_0/Document.xml"]), "an OFD document"),
        (of_media_type("application/vnd.oasis.opendocument.text"), "an OpenDocument text"),
        (b"\x89PNG\r\n\x1a\n0000".to_vec(), "a picture (PNG)"),
        (b"\xFF\xD8\xFF\xE0\0\x10JFIF".to_vec(), "a picture (JPEG)"),
        (b"GIF89a\0\0".to_vec(), "a picture (GIF)"),
        (b"BM\x0A\0\0\0\0\0\0\0".to_vec(), "a picture (BMP)"),
    ] {
        let said = refusal(bytes);
        assert_says(&said, &[what, "not a list; copy its table into a spreadsheet"]);
    }
}

#[test]
fn archives_are_named_with_the_files_in_them() {
    for (bytes, what) in [
        (b"Rar!\x1A\x07\x01\0".to_vec(), "RAR"),
        (b"7z\xBC\xAF\x27\x1C\0\x04".to_vec(), "7z"),
        (b"\x1F\x8B\x08\0\0\0\0\0".to_vec(), "gzip"),
        (b"\xFD7zXZ\0\0\0".to_vec(), "xz"),
        ([vec![b'x'; 257], b"ustar\0".to_vec()].concat(), "TAR"),
    ] {
        assert_says(&refusal(bytes), &[what, "unpack it and record the list in it"]);
    }
    let said = refusal(archive(&["名单/第四批.xlsx", "说明.docx"]));
    assert_says(&said, &["a ZIP archive, not a list", "unpack it", "名单/第四批.xlsx, 说明.docx"]);
    let many: Vec<String> = (0..9).map(|number| format!("{number}.pdf")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_says(&refusal(archive(&many)), &["0.pdf, 1.pdf", "4.pdf and 4 more"]);
    assert_says(&refusal(b"PK\x05\x06\0\0\0\0".as_slice()), &["an empty ZIP archive"]);
}

#[test]
fn workbooks_of_other_programs_are_to_be_saved_again() {
    let numbers = archive(&["Index/Document.iwa", "Metadata/Properties.plist"]);
    assert_says(&refusal(numbers), &["Apple Numbers", "export it as Excel"]);
    let binary = archive(&["[Content_Types].xml", "_rels/.rels", "xl/workbook.bin"]);
    assert_says(&refusal(binary), &["a binary workbook (XLSB)", "save it as XLSX"]);
    assert_says(&refusal(compound(&["Other"])), &["without a workbook", "save it as XLSX"]);
    assert_says(&refusal(b"\x09\x00\x04\x00\x02\x00\x10\x00".as_slice()), &["Excel 2 to 4"]);
    let bare = b"\x09\x08\x08\x00\0\0\x10\0\0\0\0\0";
    assert_says(&refusal(bare.as_slice()), &["without its container", "save it as XLSX"]);
    let mut dbase = b"\x03\x7E\x0B\x1A\x01\0\0\0\x41\0".to_vec();
    dbase.resize(64, 0);
    dbase.extend(b"\rrow");
    assert_says(&refusal(dbase), &["FoxPro (DBF)", "save it as XLSX"]);
    assert_says(&refusal("MIME-Version: 1.0\nX-Document-Type: Workbook\n"), &["MHTML"]);
    assert_says(&refusal("ID;PWXL;N;E\nC;Y1;X1;K\"x\"\n"), &["SYLK"]);
}

#[test]
fn a_workbook_with_a_password_says_so() {
    let locked = "the workbook has a password; open it, take the password off";
    assert_says(&refusal(compound(&["EncryptionInfo", "EncryptedPackage"])), &[locked]);
    let ods = pack(&[
        (
            "mimetype".to_owned(),
            vec![(b"application/vnd.oasis.opendocument.spreadsheet".as_slice(), 1)],
        ),
        (
            "META-INF/manifest.xml".to_owned(),
            vec![(
                b"<m:manifest xmlns:m='x'><m:file-entry><m:encryption-data/></m:file-entry>\
                  </m:manifest>"
                    .as_slice(),
                1,
            )],
        ),
        ("content.xml".to_owned(), vec![(b"\x01\x02".as_slice(), 1)]),
    ]);
    assert_says(&refusal(ods), &[locked]);
    for method in [0_u16, 1] {
        let data = [method.to_le_bytes(), [0, 0]].concat();
        let globals = super::xls::record(0x002F, &data);
        assert_says(&refusal(super::xls::with_globals(&globals)), &[locked]);
    }
}

#[test]
fn an_empty_file_has_no_rows() {
    for bytes in [b"".as_slice(), b"\xEF\xBB\xBF", b"\xFF\xFE", b" \r\n\r\n", b"\x1a"] {
        assert_says(&refusal(bytes), &["it has no rows"]);
    }
}
