//! The work that long records make: bounded in a commit, and done in slices.

use tidu::{
    domain::DesigneeId,
    limits::{
        FACTS_OF_SUBJECT_MAX, JUDGED_FACTS_MAX, QUESTION_SLICE_FACTS, QUESTION_SLICE_TITLES,
        SEARCH_FACTS_MAX,
    },
    register::{AsOf, Counting, Excess, Interest, Stage, Wanted},
};

use super::*;
use crate::support::{day as on, list};

/// A record of two linked identifiers with as many facts as one may have.
fn long_record() -> impl Iterator<Item = pb::Event> {
    let facts = (0..FACTS_OF_SUBJECT_MAX - 4)
        .map(|n| support(if n % 2 == 0 { "320000" } else { "330000" }, &local(0), n));
    [linked(&local(0), &local(1), 0)].into_iter().chain(facts)
}

#[test]
fn the_facts_read_are_counted() {
    let grown = Grown::of((0..20).map(|n| support(GUANGDONG, A, n)));
    assert_eq!(grown.judged(support(GUANGDONG, A, 20)).1, 20);
    assert_eq!(grown.judged(support(GUANGDONG, B, 20)).1, 0);
    let grown = Grown::of(long_record());
    let read = grown.judged(support(GUANGDONG, &local(0), 0)).1;
    assert!((FACTS_OF_SUBJECT_MAX..4 * FACTS_OF_SUBJECT_MAX).contains(&read), "{read}");
    assert!(read * 16 < JUDGED_FACTS_MAX);
}

#[test]
fn a_count_reads_long_records_in_slices() {
    let catalogues = Catalogues::built_in();
    // Pairs of linked identifiers.
    let (facts, records) = (1_024, 2 * QUESTION_SLICE_FACTS / 1_024 + 3);
    let grown = Grown::of((0..records).flat_map(|record| {
        let (a, b) = (local(2 * record), local(2 * record + 1));
        let link = linked(&a, &b, 0);
        (0..facts).map(move |n| support(GUANGDONG, &a, n)).chain([link])
    }));
    let as_of = AsOf { valid_on: on("2030-01-01"), known_at: grown.register.size() };
    let mut counting = Counting::new(Wanted::default(), as_of, Stage::EverDesignated, vec![]);
    let mut slices = 1;
    while counting.advance(&grown.register, &catalogues, usize::MAX) {
        slices += 1;
    }
    assert!((3..=records).contains(&slices), "{slices}");
    let (mut from, mut found, mut steps) = (Some(0), 0, 0);
    while let Some(place) = from {
        let most = (usize::MAX, usize::MAX);
        let page = grown.register.search(&catalogues, &Wanted::default(), as_of, place, most);
        found += page.0.len();
        from = page.1;
        steps += 1;
    }
    assert_eq!(found, records, "each subject once, under its first identifier");
    assert!(steps >= 3, "{steps}");
}

#[test]
fn a_slice_keeps_a_bounded_number_of_titles() {
    let grown = Grown::of(list(1, QUESTION_SLICE_TITLES + 10));
    let catalogues = Catalogues::built_in();
    let as_of = AsOf { valid_on: on("2030-01-01"), known_at: grown.register.size() };
    let search = |from| {
        let most = (usize::MAX, usize::MAX);
        let page = grown.register.search(&catalogues, &Wanted::default(), as_of, from, most);
        (page.0.iter().map(|found| found.titles.len()).sum::<usize>(), page.1)
    };
    let (titles, next) = search(0);
    assert_eq!(titles, QUESTION_SLICE_TITLES);
    assert_eq!(search(next.unwrap()), (10, None));
}

#[test]
fn a_record_is_long_from_a_number_of_facts_on() {
    for tied in [false, true] {
        let link = tied.then(|| linked(A, B, 0));
        let count = 300 + usize::from(tied);
        let grown = Grown::of((0..300).map(|n| support(GUANGDONG, A, n)).chain(link));
        let size = grown.register.size();
        let index = |id| grown.register.find(&DesigneeId::parse(id).unwrap(), size).unwrap();
        assert!(grown.register.has_long_record(index(A), size, 256));
        assert!(!grown.register.has_long_record(index(A), 200, 256), "not so long before");
        assert!(!grown.register.has_long_record(index(A), size, 2 * count));
        assert!(tied || !grown.register.has_long_record(index(A), size, count));
        assert!(tied || grown.register.has_long_record(index(A), size, count - 1));
        if tied {
            assert!(grown.register.has_long_record(index(B), size, 256), "it is the same subject");
        }
    }
}

#[test]
fn a_filter_by_a_long_record_is_answered_in_steps() {
    let grown = Grown::of(long_record());
    let size = grown.register.size();
    let mut interest = Interest::default();
    interest.designee(DesigneeId::parse(&local(1)).unwrap());
    let mut steps = 1;
    while !grown.register.cover(&mut interest, grown.register.size(), 1) {
        steps += 1;
    }
    assert!(steps >= 2, "{steps}");
    let (mut at, mut found, mut steps) = (0, Vec::new(), 0);
    while at < size {
        let (positions, next) = grown.register.matching(&interest, at, size, usize::MAX);
        assert!(next > at);
        found.extend(positions);
        at = next;
        steps += 1;
    }
    assert_eq!(found, (0..size).collect::<Vec<_>>());
    let read: usize = (0..FACTS_OF_SUBJECT_MAX).sum();
    assert!(steps >= read / (SEARCH_FACTS_MAX + FACTS_OF_SUBJECT_MAX), "{steps}");
    let (mut before, mut backwards) = (Some(size), Vec::new());
    while let Some(at) = before {
        let (positions, next) = grown.register.matching_before(&interest, at, usize::MAX);
        assert!(next.is_none_or(|next| next < at));
        backwards.extend(positions);
        before = next;
    }
    backwards.reverse();
    assert_eq!(backwards, found);
}

#[test]
fn a_register_names_the_records_beyond_its_bounds() {
    let grown = Grown::of(long_record());
    assert_eq!(grown.register.excesses(9), []);
    let mut grown = Grown::of((0..=FACTS_OF_SUBJECT_MAX).map(|n| support(GUANGDONG, A, n)));
    (1..100).for_each(|n| grown.apply(linked(&local(n - 1), &local(n), n)));
    let found = grown.register.excesses(9);
    let told: Vec<_> = found
        .iter()
        .map(|Excess { id, what, found, .. }| (id.to_string(), *what, *found))
        .collect();
    assert_eq!(
        told,
        [(A.to_owned(), "facts", FACTS_OF_SUBJECT_MAX + 1), (local(0), "identifiers", 100),]
    );
    assert_eq!(grown.register.excesses(1).len(), 1);
}

/// A filter is read in steps, and a commit may be taken back between two of them.
#[test]
fn a_filter_keeps_nothing_that_is_taken_back() {
    let mut grown = Grown::of([support(GUANGDONG, A, 0)]);
    grown.register.commit();
    let (size, savepoint) = (grown.register.size(), grown.register.savepoint());
    grown.apply(linked(&local(0), A, 1));
    let mut interest = Interest::default();
    for id in [A, &local(9)] {
        interest.designee(DesigneeId::parse(id).unwrap());
    }
    for _ in 0..3 {
        grown.register.cover(&mut interest, size, 1);
    }
    grown.register.rollback_to(&savepoint);
    while !grown.register.cover(&mut interest, size, 1) {}
    // It gets the number of the designee that was taken back.
    grown.apply(support(GUANGDONG, &local(9), 0));
    let size = grown.register.size();
    assert_eq!(grown.register.matching(&interest, 0, size, 9).0, [0, 1]);
}

/// Two authorities take turns, and a filter wants events that concern one of them and the other's
/// programme: its sets have no position in common.
#[test]
fn a_filter_without_a_match_is_answered_in_steps() {
    let turn = |number: usize| {
        support(if number.is_multiple_of(2) { GUANGDONG } else { MINISTRY }, &local(number), 0)
    };
    let mut grown = Grown::of((0..30_000).map(turn));
    grown.register.commit();
    let size = grown.register.size();
    let mut interest = Interest::default();
    interest.authority(AuthorityCode::parse(GUANGDONG).unwrap());
    interest.programme(grown.catalogue.find("little-giant").unwrap());
    let (mut at, mut steps) = (0, 0);
    while at < size {
        let (found, next) = grown.register.matching(&interest, at, size, usize::MAX);
        assert!(found.is_empty() && next > at);
        (at, steps) = (next, steps + 1);
    }
    assert!(steps > 1, "{steps}");
    let (mut before, mut steps) = (Some(size), 0);
    while let Some(at) = before {
        let (found, next) = grown.register.matching_before(&interest, at, usize::MAX);
        assert!(found.is_empty() && next.is_none_or(|next| next < at));
        (before, steps) = (next, steps + 1);
    }
    assert!(steps > 1, "{steps}");
}
