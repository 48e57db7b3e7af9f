//! The parts of a proposed event that follow from the events before it: the facts that a repair
//! touches, and where a designee is. Rights to record and to approve look at them.

use smallvec::SmallVec;

use super::{
    DesigneeIndex, Layers,
    identity::IdentityCluster,
    index::located,
    rows::{FactKindRow, FactRow},
};
use crate::domain::{
    DesigneeId, RegionCode,
    access::{Matter, Part, Place, ProgrammeSet},
    event::{Event, Fact},
};

impl Layers<'_> {
    /// All parts of an event that would be recorded next, with what the events before it tell of
    /// them.
    ///
    /// A repair of nothing, or of an erased event, has no more parts than the event tells of: the
    /// rules reject it.
    #[must_use]
    pub fn parts_of(self, event: &Event) -> SmallVec<[Part; 2]> {
        let mut parts = event.parts();
        for part in &mut parts {
            let stated = match (part.place, &event.fact) {
                (Place::Replacement, Fact::Repair { replacement: Some(inner), .. }) => &inner.fact,
                (_, fact) => fact,
            };
            if part.regions_of_log
                && let Some(designee) = stated.designee()
            {
                part.matter.regions.extend(self.region_of(designee));
            }
        }
        if let Fact::Repair { position, .. } = event.fact {
            self.add_repaired(event, position, &mut parts);
        }
        parts
    }

    /// Adds each fact that a repair touches. The repair itself counts once with each of them.
    fn add_repaired(self, event: &Event, target: u64, parts: &mut SmallVec<[Part; 2]>) {
        let facts = self.facts(self.size());
        let Some(target) = u32::try_from(target).ok().filter(|target| facts.knows(*target)) else {
            return;
        };
        let root = facts.root_of(target);
        let recorded = facts.row(root).map(|row| (row.designee, row.fact));
        let replacement = facts.replacement_at(target).map(|(owner, fact)| (owner, *fact));
        let touched = [recorded, facts.effective_fact(root), replacement];
        let repair = parts.iter().position(|part| part.place == Place::Event);
        let repair = repair.map(|at| parts.remove(at));
        for (owner, fact) in touched.into_iter().flatten().filter(|(_, fact)| !fact.is_withheld()) {
            let mut matter = self.matter_of(owner, &fact);
            // The ministry repairs what others have stated.
            if event.issuer.is_ministry() {
                matter.authorities = event.issuer.authority().into_iter().collect();
            }
            if let Some(repair) = &repair {
                let Matter { authorities, kind, .. } = repair.matter;
                let of_repair = Matter { authorities, kind, ..matter.clone() };
                parts.push(Part::known(Place::Target, of_repair));
            }
            parts.push(Part::known(Place::Target, matter));
        }
    }

    fn matter_of(self, owner: DesigneeIndex, fact: &FactRow) -> Matter {
        let mut programmes: ProgrammeSet = fact.programme.into_iter().collect();
        if let FactKindRow::Converted { programme, .. } = fact.kind {
            programmes.insert(programme);
        }
        let stated = fact.region();
        let region = stated.or_else(|| {
            let is_about_designee = fact.kind.as_kind().is_about_designee();
            self.region_of_index(Some(owner).filter(|_| is_about_designee)?)
        });
        Matter {
            authorities: fact.issuer.authority().into_iter().collect(),
            regions: region.into_iter().collect(),
            programmes,
            kind: Some(fact.kind.as_kind()),
            own: false,
        }
    }

    /// The region in which a designee is, as filters and lists have it.
    fn region_of(self, designee: &DesigneeId) -> Option<RegionCode> {
        self.region_of_index(self.subjects(self.size()).index_of(designee)?)
    }

    fn region_of_index(self, designee: DesigneeIndex) -> Option<RegionCode> {
        located(&mut IdentityCluster::default(), self.subjects(self.size()), designee)
    }
}
