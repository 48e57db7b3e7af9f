//! The register beside a slow and obvious model of it, over random stories.
//!
//! The model is written from `docs/events.md` alone. It has no index and no cache: each question
//! works everything out anew from what was said.

mod facts;
mod fold;
mod shown;
mod title;
mod warned;

use std::collections::BTreeMap;

use tidu::{
    domain::{
        DesigneeId,
        catalogue::Catalogues,
        event::{self, TitleFact},
    },
    protocol::event as protocol,
    register::{AsOf, Flag, Register, Status, TitleView, rules::Judge},
};

use self::{facts::Model, shown::Shown};
use crate::support::{
    day, seed,
    stories::{Fact, Said, Story, Teller, message, tell},
};

/// What happened in all stories together, so that nothing passes by testing nothing.
#[derive(Debug, Default)]
struct Seen {
    stories: usize,
    recorded: usize,
    refused: usize,
    compared: usize,
    statuses: BTreeMap<Status, usize>,
    causes: BTreeMap<u8, usize>,
    flags: BTreeMap<u8, usize>,
    /// Superseded facts, by kind.
    superseded: BTreeMap<&'static str, usize>,
    bans: usize,
    contended: usize,
    /// Facts of which the rules warned that they, or the new ones, change nothing.
    warned: usize,
    /// Stories in which no application lies in a ban.
    banned: usize,
}

/// A story as it was recorded.
struct Book {
    said: Vec<Said>,
    /// Where each number of the story was recorded.
    places: Vec<Option<u64>>,
    register: Register,
}

/// The event as a log holds it.
fn event_of(catalogues: &Catalogues, said: &Said, places: &[Option<u64>]) -> Option<event::Event> {
    let message = message(said, &|number| places[number])?;
    let mut event = protocol::proposal(catalogues.in_use(), 0, message).ok()?.event;
    strip_ban(said, &mut event);
    Some(event)
}

/// Older logs hold bans only where they were stated.
fn strip_ban(said: &Said, event: &mut event::Event) {
    match (&said.fact, &mut event.fact) {
        (Fact::Corrected { said, .. }, event::Fact::Repair { replacement: Some(inner), .. }) => {
            strip_ban(said, inner);
        }
        (
            Fact::Revoked { bare: true, .. },
            event::Fact::Title { fact: TitleFact::Revoked { ban_until, inferred, .. }, .. },
        ) => (*ban_until, *inferred) = (None, false),
        _ => {}
    }
}

/// Records a story: every fact, or each commit that the rules accept. The error says what the rules
/// failed to warn of.
fn record(
    catalogues: &Catalogues,
    story: &Story,
    judged: bool,
    seen: &mut Seen,
) -> Result<Book, String> {
    let mut book = Book {
        said: Vec::new(),
        places: vec![None; story.said.len()],
        register: Register::default(),
    };
    for commit in &story.commits {
        let (savepoint, size) = (book.register.savepoint(), book.said.len());
        let (mut judge, mut warnings) = (Judge::default(), Vec::new());
        let mut accepted = true;
        for (index, number) in commit.iter().enumerate() {
            let said = &story.said[*number];
            let Some(event) = event_of(catalogues, said, &book.places) else { continue };
            if judged {
                let verdict = judge.judge(&book.register, catalogues.in_use(), index, &event);
                accepted &= verdict.rejections.is_empty();
                warnings.extend(verdict.warnings.into_iter().map(|f| (book.said.len(), f)));
            }
            if !accepted {
                break;
            }
            book.places[*number] = Some(book.said.len() as u64);
            book.register.apply(&event);
            book.said.push(said.clone());
        }
        if !accepted {
            seen.refused += 1;
            book.register.rollback_to(&savepoint);
            book.said.truncate(size);
            commit.iter().for_each(|number| book.places[*number] = None);
        } else if judged {
            let programmes = programmes(catalogues);
            seen.warned += warned::require_warnings(&book, &programmes, size, &warnings)?;
        }
    }
    seen.recorded += book.said.len();
    Ok(book)
}

/// The programmes in the order of the catalogue.
fn programmes(catalogues: &Catalogues) -> Vec<&str> {
    let catalogue = catalogues.in_use();
    catalogue.ids().map(|id| catalogue.id_of(id)).collect()
}

fn iso(day: Option<tidu::domain::CivilDate>) -> Option<String> {
    day.map(|day| day.to_string())
}

fn found(title: &TitleView) -> Shown {
    Shown {
        status: title.status,
        valid_from: iso(title.valid_from),
        valid_to: iso(title.valid_to),
        cohort: title.batch.clone(),
        round: title.round.clone(),
        ended_on: iso(title.ended_on),
        cause: Some(title.end_cause.map_or(0, |cause| cause as u8)),
        ban_until: iso(title.ban_until),
        flags: title.flags.numbers().collect(),
        positions: title.positions.clone(),
        superseded: title.superseded.clone(),
    }
}

/// Compares all titles on some days; the first difference is the error.
fn compare(
    catalogues: &Catalogues,
    story: &Story,
    book: &Book,
    known_at: usize,
    seen: &mut Seen,
) -> Result<(), String> {
    let catalogue = catalogues.in_use();
    let programmes = programmes(catalogues);
    let model = Model::new(&book.said[..known_at], &book.places, &programmes);
    for on in story.days(8) {
        let moment = AsOf { valid_on: day(&on.to_string()), known_at: known_at as u64 };
        let answer = model.day(on);
        let people: Vec<_> = book.said[..known_at].iter().map(|said| said.who).collect();
        for who in people.into_iter().filter(|who| !who.is_empty()) {
            let id = DesigneeId::parse(who).unwrap();
            let Some(index) = book.register.find(&id, moment.known_at) else { continue };
            let root = model.root(who);
            let mut views = book.register.view(catalogues, index, moment).titles;
            for (key, (of, _)) in answer.titles.iter().filter(|((owner, _), _)| *owner == root) {
                let expected = model.show(&answer, key, on);
                let is_it = |title: &TitleView| {
                    (catalogue.id_of(title.programme), title.authority.as_str(), &*title.item)
                        == of.key()
                };
                let shown = views.iter().position(is_it).map(|at| found(&views.swap_remove(at)));
                let mut shown = shown.ok_or_else(|| format!("{who} on {on}: no {of:?}"))?;
                if expected.cause.is_none() {
                    (shown.cause, seen.contended) = (None, seen.contended + 1);
                }
                if shown != expected {
                    let differ = format!("found    {shown:?}\n expected {expected:?}");
                    let place = format!("{who} on {on} known at {known_at}: {key:?}");
                    return Err(format!("{place}\n {differ}"));
                }
                seen.note(&expected, book);
            }
            if !views.is_empty() {
                return Err(format!("{who} on {on}: more titles: {views:?}"));
            }
        }
    }
    Ok(())
}

impl Seen {
    fn note(&mut self, shown: &Shown, book: &Book) {
        self.compared += 1;
        *self.statuses.entry(shown.status).or_default() += 1;
        *self.causes.entry(shown.cause.unwrap_or(0)).or_default() += 1;
        self.bans += usize::from(shown.ban_until.is_some());
        for flag in &shown.flags {
            *self.flags.entry(*flag).or_default() += 1;
        }
        for position in &shown.superseded {
            let said = &book.said[*position as usize];
            *self.superseded.entry(said.fact.word()).or_default() += 1;
        }
    }
}

/// Compares a story; gives what is wrong, with the smallest part of it that is wrong.
fn check(catalogues: &Catalogues, story: &Story, judged: bool, seen: &mut Seen) {
    let wrong = |story: &Story, seen: &mut Seen| {
        let book = match record(catalogues, story, judged, seen) {
            Ok(book) => book,
            Err(what) => return Some(what),
        };
        let size = book.said.len();
        if judged && warned::bans_last(&book) {
            let programmes = programmes(catalogues);
            let model = Model::new(&book.said, &book.places, &programmes);
            if let Some(place) = model.banned().first() {
                return Some(format!("accepted in a ban: {:?}", book.said[*place]));
            }
            seen.banned += usize::from(book.said.iter().any(|said| said.fact.bans()));
        }
        let both = [size / 2, size];
        both.into_iter().find_map(|at| compare(catalogues, story, &book, at, seen).err())
    };
    seen.stories += 1;
    let Some(mut what) = wrong(story, seen) else { return };
    let mut smallest = story.clone();
    while let Some((smaller, now)) = smallest.smaller().into_iter().find_map(|smaller| {
        let now = wrong(&smaller, &mut Seen::default())?;
        Some((smaller, now))
    }) {
        (smallest, what) = (smaller, now);
    }
    panic!("seed {}:\n{smallest}{what}", story.seed);
}

const TELLER: Teller = Teller { facts: 12, repairs: true, ties: true, together: 3 };

/// Stories that every run compares, and others of this run.
fn compare_stories(judged: bool) -> Seen {
    let catalogues = Catalogues::built_in();
    let mut seen = Seen::default();
    let replayed = seed::replayed("TIDU_MODEL_SEED");
    if replayed.is_none() {
        for seed in 0..1_500 {
            check(&catalogues, &tell(TELLER, seed), judged, &mut seen);
        }
    }
    let first = seed::seed("TIDU_MODEL_SEED");
    let count = if replayed.is_some() { 1 } else { seed::count("TIDU_MODEL_CASES", 300) as u64 };
    let mut others = Seen::default();
    for seed in first..first.saturating_add(count) {
        check(&catalogues, &tell(TELLER, seed), judged, &mut others);
    }
    println!("{others:?}");
    seen
}

/// Kinds of facts that can be superseded.
const SUPERSEDED: [&str; 17] = [
    "notice",
    "objection",
    "resolution",
    "withdrawal",
    "designation",
    "review",
    "pass",
    "failure",
    "proposal",
    "rectification",
    "revocation",
    "surrender",
    "reinstatement",
    "transfer",
    "conversion",
    "creation list",
    "creation assessed",
];

impl Seen {
    /// Every status, cause and flag was seen, and every kind of fact was superseded.
    fn require_everything(&self) {
        println!("{self:?}");
        assert_eq!(self.statuses.len(), 10, "statuses: {:?}", self.statuses);
        let causes: Vec<u8> = self.causes.keys().copied().collect();
        assert_eq!(causes, (0..=14).collect::<Vec<u8>>(), "causes");
        let flags: Vec<u8> = self.flags.keys().copied().collect();
        let of_stories = |flag: &u8| *flag != Flag::ReviewIneligible as u8;
        assert_eq!(flags, (1..=15).filter(of_stories).collect::<Vec<u8>>(), "flags");
        let missing: Vec<_> =
            SUPERSEDED.iter().filter(|word| !self.superseded.contains_key(*word)).collect();
        assert!(missing.is_empty(), "never superseded: {missing:?}");
        let least = self.statuses.values().chain(self.causes.values()).chain(self.flags.values());
        assert!(least.min().is_some_and(|least| *least >= 3), "{self:?}");
        assert!(self.bans > 100, "{} bans", self.bans);
        // Two closes of one day contend for a cause: rare enough to prove nothing.
        assert!(self.contended * 100 < self.compared, "{self:?}");
    }
}

#[test]
fn the_register_equals_the_model_on_random_stories() {
    let seen = compare_stories(false);
    seen.require_everything();
    assert!(seen.compared > 10_000, "{seen:?}");
}

#[test]
fn the_register_equals_the_model_on_what_the_rules_accept() {
    let seen = compare_stories(true);
    seen.require_everything();
    assert!(seen.compared > 5_000 && seen.refused > 200, "{seen:?}");
    assert!(seen.warned > 500 && seen.banned > 50, "{seen:?}");
}
