//! Which events someone wants, and finding them: postings skip to the next candidate, and what follows it is looked at row by
//! row for as long as it matches.
//!
//! Whether an event matches follows from it and from what was recorded before it, so every reader at every time gets the
//! same events.

use hashbrown::HashSet;
use roaring::RoaringBitmap;

use super::{
    DesigneeIndex, NOBODY, Register,
    concern::{bit, bit_of},
    narrow,
    postings::Audience,
    row::{Row, Stated, What},
};
use crate::{
    domain::{
        AuthorityCode, DesigneeId, RegionCode,
        kind::{Kind, ProgrammeId},
    },
    limits::INTEREST_WINDOW_EVENTS,
};

/// Which events someone wants: any value within a field, all fields together; an empty field wants everything.
#[derive(Clone, Debug, Default)]
pub struct Interest {
    terms: Terms,
    watch: Option<Box<Watch>>,
}

/// What someone wants, whoever the designees are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Terms {
    authorities: u64,
    programmes: u32,
    /// Numbers of kinds, a bit each.
    kinds: u128,
    region: Option<RegionCode>,
    batches: Vec<String>,
}

/// A list of designees to follow, under whatever identifier.
#[derive(Clone, Debug, Default)]
struct Watch {
    designees: HashSet<DesigneeId>,
    /// Identifiers whose events are not in `positions` yet.
    left: Vec<DesigneeId>,
    /// Below this size `positions` holds every event that can match.
    covered: u64,
    positions: RoaringBitmap,
}

impl Interest {
    /// Wants an authority's events.
    pub fn authority(&mut self, authority: AuthorityCode) {
        self.terms.authorities |= bit(authority);
    }

    /// Wants a programme's events.
    pub fn programme(&mut self, programme: ProgrammeId) {
        self.terms.programmes |= bit_of(programme);
    }

    /// Wants a kind of events.
    pub fn kind(&mut self, kind: Kind) {
        self.terms.kinds |= bit_of_kind(kind.number());
    }

    /// Wants what concerns a region or what lies in it.
    pub fn region_under(&mut self, region: RegionCode) {
        self.terms.region = Some(region);
    }

    /// Wants a batch's events, whoever's batch it is.
    pub fn batch(&mut self, batch: &str) {
        self.terms.batches.push(batch.to_owned());
    }

    /// Wants what concerns a designee, under any of its identifiers, also one that nothing is known of yet. The events
    /// recorded so far are found faster after [`Interest::cover`].
    pub fn designee(&mut self, id: DesigneeId) {
        let watch = self.watch.get_or_insert_default();
        if watch.designees.insert(id.clone()) {
            watch.left.push(id);
        }
    }

    /// True if every event matches.
    #[must_use]
    pub fn wants_all(&self) -> bool {
        self.terms == Terms::default() && self.watch.is_none()
    }

    /// Collects where the designees' events are, of at most `most` designees; true when nothing is left to do. Events
    /// recorded between two calls are found all the same.
    pub fn cover(&mut self, register: &Register, most: usize) -> bool {
        let Some(watch) = &mut self.watch else { return true };
        for _ in 0..most {
            let Some(id) = watch.left.pop() else { break };
            if watch.left.len() + 1 == watch.designees.len() {
                watch.covered = register.size();
            }
            if let Some(index) = register.index_of(&id) {
                register.ever_about(index, &mut watch.positions);
            }
        }
        watch.left.is_empty()
    }

    /// The same without its designees.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The designees that are wanted; none if it does not matter who they are.
    #[must_use]
    pub fn designees(&self) -> Option<impl ExactSizeIterator<Item = &DesigneeId>> {
        self.watch.as_ref().map(|watch| watch.designees.iter())
    }
}

impl From<Terms> for Interest {
    fn from(terms: Terms) -> Self {
        Self { terms, watch: None }
    }
}

impl Terms {
    fn wants_audience(&self, audience: &Audience) -> bool {
        (self.authorities == 0 || self.authorities & audience.authorities != 0)
            && (self.programmes == 0 || self.programmes & audience.programmes != 0)
            && (self.kinds == 0 || self.kinds & bit_of_kind(audience.kind) != 0)
    }
}

fn bit_of_kind(number: u8) -> u128 {
    1_u128.checked_shl(u32::from(number)).unwrap_or(0)
}

/// Sets of which any holds a matching event, and of which all together do.
type AnyOf<'a> = Vec<&'a RoaringBitmap>;

impl Register {
    /// Positions in `from..to` that match, at most `most`, and the position up to which all were examined.
    #[must_use]
    pub fn matching(
        &self,
        interest: &Interest,
        from: u64,
        to: u64,
        most: usize,
    ) -> (Vec<u64>, u64) {
        let search = Search::new(self, interest, to.saturating_sub(from));
        let (mut found, mut at) = (Vec::new(), from);
        while at < to {
            let Some(candidate) = search.next_from(at, to) else { return (found, to) };
            at = candidate;
            let mut window = at + INTEREST_WINDOW_EVENTS;
            while at < to.min(window) {
                if search.matches(at) {
                    found.push(at);
                    if found.len() >= most {
                        return (found, at + 1);
                    }
                    window = at + INTEREST_WINDOW_EVENTS;
                }
                at += 1;
            }
        }
        (found, to)
    }

    /// As [`Register::matching`] below a position, newest first; and where to go on from, exclusive, if there is more.
    #[must_use]
    pub fn matching_before(
        &self,
        interest: &Interest,
        before: u64,
        most: usize,
    ) -> (Vec<u64>, Option<u64>) {
        let search = Search::new(self, interest, before);
        let (mut found, mut at) = (Vec::new(), before);
        while let Some(candidate) = search.next_before(at) {
            at = candidate + 1;
            let mut window = at.saturating_sub(INTEREST_WINDOW_EVENTS);
            while at > window {
                if found.len() == most {
                    return (found, Some(at));
                }
                at -= 1;
                if search.matches(at) {
                    found.push(at);
                    window = at.saturating_sub(INTEREST_WINDOW_EVENTS);
                }
            }
        }
        (found, None)
    }

    /// Every event that was ever about a designee or what was ever tied to it: more than what concerns it.
    fn ever_about(&self, index: DesigneeIndex, positions: &mut RoaringBitmap) {
        let mut members = vec![index];
        let mut next = 0;
        while let Some(member) = members.get(next).copied() {
            for position in self.events_of(member, self.size()) {
                positions.insert(position);
                for other in self.linked_by(position) {
                    if !members.contains(&other) {
                        members.push(other);
                    }
                }
            }
            next += 1;
        }
    }

    /// The sides of the links that an event states, puts in another one's place, or repairs.
    fn linked_by(&self, position: u32) -> impl Iterator<Item = DesigneeIndex> {
        let sides = |(owner, stated): (DesigneeIndex, &Stated)| match stated.what {
            What::Linked { other, .. } => [Some(owner), Some(other)],
            _ => [None, None],
        };
        let root = self.row(self.root_of(position)).map(|row| (row.designee, &row.stated));
        let facts = [root, self.replacement_at(position)];
        facts.into_iter().flatten().flat_map(sides).flatten()
    }
}

/// One question to the register.
struct Search<'a> {
    register: &'a Register,
    interest: &'a Interest,
    /// For each field that is asked for: its sets. Empty fields are left out.
    fields: Vec<AnyOf<'a>>,
    region: Option<&'a RoaringBitmap>,
    batches: AnyOf<'a>,
}

impl<'a> Search<'a> {
    /// `span` is the number of positions that will be looked at: what is small needs no postings to be skipped.
    fn new(register: &'a Register, interest: &'a Interest, span: u64) -> Self {
        let (postings, terms) = (&register.postings, &interest.terms);
        let region = terms.region.and_then(|region| postings.of_region(region));
        let words = terms.batches.iter().filter_map(|batch| register.texts.find(batch));
        let batches: AnyOf<'a> = words.filter_map(|word| postings.of_batch(word)).collect();
        let mut fields = Vec::new();
        if terms.region.is_some() {
            fields.push(region.into_iter().collect());
        }
        if !terms.batches.is_empty() {
            fields.push(batches.clone());
        }
        let audiences = terms.authorities != 0 || terms.programmes != 0 || terms.kinds != 0;
        if audiences && span > INTEREST_WINDOW_EVENTS {
            let wanted = |audience: &Audience| terms.wants_audience(audience);
            fields.push(postings.of_audiences(wanted).collect());
        }
        Self { register, interest, fields, region, batches }
    }

    /// The first position at or after `at` that every field may hold.
    fn next_from(&self, at: u64, to: u64) -> Option<u64> {
        let mut at = at;
        loop {
            let mut next = at;
            for sets in &self.fields {
                let first = sets.iter().filter_map(|set| set.range(narrow(next)..).next()).min()?;
                next = next.max(u64::from(first));
            }
            if let Some(watch) = &self.interest.watch
                && next < watch.covered
                && watch.left.is_empty()
            {
                let first = watch.positions.range(narrow(next)..).next().map(u64::from);
                next = first.unwrap_or(watch.covered).min(watch.covered);
            }
            if next >= to {
                return None;
            }
            if next == at {
                return Some(at);
            }
            at = next;
        }
    }

    /// The last position before `before` that every field may hold.
    fn next_before(&self, before: u64) -> Option<u64> {
        let mut at = before.checked_sub(1)?;
        loop {
            let mut next = at;
            for sets in &self.fields {
                let last = |set: &&RoaringBitmap| set.range(..=narrow(next)).next_back();
                next = u64::from(sets.iter().filter_map(last).max()?);
            }
            if let Some(watch) = &self.interest.watch
                && next < watch.covered
                && watch.left.is_empty()
            {
                next = u64::from(watch.positions.range(..=narrow(next)).next_back()?);
            }
            if next == at {
                return Some(at);
            }
            at = next;
        }
    }

    fn matches(&self, position: u64) -> bool {
        let at = narrow(position);
        let Some(row) = self.register.row(at) else { return false };
        let (interest, terms) = (self.interest, &self.interest.terms);
        terms.wants_audience(&self.register.postings.audience(row.audience))
            && (terms.region.is_none() || self.region.is_some_and(|set| set.contains(at)))
            && (terms.batches.is_empty() || self.batches.iter().any(|set| set.contains(at)))
            && interest.watch.as_ref().is_none_or(|watch| self.is_watched(watch, row, at))
    }

    /// True if the event is about a watched designee, or concerns it, under an identifier that was its own by then.
    fn is_watched(&self, watch: &Watch, row: &Row, position: u32) -> bool {
        self.register.any_identifier(row, position, |id| watch.designees.contains(id))
    }
}

impl Register {
    /// Tells every identifier under which someone may follow an event of `from..to`, some of them more than once.
    pub fn followed_as(&self, from: u64, to: u64, mut tell: impl FnMut(&DesigneeId)) {
        for position in narrow(from)..narrow(to) {
            let Some(row) = self.row(position) else { return };
            self.any_identifier(row, position, |id| {
                tell(id);
                false
            });
        }
    }

    /// True if `is` holds for one of those whom an event concerns, or for another identifier that a link has given it by
    /// then: whoever follows one of these gets the event.
    fn any_identifier(
        &self,
        row: &Row,
        position: u32,
        mut is: impl FnMut(&DesigneeId) -> bool,
    ) -> bool {
        self.concerned_by(row, position).any(|index| {
            let record = self.designee(index);
            let is_linked = record.also || record.ties;
            is(self.id(index))
                || is_linked && {
                    let circle = self.circle(index, u64::from(position) + 1, None);
                    circle.own_members().any(|member| is(self.id(member)))
                }
        })
    }

    /// The designees that an event is about, or concerns besides.
    fn concerned_by(&self, row: &Row, position: u32) -> impl Iterator<Item = DesigneeIndex> {
        let about = Some(row.designee).filter(|index| *index != NOBODY);
        let others = self.others_at.get(&position).map_or(&[][..], Vec::as_slice);
        about.into_iter().chain(others.iter().copied())
    }
}
