//! The repairs of events, as the log states them: which fact is in force in the place of one.
//!
//! The newest live repair of an event decides. A repair is live unless a live annulment removes it.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

use super::{CliError, client::Client, paged::paged};
use crate::{
    domain::kind::Kind,
    limits::REPAIR_CHAIN_MAX,
    protocol::pb::{self, event::Fact},
};

/// The fact in force in the place of an event.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum InForce {
    /// The event as it was recorded.
    Recorded,
    /// The replacement of a correction.
    Corrected(Box<Correction>),
    /// Nothing: an annulment removed the event.
    Annulled(Annulment),
}

/// A correction in force.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Correction {
    pub(super) position: u64,
    pub(super) replacement: pb::Event,
    pub(super) reason: String,
}

/// An annulment in force.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Annulment {
    pub(super) position: u64,
    pub(super) reason: String,
}

/// Repairs by the position that each one repairs, oldest first.
#[derive(Debug, Default)]
pub(super) struct Repairs(HashMap<u64, Vec<Repair>>);

#[derive(Debug)]
struct Repair {
    position: u64,
    /// `None` for an annulment.
    replacement: Option<Box<pb::Event>>,
    reason: String,
}

impl Repairs {
    /// Reads the repairs recorded from a position on. `event` narrows the list to those that can
    /// concern it.
    pub(super) async fn read(
        client: &mut Client,
        from: u64,
        event: Option<&pb::Event>,
    ) -> Result<Self, CliError> {
        Self::read_within(client, (from, None), event).await
    }

    /// Reads the repairs recorded below a position.
    pub(super) async fn read_until(client: &mut Client, to: u64) -> Result<Self, CliError> {
        Self::read_within(client, (0, Some(to)), None).await
    }

    async fn read_within(
        client: &mut Client,
        (from, to): (u64, Option<u64>),
        event: Option<&pb::Event>,
    ) -> Result<Self, CliError> {
        let kinds = [Kind::Corrected, Kind::Annulled].map(|kind| kind.number().into());
        let designees = event.map(|event| event.designee.clone()).filter(|id| !id.is_empty());
        let filter = pb::EventFilter {
            kinds: kinds.to_vec(),
            designees: designees.into_iter().collect(),
            ..Default::default()
        };
        let mut repairs = Self::default();
        let fetch = async |page_size, page_token| {
            let request = pb::ListEventsRequest {
                filter: Some(filter.clone()),
                page_size,
                page_token,
                from_position: Some(from),
                to_position: to,
                ..Default::default()
            };
            let page = client.ledger.list_events(request).await?.into_inner();
            Ok((page.events, page.next_page_token))
        };
        let take = |recorded: &pb::RecordedEvent| {
            repairs.add(recorded);
            Ok(())
        };
        paged(usize::MAX, fetch, take).await?;
        Ok(repairs)
    }

    fn add(&mut self, recorded: &pb::RecordedEvent) {
        let position = recorded.position.unwrap_or_default();
        let fact = recorded.event.as_ref().and_then(|event| event.fact.as_ref());
        let (target, replacement, reason) = match fact {
            Some(Fact::Corrected(fact)) => {
                let replacement = fact.replacement.clone().unwrap_or_default();
                (fact.position, Some(replacement), &fact.reason)
            }
            Some(Fact::Annulled(fact)) => (fact.position, None, &fact.reason),
            _ => return,
        };
        // A repair of a later event repairs nothing; so every chain ends.
        if let Some(target) = target.filter(|target| *target < position) {
            let repair = Repair { position, replacement, reason: reason.clone() };
            self.0.entry(target).or_default().push(repair);
        }
    }

    /// The fact in force in the place of the event at a position.
    pub(super) fn in_force(&self, position: u64) -> InForce {
        self.follow(position, REPAIR_CHAIN_MAX)
    }

    /// The replacements in force of events that are no repairs themselves, by position.
    pub(super) fn replacements(&self) -> Vec<(u64, pb::Event)> {
        let repairs: HashSet<u64> =
            self.0.values().flatten().map(|repair| repair.position).collect();
        let targets = self.0.keys().copied().filter(|at| !repairs.contains(at));
        let replaced = targets.filter_map(|at| match self.in_force(at) {
            InForce::Corrected(correction) => Some((at, correction.replacement)),
            _ => None,
        });
        let mut replacements: Vec<_> = replaced.collect();
        replacements.sort_unstable_by_key(|(at, _)| *at);
        replacements
    }

    /// The positions of a range whose events are annulled.
    pub(super) fn annulled_in(&self, range: Range<u64>) -> Vec<u64> {
        let mut annulled: Vec<u64> = self.0.keys().copied().collect();
        annulled.retain(|at| range.contains(at));
        annulled.retain(|at| matches!(self.in_force(*at), InForce::Annulled(_)));
        annulled.sort_unstable();
        annulled
    }

    fn newest_first(&self, position: u64) -> impl Iterator<Item = &Repair> {
        self.0.get(&position).map_or(&[][..], Vec::as_slice).iter().rev()
    }

    /// The state of an event after its repairs. Each repair counts after repairs of its own. The
    /// writer refuses longer chains.
    fn follow(&self, position: u64, depth: usize) -> InForce {
        let Some(depth) = depth.checked_sub(1) else { return InForce::Recorded };
        for repair in self.newest_first(position) {
            let (at, reason) = (repair.position, repair.reason.clone());
            match (self.follow(at, depth), &repair.replacement) {
                (InForce::Annulled(_), _) => {}
                (_, None) => return InForce::Annulled(Annulment { position: at, reason }),
                (InForce::Recorded, Some(replacement)) => {
                    let replacement = (**replacement).clone();
                    let correction = Correction { position: at, replacement, reason };
                    return InForce::Corrected(Box::new(correction));
                }
                (later, Some(_)) => return later,
            }
        }
        InForce::Recorded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An event of the ministry about position 0, 1, and so on.
    fn repairs(list: &[(u64, u64, bool)]) -> Repairs {
        let mut repairs = Repairs::default();
        for (position, target, corrects) in list {
            let (position, target) = (Some(*position), Some(*target));
            let reason = format!("{position:?}");
            let fact = if *corrects {
                let authority = reason.clone();
                let replacement = Some(Box::new(pb::Event { authority, ..Default::default() }));
                Fact::Corrected(Box::new(pb::Corrected { position: target, replacement, reason }))
            } else {
                Fact::Annulled(pb::Annulled { position: target, reason })
            };
            let event = Some(pb::Event { fact: Some(fact), ..Default::default() });
            repairs.add(&pb::RecordedEvent { position, event, ..Default::default() });
        }
        repairs
    }

    #[test]
    fn the_newest_live_repair_decides() {
        for (list, by, is_annulled) in [
            (&[][..], None, false),
            (&[(1, 0, true)], Some(1), false),
            (&[(1, 0, false)], Some(1), true),
            (&[(1, 0, true), (2, 0, false)], Some(2), true),
            (&[(1, 0, true), (2, 0, true)], Some(2), false),
            // An annulled annulment gives back what it removed.
            (&[(1, 0, false), (2, 1, false)], None, false),
            (&[(1, 0, true), (2, 0, true), (3, 2, false)], Some(1), false),
            // A correction of a correction replaces the replacement.
            (&[(1, 0, true), (2, 1, true)], Some(2), false),
            (&[(1, 0, false), (2, 1, false), (3, 2, false)], Some(1), true),
            // Nothing repairs a later event.
            (&[(1, 2, false)], None, false),
        ] {
            let found = repairs(list).in_force(0);
            let expected = match &found {
                InForce::Recorded => (None, false),
                InForce::Corrected(correction) => (Some(correction.position), false),
                InForce::Annulled(annulment) => (Some(annulment.position), true),
            };
            assert_eq!(expected, (by, is_annulled), "{list:?}");
        }
    }

    #[test]
    fn only_annulled_positions_of_a_range_are_named() {
        let all = repairs(&[(10, 3, false), (11, 5, false), (12, 4, true), (13, 10, false)]);
        assert_eq!(all.annulled_in(0..10), [5]);
        assert_eq!(all.annulled_in(0..5), [0; 0]);
        assert_eq!(all.annulled_in(0..11), [5, 10]);
    }
}
