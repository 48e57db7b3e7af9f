//! Written bytes read back, and nothing else reads.

use bytes::Bytes;

use super::*;
use crate::protocol::batch::Frame;

const FORMS: [Form; 2] = [Form::Plain, Form::Compressed];

fn header() -> Header {
    Header { format: 1, log_id: Uuid::from_u128(7), first: 5, next: 8, root: [9; 32] }
}

fn frame(leaf: &[u8]) -> Frame {
    Frame { withheld: false, bytes: Bytes::copy_from_slice(leaf) }
}

fn archive(format: u16, form: Form) -> Vec<u8> {
    let mut writer = Writer::begin(Vec::new(), &Header { format, ..header() }, form).unwrap();
    for leaf in [b"one".as_slice(), &[7; 200], b""] {
        writer.frame(&frame(leaf)).unwrap();
    }
    writer.finish().unwrap()
}

fn read(bytes: &[u8]) -> io::Result<Vec<Bytes>> {
    let mut reader = Reader::open(bytes)?;
    let mut leaves = Vec::new();
    while let Some(frame) = reader.frame()? {
        leaves.push(frame.bytes);
    }
    Ok(leaves)
}

#[test]
fn golden_bytes_of_a_plain_archive() {
    let bytes = archive(1, Form::Plain);
    let mut expected = b"TIDULOG1".to_vec();
    expected.extend([0; 15]);
    expected.extend([7, 5, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0]);
    expected.extend([9; 32]);
    assert_eq!(bytes[..72], expected);
    assert_eq!(bytes[76..81], [0x0A, 3, b'o', b'n', b'e']);
    assert_eq!(bytes[81..84], [0x0A, 0xC8, 1]);
    assert_eq!(bytes.len(), 76 + 5 + 203 + 2 + 4);
}

#[test]
fn golden_bytes_of_a_compressed_archive() {
    let bytes = archive(3, Form::Compressed);
    let mut expected = b"TIDULOG9\x03\0\0\0".to_vec();
    expected.extend([0; 15]);
    expected.extend([7, 5, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0]);
    expected.extend([9; 32]);
    assert_eq!(bytes[..76], expected);
    assert_eq!(bytes[76..80], crc32c::crc32c(&expected).to_le_bytes());
    let stored = bytes.len() - 80 - 24;
    assert_eq!(bytes[80..84], u32::try_from(stored).unwrap().to_le_bytes());
    assert_eq!(bytes[84..100], [210, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0]);
    let crc = crc32c::crc32c_append(crc32c::crc32c(&bytes[80..100]), &bytes[104..]);
    assert_eq!(bytes[100..104], crc.to_le_bytes());
    // A frame of zstd whose header says that a checksum ends it.
    assert_eq!(bytes[104..108], [0x28, 0xB5, 0x2F, 0xFD]);
    assert_eq!(bytes[108] & 0b100, 0b100);
    assert!(stored < 60, "{stored} bytes");
}

#[test]
fn an_archive_reads_back_and_no_changed_or_missing_byte_passes() {
    for form in FORMS {
        let bytes = archive(1, form);
        let leaves = read(&bytes).unwrap();
        assert_eq!(leaves.len(), 3);
        assert_eq!(leaves[1].as_ref(), [7; 200]);
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                assert!(read(&changed).is_err(), "{form:?}: bit {bit} of byte {at} changed");
            }
            let error = read(&bytes[..at]).unwrap_err().to_string();
            assert!(error.starts_with("at byte "), "{form:?}, cut at {at}: {error}");
        }
        let error = read(&[bytes.as_slice(), &[0]].concat()).unwrap_err().to_string();
        let end = bytes.len();
        assert_eq!(error, format!("at byte {end}, it goes on after its end"));
    }
}

#[test]
fn a_fault_is_located_in_one_frame_of_many() {
    let (count, leaf) = (400, [b'x'; 2_000]);
    let header = Header { first: 0, next: count, ..header() };
    let mut writer = Writer::begin(Vec::new(), &header, Form::Compressed).unwrap();
    for n in 0..count {
        writer.frame(&frame(&[&n.to_le_bytes()[..], &leaf].concat())).unwrap();
    }
    let bytes = writer.finish().unwrap();
    let mut reader = Reader::open(bytes.as_slice()).unwrap();
    let mut offsets = Vec::new();
    while reader.frame().unwrap().is_some() {
        offsets.push(reader.offset());
    }
    offsets.dedup();
    assert_eq!(offsets.len(), 4, "800 KB in frames of 256 KiB");
    let mut changed = bytes;
    changed[usize::try_from(offsets[2]).unwrap() + 30] ^= 1;
    let error = read(&changed).unwrap_err().to_string();
    let expected =
        format!("at byte {}, the checksum of the frame does not match its content", offsets[2]);
    assert_eq!(error, expected);
}

/// A frame whose checksum fits, and that states what its content does not hold.
#[test]
fn a_frame_that_lies_about_its_content_is_refused() {
    let bytes = archive(1, Form::Compressed);
    let lie = |at: usize, value: &[u8]| {
        let mut changed = bytes.clone();
        changed[at..at + value.len()].copy_from_slice(value);
        let crc = crc32c::crc32c_append(crc32c::crc32c(&changed[80..100]), &changed[104..]);
        changed[100..104].copy_from_slice(&crc.to_le_bytes());
        read(&changed).unwrap_err().to_string()
    };
    for (at, value, said) in [
        (84, 209_u32, "does not hold the bytes that it states"),
        (84, 211, "does not hold the bytes that it states"),
        (84, u32::MAX, "no frame of the events due"),
        (80, u32::MAX, "no frame of the events due"),
        (88, 6, "no frame of the events due"),
        (96, 0, "no frame of the events due"),
        (96, 4, "no frame of the events due"),
        (96, 2, "more than the events that it states"),
    ] {
        let error = lie(at, &value.to_le_bytes());
        assert!(error.starts_with("at byte 80, ") && error.contains(said), "{at}: {error}");
    }
}

#[test]
fn versions_differ_in_their_headers_alone_and_a_later_one_is_too_new() {
    let one = archive(1, Form::Plain);
    for format in [2, 3] {
        let other = archive(format, Form::Plain);
        assert_eq!(&other[..8], format!("TIDULOG{format}").as_bytes());
        assert_eq!((&one[8..72], &one[76..]), (&other[8..72], &other[76..]));
        assert_eq!(Reader::open(other.as_slice()).unwrap().header().format, format);
        assert_eq!(read(&one).unwrap(), read(&other).unwrap());
        assert_eq!(read(&one).unwrap(), read(&archive(format, Form::Compressed)).unwrap());
    }
    let mut later = archive(3, Form::Plain);
    later[7] = b'4';
    let error = read(&later).unwrap_err().to_string();
    assert!(error.contains("format 4, this version reads up to 3"), "{error}");
    let error = read(&archive(4, Form::Compressed)).unwrap_err().to_string();
    assert!(error.contains("format 4, this version reads up to 3"), "{error}");
    later[7] = b'0';
    assert!(read(&later).unwrap_err().to_string().contains("not a header"));
}

#[test]
fn an_archive_has_the_events_that_it_says() {
    for form in FORMS {
        let mut writer = Writer::begin(Vec::new(), &header(), form).unwrap();
        writer.frame(&frame(b"one")).unwrap();
        assert_eq!(writer.finish().err().unwrap().to_string(), "2 events are missing");
    }
}
