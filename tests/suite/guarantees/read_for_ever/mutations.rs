//! Stored events with random changes: reading one never panics, and a register takes each that can
//! be read and answers.

use bytes::Bytes;
use fastrand::Rng;
use prost::Message as _;
use tidu::{
    domain::catalogue::Catalogues,
    ledger::state::State,
    protocol::{event, pb},
};

use super::{cases::refused, logs::ask_everything};
use crate::support::{
    A, DESIGNEES, OTHERS, annulled, corrected, encoded, other,
    seed::{count, random},
};

/// Events of most kinds, good and refused.
fn samples() -> Vec<Bytes> {
    let mut events: Vec<pb::Event> = refused().into_iter().map(|case| case.event).collect();
    for kind in 0..OTHERS {
        events.push(other(kind, 0, 1, "2020-02-29"));
        events.push(corrected(u64::from(kind), other(kind, 1, 0, "2199-12-31")));
        events.push(annulled(u64::from(kind)));
    }
    encoded(&events)
}

/// Bytes with a few changes, at any place and of any kind.
fn changed(rng: &mut Rng, sample: &[u8], another: &[u8]) -> Vec<u8> {
    let mut bytes = sample.to_vec();
    for _ in 0..rng.usize(1..4) {
        let at = rng.usize(..=bytes.len());
        match rng.u8(..6) {
            0 if at < bytes.len() => bytes[at] = rng.u8(..),
            1 if at < bytes.len() => bytes[at] ^= 1 << rng.u8(..8),
            2 => bytes.truncate(at),
            3 => bytes.insert(at, rng.u8(..)),
            // Fields that come again: the last value counts, and messages are merged.
            4 => bytes.extend(another),
            _ if at < bytes.len() => drop(bytes.remove(at)),
            _ => {}
        }
    }
    bytes
}

/// An event whose values come from several others: most of them can be read.
fn mixed(rng: &mut Rng, samples: &[Bytes]) -> Vec<u8> {
    let mut pick = || pb::Event::decode(rng.choice(samples).unwrap().clone()).unwrap();
    let (mut event, another, dates) = (pick(), pick(), pick());
    event.authority = another.authority;
    event.co_issuers = another.co_issuers;
    event.effective_date = dates.effective_date;
    if event.designee.is_empty() || rng.bool() {
        event.designee = (*rng.choice(DESIGNEES.iter()).unwrap_or(&A)).to_owned();
    }
    event.encode_to_vec()
}

#[test]
fn any_bytes_are_read_or_refused_and_make_a_register() {
    let mut rng = random("TIDU_READING_SEED");
    let (samples, catalogues) = (samples(), Catalogues::built_in());
    let (mut read, mut refused) = (0, 0);
    for _ in 0..count("TIDU_READING_LOGS", 6) {
        let state = State::default();
        let mut staging = state.begin();
        for _ in 0..120 {
            let sample = rng.choice(&samples).unwrap().clone();
            let another = rng.choice(&samples).unwrap().clone();
            let body = match rng.u8(..3) {
                0 => changed(&mut rng, &sample, &another),
                1 => sample.to_vec(),
                _ => mixed(&mut rng, &samples),
            };
            match event::stored_event(catalogues.in_use(), &body) {
                Ok(event) => {
                    staging.stage(&event);
                    read += 1;
                }
                Err(_) => refused += 1,
            }
        }
        ask_everything(&staging);
    }
    assert!(read > refused / 2, "{read} events were read, {refused} refused");
}
