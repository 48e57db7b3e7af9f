//! Random histories under random rights, and what each caller may know of them: by a register in
//! which the events that do not count for the caller say nothing.

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
    register::{AsOf, DesigneeIndex, DesigneeView, Register, Seen, Sight, TitleView},
};

use super::oracle::{self, PlainReach, PlainRights};
use crate::support::{DESIGNEES, OTHERS, Step, annulled, date, day, event as event_of, seed};

pub const DAYS: [&str; 5] = ["2016-03-01", "2019-01-15", "2022-07-15", "2025-02-01", "2030-01-01"];

/// A history, and the registers of one caller: with all events, and with those that count.
pub struct Story {
    pub messages: Vec<pb::Event>,
    pub events: Vec<Event>,
    pub catalogues: Arc<Catalogues>,
    pub whole: Register,
    pub known: Register,
    /// A fact about neither a designee nor a batch.
    pub void: Event,
    pub rights: PlainRights,
    pub sight: Arc<Sight>,
}

pub fn measures() -> pb::Event {
    let fact = pb::MeasuresIssued {
        instrument: pb::Instrument::Measures.into(),
        title: "示例办法".to_owned(),
        in_force_from: date("2024-01-01"),
        ..Default::default()
    };
    event_of("440000", "", "2024-01-01", pb::event::Fact::MeasuresIssued(fact))
}

pub fn step(random: &mut Rng, size: u64) -> Step {
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
    pub fn tell(random: &mut Rng) -> Self {
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

    pub fn event(&self, at: u64) -> &Event {
        &self.events[usize::try_from(at).unwrap()]
    }

    /// A correction that does not count, as one that says again what is in force: so that a
    /// correction of it has the same place.
    pub fn saying_nothing_new(&self, at: u64) -> Option<Event> {
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
    pub fn said(&self, at: u64) -> u64 {
        let target = self.repaired_by(at).filter(|_| !self.counts(at));
        match target.and_then(|target| self.in_force(target, at)) {
            Some(said) => self.said(said),
            None => at,
        }
    }

    /// True if the second register can stand for what the caller may know. It cannot where a
    /// correction that does not count is followed by a repair of another repair of the same event:
    /// what that correction says again would then be out of date.
    fn is_told_by_the_other(&self) -> bool {
        let root = |mut at: u64| {
            while let Some(target) = self.repaired_by(at).filter(|target| *target < at) {
                at = target;
            }
            at
        };
        let all = 0..self.whole.size();
        let hidden = all.clone().filter(|at| self.repaired_by(*at).is_some() && !self.counts(*at));
        let hidden: Vec<_> = hidden.collect();
        !all.clone().any(|at| {
            let repaired =
                self.repaired_by(at).filter(|target| self.repaired_by(*target).is_some());
            repaired.is_some_and(|repair| {
                let same = |other: &&u64| **other < at && root(**other) == root(repair);
                hidden.iter().any(|other| same(&other) && *other != repair)
            })
        })
    }

    pub fn repaired_by(&self, at: u64) -> Option<u64> {
        match &self.event(at).fact {
            Fact::Repair { position, .. } => Some(*position),
            _ => None,
        }
    }

    /// The event in force in the place of one before a position: it, or a repair; none if it was
    /// annulled. Repairs that do not count are passed over, but not those of them.
    pub fn in_force(&self, mut at: u64, before: u64) -> Option<u64> {
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

    pub fn seen(&self) -> Seen<'_> {
        self.whole.as_seen(Some(&self.sight))
    }

    pub fn counts(&self, at: u64) -> bool {
        let kind = self.event(at).fact.stated_kind();
        !self.catalogues.in_use().is_own(kind) || self.reads(at)
    }

    /// True if the caller may read the event at a position.
    pub fn reads(&self, at: u64) -> bool {
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
    pub fn knows(
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

    pub fn concerns(
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
    pub fn about(&self, at: u64) -> BTreeSet<String> {
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

    pub fn index(&self, register: &Register, id: &str) -> Option<DesigneeIndex> {
        register.find(&DesigneeId::parse(id).unwrap(), register.size())
    }

    /// The names that the event at a position gives to a designee.
    pub fn names(&self, at: u64) -> Vec<(String, String)> {
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
    pub fn expected(&self, id: &str, as_of: AsOf) -> Expected {
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

    pub fn shows(&self, title: &TitleView, region: Option<RegionCode>) -> bool {
        let authorities = [Some(title.authority), title.recommended_by, title.responsible];
        let authorities: Vec<_> = authorities.into_iter().flatten().collect();
        self.knows(&authorities, Some(title.programme), region)
    }

    pub fn leave_out(&self, title: &mut TitleView) {
        let positions = title.positions.iter_mut().chain(&mut title.superseded);
        let positions = positions.chain(title.supports.iter_mut().map(|s| &mut s.position));
        positions.chain(&mut title.ended_at).for_each(|at| *at = self.said(*at));
        title.positions.retain(|at| self.reads(*at));
        title.superseded.retain(|at| self.reads(*at));
        title.supports.retain(|support| self.reads(support.position));
        title.ended_at = title.ended_at.filter(|at| self.reads(*at));
    }

    /// What the caller may know of each subject, by the identifier that it bears.
    pub fn subjects(&self, as_of: AsOf) -> BTreeMap<String, DesigneeView> {
        let shown = DESIGNEES.into_iter().filter_map(|id| match self.expected(id, as_of) {
            Expected::Shown(view) => Some((view.id.to_string(), *view)),
            _ => None,
        });
        shown.collect()
    }
}

pub enum Expected {
    Nothing,
    /// Repairs of events that do not count, and nothing else.
    RepairsOnly,
    Shown(Box<DesigneeView>),
}

/// A view without its profile's event: that is the last one that may be read.
pub fn comparable(view: &DesigneeView) -> String {
    format!("{:?}", DesigneeView { profile_at: None, ..view.clone() })
}

pub fn title_key(title: &TitleView) -> String {
    format!("{:?} {:?} {}", title.programme, title.authority, title.item)
}

pub fn moment(random: &mut Rng, size: u64) -> AsOf {
    AsOf { valid_on: day(DAYS[random.usize(0..DAYS.len())]), known_at: random.u64(0..=size) }
}

/// Asks about stories of a fixed seed, for the gates, and of one that is printed.
pub fn each_story(mut check: impl FnMut(&mut Rng, &Story)) {
    let (mut fixed, mut other) = (Rng::with_seed(11), seed::random("TIDU_KNOWN_REGISTER_SEED"));
    for random in [&mut fixed, &mut other] {
        for _ in 0..60 {
            let stories = std::iter::repeat_with(|| Story::tell(random));
            let mut told = stories.filter(Story::is_told_by_the_other);
            let Some(story) = told.next() else { return };
            drop(told);
            check(random, &story);
        }
    }
}
