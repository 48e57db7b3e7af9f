//! The made-up enterprises of the history, and the lists that name them.

use super::{Chapter, LITTLE_GIANT, PARTS_OF_BATCH_3, events, little_giants_by_authority};
use crate::{
    cli::commands::generate::{Enterprise, enterprises},
    domain::AuthorityCode,
    protocol::pb,
};

/// Authorities that had issued measures, and regions that had pools, on 29 October 2020.
const POOLS: usize = 29;

type Enterprises = Box<dyn Iterator<Item = Enterprise> + Send>;
/// Enterprises with the authority that recommends them.
type List = Vec<(AuthorityCode, Enterprise)>;

pub(super) struct Cast {
    provincial: Vec<AuthorityCode>,
    sources: Vec<Enterprises>,
    /// By little-giant batch: the enterprises noticed, of whom the first ones are designated.
    noticed: Vec<(&'static str, List)>,
    designated: Vec<(&'static str, usize)>,
    /// Passed reviews, by round and recommending authority.
    reviewed: Vec<(&'static str, AuthorityCode)>,
}

impl Cast {
    pub(super) fn new() -> Self {
        let provincial: Vec<_> = AuthorityCode::all().filter(|a| !a.is_ministry()).collect();
        let source = |authority: &AuthorityCode| -> Enterprises {
            Box::new(enterprises(u64::from(authority.index()), *authority))
        };
        let sources = provincial.iter().map(source).collect();
        let (noticed, designated, reviewed) = (Vec::new(), Vec::new(), Vec::new());
        Self { provincial, sources, noticed, designated, reviewed }
    }

    /// The events of a row.
    pub(super) fn events(&mut self, row: &Chapter) -> Vec<pb::Event> {
        match (row.what, row.stage) {
            ("measures", _) => {
                let issuers = self.provincial.iter().take(row.count);
                issuers.map(|authority| events::measures(row, *authority)).collect()
            }
            ("pool", _) => {
                let drawn = self.draw(row.count, POOLS);
                drawn.iter().map(|(a, e)| events::entered(row, *a, e)).collect()
            }
            (_, "noticed") => {
                let drawn = self.draw_list(row);
                let events = drawn.iter().map(|(a, e)| events::noticed(row, *a, e)).collect();
                self.noticed.push((row.batch, drawn));
                events
            }
            (_, "designated") => self.designated(row),
            (_, stage) => {
                let cohort = stage.strip_prefix("reviewed:").unwrap_or_default();
                let list: Vec<_> = self.list(cohort).iter().take(row.count).cloned().collect();
                self.reviewed.extend(list.iter().map(|(authority, _)| (row.batch, *authority)));
                list.iter().map(|(_, e)| events::passed(row, cohort, e)).collect()
            }
        }
    }

    fn designated(&mut self, row: &Chapter) -> Vec<pb::Event> {
        if row.programme != LITTLE_GIANT {
            let drawn = self.draw_list(row);
            return drawn.iter().map(|(a, e)| events::designated(row, *a, e)).collect();
        }
        if !self.noticed.iter().any(|(batch, _)| *batch == row.batch) {
            let drawn = self.draw_list(row);
            self.noticed.push((row.batch, drawn));
        }
        self.designated.push((row.batch, row.count));
        let list = self.list(row.batch).iter().take(row.count);
        list.map(|(a, e)| events::designated(row, *a, e)).collect()
    }

    /// The seals of the 37 sub-lists, then that of the whole.
    pub(super) fn seals(&self, row: &Chapter, on: pb::Date) -> Vec<pb::Event> {
        let count = self.designated.iter().find(|(batch, _)| *batch == row.batch);
        let list = self.list(row.batch).get(..count.map_or(0, |(_, n)| *n)).unwrap_or_default();
        let of = |authority: Option<AuthorityCode>| {
            let wanted = |other: &AuthorityCode| authority.is_none_or(|own| own == *other);
            let reviewed = self.reviewed.iter().filter(|(b, a)| *b == row.batch && wanted(a));
            let designated = list.iter().filter(|(other, _)| wanted(other)).count();
            let seal = events::seal(row, authority, designated, reviewed.count());
            pb::Event { effective_date: Some(on), ..seal }
        };
        self.provincial.iter().map(|authority| of(Some(*authority))).chain([of(None)]).collect()
    }

    fn list(&self, batch: &str) -> &[(AuthorityCode, Enterprise)] {
        let found = self.noticed.iter().find(|(known, _)| *known == batch);
        found.map_or(&[], |(_, list)| list)
    }

    /// Draws the new enterprises of a list: as many of each authority as was published, the rest
    /// evenly. Authorities take turns.
    fn draw_list(&mut self, row: &Chapter) -> List {
        let published = if row.programme == LITTLE_GIANT { quotas(row.batch) } else { None };
        let mut left = published.unwrap_or_default();
        let mut drawn = Vec::with_capacity(row.count);
        while left.iter().any(|left| *left > 0) {
            for (place, left) in left.iter_mut().enumerate().filter(|(_, left)| **left > 0) {
                *left -= 1;
                drawn.extend(self.next_of(place));
            }
        }
        let rest = row.count.saturating_sub(drawn.len());
        drawn.extend(self.draw(rest, self.provincial.len()));
        drawn
    }

    /// Draws `count` new enterprises, spread over the first `among` authorities.
    fn draw(&mut self, count: usize, among: usize) -> List {
        (0..count).filter_map(|i| self.next_of(i.checked_rem(among)?)).collect()
    }

    fn next_of(&mut self, place: usize) -> Option<(AuthorityCode, Enterprise)> {
        Some((*self.provincial.get(place)?, self.sources.get_mut(place)?.next()?))
    }
}

/// The numbers of little giants of a batch, in the order of the authorities, as far as they are
/// published.
fn quotas(batch: &str) -> Option<Vec<usize>> {
    let table = little_giants_by_authority();
    let both: Vec<_> = table.iter().map(|(_, count, _)| *count).collect();
    match batch {
        "1" => Some(shares(248, &both)),
        "2" => Some(both.iter().zip(shares(248, &both)).map(|(both, one)| both - one).collect()),
        "3" => {
            let of_part = |wanted: &str| {
                let in_part = |(_, _, part): &(_, _, &str)| usize::from(*part == wanted);
                table.iter().map(in_part).collect::<Vec<_>>()
            };
            let mut all = vec![0; table.len()];
            for (part, total) in PARTS_OF_BATCH_3 {
                let shares = shares(total, &of_part(part));
                all.iter_mut().zip(shares).for_each(|(sum, share)| *sum += share);
            }
            Some(all)
        }
        _ => None,
    }
}

/// A total in shares that are as the weights; the largest remainders are rounded up.
fn shares(total: usize, weights: &[usize]) -> Vec<usize> {
    let sum = weights.iter().sum::<usize>().max(1);
    let mut shares: Vec<_> = weights.iter().map(|weight| (total * weight / sum, *weight)).collect();
    let left = total.saturating_sub(shares.iter().map(|(share, _)| share).sum());
    let mut order: Vec<_> = shares.iter_mut().collect();
    order.sort_by_key(|(_, weight)| std::cmp::Reverse(total * *weight % sum));
    order.into_iter().take(left).for_each(|(share, _)| *share += 1);
    shares.into_iter().map(|(share, _)| share).collect()
}
