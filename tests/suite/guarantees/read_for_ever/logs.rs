//! Logs with any bytes as events, and every question to a register.

use std::{hint::black_box, sync::Arc};

use prost::Message as _;
use tidu::{
    domain::{
        AuthorityCode, CivilDate,
        catalogue::{Catalogue, Catalogues},
        event::Event,
        kind::Kind,
    },
    ledger::{Ledger, LedgerOptions},
    log::LogError,
    metrics::Metrics,
    protocol::{
        event::{self, Unreadable},
        pb,
    },
    register::{AsOf, Counting, Group, Interest, Layers, MeasuresWanted, Register, Stage, Wanted},
};

use crate::support::{MemoryLog, day, salts};

/// A message with one more field that is delimited by its length.
pub fn field(mut message: Vec<u8>, number: u32, value: &[u8]) -> Vec<u8> {
    let wire = prost::encoding::WireType::LengthDelimited;
    prost::encoding::encode_key(number, wire, &mut message);
    prost::encoding::encode_varint(value.len() as u64, &mut message);
    message.extend(value);
    message
}

/// Opens a ledger on a log, and drops it. Must be called on a tokio runtime.
pub fn rebuild(log: &MemoryLog) -> Result<(), LogError> {
    let opened = Ledger::open(LedgerOptions {
        log: Arc::new(log.clone()),
        expected: None,
        catalogue: Arc::new(Catalogue::built_in()),
        catalogue_files: tidu::catalogue_files::CatalogueFiles::built_in(),
        rules: tidu::register::RulesBook::RELEASED,
        clock: Arc::<crate::support::Hands>::default(),
        salts: salts(),
        metrics: Metrics::new(),
        on_failure: Box::new(|why| panic!("{why}")),
    });
    opened.map(drop)
}

pub fn stored(event: &pb::Event) -> Result<Event, Unreadable> {
    event::stored_event(Catalogues::built_in().in_use(), &event.encode_to_vec())
}

pub fn of_kind(name: &str) -> Interest {
    let mut interest = Interest::default();
    interest.kind(Kind::from_name(name).unwrap());
    interest
}

pub fn of_each_authority() -> impl Iterator<Item = Interest> {
    AuthorityCode::all().map(|authority| {
        let mut interest = Interest::default();
        interest.authority(authority);
        interest
    })
}

/// Asks a register every kind of question, as of the first, the last and a usual day. The answers
/// do not matter here: there must be one.
pub fn ask_everything(register: &Register) {
    let catalogues = Catalogues::built_in();
    let size = register.size();
    let mut designees = Vec::new();
    register.followed_as(0, size, |id| designees.push(id.clone()));
    for valid_on in [CivilDate::MIN, day("2023-06-30"), CivilDate::MAX] {
        for known_at in [size / 2, size] {
            let as_of = AsOf { valid_on, known_at };
            ask(register, &catalogues, as_of);
            for id in &designees {
                let Some(index) = register.find(id, known_at) else { continue };
                black_box(register.view(&catalogues, index, as_of));
                for programme in catalogues.in_use().ids() {
                    black_box(register.explain(&catalogues, index, programme, as_of));
                }
            }
        }
    }
    for kind in Kind::all() {
        black_box(register.matching(&of_kind(kind.name()), 0, size, usize::MAX));
    }
    for position in 0..size {
        black_box(Layers::from(register).changes(&catalogues, position));
    }
}

fn ask(register: &Register, catalogues: &Catalogues, as_of: AsOf) {
    black_box(register.search(catalogues, &Wanted::default(), as_of, 0, (usize::MAX, usize::MAX)));
    black_box(register.batches(0, as_of).count());
    black_box(register.measures(&MeasuresWanted::default(), as_of));
    black_box(register.assessments(None, &[], as_of));
    black_box(register.pools(&[], as_of));
    let groups = [
        Group::Programme,
        Group::Authority,
        Group::Responsible,
        Group::RecommendedBy,
        Group::Region,
        Group::Status,
        Group::Cohort,
        Group::Round,
        Group::Industry,
    ];
    for group in groups {
        let mut counting =
            Counting::new(Wanted::default(), as_of, Stage::EverDesignated, vec![group]);
        while counting.advance(register, catalogues, usize::MAX) {}
        black_box(counting.groups(register, catalogues));
    }
}
