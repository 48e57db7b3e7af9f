//! Changes to the parts of an XLSX workbook: inside the archive, whose checksums are made to fit.

use fastrand::Rng;

use super::mutate::mutate;

const LOCAL: u32 = 0x0403_4B50;
const CENTRAL: u32 = 0x0201_4B50;
const END: u32 = 0x0605_4B50;

/// Texts at which the readers of a sheet turn.
const TOKENS: [&str; 22] = [
    "A1",
    "XFD1048576",
    "ZZZZZZ99999999999",
    "A0",
    "C1:A1",
    "A1:XFD1048576",
    "A1:A4294967295",
    "",
    "-1",
    "1e308",
    "NaN",
    "4294967296",
    "18446744073709551615",
    "t=\"s\"",
    "t=\"e\"",
    "t=\"d\"",
    "t=\"inlineStr\"",
    "s=\"99\"",
    "<v>",
    "</row>",
    "<mergeCell ref=\"A1:Z99\"/>",
    "&#0;",
];

/// A part of the archive: its name and its bytes.
pub type Part = (String, Vec<u8>);

/// The parts of an archive of which nothing is compressed; none if it is not one.
pub fn parts(mut bytes: &[u8]) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    loop {
        let header = bytes.first_chunk::<30>()?;
        let short = |at: usize| usize::from(u16::from_le_bytes([header[at], header[at + 1]]));
        if u32::from_le_bytes(*header.first_chunk()?) != LOCAL {
            return (!parts.is_empty()).then_some(parts);
        }
        let size = u32::from_le_bytes(*header[18..].first_chunk()?) as usize;
        let is_stored = short(8) == 0 && short(6) & 8 == 0;
        let (name, rest) = bytes.get(30..)?.split_at_checked(short(26))?;
        let (content, rest) = rest.get(short(28)..)?.split_at_checked(size)?;
        is_stored.then(|| parts.push((String::from_utf8_lossy(name).into(), content.to_vec())))?;
        bytes = rest;
    }
}

/// An archive of parts, none of them compressed.
pub fn archive(parts: &[Part]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in parts {
        let place = u32::try_from(bytes.len()).unwrap();
        let size = u32::try_from(content.len()).unwrap();
        let mut about = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
        about.extend(crc32(content).to_le_bytes());
        about.extend([size.to_le_bytes(), size.to_le_bytes()].concat());
        about.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        about.extend([0, 0]);
        bytes.extend(LOCAL.to_le_bytes());
        bytes.extend(&about);
        bytes.extend(name.as_bytes());
        bytes.extend(content);
        directory.extend(CENTRAL.to_le_bytes());
        directory.extend([20, 0]);
        directory.extend(&about);
        directory.extend([0; 10]);
        directory.extend(place.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let place = u32::try_from(bytes.len()).unwrap();
    let count = u16::try_from(parts.len()).unwrap().to_le_bytes();
    let size = u32::try_from(directory.len()).unwrap().to_le_bytes();
    bytes.extend(directory);
    bytes.extend(END.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend([count, count].concat());
    bytes.extend(size);
    bytes.extend(place.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

/// Where a part may be changed from. The library makes room for as many texts as the head of their
/// part announces, so a changed head would end this process, as an old workbook would.
fn head(name: &str, part: &[u8]) -> usize {
    let texts = part.windows(4).position(|four| four == b"<si>");
    texts.filter(|_| name.contains("sharedStrings")).unwrap_or(0)
}

/// Changes one part: what stands in quotes or between tags becomes something else, or bytes change.
pub fn mutate_workbook(random: &mut Rng, mut parts: Vec<Part>) -> Vec<u8> {
    for _ in 0..random.usize(1..=3) {
        let at = random.usize(0..parts.len());
        let sheets = (0..parts.len()).filter(|at| parts[*at].0.contains("sheet"));
        // Most of it is in the sheets.
        let at = random.choice(sheets.collect::<Vec<_>>()).filter(|_| random.bool()).unwrap_or(at);
        let donor = parts[random.usize(0..parts.len())].1.clone();
        let (name, part) = &mut parts[at];
        let head = head(name, part);
        if random.u8(0..3) == 0 {
            let changed = mutate(random, &part[head..], &donor);
            part.splice(head.., changed);
            continue;
        }
        let ends = (head..part.len()).filter(|at| matches!(part[*at], b'"' | b'<' | b'>'));
        let ends: Vec<_> = ends.collect();
        if ends.len() < 2 {
            continue;
        }
        let end = random.usize(0..ends.len() - 1);
        let token = TOKENS[random.usize(0..TOKENS.len())];
        part.splice(ends[end] + 1..ends[end + 1], token.bytes());
    }
    archive(&parts)
}
