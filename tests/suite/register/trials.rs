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
    protocol::event,
    register::{Extent, Layers, Overlay, Register, rules::Judge},
};

use crate::support::{BOTH_RULES, any_event, seed};

/// How often each kind of fault, change and disturbance was seen.
type Seen = BTreeMap<String, usize>;

fn note(seen: &mut Seen, what: &str) {
    *seen.entry(what.to_owned()).or_default() += 1;
}

/// An event that can be read, of a log that holds `size` events.
fn next_event(random: &mut Rng, catalogue: &Catalogue, size: u64) -> Event {
    loop {
        if let Ok(proposed) = event::proposal(catalogue, 0, any_event(random, size)) {
            return proposed.event;
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
        let event = next_event(random, catalogue, size);
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
            let event = next_event(random, catalogue, self.register.size());
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
        let event = next_event(random, catalogue, staged.size());
        let expected = judge.judge(&staged, catalogue, index, &event);
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
