//! One run: decides from its seed what happens.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};

use fastrand::Rng;
use tidu::{
    domain::catalogue::Catalogue,
    handover::Receipt,
    ledger::{AppendError, Commit},
    protocol::pb,
};
use tokio::{
    task::JoinHandle,
    time::{Duration, sleep},
};

use super::{
    adoptions::{catalogues, fitted},
    counts::Counts,
    network::{MOODS, Mood, Network},
    node::{Node, Start},
    truth::Truth,
};
use crate::support::{BOTH_RULES, Caller, commit_under, endless, simulated_disk::Disk};

pub const NODES: usize = 3;
/// Looks at what must come before it counts as hanging. Time goes on by itself meanwhile.
const LOOKS_MAX: usize = 150_000;
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// An append that was sent to a node.
pub struct Sent {
    pub node: usize,
    /// The epoch in which it was sent.
    pub epoch: u64,
    /// What was handed on: its request id, and its events.
    pub handed_on: Option<(String, Vec<pb::Event>)>,
    /// Where it was recorded, if that is known.
    pub answer: JoinHandle<Option<(u64, u64)>>,
}

/// A request id, its events, and where they are, if that is known.
pub type HandedOn = (String, Vec<pb::Event>, Option<(u64, u64)>);

pub struct Run {
    seed: u64,
    pub random: Rng,
    pub nodes: Vec<Node>,
    pub network: Arc<Network>,
    pub truth: Truth,
    /// The one node that may record, and its epoch; none between a hand-over and a promotion.
    pub leader: Option<usize>,
    pub epoch: u64,
    /// The leader of each epoch.
    pub leaders: BTreeMap<u64, usize>,
    /// The hand-over that nobody has used yet, and where it was made.
    pub receipt: Option<(Receipt, usize)>,
    pub receipts: Vec<Receipt>,
    pub sent: Vec<Sent>,
    pub handed_on: Vec<HandedOn>,
    pub compared: Vec<u64>,
    /// The catalogues that leaders may adopt.
    pub catalogues: Vec<Arc<Catalogue>>,
    /// The withheld places of each disk that are known.
    pub taken: Vec<BTreeSet<u64>>,
    new_events: Box<dyn Iterator<Item = pb::Event>>,
    pub counts: Counts,
}

impl Run {
    pub fn new(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let network = Arc::new(Network::new(NODES, &mut random));
        let nodes = (0..NODES).map(|number| Node::new(number, Disk::default())).collect();
        Self {
            seed,
            random,
            nodes,
            network,
            truth: Truth::default(),
            leader: Some(0),
            epoch: 0,
            leaders: BTreeMap::from([(0, 0)]),
            receipt: None,
            receipts: Vec::new(),
            sent: Vec::new(),
            handed_on: Vec::new(),
            compared: vec![0; NODES],
            catalogues: catalogues(),
            taken: vec![BTreeSet::new(); NODES],
            new_events: Box::new(endless(3)),
            counts: Counts::default(),
        }
    }

    pub async fn run(mut self, steps: usize) -> Counts {
        // Some programs are older than the rules that their leader may adopt.
        self.nodes[0].rules = BOTH_RULES;
        if self.random.bool() {
            self.nodes[1].rules = BOTH_RULES;
        }
        assert!(self.start_leading(0));
        if self.random.u8(0..4) == 0 {
            // Commits that do not fit into one message.
            for _ in 0..3 {
                let commit = self.commit(0, 300..600);
                self.nodes[0].process().ledger.append(commit).await.unwrap();
            }
        }
        for node in 1..NODES {
            self.start_following(node);
            // Seeds in a row begin with all kinds of faults.
            let kind = self.seed.wrapping_add(node as u64) % MOODS.len() as u64;
            self.network.set_mood(node, MOODS[usize::try_from(kind).unwrap()]);
        }
        for step in 0..steps {
            self.step(step).await;
            self.settle().await;
            self.check().await;
        }
        self.begin_late().await;
        self.end().await;
        self.counts.faults = self.network.faults();
        self.counts.events = usize::try_from(self.truth.size()).unwrap();
        [self.counts.catalogues_adopted, self.counts.rules_adopted] = self.truth.adoptions;
        self.counts
    }

    /// A machine that begins late gets what is left of erased events.
    async fn begin_late(&mut self) {
        let Some(leader) = self.leader else { return };
        if self.nodes[leader].process.is_none() {
            self.start(leader);
        }
        (0..6).for_each(|_| self.annul());
        self.settle().await;
        self.check().await;
        self.replace((leader + 1) % NODES).await;
    }

    /// Events that nobody has recorded.
    pub fn events(&mut self, count: Range<usize>) -> Vec<pb::Event> {
        let count = self.random.usize(count);
        self.new_events.by_ref().take(count).collect()
    }

    /// Events that nobody has recorded, as the catalogue of a node takes them.
    pub fn commit(&mut self, node: usize, count: Range<usize>) -> Commit {
        let events = self.events(count);
        let catalogue = Arc::clone(self.nodes[node].process().ledger.catalogue());
        commit_under(&catalogue, fitted(&catalogue, events))
    }

    /// Says what happens, where a run is replayed or fails.
    pub fn note(&self, what: &str) {
        println!("{:>5}: {what}", self.truth.size());
    }

    async fn step(&mut self, step: usize) {
        let mut node = self.random.usize(0..NODES);
        if self.leader == Some(node) && self.random.u8(0..4) > 0 {
            node = (node + 1) % NODES;
        }
        let any = self.random.usize(0..NODES);
        match self.random.u8(0..150) {
            0..30 => self.append(),
            30..40 => (0..3).for_each(|_| self.hand_on(node)),
            40..52 => {
                let mood = MOODS[self.random.usize(0..MOODS.len())];
                self.note(&format!("{step}: messages to {node} fare so: {mood:?}"));
                self.network.set_mood(node, mood);
            }
            52..57 => {
                let is_parted = self.random.bool();
                self.note(&format!("{step}: {node} is parted: {is_parted}"));
                self.network.part(node, is_parted);
            }
            57..62 => self.cut_while_slow(node).await,
            62..65 => {
                let is_held = self.random.bool();
                if let Some(process) = &self.nodes[node].process {
                    process.hold(is_held);
                }
            }
            65..73 => self.crash(node),
            73..76 => self.try_to_lead(node),
            76..82 => self.lead_astray(node).await,
            82..88 => self.hand_over().await,
            88..93 => self.promote(),
            93..96 => self.promote_wrongly(node),
            96..100 => self.catch_up(node).await,
            100..102 => self.fall_silent(node).await,
            102..108 => (0..6).for_each(|_| self.annul()),
            108..110 => self.withhold(),
            110..118 => self.redact(any).await,
            118..122 => self.replace(node).await,
            122..126 => self.adopt_catalogue(),
            126..128 => self.adopt_rules(node),
            128..135 => self.fail(any).await,
            135..141 => self.fill(any).await,
            _ => self.drain(any).await,
        }
        self.restart_some();
    }

    /// Cuts the road of a node whose disk has taken nothing for a while.
    async fn cut_while_slow(&mut self, node: usize) {
        let Some(process) = &self.nodes[node].process else { return };
        process.hold(true);
        self.append();
        self.settle().await;
        self.network.cut(node);
        self.settle().await;
        self.settle().await;
        if let Some(process) = &self.nodes[node].process {
            process.hold(false);
        }
    }

    /// Starts what has ended, and what has stopped following, now and then.
    fn restart_some(&mut self) {
        for node in 0..NODES {
            self.take_stop(node);
            if self.nodes[node].process.is_none() && self.random.u8(0..3) > 0 {
                self.start(node);
            }
        }
    }

    /// Starts a node in its part. An old leader follows sooner or later.
    pub fn start(&mut self, node: usize) {
        self.counts.restarts += 1;
        if self.leader == Some(node) {
            assert!(self.start_leading(node), "the leader may not lead");
            return;
        }
        let was_leader = self.standing_is_retired(node);
        if was_leader && (self.leader.is_none() || self.random.bool()) {
            assert!(self.start_leading(node), "an old leader serves what it has");
            return;
        }
        self.counts.rejoins += usize::from(was_leader);
        self.start_following(node);
    }

    fn standing_is_retired(&self, node: usize) -> bool {
        let id = uuid::Uuid::from_u128(0x51);
        let epoch = self.nodes[node].disk.epoch();
        matches!(self.nodes[node].standing().part(id, epoch), tidu::handover::Part::Retired(_))
    }

    pub fn start_leading(&mut self, node: usize) -> bool {
        self.compared[node] = 0;
        let started = self.nodes[node].start(&self.network, Start::Leading, &mut self.random);
        self.note(&format!("{node} starts as a leader: {started}"));
        if started {
            self.check_start(node);
        }
        started
    }

    pub fn start_following(&mut self, node: usize) {
        let only = self.random.bool();
        self.start_following_as(node, only);
    }

    /// With `only` it knows nobody but the leader.
    fn start_following_as(&mut self, node: usize, only: bool) {
        self.compared[node] = 0;
        let retired = self.receipt.as_ref().map(|(_, retired)| *retired);
        let leader = self.leader.or(retired).filter(|leader| *leader != node).unwrap();
        let mut urls: Vec<_> = (0..NODES).filter(|other| *other != node).collect();
        self.random.shuffle(&mut urls);
        urls.retain(|url| !only || *url == leader);
        self.follow(node, &urls);
    }

    /// Starts a node that follows these.
    pub fn follow(&mut self, node: usize, leaders: &[usize]) {
        self.note(&format!("{node} starts to follow {leaders:?}"));
        let urls = leaders.iter().copied().map(Network::url).collect();
        assert!(self.nodes[node].start(&self.network, Start::Following(urls), &mut self.random));
        self.check_start(node);
    }

    /// Ends a node that is not the leader, and lets it follow.
    pub fn follow_again(&mut self, node: usize) {
        if self.leader != Some(node) {
            self.crash(node);
            self.counts.rejoins += usize::from(self.standing_is_retired(node));
            self.start_following(node);
        }
    }

    /// Somebody sends an append to a node, which may be any.
    fn append(&mut self) {
        let node = self.leader.filter(|_| self.random.u8(0..4) > 0);
        let node = node.unwrap_or_else(|| self.random.usize(0..NODES));
        self.append_at(node);
    }

    /// Somebody sends appends to this node.
    pub fn append_at(&mut self, node: usize) {
        for _ in 0..self.random.usize(1..5) {
            if self.nodes[node].process.is_some() {
                let commit = self.commit(node, 1..12);
                self.send(node, commit, false);
            }
        }
    }

    /// Sends a commit to a node. The rules may refuse it if it repairs another one.
    pub fn send(&mut self, node: usize, commit: Commit, is_repair: bool) {
        let ledger = Arc::clone(&self.nodes[node].process().ledger);
        let expected = commit.proposals.len() as u64;
        let answer = tokio::spawn(async move {
            match ledger.append(commit).await {
                Ok(receipt) => {
                    assert_eq!(receipt.next - receipt.first, expected);
                    Some((receipt.first, receipt.next))
                }
                Err(AppendError::Rejected(faults)) if !is_repair => panic!("{faults:?}"),
                Err(_) => None,
            }
        });
        self.sent.push(Sent { node, epoch: self.epoch, handed_on: None, answer });
    }

    /// Somebody sends an append to a follower, which hands it on.
    fn hand_on(&mut self, node: usize) {
        let events = self.events(1..4);
        let Some(process) = &self.nodes[node].process else { return };
        let id = format!("request-{}", self.random.u64(..));
        let request = pb::AppendRequest {
            events: events.clone(),
            request_id: id.clone(),
            ..Default::default()
        };
        let mut caller = Caller::of(process.api.clone()).ledger;
        let answer = tokio::spawn(async move {
            let answer = caller.append(request).await.ok()?.into_inner();
            Some((answer.first_position.unwrap(), answer.next_position))
        });
        let handed_on = Some((id, events));
        self.sent.push(Sent { node, epoch: self.epoch, handed_on, answer });
    }

    pub fn crash(&mut self, node: usize) {
        if self.nodes[node].process.is_some() {
            self.counts.crashes += 1;
            self.note(&format!("{node} dies"));
            self.nodes[node].crash(&self.network, &mut self.random);
        }
    }

    /// Lets some time go by.
    async fn settle(&mut self) {
        for _ in 0..self.random.usize(1..30) {
            sleep(LOOK_INTERVAL).await;
            std::thread::yield_now();
        }
    }

    /// Waits for what must come; false if it does not.
    pub async fn comes(&mut self, reached: impl Fn(&Self) -> bool) -> bool {
        for look in 0..LOOKS_MAX {
            if reached(self) {
                return true;
            }
            sleep(LOOK_INTERVAL).await;
            if look % 64 == 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        false
    }

    /// Clears the way of a node, and waits until it has everything.
    async fn catch_up(&mut self, node: usize) {
        let Some(leader) = self.leader.filter(|leader| *leader != node) else { return };
        self.heal();
        if self.nodes[leader].process.is_none() {
            self.start(leader);
        }
        self.take_stop(node);
        let url = Network::url(leader);
        let process = self.nodes[node].process.as_ref();
        if process.is_none_or(|process| process.follows != [url]) {
            self.crash(node);
            self.start_following_as(node, true);
        }
        let size = self.nodes[leader].process().ledger.durable().size;
        let is_there = |run: &Self| {
            let process = run.nodes[node].process();
            process.ledger.durable().size >= size || process.stopped().is_some()
        };
        let came = self.comes(is_there).await;
        let contact = self.nodes[node].process().contact();
        assert!(came, "{node} does not catch up: {contact:?}");
    }

    /// From now on nothing goes wrong any more.
    pub fn heal(&mut self) {
        for node in 0..NODES {
            self.network.set_mood(node, Mood::Calm);
            self.network.part(node, false);
            self.network.lead_astray(node, None);
            self.network.silence(node, None);
            if let Some(process) = &self.nodes[node].process {
                process.hold(false);
            }
        }
    }
}
