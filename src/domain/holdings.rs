//! Max-min fairness: who gives up what for whom when a resource is used up.
//!
//! A party holds claims on the resource. When a newcomer needs more than is left, the party that
//! holds the most pays, with its newest claim that can be revoked, as long as it holds more than
//! the newcomer would. If that is not enough, nobody pays. This type only counts and chooses;
//! whoever owns the resource revokes.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};

use super::Party;

/// A part of a resource that a party holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Claim {
    /// Who holds it.
    pub party: Party,
    /// Its number: of two claims of a party, the newer one has the higher number.
    pub id: u64,
}

/// All claims on a resource.
#[derive(Debug, Default)]
pub struct Holdings {
    held: u64,
    parties: HashMap<Party, Holding>,
    /// The parties that hold at least `ordered_from`, by what they hold.
    by_amount: BTreeSet<(u64, Party)>,
    ordered_from: u64,
}

/// The claims of one party.
#[derive(Debug, Default)]
struct Holding {
    amount: u64,
    /// Claims that can be revoked, and then free something.
    revocable: BTreeMap<u64, u64>,
    /// All others.
    kept: BTreeMap<u64, u64>,
}

impl Holdings {
    /// Holdings in which nobody who holds less than `least` is asked to pay. So small holdings,
    /// which are many and change often, need not be kept in order.
    #[must_use]
    pub fn ordered_from(least: u64) -> Self {
        Self { ordered_from: least, ..Self::default() }
    }

    /// The sum of all claims.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.held
    }

    /// The sum of the claims of a party.
    #[must_use]
    pub fn of(&self, party: Party) -> u64 {
        self.parties.get(&party).map_or(0, |holding| holding.amount)
    }

    /// The number of parties with a claim.
    #[must_use]
    pub fn parties(&self) -> usize {
        self.parties.len()
    }

    /// Adds a claim, or changes it.
    pub fn set(&mut self, claim: Claim, amount: u64, revocable: bool) {
        let holding = self.parties.entry(claim.party).or_default();
        let (before, had) = (holding.amount, holding.take(claim.id));
        let claims =
            if revocable && amount > 0 { &mut holding.revocable } else { &mut holding.kept };
        claims.insert(claim.id, amount);
        holding.amount = before - had.unwrap_or(0) + amount;
        let after = holding.amount;
        self.change(claim.party, before, after);
    }

    /// Removes a claim; gives its amount if there was one.
    pub fn remove(&mut self, claim: Claim) -> Option<u64> {
        let holding = self.parties.get_mut(&claim.party)?;
        let amount = holding.take(claim.id)?;
        let before = holding.amount;
        holding.amount -= amount;
        let after = holding.amount;
        if holding.revocable.is_empty() && holding.kept.is_empty() {
            self.parties.remove(&claim.party);
        }
        self.change(claim.party, before, after);
        Some(amount)
    }

    /// The claims to revoke so that all together hold at most `limit` once the party has got
    /// `amount` more: each time the newest one of whoever then holds the most. `None` if that one
    /// would not hold more than the party, which has its share then.
    ///
    /// Nothing changes. Whoever revokes the claims removes them.
    #[must_use]
    pub fn victims(&self, party: Party, amount: u64, limit: u64) -> Option<Vec<Claim>> {
        let own = self.of(party).saturating_add(amount);
        let mut wanted = self.held.saturating_add(amount).saturating_sub(limit);
        let mut victims = Vec::new();
        // What is left to a party, and the claim below which its next victim is.
        let larger = self.by_amount.iter().rev().take_while(|(held, _)| *held > own);
        let mut larger = larger.map(|(held, party)| (*held, *party, u64::MAX)).peekable();
        let mut paid = BinaryHeap::new();
        while wanted > 0 {
            let has_paid = paid.peek() >= larger.peek();
            let (left, party, below) = if has_paid { paid.pop() } else { larger.next() }?;
            let revocable = &self.parties.get(&party)?.revocable;
            // Who has nothing to give up is passed over.
            let Some((id, freed)) = revocable.range(..below).next_back() else { continue };
            victims.push(Claim { party, id: *id });
            wanted = wanted.saturating_sub(*freed);
            if left - freed > own {
                paid.push((left - freed, party, *id));
            }
        }
        Some(victims)
    }

    fn change(&mut self, party: Party, before: u64, after: u64) {
        self.held = self.held - before + after;
        let least = self.ordered_from.max(1);
        if before == after {
            return;
        }
        if before >= least {
            self.by_amount.remove(&(before, party));
        }
        if after >= least {
            self.by_amount.insert((after, party));
        }
    }
}

impl Holding {
    /// Takes a claim out; its amount is still part of the sum.
    fn take(&mut self, id: u64) -> Option<u64> {
        self.revocable.remove(&id).or_else(|| self.kept.remove(&id))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use fastrand::Rng;

    use super::*;

    fn party(port: u16) -> Party {
        Party::of(([127, 0, 0, 1], port).into())
    }

    fn claim(port: u16, id: u64) -> Claim {
        Claim { party: party(port), id }
    }

    /// Claims of one each, by party.
    fn holdings(counts: &[(u16, u64)]) -> Holdings {
        let mut holdings = Holdings::default();
        let mut next = 0..;
        for (port, count) in counts {
            for id in next.by_ref().take(usize::try_from(*count).unwrap()) {
                holdings.set(claim(*port, id), 1, true);
            }
        }
        holdings
    }

    #[test]
    fn nobody_pays_while_enough_is_left() {
        let holdings = holdings(&[(1, 9)]);
        assert_eq!(holdings.victims(party(2), 1, 10), Some(vec![]));
        assert_eq!(holdings.victims(party(1), 1, 10), Some(vec![]));
    }

    #[test]
    fn whoever_holds_the_most_pays_with_its_newest() {
        let holdings = holdings(&[(1, 4), (2, 6)]);
        assert_eq!(holdings.victims(party(3), 1, 10), Some(vec![claim(2, 9)]));
        let three = [claim(2, 9), claim(2, 8), claim(2, 7)];
        let paid = holdings.victims(party(3), 3, 10).unwrap();
        assert_eq!(paid.len(), 3);
        assert!(paid.iter().all(|victim| three.contains(victim) || *victim == claim(1, 3)));
        // The largest gets nothing in the place of a smaller one.
        assert_eq!(holdings.victims(party(2), 1, 10), None);
    }

    #[test]
    fn nobody_pays_for_a_party_that_would_hold_as_much() {
        let holdings = holdings(&[(1, 2), (2, 2)]);
        assert_eq!(holdings.victims(party(3), 2, 4), None);
        assert_eq!(holdings.victims(party(3), 1, 4).unwrap().len(), 1);
        // Two of them would leave a party with as much as the newcomer, so the other one pays too.
        let holdings = self::holdings(&[(1, 3), (2, 3)]);
        let paid = holdings.victims(party(3), 2, 6).unwrap();
        assert_ne!(paid.first().unwrap().party, paid.last().unwrap().party);
    }

    #[test]
    fn a_refused_newcomer_leaves_everybody_untouched() {
        let holdings = holdings(&[(1, 5), (2, 5)]);
        // Two could be freed, four are wanted.
        assert_eq!(holdings.victims(party(3), 4, 10), None);
        assert_eq!((holdings.held(), holdings.of(party(1)), holdings.of(party(2))), (10, 5, 5));
    }

    #[test]
    fn claims_that_cannot_be_revoked_or_free_nothing_are_passed_over() {
        let mut holdings = Holdings::default();
        holdings.set(claim(1, 1), 8, false);
        holdings.set(claim(2, 2), 2, true);
        holdings.set(claim(2, 3), 0, true);
        assert_eq!(holdings.victims(party(3), 1, 10), Some(vec![claim(2, 2)]));
        holdings.set(claim(2, 2), 2, false);
        assert_eq!(holdings.victims(party(3), 1, 10), None);
        holdings.set(claim(1, 1), 8, true);
        assert_eq!(holdings.victims(party(3), 1, 10), Some(vec![claim(1, 1)]));
    }

    #[test]
    fn who_holds_less_than_the_least_is_not_asked() {
        let mut holdings = Holdings::ordered_from(5);
        holdings.set(claim(1, 1), 4, true);
        assert_eq!(holdings.victims(party(2), 1, 4), None);
        holdings.set(claim(1, 2), 1, true);
        assert_eq!(holdings.victims(party(2), 1, 5), Some(vec![claim(1, 2)]));
    }

    /// The same choice, made by looking at everything each time.
    fn plain_victims(
        claims: &HashMap<Claim, (u64, bool)>,
        of: Party,
        amount: u64,
        limit: u64,
    ) -> Option<Vec<Claim>> {
        let mut left = claims.clone();
        let sum = |left: &HashMap<Claim, (u64, bool)>, party: Option<Party>| -> u64 {
            let counts = left.iter().filter(|(c, _)| party.is_none_or(|party| c.party == party));
            counts.map(|(_, (amount, _))| amount).sum()
        };
        let own = sum(claims, Some(of)) + amount;
        let mut victims = Vec::new();
        while sum(&left, None) + amount > limit {
            let payer = left.iter().filter(|(_, (amount, revocable))| *revocable && *amount > 0);
            let payer = payer.map(|(claim, _)| (sum(&left, Some(claim.party)), *claim));
            let (most, victim) = payer.max()?;
            if most <= own {
                return None;
            }
            left.remove(&victim);
            victims.push(victim);
        }
        Some(victims)
    }

    #[test]
    fn choices_agree_with_a_plain_model_under_random_use() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut random = Rng::with_seed(seed);
        let (mut holdings, mut claims) = (Holdings::default(), HashMap::new());
        let (mut paid, mut refused) = (0, 0);
        for id in 0..5_000 {
            let of = random.u16(1..6);
            let amount = random.u64(..30);
            let victims = holdings.victims(party(of), amount, 200);
            assert_eq!(victims, plain_victims(&claims, party(of), amount, 200));
            match victims {
                Some(victims) => {
                    paid += victims.len();
                    for victim in victims {
                        let amount = claims.remove(&victim).map(|(amount, _)| amount);
                        assert_eq!(holdings.remove(victim), amount);
                    }
                    let revocable = random.u8(..4) > 0;
                    holdings.set(claim(of, id), amount, revocable);
                    claims.insert(claim(of, id), (amount, revocable));
                }
                None => refused += 1,
            }
            let some = claims.keys().copied().nth(random.usize(..claims.len().max(1)));
            match some.filter(|_| random.bool()) {
                Some(gone) if random.bool() => {
                    assert_eq!(holdings.remove(gone), claims.remove(&gone).map(|c| c.0));
                    assert_eq!(holdings.remove(gone), None);
                }
                Some(changed) => {
                    let (amount, revocable) = claims[&changed];
                    holdings.set(changed, amount / 2, !revocable);
                    claims.insert(changed, (amount / 2, !revocable));
                }
                None => {}
            }
            assert_eq!(holdings.held(), claims.values().map(|claim| claim.0).sum::<u64>());
            assert!(holdings.held() <= 200);
        }
        assert!(paid > 100 && refused > 100, "{paid} claims were revoked, {refused} refused");
        let all: Vec<_> = claims.into_keys().collect();
        for claim in all {
            holdings.remove(claim).unwrap();
        }
        assert_eq!((holdings.held(), holdings.parties(), holdings.by_amount.len()), (0, 0, 0));
    }
}
