//! Designees of one name.

use tidu::limits::DESIGNEE_NAMESAKES_MAX;

use super::*;

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
