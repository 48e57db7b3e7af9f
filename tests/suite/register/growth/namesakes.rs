//! Designees of one name.

use tidu::{
    domain::{DesigneeId, event::Fact as Stated, name::folded},
    limits::{DESIGNEE_NAMESAKES_MAX, QUESTION_SLICE_FACTS},
    register::{AsOf, Wanted},
};

use super::*;
use crate::support::day as on;

const NAME: &str = "示例同名有限公司";

fn named(number: usize, name: &str) -> pb::Event {
    let fact = pb::Designated {
        programme: programme(GUANGDONG),
        batch: "2024-1".to_owned(),
        profile: Some(pb::Profile { name: name.to_owned(), ..Default::default() }),
        ..Default::default()
    };
    event(GUANGDONG, &local(number), 20_000, Fact::Designated(fact))
}

#[test]
fn a_search_by_name_ends_after_nine_namesakes() {
    let mut grown = Grown::of((0..DESIGNEE_NAMESAKES_MAX).map(|n| named(n, NAME)));
    let size = grown.register.size();
    let found = grown.register.find_by_name(NAME, size);
    assert_eq!((found.subjects.len(), found.is_cut), (DESIGNEE_NAMESAKES_MAX, false));
    (DESIGNEE_NAMESAKES_MAX..3_000).for_each(|n| grown.apply(named(n, NAME)));
    let found = grown.register.find_by_name(NAME, grown.register.size());
    assert_eq!((found.subjects.len(), found.is_cut), (DESIGNEE_NAMESAKES_MAX + 1, true));
    // As it was known before, nothing changes.
    let found = grown.register.find_by_name(NAME, size);
    assert_eq!(found.subjects.len(), DESIGNEE_NAMESAKES_MAX);
}

#[test]
fn identifiers_of_one_subject_are_one_namesake() {
    let mut grown = Grown::of((0..40).map(|n| named(n, NAME)));
    (1..40).for_each(|n| grown.apply(linked(&local(n - 1), &local(n), n)));
    let found = grown.register.find_by_name(NAME, grown.register.size());
    assert_eq!((found.subjects.len(), found.is_cut), (1, false));
}

#[test]
fn the_next_namesake_costs_no_more_to_judge() {
    let mut grown = Grown::of((0..10).map(|n| named(n, NAME)));
    let few = grown.judged(named(10, NAME)).1;
    (10..3_000).for_each(|n| grown.apply(named(n, NAME)));
    assert_eq!(grown.judged(named(3_000, NAME)).1, few);
}

/// Their folding takes the tables of Unicode, so their keys are kept.
#[test]
fn rare_names_are_found_as_any_others() {
    let names = ["Éire", "ﬁ \u{FDFA}", "㐂（甲）", "e\u{301}"];
    let mut grown = Grown::of((0..).zip(names).map(|(n, name)| named(n, name)));
    let known_at = grown.register.size();
    // A provisional identifier on record may hold a name that is not folded.
    let mut event = grown.proposal(named(9, NAME));
    let Stated::Title { designee, .. } = &mut event.fact else { unreachable!() };
    *designee = DesigneeId::recorded("provisional:440000/ﬁrma é (b)").unwrap();
    let savepoint = grown.register.savepoint();
    grown.register.apply(&event);
    let places = |grown: &Grown, prefix: &str, known_at: u64| {
        let name_prefix = folded(prefix);
        let (wanted, as_of) = (Wanted { name_prefix, ..Wanted::default() }, as_of(known_at));
        let most = (usize::MAX, usize::MAX);
        let found = grown.register.search(&Catalogues::built_in(), &wanted, as_of, 0, most).0;
        found.iter().map(|found| found.next - 1).collect::<Vec<_>>()
    };
    for (place, name) in names.into_iter().enumerate() {
        let found = grown.register.find_by_name(name, known_at);
        assert_eq!(found.subjects.len(), 1, "{name}");
        assert_eq!(places(&grown, name, known_at), [place], "{name}");
    }
    assert_eq!(places(&grown, "ﬁ", u64::MAX), [1, 4]);
    assert_eq!(places(&grown, "ﬁrma", known_at), [] as [usize; 0]);
    grown.register.rollback_to(&savepoint);
    assert_eq!(places(&grown, "ﬁ", u64::MAX), [1]);
}

fn as_of(known_at: u64) -> AsOf {
    AsOf { valid_on: on("2030-01-01"), known_at }
}

#[test]
fn a_search_by_a_beginning_counts_the_names_it_reads() {
    let (designees, names) = (64, 128);
    let grown = Grown::of((0..designees).flat_map(|number| {
        (0..names).map(move |n| named(number, &format!("{}{}", "é".repeat(100), n % 2)))
    }));
    let catalogues = Catalogues::built_in();
    let steps = |name_prefix: String| {
        let wanted = Wanted { name_prefix, ..Wanted::default() };
        let (mut from, mut steps) = (Some(0), 0);
        while let Some(place) = from {
            let most = (usize::MAX, usize::MAX);
            let as_of = as_of(grown.register.size());
            let (found, next) = grown.register.search(&catalogues, &wanted, as_of, place, most);
            assert!(found.is_empty());
            (from, steps) = (next, steps + 1);
        }
        steps
    };
    // Facts alone fit a slice. A long beginning costs more than a short one.
    assert!(designees * names < QUESTION_SLICE_FACTS);
    assert_eq!(steps("甲".to_owned()), 1);
    assert!(steps(format!("{}甲", "é".repeat(100))) > 1);
}
