//! Cultivation pools: how many subjects each one contains.

use hashbrown::HashMap;

use super::FrameworkAsOf;
use crate::{
    domain::AuthorityCode,
    register::rows::{DesigneeIndex, FactKindRow, Sym},
};

impl FrameworkAsOf<'_> {
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
