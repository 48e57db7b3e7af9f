//! Questions that compare: two moments, and two sets of titles. Each answers as the lists of titles
//! that it compares, on random histories; their seeds are printed.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use tidu::{
    domain::{
        catalogue::{Catalogue, Catalogues},
        event::Event,
    },
    protocol::{event, pb},
    register::{
        AsOf, ChangeReason, ComparisonPart, DesigneeIndex, EndCause, Register, SetsReading, Status,
        StatusChange, TitleView, Wanted,
    },
};

use crate::support::{
    BOTH_RULES, DESIGNEES, OTHERS, Step, annulled, corrected, day, little_giant, notice, other,
    passed, revoked, rules_adopted, sealed, seed,
};

const DAYS: [&str; 6] =
    ["2016-03-01", "2019-01-15", "2020-02-01", "2022-07-15", "2025-02-01", "2030-01-01"];

/// A title: its holder's present identifier, programme, authority and item.
type Key = (String, String);

/// Some steps: often ones that the versions of the rules treat differently, a late review or a
/// contested notice under a seal.
fn steps(random: &mut Rng, size: u64) -> Vec<Step> {
    let (who, on) = (random.usize(0..4), random.u8(0..90));
    match random.u8(0..10) {
        0 => vec![Step::Designate(who, random.u8(0..4), on), Step::Pass(who, on + 40)],
        1 => {
            vec![Step::Notice(who, 1, on), Step::Other(7, who, who, on + 1), Step::Seal(1, on + 2)]
        }
        _ => vec![step(random, size)],
    }
}

fn step(random: &mut Rng, size: u64) -> Step {
    let (who, also, on) = (random.usize(0..4), random.usize(0..4), random.u8(0..100));
    let earlier = random.u64(0..size.max(1));
    match random.u8(0..14) {
        0..4 => Step::Designate(who, random.u8(0..4), on),
        4..6 => Step::Notice(who, random.u8(0..3), on),
        6 => Step::Pass(who, on),
        7 => Step::Fail(who, on),
        8..11 => Step::Other(random.u8(0..OTHERS), who, also, on),
        11 => Step::Correct(earlier, who, on),
        12 => Step::Annul(earlier),
        _ => Step::Seal(random.u8(0..3), on),
    }
}

fn parsed(catalogue: &Catalogue, event: pb::Event) -> Option<Event> {
    event::proposal(catalogue, 0, event).ok().map(|proposed| proposed.event)
}

/// A history of which some adopt other rules on the way.
fn history(random: &mut Rng, catalogue: &Catalogue) -> Register {
    let mut register = Register::with_rules(BOTH_RULES);
    let adoption = random.bool().then(|| random.u64(5..40));
    while register.size() < 40 {
        if adoption.is_some_and(|at| at <= register.size())
            && register.rules_at(u64::MAX).number == 1
        {
            register.apply(&parsed(catalogue, rules_adopted(2)).unwrap());
        }
        for step in steps(random, register.size()) {
            if let Some(event) = parsed(catalogue, step.event()) {
                register.apply(&event);
            }
        }
    }
    register
}

fn filter(random: &mut Rng, catalogue: &Catalogue) -> Wanted {
    let mut wanted = Wanted::default();
    match random.u8(0..8) {
        0 => wanted.statuses = vec![Status::Active],
        1 => wanted.statuses = vec![Status::Expired, Status::NotDesignated],
        2 => wanted.programmes = vec![catalogue.find("little-giant").unwrap()],
        3 => wanted.batches = vec!["1".to_owned(), "2".to_owned()],
        4 => wanted.end_causes = vec![EndCause::Lapsed],
        5 => wanted.listed_in = vec!["1".to_owned()],
        6 => {
            wanted.valid_to_from = Some(day("2019-01-01"));
            wanted.valid_to_to = Some(day("2023-12-31"));
        }
        _ => {}
    }
    wanted
}

fn title_key(title: &TitleView) -> String {
    let TitleView { programme, authority, item, .. } = title;
    format!("{programme:?} {authority:?} {item}")
}

/// The titles that a list gives, by the identifier of their holder and their key.
fn listed(
    register: &Register,
    catalogues: &Catalogues,
    wanted: &Wanted,
    as_of: AsOf,
) -> Vec<(DesigneeIndex, String, Status)> {
    let (mut all, mut next) = (Vec::new(), Some(0));
    while let Some(from) = next {
        let (found, after) = register.search(catalogues, wanted, as_of, from, (2, 2));
        for found in found {
            for title in found.titles {
                all.push((found.index, title_key(&title), title.status));
            }
        }
        next = after;
    }
    all
}

/// Under each identifier that a subject now has, the statuses of a list of titles; a subject of
/// then may be several now, or the other way round.
fn by_present_subject(
    register: &Register,
    catalogues: &Catalogues,
    titles: &[(DesigneeIndex, String, Status)],
    (then, now): (AsOf, AsOf),
) -> BTreeMap<Key, BTreeSet<Status>> {
    let mut all: BTreeMap<Key, BTreeSet<Status>> = BTreeMap::new();
    for (index, key, status) in titles {
        let ids = register.view(catalogues, *index, then).ids;
        let mut members: Vec<DesigneeIndex> =
            ids.iter().filter_map(|dated| register.find(&dated.id, now.known_at)).collect();
        members.push(*index);
        for member in members {
            let id = register.view(catalogues, member, now).id.to_string();
            all.entry((id, key.clone())).or_default().insert(*status);
        }
    }
    all
}

/// Two moments of which the second is not before the first.
fn moments(random: &mut Rng, size: u64) -> (AsOf, AsOf) {
    let mut days = [random.usize(0..DAYS.len()), random.usize(0..DAYS.len())];
    let mut sizes = [random.u64(0..=size), random.u64(0..=size)];
    days.sort_unstable();
    sizes.sort_unstable();
    let at = |side: usize| AsOf { valid_on: day(DAYS[days[side]]), known_at: sizes[side] };
    (at(0), at(1))
}

/// Both histories: those of a fixed seed, for the gates, and those of a seed that is printed.
fn each_history(variable: &str, mut check: impl FnMut(&mut Rng, &Register)) {
    let catalogue = Catalogue::built_in();
    let (mut fixed, mut other) = (Rng::with_seed(7), seed::random(variable));
    for random in [&mut fixed, &mut other] {
        for _ in 0..40 {
            let register = history(random, &catalogue);
            check(random, &register);
        }
    }
}

/// The titles whose status differs, by two lists.
fn expected_changes(
    register: &Register,
    catalogues: &Catalogues,
    wanted: &Wanted,
    (from, to): (AsOf, AsOf),
) -> BTreeSet<Key> {
    let side = |as_of: AsOf, wanted: &Wanted| {
        let titles = listed(register, catalogues, wanted, as_of);
        by_present_subject(register, catalogues, &titles, (as_of, to))
    };
    let everything = Wanted::default();
    let (before, after) = (side(from, &everything), side(to, &everything));
    let matching = side(from, wanted).into_keys().chain(side(to, wanted).into_keys());
    let none = BTreeSet::new();
    let differs = |key: &Key| {
        let old = before.get(key).unwrap_or(&none);
        match after.get(key) {
            None => !old.is_empty(),
            // A title that two identifiers held had the statuses of both.
            Some(new) => !new.is_subset(old),
        }
    };
    matching.filter(differs).collect()
}

#[test]
fn changes_are_the_difference_of_two_lists_of_titles() {
    let (catalogue, catalogues) = (Catalogue::built_in(), Catalogues::built_in());
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    each_history("TIDU_CHANGES_SEED", |random, register| {
        for _ in 0..25 {
            let wanted = filter(random, &catalogue);
            let (from, to) = moments(random, register.size());
            let expected = expected_changes(register, &catalogues, &wanted, (from, to));
            let (mut found, mut next) = (BTreeSet::new(), Some(0));
            while let Some(first) = next {
                let slice =
                    register.changes_between(&catalogues, &wanted, (from, to), first, (2, 2));
                for changed in slice.0 {
                    for change in &changed.titles {
                        let shown = change.after.as_ref().or(change.before.as_ref()).unwrap();
                        let key = (changed.id.to_string(), title_key(shown));
                        assert!(found.insert(key), "a title is listed once");
                        *reasons.entry(reason(change, (from, to))).or_default() += 1;
                    }
                }
                next = slice.1;
            }
            assert_eq!(found, expected, "from {from:?} to {to:?}, {wanted:?}");
        }
    });
    println!("{reasons:?}");
    let enough = |reason: &str| reasons.get(reason).is_some_and(|count| *count >= 10);
    assert!(["fact", "expiry", "rules"].into_iter().all(enough), "{reasons:?}");
}

/// The reason of a change, which its own days and positions must bear out.
fn reason(change: &StatusChange, (from, to): (AsOf, AsOf)) -> &'static str {
    match change.reason {
        ChangeReason::Expiry => {
            let (before, after) = (change.before.as_ref().unwrap(), change.after.as_ref().unwrap());
            assert_eq!(after.status, Status::Expired);
            assert_eq!(before.valid_to, after.valid_to);
            let last = after.valid_to.unwrap();
            assert!(from.valid_on <= last && last < to.valid_on, "{last} is between the days");
            assert!(change.positions.is_empty());
            "expiry"
        }
        ChangeReason::Rules => {
            assert!(from.known_at < to.known_at && change.positions.is_empty());
            "rules"
        }
        ChangeReason::Fact => {
            assert!(from != to && change.positions.is_sorted());
            assert!(change.positions.iter().all(|position| *position < to.known_at));
            "fact"
        }
    }
}

#[test]
fn two_sets_compare_as_sets_of_the_holders_that_lists_give() {
    let (catalogue, catalogues) = (Catalogue::built_in(), Catalogues::built_in());
    let mut parts = [0; 3];
    each_history("TIDU_SETS_SEED", |random, register| {
        for _ in 0..25 {
            let wanted = [filter(random, &catalogue), filter(random, &catalogue)];
            let (as_of, _) = moments(random, register.size());
            let holders = wanted.each_ref().map(|wanted| {
                let titles = listed(register, &catalogues, wanted, as_of);
                titles.into_iter().map(|(index, ..)| index).collect::<BTreeSet<_>>()
            });
            let [first, second] = &holders;
            let ids = |set: BTreeSet<DesigneeIndex>| -> BTreeSet<String> {
                let id = |index| register.view(&catalogues, index, as_of).id.to_string();
                set.into_iter().map(id).collect()
            };
            let expected = [first & second, first - second, second - first].map(ids);
            let all = [ComparisonPart::Both, ComparisonPart::OnlyFirst, ComparisonPart::OnlySecond];
            let asked: Vec<ComparisonPart> = all.into_iter().filter(|_| random.bool()).collect();
            let mut reading = SetsReading::new(wanted, asked.clone(), as_of);
            let (mut found, mut next) = ([const { BTreeSet::new() }; 3], Some(0));
            while let Some(from) = next {
                let (compared, after) = reading.advance(register, &catalogues, from, (2, 2));
                for row in compared {
                    let part = all.iter().position(|part| *part == row.part).unwrap();
                    let held = row.sides.each_ref().map(|(title, count)| {
                        assert_eq!(title.is_some(), *count > 0);
                        *count > 0
                    });
                    assert_eq!(held, [part != 2, part != 1]);
                    assert!(found[part].insert(row.id.to_string()), "a designee is listed once");
                }
                next = after;
            }
            for (i, part) in all.into_iter().enumerate() {
                let is_asked = asked.is_empty() || asked.contains(&part);
                let expected = if is_asked { expected[i].clone() } else { BTreeSet::new() };
                assert_eq!(found[i], expected, "{part:?}");
                parts[i] += found[i].len();
            }
            let counts = reading.counts();
            let numbers = [counts.both, counts.only_first, counts.only_second];
            assert_eq!(numbers, expected.each_ref().map(|part| part.len() as u64));
        }
    });
    assert!(parts.iter().all(|count| *count > 100), "{parts:?}");
}

/// Events recorded one by one, and the register of them.
fn recorded(events: Vec<pb::Event>) -> Register {
    let catalogue = Catalogue::built_in();
    let mut register = Register::with_rules(BOTH_RULES);
    events.into_iter().for_each(|event| register.apply(&parsed(&catalogue, event).unwrap()));
    register
}

/// The only change between two moments: the statuses, the reason, and the events.
fn change(register: &Register, from: (&str, u64), to: (&str, u64)) -> Told {
    let at = |(iso, known_at): (&str, u64)| AsOf { valid_on: day(iso), known_at };
    let (catalogues, all) = (Catalogues::built_in(), Wanted::default());
    let moments = (at(from), at(to));
    let found = register.changes_between(&catalogues, &all, moments, 0, (9, 9)).0;
    let changes: Vec<_> = found.into_iter().flat_map(|changed| changed.titles).collect();
    let [change] = changes.as_slice() else { panic!("{changes:?}") };
    let status = |title: &Option<TitleView>| title.as_ref().map(|title| title.status);
    let (before, after) = (status(&change.before), status(&change.after));
    (before, after, change.reason, change.positions.clone())
}

type Told = (Option<Status>, Option<Status>, ChangeReason, Vec<u64>);

#[test]
fn each_change_tells_the_events_or_the_expiry_behind_it() {
    use ChangeReason::{Expiry, Fact};
    use Status::{Active, Expired, Pending};
    let who = DESIGNEES[0];
    let register = recorded(vec![
        little_giant(who, "1", "2019-06-05"),
        passed(who, "2022-06-05"),
        annulled(1),
        corrected(0, little_giant(who, "1", "2020-06-05")),
        annulled(0),
    ]);
    for (from, to, told) in [
        // A designation is recorded, takes effect, and ends.
        (("2020-01-01", 0), ("2020-01-01", 1), (None, Some(Active), Fact, vec![0])),
        (("2019-01-01", 1), ("2020-01-01", 1), (Some(Pending), Some(Active), Fact, vec![0])),
        (("2020-01-01", 1), ("2022-06-05", 1), (Some(Active), Some(Expired), Expiry, vec![])),
        // A review renews it, and is annulled.
        (("2022-06-05", 1), ("2022-06-05", 2), (Some(Expired), Some(Active), Fact, vec![1])),
        (("2022-06-05", 2), ("2022-06-05", 3), (Some(Active), Some(Expired), Fact, vec![2])),
        // A correction moves its days, and all is annulled.
        (("2023-01-01", 3), ("2023-01-01", 4), (Some(Expired), Some(Active), Fact, vec![3])),
        (("2023-01-01", 4), ("2023-01-01", 5), (Some(Active), None, Fact, vec![4])),
    ] {
        assert_eq!(change(&register, from, to), told, "{from:?} to {to:?}");
    }
}

/// The entry of a notice ends by the seal of its list, which is not about the designee.
#[test]
fn a_seal_is_the_event_behind_the_end_of_an_entry() {
    let who = DESIGNEES[0];
    let register = recorded(vec![
        notice(who, "1", "2020-01-10"),
        sealed("1", "2020-03-01", None),
        annulled(1),
    ]);
    let (noticed, ended) = (Some(Status::Noticed), Some(Status::NotDesignated));
    let told = change(&register, ("2020-02-01", 2), ("2020-04-01", 2));
    assert_eq!(told, (noticed, ended, ChangeReason::Fact, vec![1]));
    let told = change(&register, ("2020-04-01", 2), ("2020-04-01", 3));
    assert_eq!(told, (ended, noticed, ChangeReason::Fact, vec![2]));
}

/// Support is not a reason for a status; the designation that takes effect is.
#[test]
fn an_overlay_is_no_reason_for_a_change() {
    let who = DESIGNEES[0];
    let supported = other(14, 0, 0, "2019-06-06");
    let register = recorded(vec![little_giant(who, "1", "2019-06-05"), supported]);
    let told = change(&register, ("2019-06-04", 1), ("2019-06-30", 2));
    let (pending, active) = (Some(Status::Pending), Some(Status::Active));
    assert_eq!(told, (pending, active, ChangeReason::Fact, vec![0]));
}

#[test]
fn two_identifiers_that_become_one_subject_change_as_one() {
    let linked = other(1, 0, 1, "2020-01-01");
    let [a, b] = [DESIGNEES[0], DESIGNEES[1]];
    let register =
        recorded(vec![little_giant(a, "1", "2019-06-05"), revoked(b, "2019-07-05", None), linked]);
    // The title of the one is active before and after. It is the same title, so nothing changed.
    let catalogues = Catalogues::built_in();
    let at = |known_at| AsOf { valid_on: day("2019-06-30"), known_at };
    let moments = (at(2), at(3));
    let found = register.changes_between(&catalogues, &Wanted::default(), moments, 0, (9, 9));
    assert!(found.0.is_empty() && found.1.is_none(), "{found:?}");
}

#[test]
fn an_adoption_of_rules_is_told_as_such() {
    let who = DESIGNEES[0];
    let register = recorded(vec![
        little_giant(who, "1", "2019-06-05"),
        passed(who, "2022-09-05"),
        rules_adopted(2),
    ]);
    let told = change(&register, ("2022-10-01", 2), ("2022-10-01", 3));
    assert_eq!(told, (Some(Status::Active), Some(Status::Expired), ChangeReason::Rules, vec![]));
}
