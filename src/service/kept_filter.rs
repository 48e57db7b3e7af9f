//! Filters of cursors. A long one takes much memory and time whenever it is read, and its length is
//! known before.

use std::sync::Arc;

use bytes::Bytes;
use prost::Message as _;
use tonic::Status;

use super::{
    cursor_errors::refused,
    errors,
    intake::{Budget, InFlight},
};
use crate::{
    cursors::{CursorError, Cursors, StoredFilter, key::id_of},
    domain::{Party, fault::RuleId},
    limits::{
        CURSOR_FILTER_SHOWN_BYTES_MAX, DECODED_ELEMENT_BYTES, FILTER_DESIGNEE_BYTES_MIN,
        FILTER_ELEMENTS_MAX,
    },
    protocol::pb,
};

/// The filter of a cursor.
pub(crate) enum CursorFilter {
    /// It was read.
    Read(pb::EventFilter),
    /// It is long.
    Long(LongFilter),
}

/// A filter that takes much memory and time to read.
pub(crate) struct LongFilter {
    pub(super) cursors: Arc<Cursors>,
    /// The memory of all requests, and of the filters that they read.
    pub(super) memory: Arc<Budget>,
    pub(super) party: Party,
    pub(super) key: String,
    /// Bytes of it as it is kept.
    pub(super) bytes: u64,
}

impl LongFilter {
    /// Reads it on this thread, which must be one that may block. Its memory, and that of the
    /// interest made of it, counts until the second one is dropped.
    pub(crate) fn read(&self) -> Result<(pb::EventFilter, InFlight), Status> {
        let bytes = usize::try_from(self.bytes).unwrap_or(usize::MAX);
        let counted = InFlight::more(&self.memory, self.party, long_filter_memory(bytes))?;
        // It may have been replaced by a longer one.
        let (_, filter) = self.cursors.find(&self.key, self.bytes).map_err(refused)?;
        match filter {
            StoredFilter::Read(filter) => Ok((decode(id_of(&self.key), filter)?, counted)),
            StoredFilter::Long(_) => {
                Err(refused(CursorError::NotFound(id_of(&self.key).to_owned())))
            }
        }
    }
}

/// The memory that a filter of so many bytes takes: as it is kept, decoded, and as an interest.
fn long_filter_memory(bytes: usize) -> usize {
    let elements = (bytes / FILTER_DESIGNEE_BYTES_MIN).min(FILTER_ELEMENTS_MAX);
    bytes.saturating_mul(2).saturating_add(elements * DECODED_ELEMENT_BYTES)
}

/// Decodes the filter of a cursor.
pub(super) fn decode(id: &str, filter: Bytes) -> Result<pb::EventFilter, Status> {
    pb::EventFilter::decode(filter).map_err(|error| {
        let detail = format!("the filter of cursor {id:?} cannot be read: {error}");
        refused(CursorError::Failed(detail))
    })
}

/// The filter of a stream that names a cursor. It may state the cursor's filter once more.
///
/// # Errors
/// INVALID_ARGUMENT if it states another one.
pub(crate) fn one_filter(
    kept: pb::EventFilter,
    asked: Option<pb::EventFilter>,
) -> Result<Option<pb::EventFilter>, Status> {
    let kept = Some(kept).filter(|kept| *kept != pb::EventFilter::default());
    let asked = asked.filter(|asked| *asked != pb::EventFilter::default());
    match (kept, asked) {
        (Some(kept), Some(asked)) if kept != asked => {
            Err(errors::bad_field("filter", "", RuleId::CursorFilterDiffers))
        }
        (kept, asked) => Ok(kept.or(asked)),
    }
}

/// What an answer says of a filter.
pub(crate) struct Shown {
    designees: usize,
    /// `None` if it is too large for an answer.
    filter: Option<pb::EventFilter>,
}

impl Shown {
    pub(crate) fn of(filter: pb::EventFilter) -> Self {
        let designees = filter.designees.len();
        let is_shown = filter.encoded_len() <= CURSOR_FILTER_SHOWN_BYTES_MAX;
        Self { designees, filter: Some(filter).filter(|_| is_shown) }
    }

    pub(crate) fn describe(self, cursor: &mut pb::Cursor) {
        cursor.filter_designee_count = u32::try_from(self.designees).unwrap_or(u32::MAX);
        cursor.filter = self.filter;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tonic::Code;
    use uuid::Uuid;

    use super::*;
    use crate::{
        cursors::{Change, CursorState},
        limits::{FILTER_REQUEST_BYTES_MAX, PARTY_IN_FLIGHT_BYTES_MAX},
        metrics::Metrics,
        service::intake::Intake,
    };

    #[tokio::test]
    async fn a_long_filter_of_a_cursor_counts_while_it_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let cursors = Arc::new(Cursors::open(dir.path()).unwrap());
        let designees = (0..10_000).map(|n| format!("local:330000/{n}")).collect();
        let filter = pb::EventFilter { designees, ..Default::default() };
        let state = CursorState {
            next_position: 0,
            log_id: Uuid::from_u128(7),
            created_micros: 1,
            advanced_micros: None,
        };
        let change = Change::Create(state, filter.encode_to_vec().into());
        cursors.change("bank", change).await.unwrap();
        let bytes = filter.encoded_len() as u64;
        assert_eq!(cursors.find("bank", 1_000).unwrap().1, StoredFilter::Long(bytes));
        let memory = long_filter_memory(filter.encoded_len());
        let long = |budget: usize, bytes| {
            let memory = Arc::clone(Intake::new(budget, &Metrics::new()).unwrap().budget());
            let (cursors, party, key) = (Arc::clone(&cursors), Party::Server, "bank".to_owned());
            LongFilter { cursors, memory, party, key, bytes }
        };
        let roomy = long(memory, bytes);
        let (read, counted) = roomy.read().unwrap();
        assert_eq!((read, roomy.memory.held()), (filter, memory));
        drop(counted);
        assert_eq!(roomy.memory.held(), 0);
        // It was replaced by a longer one meanwhile.
        assert_eq!(long(memory, bytes - 1).read().unwrap_err().code(), Code::NotFound);
    }

    #[test]
    fn memory_is_refused_before_a_filter_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let cursors = Arc::new(Cursors::open(dir.path()).unwrap());
        let most = long_filter_memory(FILTER_REQUEST_BYTES_MAX);
        assert!(most <= PARTY_IN_FLIGHT_BYTES_MAX);
        for (room, code) in [(most, Code::NotFound), (most - 1, Code::ResourceExhausted)] {
            // There is no such cursor, which only reading finds out.
            let memory = Arc::clone(Intake::new(room, &Metrics::new()).unwrap().budget());
            let (cursors, party, key) = (Arc::clone(&cursors), Party::Server, "none".to_owned());
            let bytes = FILTER_REQUEST_BYTES_MAX as u64;
            let long = LongFilter { cursors, memory, party, key, bytes };
            assert_eq!(long.read().unwrap_err().code(), code);
        }
    }
}
