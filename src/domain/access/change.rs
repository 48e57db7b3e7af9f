//! How the rights to read of a principal have changed.

use std::iter::successors;

use super::right::{Reach, Rights, Unseen};

/// How rights to read differ from earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Not at all.
    None,
    /// They reach less, and nothing besides.
    Fewer,
    /// They reach something that they did not reach before.
    Other,
}

impl Rights {
    /// How others, which take their place, differ from these in what may be read.
    #[must_use]
    pub fn change_to(&self, now: &Self) -> Change {
        let (old, new) = (self.reads(), now.reads());
        let tells_more = self.unseen == Unseen::Hidden && now.unseen == Unseen::Withheld;
        if old == new && (self.unseen == now.unseen || old.is_empty()) {
            return Change::None;
        }
        let is_within = |new: &[Reach], old: &[Reach]| {
            new.iter().all(|reach| old.iter().any(|outer| reach.is_within(outer)))
        };
        let is_bounded = |old: &&[Reach]| new.iter().any(|new| is_within(new, old));
        if old.iter().all(is_bounded) && !tells_more { Change::Fewer } else { Change::Other }
    }

    /// What these rights and those that bound them reach, without the bounds that bound nothing.
    fn reads(&self) -> Vec<&[Reach]> {
        let all = successors(Some(self), |rights| rights.below.as_deref());
        let everything = Reach::everything();
        all.map(|rights| rights.read.as_slice()).filter(|all| !all.contains(&everything)).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use super::*;
    use crate::domain::{AuthorityCode, access::Role};

    fn reading(read: Vec<Reach>) -> Rights {
        Rights { read, ..Rights::default() }
    }

    fn of(codes: &[&str]) -> Reach {
        let authorities = codes.iter().map(|code| AuthorityCode::parse(code).unwrap()).collect();
        Reach { authorities, ..Reach::default() }
    }

    #[test]
    fn rights_to_read_stay_shrink_or_become_others() {
        let (one, two) = (|| reading(vec![of(&["440000"])]), || of(&["440000", "330000"]));
        let public = || reading(vec![Reach::default()]);
        let wider = reading(vec![of(&["440000"]), of(&["330000"])]);
        for (before, now, expected) in [
            (one(), one(), Change::None),
            (one(), wider.clone(), Change::Other),
            (wider, one(), Change::Fewer),
            (reading(vec![two()]), one(), Change::Fewer),
            (one(), reading(vec![of(&["330000"])]), Change::Other),
            (one(), reading(Vec::new()), Change::Fewer),
            (reading(Vec::new()), one(), Change::Other),
            (Rights::everything(), public(), Change::Fewer),
            (public(), Rights::everything(), Change::Other),
            (Rights::everything(), Rights::everything(), Change::None),
        ] {
            assert_eq!(before.change_to(&now), expected, "{before:?} {now:?}");
        }
    }

    #[test]
    fn what_is_not_about_reading_changes_nothing() {
        let before = reading(vec![of(&["440000"])]);
        let now = Rights { record: vec![Reach::everything()], ..before.clone() };
        assert_eq!(before.change_to(&now), Change::None);
        let now = Rights { roles: [Role::Reader].into_iter().collect(), ..before.clone() };
        assert_eq!(before.change_to(&now), Change::None);
        // Who reads everything has nothing withheld.
        let hidden = |rights: Rights| Rights { unseen: Unseen::Hidden, ..rights };
        let all = Rights::everything;
        assert_eq!(all().change_to(&hidden(all())), Change::None);
        assert_eq!(before.change_to(&hidden(before.clone())), Change::Fewer);
        assert_eq!(hidden(before.clone()).change_to(&before), Change::Other);
    }

    #[test]
    fn a_bound_counts_as_the_rights_do() {
        let below = |read| Some(Arc::new(reading(read)));
        let free = reading(vec![Reach::default()]);
        let bounded = Rights { below: below(vec![of(&["440000"])]), ..free.clone() };
        assert_eq!(free.change_to(&bounded), Change::Fewer);
        assert_eq!(bounded.change_to(&free), Change::Other);
        let unbounded = Rights { below: below(vec![Reach::everything()]), ..free.clone() };
        assert_eq!(free.change_to(&unbounded), Change::None);
    }
}
