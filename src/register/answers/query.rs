//! Which designees and titles match: questions about all of them, answered in slices, so that
//! nobody holds the register for long.

use super::{reading::Reading, view::TitleView};
use crate::{
    domain::{
        AuthorityCode, CivilDate, DesigneeId, IndustryCode, RegionCode, catalogue::Catalogues,
        event::Ground, kind::ProgrammeId,
    },
    limits::{QUESTION_SLICE_FACTS, QUESTION_SLICE_TITLES},
    register::{
        AsOf, DesigneeIndex, EndCause, Flags, Register, Seen, Status,
        fold::Folded,
        rows::{FactKindRow, FactRow, Rows, Sym},
    },
};

/// The titles that a question asks for: any value within a field, all fields together. An empty
/// field wants everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Programmes.
    pub programmes: Vec<ProgrammeId>,
    /// Authorities that decide on the title.
    pub authorities: Vec<AuthorityCode>,
    /// Authorities that recommended it.
    pub recommended_by: Vec<AuthorityCode>,
    /// Authorities responsible for the designee.
    pub responsible: Vec<AuthorityCode>,
    /// The designee's region, or a region that contains it.
    pub region_under: Option<RegionCode>,
    /// Statuses.
    pub statuses: Vec<Status>,
    /// Batches of the first designation or notice.
    pub batches: Vec<String>,
    /// Rounds of the last passed review.
    pub rounds: Vec<String>,
    /// The designee's industries, or industries that contain them.
    pub industries: Vec<IndustryCode>,
    /// Flags, by their numbers in the protocol; any of them.
    pub flags: Vec<u8>,
    /// The beginning of a name, folded.
    pub name_prefix: String,
    /// A document that a fact of the title cites.
    pub document: String,
    /// Only titles of sealed lists.
    pub sealed_only: bool,
    /// The first of the last days of validity.
    pub valid_to_from: Option<CivilDate>,
    /// The last of the last days of validity.
    pub valid_to_to: Option<CivilDate>,
    /// Causes of the end.
    pub end_causes: Vec<EndCause>,
    /// Types, sites or products.
    pub items: Vec<String>,
    /// Grounds of a revocation.
    pub grounds: Vec<Ground>,
    /// Batches in whose lists the titles are.
    pub listed_in: Vec<String>,
}

impl Wanted {
    /// True if only the name of the designee matters.
    #[must_use]
    pub fn wants_any_designee(&self) -> bool {
        *self == Self { name_prefix: self.name_prefix.clone(), ..Self::default() }
    }
}

/// A designee that matches, with its titles that match.
#[derive(Clone, Debug)]
pub struct Found {
    /// The designee.
    pub index: DesigneeIndex,
    /// The place after this one, from which the search can go on.
    pub next: usize,
    /// Identifier borne on the day.
    pub id: DesigneeId,
    /// Name borne on the day.
    pub name: String,
    /// Region on the day, registered or that of the responsible authority.
    pub region: Option<RegionCode>,
    /// Its titles that match.
    pub titles: Vec<TitleView>,
}

/// The words of a filter as symbols. A word that was never recorded matches nothing.
struct Words {
    batches: Vec<Sym>,
    rounds: Vec<Sym>,
    items: Vec<Sym>,
    lists: Vec<Sym>,
    document: Option<Sym>,
}

impl Register {
    /// Designees with a title that matches, from a place on, until `most` are found, `examined`
    /// are read, or [`QUESTION_SLICE_FACTS`] about them; and the place to go on from, if there are
    /// more.
    #[must_use]
    pub fn search(
        &self,
        catalogues: &Catalogues,
        wanted: &Wanted,
        as_of: AsOf,
        from: usize,
        bounds: (usize, usize),
    ) -> (Vec<Found>, Option<usize>) {
        self.as_seen(None).search(catalogues, wanted, as_of, from, bounds)
    }
}

impl Seen<'_> {
    /// As [`Register::search`], of what the caller may know.
    #[must_use]
    pub fn search(
        &self,
        catalogues: &Catalogues,
        wanted: &Wanted,
        as_of: AsOf,
        from: usize,
        (most, examined): (usize, usize),
    ) -> (Vec<Found>, Option<usize>) {
        let mut reading = Reading::new(self, catalogues, as_of);
        let register = self.register;
        let matcher = Matcher::new(&register.rows, wanted);
        let (mut found, mut kept, any) = (Vec::new(), 0, wanted.wants_any_designee());
        let end = register.designee_count().min(from.saturating_add(examined));
        for place in from..end {
            if reading.facts_read() >= QUESTION_SLICE_FACTS {
                return (found, Some(place));
            }
            let Some(index) = reading.read(place) else { continue };
            if !matcher.name_matches(&reading, index) {
                continue;
            }
            let titles: Vec<TitleView> = reading
                .own_titles()
                .filter_map(|title| matcher.title_view(&reading, title))
                .collect();
            kept += titles.len();
            if !titles.is_empty() || any {
                found.push(Found {
                    index,
                    next: place + 1,
                    id: reading.current_id(),
                    name: register.text(reading.folding.subject.name).to_owned(),
                    region: reading.located().map(|located| located.region),
                    titles,
                });
            }
            if found.len() >= most || kept >= QUESTION_SLICE_TITLES {
                return (found, Some(place + 1));
            }
        }
        (found, (end < register.designee_count()).then_some(end))
    }
}

/// A filter over titles, with its words as symbols.
pub(super) struct Matcher<'a> {
    wanted: &'a Wanted,
    words: Words,
}

impl<'a> Matcher<'a> {
    pub(super) fn new(rows: &Rows, wanted: &'a Wanted) -> Self {
        let syms =
            |words: &[String]| words.iter().filter_map(|word| rows.find_word(word)).collect();
        let words = Words {
            batches: syms(&wanted.batches),
            rounds: syms(&wanted.rounds),
            items: syms(&wanted.items),
            lists: syms(&wanted.listed_in),
            document: rows.find_word(&wanted.document),
        };
        Self { wanted, words }
    }

    /// True if a name of the subject begins as wanted.
    pub(super) fn name_matches(&self, reading: &Reading<'_>, index: DesigneeIndex) -> bool {
        let prefix = self.wanted.name_prefix.as_str();
        if prefix.is_empty() {
            return true;
        }
        let (subjects, mut read) = (reading.subjects(), 0);
        let mut members = reading.cluster.same_subject().chain([index]);
        let matches = members.any(|member| subjects.has_name_with(member, prefix, &mut read));
        reading.count(read);
        matches
    }

    /// True if the title matches every field but the name.
    pub(super) fn matches(
        &self,
        reading: &Reading<'_>,
        title: &Folded,
        status: Status,
        flags: Flags,
    ) -> bool {
        fn any<T: PartialEq>(wanted: &[T], value: Option<&T>) -> bool {
            wanted.is_empty() || value.is_some_and(|value| wanted.contains(value))
        }
        let (wanted, words, subject) = (self.wanted, &self.words, &reading.folding.subject);
        let industry =
            |wanted: &IndustryCode| subject.industry.is_some_and(|own| own.is_under(*wanted));
        let region =
            |under| reading.located().is_some_and(|located| located.region.is_under(under));
        any(&wanted.programmes, Some(&title.key.programme))
            && any(&wanted.authorities, Some(&title.key.authority))
            && any(&wanted.recommended_by, title.recommended_by.as_ref())
            && any(&wanted.responsible, subject.responsible.as_ref())
            && self.wants_status(status)
            && (wanted.batches.is_empty() || words.batches.contains(&title.batch))
            && (wanted.rounds.is_empty() || words.rounds.contains(&title.round))
            && (wanted.industries.is_empty() || wanted.industries.iter().any(industry))
            && wanted.region_under.is_none_or(region)
            && (wanted.flags.is_empty() || wanted.flags.iter().any(|f| flags.contains_number(*f)))
            && (wanted.document.is_empty() || self.cites(reading, title))
            && (!wanted.sealed_only || title.is_sealed(reading.seals()))
            && (wanted.items.is_empty() || words.items.contains(&title.key.item))
            && self.wants_last_day(title)
            && any(&wanted.grounds, title.ground().as_ref())
            && (wanted.end_causes.is_empty()
                || any(&wanted.end_causes, reading.end_cause(title, status).as_ref()))
            && (wanted.listed_in.is_empty() || self.is_listed(reading, title))
    }

    /// A title that is not on record is wanted by its name only.
    fn wants_status(&self, status: Status) -> bool {
        let statuses = &self.wanted.statuses;
        if statuses.is_empty() { status != Status::NotOnRecord } else { statuses.contains(&status) }
    }

    fn wants_last_day(&self, title: &Folded) -> bool {
        let Wanted { valid_to_from: from, valid_to_to: to, .. } = self.wanted;
        if from.is_none() && to.is_none() {
            return true;
        }
        let last = title.current().and_then(|period| period.validity.to);
        let lies_within =
            |last| from.is_none_or(|from| from <= last) && to.is_none_or(|to| last <= to);
        last.is_some_and(lies_within)
    }

    /// True if a fact that made the title lists it in a batch: a designation or a passed review.
    fn is_listed(&self, reading: &Reading<'_>, title: &Folded) -> bool {
        let lists = &self.words.lists;
        self.has_fact(reading, title, |fact| {
            matches!(fact.kind, FactKindRow::Designated { .. } | FactKindRow::ReviewPassed { .. })
                && fact.kind.batch().is_some_and(|batch| lists.contains(&batch))
        })
    }

    /// True if a fact that made the title cites the document.
    fn cites(&self, reading: &Reading<'_>, title: &Folded) -> bool {
        let Some(document) = self.words.document else { return false };
        self.has_fact(reading, title, |fact| fact.document == document)
    }

    /// True if one of the facts that made the title is such.
    fn has_fact(
        &self,
        reading: &Reading<'_>,
        title: &Folded,
        is_such: impl Fn(&FactRow) -> bool,
    ) -> bool {
        let facts = reading.cluster.facts.iter();
        let such = facts.filter(|placed| is_such(&placed.fact));
        let mut such: Vec<u32> = such.map(|placed| placed.position).collect();
        such.sort_unstable();
        title.positions.iter().any(|position| such.binary_search(position).is_ok())
    }

    fn title_view(&self, reading: &Reading<'_>, title: &Folded) -> Option<TitleView> {
        // The cheapest check comes first.
        let programmes = &self.wanted.programmes;
        if !(programmes.is_empty() || programmes.contains(&title.key.programme)) {
            return None;
        }
        let status = reading.status(title);
        let flags = reading.flags(title, status);
        let matches = self.matches(reading, title, status, flags);
        matches.then(|| reading.title_view(title, status, flags))
    }
}
