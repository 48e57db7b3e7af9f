//! Any interleaving of appends, connects, disconnects, lags and filters gives each subscriber
//! exactly the matching events, once, in order, and every `next_position` announced can be resumed
//! from.
//!
//! Heartbeats are far apart here: a stream that is not woken by an event that concerns it is found
//! out by its silence.

use std::collections::BTreeSet;

use fastrand::Rng;
use tidu::protocol::pb::{
    self, event::Fact, subscribe_request::Start, subscribe_response::Payload,
};
use tokio::sync::{mpsc, watch};

use crate::support::{Client, DESIGNEES, Fresh, OTHERS, PATIENCE, annulled, event, other, seed};

/// Longer than any run: who is silent until then was forgotten.
const HEARTBEAT_SECONDS: i64 = 300;
const COMMITS: usize = 150;
const SUBSCRIBERS: usize = 24;

/// A filter of any sort; every second one of the sort that rests in the index by its designees.
fn filter(random: &mut Rng) -> pb::EventFilter {
    let one_of = |random: &mut Rng, all: &[&str]| vec![all[random.usize(..all.len())].to_owned()];
    let mut filter = pb::EventFilter::default();
    match random.u8(0..12) {
        0 => {}
        1 => filter.authorities = one_of(random, &["100000", "440000", "330000", "440300"]),
        2 => filter.programmes = one_of(random, &["little-giant", "specialised-sme"]),
        3 => filter.region_under = one_of(random, &["440000", "440300", "440305"]).remove(0),
        4 => filter.batches = one_of(random, &["1", "2", "2022"]),
        5 => filter.kinds = vec![pb::EventKind::InformationUpdated.into()],
        6 => {
            // More than rest in the index one by one.
            filter.designees = (0..5_000).map(|i| format!("local:440000/{i}")).collect();
            filter.designees.extend(one_of(random, &DESIGNEES));
        }
        7 => {
            filter.designees = one_of(random, &DESIGNEES);
            filter.authorities = one_of(random, &["100000", "440000"]);
        }
        _ => {
            filter.designees = one_of(random, &DESIGNEES);
            filter.designees.extend(one_of(random, &["local:330000/3", "local:330000/9"]));
        }
    }
    filter
}

/// An event that may be refused.
fn proposal(random: &mut Rng, size: u64) -> pb::Event {
    match random.u8(0..10) {
        0..5 => {
            let (who, whom) = (random.usize(0..4), random.usize(0..4));
            let day = format!("20{}-0{}-15", random.u8(15..27), random.u8(1..9));
            other(random.u8(0..OTHERS), who, whom, &day)
        }
        5 if size > 0 => annulled(random.u64(0..size)),
        _ => {
            let fact =
                pb::InformationUpdated { year: random.u32(2015..2026), ..Default::default() };
            let designee = match random.bool() {
                true => DESIGNEES[random.usize(0..4)].to_owned(),
                false => format!("local:330000/{}", random.u32(0..20)),
            };
            event("330000", &designee, "2026-04-01", Fact::InformationUpdated(fact))
        }
    }
}

/// What happens to a subscriber from outside.
struct Fate {
    /// Each word cuts its connection.
    cuts: mpsc::UnboundedReceiver<()>,
    /// The positions that it must have seen, once nothing more is recorded.
    expected: watch::Receiver<Option<Vec<u64>>>,
}

struct Subscriber {
    client: Client,
    filter: pb::EventFilter,
    /// Its place is kept by a cursor, with the filter.
    cursor: Option<String>,
    random: Rng,
    seen: Vec<u64>,
    next: u64,
    announced: BTreeSet<u64>,
    connections: usize,
}

impl Subscriber {
    fn request(&self) -> pb::SubscribeRequest {
        let heartbeat = prost_types::Duration { seconds: HEARTBEAT_SECONDS, nanos: 0 };
        let (start, filter) = match &self.cursor {
            Some(id) => (Start::CursorId(id.clone()), None),
            None => (Start::FromPosition(self.next), Some(self.filter.clone())),
        };
        pb::SubscribeRequest {
            start: Some(start),
            filter,
            heartbeat_interval: Some(heartbeat),
            ..Default::default()
        }
    }

    /// Follows, over as many connections as it takes, until it has seen what it must.
    async fn run(mut self, mut fate: Fate) -> Self {
        loop {
            self.connections += 1;
            let stream = self.client.ledger.subscribe(self.request()).await;
            let mut stream = stream.unwrap().into_inner();
            // Now and then it breaks off by itself, whatever it has not read.
            let mut messages = self.random.usize(1..30);
            while messages > 0 {
                let seen = self.seen.len();
                let complete = |expected: &Option<Vec<u64>>| {
                    expected.as_ref().is_some_and(|expected| expected.len() <= seen)
                };
                let done = async { fate.expected.wait_for(complete).await.map(drop) };
                let message = tokio::select! {
                    message = stream.message() => message,
                    Some(()) = fate.cuts.recv() => break,
                    _ = done => return self,
                };
                let message = message.unwrap().expect("streams without a stop do not end");
                self.take(message).await;
                messages -= 1;
            }
        }
    }

    async fn take(&mut self, message: pb::SubscribeResponse) {
        let (leaves, next) = match message.payload.unwrap() {
            Payload::Events(batch) | Payload::RawEvents(batch) => {
                (batch.leaves, batch.next_position)
            }
            Payload::Progress(progress) => (Vec::new(), progress.next_position),
            Payload::Withheld(_) => panic!("nothing is withheld here"),
        };
        for leaf in leaves {
            let recorded: pb::RecordedEvent = prost::Message::decode(leaf).unwrap();
            let position = recorded.position.unwrap();
            assert!((self.next..next).contains(&position), "{position} came too early or too late");
            assert!(self.seen.last().is_none_or(|last| *last < position), "{position} came again");
            self.seen.push(position);
        }
        assert!(next >= self.next, "next_position went back");
        self.next = next;
        self.announced.insert(next);
        if let Some(id) = &self.cursor {
            let request = pb::AdvanceCursorRequest {
                cursor_id: id.clone(),
                next_position: next,
                ..Default::default()
            };
            self.client.cursors.advance_cursor(request).await.unwrap();
        }
    }
}

/// The positions that match, read from the log at rest.
async fn at_rest(client: &mut Client, filter: &pb::EventFilter) -> Vec<u64> {
    let (mut positions, mut page_token) = (Vec::new(), String::new());
    loop {
        let filter = Some(filter.clone());
        let request = pb::ListEventsRequest { filter, page_token, ..Default::default() };
        let page = client.ledger.list_events(request).await.unwrap().into_inner();
        positions.extend(page.events.iter().map(|event| event.position.unwrap()));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return positions;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_interleaving_gives_each_subscriber_exactly_its_events() {
    let runs = seed::count("TIDU_INTERLEAVINGS", 1);
    let mut random = seed::random("TIDU_INTERLEAVINGS_SEED");
    let (mut ran, mut sums) = (0, Sums::default());
    // Where little happened, more is tried before it is called too little.
    while ran < runs || (ran < 10 * runs && !sums.are_enough(ran)) {
        ran += 1;
        let interleaved = tokio::time::timeout(PATIENCE, interleaving(random.fork())).await;
        sums.add(&interleaved.expect("a stream was left asleep"));
    }
    assert!(sums.are_enough(ran), "{sums:?} in {ran} runs");
}

/// What happened in all runs.
#[derive(Debug, Default)]
struct Sums {
    events: usize,
    connections: usize,
    delivered: usize,
}

impl Sums {
    fn add(&mut self, more: &Self) {
        self.events += more.events;
        self.connections += more.connections;
        self.delivered += more.delivered;
    }

    fn are_enough(&self, runs: usize) -> bool {
        self.events > runs * COMMITS / 4
            && self.connections > runs * SUBSCRIBERS * 2
            && self.delivered > runs * SUBSCRIBERS * 10
    }
}

async fn interleaving(mut random: Rng) -> Sums {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let mut running = Vec::new();
    let mut size = 0;
    for commit in 0..COMMITS {
        if commit % (COMMITS / SUBSCRIBERS) == 0 && running.len() < SUBSCRIBERS {
            let filter = filter(&mut random);
            let cursor = random.bool().then(|| format!("c{}", running.len()));
            if let Some(cursor_id) = cursor.clone() {
                let filter = Some(filter.clone());
                let request = pb::CreateCursorRequest { cursor_id, filter, next_position: 0 };
                client.cursors.create_cursor(request).await.unwrap();
            }
            let subscriber = Subscriber {
                client: fresh.client().await,
                filter: filter.clone(),
                cursor,
                random: random.fork(),
                seen: Vec::new(),
                next: 0,
                announced: BTreeSet::new(),
                connections: 0,
            };
            let (cut, cuts) = mpsc::unbounded_channel();
            let (tell, expected) = watch::channel(None);
            running.push((
                filter,
                cut,
                tell,
                tokio::spawn(subscriber.run(Fate { cuts, expected })),
            ));
        }
        let events = (0..random.usize(1..4)).map(|_| proposal(&mut random, size)).collect();
        if let Ok(answer) = client.record(events).await {
            size = answer.next_position;
        }
        if random.u8(0..3) == 0 {
            let (_, cut, ..) = &running[random.usize(..running.len())];
            cut.send(()).unwrap();
        }
    }
    let (mut delivered, mut connections) = (0, 0);
    for (filter, _cut, tell, task) in running {
        let expected = at_rest(&mut client, &filter).await;
        tell.send(Some(expected.clone())).unwrap();
        let subscriber = task.await.unwrap();
        assert_eq!(subscriber.seen, expected, "{filter:?}");
        delivered += expected.len();
        connections += subscriber.connections;
        // From any place that was announced.
        for from in subscriber.announced.iter().copied().filter(|_| random.u8(0..8) == 0) {
            let request = pb::SubscribeRequest {
                start: Some(Start::FromPosition(from)),
                filter: Some(filter.clone()),
                stop_position: Some(size),
                ..Default::default()
            };
            let again = client.collect(request).await;
            let again: Vec<u64> = again.iter().map(|event| event.position.unwrap()).collect();
            let rest: Vec<u64> = expected.iter().copied().filter(|p| *p >= from).collect();
            assert_eq!(again, rest, "from {from}: {filter:?}");
        }
    }
    println!("{size} events, {delivered} deliveries over {connections} connections");
    Sums { events: usize::try_from(size).unwrap(), connections, delivered }
}
