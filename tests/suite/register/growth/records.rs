//! Records of designees, circles and repairs.

use tidu::limits::{
    CIRCLE_DESIGNEES_MAX, FACTS_OF_ISSUER_MAX, FACTS_OF_MINISTRY_MAX, FACTS_OF_SUBJECT_MAX,
    REPAIRS_OF_EVENT_MAX, TITLES_OF_AUTHORITY_MAX, TITLES_OF_MINISTRY_MAX, TITLES_OF_SUBJECT_MAX,
};

use super::*;

#[test]
fn an_authority_fills_its_own_share_of_a_record() {
    for (issuer, most) in [(GUANGDONG, FACTS_OF_ISSUER_MAX), (MINISTRY, FACTS_OF_MINISTRY_MAX)] {
        let mut grown = Grown::of((1..most).map(|n| support(issuer, A, n)));
        grown.accepts(support(issuer, A, most));
        grown.apply(support(issuer, A, most));
        grown.refuses("facts-of-issuer", support(issuer, A, most + 1));
        // Others have room, and so has a revocation.
        grown.accepts(support("330000", A, 1));
        (1..most).for_each(|n| grown.apply(proposed(issuer, A, n)));
        grown.accepts(proposed(issuer, A, most));
        grown.apply(proposed(issuer, A, most));
        grown.refuses("facts-of-issuer", proposed(issuer, A, most + 1));
        grown.accepts(proposed("330000", A, 1));
    }
}

/// Facts of as many authorities as it takes, one less than a record has room for.
fn nearly_full(
    designee: &'static str,
    state: fn(&str, &str, usize) -> pb::Event,
) -> impl Iterator<Item = pb::Event> {
    let shares = provinces().map(|code| (code, FACTS_OF_ISSUER_MAX));
    let shares = [(MINISTRY, FACTS_OF_MINISTRY_MAX)].into_iter().chain(shares);
    let facts = shares
        .flat_map(move |(code, share)| (0..share).map(move |number| state(code, designee, number)));
    facts.take(FACTS_OF_SUBJECT_MAX - 1)
}

#[test]
fn a_full_record_can_still_be_revoked() {
    let mut grown = Grown::of(nearly_full(A, support));
    grown.accepts(support("660000", A, 0));
    grown.apply(support("660000", A, 0));
    grown.refuses("facts-of-subject", support("660000", A, 1));
    nearly_full(A, proposed).for_each(|event| grown.apply(event));
    grown.accepts(proposed("660000", A, 0));
    grown.apply(proposed("660000", A, 0));
    grown.refuses("facts-of-subject", proposed("660000", A, 1));
    // An annulled event still counts, because it is read for ever.
    grown.apply(annulled(0));
    grown.refuses("facts-of-subject", support("660000", A, 1));
}

fn item(issuer: &str, number: usize) -> pb::Event {
    let mut event = support(issuer, A, number);
    let Some(Fact::SupportGranted(fact)) = &mut event.fact else { unreachable!() };
    fact.item = format!("i{number}");
    event
}

#[test]
fn titles_are_bounded_for_an_authority_and_for_a_subject() {
    let (own, of_ministry) = (TITLES_OF_AUTHORITY_MAX, TITLES_OF_MINISTRY_MAX);
    let mut grown = Grown::of((1..own).map(|n| item(GUANGDONG, n)));
    grown.accepts(item(GUANGDONG, own));
    grown.apply(item(GUANGDONG, own));
    grown.refuses("titles-of-authority", item(GUANGDONG, own + 1));
    // A fact about a title on record adds none.
    grown.accepts(support_of_item(1, 9));
    (0..of_ministry).for_each(|n| grown.apply(item(MINISTRY, n)));
    grown.refuses("titles-of-authority", item(MINISTRY, of_ministry));
    let left = TITLES_OF_SUBJECT_MAX - own - of_ministry;
    (1..left).for_each(|n| grown.apply(item("330000", n)));
    grown.accepts(item("320000", 0));
    grown.apply(item("320000", 0));
    grown.refuses("titles-of-subject", item("320000", 1));
}

#[test]
fn a_converted_title_counts_as_another_title() {
    let converted = pb::TitleConverted {
        from_programme: programme(GUANGDONG),
        to_programme: programme(GUANGDONG),
        from_item: "i1".to_owned(),
        to_item: "converted".to_owned(),
        ..Default::default()
    };
    let own = TITLES_OF_AUTHORITY_MAX;
    let mut grown = Grown::of((1..own - 1).map(|n| item(GUANGDONG, n)));
    grown.apply(event(GUANGDONG, A, own, Fact::TitleConverted(converted)));
    grown.accepts(item(GUANGDONG, own));
    grown.apply(item(GUANGDONG, own));
    grown.refuses("titles-of-authority", item(GUANGDONG, own + 1));
}

#[test]
fn a_transferred_title_counts_as_a_title_of_the_successor() {
    let transferred = |number: usize| {
        let fact = pb::TitleTransferred {
            programme: programme(GUANGDONG),
            item: format!("i{number}"),
            successor: local(1),
            ..Default::default()
        };
        event(GUANGDONG, A, TITLES_OF_AUTHORITY_MAX, Fact::TitleTransferred(fact))
    };
    let mut grown = Grown::of((1..TITLES_OF_AUTHORITY_MAX).map(|n| item(GUANGDONG, n)));
    grown.accepts(transferred(1));
    grown.apply(transferred(1));
    grown.refuses("titles-of-authority", transferred(2));
}

fn support_of_item(number: usize, scheme: usize) -> pb::Event {
    let mut event = item(GUANGDONG, number);
    let Some(Fact::SupportGranted(fact)) = &mut event.fact else { unreachable!() };
    fact.scheme = format!("other{scheme}");
    event
}

#[test]
fn a_circle_is_bounded_also_with_unknown_identifiers() {
    let links = (1..CIRCLE_DESIGNEES_MAX - 1).map(|n| linked(&local(n - 1), &local(n), n));
    let mut grown = Grown::of(links);
    let (last, next) = (local(CIRCLE_DESIGNEES_MAX - 1), local(CIRCLE_DESIGNEES_MAX));
    grown.accepts(linked(&local(0), &last, 100));
    grown.apply(linked(&local(0), &last, 100));
    grown.refuses("tied-identifiers", linked(&local(0), &next, 101));
    grown.apply(support(GUANGDONG, &next, 0));
    grown.refuses("tied-identifiers", linked(&local(0), &next, 101));
    grown.refuses("tied-identifiers", linked(&next, &local(7), 101));
    // A transfer inside the circle ties nothing new, and may come before the links do.
    let fact = pb::TitleTransferred {
        programme: programme(GUANGDONG),
        successor: local(3),
        ..Default::default()
    };
    let rules = grown.judged(event(GUANGDONG, &local(0), 3, Fact::TitleTransferred(fact))).0;
    assert!(rules.is_empty(), "{rules:?}");
}

#[test]
fn a_link_is_refused_where_both_sides_are_too_long_together() {
    // The link counts for both.
    for (facts, fits) in [(FACTS_OF_SUBJECT_MAX - 2, true), (FACTS_OF_SUBJECT_MAX - 1, false)] {
        let mut grown = Grown::new();
        let (a, b) = (local(0), local(1));
        (0..facts / 2).for_each(|n| grown.apply(support("320000", &a, n)));
        (facts / 2..facts).for_each(|n| grown.apply(support("330000", &b, n)));
        if fits {
            grown.accepts(linked(&a, &b, 0));
        } else {
            grown.refuses("facts-of-subject", linked(&a, &b, 0));
        }
    }
}

#[test]
fn an_annulment_cannot_bring_back_a_link_of_two_long_records() {
    let (a, b) = (local(0), local(1));
    let mut grown = Grown::of([linked(&a, &b, 0), annulled(0)]);
    grown.accepts(annulled(1));
    for (id, code) in [(&a, "320000"), (&b, "330000")] {
        (0..FACTS_OF_SUBJECT_MAX / 2).for_each(|n| grown.apply(support(code, id, n)));
    }
    grown.refuses("facts-of-subject", annulled(1));
}

#[test]
fn who_names_another_designee_fills_that_record_too() {
    let restructured = |issuer: &str, number: usize| {
        let fact = pb::Restructured {
            kind: pb::RestructuringKind::Merger.into(),
            successors: vec![A.to_owned()],
            ..Default::default()
        };
        event(issuer, &local(number), number, Fact::Restructured(fact))
    };
    let mut grown = Grown::of((1..FACTS_OF_ISSUER_MAX).map(|n| restructured(GUANGDONG, n)));
    grown.accepts(restructured(GUANGDONG, FACTS_OF_ISSUER_MAX));
    grown.apply(restructured(GUANGDONG, FACTS_OF_ISSUER_MAX));
    grown.refuses("facts-of-issuer", restructured(GUANGDONG, FACTS_OF_ISSUER_MAX + 1));
    grown.accepts(restructured("330000", FACTS_OF_ISSUER_MAX + 1));
}

#[test]
fn the_ministry_repairs_an_event_after_its_issuer_may_not() {
    let corrects = |issuer: &str, number: usize| pb::Event {
        authority: issuer.to_owned(),
        ..corrected(0, support(GUANGDONG, A, number))
    };
    let mut grown = Grown::of([support(GUANGDONG, A, 0)]);
    (1..REPAIRS_OF_EVENT_MAX).for_each(|n| grown.apply(corrects(GUANGDONG, n)));
    grown.accepts(corrects(GUANGDONG, 500));
    grown.apply(corrects(GUANGDONG, 500));
    grown.refuses("repairs-of-event", corrects(GUANGDONG, 501));
    // Repairs of its repairs count as well.
    let annuls = pb::Event { authority: GUANGDONG.to_owned(), ..annulled(3) };
    grown.refuses("repairs-of-event", annuls);
    (1..REPAIRS_OF_EVENT_MAX).for_each(|n| grown.apply(corrects(MINISTRY, n)));
    grown.accepts(corrects(MINISTRY, 500));
    grown.apply(corrects(MINISTRY, 500));
    grown.refuses("repairs-of-event", corrects(MINISTRY, 501));
}

#[test]
fn the_replacement_of_an_event_needs_room_where_it_goes() {
    let mut grown = Grown::of((0..FACTS_OF_ISSUER_MAX).map(|n| proposed(GUANGDONG, A, n)));
    let moved = |position| pb::Event {
        authority: GUANGDONG.to_owned(),
        ..corrected(position, support(GUANGDONG, A, 700))
    };
    grown.apply(support(GUANGDONG, B, 0));
    let position = grown.register.size() - 1;
    // Guangdong's repairs of this record have no room left.
    grown.refuses("facts-of-issuer", moved(position));
    let by_ministry = pb::Event { authority: MINISTRY.to_owned(), ..moved(position) };
    grown.accepts(by_ministry);
}
