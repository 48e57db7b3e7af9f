//! What a reader must get, found out from the answers to a caller who reads everything.
//!
//! Nothing of it shares code with the server's own judging: whom an event concerns is asked by
//! filters, and how far a right reaches is written down here a second time.

use std::{collections::BTreeSet, fmt};

use bytes::Bytes;
use fastrand::Rng;
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use tidu::{
    domain::{
        AuthorityCode, RegionCode,
        access::{Reach, Rights, Role, Unseen},
        catalogue::Catalogue,
        kind::Kind,
    },
    protocol::pb::{self, event::Fact, subscribe_response::Payload},
};

use crate::support::{principals::Caller, rights};

pub const AUTHORITIES: [&str; 4] = ["100000", "440000", "440300", "330000"];
pub const REGIONS: [&str; 5] = ["440000", "440300", "440305", "330000", "330106"];
pub const PROGRAMMES: [&str; 3] = ["little-giant", "innovative-sme", "specialised-sme"];

/// What a stream or a list tells of one position.
#[derive(Clone, PartialEq, Eq)]
pub enum Told {
    Event(u64, Bytes),
    Withheld(u64, Bytes),
}

/// Short: hundreds are compared.
impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(position, leaf) => write!(f, "{position}:{}", leaf.len()),
            Self::Withheld(position, _) => write!(f, "-{position}"),
        }
    }
}

impl Told {
    pub fn position(&self) -> u64 {
        match self {
            Self::Event(position, _) | Self::Withheld(position, _) => *position,
        }
    }
}

/// All events, as somebody gets them who reads everything.
pub struct Whole {
    pub leaves: Vec<Bytes>,
    kinds: Vec<(Kind, bool)>,
    authorities: Vec<BTreeSet<u64>>,
    programmes: Vec<BTreeSet<u64>>,
    regions: Vec<BTreeSet<u64>>,
}

/// A reach in plain values.
#[derive(Clone, Debug, Default)]
pub struct PlainReach {
    pub authorities: Vec<usize>,
    pub programmes: Vec<usize>,
    pub region: Option<usize>,
    pub kinds: Vec<Kind>,
    pub own: bool,
}

/// The rights of a reader in plain values, from its own to the outermost bound.
#[derive(Clone, Debug)]
pub struct PlainRights {
    pub bounds: Vec<Vec<PlainReach>>,
    pub hidden: bool,
}

impl Whole {
    pub async fn read(auditor: &mut Caller) -> Self {
        let all = list(auditor, pb::EventFilter::default(), true).await;
        let leaves: Vec<_> = all
            .into_iter()
            .map(|told| match told {
                Told::Event(_, leaf) => leaf,
                Told::Withheld(at, _) => panic!("{at} is withheld from the auditor"),
            })
            .collect();
        let kinds = leaves.iter().map(kind_and_class).collect();
        let mut whole = Self {
            leaves,
            kinds,
            authorities: Vec::new(),
            programmes: Vec::new(),
            regions: Vec::new(),
        };
        for code in AUTHORITIES {
            let authorities = vec![code.to_owned()];
            let filter = pb::EventFilter { authorities, ..Default::default() };
            whole.authorities.push(positions(auditor, filter).await);
        }
        for id in PROGRAMMES {
            let filter = pb::EventFilter { programmes: vec![id.to_owned()], ..Default::default() };
            whole.programmes.push(positions(auditor, filter).await);
        }
        for region_under in REGIONS {
            let filter =
                pb::EventFilter { region_under: region_under.to_owned(), ..Default::default() };
            whole.regions.push(positions(auditor, filter).await);
        }
        whole
    }

    pub fn size(&self) -> u64 {
        self.leaves.len() as u64
    }

    /// True if a reader may read the event at a position.
    pub fn is_seen(&self, rights: &PlainRights, position: u64) -> bool {
        rights.bounds.iter().all(|reaches| {
            let sees = |kind: Kind, own: bool| {
                reaches.iter().any(|reach| self.reaches(reach, position, kind, own))
            };
            let leaf = self.event(position);
            let (kind, own) = self.kinds[usize::try_from(position).unwrap()];
            let inner = match &leaf.fact {
                Some(Fact::Corrected(corrected)) => {
                    let inner = corrected.replacement.as_ref().and_then(|e| e.fact.as_ref());
                    inner.map(kind_of)
                }
                _ => None,
            };
            sees(kind, own) && inner.is_none_or(|inner| sees(inner, own))
        })
    }

    /// What a reader is told of the positions that match a filter of somebody who reads everything.
    pub fn told(&self, rights: &PlainRights, matching: impl Iterator<Item = u64>) -> Vec<Told> {
        let told = |position| {
            if self.is_seen(rights, position) {
                return Some(Told::Event(position, self.leaf(position)));
            }
            (!rights.hidden).then(|| Told::Withheld(position, self.hash(position)))
        };
        matching.filter_map(told).collect()
    }

    pub fn leaf(&self, position: u64) -> Bytes {
        self.leaves[usize::try_from(position).unwrap()].clone()
    }

    pub fn event(&self, position: u64) -> pb::Event {
        pb::RecordedEvent::decode(self.leaf(position)).unwrap().event.unwrap()
    }

    pub fn hash(&self, position: u64) -> Bytes {
        let hash = Sha256::new().chain_update([0]).chain_update(self.leaf(position)).finalize();
        Bytes::copy_from_slice(&hash)
    }

    /// The digest of some positions, as the API describes it.
    pub fn digest(&self, told: &[Told]) -> Bytes {
        let digest = told.iter().fold([0_u8; 32], |digest, told| {
            let hash = self.hash(told.position());
            Sha256::new().chain_update(digest).chain_update(hash).finalize().into()
        });
        Bytes::copy_from_slice(&digest)
    }

    fn reaches(&self, reach: &PlainReach, position: u64, kind: Kind, own: bool) -> bool {
        let any = |chosen: &[usize], sets: &[BTreeSet<u64>]| {
            chosen.is_empty() || chosen.iter().any(|at| sets[*at].contains(&position))
        };
        any(&reach.authorities, &self.authorities)
            && any(&reach.programmes, &self.programmes)
            && reach.region.is_none_or(|at| self.regions[at].contains(&position))
            && (reach.kinds.is_empty() || reach.kinds.contains(&kind))
            && (reach.own || !own)
    }
}

fn kind_of(fact: &Fact) -> Kind {
    Kind::from_number(i32::try_from(tag(fact)).unwrap()).unwrap()
}

/// The field number of a fact, which is the number of its kind.
fn tag(fact: &Fact) -> u32 {
    let event = pb::Event { fact: Some(fact.clone()), ..Default::default() };
    let bytes = event.encode_to_vec();
    let (key, _) = prost::encoding::decode_key(&mut bytes.as_slice()).unwrap();
    key
}

/// The kind of an event, and whether it, or what a correction puts in place, is of the class `own`.
fn kind_and_class(leaf: &Bytes) -> (Kind, bool) {
    let event = pb::RecordedEvent::decode(leaf.clone()).unwrap().event.unwrap();
    let fact = event.fact.unwrap();
    let shown = match &fact {
        Fact::Corrected(corrected) => corrected.replacement.as_ref().unwrap().fact.clone().unwrap(),
        other => other.clone(),
    };
    let own = matches!(
        shown,
        Fact::ObjectionRaised(_)
            | Fact::ObjectionResolved(_)
            | Fact::RevocationProposed(_)
            | Fact::InformationUpdated(_)
            | Fact::MajorChangeReported(_)
    );
    (kind_of(&fact), own)
}

async fn positions(auditor: &mut Caller, filter: pb::EventFilter) -> BTreeSet<u64> {
    list(auditor, filter, false).await.iter().map(Told::position).collect()
}

/// Everything that a caller gets from a stream over the whole log.
pub async fn list(caller: &mut Caller, filter: pb::EventFilter, raw: bool) -> Vec<Told> {
    stream(caller, filter, 0, raw).await.0
}

/// What a stream from a position to the end of the log tells, and the digest of its last progress.
pub async fn stream(
    caller: &mut Caller,
    filter: pb::EventFilter,
    from: u64,
    raw: bool,
) -> (Vec<Told>, Bytes) {
    let now = pb::GetDigestRequest::default();
    let size = caller.proof.get_digest(now).await.unwrap().into_inner().log_size;
    let request = pb::SubscribeRequest {
        filter: Some(filter),
        start: Some(pb::subscribe_request::Start::FromPosition(from)),
        stop_position: Some(size),
        digest: Some(Bytes::from_static(&[0; 32])),
        raw,
        ..Default::default()
    };
    let mut stream = caller.ledger.subscribe(request).await.unwrap().into_inner();
    let (mut told, mut digest) = (Vec::new(), Bytes::new());
    while let Some(message) = stream.message().await.unwrap() {
        match message.payload.unwrap() {
            Payload::Events(batch) | Payload::RawEvents(batch) => {
                told.extend(batch.leaves.into_iter().map(event));
            }
            Payload::Withheld(withheld) => told.push(place(withheld)),
            Payload::Progress(progress) => digest = progress.digest,
        }
    }
    (told, digest)
}

pub fn event(leaf: Bytes) -> Told {
    let position = pb::RecordedEvent::decode(leaf.clone()).unwrap().position.unwrap();
    Told::Event(position, leaf)
}

/// A withheld place, which must tell nothing else.
#[allow(clippy::needless_pass_by_value)] // a function for `map`
pub fn place(withheld: pb::Withheld) -> Told {
    let pb::Withheld { position, leaf_hash, .. } = withheld.clone();
    let bare = pb::Withheld { position, leaf_hash: leaf_hash.clone(), ..Default::default() };
    assert_eq!(withheld, bare);
    Told::Withheld(position.unwrap(), leaf_hash)
}

/// The rights of a reader, of which the server makes its own.
pub fn served(plain: &PlainRights) -> Rights {
    let catalogue = Catalogue::built_in();
    let reach = |plain: &PlainReach| {
        let code = |at: &usize| AuthorityCode::parse(AUTHORITIES[*at]).unwrap();
        Reach {
            authorities: plain.authorities.iter().map(code).collect(),
            region: plain.region.map(|at| RegionCode::parse(REGIONS[at]).unwrap()),
            programmes: plain
                .programmes
                .iter()
                .map(|at| catalogue.find(PROGRAMMES[*at]).unwrap())
                .collect(),
            kinds: plain.kinds.iter().copied().collect(),
            own: plain.own,
        }
    };
    let unseen = if plain.hidden { Unseen::Hidden } else { Unseen::Withheld };
    let of = |reaches: &Vec<PlainReach>| Rights {
        read: reaches.iter().map(reach).collect(),
        unseen,
        ..rights(Role::Reader, None)
    };
    let outermost_first = plain.bounds.iter().rev();
    let chained = outermost_first
        .fold(None, |below, reaches| Some(std::sync::Arc::new(Rights { below, ..of(reaches) })));
    (*chained.unwrap()).clone()
}

/// Some rights of a reader.
pub fn any_rights(random: &mut Rng) -> PlainRights {
    let some = |random: &mut Rng, of: usize| -> Vec<usize> {
        if random.bool() { (0..of).filter(|_| random.u8(0..3) == 0).collect() } else { Vec::new() }
    };
    let reach = |random: &mut Rng| PlainReach {
        authorities: some(random, AUTHORITIES.len()),
        programmes: some(random, PROGRAMMES.len()),
        region: (random.u8(0..4) == 0).then(|| random.usize(0..REGIONS.len())),
        kinds: if random.u8(0..4) == 0 {
            Kind::all().filter(|_| random.bool()).collect()
        } else {
            Vec::new()
        },
        own: random.u8(0..3) == 0,
    };
    let reaches =
        |random: &mut Rng| (0..random.usize(1..4)).map(|_| reach(random)).collect::<Vec<_>>();
    let mut bounds = vec![reaches(random)];
    if random.u8(0..4) == 0 {
        bounds.push(reaches(random));
    }
    // The usual rights of a reader come often.
    if random.u8(0..3) == 0 {
        let own = PlainReach { authorities: vec![1], own: true, ..PlainReach::default() };
        bounds = vec![vec![PlainReach::default(), own]];
    }
    PlainRights { bounds, hidden: random.bool() }
}
