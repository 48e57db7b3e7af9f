//! The cluster of a designee as it would be with a fact that is not recorded, or in another's
//! place: to compare what a proposal would change.

use super::{FactAt, IdentityCluster, Subjects};
use crate::register::rows::{DesigneeIndex, FactRow, PROPOSED};

/// A fact that a proposal states, with the designee it is about and its place.
#[derive(Clone, Copy, Debug)]
pub(in crate::register) struct ProposedFact {
    pub(in crate::register) owner: DesigneeIndex,
    pub(in crate::register) position: u32,
    pub(in crate::register) fact: FactRow,
}

impl Subjects<'_> {
    /// As [`Subjects::cluster`], with a proposed fact.
    pub(in crate::register) fn cluster_as_if(
        self,
        index: DesigneeIndex,
        except: Option<u32>,
        proposed: Option<ProposedFact>,
    ) -> IdentityCluster {
        let mut cluster = IdentityCluster::default();
        cluster.join(index);
        let proposed_at = proposed.map_or(u32::MAX, |proposed| proposed.position);
        let mut next = 0;
        while let Some(member) = cluster.members.get(next).copied() {
            let (first, place) = (cluster.facts.len(), u16::try_from(next).unwrap_or(u16::MAX));
            // A designee that only the proposal names has no events.
            if member != PROPOSED {
                let (facts, repairs_read) = (&mut cluster.facts, &mut cluster.repairs_read);
                cluster.read += self.facts_into(facts, (member, place), except, repairs_read);
            }
            if let Some(ProposedFact { position, fact, .. }) =
                proposed.filter(|proposed| proposed.owner == member)
            {
                cluster.facts.push(FactAt { position, member: place, fact });
            }
            for at in first..cluster.facts.len() {
                let Some(placed) = cluster.facts.get(at).copied() else { break };
                cluster.follow(&placed);
                if placed.position != proposed_at {
                    self.resolve_named(&mut cluster, at, &placed);
                }
            }
            if member != PROPOSED {
                for other in self.tied_to(member, except, &mut cluster.repairs_read) {
                    cluster.join(other);
                }
            }
            if let Some(proposed) = proposed
                && proposed.fact.kind.ties_to() == Some(member)
            {
                cluster.join(proposed.owner);
            }
            next += 1;
        }
        cluster.sort();
        cluster
    }
}
