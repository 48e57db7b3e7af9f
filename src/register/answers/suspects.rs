//! Names that several subjects bear or bore: perhaps one subject under identifiers that no fact
//! links yet.

use super::{find::Bearer, reading::Reading};
use crate::{
    domain::{AuthorityCode, RegionCode, catalogue::Catalogues, kind::ProgrammeId},
    limits::{QUESTION_SLICE_FACTS, SUSPECT_BEARERS_MAX},
    register::{
        AsOf, DesigneeIndex, Register, Seen,
        identity::{Namesakes, SharedName},
    },
};

/// The names that a question asks for: those with a bearer that has a value of each field. An empty
/// field wants everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SuspectsWanted {
    /// Authorities responsible for the designee.
    pub authorities: Vec<AuthorityCode>,
    /// The designee's region, or a region that contains it.
    pub region_under: Option<RegionCode>,
    /// Programmes of its titles.
    pub programmes: Vec<ProgrammeId>,
}

/// A name that several subjects bear or bore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameShared {
    /// The place of its first bearer.
    pub place: usize,
    /// The name, as an event of the first bearer states it.
    pub name: String,
    /// The first bearers.
    pub bearers: Vec<Bearer>,
    /// True if there are more of them.
    pub is_cut: bool,
}

/// A slice of a search.
#[derive(Debug, Default)]
pub struct SuspectsRead {
    /// What it found, in the order of the first bearers.
    pub found: Vec<NameShared>,
    /// The place to go on from, if there are more designees.
    pub next: Option<usize>,
}

impl Register {
    /// Names that several subjects bear, from the first bearers in a place on, until `most` are
    /// found, `examined` designees are read or the slice is full. All of one place are in one
    /// slice.
    #[must_use]
    pub fn suspects(
        &self,
        catalogues: &Catalogues,
        wanted: &SuspectsWanted,
        as_of: AsOf,
        from: usize,
        bounds: (usize, usize),
    ) -> SuspectsRead {
        self.as_seen(None).suspects(catalogues, wanted, as_of, from, bounds)
    }
}

impl Seen<'_> {
    /// As [`Register::suspects`], of the subjects that the caller may know.
    #[must_use]
    pub fn suspects(
        &self,
        catalogues: &Catalogues,
        wanted: &SuspectsWanted,
        as_of: AsOf,
        from: usize,
        (most, examined): (usize, usize),
    ) -> SuspectsRead {
        let mut reading = Reading::new(self, catalogues, as_of);
        let mut found = Vec::new();
        let count = self.register.designee_count();
        let end = count.min(from.saturating_add(examined));
        for place in from..end {
            if found.len() >= most || reading.facts_read() >= QUESTION_SLICE_FACTS {
                return SuspectsRead { found, next: Some(place) };
            }
            reading.add_shared(wanted, place, &mut found);
        }
        SuspectsRead { found, next: (end < count).then_some(end) }
    }
}

impl Reading<'_> {
    /// Adds the names whose first bearer is in a place.
    fn add_shared(&mut self, wanted: &SuspectsWanted, place: usize, found: &mut Vec<NameShared>) {
        let index = DesigneeIndex::of_place(place);
        let (subjects, mut read) = (self.subjects(), 1);
        let shared = subjects.shared_names(index, &mut read);
        self.count(read);
        for SharedName { key, name } in shared {
            // The other bearers of the name do not look further than the first one.
            if self.namesakes(&key, 0).subjects.first() != Some(&index) {
                self.count(1);
                continue;
            }
            let Namesakes { subjects, is_cut } = self.namesakes(&key, SUSPECT_BEARERS_MAX - 1);
            self.count(subjects.len());
            if subjects.len() < 2 {
                continue;
            }
            let (mut bearers, mut matches) = (Vec::new(), false);
            for index in subjects {
                self.read_one(index);
                self.count(self.cluster.facts_read());
                bearers.push(self.bearer());
                matches |= self.is_wanted(wanted);
            }
            if matches {
                found.push(NameShared { place, name, bearers, is_cut });
            }
        }
    }

    /// The first subjects that the caller may know and that bear or bore a name with a key, until
    /// there are more than `most`.
    pub(super) fn namesakes(&mut self, key: &str, most: usize) -> Namesakes {
        let subjects = self.subjects();
        if self.register.sight().is_none() {
            return subjects.namesakes(key, most, |_| true);
        }
        subjects.namesakes(key, most, |index| {
            self.read_one(index);
            self.count(self.cluster.facts_read());
            self.is_shown()
        })
    }

    /// True if the subject that was read has a value of each field.
    fn is_wanted(&self, wanted: &SuspectsWanted) -> bool {
        let SuspectsWanted { authorities, region_under, programmes } = wanted;
        let responsible = self.folding.subject.responsible;
        let is_under = |under| self.located().is_some_and(|at| at.region.is_under(under));
        let mut titles = self.own_titles();
        (authorities.is_empty() || responsible.is_some_and(|own| authorities.contains(&own)))
            && region_under.is_none_or(is_under)
            && (programmes.is_empty() || titles.any(|t| programmes.contains(&t.key.programme)))
    }
}
