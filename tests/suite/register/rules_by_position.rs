//! Rules by position: adopting other rules changes no answer known before, and each later one as
//! the comparison had said. The second version is one that only tests have.

use std::collections::BTreeMap;

use fastrand::Rng;
use tidu::{
    domain::{
        CivilDate, DesigneeId,
        catalogue::{Catalogue, Catalogues},
        event::Event,
    },
    protocol::{
        event,
        pb::{self, event::Fact},
    },
    register::{AsOf, FoldRules, Interest, Register, Status, TitleView},
};

use crate::support::{
    BOTH_RULES, DESIGNEES, OTHERS, SECOND_RULES, Step, day, interests, little_giant, ministry,
    other, rules_adopted, scopes, seed,
};

const DAYS: [&str; 5] = ["2016-03-01", "2019-01-15", "2022-07-15", "2025-02-01", "2030-01-01"];

/// A title on a day: its holder, programme, authority and item.
type Key = (CivilDate, String, String);
type Titles = BTreeMap<Key, TitleView>;

fn key(valid_on: CivilDate, holder: &DesigneeId, title: &TitleView) -> Key {
    let TitleView { programme, authority, item, .. } = title;
    (valid_on, holder.to_string(), format!("{programme:?} {authority:?} {item}"))
}

/// All titles on some days, as known at a size.
fn titles(register: &Register, catalogues: &Catalogues, known_at: u64) -> Titles {
    let mut all = Titles::new();
    for valid_on in DAYS.map(day) {
        for designee in DESIGNEES {
            let id = DesigneeId::parse(designee).unwrap();
            let Some(index) = register.find(&id, known_at) else { continue };
            let view = register.view(catalogues, index, AsOf { valid_on, known_at });
            let own = view.titles.into_iter().map(|title| (key(valid_on, &view.id, &title), title));
            all.extend(own);
        }
    }
    all
}

/// The titles as the comparison says that they will be, and the statuses that it changes.
fn foretold(
    register: &Register,
    catalogues: &Catalogues,
    known_at: u64,
    changed: &mut BTreeMap<(Option<Status>, Option<Status>), usize>,
) -> Titles {
    let mut all = titles(register, catalogues, known_at);
    for valid_on in DAYS.map(day) {
        let mut next = Some(0);
        while let Some(from) = next {
            let (as_of, bounds) = (AsOf { valid_on, known_at }, (1, 2));
            let found = register.compare_rules(catalogues, SECOND_RULES, as_of, from, bounds);
            for designee in found.0 {
                for (old, new) in designee.titles {
                    let status = |title: &Option<TitleView>| title.as_ref().map(|t| t.status);
                    *changed.entry((status(&old), status(&new))).or_default() += 1;
                    if let Some(old) = old {
                        let found = all.remove(&key(valid_on, &designee.id, &old));
                        assert_eq!(found, Some(old), "as it is without the other rules");
                    }
                    if let Some(new) = new {
                        all.insert(key(valid_on, &designee.id, &new), new);
                    }
                }
            }
            next = found.1;
        }
    }
    all
}

/// What every filter finds below a size.
fn filtered(register: &Register, size: u64) -> Vec<Vec<u64>> {
    let all = interests();
    let all = all.iter().chain(scopes());
    all.map(|interest| register.matching(interest, 0, size, usize::MAX).0).collect()
}

/// Some steps: often ones that the versions treat differently, a late review or a contested notice
/// under a seal.
fn random_steps(random: &mut Rng, size: u64) -> Vec<Step> {
    let (who, also, on) = (random.usize(0..4), random.usize(0..4), random.u8(0..90));
    let earlier = random.u64(0..size.max(1));
    match random.u8(0..12) {
        0..3 => vec![Step::Designate(who, random.u8(0..4), on), Step::Pass(who, on + 40)],
        3..5 => {
            let contested = [Step::Notice(who, 1, on), Step::Other(7, who, who, on + 1)];
            contested.into_iter().chain([Step::Seal(1, on + 2)]).collect()
        }
        5 => vec![Step::Pass(who, on)],
        6 => vec![Step::Fail(who, on)],
        7..9 => vec![Step::Other(random.u8(0..OTHERS), who, also, on)],
        9 => vec![Step::Correct(earlier, who, on)],
        10 => vec![Step::Annul(earlier)],
        _ => vec![Step::Revoke(who, on)],
    }
}

fn random_events(random: &mut Rng, catalogue: &Catalogue, count: usize) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    while events.len() < count {
        for step in random_steps(random, events.len() as u64) {
            let proposed = event::proposal(catalogue, 0, step.event());
            events.extend(proposed.ok().map(|proposed| proposed.event));
        }
    }
    events
}

fn parsed(catalogue: &Catalogue, event: pb::Event) -> Event {
    event::proposal(catalogue, 0, event).unwrap().event
}

#[test]
fn an_adoption_changes_later_answers_alone_and_as_foretold() {
    let (catalogue, catalogues) = (Catalogue::built_in(), Catalogues::built_in());
    let adoption = parsed(&catalogue, rules_adopted(2));
    let mut random = seed::random("TIDU_RULES_SEED");
    // The gate is on fixed histories, so that it does not depend on chance.
    let mut fixed = Rng::with_seed(1);
    let (mut changed, mut others) = (BTreeMap::new(), BTreeMap::new());
    for round in 0..60 {
        let (random, changed) =
            if round < 30 { (&mut fixed, &mut changed) } else { (&mut random, &mut others) };
        let events = random_events(random, &catalogue, 40);
        let at = random.usize(10..40);
        let mut register = Register::with_rules(BOTH_RULES);
        events[..at].iter().for_each(|event| register.apply(event));
        let size = register.size();
        let before: Vec<_> = (0..=size).map(|at| titles(&register, &catalogues, at)).collect();
        let (found, foretold) =
            (filtered(&register, size), foretold(&register, &catalogues, size, changed));

        // An adoption that is taken back leaves nothing.
        let savepoint = register.savepoint();
        register.apply(&adoption);
        events[at..].iter().for_each(|event| register.apply(event));
        register.rollback_to(&savepoint);
        assert_eq!(register.rules_at(u64::MAX), FoldRules::FIRST);
        assert_eq!(titles(&register, &catalogues, size), before[at]);

        register.apply(&adoption);
        assert_eq!(titles(&register, &catalogues, size + 1), foretold, "as foretold");
        events[at..].iter().for_each(|event| register.apply(event));
        for (known_at, before) in (0..).zip(&before) {
            assert_eq!(register.rules_at(known_at), FoldRules::FIRST);
            assert_eq!(titles(&register, &catalogues, known_at), *before, "known at {known_at}");
        }
        assert_eq!(register.rules_at(size + 1), SECOND_RULES);
        assert_eq!(titles(&register, &catalogues, size + 1), foretold, "as foretold");
        assert_eq!(filtered(&register, size), found, "filters below the adoption");

        let mut rebuilt = Register::with_rules(BOTH_RULES);
        let (earlier, later) = events.split_at(at);
        let all = earlier.iter().chain([&adoption]).chain(later);
        all.for_each(|event| rebuilt.apply(event));
        for known_at in [size, size + 1, register.size()] {
            let answers = titles(&register, &catalogues, known_at);
            assert_eq!(titles(&rebuilt, &catalogues, known_at), answers, "known at {known_at}");
            assert_eq!(filtered(&rebuilt, known_at), filtered(&register, known_at));
        }
    }
    let renewed = (Some(Status::Active), Some(Status::Expired));
    let contested = (Some(Status::Noticed), Some(Status::NotDesignated));
    assert!(changed.values().sum::<usize>() > 100, "{changed:?}");
    assert!(changed.contains_key(&renewed) && changed.contains_key(&contested), "{changed:?}");
    println!("{others:?}");
}

#[test]
fn an_event_concerns_whom_the_rules_at_its_position_say() {
    let catalogue = Catalogue::built_in();
    let who = 0;
    let review = || {
        let fact = pb::ReviewOpened {
            programme: "little-giant".to_owned(),
            round: "2022".to_owned(),
            ..Default::default()
        };
        ministry(DESIGNEES[who], "2022-05-01", Fact::ReviewOpened(fact))
    };
    let mut platform = Interest::default();
    platform.programme(catalogue.find("national-platform").unwrap());
    let events = [
        little_giant(DESIGNEES[who], "1", "2020-01-15"),
        other(15, who, who, "2020-01-15"),
        review(),
        rules_adopted(2),
        review(),
    ];
    let mut register = Register::with_rules(BOTH_RULES);
    for event in events {
        register.apply(&parsed(&catalogue, event));
    }
    // By version 1 a review concerns those of its title; by the second one, all of the designee.
    assert_eq!(register.matching(&platform, 0, register.size(), usize::MAX).0, [1, 4]);
}
