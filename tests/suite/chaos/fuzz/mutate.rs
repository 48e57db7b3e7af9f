//! Changes to bytes that know nothing of their meaning.

use std::ops::Range;

use fastrand::Rng;

/// Bytes that mean something in some format.
const MARKED: [u8; 14] =
    [0, 1, 0x0A, b'"', b',', b';', b'\t', b'<', b'&', 0x7F, 0x80, 0x81, 0xFE, 0xFF];
const EXTREMES: [u64; 9] = [
    0,
    1,
    0x7F,
    0x7FFF,
    0x7FFF_FFFF,
    0xFFFF_FFFF,
    0x7FFF_FFFF_FFFF_FFFF,
    0x8000_0000_0000_0000,
    u64::MAX,
];
/// No input grows beyond this.
const BYTES_MAX: usize = 256 * 1024;

/// An integer near an end of some range.
pub fn extreme(random: &mut Rng) -> u64 {
    let extreme = EXTREMES[random.usize(0..EXTREMES.len())];
    extreme.wrapping_add(random.u64(0..3)).wrapping_sub(1)
}

/// A range of some bytes, short more often than long.
fn range(random: &mut Rng, length: usize) -> Range<usize> {
    let start = random.usize(0..=length);
    let most = [4, 64, length][random.usize(0..3)];
    start..(start + random.usize(0..=most)).min(length)
}

/// One to four changes.
pub fn mutate(random: &mut Rng, input: &[u8], donor: &[u8]) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..random.usize(1..=4) {
        change(random, &mut bytes, donor);
        bytes.truncate(BYTES_MAX);
    }
    bytes
}

fn change(random: &mut Rng, bytes: &mut Vec<u8>, donor: &[u8]) {
    let place = random.usize(0..=bytes.len());
    match random.u8(0..9) {
        0 => {
            for _ in 0..random.usize(1..=8).min(bytes.len()) {
                let place = random.usize(0..bytes.len());
                bytes[place] ^= 1 << random.u8(0..8);
            }
        }
        1 => bytes.truncate(place),
        2 => drop(bytes.drain(range(random, bytes.len()))),
        3 => {
            let again = bytes[range(random, bytes.len())].to_vec();
            bytes.splice(place..place, again);
        }
        4 => {
            // One entry up to somewhere, another one from somewhere on.
            bytes.truncate(place);
            bytes.extend_from_slice(&donor[random.usize(0..=donor.len())..]);
        }
        5 => {
            let taken = donor[range(random, donor.len())].to_vec();
            bytes.splice(range(random, bytes.len()), taken);
        }
        6 => integer(random, bytes),
        7 => {
            let some: Vec<u8> = (0..random.usize(1..9)).map(|_| random.u8(..)).collect();
            bytes.splice(place..place, some);
        }
        _ if place < bytes.len() => bytes[place] = MARKED[random.usize(0..MARKED.len())],
        _ => {}
    }
}

/// An integer of some width becomes an extreme one.
fn integer(random: &mut Rng, bytes: &mut [u8]) {
    let width = [1, 2, 4, 8][random.usize(0..4)];
    let Some(last) = bytes.len().checked_sub(width) else { return };
    let place = random.usize(0..=last);
    let extreme = extreme(random);
    if random.bool() {
        bytes[place..place + width].copy_from_slice(&extreme.to_le_bytes()[..width]);
    } else {
        bytes[place..place + width].copy_from_slice(&extreme.to_be_bytes()[8 - width..]);
    }
}
