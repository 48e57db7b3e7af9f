//! Which designees and titles: the questions that go over all of them, a slice at a time, so that nobody holds the register
//! for long.

use super::{
    DesigneeIndex, Register,
    fold::{self, Flag, Flags, Folded, Folding, Status},
    identity::Circle,
    row::What,
    texts::Sym,
    view::TitleView,
};
use crate::domain::{
    AuthorityCode, CivilDate, DesigneeId, IndustryCode, RegionCode, catalogue::Catalogue,
    event::Part, kind::ProgrammeId, name,
};

/// What a question stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The day to answer for.
    pub as_of: CivilDate,
    /// The log size to answer for.
    pub known_at: u64,
}

/// Which titles. Any value within a field, all fields together; an empty field wants everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)] // as documented in tidu.v1.TitleFilter
pub struct Wanted {
    pub programmes: Vec<ProgrammeId>,
    pub authorities: Vec<AuthorityCode>,
    pub recommended_by: Vec<AuthorityCode>,
    pub responsible: Vec<AuthorityCode>,
    pub region_under: Option<RegionCode>,
    pub statuses: Vec<Status>,
    pub batches: Vec<String>,
    pub rounds: Vec<String>,
    pub industries: Vec<IndustryCode>,
    /// Numbers of the protocol.
    pub flags: Vec<u8>,
    /// Folded.
    pub name_prefix: String,
    pub document: String,
    pub sealed_only: bool,
}

impl Wanted {
    /// True if nothing is asked of titles.
    #[must_use]
    pub fn wants_any_designee(&self) -> bool {
        *self == Self { name_prefix: self.name_prefix.clone(), ..Self::default() }
    }
}

/// A designee that matches, with its titles that match.
#[derive(Clone, Debug)]
pub struct Found {
    /// Which designee.
    pub index: DesigneeIndex,
    /// The place to go on from, after this one.
    pub next: usize,
    /// Identifier borne on the day.
    pub id: DesigneeId,
    /// Name borne on the day.
    pub name: String,
    /// Registered region on the day.
    pub region: Option<RegionCode>,
    /// The titles.
    pub titles: Vec<TitleView>,
}

/// Answers about one designee after the other, in room that is used again.
pub(super) struct Reading<'a> {
    pub(super) register: &'a Register,
    pub(super) catalogue: &'a Catalogue,
    pub(super) moment: Moment,
    pub(super) circle: Circle,
    pub(super) folding: Folding,
    words: Words,
}

/// The words of a filter as symbols; a word that was never recorded matches nothing.
#[derive(Default)]
struct Words {
    batches: Vec<Sym>,
    rounds: Vec<Sym>,
    document: Option<Sym>,
}

impl Register {
    /// Designees with a title that matches, from a place on, until `most` were found or `examined` looked at; and the place
    /// to go on from, none at the end.
    #[must_use]
    pub fn search(
        &self,
        catalogue: &Catalogue,
        wanted: &Wanted,
        moment: Moment,
        from: usize,
        (most, examined): (usize, usize),
    ) -> (Vec<Found>, Option<usize>) {
        let mut reading = Reading::new(self, catalogue, moment);
        reading.resolve(wanted);
        let (mut found, any) = (Vec::new(), wanted.wants_any_designee());
        let end = self.designees.len().min(from.saturating_add(examined));
        for place in from..end {
            let Some(index) = reading.read(place) else { continue };
            if !reading.name_fits(index, wanted) {
                continue;
            }
            let titles: Vec<TitleView> = reading
                .own_titles()
                .filter_map(|title| reading.wanted_view(title, wanted))
                .collect();
            if !titles.is_empty() || any {
                found.push(reading.found(index, place + 1, titles));
            }
            if found.len() >= most {
                return (found, Some(place + 1));
            }
        }
        (found, (end < self.designees.len()).then_some(end))
    }
}

impl<'a> Reading<'a> {
    pub(super) fn new(register: &'a Register, catalogue: &'a Catalogue, moment: Moment) -> Self {
        let (circle, folding) = (Circle::default(), Folding::default());
        Self { register, catalogue, moment, circle, folding, words: Words::default() }
    }

    pub(super) fn resolve(&mut self, wanted: &Wanted) {
        let texts = &self.register.texts;
        let syms = |words: &[String]| words.iter().filter_map(|word| texts.find(word)).collect();
        self.words = Words {
            batches: syms(&wanted.batches),
            rounds: syms(&wanted.rounds),
            document: texts.find(&wanted.document),
        };
    }

    /// Folds the subject of the designee at a place; none if nothing is known of it, or an earlier identifier stands for it.
    pub(super) fn read(&mut self, place: usize) -> Option<DesigneeIndex> {
        let index = DesigneeIndex(u32::try_from(place).ok()?);
        let Moment { as_of, known_at } = self.moment;
        self.register.events_of(index, known_at).next()?;
        self.register.circle_into(&mut self.circle, index, known_at, None);
        if self.circle.own_members().any(|member| member < index) {
            return None;
        }
        self.fold(as_of);
        Some(index)
    }

    /// Folds the subject of a designee, whichever of its identifiers it is.
    pub(super) fn read_one(&mut self, index: DesigneeIndex) {
        let Moment { as_of, known_at } = self.moment;
        self.register.circle_into(&mut self.circle, index, known_at, None);
        self.fold(as_of);
    }

    fn fold(&mut self, as_of: CivilDate) {
        let months = self.catalogue.duties.report_months;
        fold::fold(&mut self.folding, &self.circle, as_of, months);
    }

    pub(super) fn own_titles(&self) -> impl Iterator<Item = &Folded> {
        self.folding.titles.iter().filter(|title| title.subject == 0 && title.is_known())
    }

    pub(super) fn name_fits(&self, index: DesigneeIndex, wanted: &Wanted) -> bool {
        let prefix = wanted.name_prefix.as_str();
        if prefix.is_empty() {
            return true;
        }
        let known_at = self.moment.known_at;
        self.circle.own_members().chain([index]).any(|member| {
            self.register.names_of(member, known_at).any(|name| name::begins(name, prefix))
        })
    }

    /// True if the name, and what does not need the title's status, fit.
    pub(super) fn fits(
        &self,
        title: &Folded,
        status: Status,
        flags: Flags,
        wanted: &Wanted,
    ) -> bool {
        fn any<T: PartialEq>(wanted: &[T], value: Option<&T>) -> bool {
            wanted.is_empty() || value.is_some_and(|value| wanted.contains(value))
        }
        let subject = &self.folding.subject;
        let industry =
            |wanted: &IndustryCode| subject.industry.is_some_and(|own| own.is_under(*wanted));
        let region = |under: RegionCode| subject.region.is_some_and(|own| own.is_under(under));
        any(&wanted.programmes, Some(&title.key.programme))
            && any(&wanted.authorities, Some(&title.key.authority))
            && any(&wanted.recommended_by, title.recommended_by.as_ref())
            && any(&wanted.responsible, subject.responsible.as_ref())
            && any(&wanted.statuses, Some(&status))
            && (wanted.batches.is_empty() || self.words.batches.contains(&title.batch))
            && (wanted.rounds.is_empty() || self.words.rounds.contains(&title.round))
            && (wanted.industries.is_empty() || wanted.industries.iter().any(industry))
            && wanted.region_under.is_none_or(region)
            && (wanted.flags.is_empty() || wanted.flags.iter().any(|f| flags.contains_number(*f)))
            && (wanted.document.is_empty() || self.cites(title))
            && (!wanted.sealed_only || title.is_sealed(self.register, self.moment))
    }

    /// True if a fact that made the title cites the document sought.
    fn cites(&self, title: &Folded) -> bool {
        let Some(document) = self.words.document else { return false };
        let made_it = |position: &u32| title.positions.contains(position);
        let mut facts = self.circle.facts.iter().filter(|placed| made_it(&placed.position));
        facts.any(|placed| placed.stated.document == document)
    }

    fn wanted_view(&self, title: &Folded, wanted: &Wanted) -> Option<TitleView> {
        // What costs nothing is asked first.
        let programme = &title.key.programme;
        if !(wanted.programmes.is_empty() || wanted.programmes.contains(programme)) {
            return None;
        }
        let status = title.status(self.register, self.moment);
        let flags = self.flags(title, status);
        self.fits(title, status, flags, wanted).then(|| self.title_view(title, status, flags))
    }

    pub(super) fn found(&self, index: DesigneeIndex, next: usize, titles: Vec<TitleView>) -> Found {
        Found {
            index,
            next,
            id: self.current_id(),
            name: self.register.text(self.folding.subject.name).to_owned(),
            region: self.folding.subject.region,
            titles,
        }
    }

    /// What deserves attention in a title.
    pub(super) fn flags(&self, title: &Folded, status: Status) -> Flags {
        let by_name_only = self
            .circle
            .own_members()
            .all(|member| matches!(self.register.id(member), DesigneeId::Provisional { .. }));
        let subject = &self.folding.subject;
        let mut flags = title.flags(self.register, subject, by_name_only, self.moment);
        if status == Status::Active {
            flags.set(Flag::PrerequisiteLost, self.prerequisite_is_lost(title));
            flags.set(Flag::ReviewIneligible, self.missing_update(title).is_some());
        }
        flags
    }

    /// A prerequisite was held, and none is in force any more.
    fn prerequisite_is_lost(&self, title: &Folded) -> bool {
        let rule = self.catalogue.rule_at(title.key.programme, title.rule);
        let needed = rule.map_or(&[][..], |rule| rule.prerequisites(title.recommended_by));
        let mut on_record = self
            .own_titles()
            .filter(|other| needed.contains(&other.key.programme) && !other.periods.is_empty())
            .peekable();
        on_record.peek().is_some()
            && !on_record
                .any(|other| matches!(other.status(self.register, self.moment), Status::Active))
    }

    /// The first year whose information update is missing, where the responsible authority has declared them complete.
    pub(super) fn missing_update(&self, title: &Folded) -> Option<i16> {
        if self.register.frame_size() == 0 {
            return None;
        }
        let responsible = self.folding.subject.responsible.unwrap_or(title.key.authority);
        let from = title.current()?.from;
        let due = |year: i16| {
            let day = self.catalogue.duties.update_by.of_year(year)?;
            let moment = Moment { as_of: day, ..self.moment };
            let programme = title.key.programme;
            let owed = from <= day
                && day < self.moment.as_of
                && self.register.complete(responsible, programme, Part::InformationUpdates, moment);
            (owed && !self.is_updated(title, year)).then_some(year)
        };
        (from.year()..=self.moment.as_of.year()).find_map(due)
    }

    fn is_updated(&self, title: &Folded, year: i16) -> bool {
        let same = |stated: &super::row::Stated| {
            matches!(stated.what, What::InformationUpdated { year: updated } if i32::from(updated) == i32::from(year))
                && stated.programme.is_none_or(|programme| programme == title.key.programme)
        };
        self.circle.own_facts().any(|placed| same(&placed.stated))
    }
}

impl Folded {
    /// True if some fact bears on the title by the day.
    pub(super) fn is_known(&self) -> bool {
        !self.positions.is_empty() || !self.superseded.is_empty()
    }
}
