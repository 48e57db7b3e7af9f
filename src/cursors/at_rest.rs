//! Makes a store of cursors beside a log at rest: from cursors that were kept elsewhere, or from
//! another store. The log of the directory is not served, so there is no thread that writes.

use std::path::Path;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::{
    Change, CursorError, CursorState, Job, StoredFilter, Usage, examine::opened, store::Store,
};
use crate::limits::{CURSOR_GROUP_FILTERS_BYTES, CURSOR_GROUP_MAX};

/// A cursor with everything that is kept of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCursor {
    /// Its [key](super::key).
    pub key: String,
    /// Its state.
    pub state: CursorState,
    /// Its encoded filter.
    pub filter: Bytes,
}

/// Makes the store of a directory that has none, with these cursors. Gives how many they are.
///
/// # Errors
/// [`CursorError`], also for a cursor that is there twice, and the first error among the cursors.
pub fn make(
    directory: &Path,
    cursors: impl IntoIterator<Item = Result<StoredCursor, CursorError>>,
) -> Result<Usage, CursorError> {
    let mut store = Store::open(directory, &directory.join("cursors.redb"))?;
    store.require_known_format()?;
    store.note_lengths()?;
    let (mut group, mut bytes) = (Vec::new(), 0);
    for cursor in cursors {
        let StoredCursor { key: id, state, filter } = cursor?;
        bytes += filter.len();
        let (reply, _) = oneshot::channel();
        let change = Change::Create(state, filter);
        group.push(Job { id, change, made: Box::new(|| {}), reply });
        if group.len() >= CURSOR_GROUP_MAX || bytes >= CURSOR_GROUP_FILTERS_BYTES {
            write(&store, &std::mem::take(&mut group))?;
            bytes = 0;
        }
    }
    write(&store, &group)?;
    store.usage()
}

fn write(store: &Store, group: &[Job]) -> Result<(), CursorError> {
    let (answers, _) = store.write(group)?;
    answers.into_iter().try_for_each(|answer| answer.map(drop))
}

/// Copies all cursors of a directory whose lock nobody else holds into one that has none. The store
/// of the first stays as it is. Gives how many they are; `None` if there is no store.
///
/// # Errors
/// [`CursorError`].
pub fn copy(from: &Path, to: &Path) -> Result<Option<Usage>, CursorError> {
    let Some(store) = opened(from)? else { return Ok(None) };
    store.require_known_format()?;
    let states = store.list("", usize::MAX)?.into_iter();
    let stored = states.map(|(key, state)| match store.get(&key, u64::MAX)? {
        Some((_, StoredFilter::Read(filter))) => Ok(StoredCursor { key, state, filter }),
        _ => Err(CursorError::NotFound(key)),
    });
    make(to, stored).map(Some)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use uuid::Uuid;

    use super::{super::Cursors, *};

    fn cursor(number: usize) -> StoredCursor {
        let state = CursorState {
            next_position: number as u64,
            log_id: Uuid::from_u128(7),
            created_micros: 1,
            advanced_micros: number.is_multiple_of(2).then_some(9),
        };
        let filter = Bytes::from(vec![b'f'; number % 3 * 40]);
        StoredCursor { key: format!("cursor-{number:05}"), state, filter }
    }

    #[test]
    fn cursors_are_made_and_copied_with_everything() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        assert_eq!(copy(from.path(), to.path()).unwrap(), None);
        let all: Vec<_> = (0..2_500).map(cursor).collect();
        let made = make(from.path(), all.iter().cloned().map(Ok)).unwrap();
        assert_eq!(made.cursors, 2_500);
        let before = std::fs::read(from.path().join("cursors.redb")).unwrap();
        assert_eq!(copy(from.path(), to.path()).unwrap(), Some(made));
        assert!(std::fs::read(from.path().join("cursors.redb")).unwrap() == before, "it stays");
        let cursors = Cursors::open(to.path()).unwrap();
        assert_eq!(cursors.usage(), made);
        for StoredCursor { key, state, filter } in all {
            assert_eq!(cursors.get(&key).unwrap(), (state, filter), "{key}");
        }
        let twice = [cursor(1), cursor(1)].map(Ok);
        let other = tempfile::tempdir().unwrap();
        assert!(matches!(make(other.path(), twice), Err(CursorError::Exists(_))));
    }
}
