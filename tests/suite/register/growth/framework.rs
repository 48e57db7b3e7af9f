//! Lists and shelves that one authority could fill: batches, measures, declarations, assessments,
//! pools.

use tidu::{
    domain::event::Fact as Stated,
    limits::{
        ASSESSMENTS_OF_AUTHORITY_MAX, DECLARATIONS_OF_AUTHORITY_MAX, ENTRIES_OF_BATCH_MAX,
        ENTRIES_OF_POOL_MAX, MEASURES_OF_AUTHORITY_MAX, OPENINGS_OF_LIST_MAX,
        POOLS_OF_AUTHORITY_MAX,
    },
};

use super::*;

fn opened(issuer: &str, sublist: &str, number: usize) -> pb::Event {
    let fact = pb::BatchOpened {
        programme: "little-giant".to_owned(),
        batch: "4".to_owned(),
        sublist: sublist.to_owned(),
        ..Default::default()
    };
    event(issuer, "", number, Fact::BatchOpened(fact))
}

#[test]
fn a_list_is_opened_and_sealed_a_few_times() {
    let mut grown = Grown::of((1..OPENINGS_OF_LIST_MAX).map(|n| opened(GUANGDONG, GUANGDONG, n)));
    grown.accepts(opened(GUANGDONG, GUANGDONG, 99));
    grown.apply(opened(GUANGDONG, GUANGDONG, 99));
    grown.refuses("openings-of-list", opened(GUANGDONG, GUANGDONG, 100));
    // The other lists of the batch have room.
    grown.accepts(opened("330000", "330000", 100));
    grown.accepts(opened(MINISTRY, "", 100));
    // An annulled opening still counts.
    grown.apply(annulled(0));
    grown.refuses("openings-of-list", opened(GUANGDONG, GUANGDONG, 100));
    let sealed = pb::BatchSealed {
        programme: "little-giant".to_owned(),
        batch: "4".to_owned(),
        sublist: GUANGDONG.to_owned(),
        declared: Some(pb::DeclaredCounts { designated: Some(0), reviewed: Some(0) }),
        ..Default::default()
    };
    let seal = event(GUANGDONG, "", 100, Fact::BatchSealed(sealed));
    grown.refuses("openings-of-list", seal);
}

/// Reviews by the same round are entries of a batch, as designations are.
#[test]
fn a_batch_has_a_bounded_number_of_entries() {
    let designated = |number: usize| {
        let fact = pb::Designated {
            programme: programme(GUANGDONG),
            batch: "2024-1".to_owned(),
            ..Default::default()
        };
        event(GUANGDONG, &local(number), 20_000, Fact::Designated(fact))
    };
    let mut grown = Grown::new();
    let mut entry = grown.proposal(designated(0));
    for number in 1..ENTRIES_OF_BATCH_MAX {
        let Stated::Title { designee, .. } = &mut entry.fact else { unreachable!() };
        *designee = tidu::domain::DesigneeId::parse(&local(number)).unwrap();
        grown.register.apply(&entry);
        grown.register.commit();
    }
    grown.accepts(designated(0));
    grown.apply(designated(0));
    grown.refuses("entries-of-batch", designated(ENTRIES_OF_BATCH_MAX));
    let passed = pb::ReviewPassed {
        programme: programme(GUANGDONG),
        round: "2024-1".to_owned(),
        ..Default::default()
    };
    let passed = event(GUANGDONG, &local(7), 21_000, Fact::ReviewPassed(passed));
    grown.refuses("entries-of-batch", passed);
}

#[test]
fn measures_of_an_authority_are_bounded() {
    let issued = |issuer: &str, number: usize| {
        let fact = pb::MeasuresIssued {
            instrument: pb::Instrument::Measures.into(),
            title: format!("办法{number}"),
            ..Default::default()
        };
        event(issuer, "", number, Fact::MeasuresIssued(fact))
    };
    let most = MEASURES_OF_AUTHORITY_MAX;
    let mut grown = Grown::of((1..most).map(|n| issued(GUANGDONG, n)));
    grown.accepts(issued(GUANGDONG, most));
    grown.apply(issued(GUANGDONG, most));
    grown.refuses("measures-of-authority", issued(GUANGDONG, most + 1));
    let fact = pb::MeasuresRepealed { position: Some(0), ..Default::default() };
    let repeal = |issuer| event(issuer, "", 1, Fact::MeasuresRepealed(fact.clone()));
    grown.refuses("measures-of-authority", repeal(GUANGDONG));
    grown.accepts(issued("330000", most + 1));
}

#[test]
fn declarations_of_an_authority_are_bounded() {
    let declared = |issuer: &str, number: usize| {
        let part = pb::RegisterPart::Titles.into();
        let fact = pb::CompletenessDeclared { programme: String::new(), part };
        event(issuer, "", number, Fact::CompletenessDeclared(fact))
    };
    let most = DECLARATIONS_OF_AUTHORITY_MAX;
    let mut grown = Grown::of((1..most).map(|n| declared(GUANGDONG, n)));
    grown.accepts(declared(GUANGDONG, most));
    grown.apply(declared(GUANGDONG, most));
    grown.refuses("declarations-of-authority", declared(GUANGDONG, most + 1));
    grown.accepts(declared(MINISTRY, 0));
}

#[test]
fn assessments_of_an_authority_are_bounded() {
    let assessed = |issuer: &str, number: usize| {
        let fact = pb::EnvironmentAssessed {
            region: "440100".to_owned(),
            year: 2023,
            assessor: format!("示例机构{number}"),
            ..Default::default()
        };
        event(issuer, "", number, Fact::EnvironmentAssessed(fact))
    };
    let most = ASSESSMENTS_OF_AUTHORITY_MAX;
    let mut grown = Grown::of((1..most).map(|n| assessed(GUANGDONG, n)));
    grown.accepts(assessed(GUANGDONG, most));
    grown.apply(assessed(GUANGDONG, most));
    grown.refuses("assessments-of-authority", assessed(GUANGDONG, most + 1));
    grown.accepts(assessed("330000", most + 1));
}

#[test]
fn pools_of_an_authority_are_bounded() {
    let entered = |issuer: &str, number: usize| {
        let fact = pb::PoolEntered { pool: format!("p{number}"), profile: None };
        event(issuer, &local(number), number, Fact::PoolEntered(fact))
    };
    let most = POOLS_OF_AUTHORITY_MAX;
    let mut grown = Grown::of((1..most).map(|n| entered(GUANGDONG, n)));
    grown.accepts(entered(GUANGDONG, most));
    grown.apply(entered(GUANGDONG, most));
    grown.refuses("pools-of-authority", entered(GUANGDONG, most + 1));
    grown.accepts(entered("330000", most + 1));
    // A pool on record takes more entries.
    let fact = pb::PoolEntered { pool: "p1".to_owned(), profile: None };
    grown.accepts(event(GUANGDONG, &local(999), 0, Fact::PoolEntered(fact)));
}

fn entered(pool: &str, number: usize) -> pb::Event {
    let fact = pb::PoolEntered { pool: pool.to_owned(), profile: None };
    event(GUANGDONG, &local(number), 20_000, Fact::PoolEntered(fact))
}

fn left(pool: &str, number: usize) -> pb::Event {
    let fact = pb::PoolLeft { pool: pool.to_owned(), ..Default::default() };
    event(GUANGDONG, &local(number), 21_000, Fact::PoolLeft(fact))
}

#[test]
fn a_pool_has_a_bounded_number_of_entries() {
    let mut grown = Grown::new();
    let fill = |grown: &mut Grown, sample: pb::Event, to: usize| {
        let mut sample = grown.proposal(sample);
        while grown.register.size() < to as u64 {
            let id = local(grown.register.size() as usize);
            let Stated::Subject { designee, .. } = &mut sample.fact else { unreachable!() };
            *designee = tidu::domain::DesigneeId::parse(&id).unwrap();
            grown.register.apply(&sample);
            grown.register.commit();
        }
    };
    let most = ENTRIES_OF_POOL_MAX;
    fill(&mut grown, entered("p", 0), most - 1);
    grown.accepts(entered("p", most));
    grown.apply(entered("p", most));
    grown.refuses("entries-of-pool", entered("p", most + 1));
    grown.accepts(entered("q", most + 1));
    // Departures have a reserve.
    fill(&mut grown, left("p", 0), 2 * most - 1);
    grown.accepts(left("p", 1));
    grown.apply(left("p", 1));
    grown.refuses("entries-of-pool", left("p", 2));
    assert_eq!(grown.register.size(), 2 * most as u64);
}
