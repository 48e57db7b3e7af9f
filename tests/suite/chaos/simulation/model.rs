//! The plain model: a list of commits, and what a ledger over it must answer.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use bytes::Bytes;
use parking_lot::Mutex;
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use tidu::{
    cli::generate::{Enterprise, enterprises},
    domain::{DesigneeId, catalogue::Catalogue},
    ledger::{AppendError, Commit, Entitlement, Precondition, Proposal, Receipt},
    merkle::Hash,
    protocol::event,
    protocol::pb::{self, event::Fact},
};

use crate::support::{authority, designated, event, little_giant};

pub const PROVINCES: [&str; 2] = ["440000", "330000"];
const ENTERPRISES: usize = 2_000;
const SECOND: i64 = 1_000_000;
/// The bytes beside each event that is not public.
pub const SALT: [u8; 16] = [5; 16];
/// Beyond these a clock is not to be trusted.
const AHEAD_MAX: i64 = 3_600 * SECOND;
const BEHIND_MAX: i64 = 60 * SECOND;

/// What can be said of an enterprise, which is known by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Said {
    /// Its province designates it; rejected if it has before.
    Designated(usize),
    /// Its province supports it in a round; rejected if it has in this round before.
    Supported(usize, u16),
    /// It reported a major change, which is not public; rejected if it was told before.
    Reported(usize, u16),
    /// Its province makes it a little giant; always rejected.
    NotEntitled(usize),
}

impl Said {
    pub fn enterprise(self) -> usize {
        match self {
            Self::Designated(who) | Self::NotEntitled(who) => who,
            Self::Supported(who, _) | Self::Reported(who, _) => who,
        }
    }
}

/// Made-up enterprises, and what the ledger needs to hear of them.
pub struct World {
    pub catalogue: Arc<Catalogue>,
    enterprises: Vec<Enterprise>,
    /// What was made of events so far.
    proposals: Mutex<HashMap<Said, Proposal>>,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let of = |province| enterprises(seed, authority(province));
        let (mut one, mut other) = (of(PROVINCES[0]), of(PROVINCES[1]));
        let enterprises = (0..ENTERPRISES)
            .map(|who| if who % 2 == 0 { one.next().unwrap() } else { other.next().unwrap() });
        let enterprises = enterprises.collect();
        Self {
            catalogue: Arc::new(Catalogue::built_in()),
            enterprises,
            proposals: Mutex::default(),
        }
    }

    pub fn designee(&self, who: usize) -> String {
        self.enterprises[who].uscc.to_string()
    }

    pub fn id(&self, who: usize) -> DesigneeId {
        DesigneeId::parse(&self.designee(who)).unwrap()
    }

    /// The place of its province in [`PROVINCES`].
    pub fn province(who: usize) -> usize {
        who % 2
    }

    fn event(&self, said: Said) -> pb::Event {
        let province = PROVINCES[Self::province(said.enterprise())];
        let designee = self.designee(said.enterprise());
        match said {
            Said::Designated(who) => {
                let authority = province.to_owned();
                pb::Event { authority, ..designated(&self.enterprises[who]) }
            }
            Said::Supported(_, round) => {
                let fact = pb::SupportGranted {
                    programme: "specialised-sme".to_owned(),
                    scheme: "key".to_owned(),
                    round: round.to_string(),
                    ..Default::default()
                };
                event(province, &designee, "2024-06-01", Fact::SupportGranted(fact))
            }
            Said::Reported(_, number) => {
                let (year, day) = (1950 + i32::from(number / 336), i32::from(number % 336));
                let occurred = pb::Date { year, month: 1 + day / 28, day: 1 + day % 28 };
                let fact = pb::MajorChangeReported {
                    change: pb::MajorChange::Rename.into(),
                    reported_on: Some(occurred),
                    occurred_on: Some(occurred),
                };
                event(province, &designee, "2024-06-01", Fact::MajorChangeReported(fact))
            }
            Said::NotEntitled(_) => {
                let authority = province.to_owned();
                pb::Event { authority, ..little_giant(&designee, "1", "2024-01-01") }
            }
        }
    }

    /// The event as it goes into the ledger: parsed, and with the body that is stored.
    fn proposal(&self, said: Said) -> Proposal {
        let read = || event::proposal(&self.catalogue, 0, self.event(said)).unwrap();
        let make = || Proposal::new(0, read());
        self.proposals.lock().entry(said).or_insert_with(make).clone()
    }

    pub fn commit(&self, asked: &Asked) -> Commit {
        let proposal = |(index, said): (usize, &Said)| Proposal { index, ..self.proposal(*said) };
        Commit {
            proposals: asked.said.iter().enumerate().map(proposal).collect(),
            request: asked.request.clone(),
            precondition: asked.precondition.clone(),
            recorded_by: tidu::domain::Principal::named(asked.by).unwrap(),
            party: tidu::domain::Party::Server,
            entitlement: Entitlement::default(),
        }
    }
}

/// A commit, as it is asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    pub said: Vec<Said>,
    pub request: Option<(Bytes, Hash)>,
    pub precondition: Option<Precondition>,
    pub validate_only: bool,
    pub by: &'static str,
}

/// The digest of a content, for a request id.
pub fn digest(said: &[Said]) -> Hash {
    Sha256::digest(format!("{said:?}")).into()
}

/// What is answered, as far as it is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Recorded {
        first: u64,
        next: u64,
        micros: i64,
    },
    Replayed {
        first: u64,
        next: u64,
        micros: i64,
    },
    /// Only decided, with the indexes of the events that would be rejected.
    Decided {
        first: u64,
        next: u64,
        rejected: Vec<usize>,
    },
    Rejected(Vec<usize>),
    Reused {
        first: u64,
    },
    SizeMoved {
        found: u64,
        expected: u64,
    },
    VersionMoved {
        designee: String,
        found: u64,
        expected: u64,
    },
    Clock,
    Draining,
    Unknown,
}

impl Answer {
    pub fn of(result: Result<Receipt, AppendError>) -> Self {
        let indexes = |faults: &[tidu::domain::fault::Fault]| {
            let mut indexes: Vec<_> = faults.iter().map(|fault| fault.index).collect();
            indexes.dedup();
            indexes
        };
        match result {
            Ok(Receipt { first, next, recorded_micros: Some(micros), replayed, .. })
                if replayed =>
            {
                Self::Replayed { first, next, micros }
            }
            Ok(Receipt { first, next, recorded_micros: Some(micros), .. }) => {
                Self::Recorded { first, next, micros }
            }
            Ok(Receipt { first, next, rejections, .. }) => {
                Self::Decided { first, next, rejected: indexes(&rejections) }
            }
            Err(AppendError::Rejected(faults)) => Self::Rejected(indexes(&faults)),
            Err(AppendError::RequestReused { first, .. }) => Self::Reused { first },
            Err(AppendError::SizeMoved { found, expected }) => Self::SizeMoved { found, expected },
            Err(AppendError::VersionMoved { designee, found, expected }) => {
                Self::VersionMoved { designee, found, expected }
            }
            Err(AppendError::Clock(_)) => Self::Clock,
            Err(AppendError::Draining) => Self::Draining,
            Err(AppendError::Unknown) => Self::Unknown,
            Err(refusal) => panic!("nothing here leads to this: {refusal}"),
        }
    }
}

/// A commit that was recorded.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub first: u64,
    pub next: u64,
    pub micros: i64,
    pub asked: Asked,
}

/// An event at its position.
#[derive(Clone, Debug)]
pub struct Stored {
    pub said: Said,
    pub micros: i64,
    pub bytes: Bytes,
    hash: Hash,
}

pub struct Model {
    pub world: Arc<World>,
    pub commits: Vec<Recorded>,
    pub events: Vec<Stored>,
    stands: HashSet<Said>,
    /// One more than the position of the last event about an enterprise.
    versions: HashMap<usize, u64>,
    /// Recorders and their request ids, with the place of the commit.
    requests: HashMap<(&'static str, Bytes), usize>,
    /// The last trusted reading of the clock: wall and monotonic.
    trusted: Option<(i64, i64)>,
    /// Commits whose time is a later one than the clock showed.
    pub times_held: usize,
    /// Roots of complete subtrees, by first leaf and number of leaves.
    subtrees: HashMap<(usize, usize), Hash>,
}

impl Model {
    pub fn new(world: Arc<World>) -> Self {
        Self {
            world,
            commits: Vec::new(),
            events: Vec::new(),
            stands: HashSet::new(),
            versions: HashMap::new(),
            requests: HashMap::new(),
            trusted: None,
            times_held: 0,
            subtrees: HashMap::new(),
        }
    }

    pub fn size(&self) -> u64 {
        self.events.len() as u64
    }

    pub fn version(&self, who: usize) -> u64 {
        self.versions.get(&who).copied().unwrap_or(0)
    }

    /// True if a commit ends at a size.
    pub fn is_commit_end(&self, size: u64) -> bool {
        size == 0 || self.commits.binary_search_by_key(&size, |commit| commit.next).is_ok()
    }

    /// What a ledger that holds exactly this answers, and holds afterwards. `now` is wall and
    /// monotonic.
    pub fn decide(&mut self, asked: &Asked, now: (i64, i64)) -> Answer {
        if let Some((id, digest)) = &asked.request
            && let Some(place) = self.requests.get(&(asked.by, id.clone()))
        {
            let Recorded { first, next, micros, asked } = &self.commits[*place];
            let (first, next, micros) = (*first, *next, *micros);
            let same = asked.request.as_ref().is_some_and(|(_, recorded)| recorded == digest);
            return if same {
                Answer::Replayed { first, next, micros }
            } else {
                Answer::Reused { first }
            };
        }
        if let Some(answer) = self.moved(asked.precondition.as_ref()) {
            return answer;
        }
        // Once is enough for everything that can be said at all.
        let mut before = HashSet::new();
        let is_rejected = |said: &Said| match said {
            Said::NotEntitled(_) => true,
            _ => self.stands.contains(said) || !before.insert(*said),
        };
        let rejected: Vec<bool> = asked.said.iter().map(is_rejected).collect();
        let rejected: Vec<usize> = (0..rejected.len()).filter(|index| rejected[*index]).collect();
        let first = self.size();
        let next = first + asked.said.len() as u64;
        if asked.validate_only {
            return Answer::Decided { first, next, rejected };
        }
        if !rejected.is_empty() {
            return Answer::Rejected(rejected);
        }
        let Some(micros) = self.instant(now) else { return Answer::Clock };
        self.record(Recorded { first, next, micros, asked: asked.clone() });
        Answer::Recorded { first, next, micros }
    }

    fn moved(&self, precondition: Option<&Precondition>) -> Option<Answer> {
        match precondition? {
            Precondition::LogSize(expected) => {
                let (found, expected) = (self.size(), *expected);
                (found != expected).then_some(Answer::SizeMoved { found, expected })
            }
            Precondition::Versions(versions) => versions.iter().find_map(|(id, expected)| {
                let designee = id.to_string();
                let who = (0..ENTERPRISES).find(|who| self.world.designee(*who) == designee);
                let (found, expected) = (self.version(who.unwrap()), *expected);
                (found != expected).then_some(Answer::VersionMoved { designee, found, expected })
            }),
        }
    }

    fn instant(&mut self, (wall, monotonic): (i64, i64)) -> Option<i64> {
        let last = self.commits.last().map_or(i64::MIN, |commit| commit.micros);
        let ahead = self.trusted.map_or(0, |(then, at)| wall - (then + monotonic - at));
        if ahead > AHEAD_MAX || last.saturating_sub(wall) > BEHIND_MAX {
            return None;
        }
        self.trusted = Some((wall, monotonic));
        self.times_held += usize::from(last > wall);
        Some(last.max(wall))
    }

    fn record(&mut self, commit: Recorded) {
        let Recorded { first, next, micros, asked } = &commit;
        let nanos = i32::try_from(micros.rem_euclid(SECOND) * 1_000).unwrap();
        for (position, said) in (*first..*next).zip(&asked.said) {
            let mut leaf = pb::RecordedEvent {
                position: Some(position),
                recorded_time: Some(prost_types::Timestamp {
                    seconds: micros.div_euclid(SECOND),
                    nanos,
                }),
                recorded_by: asked.by.to_owned(),
                commit: Some(pb::Commit {
                    first_position: Some(*first),
                    size: u32::try_from(next - first).unwrap(),
                }),
                event: Some(pb::Event::decode(self.world.proposal(*said).body).unwrap()),
                ..Default::default()
            };
            if matches!(said, Said::Reported(..)) {
                leaf.salt = Bytes::copy_from_slice(&SALT);
            }
            if let (true, Some((id, digest))) = (position == *first, &asked.request) {
                leaf.request_id = String::from_utf8(id.to_vec()).unwrap();
                leaf.request_digest = Bytes::copy_from_slice(digest);
            }
            let bytes = Bytes::from(leaf.encode_to_vec());
            let hash = Sha256::new().chain_update([0]).chain_update(&bytes).finalize().into();
            self.events.push(Stored { said: *said, micros: *micros, bytes, hash });
        }
        self.index(&commit);
        self.commits.push(commit);
    }

    fn index(&mut self, commit: &Recorded) {
        for (position, said) in (commit.first..).zip(&commit.asked.said) {
            self.stands.insert(*said);
            self.versions.insert(said.enterprise(), position + 1);
        }
        if let Some((id, _)) = &commit.asked.request {
            self.requests.insert((commit.asked.by, id.clone()), self.commits.len());
        }
    }

    /// What a trial gets at a durable size, which lies behind what was decided.
    pub fn try_out(&self, asked: &Asked, size: u64) -> Answer {
        let mut durable = Self::new(Arc::clone(&self.world));
        durable.events = self.events[..usize::try_from(size).unwrap()].to_vec();
        for commit in self.commits.iter().take_while(|commit| commit.next <= size) {
            durable.index(commit);
            durable.commits.push(commit.clone());
        }
        durable.decide(asked, (0, 0))
    }

    /// What a restart leaves: commits below a size, and no reading of the clock.
    pub fn restart(&mut self, size: u64) {
        let commits = std::mem::take(&mut self.commits);
        self.events.truncate(usize::try_from(size).unwrap());
        self.stands.clear();
        self.versions.clear();
        self.requests.clear();
        self.subtrees.clear();
        self.trusted = None;
        for commit in commits.into_iter().take_while(|commit| commit.next <= size) {
            self.index(&commit);
            self.commits.push(commit);
        }
    }

    /// The Merkle tree hash of the first events, by the recursion of RFC 6962, section 2.1.
    pub fn root(&mut self, size: u64) -> Hash {
        if size == 0 {
            return Sha256::digest([]).into();
        }
        self.subtree(0, usize::try_from(size).unwrap())
    }

    fn subtree(&mut self, start: usize, count: usize) -> Hash {
        if count == 1 {
            return self.events[start].hash;
        }
        if let Some(known) = self.subtrees.get(&(start, count)) {
            return *known;
        }
        let left_count = count.next_power_of_two() / 2;
        let left = self.subtree(start, left_count);
        let right = self.subtree(start + left_count, count - left_count);
        let node = Sha256::new().chain_update([1]).chain_update(left).chain_update(right);
        let root = node.finalize().into();
        if count.is_power_of_two() {
            self.subtrees.insert((start, count), root);
        }
        root
    }
}
