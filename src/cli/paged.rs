//! Lists that come in pages.

use super::CliError;
use crate::{lang::word, limits::PAGE_EVENTS_MAX};

/// A part of a list that was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Rows taken.
    pub(crate) count: usize,
    /// True if the list goes on.
    pub(crate) has_more: bool,
}

impl Listed {
    /// The part of a summary that tells that the list goes on.
    pub(crate) fn more(self) -> &'static str {
        if !self.has_more {
            return "";
        }
        word!(en: "; there are more (-n)", zh: "，还有更多（-n）")
    }
}

/// Reads pages until `limit` rows were taken or the list ends. `fetch` gets the size and the token
/// of a page, and returns its rows and the token of the next one.
pub(crate) async fn paged<T>(
    limit: usize,
    mut fetch: impl AsyncFnMut(i32, String) -> Result<(Vec<T>, String), CliError>,
    mut take: impl FnMut(&T) -> Result<(), CliError>,
) -> Result<Listed, CliError> {
    let mut listed = Listed::default();
    let mut token = String::new();
    while listed.count < limit {
        let left = limit - listed.count;
        let size = i32::try_from(left.min(PAGE_EVENTS_MAX)).unwrap_or(i32::MAX);
        let (rows, next) = fetch(size, token).await?;
        rows.iter().try_for_each(&mut take)?;
        listed.count += rows.len();
        listed.has_more = !next.is_empty();
        if !listed.has_more {
            break;
        }
        token = next;
    }
    Ok(listed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pages of up to four of ten numbers.
    async fn list(limit: usize) -> (Vec<usize>, Listed, Vec<i32>) {
        let (mut taken, mut sizes) = (Vec::new(), Vec::new());
        let fetch = async |size: i32, token: String| {
            sizes.push(size);
            let first: usize = token.parse().unwrap_or(0);
            let end = (first + usize::try_from(size).unwrap().min(4)).min(10);
            let next = if end < 10 { end.to_string() } else { String::new() };
            Ok(((first..end).collect(), next))
        };
        let take = |row: &usize| {
            taken.push(*row);
            Ok(())
        };
        let listed = paged(limit, fetch, take).await.ok().unwrap();
        (taken, listed, sizes)
    }

    #[tokio::test]
    async fn pages_are_read_up_to_the_limit_or_the_end() {
        for (limit, count, has_more) in [
            (0, 0, false),
            (3, 3, true),
            (4, 4, true),
            (7, 7, true),
            (10, 10, false),
            (99, 10, false),
        ] {
            let (taken, listed, sizes) = list(limit).await;
            assert_eq!(taken, (0..count).collect::<Vec<_>>(), "limit {limit}");
            assert_eq!(listed, Listed { count, has_more }, "limit {limit}");
            let wanted = i32::try_from(limit).ok();
            assert_eq!(sizes.first().copied(), wanted.filter(|size| *size > 0));
        }
        let (_, _, sizes) = list(usize::MAX).await;
        assert_eq!(sizes.first().copied(), i32::try_from(PAGE_EVENTS_MAX).ok());
    }
}
