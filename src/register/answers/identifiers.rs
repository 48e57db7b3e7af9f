//! The identifiers of a subject, and the one that it bears on a day. Both follow from the links
//! alone: neither the order in which they were recorded nor the identifier asked with matters.

use super::{reading::Reading, view::DatedId};
use crate::{
    domain::{CivilDate, DesigneeId},
    register::DesigneeIndex,
};

/// An identifier, with the links to it and away from it that count.
struct Borne<'a> {
    id: &'a DesigneeId,
    /// Its first day, and the event that says so; `None` without a link to it.
    from: Option<(CivilDate, u32)>,
    /// The first day on which another one replaces it.
    replaced: Option<CivilDate>,
}

impl Borne<'_> {
    fn has_begun(&self, day: CivilDate) -> bool {
        self.from.is_none_or(|(from, _)| from <= day)
    }

    fn is_replaced(&self, day: CivilDate) -> bool {
        self.replaced.is_some_and(|replaced| replaced <= day)
    }

    fn first_day(&self) -> Option<CivilDate> {
        self.from.map(|(from, _)| from)
    }
}

impl Reading<'_> {
    /// The identifiers of the subject, in the order in which they were replaced; last those that
    /// never were. Empty if there is only one.
    pub(super) fn ids(&self) -> Vec<DatedId> {
        let mut borne = self.identifiers_borne();
        if borne.len() < 2 {
            return Vec::new();
        }
        borne.sort_by_cached_key(|one| {
            let replaced = (one.replaced.is_none(), one.replaced);
            (replaced, one.first_day(), one.id.to_string())
        });
        let facts = self.subjects().facts();
        let dated = |one: Borne<'_>| DatedId {
            id: one.id.clone(),
            from: one.first_day(),
            position: one
                .from
                .map(|(_, place)| facts.source_of(place, &mut 0))
                .filter(|position| facts.may_read(*position))
                .map(u64::from),
        };
        borne.into_iter().map(dated).collect()
    }

    /// The identifier that the subject bears on the day: the newest of those that no other one has
    /// replaced by then. Of two that are as new, the order of their texts decides.
    pub(super) fn current_id(&self) -> DesigneeId {
        if let [only] = self.cluster.members.as_slice() {
            return self.register.id(*only).clone();
        }
        let day = self.as_of.valid_on;
        let borne = self.identifiers_borne();
        let newest = |among: &dyn Fn(&Borne<'_>) -> bool| {
            let among = borne.iter().filter(|one| among(one));
            among.max_by_key(|one| (one.first_day(), one.id.to_string()))
        };
        let in_force = newest(&|one| one.has_begun(day) && !one.is_replaced(day));
        // In a circle of links each identifier was replaced.
        match in_force.or_else(|| newest(&|one| one.has_begun(day))).or_else(|| newest(&|_| true)) {
            Some(current) => current.id.clone(),
            None => {
                let first = self.cluster.members.first();
                #[allow(clippy::expect_used)] // a cluster begins with the designee asked for
                self.register.id(*first.expect("a designee was read")).clone()
            }
        }
    }

    fn identifiers_borne(&self) -> Vec<Borne<'_>> {
        let members: Vec<DesigneeIndex> = self.cluster.same_subject().collect();
        let mut borne: Vec<Borne<'_>> = Vec::with_capacity(members.len());
        borne.extend(members.iter().map(|member| Borne {
            id: self.register.id(*member),
            from: None,
            replaced: None,
        }));
        if members.len() < 2 {
            return borne;
        }
        for link in self.cluster.links().filter(|link| link.from != link.to) {
            let place = |wanted| members.iter().position(|member| *member == wanted);
            if let Some(one) = place(link.to).and_then(|place| borne.get_mut(place)) {
                let from = (link.day, link.position);
                one.from = Some(one.from.map_or(from, |known| known.min(from)));
            }
            if let Some(one) = place(link.from).and_then(|place| borne.get_mut(place)) {
                one.replaced = Some(one.replaced.map_or(link.day, |known| known.min(link.day)));
            }
        }
        borne
    }
}
