//! A trial over an overlay gives the verdicts and the changes that recording would give, whatever
//! the register below it goes through meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use tidu::{
    domain::{
        Principal, Withheld,
        catalogue::{Catalogue, Catalogues},
        event::Event,
    },
    protocol::{
        event,
        pb::{self, event::Fact},
    },
    register::{Extent, Layers, Overlay, Register, rules::Judge},
};

use crate::support::{
    BOTH_RULES, DESIGNEES, annulled, any_event, corrected, date, event, rules_adopted, seed,
};

/// How often each kind of fault, change and disturbance was seen.
type Seen = BTreeMap<String, usize>;

fn note(seen: &mut Seen, what: &str) {
    *seen.entry(what.to_owned()).or_default() += 1;
}

/// An event that can be read, of a log that holds `size` events. Some of them say the same as
/// others, in the words of a stage.
fn next_event(random: &mut Rng, catalogue: &Catalogue, size: u64, stage: &str) -> Event {
    loop {
        let event = match random.u8(0..3) {
            0 => alike(random, size, stage),
            _ => any_event(random, size),
        };
        if let Ok(proposed) = event::proposal(catalogue, 0, event) {
            return proposed.event;
        }
    }
}

/// The words that the history holds, and those that only the trial and the growth below it use: a
/// trial must not take the growth's word for its own.
const HISTORY: &str = "h";
const TRIAL: &str = "t";

/// One of a few events, so that later ones depend on earlier ones: titles under measures that are
/// issued and annulled, assessments, pools, lists that are sealed, adoptions of rules.
fn alike(random: &mut Rng, size: u64, stage: &str) -> pb::Event {
    let (word, day) = (format!("{stage}{}", random.u8(0..2)), "2023-06-01");
    let (programme, batch) = ("specialised-sme".to_owned(), word.clone());
    let of_guangdong = |who: &str, fact| event("440000", who, day, fact);
    let who = DESIGNEES[random.usize(0..2)];
    let framework = |random: &mut Rng, programme: String| {
        if random.bool() {
            return Fact::MeasuresIssued(pb::MeasuresIssued {
                programme,
                instrument: pb::Instrument::Measures.into(),
                title: "某办法".to_owned(),
                in_force_from: date("2023-01-01"),
                // Another number for the history and for the trial.
                amends: format!("粤工信{word}〔2024〕1号"),
                issuing_bodies: vec!["miit".to_owned(), "mof".to_owned()],
                ..Default::default()
            });
        }
        Fact::EnvironmentAssessed(pb::EnvironmentAssessed {
            region: "440000".to_owned(),
            year: random.u32(2020..2022),
            assessor: word.clone(),
            ..Default::default()
        })
    };
    let recent = random.u64(size.saturating_sub(6)..size.max(1));
    match random.u8(0..16) {
        0 => rules_adopted(random.u32(1..3)),
        1..4 => of_guangdong("", framework(random, programme)),
        4..8 => {
            let fact = pb::Designated { programme, batch, ..Default::default() };
            of_guangdong(who, Fact::Designated(fact))
        }
        8..10 => corrected(recent, of_guangdong("", framework(random, programme))),
        10..12 => annulled(recent),
        12..14 => {
            let declared = pb::DeclaredCounts { designated: Some(1), ..Default::default() };
            let declared = Some(declared).filter(|_| random.bool());
            let sealed = pb::BatchSealed { programme, batch, declared, ..Default::default() };
            of_guangdong("", Fact::BatchSealed(sealed))
        }
        _ => {
            let fact = pb::PoolEntered { pool: word.clone(), profile: None };
            of_guangdong(who, Fact::PoolEntered(fact))
        }
    }
}

/// What a log holds: events, and places where their content is erased.
enum Item {
    Event(Event),
    Withheld(Withheld),
}

fn apply(register: &mut Register, item: &Item) {
    match item {
        Item::Event(event) => register.apply(event),
        Item::Withheld(withheld) => register.apply_withheld(withheld),
    }
}

/// A history of which some events are withheld: as a redaction leaves them, without annulments.
fn history(random: &mut Rng, catalogue: &Catalogue) -> Vec<Item> {
    let mut register = Register::with_rules(BOTH_RULES);
    let mut items = Vec::new();
    for size in 0..random.u64(0..60) {
        let event = next_event(random, catalogue, size, HISTORY);
        register.apply(&event);
        let withheld = random.u8(0..12) == 0;
        let concerns = withheld.then(|| register.concerns(size, &BTreeSet::new())).flatten();
        items.push(match concerns {
            Some(concerns) => Item::Withheld(Withheld { concerns, derived: Vec::new() }),
            None => Item::Event(event),
        });
    }
    items
}

fn register_of(items: &[Item]) -> Register {
    let mut register = Register::with_rules(BOTH_RULES);
    items.iter().for_each(|item| apply(&mut register, item));
    register
}

/// The register below a trial: it grows, and takes back what it has grown by.
struct Base {
    register: Register,
    extent: Extent,
}

impl Base {
    /// Some events more than the trial knows of, or fewer.
    fn disturb(&mut self, random: &mut Rng, catalogue: &Catalogue, seen: &mut Seen) {
        if random.u8(0..3) == 0 {
            let savepoint = self.register.savepoint();
            self.grow(random, catalogue);
            self.register.rollback_to(&savepoint);
            note(seen, "taken back");
        }
        if random.bool() {
            self.grow(random, catalogue);
            note(seen, "grown");
        }
        assert!(self.register.size() >= self.extent.size());
    }

    fn grow(&mut self, random: &mut Rng, catalogue: &Catalogue) {
        for _ in 0..random.u8(1..6) {
            let event = next_event(random, catalogue, self.register.size(), TRIAL);
            self.register.apply(&event);
        }
    }
}

/// One trial, beside the same events applied to a register of its own.
fn compare(random: &mut Rng, catalogues: &Catalogues, disturbs: bool, seen: &mut Seen) {
    let catalogue = catalogues.in_use();
    let items = history(random, catalogue);
    let mut staged = register_of(&items);
    let register = register_of(&items);
    let mut base = Base { extent: register.extent(), register };
    let by = if random.bool() { Principal::SERVER } else { Principal::named("test").unwrap() };
    let (mut judge, mut judge_of_trial) = (Judge::of(&by), Judge::of(&by));
    if disturbs {
        base.disturb(random, catalogue, seen);
    }
    let mut overlay = Overlay::new(base.extent, &base.register);
    for index in 0..random.usize(1..30) {
        let event = next_event(random, catalogue, staged.size(), TRIAL);
        let mut expected = judge.judge(&staged, catalogue, index, &event);
        // Events of a trial get no positions.
        for warning in &mut expected.warnings {
            warning.conflicts.retain(|position| *position < base.extent.size());
        }
        let layers = overlay.over(&base.register);
        assert_eq!(layers.size(), staged.size());
        let verdict = judge_of_trial.judge_over(layers, catalogue, index, &event);
        assert_eq!(verdict.rejections, expected.rejections, "{event:?}");
        assert_eq!(verdict.warnings, expected.warnings, "{event:?}");
        for fault in expected.rejections.iter().chain(&expected.warnings) {
            note(seen, &format!("{:?}", fault.breach.rule()));
        }
        // What the rules refuse is applied now and then: it makes states that they never see.
        if expected.rejections.is_empty() || random.u8(0..4) == 0 {
            overlay.apply(&base.register, &event);
            staged.apply(&event);
        }
        if disturbs {
            base.disturb(random, catalogue, seen);
        }
    }
    for position in 0..staged.size() {
        let expected = Layers::from(&staged).changes(catalogues, position);
        let changes = overlay.over(&base.register).changes(catalogues, position);
        assert_eq!(changes, expected, "changes by event {position}");
        for change in &changes {
            note(seen, &format!("{:?} to {:?}", change.before, change.after));
        }
        if disturbs && random.u8(0..4) == 0 {
            base.disturb(random, catalogue, seen);
        }
    }
}

fn compare_all(random: &mut Rng, cases: usize) -> Seen {
    let catalogues = Catalogues::built_in();
    let mut seen = Seen::new();
    for case in 0..cases {
        compare(random, &catalogues, case % 3 != 0, &mut seen);
    }
    seen
}

#[test]
fn a_trial_gives_the_verdicts_and_changes_of_recording() {
    let cases = seed::count("TIDU_TRIAL_CASES", 150);
    // The gate is on fixed trials, so that it does not depend on chance.
    let seen = compare_all(&mut Rng::with_seed(1), 150);
    assert!(seen["grown"] > 500 && seen["taken back"] > 300, "{seen:?}");
    assert!(seen.len() > 70, "{} kinds of faults and changes: {seen:?}", seen.len());
    let random = seed::random("TIDU_TRIAL_SEED").u64(..);
    println!("{:?}", compare_all(&mut Rng::with_seed(random), cases));
}
