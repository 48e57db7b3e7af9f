//! One connection to a leader: what it says of itself is checked first, then its log comes as one
//! raw stream. Leaves wait for the root that confirms them, are decoded on other threads, and are
//! applied in order.

use std::{future::pending, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, future::BoxFuture, stream::FuturesOrdered};
use prost::Message as _;
use tokio::{
    task::{JoinError, JoinHandle},
    time::{Instant, sleep, sleep_until, timeout, timeout_at},
};
use tonic::{Streaming, body::Body};
use tower::{BoxError, ServiceExt as _, util::BoxCloneSyncService};

use super::{
    Follower, LeaderUrl,
    back::leads_again,
    checks::require_same_log,
    difference,
    stop::{Ended, lost, stopped},
};
use crate::{
    ledger::{Applied, ApplyError, DecodedLeaves, FollowState, Leaves, StopCause},
    limits::{
        FOLLOW_ASK_INTERVAL, FOLLOW_BATCHES_AHEAD, FOLLOW_GATHER_BYTES, FOLLOW_GATHER_EVENTS,
        FOLLOW_GATHER_TIME, FOLLOW_HEARTBEAT, FOLLOW_RELAY_AGE_MAX, FOLLOW_SILENCE_MAX,
        FOLLOW_UNCONFIRMED_BYTES_MAX, LEAF_OVERHEAD_BYTES, RESPONSE_BYTES_MAX,
    },
    log::FORMAT_KNOWN,
    merkle::Hash,
    protocol::{
        batch::{Frame, LeafBatch},
        pb::{
            self, NodeRole, admin_service_client::AdminServiceClient,
            ledger_service_client::LedgerServiceClient, subscribe_request::Start,
            subscribe_response::Payload,
        },
        time,
    },
    service::Way,
};

/// A version that knows no followers names no part of its own.
const OLDER: &str = "the node is of an older version, which tells no Merkle roots: update it";

/// Follows the leader at a place of the list until it is lost or disagrees. `start` is when the
/// follower began to follow.
pub(super) async fn run(
    follower: &Follower,
    leader: (usize, &LeaderUrl),
    way: Way,
    start: Instant,
) -> Ended {
    match Session::open(follower, leader, way, start).await {
        Ok(session) => session.follow().await,
        Err(ended) => ended,
    }
}

/// The answer to GetStatus of a node.
pub(super) async fn status(way: Way) -> Result<pb::GetStatusResponse, Ended> {
    let mut admin = AdminServiceClient::new(road(way));
    let answer = admin.get_status(pb::GetStatusRequest {});
    let answer = timeout(FOLLOW_SILENCE_MAX, answer).await;
    Ok(answer.map_err(|_| lost("the node gives no answer"))??.into_inner())
}

/// The status of a node, asked for after a while.
fn later_status(way: Way) -> BoxFuture<'static, (Way, Result<pb::GetStatusResponse, Ended>)> {
    Box::pin(async move {
        sleep(FOLLOW_ASK_INTERVAL).await;
        let status = status(way.clone()).await;
        (way, status)
    })
}

/// A connection has failed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Broken(#[source] BoxError);

/// A way as clients take it.
pub(super) type Road = BoxCloneSyncService<http::Request<Body>, http::Response<Body>, Broken>;

/// The way as clients take it, which need an error with a name.
pub(super) fn road(way: Way) -> Road {
    BoxCloneSyncService::new(way.map_err(Broken))
}

/// The request for everything from a position on, with roots.
pub(super) fn raw_stream(log_id: String, position: u64) -> pb::SubscribeRequest {
    pb::SubscribeRequest {
        start: Some(Start::FromPosition(position)),
        log_id,
        heartbeat_interval: FOLLOW_HEARTBEAT.try_into().ok(),
        raw: true,
        roots: true,
        ..Default::default()
    }
}

/// Leaves at the front of those that wait.
struct Confirmed {
    count: usize,
    bytes: usize,
    /// The root of the log with them.
    root: Hash,
}

struct Session<'a> {
    follower: &'a Follower,
    way: Way,
    stream: Streaming<pb::SubscribeResponse>,
    /// True if the leader follows another node.
    is_relay: bool,
    /// When this node began to follow.
    start: Instant,
    /// True once the leader has told the root that the log has here.
    is_same: bool,
    log_id: String,
    /// The epoch that its status told.
    epoch: u64,
    /// The next status of the leader.
    status: BoxFuture<'static, (Way, Result<pb::GetStatusResponse, Ended>)>,
    /// An earlier node of the list that leads again.
    back: BoxFuture<'static, usize>,
    /// When the last message came, or there was room for the next one.
    heard: Instant,
    /// The position of the next leaf of the stream.
    next: u64,
    /// Leaves that are not handed on yet.
    waiting: Vec<Frame>,
    /// Their bytes that no root has confirmed.
    waiting_bytes: usize,
    /// Those that a root has confirmed.
    confirmed: Option<Confirmed>,
    /// When those are handed on at the latest.
    due: Instant,
    decoding: FuturesOrdered<JoinHandle<DecodedLeaves>>,
    applying: FuturesOrdered<BoxFuture<'static, Result<Applied, ApplyError>>>,
}

impl<'a> Session<'a> {
    /// Checks what the leader says of itself, and opens the stream.
    async fn open(
        follower: &'a Follower,
        (place, url): (usize, &LeaderUrl),
        way: Way,
        start: Instant,
    ) -> Result<Self, Ended> {
        let ledger = &follower.ledger;
        let status = status(way.clone()).await?;
        let Some(node) = status.node.clone() else { return Err(lost(OLDER)) };
        let is_relay = node.role() == NodeRole::Follower;
        let next = ledger.durable().size;
        require_same_log(&ledger.log_id().to_string(), &status.log_id)?;
        follower.require_epoch(node.epoch)?;
        if status.log_format > u32::from(FORMAT_KNOWN) {
            let (found, known) = (status.log_format, FORMAT_KNOWN);
            let why = format!("the leader's log has format {found}, this version reads {known}");
            return Err(stopped(StopCause::Newer, why));
        }
        follower.require_no_circle(url, &status).await?;
        if status.log_size < next {
            let size = status.log_size;
            let last = next - 1;
            let why = format!(
                "the leader has {size} events, and this log has {next}: those at positions {size} \
                 to {last} are here alone"
            );
            if is_relay {
                return Err(lost(why));
            }
            let parted = parted(follower, &way, size).await;
            return Err(stopped(StopCause::Ahead, format!("{why}{parted}")));
        }
        follower.require_part(&status)?;
        let request = raw_stream(status.log_id.clone(), next);
        let mut client = LedgerServiceClient::new(road(way.clone()))
            .max_decoding_message_size(2 * RESPONSE_BYTES_MAX);
        let stream = timeout(FOLLOW_SILENCE_MAX, client.subscribe(request)).await;
        let stream = stream.map_err(|_| lost("the leader gives no answer"))??.into_inner();
        ledger.note_contact(|contact| contact.leader = url.to_string());
        let name = follower.pledge.name();
        tracing::info!(leader = %url, node = %name, position = next, "following");
        Ok(Self {
            follower,
            stream,
            is_relay,
            start,
            is_same: false,
            log_id: status.log_id,
            epoch: node.epoch,
            status: match follower.has_others() {
                true => later_status(way.clone()),
                false => Box::pin(pending()),
            },
            back: Box::pin(leads_again(follower.clone(), place)),
            way,
            heard: Instant::now(),
            next,
            waiting: Vec::new(),
            waiting_bytes: 0,
            confirmed: None,
            due: Instant::now(),
            decoding: FuturesOrdered::new(),
            applying: FuturesOrdered::new(),
        })
    }

    async fn follow(mut self) -> Ended {
        let ended = loop {
            if let Err(ended) = self.step().await {
                break ended;
            }
        };
        // The next session begins at the durable size: what was taken comes to its end first,
        // however slow the disk is. A fault of it comes again if it is one of the leader.
        self.finish().await;
        let Ended::Stopped { cause: StopCause::Root, why } = ended else { return ended };
        let size = self.follower.ledger.durable().size;
        let parted = parted(self.follower, &self.way, size).await;
        stopped(StopCause::Root, format!("{why}{parted}"))
    }

    /// Takes a message, hands decoded leaves to the ledger, or notes that some are applied.
    async fn step(&mut self) -> Result<(), Ended> {
        let has_room = self.decoding.len() + self.applying.len() < FOLLOW_BATCHES_AHEAD;
        tokio::select! {
            biased;
            Some(applied) = self.applying.next() => {
                let Applied { .. } = applied?;
                self.heard = Instant::now();
                self.note_state();
            }
            Some(decoded) = self.decoding.next(), if !self.decoding.is_empty() => {
                let decoded = decoded.map_err(|e: JoinError| lost(e.to_string()))?;
                self.applying.push_back(Box::pin(self.follower.ledger.apply(decoded)));
            }
            () = sleep_until(self.due), if has_room && self.confirmed.is_some() => self.hand_on(),
            status = &mut self.status => {
                let (way, status) = status;
                self.status = later_status(way);
                // The stream tells whether the leader is there.
                if let Ok(status) = status {
                    self.follower.require_part(&status)?;
                }
            }
            place = &mut self.back => return Err(Ended::Back(place)),
            message = timeout_at(self.heard + FOLLOW_SILENCE_MAX, self.stream.message()),
                if has_room =>
            {
                let message = message.map_err(|_| lost("the leader has fallen silent"))?;
                self.heard = Instant::now();
                let Some(message) = message? else { return Err(lost("the stream has ended")) };
                if let Some(payload) = message.payload {
                    self.take(payload)?;
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, payload: Payload) -> Result<(), Ended> {
        match payload {
            Payload::RawEvents(batch) => self.gather_batch(batch),
            Payload::Withheld(place) => self.gather_place(&place),
            Payload::Progress(progress) => self.confirm(&progress),
            Payload::Events(_) => {
                Err(stopped(StopCause::Damaged, "the leader sends events that are not raw"))
            }
        }
    }

    fn gather_batch(&mut self, batch: LeafBatch) -> Result<(), Ended> {
        self.require_begun()?;
        let (next, count) = (batch.next_position, batch.leaves.len());
        // In one piece of their own, because what is kept of a message keeps the whole message.
        let mut whole = BytesMut::with_capacity(batch.leaves.iter().map(Bytes::len).sum());
        for leaf in batch.leaves {
            whole.extend_from_slice(&leaf);
            self.gather(Frame { withheld: false, bytes: whole.split().freeze() });
        }
        self.require_position(next, count as u64)
    }

    fn gather_place(&mut self, place: &pb::Withheld) -> Result<(), Ended> {
        self.require_begun()?;
        let position = place.position.unwrap_or_default();
        self.gather(Frame { withheld: true, bytes: Bytes::from(place.encode_to_vec()) });
        self.require_position(position.saturating_add(1), 1)
    }

    fn gather(&mut self, frame: Frame) {
        self.waiting_bytes += frame.bytes.len() + LEAF_OVERHEAD_BYTES;
        self.waiting.push(frame);
    }

    /// Refuses leaves before the leader has shown that it has the history that is here.
    fn require_begun(&self) -> Result<(), Ended> {
        self.is_same.then_some(()).ok_or_else(|| lost("the leader sends events before any root"))
    }

    /// Refuses a stream that leaves a position out or repeats one, and one that confirms nothing.
    fn require_position(&mut self, next: u64, more: u64) -> Result<(), Ended> {
        let expected = self.next + more;
        if next != expected {
            let why = format!("the stream goes on at position {next}, and {expected} is next");
            return Err(stopped(StopCause::Gap, why));
        }
        self.next = next;
        if self.waiting_bytes > FOLLOW_UNCONFIRMED_BYTES_MAX {
            return Err(stopped(StopCause::Rights, "the leader sends events and no root for them"));
        }
        Ok(())
    }

    /// The leader tells the root over everything up to here: what waits for it can be applied.
    fn confirm(&mut self, progress: &pb::Progress) -> Result<(), Ended> {
        require_same_log(&self.log_id, &progress.log_id)?;
        // No root confirms an epoch: it counts once two answers tell it.
        if progress.epoch != self.epoch {
            let (now, before) = (progress.epoch, self.epoch);
            return Err(lost(format!("the leader tells epoch {now}, and told {before}")));
        }
        self.follower.require_epoch(progress.epoch)?;
        let relayed = self.relayed(progress)?;
        if progress.next_position != self.next {
            let (found, next) = (progress.next_position, self.next);
            let why = format!("the leader is at position {found}, and {next} is next");
            return Err(stopped(StopCause::Gap, why));
        }
        let Ok(root) = Hash::try_from(progress.delivered_root.as_ref()) else {
            // One that drains tells none if it is between two of them.
            let why = "the leader tells no Merkle root: this node must have the role node, or may \
                       not read everything";
            return self.is_same.then_some(()).ok_or_else(|| stopped(StopCause::Rights, why));
        };
        let durable = self.follower.ledger.durable();
        if self.waiting.is_empty() && durable.size == self.next && durable.root != root {
            let size = durable.size;
            let why = format!("the leader has another history: another root at {size} events");
            return Err(stopped(StopCause::Root, why));
        }
        self.is_same = true;
        self.pledge(progress.epoch, relayed)?;
        self.follower.ledger.note_heard(progress.log_size, relayed);
        if !self.waiting.is_empty() {
            let before = self.confirmed.as_ref().map_or(0, |confirmed| confirmed.bytes);
            let bytes = before + std::mem::take(&mut self.waiting_bytes);
            let count = self.waiting.len();
            self.confirmed = Some(Confirmed { count, bytes, root });
            if count >= FOLLOW_GATHER_EVENTS || bytes >= FOLLOW_GATHER_BYTES {
                self.hand_on();
            }
        }
        self.note_state();
        self.require_in_touch(relayed)
    }

    /// Time since the node that is followed heard its own leader; `None` if it is the leader. Only
    /// times of that node's clock are compared.
    fn relayed(&self, progress: &pb::Progress) -> Result<Option<Duration>, Ended> {
        if !self.is_relay {
            return Ok(None);
        }
        let [now, heard] = [&progress.server_time, &progress.last_contact]
            .map(|time| time.as_ref().map(time::micros));
        let (Some(now), Some(heard)) = (now, heard) else {
            return Err(lost("the node follows another one and has not heard a leader"));
        };
        let age = u64::try_from(now.saturating_sub(heard)).unwrap_or(0);
        Ok(Some(Duration::from_micros(age)))
    }

    /// Promises to record nothing, once somebody else records: a leader was heard since this node
    /// follows, or leaves come, or another epoch has begun. A leader that was started to follow its
    /// own followers promises nothing, and can lead again.
    fn pledge(&self, epoch: u64, relayed: Option<Duration>) -> Result<(), Ended> {
        let is_heard = relayed.is_none_or(|age| age < self.start.elapsed());
        if is_heard || !self.waiting.is_empty() || epoch > self.follower.ledger.epoch() {
            return self.follower.accept_epoch(epoch);
        }
        Ok(())
    }

    /// Leaves a node through which no leader is heard, if there are others and it has nothing more:
    /// two followers may have found each other.
    fn require_in_touch(&self, relayed: Option<Duration>) -> Result<(), Ended> {
        let has_all = self.follower.ledger.durable().size == self.next;
        let age = relayed.filter(|age| *age > FOLLOW_RELAY_AGE_MAX);
        match age.filter(|_| has_all && self.follower.has_others()) {
            None => Ok(()),
            Some(age) => Err(lost(format!(
                "the node follows another one, which it last heard {} s ago",
                age.as_secs()
            ))),
        }
    }

    /// Has the leaves decoded that a root has confirmed.
    fn hand_on(&mut self) {
        let Some(Confirmed { count, root, .. }) = self.confirmed.take() else { return };
        self.due = Instant::now() + FOLLOW_GATHER_TIME;
        let first = self.next - self.waiting.len() as u64;
        let frames = self.waiting.drain(..count).collect();
        let leaves = Leaves { first, frames, root };
        let ledger = Arc::clone(&self.follower.ledger);
        let decode = move || ledger.decode(leaves);
        self.decoding.push_back(tokio::task::spawn_blocking(decode));
    }

    /// Applies everything that came with a root: the leader may never send it again.
    async fn finish(&mut self) {
        self.hand_on();
        while let Some(Ok(decoded)) = self.decoding.next().await {
            self.applying.push_back(Box::pin(self.follower.ledger.apply(decoded)));
        }
        while self.applying.next().await.is_some() {}
    }

    fn note_state(&self) {
        let ledger = &self.follower.ledger;
        let size = ledger.durable().size;
        ledger.note_contact(|contact| {
            contact.loss.clear();
            contact.state = match size >= contact.leader_size {
                true => FollowState::Following,
                false => FollowState::CatchingUp,
            };
        });
    }
}

/// The end of a sentence about a leader of another history: where the logs part, if that is below
/// this size of both and the leader tells it.
async fn parted(follower: &Follower, way: &Way, size: u64) -> String {
    let first = difference::first(&follower.ledger, way, size).await;
    first.map(|first| format!("; the logs differ from position {first} on")).unwrap_or_default()
}
