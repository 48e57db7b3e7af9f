//! LedgerService: appends, reads and streams events.

use std::{pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use prost::Message as _;
use tokio_stream::Stream;
use tonic::Status;
use tracing::Instrument as _;

use super::{
    adoption::PendingAdoption,
    append::{is_short, read_commit},
    arrival::Named,
    call::Call,
    convert,
    entitled::not_entitled,
    errors, event_range, filter,
    intake::InFlight,
    page::{Page, arrive},
    proposals,
    questions::{Questions, Turn},
    rate::EventRates,
    room::Room,
    shown::Shown,
    subscribe::Streams,
    tracing_calls::part,
};
use crate::{
    domain::fault::{Faults, RuleId},
    ledger::{AppendError, Commit, Ledger, Pace as _, ReadError, Receipt, Unhurried, place},
    limits::{APPEND_LISTS_BYTES_MAX, DECODE_SLICE_EVENTS, PAGE_BYTES, REJECTIONS_MAX},
    protocol::{append::ReceivedCommit, pb, time::timestamp},
    register::{Interest, Sight},
};

/// The messages of one Subscribe.
pub(super) type SubscribeStream =
    Pin<Box<dyn Stream<Item = Result<pb::SubscribeResponse, Status>> + Send>>;

/// The label of the faults of a commit that are only counted.
const UNLISTED: &str = "UNLISTED";

/// The service.
#[derive(Clone)]
pub(crate) struct LedgerApi {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) questions: Questions,
    pub(crate) adoption: Arc<PendingAdoption>,
    /// The gate of large commits and long filters that are read.
    pub(crate) reading: Questions,
    pub(crate) streams: Streams,
    pub(crate) rates: EventRates,
    /// A commit that takes as long gets a log line.
    pub(crate) slow_commit: Duration,
}

impl LedgerApi {
    pub(super) async fn append(
        &self,
        mut call: Call,
        request: ReceivedCommit,
    ) -> Result<pb::AppendResponse, Status> {
        let (validate_only, party) = (request.validate_only, call.party);
        if !validate_only && let Some(why) = self.ledger.audit_failure() {
            return Err(errors::refusal(AppendError::AuditFailed(why)));
        }
        let catalogue = self.ledger.catalogue();
        let read = if is_short(&request) {
            read_commit(catalogue, &call, request, &mut Unhurried)?
        } else {
            let (of_call, catalogue) = (call.clone(), Arc::clone(catalogue));
            let read = move |turn: &mut Turn| read_commit(&catalogue, &of_call, request, turn);
            self.reading.ask(&call, read).instrument(part("read")).await?
        };
        if read.faults.total() > 0 && !validate_only {
            self.count_faults(&read.faults);
            return Err(errors::malformed(&read.faults));
        }
        if let (Some(proposal), Some(root)) = (&read.approved, &read.content_root) {
            proposals::require_of(proposal, &self.ledger, root)?;
        }
        let decided = if validate_only {
            self.try_out(&call, read.commit).await?
        } else {
            self.rates.take(party, read.count)?;
            self.adoption.settle(&self.ledger).await?;
            let held = call.memory.take().map(InFlight::held);
            self.ledger.append_holding(read.commit, held).instrument(part("record")).await
        };
        let shown = Shown::to(&self.ledger, &call);
        let mut receipt = match decided {
            Ok(receipt) => shown.receipt(receipt),
            Err(refused) => {
                if let AppendError::Rejected(faults) = &refused {
                    self.count_faults(faults);
                }
                return Err(shown.refusal(refused));
            }
        };
        receipt.rejections = read.faults.merged(receipt.rejections);
        if !receipt.replayed {
            receipt.warnings = read.warnings.merged(receipt.warnings);
        }
        let mut answer = self.answer(receipt, read.count);
        if let Some(root) = read.content_root.filter(|_| validate_only) {
            answer.content_root = Bytes::copy_from_slice(&root);
        }
        let is_accepted = answer.rejection_count == 0 && !answer.replayed;
        if let Some(draft) = read.draft.filter(|_| is_accepted) {
            draft.seal(&self.ledger, &mut answer);
        }
        Ok(answer)
    }

    pub(super) async fn get_event(
        &self,
        call: Call,
        request: pb::GetEventRequest,
    ) -> Result<pb::GetEventResponse, Status> {
        let position = request
            .position
            .ok_or_else(|| errors::bad_field("position", "", RuleId::FieldRequired))?;
        Named { field: "position", position }.recorded(&self.ledger, &call).await?;
        let sight = call.sight(&self.ledger);
        let is_seen = self.ledger.first_unseen(&sight, position, position + 1).is_none();
        if !is_seen && sight.hides() {
            let at = [("field", "position".to_owned()), ("value", position.to_string())];
            return Err(not_entitled(
                call.name(),
                "read",
                "its rights do not reach this event",
                at,
            ));
        }
        let leaf = self.ledger.leaf(position).await?;
        if !is_seen {
            let withheld = Some(place::unseen_at(&leaf).map_err(ReadError::from)?);
            return Ok(pb::GetEventResponse { withheld, ..Default::default() });
        }
        if leaf.withheld {
            let withheld = Some(place::withheld_at(&leaf).map_err(ReadError::from)?);
            return Ok(pb::GetEventResponse { withheld, ..Default::default() });
        }
        let event = Some(decode(position, &leaf.bytes)?);
        let leaf = if request.raw { leaf.bytes } else { Bytes::new() };
        Ok(pb::GetEventResponse { event, leaf, withheld: None })
    }

    pub(super) async fn list_events(
        &self,
        call: Call,
        request: pb::ListEventsRequest,
    ) -> Result<pb::ListEventsResponse, Status> {
        let (page, interest) = self.read_page(&call, request).await?;
        let sight = call.sight(&self.ledger);
        let (positions, next) = self.select(&call, interest, sight.clone(), &page).await?;
        let picked = self.ledger.pick(&positions, PAGE_BYTES).await?;
        let seen = self.ledger.seen(&sight, &positions);
        let cut = positions.get(picked.len()).copied();
        let next_page_token = page.token_after(cut, next);
        let mut answer = pb::ListEventsResponse { next_page_token, ..Default::default() };
        for (i, (leaf, is_seen)) in picked.iter().zip(seen).enumerate() {
            if i > 0 && i % DECODE_SLICE_EVENTS == 0 {
                tokio::task::yield_now().await;
            }
            if !is_seen {
                answer.withheld.push(place::unseen_at(leaf).map_err(ReadError::from)?);
            } else if leaf.withheld {
                answer.withheld.push(place::withheld_at(leaf).map_err(ReadError::from)?);
            } else {
                answer.events.push(decode(leaf.position, &leaf.bytes)?);
            }
        }
        Ok(answer)
    }

    pub(super) async fn subscribe(
        &self,
        call: Call,
        request: pb::SubscribeRequest,
    ) -> Result<SubscribeStream, Status> {
        let stream = self.streams.open(&call, request).await?;
        Ok(Box::pin(stream))
    }
}

impl LedgerApi {
    /// Counts the faults for which a commit is refused. Only the first of them are kept.
    fn count_faults(&self, faults: &Faults) {
        let rejections = &self.ledger.metrics().event_rejections_total;
        for fault in faults.iter() {
            rejections.with([convert::reason(fault.reason())]).inc();
        }
        let unlisted = faults.total().saturating_sub(faults.len());
        if unlisted > 0 {
            rejections.with([UNLISTED]).add(unlisted as u64);
        }
    }

    /// Decides a commit and records nothing, without a turn of the writer.
    async fn try_out(
        &self,
        call: &Call,
        commit: Commit,
    ) -> Result<Result<Receipt, AppendError>, Status> {
        let ledger = Arc::clone(&self.ledger);
        let question = move |turn: &mut Turn| Ok(ledger.trial(&commit, turn)?);
        self.questions.ask(call, question).await
    }

    fn answer(&self, receipt: Receipt, count: usize) -> pb::AppendResponse {
        let number = |items: usize| u32::try_from(items).unwrap_or(u32::MAX);
        // A validated commit with unreadable events still counts all of them in its size.
        let next = match receipt.recorded_micros {
            Some(_) => receipt.next,
            None => receipt.first + count as u64,
        };
        let mut room = Room::of(APPEND_LISTS_BYTES_MAX);
        let catalogues = self.ledger.catalogues();
        let change = |(index, change)| convert::change(index, change, catalogues);
        pb::AppendResponse {
            first_position: Some(receipt.first),
            next_position: next,
            log_id: self.ledger.log_id().to_string(),
            recorded_time: receipt.recorded_micros.map(timestamp),
            replayed: receipt.replayed,
            rejection_count: number(receipt.rejections.total()),
            rejections: room
                .fill(REJECTIONS_MAX, receipt.rejections.into_iter().map(convert::rejection))
                .0,
            warning_count: number(receipt.warnings.total()),
            warning_counts: warning_counts(&receipt.warnings),
            warnings: room
                .fill(REJECTIONS_MAX, receipt.warnings.into_iter().map(convert::warning))
                .0,
            change_count: number(receipt.change_count),
            changes: room.fill(REJECTIONS_MAX, receipt.changes.into_iter().map(change)).0,
            ..Default::default()
        }
    }

    /// Reads a request for a page, and its filter. A page token belongs to its filter, so both take
    /// long if that is long.
    async fn read_page(
        &self,
        call: &Call,
        request: pb::ListEventsRequest,
    ) -> Result<(Page, Interest), Status> {
        arrive(&self.ledger, call, &request.page_token).await?;
        let (range, size) = event_range::wanted(&self.ledger, call, &request).await?;
        match &request.filter {
            None => Ok((Page::read(&request, &range, size)?, Interest::default())),
            Some(filter) if filter::is_short(filter) => {
                let page = Page::read(&request, &range, size)?;
                Ok((page, filter::at_once(&self.ledger, filter).await?))
            }
            Some(_) => {
                let ledger = Arc::clone(&self.ledger);
                let read = move |turn: &mut Turn| {
                    let page = Page::read(&request, &range, size)?;
                    let filter = request.filter.unwrap_or_default();
                    Ok((page, filter::in_slices(&ledger, &filter, turn)?))
                };
                self.reading.ask(call, read).await
            }
        }
    }

    /// Positions of a page, in its order, and the start of the next one.
    async fn select(
        &self,
        call: &Call,
        interest: Interest,
        sight: Sight,
        page: &Page,
    ) -> Result<(Vec<u64>, Option<u64>), Status> {
        let Page { least, from, upto, size, descending, .. } = *page;
        if interest.wants_all() && !sight.hides() {
            return Ok(page.all());
        }
        let ledger = Arc::clone(&self.ledger);
        let question = move |turn: &mut Turn| {
            let wanted = (&interest, &sight);
            if descending {
                let (mut found, next) = ledger.register().matching_before_for(wanted, from, size);
                found.truncate(found.partition_point(|position| *position >= least));
                return Ok((found, next.filter(|next| *next > least)));
            }
            let (mut found, mut at) = (Vec::new(), from);
            while at < upto && found.len() < size {
                let (more, next) = ledger.matching_for(wanted, at, upto, size - found.len());
                found.extend(more);
                at = next;
                turn.step()?;
            }
            Ok((found, (at < upto).then_some(at)))
        };
        self.questions.ask(call, question).await
    }
}

/// The number of all warnings by reason, also of those that the answer does not list.
fn warning_counts(warnings: &Faults) -> Vec<pb::WarningCount> {
    let counts = warnings.by_reason(convert::reason).into_iter();
    let count = |(reason, count): (&str, usize)| pb::WarningCount {
        reason: reason.to_owned(),
        count: u32::try_from(count).unwrap_or(u32::MAX),
    };
    counts.map(count).collect()
}

/// Reads the leaf at a position.
pub(crate) fn decode(position: u64, leaf: &Bytes) -> Result<pb::RecordedEvent, ReadError> {
    let decoded = pb::RecordedEvent::decode(leaf.clone());
    decoded.map_err(|error| ReadError::damaged(position, error.to_string()))
}
