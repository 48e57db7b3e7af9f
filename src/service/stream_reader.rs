//! Reads the events that a stream delivers next: those that match, as far as its caller may read
//! them.

use std::sync::Arc;

use bytes::Bytes;
use tonic::Status;

use super::{
    call::Call,
    questions::{Questions, Turn},
};
use crate::{
    ledger::{Ledger, Pace as _},
    limits::{STREAM_MATCHES_MAX, STREAM_SCAN_EVENTS_MAX, STREAM_SCAN_SLICE_EVENTS},
    log::{Chunk, LeafAt},
    register::{Interest, Sight},
};

/// Whose events, and which of them.
pub(super) struct StreamReader {
    pub(super) ledger: Arc<Ledger>,
    /// The caller, without the memory of the request.
    pub(super) call: Call,
    pub(super) reading: Questions,
    pub(super) interest: Arc<Interest>,
    /// What the caller may read.
    pub(super) sight: Sight,
    /// The caller is a node that follows: it gets the events that are withheld from all readers.
    pub(super) is_node: bool,
    /// Bytes of leaves of a message, before the last chunk is added.
    pub(super) message_bytes: usize,
}

/// Events that a stream delivers next.
pub(super) struct Found {
    /// Runs of leaves.
    pub(super) runs: Vec<Bytes>,
    /// The number of those leaves.
    pub(super) events: u64,
    /// The position after them, and after those that do not match.
    pub(super) next: u64,
    /// The place that follows the runs and is not told as an event.
    pub(super) withheld: Option<Untold>,
    /// The first position that is not among them because it is hidden from the caller.
    pub(super) hidden: Option<u64>,
}

/// A place of which a stream tells no event.
pub(super) struct Untold {
    pub(super) leaf: LeafAt,
    /// The content is erased, and the caller may read what is left. Otherwise it may not read it.
    pub(super) is_seen: bool,
}

impl StreamReader {
    /// The next events of `from..upto` that match. `any_hidden`: the first event that was hidden
    /// from the stream is known.
    pub(super) async fn find(
        &self,
        from: u64,
        upto: u64,
        any_hidden: bool,
    ) -> Result<Found, Status> {
        // From a caller who may read little, most events are hidden: the index knows the others.
        let is_sparse = self.sight.hides() && !self.sight.sees_public();
        if !self.interest.wants_all() || is_sparse {
            return self.matching_runs(from, upto, any_hidden).await;
        }
        if self.is_node {
            let chunks = self.ledger.stored_chunks(from, self.message_bytes).await?;
            return Ok(runs_of(&chunks, from, upto));
        }
        let chunks = self.ledger.chunks(from, self.message_bytes).await?;
        if self.sight.sees_all() {
            return Ok(runs_of(&chunks, from, upto));
        }
        let upto = upto.min(chunks.last().map_or(from, Chunk::next));
        if self.sight.hides() {
            return Ok(self.runs_between_hidden(&chunks, from, upto));
        }
        let unseen = self.ledger.first_unseen(&self.sight, from, upto);
        let mut found = runs_of(&chunks, from, unseen.unwrap_or(upto));
        if let Some(position) = unseen.filter(|unseen| *unseen == found.next) {
            let leaf = chunks.iter().flat_map(Chunk::leaves).find(|leaf| leaf.position == position);
            found.withheld = leaf.map(|leaf| Untold { leaf, is_seen: false });
        }
        Ok(found)
    }

    /// The leaves of chunks that are not hidden, up to the first withheld place.
    fn runs_between_hidden(&self, chunks: &[Chunk], from: u64, upto: u64) -> Found {
        let register = self.ledger.register();
        let mut all =
            Found { runs: Vec::new(), events: 0, next: from, withheld: None, hidden: None };
        while all.next < upto && all.withheld.is_none() {
            if !register.sees(&self.sight, all.next) {
                all.hidden.get_or_insert(all.next);
                all.next += 1;
                continue;
            }
            let unseen = register.first_unseen(&self.sight, all.next, upto);
            let more = runs_of(chunks, all.next, unseen.unwrap_or(upto));
            if more.next == all.next && more.withheld.is_none() {
                break;
            }
            all.runs.extend(more.runs);
            all.events += more.events;
            (all.next, all.withheld) = (more.next, more.withheld);
        }
        all
    }

    async fn matching_runs(&self, from: u64, upto: u64, any_hidden: bool) -> Result<Found, Status> {
        let upto = upto.min(from + STREAM_SCAN_EVENTS_MAX);
        let (positions, examined) = self.search(from, upto, any_hidden).await?;
        let seen = self.ledger.seen(&self.sight, &positions);
        let mut places: Vec<_> = positions.into_iter().zip(seen).collect();
        let mut hidden = None;
        if self.sight.hides() {
            hidden = places.iter().find(|(_, is_seen)| !is_seen).map(|(position, _)| *position);
            places.retain(|(_, is_seen)| *is_seen);
        }
        let positions: Vec<_> = places.iter().map(|(position, _)| *position).collect();
        let mut picked = self.ledger.pick(&positions, self.message_bytes).await?;
        let mut pairs = picked.iter().zip(&places);
        let untold = pairs.position(|(leaf, (_, is_seen))| leaf.withheld || !is_seen);
        let withheld = untold.and_then(|at| {
            let leaf = picked.split_off(at).swap_remove(0);
            places.get(at).map(|(_, is_seen)| Untold { leaf, is_seen: *is_seen })
        });
        // The events that did not fit are in the next message.
        let next = positions.get(picked.len()).copied().unwrap_or(examined);
        let events = picked.len() as u64;
        let runs = picked.into_iter().map(|leaf| leaf.framed).collect();
        Ok(Found { runs, events, next, withheld, hidden })
    }

    /// Matching positions below `upto`, and how far they were examined. A stream that is behind
    /// examines many events, in slices, when it is its turn.
    async fn search(
        &self,
        from: u64,
        upto: u64,
        any_hidden: bool,
    ) -> Result<(Vec<u64>, u64), Status> {
        let (ledger, interest) = (Arc::clone(&self.ledger), Arc::clone(&self.interest));
        // The first event that is hidden must be found; the index skips the others.
        let sight = any_hidden.then(|| self.sight.clone());
        let matching = move |at, to, most| match &sight {
            Some(sight) => ledger.matching_for((&interest, sight), at, to, most),
            None => ledger.matching(&interest, at, to, most),
        };
        let mut at = from;
        if upto - at <= STREAM_SCAN_SLICE_EVENTS {
            return Ok(matching(at, upto, STREAM_MATCHES_MAX));
        }
        let question = move |turn: &mut Turn| {
            let mut found = Vec::new();
            while at < upto && found.len() < STREAM_MATCHES_MAX {
                let to = upto.min(at + STREAM_SCAN_SLICE_EVENTS);
                let (more, next) = matching(at, to, STREAM_MATCHES_MAX - found.len());
                found.extend(more);
                if next <= at {
                    break;
                }
                at = next;
                turn.step()?;
            }
            Ok((found, at))
        };
        self.reading.ask(&self.call, question).await
    }
}

/// The leaves of chunks from a position on, up to the first withheld place.
fn runs_of(chunks: &[Chunk], from: u64, upto: u64) -> Found {
    let (mut runs, mut next, hidden) = (Vec::with_capacity(chunks.len()), from, None);
    for chunk in chunks {
        let end = chunk.next().min(upto);
        let is_withheld = |leaf: &LeafAt| leaf.withheld && (next..end).contains(&leaf.position);
        let withheld = chunk.has_withheld().then(|| chunk.leaves().find(is_withheld)).flatten();
        let end = withheld.as_ref().map_or(end, |place| place.position);
        if next < end {
            runs.push(chunk.slice(next, end));
            next = end;
        }
        if let Some(leaf) = withheld {
            let withheld = Some(Untold { leaf, is_seen: true });
            return Found { runs, events: next - from, next, withheld, hidden };
        }
    }
    Found { runs, events: next - from, next, withheld: None, hidden }
}
