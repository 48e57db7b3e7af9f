//! The server's side of a mirror: follows the log in groups, and asks after each of them for what
//! its events may have changed.
//!
//! A group ends where a commit ends, because answers are for a log size between two commits. All
//! of its answers are as of that size, so a transaction shows the register of one moment.

use std::{
    collections::{HashSet, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use prost::Message as _;
use tokio::{
    sync::mpsc::{Sender, error::SendError},
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Streaming};
use tonic_types::StatusExt as _;

use super::{
    super::{follow::tell, read_ahead::heard},
    apply::Step,
    ask::answered,
};
use crate::{
    cli::{CliError, client::Client},
    lang::say,
    limits::{
        HEARTBEAT_DEFAULT, MIRROR_GATHER_MAX, MIRROR_GROUP_BYTES, MIRROR_GROUP_EVENTS,
        MIRROR_PAGE_ENTRIES, MIRROR_QUESTIONS_MAX, WATCH_SILENCE_MAX,
    },
    mirror::{
        Loading, Place, Row, rows,
        schema::{BATCHES, DESIGNEES, EVENTS, IDENTIFIERS, TITLES},
    },
    protocol::{
        batch::LeafBatch,
        json::Json,
        pb::{self, as_of::Known, subscribe_request::Start, subscribe_response::Payload},
    },
};

/// An event that waits for its group.
struct Pending {
    position: u64,
    row: Row,
    bytes: usize,
    /// The commit's first position and the one after its last, if the caller may know them.
    commit: Option<(u64, u64)>,
}

/// Follows the log, and brings steps.
pub(super) struct Feed {
    client: Client,
    stream: Streaming<pb::SubscribeResponse>,
    json: Json,
    /// The place that the steps so far lead to.
    place: Place,
    /// Every event below it was delivered.
    next: u64,
    pending: VecDeque<Pending>,
    /// Up to here a group cannot end: the commit is not complete.
    stuck_at: u64,
    has_ended: bool,
    pub(super) log_size: Arc<AtomicU64>,
    stop: CancellationToken,
}

/// Takes the steps.
type Steps = Sender<Step>;

impl Feed {
    /// Begins to follow the log from a place on.
    pub(super) async fn open(
        mut client: Client,
        place: Place,
        stop_position: Option<u64>,
        stop: CancellationToken,
    ) -> Result<Self, CliError> {
        let request = pb::SubscribeRequest {
            start: Some(Start::FromPosition(place.next_position)),
            log_id: place.log_id.clone(),
            stop_position,
            heartbeat_interval: HEARTBEAT_DEFAULT.try_into().ok(),
            ..Default::default()
        };
        let stream = heard(client.ledger.subscribe(request)).await?.into_inner();
        Ok(Self {
            client,
            stream,
            json: Json::new()?,
            next: place.next_position,
            stuck_at: place.next_position,
            place,
            pending: VecDeque::new(),
            has_ended: false,
            log_size: Arc::default(),
            stop,
        })
    }

    /// Brings group after group, until the stream ends or it is told to stop.
    pub(super) async fn run(mut self, steps: Steps) -> Result<(), CliError> {
        match self.feed(&steps).await {
            // The database has ended, and says why.
            Err(Ended::Unheard) => Ok(()),
            Err(Ended::Failed(error)) => Err(error),
            Ok(()) => Ok(()),
        }
    }

    async fn feed(&mut self, steps: &Steps) -> Result<(), Ended> {
        loop {
            if let Some(loading) = self.place.loading.clone() {
                self.load(loading, steps).await?;
            }
            if self.stop.is_cancelled() || !self.gather().await? {
                return Ok(());
            }
            if let Some(upto) = self.end_of_group() {
                self.group(upto, steps).await?;
            }
        }
    }

    /// Waits until there is a group: as many events as are there, within the bounds. False if
    /// there is none and none comes.
    async fn gather(&mut self) -> Result<bool, CliError> {
        loop {
            let has_some = self.next > self.stuck_at;
            let bytes: usize = self.pending.iter().map(|event| event.bytes).sum();
            let is_full = self.pending.len() >= MIRROR_GROUP_EVENTS || bytes >= MIRROR_GROUP_BYTES;
            if has_some && (is_full || self.has_ended) {
                return Ok(true);
            }
            if self.has_ended {
                return Ok(false);
            }
            let wait = if has_some { MIRROR_GATHER_MAX } else { WATCH_SILENCE_MAX };
            let message = tokio::select! {
                biased;
                () = self.stop.cancelled() => return Ok(false),
                message = timeout(wait, self.stream.message()) => message,
            };
            match message {
                Err(_) if has_some => return Ok(true),
                Err(_) => return Err(CliError::Silent),
                Ok(message) => self.take(message?)?,
            }
        }
    }

    fn take(&mut self, message: Option<pb::SubscribeResponse>) -> Result<(), CliError> {
        let Some(message) = message else {
            self.has_ended = true;
            return Ok(());
        };
        match message.payload {
            Some(Payload::Events(batch) | Payload::RawEvents(batch)) => self.take_batch(&batch)?,
            Some(Payload::Withheld(place)) => {
                let (position, row) = rows::withheld(&place);
                let commit = place.commit.and_then(|commit| ends(&commit));
                let bytes = place.encoded_len();
                self.pending.push_back(Pending { position, row, bytes, commit });
                self.next = position + 1;
            }
            Some(Payload::Progress(progress)) => {
                self.next = self.next.max(progress.next_position);
                self.log_size.fetch_max(progress.log_size, Ordering::SeqCst);
            }
            None => {}
        }
        Ok(())
    }

    fn take_batch(&mut self, batch: &LeafBatch) -> Result<(), CliError> {
        for leaf in &batch.leaves {
            let (position, commit, row) = rows::event(&self.json, leaf)?;
            let commit = commit.as_ref().and_then(ends);
            self.pending.push_back(Pending { position, row, bytes: leaf.len(), commit });
        }
        self.next = self.next.max(batch.next_position);
        self.log_size.fetch_max(self.next, Ordering::SeqCst);
        Ok(())
    }

    /// The log size at which the group may end: behind its last complete commit, as far as the
    /// caller may know.
    fn end_of_group(&mut self) -> Option<u64> {
        let last = self.pending.back().and_then(|event| event.commit);
        let upto = match last {
            Some((first, end)) if end > self.next => first,
            _ => self.next,
        };
        if upto > self.place.next_position {
            return Some(upto);
        }
        self.stuck_at = self.next;
        None
    }

    /// Brings one group: the events below a log size, and the answers that they may have changed.
    async fn group(&mut self, upto: u64, steps: &Steps) -> Result<(), Ended> {
        let from = self.place.next_position;
        let mut answers = Answers::new(Some(from), upto, String::new());
        let first = answers.page(&self.client).await?;
        let known_at = known_at(&first).unwrap_or(upto);
        if known_at <= from {
            // The server knows that a commit goes on where the caller does not.
            self.stuck_at = self.next;
            return Ok(());
        }
        answers.known_at = known_at;
        let (mut keys, mut events) = (Vec::new(), Vec::new());
        while let Some(event) = self.pending.pop_front_if(|event| event.position < known_at) {
            events.push(event.row);
        }
        send(steps, Step::Replace(&EVENTS, Vec::new(), events)).await?;
        let mut place = Place { next_position: known_at, ..self.place.clone() };
        let rules_version = first.as_of.as_ref().map_or(0, |as_of| as_of.rules_version);
        let mut page = Some(first);
        while let Some(answer) = page {
            keys.extend(answer.withheld_positions.iter().filter(|at| **at < known_at).copied());
            answers.bring(answer, steps).await?;
            page = match answers.token.is_empty() {
                true => None,
                false => Some(answers.page(&self.client).await?),
            };
        }
        answers.bring_batches(&self.client, steps).await?;
        self.bring_withheld(keys, steps).await?;
        if rules_version != place.rules_version {
            tell(&say!(
                en: "version {rules_version} of the rules is in force at position {known_at}; \
                     asking for all titles again",
                zh: "自位置 {known_at} 起适用规则版本 {rules_version}，将重新读取全部称号"
            ));
            place.rules_version = rules_version;
            place.loading = Some(Loading { known_at, token: String::new() });
        }
        self.commit(place, steps).await?;
        self.stuck_at = known_at;
        Ok(())
    }

    /// Asks for all titles as of a log size, from a page on, each page in a transaction.
    async fn load(&mut self, loading: Loading, steps: &Steps) -> Result<(), Ended> {
        let mut answers = Answers::new(None, loading.known_at, loading.token);
        loop {
            let page = answers.page(&self.client).await;
            let page = match page {
                // The token of an earlier process may be of no use any more.
                Err(CliError::Status(status))
                    if status.code() == Code::InvalidArgument && !answers.token.is_empty() =>
                {
                    answers.token.clear();
                    continue;
                }
                page => page?,
            };
            answers.bring(page, steps).await?;
            answers.bring_batches(&self.client, steps).await?;
            if answers.token.is_empty() {
                break;
            }
            let loading = Loading { known_at: loading.known_at, token: answers.token.clone() };
            self.commit(Place { loading: Some(loading), ..self.place.clone() }, steps).await?;
            if self.stop.is_cancelled() {
                return Ok(());
            }
        }
        send(steps, Step::Sweep(loading.known_at)).await?;
        self.commit(Place { loading: None, ..self.place.clone() }, steps).await
    }

    async fn commit(&mut self, place: Place, steps: &Steps) -> Result<(), Ended> {
        self.place = place.clone();
        send(steps, Step::Commit(Box::new(place))).await
    }

    /// Replaces events that are withheld from now on by their places.
    async fn bring_withheld(&mut self, positions: Vec<u64>, steps: &Steps) -> Result<(), Ended> {
        for position in positions {
            let request = pb::GetEventRequest { position: Some(position), raw: false };
            let answer = heard(self.client.ledger.get_event(request)).await;
            let row = match answer {
                Ok(answer) => answer.into_inner().withheld.map(|place| rows::withheld(&place).1),
                // One that is hidden from the caller was never in the copy.
                Err(CliError::Status(status)) if is_hidden(&status) => continue,
                Err(error) => return Err(error.into()),
            };
            let keys = vec![vec![rows::number(position)]];
            send(steps, Step::Replace(&EVENTS, keys, row.into_iter().collect())).await?;
        }
        Ok(())
    }
}

/// The first position of a commit, and the one after its last.
fn ends(commit: &pb::Commit) -> Option<(u64, u64)> {
    let first = commit.first_position?;
    Some((first, first + u64::from(commit.size)))
}

fn known_at(answer: &pb::ListTimelinesResponse) -> Option<u64> {
    answer.as_of.as_ref()?.known_at
}

fn is_hidden(status: &tonic::Status) -> bool {
    status.code() == Code::PermissionDenied
        && status.get_details_error_info().is_none_or(|info| info.reason != "NOT_ENTITLED")
}

/// Answers of one log size that come in pages.
struct Answers {
    changed_from: Option<u64>,
    known_at: u64,
    /// Of the next page; empty after the last one.
    token: String,
    /// Batches to ask for.
    batches: HashSet<(String, String, String)>,
    /// Batches that were asked for.
    asked: HashSet<(String, String, String)>,
}

impl Answers {
    fn new(changed_from: Option<u64>, known_at: u64, token: String) -> Self {
        let (batches, asked) = (HashSet::new(), HashSet::new());
        Self { changed_from, known_at, token, batches, asked }
    }

    fn as_of(&self, valid_on: Option<pb::google::r#type::Date>) -> Option<pb::AsOf> {
        Some(pb::AsOf { valid_on, known: Some(Known::KnownAt(self.known_at)) })
    }

    async fn page(&mut self, client: &Client) -> Result<pb::ListTimelinesResponse, CliError> {
        let request = pb::ListTimelinesRequest {
            changed_from: self.changed_from,
            as_of: self.as_of(None),
            page_size: i32::try_from(MIRROR_PAGE_ENTRIES).unwrap_or(i32::MAX),
            page_token: self.token.clone(),
        };
        answered(|| {
            let (mut client, request) = (client.register.clone(), request.clone());
            async move { client.list_timelines(request).await }
        })
        .await
    }

    /// Brings the rows of a page, and notes its batches and the token of the next one.
    async fn bring(&mut self, page: pb::ListTimelinesResponse, steps: &Steps) -> Result<(), Ended> {
        self.token = page.next_page_token;
        let names = page.batches.into_iter();
        let names = names.map(|batch| (batch.programme, batch.authority, batch.batch));
        self.batches.extend(names.filter(|name| !self.asked.contains(name)));
        let (mut keys, mut identifiers) = (Vec::new(), Vec::new());
        let (mut designees, mut titles) = (Vec::new(), Vec::new());
        for timeline in &page.timelines {
            let (subject, at) = (timeline.subject.as_str(), self.known_at);
            for id in &timeline.identifiers {
                keys.push(vec![rows::Value::Text(id.clone())]);
                if timeline.is_known {
                    identifiers.push(rows::identifier(subject, id, at));
                }
            }
            let stretches = timeline.designee_stretches.iter();
            designees.extend(stretches.map(|stretch| rows::designee(subject, stretch, at)));
            let stretches = timeline.title_stretches.iter();
            titles.extend(stretches.map(|stretch| rows::title(subject, stretch, at)));
        }
        send(steps, Step::Replace(&IDENTIFIERS, keys.clone(), identifiers)).await?;
        send(steps, Step::Replace(&DESIGNEES, keys.clone(), designees)).await?;
        send(steps, Step::Replace(&TITLES, keys, titles)).await
    }

    /// Asks for the batches that the pages have named, and brings their rows.
    async fn bring_batches(&mut self, client: &Client, steps: &Steps) -> Result<(), Ended> {
        let mut asking = JoinSet::new();
        let mut names: Vec<_> = self.batches.drain().collect();
        self.asked.extend(names.iter().cloned());
        loop {
            while let Some(name) = names.pop_if(|_| asking.len() < MIRROR_QUESTIONS_MAX) {
                let client = client.register.clone();
                let (programme, authority, batch) = name.clone();
                let as_of = self.as_of(Some(rows::last_day_of_all()));
                let request = pb::GetBatchRequest { programme, authority, batch, as_of };
                let answer = answered(move || {
                    let (mut client, request) = (client.clone(), request.clone());
                    async move { client.get_batch(request).await }
                });
                asking.spawn(async move { (name, answer.await) });
            }
            let Some(answered) = asking.join_next().await else { return Ok(()) };
            let Ok(((programme, authority, batch), answer)) = answered else { continue };
            let rows = match answer {
                Ok(answer) => rows::batch(&answer, self.known_at),
                // Nothing is known of it any more, or the caller may not know it.
                Err(CliError::Status(status)) if status.code() == Code::NotFound => Vec::new(),
                Err(error) => return Err(error.into()),
            };
            let key = [programme, authority, batch].map(rows::Value::Text).to_vec();
            send(steps, Step::Replace(&BATCHES, vec![key], rows)).await?;
        }
    }
}

/// Why the feed ends.
enum Ended {
    /// Nobody takes its steps any more.
    Unheard,
    Failed(CliError),
}

impl From<CliError> for Ended {
    fn from(error: CliError) -> Self {
        Self::Failed(error)
    }
}

impl From<SendError<Step>> for Ended {
    fn from(_: SendError<Step>) -> Self {
        Self::Unheard
    }
}

async fn send(steps: &Steps, step: Step) -> Result<(), Ended> {
    Ok(steps.send(step).await?)
}
