//! The network: the way of each node to the others, with the faults that a seed chooses.

use std::{collections::BTreeMap, fmt, sync::Arc};

use bytes::{Buf as _, Bytes, BytesMut};
use fastrand::Rng;
use futures_util::{future::BoxFuture, stream::poll_fn};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use parking_lot::Mutex;
use prost::Message as _;
use tidu::{
    follow::{Dial, LeaderUrl},
    protocol::pb::{self, subscribe_response::Payload},
    service::{Api, Way},
};
use tokio::{
    sync::mpsc,
    time::{Duration, sleep},
};
use tokio_util::sync::CancellationToken;
use tonic::{Status, body::Body};
use tower::{BoxError, ServiceExt as _, service_fn, util::BoxCloneSyncService};

/// Bytes before a message: the flag and the length.
const HEAD: usize = 5;
/// Messages of a stream that are on their way at most.
const ON_THE_WAY: usize = 2;
const PORT: u16 = 20_000;

/// A node that can be called.
#[derive(Clone)]
pub struct Target {
    pub api: Api,
    pub killed: CancellationToken,
}

/// The faults of messages to one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Calm,
    Cuts,
    Delays,
    Twice,
    Drops,
    Flips,
}

pub const MOODS: [Mood; 6] =
    [Mood::Calm, Mood::Cuts, Mood::Delays, Mood::Twice, Mood::Drops, Mood::Flips];

/// The faults of messages that had leaves, and of those that had none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    Cut,
    Delayed,
    Twice,
    Dropped,
    Flipped,
    LostAnswer,
    /// A message of a stream that says nothing any more.
    Silent,
    /// An answer to GetStatus beside such a stream.
    StatusBesideSilence,
}

/// The road from one node to the others.
struct Link {
    random: Rng,
    mood: Mood,
    is_parted: bool,
    /// Everything leads there.
    impostor: Option<Target>,
    /// The streams of this node say nothing any more. It answers all other calls.
    silent: Option<usize>,
    /// Faults of leaves since the process began, each with its number.
    injected: BTreeMap<Fault, usize>,
    /// All faults ever.
    faults: BTreeMap<Fault, usize>,
    cut: CancellationToken,
}

/// Nodes and the roads between them.
pub struct Network {
    targets: Mutex<Vec<Option<Target>>>,
    links: Vec<Mutex<Link>>,
}

/// The fate of a message.
enum Fate {
    Passes(usize),
    Waits(Duration),
    Becomes(Bytes),
    Cut,
}

impl Network {
    pub fn new(nodes: usize, random: &mut Rng) -> Self {
        let link = |random: Rng| Link {
            random,
            mood: Mood::Calm,
            is_parted: false,
            impostor: None,
            silent: None,
            injected: BTreeMap::new(),
            faults: BTreeMap::new(),
            cut: CancellationToken::new(),
        };
        let links = (0..nodes).map(|_| Mutex::new(link(random.fork()))).collect();
        Self { targets: Mutex::new(vec![None; nodes]), links }
    }

    pub fn url(node: usize) -> LeaderUrl {
        format!("http://127.0.0.1:{}", usize::from(PORT) + node).parse().unwrap()
    }

    pub fn set(&self, node: usize, target: Option<Target>) {
        self.targets.lock()[node] = target;
    }

    /// Sets how the messages to a node fare from now on.
    pub fn set_mood(&self, node: usize, mood: Mood) {
        self.links[node].lock().mood = mood;
    }

    /// Parts a node from the others, or joins it to them.
    pub fn part(&self, node: usize, is_parted: bool) {
        self.links[node].lock().is_parted = is_parted;
        self.cut(node);
    }

    /// Leads a node to another one than it thinks.
    pub fn lead_astray(&self, node: usize, impostor: Option<Target>) {
        self.links[node].lock().impostor = impostor;
        self.cut(node);
    }

    /// Lets the streams from one node to another say nothing any more. What a stream has kept back
    /// never comes.
    pub fn silence(&self, node: usize, silent: Option<usize>) {
        self.links[node].lock().silent = silent;
    }

    /// Ends all calls of a node.
    pub fn cut(&self, node: usize) {
        let mut link = self.links[node].lock();
        std::mem::take(&mut link.cut).cancel();
        link.note(Fault::Cut, false);
    }

    /// A node begins anew: nothing has been done to it.
    pub fn forget(&self, node: usize) {
        self.links[node].lock().injected.clear();
    }

    /// The faults of messages to a node since it began.
    pub fn injected(&self, node: usize) -> BTreeMap<Fault, usize> {
        self.links[node].lock().injected.clone()
    }

    /// The faults of all links, ever.
    pub fn faults(&self) -> BTreeMap<Fault, usize> {
        let mut all = BTreeMap::new();
        for (fault, count) in self.links.iter().flat_map(|link| link.lock().faults.clone()) {
            *all.entry(fault).or_default() += count;
        }
        all
    }

    fn reach(&self, from: usize, url: &LeaderUrl) -> Result<Target, String> {
        let link = self.links[from].lock();
        if link.is_parted {
            return Err("nothing comes through".to_owned());
        }
        let target = || self.targets.lock()[number(url)].clone();
        link.impostor.clone().or_else(target).ok_or_else(|| "nobody is there".to_owned())
    }
}

impl Link {
    fn note(&mut self, fault: Fault, has_leaves: bool) {
        *self.faults.entry(fault).or_default() += 1;
        if has_leaves || fault == Fault::Flipped {
            *self.injected.entry(fault).or_default() += 1;
        }
    }

    fn fate(&mut self, message: &Bytes) -> Fate {
        let payload = payload(message);
        let has_leaves = matches!(payload, Some(Payload::RawEvents(_) | Payload::Withheld(_)));
        if self.mood == Mood::Calm || self.random.u8(0..4) > u8::from(has_leaves) {
            return Fate::Passes(1);
        }
        let (fault, fate) = match self.mood {
            Mood::Calm => return Fate::Passes(1),
            Mood::Cuts => (Fault::Cut, Fate::Cut),
            Mood::Delays => {
                // Some of them longer than a leader may be silent.
                let longest = if self.random.u8(0..4) == 0 { 8_000 } else { 200 };
                let time = Duration::from_millis(self.random.u64(1..longest));
                (Fault::Delayed, Fate::Waits(time))
            }
            Mood::Twice => (Fault::Twice, Fate::Passes(2)),
            Mood::Drops => (Fault::Dropped, Fate::Passes(0)),
            Mood::Flips => match (0..8).find_map(|_| self.flipped(message, payload.as_ref())) {
                Some(flipped) => (Fault::Flipped, Fate::Becomes(flipped)),
                None => return Fate::Passes(1),
            },
        };
        self.note(fault, has_leaves);
        fate
    }

    /// A message with a bit flipped, where a root tells that it was. None confirms an epoch, nor
    /// what is left of a withheld event beside its hash.
    fn flipped(&mut self, message: &Bytes, before: Option<&Payload>) -> Option<Bytes> {
        let mut bytes = message.to_vec();
        let at = self.random.usize(HEAD..bytes.len().max(HEAD + 1));
        *bytes.get_mut(at)? ^= 1 << self.random.u8(0..8);
        let flipped = Bytes::from(bytes);
        let epoch = |payload: Option<&Payload>| match payload {
            Some(Payload::Progress(progress)) => progress.epoch,
            _ => 0,
        };
        let after = payload(&flipped);
        let is_told = match (before, &after) {
            (Some(Payload::Withheld(one)), Some(Payload::Withheld(other))) => {
                one.leaf_hash != other.leaf_hash || one.position != other.position
            }
            (Some(Payload::Withheld(_)), _) => false,
            _ => epoch(after.as_ref()) <= epoch(before),
        };
        is_told.then_some(flipped)
    }
}

/// The node at an address.
fn number(url: &LeaderUrl) -> usize {
    let port: u16 = url.to_string().rsplit(':').next().unwrap().parse().unwrap();
    usize::from(port - PORT)
}

fn payload(message: &Bytes) -> Option<Payload> {
    pb::SubscribeResponse::decode(message.slice(HEAD..)).ok()?.payload
}

/// The network as one node sees it.
pub struct Dialer {
    pub network: Arc<Network>,
    pub node: usize,
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialer").field("node", &self.node).finish_non_exhaustive()
    }
}

impl Dial for Dialer {
    fn connect<'a>(&'a self, url: &'a LeaderUrl, _: bool) -> BoxFuture<'a, Result<Way, String>> {
        Box::pin(async move {
            self.network.reach(self.node, url)?;
            self.way(url)
        })
    }

    fn way(&self, url: &LeaderUrl) -> Result<Way, String> {
        let (network, node, url) = (Arc::clone(&self.network), self.node, url.clone());
        Ok(BoxCloneSyncService::new(service_fn(move |request: Request<Body>| {
            call(Arc::clone(&network), node, url.clone(), request)
        })))
    }
}

async fn call(
    network: Arc<Network>,
    node: usize,
    url: LeaderUrl,
    request: Request<Body>,
) -> Result<Response<Body>, BoxError> {
    let target = network.reach(node, &url)?;
    let cut = network.links[node].lock().cut.clone();
    let is_stream = request.uri().path().ends_with("/Subscribe");
    let is_status = request.uri().path().ends_with("/GetStatus");
    let answer = tokio::select! {
        biased;
        () = target.killed.cancelled() => return Err(BoxError::from("the node is dead")),
        () = cut.cancelled() => return Err(BoxError::from("cut")),
        answer = target.api.oneshot(request) => answer.unwrap_or_else(|never| match never {}),
    };
    if !is_stream {
        let mut link = network.links[node].lock();
        if link.mood == Mood::Cuts && link.random.u8(0..4) == 0 {
            link.note(Fault::LostAnswer, false);
            return Err(BoxError::from("the answer is lost"));
        }
        if is_status && link.silent == Some(number(&url)) {
            link.note(Fault::StatusBesideSilence, false);
        }
        return Ok(answer);
    }
    let (parts, body) = answer.into_parts();
    let (give, mut frames) = mpsc::channel(ON_THE_WAY);
    tokio::spawn(async move {
        let way = (network, node, number(&url));
        let carried = carry(body, way, (target.killed, cut), &give).await;
        if carried.is_none() {
            // Whoever reads may have gone.
            #[allow(clippy::disallowed_methods)] // it stands for a connection
            let broken = Status::unknown("h2 protocol error");
            let _ = give.send(Err(broken)).await;
        }
    });
    let frames = poll_fn(move |context| frames.poll_recv(context));
    Ok(Response::from_parts(parts, Body::new(StreamBody::new(frames))))
}

/// Carries messages until the stream ends; `None` if the road does before.
async fn carry(
    mut body: Body,
    (network, node, from): (Arc<Network>, usize, usize),
    (killed, cut): (CancellationToken, CancellationToken),
    give: &mpsc::Sender<Result<Frame<Bytes>, Status>>,
) -> Option<()> {
    let (mut pending, mut is_silent) = (BytesMut::new(), false);
    loop {
        let frame = tokio::select! {
            biased;
            () = killed.cancelled() => return None,
            () = cut.cancelled() => return None,
            () = give.closed() => return Some(()),
            frame = body.frame() => frame,
        };
        let Some(frame) = frame else { return Some(()) };
        match frame.ok()?.into_data() {
            Err(trailers) => give.send(Ok(trailers)).await.ok()?,
            Ok(data) => pending.extend_from_slice(&data),
        }
        while let Some(message) = next(&mut pending) {
            let fate = {
                let mut link = network.links[node].lock();
                is_silent |= link.silent == Some(from);
                if is_silent {
                    link.note(Fault::Silent, false);
                    continue;
                }
                link.fate(&message)
            };
            let (count, message) = match fate {
                Fate::Cut => return None,
                Fate::Passes(count) => (count, message),
                Fate::Becomes(other) => (1, other),
                Fate::Waits(time) => {
                    sleep(time).await;
                    (1, message)
                }
            };
            for _ in 0..count {
                give.send(Ok(Frame::data(message.clone()))).await.ok()?;
            }
        }
    }
}

/// The next whole message.
fn next(pending: &mut BytesMut) -> Option<Bytes> {
    let length = pending.get(1..HEAD)?.get_u32() as usize;
    (pending.len() >= HEAD + length).then(|| pending.split_to(HEAD + length).freeze())
}
