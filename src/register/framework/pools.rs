//! Cultivation pools: how many subjects each one contains.

use hashbrown::{HashMap, HashSet};

use super::{Framework, FrameworkAsOf};
use crate::{
    domain::AuthorityCode,
    register::rows::{DesigneeIndex, FactKindRow, Sym},
};

impl<'a> FrameworkAsOf<'a> {
    /// True if anything is known of a pool.
    pub(in crate::register) fn has_pool(self, authority: AuthorityCode, pool: &str) -> bool {
        let facts = self.subjects.facts();
        let Some(pool) = facts.find_word(pool) else { return false };
        let of = |framework: &'a Framework| framework.pools.get(&(authority, pool));
        of(self.framework).is_some_and(|all| all.iter().any(|at| facts.knows_recorded(*at)))
            || self.layer.and_then(of).is_some()
    }

    /// The known pools of an authority.
    fn pools_of(self, authority: AuthorityCode) -> impl Iterator<Item = Sym> + 'a {
        let facts = self.subjects.facts();
        let recorded = self.framework.pools.iter().filter(move |((owner, _), positions)| {
            *owner == authority && positions.iter().any(|position| facts.knows_recorded(*position))
        });
        let of_trial = self.layer.into_iter().flat_map(|layer| &layer.pools);
        let of_trial = of_trial.filter(move |((owner, _), _)| *owner == authority);
        recorded.chain(of_trial).map(|((_, pool), _)| *pool)
    }

    /// The number of known pools of an authority, and of those that were read to count them.
    pub(in crate::register) fn pool_count(self, authority: AuthorityCode) -> (usize, usize) {
        let own: HashSet<Sym> = self.pools_of(authority).collect();
        (own.len(), self.framework.pools.len())
    }

    /// The known pools of the authorities wanted, with the numbers of subjects in them.
    pub(in crate::register) fn pools(
        self,
        wanted: impl Fn(AuthorityCode) -> bool,
    ) -> impl Iterator<Item = ((AuthorityCode, Sym), u64)> {
        let facts = self.subjects.facts();
        let own = self.framework.pools.iter().filter(move |((authority, _), _)| wanted(*authority));
        own.filter_map(move |(key, positions)| {
            let known = positions.iter().any(|position| facts.knows(*position));
            known.then(|| (*key, self.pool_entries(*key, positions)))
        })
    }

    fn pool_entries(self, (authority, pool): (AuthorityCode, Sym), positions: &[u32]) -> u64 {
        let facts = self.subjects.facts();
        // By subject: its last entry or departure by the day.
        let mut last: HashMap<DesigneeIndex, _> = HashMap::new();
        for position in positions.iter().filter(|position| facts.knows(**position)) {
            let Some((owner, fact)) = facts.effective_fact(*position) else { continue };
            let entered = match fact.kind {
                FactKindRow::PoolEntered { pool: entered, .. } if entered == pool => true,
                FactKindRow::PoolLeft { pool: left } if left == pool => false,
                _ => continue,
            };
            if fact.issuer != authority || fact.effective > self.valid_on {
                continue;
            }
            let order = (fact.effective, fact.precedence(), *position);
            let subject = self.subjects.representative(owner);
            let known = last.entry(subject).or_insert((order, entered));
            if known.0 <= order {
                *known = (order, entered);
            }
        }
        last.values().filter(|(_, entered)| *entered).count() as u64
    }
}
