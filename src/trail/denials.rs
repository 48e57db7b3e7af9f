//! Denials: in each minute a caller has a few lines for each reason, and then a count. So nobody
//! fills the disk by being refused.

use std::collections::HashMap;

use super::Entry;
use crate::limits::{DENIAL_KEYS_MAX, DENIALS_WINDOW, DENIALS_WRITTEN_MAX};

/// The party of all callers beyond those that are counted apart.
const OTHERS: &str = "(others)";

/// The counts of one minute.
#[derive(Debug, Default)]
pub(super) struct Denials {
    /// The minute, since 1970.
    minute: i64,
    /// By party and reason.
    counts: HashMap<(String, String), Count>,
}

#[derive(Debug, Default)]
struct Count {
    denials: u64,
    /// Who and why, for the line that counts the others.
    entry: Entry,
}

impl Denials {
    /// Notes a denial of a party: its principal, or its address. Gives its line, unless it is one
    /// of too many. [`Denials::turn`] comes before it.
    pub(super) fn note(&mut self, party: &str, entry: Entry) -> Option<Entry> {
        let mut key = (party.to_owned(), entry.reason.clone());
        let is_other = self.counts.len() >= DENIAL_KEYS_MAX && !self.counts.contains_key(&key);
        if is_other {
            OTHERS.clone_into(&mut key.0);
        }
        let count = self.counts.entry(key).or_default();
        count.denials = count.denials.saturating_add(1);
        if count.denials <= DENIALS_WRITTEN_MAX {
            return Some(Entry { count: 1, ..entry });
        }
        if count.denials == DENIALS_WRITTEN_MAX + 1 {
            count.entry = summary(entry, is_other);
        }
        None
    }

    /// Begins the minute of this time, if it is another one. Gives a line for each count that went
    /// past its lines.
    pub(super) fn turn(&mut self, now_micros: i64) -> Vec<Entry> {
        let window = i64::try_from(DENIALS_WINDOW.as_micros()).unwrap_or(i64::MAX);
        let minute = now_micros.div_euclid(window);
        if minute == self.minute {
            return Vec::new();
        }
        self.minute = minute;
        self.end()
    }

    /// Ends the minute.
    pub(super) fn end(&mut self) -> Vec<Entry> {
        let left = |count: Count| {
            let rest = count.denials.checked_sub(DENIALS_WRITTEN_MAX).filter(|rest| *rest > 0)?;
            Some(Entry { count: rest, ..count.entry })
        };
        let mut lines: Vec<_> = self.counts.drain().filter_map(|(_, count)| left(count)).collect();
        lines.sort_by(|a, b| {
            (&a.principal, &a.peer, &a.reason).cmp(&(&b.principal, &b.peer, &b.reason))
        });
        lines
    }
}

/// The line that counts the denials beyond. Those of many callers name none of them.
fn summary(entry: Entry, is_other: bool) -> Entry {
    let detail = "more denials within one minute".to_owned();
    let counted =
        Entry { outcome: entry.outcome, reason: entry.reason, detail, ..Entry::default() };
    if is_other {
        return Entry { principal: OTHERS.to_owned(), ..counted };
    }
    let Entry { principal, credential, peer, handed_on_by, .. } = entry;
    Entry { principal, credential, peer, handed_on_by, ..counted }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trail::Outcome;

    const MINUTE: i64 = 60_000_000;

    fn denied(principal: &str, reason: &str) -> Entry {
        Entry {
            principal: principal.to_owned(),
            reason: reason.to_owned(),
            method: "some".to_owned(),
            outcome: Outcome::Denied,
            ..Entry::default()
        }
    }

    #[test]
    fn ten_denials_get_lines_and_one_more_is_counted() {
        let mut denials = Denials::default();
        assert!(denials.turn(7 * MINUTE).is_empty());
        let note = |denials: &mut Denials| denials.note("a", denied("a", "R")).is_some();
        assert!((0..DENIALS_WRITTEN_MAX).all(|_| note(&mut denials)));
        assert!(denials.turn(8 * MINUTE - 1).is_empty(), "the minute goes on");
        assert!(!note(&mut denials));
        assert!(denials.note("a", denied("a", "OTHER")).is_some(), "each reason has its own");
        assert!(denials.note("b", denied("b", "R")).is_some(), "so has each caller");
        assert!(!note(&mut denials));
        let lines = denials.turn(8 * MINUTE);
        assert_eq!(lines.len(), 1);
        assert_eq!((lines[0].count, &*lines[0].principal, &*lines[0].reason), (2, "a", "R"));
        assert!(note(&mut denials), "the next minute begins anew");
        assert!(denials.turn(9 * MINUTE).is_empty(), "ten or fewer need no count");
    }

    #[test]
    fn a_clock_that_steps_back_ends_the_minute_too() {
        let mut denials = Denials::default();
        denials.turn(7 * MINUTE);
        for _ in 0..=DENIALS_WRITTEN_MAX {
            let _ = denials.note("a", denied("a", "R"));
        }
        assert_eq!(denials.turn(MINUTE).len(), 1);
    }

    #[test]
    fn callers_beyond_the_bound_share_a_count() {
        let mut denials = Denials::default();
        for number in 0..DENIAL_KEYS_MAX {
            assert!(denials.note(&number.to_string(), denied("", "R")).is_some());
        }
        let mut beyond = 0;
        for number in 0..1_000 {
            beyond += u64::from(denials.note(&format!("x{number}"), denied("x", "R")).is_some());
        }
        assert_eq!(beyond, DENIALS_WRITTEN_MAX);
        assert!(denials.note("0", denied("", "R")).is_some(), "one that is known goes on alone");
        assert_eq!(denials.counts.len(), DENIAL_KEYS_MAX + 1);
        let lines = denials.end();
        assert_eq!(lines.len(), 1);
        assert_eq!((lines[0].count, &*lines[0].principal), (1_000 - DENIALS_WRITTEN_MAX, OTHERS));
    }
}
