//! Withheld places: an event whose content is erased is followed as before, and states nothing.

use proptest::{prelude::*, test_runner::Config};
use tidu::{
    domain::{DesigneeId, catalogue::Catalogue, event::Event},
    protocol::event,
    register::{Interest, Register, rules::Judge},
};

use crate::support::{
    A, B, DESIGNEES, Places, Step, annulled, applied, day, interests, little_giant, other,
    recordable, redactable, scopes, steps, view, watching, withhold,
};

fn found(register: &Register, interest: &Interest) -> Vec<u64> {
    let mut covered = interest.clone();
    while !register.cover(&mut covered, register.size(), 1) {}
    let found = register.matching(interest, 0, register.size(), usize::MAX).0;
    assert_eq!(register.matching(&covered, 0, register.size(), usize::MAX).0, found);
    found
}

/// True if an event below a position, whose content remains, is about the designee.
fn is_named_below(events: &[Event], places: &Places, designee: &str, position: u64) -> bool {
    let id = DesigneeId::parse(designee).unwrap();
    (0..position)
        .zip(events)
        .any(|(at, event)| !places.contains_key(&at) && event.fact.designee() == Some(&id))
}

proptest! {
    #![proptest_config(Config::with_cases(300))]

    #[test]
    fn filters_and_answers_are_those_before_the_erasure(
        history in steps(),
        choices in prop::collection::vec(any::<prop::sample::Index>(), 3),
    ) {
        let events = recordable(history.iter().flatten().map(Step::event));
        let before = applied(&events, &Places::new());
        let mut places = Places::new();
        for choice in choices {
            let mut left = redactable(&before);
            left.retain(|at| !places.contains_key(at));
            if !left.is_empty() {
                places = withhold(&events, &places, *choice.get(&left));
            }
        }
        let after = applied(&events, &places);
        prop_assert_eq!(after.first_withheld_in_force(), None);
        let plain = interests();
        for interest in scopes().iter().chain(&plain[DESIGNEES.len() + 1..]) {
            if interest.designees().is_none() {
                prop_assert_eq!(found(&after, interest), found(&before, interest));
            }
        }
        for designee in DESIGNEES {
            let interest = watching(&[designee]);
            let now = found(&after, &interest);
            let then = found(&before, &interest);
            prop_assert!(now.iter().all(|at| then.contains(at)), "{designee} {now:?} {then:?}");
            let lost = then.iter().filter(|at| !now.contains(at));
            for at in lost {
                let is_named = is_named_below(&events, &places, designee, *at);
                prop_assert!(!is_named, "{designee} at {at}");
            }
            let id = DesigneeId::parse(designee).unwrap();
            let (size, on) = (before.size(), day("2025-06-30"));
            if let (Some(one), Some(two)) = (before.find(&id, size), after.find(&id, size)) {
                let statuses = |register: &Register, index| {
                    let titles = view(register, index, on, size).titles;
                    let one = |t: &tidu::register::TitleView| {
                        format!("{:?} {:?} {:?}", t.authority, t.status, t.valid_to)
                    };
                    titles.iter().map(one).collect::<Vec<_>>()
                };
                prop_assert_eq!(statuses(&before, one), statuses(&after, two));
            }
        }
    }

    #[test]
    fn a_withheld_place_is_taken_back_without_a_trace(history in steps()) {
        let events = recordable(history.iter().flatten().map(Step::event));
        let before = applied(&events, &Places::new());
        let Some(position) = redactable(&before).pop() else { return Ok(()) };
        let places = withhold(&events, &Places::new(), position);
        let below = &events[..usize::try_from(position).unwrap()];
        let mut register = applied(below, &Places::new());
        let savepoint = register.savepoint();
        register.apply_withheld(&places[&position]);
        register.rollback_to(&savepoint);
        prop_assert_eq!(register.first_withheld_in_force(), None);
        // What follows is applied as if the place had never been there.
        events[below.len()..].iter().for_each(|event| register.apply(event));
        for interest in scopes().iter().chain(&interests()) {
            prop_assert_eq!(found(&register, interest), found(&before, interest));
        }
    }
}

/// Repairs each event in turn, as far as the rules accept it: no withheld event is in force again.
fn repair_each(events: &[Event], places: &Places) -> Result<(), String> {
    let catalogue = Catalogue::built_in();
    for (target, old) in (0..).zip(events) {
        let mut register = applied(events, places);
        let Ok(repair) = event::proposal(&catalogue, 0, annulled(target)) else { continue };
        let verdict = Judge::default().judge(&register, &catalogue, 0, &repair.event);
        if verdict.rejections.is_empty() {
            register.apply(&repair.event);
        }
        if let Some(at) = register.first_withheld_in_force() {
            return Err(format!("{at} is in force after the repair of {target}, {old:?}"));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(Config::with_cases(300))]

    #[test]
    fn no_repair_brings_an_erased_event_back(
        history in steps(),
        depth in 0_u64..4,
        choice in any::<prop::sample::Index>(),
    ) {
        let mut proposed: Vec<_> = history.iter().flatten().map(Step::event).collect();
        let count = recordable(proposed.clone()).len() as u64;
        // The last event is annulled; each event after it annuls the one before.
        proposed.extend((0..=2 * depth).map(|link| annulled((count + link).saturating_sub(1))));
        let events = recordable(proposed);
        let left = redactable(&applied(&events, &Places::new()));
        prop_assume!(!left.is_empty());
        let places = withhold(&events, &Places::new(), *choice.get(&left));
        let outcome = repair_each(&events, &places);
        prop_assert!(outcome.is_ok(), "{outcome:?}");
    }
}

#[test]
fn no_chain_of_annulments_brings_an_erased_event_back() {
    let chain = (0..3).map(annulled);
    let events = recordable([little_giant(A, "1", "2021-07-01")].into_iter().chain(chain));
    assert_eq!(repair_each(&events, &withhold(&events, &Places::new(), 0)), Ok(()));
}

#[test]
fn an_answer_before_the_annulment_names_what_it_lacks() {
    let events = recordable([
        little_giant(A, "1", "2021-07-01"),
        little_giant(B, "1", "2021-07-01"),
        annulled(0),
        other(11, 0, 0, "2021-08-01"),
    ]);
    let places = withhold(&events, &Places::new(), 0);
    let register = applied(&events, &places);
    assert_eq!(register.redacted_positions(0), Vec::<u64>::new());
    assert_eq!(register.redacted_positions(2), [0]);
    assert_eq!(register.redacted_positions(3), Vec::<u64>::new());
    assert!(register.is_withheld(0) && !register.is_withheld(1));
    // The designee of the first event is erased with it.
    assert!(register.find(&DesigneeId::parse(A).unwrap(), 3).is_none());
}
