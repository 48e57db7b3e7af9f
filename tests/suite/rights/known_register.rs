//! The register under rights. Each answer is that of a register in which the events that do not
//! count for the caller were never recorded, filtered by a second writing of the rights. Random
//! histories and rights; the seed is printed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use fastrand::Rng;
use tidu::{
    domain::{
        AuthorityCode, DesigneeId, RegionCode,
        catalogue::Catalogues,
        event::{Event, Fact},
        kind::{Kind, ProgrammeId},
    },
    protocol::{event, pb},
    register::{
        AsOf, ComparisonPart, Counting, DesigneeIndex, DesigneeView, Explanation, Group, NameParts,
        NameWanted, Register, Seen, SetsReading, Sight, Stage, Status, SuspectsWanted, TitleView,
        Wanted,
    },
};

use super::oracle::{self, PlainReach, PlainRights};
use crate::support::{DESIGNEES, OTHERS, Step, annulled, date, day, event as event_of, seed};

const DAYS: [&str; 5] = ["2016-03-01", "2019-01-15", "2022-07-15", "2025-02-01", "2030-01-01"];

/// A history, and the registers of one caller: with all events, and with those that count.
struct Story {
    messages: Vec<pb::Event>,
    events: Vec<Event>,
    catalogues: Arc<Catalogues>,
    whole: Register,
    known: Register,
    /// A fact about neither a designee nor a batch.
    void: Event,
    rights: PlainRights,
    sight: Arc<Sight>,
}

fn measures() -> pb::Event {
    let fact = pb::MeasuresIssued {
        instrument: pb::Instrument::Measures.into(),
        title: "示例办法".to_owned(),
        in_force_from: date("2024-01-01"),
        ..Default::default()
    };
    event_of("440000", "", "2024-01-01", pb::event::Fact::MeasuresIssued(fact))
}

fn step(random: &mut Rng, size: u64) -> Step {
    let (who, also, on) = (random.usize(0..4), random.usize(0..4), random.u8(0..100));
    let earlier = random.u64(0..size.max(1));
    // The first event has nothing to repair.
    match random.u8(if size == 0 { 0..13 } else { 0..19 }) {
        0..4 => Step::Designate(who, random.u8(0..4), on),
        4..6 => Step::Notice(who, random.u8(0..3), on),
        6 => Step::Pass(who, on),
        7..12 => Step::Other(random.u8(0..OTHERS), who, also, on),
        12 => Step::Other(10, who, also, on),
        13 => Step::CorrectWith(earlier, random.u8(0..OTHERS), who, also, on),
        14 => Step::Correct(earlier, who, on),
        15 => Step::Annul(earlier),
        16 => Step::Seal(random.u8(0..3), on),
        _ => Step::Other(10, who, also, on),
    }
}

impl Story {
    fn tell(random: &mut Rng) -> Self {
        let catalogues = Arc::new(Catalogues::built_in());
        let (mut messages, mut events, mut whole) = (Vec::new(), Vec::new(), Register::default());
        while whole.size() < 40 {
            let message = step(random, whole.size()).event();
            let parsed = event::proposal(catalogues.in_use(), 0, message.clone());
            let Ok(proposed) = parsed else { continue };
            whole.apply(&proposed.event);
            messages.push(message);
            events.push(proposed.event);
        }
        let rights = oracle::any_rights(random);
        let sight = Arc::new(Sight::of(&oracle::served(&rights), &catalogues));
        let known = Register::default();
        let parsed = |message| event::proposal(catalogues.in_use(), 0, message).unwrap().event;
        let (void, nothing) = (parsed(measures()), parsed(annulled(9_999)));
        let mut story = Self { messages, events, catalogues, whole, known, void, rights, sight };
        for at in 0..story.whole.size() {
            let counts = story.counts(at);
            let event = match counts {
                true => Some(story.event(at).clone()),
                false => story.saying_nothing_new(at),
            };
            story.known.apply(event.as_ref().unwrap_or(&nothing));
        }
        story
    }

    fn event(&self, at: u64) -> &Event {
        &self.events[usize::try_from(at).unwrap()]
    }

    /// A correction that does not count, as one that says again what is in force: so that a
    /// correction of it has the same place.
    fn saying_nothing_new(&self, at: u64) -> Option<Event> {
        let said = self.in_force(self.repaired_by(at)?, at)?;
        let said = if self.counts(said) { said } else { self.said(said) };
        let again = match &self.event(said).fact {
            Fact::Repair { replacement, .. } => replacement.as_deref(),
            _ => Some(self.event(said)),
        };
        let again = again.filter(|_| self.counts(said)).unwrap_or(&self.void).clone();
        let mut event = self.event(at).clone();
        if let Fact::Repair { replacement, .. } = &mut event.fact {
            *replacement = Some(Box::new(again));
        }
        Some(event)
    }

    /// The event whose words the caller gets in the place of a correction that does not count.
    fn said(&self, at: u64) -> u64 {
        let target = self.repaired_by(at).filter(|_| !self.counts(at));
        match target.and_then(|target| self.in_force(target, at)) {
            Some(said) => self.said(said),
            None => at,
        }
    }

    fn repaired_by(&self, at: u64) -> Option<u64> {
        match &self.event(at).fact {
            Fact::Repair { position, .. } => Some(*position),
            _ => None,
        }
    }

    /// The event in force in the place of one before a position: it, or a repair; none if it was
    /// annulled. Repairs that do not count are passed over, but not those of them.
    fn in_force(&self, mut at: u64, before: u64) -> Option<u64> {
        loop {
            let lives = |repair: &u64| {
                self.repaired_by(*repair) == Some(at)
                    && self
                        .in_force(*repair, before)
                        .is_some_and(|source| self.counts(*repair) || source != *repair)
            };
            let Some(newest) = (at + 1..before).rev().find(lives) else { return Some(at) };
            let Fact::Repair { replacement: Some(_), .. } = &self.event(newest).fact else {
                return None;
            };
            at = newest;
        }
    }

    fn seen(&self) -> Seen<'_> {
        self.whole.as_seen(Some(&self.sight))
    }

    fn counts(&self, at: u64) -> bool {
        let kind = self.event(at).fact.stated_kind();
        !self.catalogues.in_use().is_own(kind) || self.reads(at)
    }

    /// True if the caller may read the event at a position.
    fn reads(&self, at: u64) -> bool {
        let concerns = self.whole.concerns(at, &BTreeSet::new()).unwrap();
        let fact = &self.event(at).fact;
        let own = self.catalogues.in_use().is_own(fact.stated_kind());
        let reaches = |reach: &PlainReach, kind: Kind| {
            self.concerns(reach, &concerns.authorities, &concerns.programmes, &concerns.regions)
                && (reach.kinds.is_empty() || reach.kinds.contains(&kind))
                && (reach.own || !own)
        };
        let kinds = [fact.kind(), fact.stated_kind()];
        self.rights
            .bounds
            .iter()
            .all(|bound| kinds.iter().all(|kind| bound.iter().any(|reach| reaches(reach, *kind))))
    }

    /// True if the caller may know an item of the register.
    fn knows(
        &self,
        authorities: &[AuthorityCode],
        programme: Option<ProgrammeId>,
        region: Option<RegionCode>,
    ) -> bool {
        let programmes: Vec<_> = programme.into_iter().collect();
        let regions: Vec<_> = region.into_iter().collect();
        let reaches = |reach: &PlainReach| {
            reach.kinds.is_empty() && self.concerns(reach, authorities, &programmes, &regions)
        };
        self.rights.bounds.iter().all(|bound| bound.iter().any(reaches))
    }

    fn concerns(
        &self,
        reach: &PlainReach,
        authorities: &[AuthorityCode],
        programmes: &[ProgrammeId],
        regions: &[RegionCode],
    ) -> bool {
        let authority =
            |at: &usize| authorities.iter().any(|code| code.as_str() == oracle::AUTHORITIES[*at]);
        let programme = |at: &usize| {
            let id = oracle::PROGRAMMES[*at];
            programmes.iter().any(|programme| self.catalogues.id_of(*programme) == id)
        };
        let lies_in = |at: usize| {
            let outer = RegionCode::parse(oracle::REGIONS[at]).unwrap();
            regions.iter().any(|region| *region == outer || region.is_under(outer))
        };
        (reach.authorities.is_empty() || reach.authorities.iter().any(authority))
            && (reach.programmes.is_empty() || reach.programmes.iter().any(programme))
            && reach.region.is_none_or(lies_in)
    }

    /// The identifiers that an event is about or names, for a repair along its chain.
    fn about(&self, at: u64) -> BTreeSet<String> {
        let fact = &self.event(at).fact;
        let named = |fact: &Fact| -> Vec<String> {
            let others = fact.others().into_iter();
            fact.designee().into_iter().chain(others).map(ToString::to_string).collect()
        };
        let mut all: BTreeSet<String> = named(fact).into_iter().collect();
        if let Fact::Repair { position, replacement } = fact {
            all.extend(replacement.iter().flat_map(|inner| named(&inner.fact)));
            if *position < at {
                all.extend(self.about(*position));
            }
        }
        all
    }

    fn index(&self, register: &Register, id: &str) -> Option<DesigneeIndex> {
        register.find(&DesigneeId::parse(id).unwrap(), register.size())
    }

    /// The names that the event at a position gives to a designee.
    fn names(&self, at: u64) -> Vec<(String, String)> {
        let message = &self.messages[usize::try_from(at).unwrap()];
        let inner = match &message.fact {
            Some(pb::event::Fact::Corrected(corrected)) => corrected.replacement.as_deref(),
            _ => None,
        };
        let stated = inner.unwrap_or(message);
        let names = match stated.fact.clone().unwrap() {
            pb::event::Fact::Renamed(renamed) => vec![renamed.old_name, renamed.new_name],
            pb::event::Fact::Restructured(restructured) => vec![restructured.new_name],
            _ => Vec::new(),
        };
        let who = stated.designee.clone();
        names.into_iter().filter(|name| !name.is_empty()).map(|name| (who.clone(), name)).collect()
    }

    /// The positions about a designee that count for the caller, and what it may know of it.
    fn expected(&self, id: &str, as_of: AsOf) -> Expected {
        let index = self
            .index(&self.known, id)
            .filter(|index| self.known.version(*index, as_of.known_at) > 0);
        let Some(index) = index else {
            let is_about = |at: &u64| self.counts(*at) && self.about(*at).contains(id);
            // Only repairs of events that do not count may still be about it.
            return match (0..as_of.known_at).any(|at| is_about(&at)) {
                true => Expected::RepairsOnly,
                false => Expected::Nothing,
            };
        };
        let mut view = self.known.view(&self.catalogues, index, as_of);
        let members: BTreeSet<String> =
            view.ids.iter().map(|dated| dated.id.to_string()).chain([id.to_owned()]).collect();
        let is_about = |at: &u64| !self.about(*at).is_disjoint(&members);
        view.positions =
            (0..as_of.known_at).filter(|at| self.counts(*at) && is_about(at)).collect();
        view.positions.retain(|at| self.reads(*at));
        view.version = view.positions.last().map_or(0, |last| last + 1);
        for dated in &mut view.ids {
            dated.position = dated.position.map(|at| self.said(at)).filter(|at| self.reads(*at));
        }
        let region = view.region;
        view.titles.retain(|title| self.shows(title, region));
        view.titles.iter_mut().for_each(|title| self.leave_out(title));
        let responsible: Vec<_> = view.responsible.into_iter().collect();
        if !self.knows(&responsible, None, region) && view.titles.is_empty() {
            return Expected::Nothing;
        }
        Expected::Shown(Box::new(view))
    }

    fn shows(&self, title: &TitleView, region: Option<RegionCode>) -> bool {
        let authorities = [Some(title.authority), title.recommended_by, title.responsible];
        let authorities: Vec<_> = authorities.into_iter().flatten().collect();
        self.knows(&authorities, Some(title.programme), region)
    }

    fn leave_out(&self, title: &mut TitleView) {
        let positions = title.positions.iter_mut().chain(&mut title.superseded);
        let positions = positions.chain(title.supports.iter_mut().map(|s| &mut s.position));
        positions.chain(&mut title.ended_at).for_each(|at| *at = self.said(*at));
        title.positions.retain(|at| self.reads(*at));
        title.superseded.retain(|at| self.reads(*at));
        title.supports.retain(|support| self.reads(support.position));
        title.ended_at = title.ended_at.filter(|at| self.reads(*at));
    }

    /// What the caller may know of each subject, by the identifier that it bears.
    fn subjects(&self, as_of: AsOf) -> BTreeMap<String, DesigneeView> {
        let shown = DESIGNEES.into_iter().filter_map(|id| match self.expected(id, as_of) {
            Expected::Shown(view) => Some((view.id.to_string(), *view)),
            _ => None,
        });
        shown.collect()
    }
}

enum Expected {
    Nothing,
    /// Repairs of events that do not count, and nothing else.
    RepairsOnly,
    Shown(Box<DesigneeView>),
}

/// A view without its profile's event: that is the last one that may be read.
fn comparable(view: &DesigneeView) -> String {
    format!("{:?}", DesigneeView { profile_at: None, ..view.clone() })
}

fn title_key(title: &TitleView) -> String {
    format!("{:?} {:?} {}", title.programme, title.authority, title.item)
}

fn moment(random: &mut Rng, size: u64) -> AsOf {
    AsOf { valid_on: day(DAYS[random.usize(0..DAYS.len())]), known_at: random.u64(0..=size) }
}

/// Asks about stories of a fixed seed, for the gates, and of one that is printed.
fn each_story(mut check: impl FnMut(&mut Rng, &Story)) {
    let (mut fixed, mut other) = (Rng::with_seed(11), seed::random("TIDU_KNOWN_REGISTER_SEED"));
    for random in [&mut fixed, &mut other] {
        for _ in 0..60 {
            let story = Story::tell(random);
            check(random, &story);
        }
    }
}

#[test]
fn a_designee_and_its_titles_are_those_of_the_events_that_count() {
    let (mut shown, mut hidden, mut fewer) = (0, 0, 0);
    each_story(|random, story| {
        for _ in 0..8 {
            let as_of = moment(random, story.whole.size());
            for id in DESIGNEES {
                let parsed = DesigneeId::parse(id).unwrap();
                let found = story.seen().find(&story.catalogues, &parsed, as_of);
                let view = found.map(|index| {
                    let view = story.seen().view(&story.catalogues, index, as_of);
                    view.unwrap_or_else(|| panic!("{id} is found at {as_of:?}"))
                });
                match story.expected(id, as_of) {
                    Expected::RepairsOnly => {
                        assert!(view.is_none_or(|view| view.titles.is_empty()));
                    }
                    Expected::Nothing => {
                        assert!(view.is_none(), "{id} at {as_of:?} {:?}", story.rights);
                        hidden += 1;
                    }
                    Expected::Shown(expected) => {
                        let view = view.unwrap_or_else(|| panic!("{id} at {as_of:?}"));
                        assert_eq!(
                            comparable(&view),
                            comparable(&expected),
                            "{id} at {as_of:?} {:?} {:?}",
                            story.rights,
                            story.messages
                        );
                        assert!(view.profile_at.is_none_or(|at| story.reads(at)));
                        shown += 1;
                        let whole = story.whole.view(&story.catalogues, found.unwrap(), as_of);
                        fewer += usize::from(whole.titles != view.titles);
                    }
                }
            }
        }
    });
    println!("{shown} shown, {hidden} hidden, {fewer} with other titles than to everybody");
    assert!(shown > 500 && hidden > 300 && fewer > 100, "{shown} {hidden} {fewer}");
}

#[test]
fn an_explanation_tells_only_events_that_may_be_read() {
    let (mut told, mut left_out) = (0, 0);
    each_story(|random, story| {
        let as_of = moment(random, story.whole.size());
        for id in DESIGNEES {
            let Expected::Shown(view) = story.expected(id, as_of) else { continue };
            let (index, known) =
                (story.index(&story.whole, id).unwrap(), story.index(&story.known, id).unwrap());
            for programme in ["little-giant", "innovative-sme", "national-platform"] {
                let programme = story.catalogues.find(programme).unwrap();
                let explained = story.seen().explain(&story.catalogues, index, programme, as_of);
                let all = story.known.explain(&story.catalogues, known, programme, as_of);
                let mut expected: Vec<Explanation> =
                    all.into_iter().filter(|told| story.shows(&told.title, view.region)).collect();
                for told in &mut expected {
                    let before = told.steps.len();
                    for step in &mut told.steps {
                        step.position = story.said(step.position);
                        let differs = |at: &u64| *at != step.position && story.reads(*at);
                        step.corrected_position = step.corrected_position.filter(differs);
                        step.message = readable(story, &step.message);
                    }
                    told.steps.retain(|step| story.reads(step.position));
                    left_out += before - told.steps.len();
                    story.leave_out(&mut told.title);
                }
                told += explained.len();
                assert_eq!(format!("{explained:?}"), format!("{expected:?}"));
            }
        }
    });
    println!("{told} titles explained, {left_out} steps left out");
    assert!(told > 100 && left_out > 2, "{told} {left_out}");
}

/// A text without the position of an objection that may not be read.
fn readable(story: &Story, message: &str) -> String {
    let objection = "the objection at position ";
    let Some(rest) = message.strip_prefix(objection) else { return message.to_owned() };
    let (at, after) = rest.split_once(' ').unwrap();
    let at = story.said(at.parse().unwrap());
    if story.reads(at) {
        format!("{objection}{at} {after}")
    } else {
        format!("an objection {after}")
    }
}

fn filter(random: &mut Rng, story: &Story) -> Wanted {
    let mut wanted = Wanted::default();
    match random.u8(0..5) {
        0 => wanted.statuses = vec![Status::Active],
        1 => wanted.programmes = vec![story.catalogues.find("little-giant").unwrap()],
        2 => wanted.batches = vec!["1".to_owned(), "2".to_owned()],
        3 => wanted.region_under = Some(RegionCode::parse("440000").unwrap()),
        _ => {}
    }
    wanted
}

/// The titles that match by an answer to somebody who knows everything of the known register.
fn matching(story: &Story, wanted: &Wanted, as_of: AsOf) -> BTreeSet<(String, String)> {
    let every = (usize::MAX, usize::MAX);
    let found = story.known.search(&story.catalogues, wanted, as_of, 0, every).0;
    let titles = found.into_iter().flat_map(|found| {
        let shown = found.titles.into_iter().filter(move |t| story.shows(t, found.region));
        shown.map(move |title| (found.id.to_string(), title_key(&title)))
    });
    titles.collect()
}

#[test]
fn lists_counts_and_comparisons_have_the_titles_that_are_shown() {
    let mut listed = 0;
    each_story(|random, story| {
        let as_of = moment(random, story.whole.size());
        let wanted = [filter(random, story), filter(random, story)];
        let [first, second] = &wanted;
        let (mut found, mut ids, mut next) = (BTreeSet::new(), BTreeSet::new(), Some(0));
        while let Some(from) = next {
            let page = story.seen().search(&story.catalogues, first, as_of, from, (2, 2));
            for one in page.0 {
                assert!(ids.insert(one.id.to_string()), "a designee is listed once");
                for title in one.titles {
                    assert!(title.positions.iter().all(|at| story.reads(*at)));
                    found.insert((one.id.to_string(), title_key(&title)));
                }
            }
            next = page.1;
        }
        let expected = matching(story, first, as_of);
        listed += expected.len();
        assert_eq!(found, expected, "{as_of:?} {first:?} {:?}", story.rights);
        if first.wants_any_designee() {
            let shown: BTreeSet<String> = story.subjects(as_of).into_keys().collect();
            let is_ghost =
                |id: &&String| matches!(story.expected(id, as_of), Expected::RepairsOnly);
            let ids: BTreeSet<String> = ids.iter().filter(|id| !is_ghost(id)).cloned().collect();
            assert_eq!(ids, shown, "{as_of:?} {:?} {:?}", story.rights, story.messages);
        }
        for by_designee in [false, true] {
            let groups = vec![Group::Programme, Group::Authority];
            let mut counting = Counting::new(first.clone(), as_of, Stage::Any, groups);
            (counting.sight, counting.by_designee) = (Some(Arc::clone(&story.sight)), by_designee);
            while counting.advance(&story.whole, &story.catalogues, 2) {}
            let holders: BTreeSet<_> = expected.iter().map(|(id, _)| id).collect();
            let count = if by_designee { holders.len() } else { expected.len() };
            assert_eq!(counting.total(), count as u64);
            let groups = counting.groups(&story.whole, &story.catalogues);
            assert!(groups.iter().all(|group| group.count > 0), "no group is empty");
            if !by_designee {
                assert_eq!(groups.iter().map(|group| group.count).sum::<u64>(), count as u64);
            }
        }
        let holders = |wanted: &Wanted| -> BTreeSet<String> {
            matching(story, wanted, as_of).into_iter().map(|(id, _)| id).collect()
        };
        let (one, two) = (holders(first), holders(second));
        let mut sets = SetsReading::new(wanted.clone(), vec![ComparisonPart::Both], as_of);
        sets.sight = Some(Arc::clone(&story.sight));
        let every = (usize::MAX, usize::MAX);
        let both = sets.advance(&story.whole, &story.catalogues, 0, every).0;
        let both: BTreeSet<String> = both.into_iter().map(|one| one.id.to_string()).collect();
        assert_eq!(both, &one & &two);
        let counts = sets.counts();
        let parts = [(&one - &two).len() as u64, (&two - &one).len() as u64];
        assert_eq!([counts.only_first, counts.only_second], parts);
    });
    assert!(listed > 60, "{listed}");
}

#[test]
fn names_lead_to_the_designees_that_are_shown() {
    let (mut searched, mut shared) = (0, 0);
    each_story(|random, story| {
        let as_of = moment(random, story.whole.size());
        let subjects = story.subjects(as_of);
        let members = |view: &DesigneeView| -> BTreeSet<String> {
            let ids = view.ids.iter().map(|dated| dated.id.to_string());
            ids.chain([view.id.to_string()]).collect()
        };
        let bearers = |at: u64, fits: &dyn Fn(&str) -> bool| -> BTreeSet<String> {
            let names = story.names(at).into_iter().filter(|(_, name)| fits(name));
            let owners: BTreeSet<String> = names.map(|(owner, _)| owner).collect();
            let bears = |view: &DesigneeView| !members(view).is_disjoint(&owners);
            subjects.iter().filter(|(_, view)| bears(view)).map(|(id, _)| id.clone()).collect()
        };
        let wanted = NameWanted { part: "示例".to_owned(), is_whole: false };
        let parts = NameParts::default();
        let read =
            story.seen().find_names(&story.catalogues, &parts, &wanted, as_of, 0, usize::MAX);
        let mut found = BTreeMap::new();
        for one in read.found {
            assert!(found.insert(one.bearer.id.to_string(), one.position).is_none());
        }
        let mut expected = BTreeMap::new();
        for at in (0..as_of.known_at).filter(|at| story.counts(*at) && story.reads(*at)) {
            for id in bearers(at, &|name| name.contains("示例")) {
                expected.entry(id).or_insert(at);
            }
        }
        searched += expected.len();
        assert_eq!(found, expected, "{as_of:?} {:?}", story.rights);

        let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for at in (0..as_of.known_at).filter(|at| story.counts(*at)) {
            for (_, name) in story.names(at) {
                let ids = bearers(at, &|other| *other == *name);
                names.entry(name).or_default().extend(ids);
            }
        }
        names.retain(|_, ids| ids.len() > 1);
        let all = SuspectsWanted::default();
        let every = (usize::MAX, usize::MAX);
        let read = story.seen().suspects(&story.catalogues, &all, as_of, 0, every);
        let found: BTreeMap<String, BTreeSet<String>> = read
            .found
            .into_iter()
            .map(|one| (one.name, one.bearers.into_iter().map(|b| b.id.to_string()).collect()))
            .collect();
        shared += names.len();
        assert_eq!(found, names, "{as_of:?} {:?}", story.rights);
    });
    println!("{searched} found, {shared} names shared");
    assert!(searched > 60 && shared > 10, "{searched} {shared}");
}

#[test]
fn changes_are_those_of_titles_that_are_shown_at_either_moment() {
    let mut told = 0;
    each_story(|random, story| {
        let (one, two) = (moment(random, story.whole.size()), moment(random, story.whole.size()));
        let from = AsOf {
            valid_on: one.valid_on.min(two.valid_on),
            known_at: one.known_at.min(two.known_at),
        };
        let to = AsOf {
            valid_on: one.valid_on.max(two.valid_on),
            known_at: one.known_at.max(two.known_at),
        };
        let every = (usize::MAX, usize::MAX);
        let wanted = Wanted { statuses: Status::LISTED.to_vec(), ..Wanted::default() };
        let all = story.seen().changes_between(&story.catalogues, &wanted, (from, to), 0, every).0;
        let mut found: BTreeMap<String, BTreeMap<String, _>> = BTreeMap::new();
        for changed in all {
            for change in changed.titles {
                assert!(change.positions.iter().all(|at| story.reads(*at)));
                let key = title_key(change.after.as_ref().or(change.before.as_ref()).unwrap());
                let status = |side: Option<TitleView>| side.map(|title| title.status);
                let statuses = (status(change.before), status(change.after));
                found.entry(changed.id.to_string()).or_default().insert(key, statuses);
                told += 1;
            }
        }
        for id in DESIGNEES {
            let Expected::Shown(after) = story.expected(id, to) else { continue };
            let before = match story.expected(id, from) {
                Expected::Shown(before) => Some(before),
                _ => None,
            };
            if !after.ids.is_empty() || before.as_ref().is_some_and(|b| !b.ids.is_empty()) {
                continue;
            }
            let statuses = |view: Option<&DesigneeView>| -> BTreeMap<String, Status> {
                let titles = view.into_iter().flat_map(|view| &view.titles);
                titles.map(|title| (title_key(title), title.status)).collect()
            };
            let (old, new) = (statuses(before.as_deref()), statuses(Some(&after)));
            let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            let none = BTreeMap::new();
            let reported = found.get(id).unwrap_or(&none);
            for key in keys {
                let sides = (old.get(key).copied(), new.get(key).copied());
                let listed =
                    [sides.0, sides.1].into_iter().flatten().any(|s| s != Status::NotOnRecord);
                let expected = (sides.0 != sides.1 && listed).then_some(sides);
                assert_eq!(
                    reported.get(key).copied(),
                    expected,
                    "{id} {key} {from:?} {to:?} {:?} {:?}",
                    story.rights,
                    story.messages
                );
            }
        }
    });
    assert!(told > 60, "{told}");
}
