//! Leaves that were decoded, on their way into the state: those of a start, and those of another
//! machine.

use bytes::Bytes;

use super::{format, place, state::State};
use crate::{
    domain::{catalogue::Catalogues, event::Event},
    limits::WRITE_SLICE_EVENTS,
    log::{FORMAT_SECOND, LeafAt, LogError},
    merkle::Hash,
    protocol::{leaf::Withheld, time, withheld},
};

/// A decoded event, to be applied.
pub(super) struct Decoded {
    pub(super) position: u64,
    content: Content,
    /// Position of the first event of its commit, as its envelope states it.
    pub(super) commit_first: u64,
    recorded_by: Bytes,
    pub(super) request_id: Bytes,
    recorded_micros: Option<i64>,
    hash: Hash,
    pub(super) ends_commit: bool,
    /// The format that the leaf needs.
    needs: u16,
}

/// The content of a place. That of a withheld one is read in order, once all catalogues before it
/// are known.
enum Content {
    Event(Event),
    Withheld(Withheld),
}

impl Decoded {
    /// Decodes a leaf with this hash. `read` reads the event in it.
    ///
    /// # Errors
    /// [`LogError::Damaged`], and those of `read`.
    pub(super) fn of(
        found: &LeafAt,
        hash: Hash,
        read: &mut impl FnMut(u64, &[u8]) -> Result<Event, LogError>,
    ) -> Result<Self, LogError> {
        let position = found.position;
        let leaf = place::envelope(found)?;
        if leaf.position != Some(position) {
            let detail = "an event has the position of another one";
            return Err(LogError::damaged(position, detail));
        }
        let commit = leaf.commit.unwrap_or_default();
        let commit_first = commit.first_position.unwrap_or(position);
        let end = commit_first.saturating_add(commit.size.into());
        let (content, needs) = if found.withheld {
            (Content::Withheld(place::withheld_at(found)?), FORMAT_SECOND)
        } else {
            let event = read(position, &leaf.event)?;
            let needs = format::needed(&leaf, &event);
            (Content::Event(event), needs)
        };
        Ok(Self {
            position,
            commit_first,
            ends_commit: end <= position + 1,
            needs,
            content,
            // Only with a request id does anybody ask.
            recorded_by: if leaf.request_id.is_empty() { Bytes::new() } else { leaf.recorded_by },
            request_id: leaf.request_id,
            recorded_micros: leaf.recorded_time.as_ref().map(time::micros),
            hash,
        })
    }

    /// The event, unless it is withheld.
    pub(super) fn event(&self) -> Option<&Event> {
        match &self.content {
            Content::Event(event) => Some(event),
            Content::Withheld(_) => None,
        }
    }
}

/// Applies and seals a commit; gives the format that its leaves need. Readers have their turn
/// between slices of it.
///
/// # Errors
/// [`LogError::Damaged`] if a withheld place cannot be read. The state is then unchanged.
pub(super) fn seal_commit(
    state: &mut State,
    commit: &[Decoded],
    catalogues: &Catalogues,
) -> Result<u16, LogError> {
    let mut staging = state.begin();
    for (slice, events) in commit.chunks(WRITE_SLICE_EVENTS).enumerate() {
        if slice > 0 {
            staging.give_way();
        }
        for decoded in events {
            match &decoded.content {
                Content::Event(event) => staging.stage(event),
                Content::Withheld(place) => {
                    let damaged = |detail| LogError::damaged(decoded.position, detail);
                    let withheld = withheld::stored(catalogues, place).map_err(damaged)?;
                    staging.stage_withheld(&withheld);
                }
            }
        }
    }
    let staged = staging.accept();
    let hashes: Vec<_> = commit.iter().map(|decoded| decoded.hash).collect();
    let first = commit.first();
    let request = first.map(|first| (first.recorded_by.as_ref(), first.request_id.as_ref()));
    let request = request.filter(|(_, id)| !id.is_empty());
    let recorded_micros = commit.last().and_then(|last| last.recorded_micros);
    let needs = commit.iter().map(|decoded| decoded.needs).max().unwrap_or(0);
    state.seal(staged, &hashes, request, recorded_micros, needs);
    Ok(needs)
}
