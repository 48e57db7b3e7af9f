//! Leaves and archives of the later formats: what is accepted, what is refused with its own reason,
//! and when the format of a log rises.

use std::sync::Arc;

use bytes::{BufMut as _, Bytes};
use prost::Message as _;
use tidu::{
    archive::{
        ArchiveError, LogBuilder,
        format::{Form, Header, Writer},
    },
    catalogue_files::CatalogueFiles,
    domain::catalogue::Catalogues,
    ledger::{Commit, Salt, decide::decide, state::State},
    log::{Chunk, ChunkWriter, CommitLog as _, FORMAT_BEGUN, FORMAT_SECOND, Group, SledLog},
    merkle::{Frontier, leaf_hash},
    protocol::{
        batch::Frame,
        json::{Json, JsonPlace},
        leaf::{CommitOf, Leaf, Signature},
        pb::{self, event::Fact},
        time::timestamp,
    },
};
use uuid::Uuid;

use crate::support::{Book, Hands, MemoryLog, commit, corrected, directory, event, list, open};

const SALT: Salt = [0xCD; 16];

/// Records a commit on the road of the writer, as the next one of a log.
fn record(state: &mut State, commit: Commit, salt: Salt) -> Group {
    let mut chunks = ChunkWriter::new(state.size(), state.block());
    decide(state, &Catalogues::built_in(), &mut chunks, commit, |_| Ok(7), || salt).unwrap();
    chunks.finish()
}

fn leaves(group: &Group) -> Vec<Bytes> {
    group.chunks.iter().flat_map(Chunk::leaves).map(|leaf| leaf.bytes).collect()
}

/// An update of the information about the first made-up enterprise.
fn updated(year: u32) -> pb::Event {
    let designee = list(1, 1).remove(0).designee;
    let fact = pb::InformationUpdated { programme: String::new(), year };
    event("440000", &designee, "2024-04-01", Fact::InformationUpdated(fact))
}

#[test]
fn an_event_that_is_not_public_has_a_salt() {
    let mut state = State::default();
    let public = record(&mut state, commit(list(1, 3)), SALT);
    assert_eq!((public.format, state.format()), (FORMAT_BEGUN, FORMAT_BEGUN));
    let mixed = record(&mut state, commit(vec![list(2, 1).remove(0), updated(2024)]), SALT);
    assert_eq!((mixed.format, state.format()), (FORMAT_SECOND, FORMAT_SECOND));
    // A correction is of the class of its replacement.
    let replacement = pb::Event { evidence: None, ..updated(2023) };
    let repair = pb::Event { authority: "440000".to_owned(), ..corrected(4, replacement) };
    let repaired = record(&mut state, commit(vec![repair]), SALT);
    assert_eq!(repaired.format, FORMAT_SECOND);
    let salts = |group: &Group| -> Vec<usize> {
        let leaves = leaves(group).into_iter().map(|leaf| Leaf::decode(leaf).unwrap());
        leaves.map(|leaf| leaf.salt.len()).collect()
    };
    assert_eq!(
        [public, mixed, repaired].map(|group| salts(&group)),
        [vec![0, 0, 0], vec![0, 16], vec![16]]
    );
    state.rollback(3);
    assert_eq!(state.format(), FORMAT_BEGUN);
}

#[test]
fn two_logs_share_the_hashes_of_public_events_alone() {
    let hashes = |salt| {
        let mut events = list(1, 2);
        events.push(updated(2024));
        let group = record(&mut State::default(), commit(events), salt);
        leaves(&group).iter().map(|leaf| leaf_hash(leaf)).collect::<Vec<_>>()
    };
    let (one, other) = (hashes([1; 16]), hashes([2; 16]));
    assert_eq!(one[..2], other[..2]);
    assert_ne!(one[2], other[2]);
    assert_eq!(one, hashes([1; 16]), "the salt is all that differs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_raised_once_and_a_start_finds_its_format_again() {
    let book = Book::new();
    book.record(list(1, 3)).await.unwrap();
    assert_eq!((book.log.format(), book.ledger.durable().format), (FORMAT_BEGUN, FORMAT_BEGUN));
    book.record(vec![updated(2024)]).await.unwrap();
    book.record(list(2, 3)).await.unwrap();
    assert_eq!((book.log.format(), book.ledger.durable().format), (FORMAT_SECOND, FORMAT_SECOND));
    book.ledger.close();
    let ledger = open(Arc::new(book.log.reopen()), Arc::<Hands>::default(), Arc::default());
    assert_eq!(ledger.durable().format, FORMAT_SECOND);
}

/// A commit of two events with everything that its first leaf may have.
fn full() -> [Leaf; 2] {
    let bodies = commit(list(1, 2)).proposals;
    let signature = |number: u8| Signature {
        algorithm: Bytes::from_static(b"ed25519"),
        key_id: Bytes::from(vec![b'a' + number; 64]),
        signature: Bytes::from(vec![number; 64]),
    };
    let leaf = |place: usize| Leaf {
        position: Some(place as u64),
        recorded_time: Some(timestamp(1_700_000_000_000_000)),
        recorded_by: Bytes::from_static(b"recorder.440000"),
        commit: Some(CommitOf { first_position: Some(0), size: 2 }),
        event: bodies[place].body.clone(),
        ..Leaf::default()
    };
    let first = Leaf {
        request_id: Bytes::from_static(b"r"),
        request_digest: Bytes::from(vec![7; 32]),
        approved_by: Bytes::from_static(b"approver.440000"),
        signatures: (0..4).map(signature).collect(),
        salt: Bytes::copy_from_slice(&SALT),
        ..leaf(0)
    };
    [first, leaf(1)]
}

fn encoded(leaves: &[Leaf]) -> Vec<Bytes> {
    leaves.iter().map(|leaf| Bytes::from(leaf.encode_to_vec())).collect()
}

fn archive(format: u16, leaves: &[Bytes]) -> Vec<u8> {
    let mut frontier = Frontier::default();
    leaves.iter().for_each(|leaf| frontier.push(leaf_hash(leaf)));
    let (next, root) = (leaves.len() as u64, frontier.root());
    let header = Header { format, log_id: Uuid::from_u128(7), first: 0, next, root };
    let mut writer = Writer::begin(Vec::new(), &header, Form::Plain).unwrap();
    for leaf in leaves {
        writer.frame(&Frame { withheld: false, bytes: leaf.clone() }).unwrap();
    }
    writer.finish().unwrap()
}

fn check(leaves: &[Bytes]) -> Result<(), ArchiveError> {
    let mut builder = LogBuilder::checking(CatalogueFiles::built_in());
    builder.archive("an archive", archive(FORMAT_SECOND, leaves).as_slice())
}

/// A start believes the chunks, so it opens what the audit refuses.
fn starts(leaves: &[Bytes]) -> bool {
    let mut writer = ChunkWriter::new(0, Vec::new());
    for (number, leaf) in (1..).zip(leaves) {
        writer.push(leaf.len(), number == leaves.len(), |buffer| buffer.put_slice(leaf));
    }
    let log = MemoryLog::default();
    log.append(0, &writer.finish()).unwrap();
    let ledger = open(Arc::new(log), Arc::<Hands>::default(), Arc::default());
    let durable = ledger.durable();
    durable.size == leaves.len() as u64 && durable.format == FORMAT_SECOND
}

#[tokio::test]
async fn a_leaf_with_all_that_the_format_has_is_read() {
    let leaves = encoded(&full());
    check(&leaves).unwrap();
    assert!(starts(&leaves));
    let json = Json::new().unwrap();
    for leaf in &leaves {
        let line = json.line_of("RecordedEvent", leaf).unwrap();
        let JsonPlace::Event(event) = json.place(&line).unwrap() else { panic!("{line}") };
        assert_eq!(event.encode_to_vec(), *leaf, "{line}");
    }
    let line = json.line_of("RecordedEvent", &leaves[0]).unwrap();
    for twice in ["\"salt\":\"AAAA\"", "\"signatures\":[]", "\"approved_by\":\"b\""] {
        let line = format!("{},{twice}}}", line.strip_suffix('}').unwrap());
        let refused = json.place(&line).err().unwrap();
        assert!(refused.contains("is there twice"), "{refused}");
    }
}

#[tokio::test]
async fn the_audit_refuses_an_envelope_that_no_version_writes() {
    type Change = fn(&mut [Leaf; 2]);
    let proofs: [(&str, Change); 8] = [
        ("more than 4 signatures", |leaves| {
            let one = leaves[0].signatures[0].clone();
            leaves[0].signatures.push(one);
        }),
        ("not have 16 bytes", |leaves| leaves[0].salt = Bytes::from_static(&[1; 15])),
        ("not have 16 bytes", |leaves| leaves[1].salt = Bytes::from_static(&[1; 17])),
        ("inside a commit", |leaves| leaves[1].approved_by = Bytes::from_static(b"approver")),
        ("inside a commit", |leaves| leaves[1].signatures = leaves[0].signatures[..1].to_vec()),
        ("not a principal", |leaves| leaves[0].approved_by = Bytes::from(vec![b'a'; 65])),
        ("a part that is missing", |leaves| leaves[0].signatures[3].key_id = Bytes::new()),
        ("too long", |leaves| leaves[0].signatures[0].signature = Bytes::from(vec![1; 81])),
    ];
    for (reason, change) in proofs {
        let mut odd = full();
        change(&mut odd);
        let odd = encoded(&odd);
        let error = check(&odd).unwrap_err().to_string();
        assert!(error.contains(reason), "{reason}: {error}");
        assert!(starts(&odd), "{reason}");
    }
    let [first, second] = full();
    let salt = [&[0x52, 16], SALT.as_slice()].concat();
    let bare = Leaf { salt: Bytes::new(), ..first.clone() }.encode_to_vec();
    let first = first.encode_to_vec();
    let cases = [
        ("a salt twice", [first.as_slice(), &salt].concat()),
        ("the salt ahead", [salt.as_slice(), &bare].concat()),
        ("an unknown field", [first.as_slice(), &[0x5A, 1, 0]].concat()),
        ("a long number", [&[0x08, 0x80, 0], &first[2..]].concat()),
        ("an unknown field of a signature", {
            let at = first.windows(9).position(|part| part == b"\x0A\x07ed25519").unwrap();
            let mut longer = first.clone();
            longer.splice(at..at, [0x20, 1]);
            // The length before it, in two bytes.
            longer[at - 2] += 2;
            longer
        }),
    ];
    for (what, odd) in cases {
        let odd = [Bytes::from(odd), Bytes::from(second.encode_to_vec())];
        let error = check(&odd).unwrap_err().to_string();
        assert!(error.contains("a field twice, out of order or unknown"), "{what}: {error}");
        assert!(starts(&odd), "{what}");
    }
}

/// Streams send a withheld place as it was decoded, so stored bytes must be the only encoding.
#[test]
fn a_withheld_place_has_one_encoding() {
    let [first, _] = full();
    let place = pb::Withheld {
        position: Some(0),
        leaf_hash: vec![7; 32].into(),
        reason: "names a natural person".to_owned(),
        recorded_time: first.recorded_time,
        commit: Some(pb::Commit { first_position: Some(0), size: 2 }),
        concerns: Some(pb::Concerns {
            kind: pb::EventKind::Designated.into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let check = |bytes: Vec<u8>| {
        let frame = Frame { withheld: true, bytes: bytes.into() };
        let mut builder = LogBuilder::checking(CatalogueFiles::built_in());
        let header = Header {
            format: FORMAT_SECOND,
            log_id: Uuid::from_u128(7),
            first: 0,
            next: 2,
            root: Frontier::default().root(),
        };
        builder.begin("the archive", &header).unwrap();
        builder.frame(&frame).map_err(|error| error.to_string())
    };
    let bytes = place.encode_to_vec();
    check(bytes.clone()).unwrap();
    let twice = [&bytes[..], &[0x08, 0]].concat();
    let unknown = [&bytes[..], &[0x7A, 1, 7]].concat();
    for odd in [twice, unknown] {
        let error = check(odd).unwrap_err();
        assert!(error.contains("a field twice, out of order or unknown"), "{error}");
    }
}

#[test]
fn an_import_raises_the_format_of_the_log_that_it_builds() {
    let dir = directory();
    let plain = encoded(&full().map(|leaf| Leaf {
        approved_by: Bytes::new(),
        signatures: Vec::new(),
        salt: Bytes::new(),
        ..leaf
    }));
    for (name, leaves, format) in
        [("plain", plain, FORMAT_BEGUN), ("full", encoded(&full()), FORMAT_SECOND)]
    {
        let data = dir.path().join(name);
        let mut builder = LogBuilder::building(CatalogueFiles::built_in(), &data).unwrap();
        builder.archive(name, archive(format, &leaves).as_slice()).unwrap();
        builder.finish().unwrap();
        let log = SledLog::open(&data, Uuid::nil()).unwrap();
        assert_eq!((log.format(), log.size()), (format, 2), "{name}");
    }
}

#[test]
fn an_archive_of_mixed_or_later_formats_builds_nothing() {
    let dir = directory();
    let data = dir.path().join("data");
    let mut later = archive(FORMAT_SECOND, &encoded(&full()));
    later[7] = b'4';
    for (name, bytes, reason) in [
        (
            "mixed",
            archive(FORMAT_BEGUN, &encoded(&full())),
            "needs format 2, but its archive has 1",
        ),
        ("later", later, "format 4, this version reads up to 3; use a newer version of tidu"),
    ] {
        let mut builder = LogBuilder::building(CatalogueFiles::built_in(), &data).unwrap();
        let error = builder.archive(name, bytes.as_slice()).unwrap_err();
        assert_eq!(matches!(error, ArchiveError::Event { offset: 76, .. }), name == "mixed");
        assert!(error.to_string().contains(reason), "{name}: {error}");
        drop(builder);
        assert!(!data.exists(), "{name}");
    }
}
