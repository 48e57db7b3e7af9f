//! Counts of what happened in a run, and the least that must have happened.

use super::network::Fault;
use std::collections::BTreeMap;

/// The acts that really happened.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    pub events: usize,
    pub appends: usize,
    pub handed_on: usize,
    pub refused_appends: usize,
    pub crashes: usize,
    pub restarts: usize,
    pub refused_starts: usize,
    pub stops: usize,
    pub flips_found: usize,
    pub gaps_found: usize,
    pub impostors_found: usize,
    pub hand_overs: usize,
    pub promotions: usize,
    pub refused_promotions: usize,
    pub rejoins: usize,
    pub silences: usize,
    pub redactions: usize,
    pub places_taken: usize,
    pub replaced: usize,
    pub catalogues_adopted: usize,
    pub catalogue_stops: usize,
    pub rules_adopted: usize,
    pub rules_stops: usize,
    pub served_while_stopped: usize,
    pub leader_failures: usize,
    pub follower_failures: usize,
    pub full_leaders: usize,
    pub full_followers: usize,
    pub snapshots_saved: usize,
    pub snapshots_believed: usize,
    pub snapshots_refused: usize,
    pub sizes_compared: usize,
    pub faults: BTreeMap<Fault, usize>,
}

impl Counts {
    /// With each the least that ten runs must have had together.
    fn fields(&mut self) -> [(&'static str, &mut usize, usize); 32] {
        [
            ("events", &mut self.events, 500),
            ("appends", &mut self.appends, 40),
            ("appends handed on", &mut self.handed_on, 3),
            ("refused appends", &mut self.refused_appends, 30),
            ("crashes", &mut self.crashes, 40),
            ("restarts", &mut self.restarts, 40),
            ("refused starts", &mut self.refused_starts, 2),
            ("stops", &mut self.stops, 6),
            ("flips found", &mut self.flips_found, 2),
            ("gaps found", &mut self.gaps_found, 2),
            ("impostors found", &mut self.impostors_found, 2),
            ("hand-overs", &mut self.hand_overs, 3),
            ("promotions", &mut self.promotions, 3),
            ("refused promotions", &mut self.refused_promotions, 3),
            ("old leaders that follow", &mut self.rejoins, 2),
            ("silent nodes that are left", &mut self.silences, 1),
            ("events erased", &mut self.redactions, 3),
            ("withheld places taken", &mut self.places_taken, 2),
            ("machines replaced", &mut self.replaced, 4),
            ("catalogues adopted", &mut self.catalogues_adopted, 4),
            ("stops without a catalogue", &mut self.catalogue_stops, 2),
            ("rules adopted", &mut self.rules_adopted, 2),
            ("stops without rules", &mut self.rules_stops, 2),
            ("answers of stopped nodes", &mut self.served_while_stopped, 4),
            ("failures of a leader", &mut self.leader_failures, 2),
            ("failures of a follower", &mut self.follower_failures, 3),
            ("refusals of a full leader", &mut self.full_leaders, 2),
            ("losses of a full follower", &mut self.full_followers, 2),
            ("snapshots saved", &mut self.snapshots_saved, 8),
            ("snapshots believed", &mut self.snapshots_believed, 5),
            ("snapshots refused", &mut self.snapshots_refused, 2),
            ("sizes compared", &mut self.sizes_compared, 150),
        ]
    }

    pub fn add(&mut self, mut other: Self) {
        for ((_, sum, _), (_, more, _)) in self.fields().into_iter().zip(other.fields()) {
            *sum += *more;
        }
        for (fault, count) in other.faults {
            *self.faults.entry(fault).or_default() += count;
        }
    }

    /// The gates: what has happened too seldom in so many runs, if anything.
    pub fn too_few(&mut self, runs: u64) -> Option<String> {
        let least = |of_ten: usize| of_ten * usize::try_from(runs).unwrap() / 10;
        for fault in [Fault::Cut, Fault::Delayed, Fault::Twice, Fault::Dropped, Fault::Flipped] {
            let count = self.faults.get(&fault).copied().unwrap_or(0);
            if count < least(2).max(1) {
                return Some(format!("{fault:?}: only {count} in {runs} runs"));
            }
        }
        let few = |(_, count, of_ten): &(&str, &mut usize, usize)| **count < least(*of_ten);
        let (what, count, of_ten) = self.fields().into_iter().find(few)?;
        Some(format!("{what}: only {count}, not {of_ten}, in {runs} runs"))
    }
}
