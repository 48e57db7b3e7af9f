//! The register beside a slow and obvious model of it, over random histories.

mod fold;

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
};

use proptest::{
    prelude::*,
    test_runner::{Config, RngSeed},
};
use tidu::{
    domain::{
        DesigneeId,
        catalogue::{Catalogue, Catalogues},
        event::{Event, Fact},
    },
    protocol::event,
    register::{AsOf, Flag, Register, Status, rules::Judge},
};

use self::fold::{Model, Shown, precedence};
use crate::support::{DESIGNEES, Step, day, seed, steps};

/// What happened in all histories together, so that nothing passes by testing nothing.
#[derive(Debug, Default)]
struct Seen {
    compared: usize,
    statuses: BTreeMap<Status, usize>,
    superseded: usize,
    collisions: usize,
    joined: usize,
}

fn compare(
    register: &Register,
    catalogues: &Catalogues,
    events: &[Event],
    known_at: usize,
    seen: &mut Seen,
) -> Result<(), TestCaseError> {
    let model = Model { events, known_at };
    for as_of in ["2016-03-01", "2019-01-15", "2022-07-15", "2027-01-01"].map(day) {
        let titles = model.titles(as_of);
        for designee in DESIGNEES {
            let id = DesigneeId::parse(designee).unwrap();
            let moment = AsOf { valid_on: as_of, known_at: known_at as u64 };
            let Some(index) = register.find(&id, moment.known_at) else { continue };
            let view = register.view(catalogues, index, moment);
            let root = model.root(&id);
            seen.joined += usize::from(model.subject(&id).len() > 1);
            let mut expected: Vec<_> = titles
                .values()
                .filter(|(key, title)| {
                    key.0 == root && !(title.applied.is_empty() && title.superseded.is_empty())
                })
                .map(|(key, title)| ((key.1, key.2, key.3.clone()), model.show(key, title, as_of)))
                .collect();
            expected.sort_by(|a, b| a.0.cmp(&b.0));
            let mut found: Vec<_> = view
                .titles
                .iter()
                .map(|title| {
                    let flags = [
                        Flag::NoticeContested,
                        Flag::ReviewDue,
                        Flag::ReviewPending,
                        Flag::IdentityCollision,
                        Flag::CreationOpen,
                    ];
                    let flags = flags.map(|flag| title.flags.contains(flag)).to_vec();
                    let shown: Shown = (
                        title.status,
                        title.valid_from,
                        title.valid_to,
                        title.batch.clone(),
                        title.round.clone(),
                        title.positions.clone(),
                        title.superseded.clone(),
                        flags,
                    );
                    ((title.programme, title.authority, title.item.clone()), shown)
                })
                .collect();
            found.sort_by(|a, b| a.0.cmp(&b.0));
            prop_assert_eq!(
                &found,
                &expected,
                "{} as of {} known at {}",
                designee,
                as_of,
                known_at
            );
            seen.compared += found.len();
            for (_, shown) in found {
                *seen.statuses.entry(shown.0).or_default() += 1;
                seen.superseded += shown.6.len();
                seen.collisions += usize::from(shown.7[3]);
            }
        }
    }
    Ok(())
}

fn events_of(catalogue: &Catalogue, history: &[Vec<Step>]) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    for (i, step) in history.iter().flatten().enumerate() {
        let Ok(proposed) = event::proposal(catalogue, i, step.event()) else { continue };
        // A repair of what is not recorded yet means nothing.
        let target = match &proposed.event.fact {
            Fact::Repair { position, .. } => Some(*position as usize),
            _ => None,
        };
        if target.is_none_or(|target| target < events.len()) {
            events.push(proposed.event);
        }
    }
    events
}

/// Histories that every run compares. The gates are asserted on these alone, so that none depends
/// on chance.
fn fixed() -> Config {
    Config { rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..Config::with_cases(120) }
}

/// Histories of this run.
fn others() -> Config {
    Config::with_cases(u32::try_from(seed::count("TIDU_MODEL_CASES", 60)).unwrap())
}

/// Compares random histories; gives what happened in them.
fn compare_histories(config: &Config) -> Seen {
    let catalogues = Catalogues::built_in();
    let seen = RefCell::new(Seen::default());
    proptest!(config.clone(), |(history in steps())| {
        let events = events_of(catalogues.in_use(), &history);
        let mut register = Register::default();
        events.iter().for_each(|event| register.apply(event));
        for known_at in [events.len() / 2, events.len()] {
            compare(&register, &catalogues, &events, known_at, &mut seen.borrow_mut())?;
        }
    });
    seen.into_inner()
}

#[test]
fn the_register_equals_the_model_on_random_histories() {
    let seen = compare_histories(&fixed());
    assert!(seen.compared > 1_000 && seen.superseded > 500, "{seen:?}");
    assert!(seen.collisions > 0 && seen.joined > 100, "{seen:?}");
    assert_eq!(seen.statuses.len(), 9, "every status was seen: {seen:?}");
    println!("{:?}", compare_histories(&others()));
}

/// Compares those events of random histories that the rules accept; gives how many these are.
fn compare_accepted(config: &Config) -> usize {
    let catalogues = Catalogues::built_in();
    let accepted = Cell::new(0);
    let seen = RefCell::new(Seen::default());
    proptest!(config.clone(), |(history in steps())| {
        let (mut register, mut events) = (Register::default(), Vec::new());
        for event in events_of(catalogues.in_use(), &history) {
            let verdict = Judge::default().judge(&register, catalogues.in_use(), 0, &event);
            if verdict.rejections.is_empty() {
                register.apply(&event);
                events.push(event);
            }
        }
        accepted.set(accepted.get() + events.len());
        compare(&register, &catalogues, &events, events.len(), &mut seen.borrow_mut())?;
    });
    accepted.get()
}

#[test]
fn the_register_equals_the_model_on_what_the_rules_accept() {
    let accepted = compare_accepted(&fixed());
    assert!(accepted > 500, "{accepted}");
    println!("{} accepted", compare_accepted(&others()));
}

/// Facts that differ in day or precedence fold the same in whatever order they were recorded.
#[test]
fn the_order_of_recording_matters_only_through_position() {
    let catalogues = Catalogues::built_in();
    proptest!(others(), |(history in steps(), seed: u64)| {
        let mut events = events_of(catalogues.in_use(), &history);
        events.retain(|event| !matches!(event.fact, Fact::Repair { .. } | Fact::Batch { .. }));
        let mut ranks = BTreeSet::new();
        events.retain(|event| ranks.insert((event.effective, precedence(&event.fact))));
        let answers = |events: &[Event]| {
            let mut register = Register::default();
            events.iter().for_each(|event| register.apply(event));
            let known_at = register.size();
            let mut all = Vec::new();
            for as_of in ["2016-03-01", "2019-01-15", "2022-07-15", "2027-01-01"].map(day) {
                for designee in DESIGNEES {
                    let id = DesigneeId::parse(designee).unwrap();
                    let Some(index) = register.find(&id, known_at) else { continue };
                    let as_of = AsOf { valid_on: as_of, known_at };
                    let view = register.view(&catalogues, index, as_of);
                    let title = |title: tidu::register::TitleView| {
                        let of = (title.programme, title.authority, title.item);
                        (of, title.status, title.valid_from, title.valid_to, title.batch)
                    };
                    let titles: BTreeSet<_> = view.titles.into_iter().map(title).collect();
                    all.push((designee, titles));
                }
            }
            all
        };
        let recorded = answers(&events);
        fastrand::Rng::with_seed(seed).shuffle(&mut events);
        prop_assert_eq!(answers(&events), recorded);
    });
}
