//! Withheld places: events that are annulled and erased from a disk, and those that the log
//! withholds.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use prost::Message as _;
use tidu::{
    catalogue_files::CatalogueFiles,
    domain,
    ledger::{place, rebuild},
    log::{Chunk, CommitLog as _, LeafAt},
    protocol::{
        leaf::Withheld,
        pb::{self, event::Fact},
        withheld,
    },
    register::Register,
};

use super::{node::Node, run::Run};
use crate::support::{
    commit,
    redacted::{annulment, withheld_by_server},
    simulated_disk::Disk,
};

/// The content of withheld places, by position.
type Places = BTreeMap<u64, Withheld>;

/// The stored places of a disk.
pub fn leaves(disk: &Disk) -> Vec<LeafAt> {
    disk.chunks(0).iter().flat_map(Chunk::leaves).collect()
}

/// A place as it is stored.
fn stored(place: &Withheld) -> Bytes {
    place.encode_to_vec().into()
}

/// The events that a redaction may erase.
fn redactable(register: &Register) -> Vec<u64> {
    let may_be = |at: &u64| {
        register.annulled_at(*at).is_some()
            && !register.is_annulment(*at)
            && !register.corrects_a_link(*at)
            && !register.is_of_service(*at)
            && !register.is_withheld(*at)
    };
    (0..register.size()).filter(may_be).collect()
}

fn rewritten(places: &Places) -> BTreeMap<u64, (Bytes, tidu::merkle::Hash)> {
    let place = |(at, place): (&u64, &Withheld)| {
        (*at, (stored(place), withheld::leaf_hash(place).unwrap()))
    };
    places.iter().map(place).collect()
}

impl Node {
    /// The register of the log at rest, and its catalogues; none if its end lacks an annulment.
    pub fn at_rest(&self, disk: Disk) -> Option<(Register, domain::catalogue::Catalogues)> {
        let log = std::sync::Arc::new(disk).open(|| {}).log;
        let files = self
            .catalogues
            .iter()
            .fold(CatalogueFiles::built_in(), |files, one| files.and(std::sync::Arc::clone(one)));
        let (state, catalogues) = rebuild(&log, &files, self.rules, None).ok()?;
        assert_eq!(state.size(), log.size());
        Some((state.into_register().unwrap(), catalogues))
    }

    /// The withheld places of its log once an event that `choose` picks is one of them.
    fn redacted(&self, choose: impl FnOnce(&[u64]) -> Option<u64>) -> Option<(u64, Places)> {
        let copy = || self.disk.copy_below(self.disk.size());
        let (register, catalogues) = self.at_rest(copy())?;
        let position = choose(&redactable(&register))?;
        let leaves = leaves(&self.disk);
        let withheld_before = leaves.iter().filter(|leaf| leaf.withheld);
        let mut places: Places = withheld_before
            .map(|leaf| (leaf.position, place::withheld_at(leaf).unwrap()))
            .collect();
        let erased: BTreeSet<u64> = places.keys().copied().chain([position]).collect();
        for (at, place) in &mut places {
            let kept = withheld::stored(&catalogues, place).unwrap();
            let kept = register.renamed(*at, &kept, &erased);
            *place = withheld::with(&catalogues, std::mem::take(place), &kept);
        }
        let leaf = &leaves[usize::try_from(position).unwrap()];
        let hash = place::leaf_hash(position, &leaf.as_frame()).unwrap();
        let envelope = place::envelope(leaf).unwrap();
        let concerns = register.concerns(position, &erased).unwrap();
        let mut kept = domain::Withheld { concerns, derived: Vec::new() };
        let place = |kept: &_| withheld::place(&catalogues, &envelope, &hash, "a person", kept);
        places.insert(position, place(&kept));
        let after = copy();
        after.redact(&rewritten(&places));
        kept.derived = register.derived_concerns(&self.at_rest(after)?.0, &erased);
        places.insert(position, place(&kept));
        Some((position, places))
    }
}

impl Run {
    /// Somebody annuls a designation at the leader. Nobody annuls an annulment, as long as a node
    /// may have erased what it annuls: see docs/following.md.
    pub fn annul(&mut self) {
        let Some((leader, position)) = self.any_position() else { return };
        let disk = &self.nodes[leader].disk;
        let leaf = leaves(disk).into_iter().find(|leaf| leaf.position == position).unwrap();
        let body = place::envelope(&leaf).unwrap().event;
        let fact = pb::Event::decode(body).unwrap().fact;
        if !matches!(fact, Some(Fact::Designated(_))) {
            return;
        }
        self.send(leader, commit(vec![annulment(position)]), true);
    }

    /// Two principals withhold an event at the leader.
    pub fn withhold(&mut self) {
        let Some((leader, position)) = self.any_position() else { return };
        self.send(leader, withheld_by_server(position), true);
    }

    fn any_position(&mut self) -> Option<(usize, u64)> {
        let leader = self.leader?;
        let size = self.nodes[leader].process.as_ref()?.ledger.durable().size;
        (size > 0).then(|| (leader, self.random.u64(0..size)))
    }

    /// An annulled event is erased from the disk of a node.
    pub async fn redact(&mut self, node: usize) {
        self.take_stop(node);
        self.crash(node);
        self.check().await;
        drop(self.nodes[node].disk.open(|| {}));
        let random = &mut self.random;
        let choose = |all: &[u64]| random.choice(all.iter().copied());
        if let Some((position, places)) = self.nodes[node].redacted(choose) {
            self.note(&format!("{node} erases {position}"));
            let all = places.iter().map(|(position, place)| (*position, stored(place)));
            self.truth.places.extend(all);
            self.nodes[node].disk.redact(&rewritten(&places));
            self.nodes[node].is_spoiled = self.nodes[node].snapshot().exists();
            self.taken[node].insert(position);
            self.counts.redactions += 1;
        }
        self.start(node);
    }

    /// Notes the places that a node has taken from another one.
    pub fn note_places(&mut self, node: usize) {
        for leaf in leaves(&self.nodes[node].disk).iter().filter(|leaf| leaf.withheld) {
            if self.taken[node].insert(leaf.position) {
                self.counts.places_taken += 1;
            }
        }
    }
}
