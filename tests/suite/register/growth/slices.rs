//! Answers about pools, measures and assessments, and about repaired records: the work is counted,
//! done once, and done in slices.

use tidu::{
    domain::event::BatchRef,
    limits::{QUESTION_SLICE_ENTRIES, QUESTION_SLICE_FACTS},
    register::{
        AsOf, AssessmentsReading, Counting, MeasuresReading, MeasuresWanted, PoolsReading, Stage,
        Wanted,
    },
};

use super::*;
use crate::support::day as on;

fn entered(pool: &str, designee: &str) -> pb::Event {
    let fact = pb::PoolEntered { pool: pool.to_owned(), profile: None };
    event(GUANGDONG, designee, 20_000, Fact::PoolEntered(fact))
}

fn now(grown: &Grown) -> AsOf {
    AsOf { valid_on: on("2030-01-01"), known_at: grown.register.size() }
}

/// A reading in slices: the number of slices, and the numbers of subjects in the pools.
fn pools_of(grown: &Grown) -> (usize, Vec<u64>) {
    let mut reading: PoolsReading = grown.register.read_pools(&[], now(grown));
    let mut slices = 1;
    while reading.advance(&grown.register, QUESTION_SLICE_ENTRIES) {
        slices += 1;
    }
    let mut pools = reading.views(&grown.register);
    pools.sort_unstable();
    assert_eq!(pools, grown.register.pools(&[], now(grown)));
    (slices, pools.into_iter().map(|pool| pool.entries).collect())
}

/// Two linked identifiers with many facts.
fn fat_pair(first: usize, facts: usize) -> impl Iterator<Item = pb::Event> {
    let id = local(first);
    let link = linked(&id, &local(first + 1), 0);
    (0..facts).map(move |n| support(GUANGDONG, &id, n)).chain([link])
}

#[test]
fn pools_read_each_subject_once() {
    let entries = (0..400).map(|n| entered(&format!("p{}", n % 4), &local(n / 4 % 2)));
    let grown = Grown::of(fat_pair(0, 4_000).chain(entries));
    assert_eq!(pools_of(&grown), (1, vec![1; 4]));
}

#[test]
fn pools_are_read_in_slices() {
    let pairs = 3 * QUESTION_SLICE_ENTRIES / 1_024;
    let events = (0..pairs).flat_map(|n| {
        fat_pair(2 * n, 1_024).chain([entered("p", &local(2 * n)), entered("q", &local(2 * n + 1))])
    });
    let (slices, entries) = pools_of(&Grown::of(events));
    assert!((3..=pairs).contains(&slices), "{slices}");
    assert_eq!(entries, [pairs as u64; 2]);
}

/// A pool that a correction names is known from the correction on.
#[test]
fn a_pool_is_known_from_the_event_that_names_it() {
    let grown = Grown::of([entered("p", A), corrected(0, entered("q", A))]);
    let names = |known_at: u64| {
        let as_of = AsOf { known_at, ..now(&grown) };
        let pools = grown.register.pools(&[], as_of).into_iter();
        pools.map(|pool| (pool.pool, pool.entries)).collect::<Vec<_>>()
    };
    assert_eq!(names(1), [("p".to_owned(), 1)]);
    assert_eq!(names(2), [("p".to_owned(), 0), ("q".to_owned(), 1)]);
}

/// An event, and repairs of it: half of them correct it, the others annul those.
fn repaired(position: usize, repairs: usize, fact: &pb::Event) -> Vec<pb::Event> {
    let position = position as u64;
    let repairs = (1..=repairs as u64).map(|n| match n % 2 {
        1 => corrected(position, fact.clone()),
        _ => annulled(position + n - 1),
    });
    [fact.clone()].into_iter().chain(repairs).collect()
}

#[test]
fn repaired_measures_and_assessments_are_read_in_slices() {
    let issued = pb::MeasuresIssued {
        instrument: pb::Instrument::Measures.into(),
        title: "示例办法".to_owned(),
        ..Default::default()
    };
    let issued = event(GUANGDONG, "", 1, Fact::MeasuresIssued(issued));
    let assessed = |number: usize| {
        let fact = pb::EnvironmentAssessed {
            region: "440100".to_owned(),
            year: 2023,
            assessor: format!("示例机构{number}"),
            ..Default::default()
        };
        event(GUANGDONG, "", 1, Fact::EnvironmentAssessed(fact))
    };
    let (facts, repairs) = (100, 200);
    let mut grown = Grown::new();
    for number in 0..facts {
        for fact in [issued.clone(), assessed(number)] {
            let first = grown.register.size() as usize;
            repaired(first, repairs, &fact).into_iter().for_each(|event| grown.apply(event));
        }
    }
    let mut measures = MeasuresReading::new(MeasuresWanted::default(), now(&grown));
    let mut assessments = AssessmentsReading::new(None, vec![], now(&grown));
    let (mut slices, mut more) = (0, (true, true));
    while more.0 || more.1 {
        more.0 = more.0 && measures.advance(&grown.register, QUESTION_SLICE_ENTRIES);
        more.1 = more.1 && assessments.advance(&grown.register, QUESTION_SLICE_ENTRIES);
        slices += 1;
    }
    // Each repair is looked at once.
    let expected = (facts * repairs).div_ceil(QUESTION_SLICE_ENTRIES);
    assert!((expected..=expected + 1).contains(&slices), "{slices}");
    let views = measures.sum_up().views(&grown.register);
    let whole = grown.register.measures(&MeasuresWanted::default(), now(&grown));
    assert_eq!(views.len(), facts);
    assert!(views.iter().map(|view| view.position).eq(whole.iter().map(|view| view.position)));
    assert_eq!(assessments.views().len(), facts);
}

/// A chain of corrections, and many annulled corrections of the last but one.
#[test]
fn the_repairs_of_a_record_are_read_once() {
    let mut grown = Grown::of([support(GUANGDONG, A, 0)]);
    let mut last = 0;
    for n in 1..60 {
        grown.apply(corrected(last, support(GUANGDONG, A, n)));
        last = grown.register.size() - 1;
    }
    for n in 60..150 {
        let position = grown.register.size();
        grown.apply(corrected(last - 1, support(GUANGDONG, A, n)));
        grown.apply(annulled(position));
    }
    let events = grown.register.size() as usize;
    let read = grown.judged(support(GUANGDONG, A, 200)).1;
    // Read, walked back to the first event, looked at, and counted for the bounds.
    assert!((2 * events..=5 * events).contains(&read), "{read} of {events}");
}

#[test]
fn the_ties_of_a_repaired_link_are_read_once() {
    let mut grown = Grown::of([linked(&local(0), &local(1), 0)]);
    let link = linked(&local(0), &local(1), 0);
    repaired(0, 200, &link).into_iter().skip(1).for_each(|event| grown.apply(event));
    let events = grown.register.size() as usize;
    let read = grown.judged(support(GUANGDONG, &local(1), 0)).1;
    // Both identifiers read all events.
    assert!((4 * events..=10 * events).contains(&read), "{read} of {events}");
}

/// Every title of a list asks for the seal of the list, whose openings nobody repeats for each.
#[test]
fn the_openings_of_a_list_are_read_once() {
    let opened = |number: usize| {
        let fact = pb::BatchOpened {
            programme: programme(GUANGDONG),
            batch: "2024-1".to_owned(),
            ..Default::default()
        };
        event(GUANGDONG, "", number, Fact::BatchOpened(fact))
    };
    let noticed = |number: usize| {
        let fact = pb::NoticeOpened {
            programme: programme(GUANGDONG),
            batch: "2024-1".to_owned(),
            purpose: pb::NoticePurpose::New.into(),
            ..Default::default()
        };
        event(GUANGDONG, &local(number), 20_000, Fact::NoticeOpened(fact))
    };
    let (openings, titles) = (600, 1_000);
    let grown = Grown::of((0..openings).map(opened).chain((0..titles).map(noticed)));
    let mut counting = Counting::new(Wanted::default(), now(&grown), Stage::Noticed, vec![]);
    let catalogues = Catalogues::built_in();
    assert!(openings * titles > 10 * QUESTION_SLICE_FACTS);
    assert!(!counting.advance(&grown.register, &catalogues, usize::MAX), "one slice is enough");
    assert_eq!(counting.total(), titles as u64);
}

/// Many reviews of one title are in one batch; each belongs to the sub-list of the title.
#[test]
fn the_sublist_of_a_reviewed_title_is_found_once() {
    let passed = |number: usize| {
        let fact = pb::ReviewPassed {
            programme: programme(GUANGDONG),
            round: "2024-1".to_owned(),
            ..Default::default()
        };
        event(GUANGDONG, A, number, Fact::ReviewPassed(fact))
    };
    let reviews = 1_000;
    let grown = Grown::of((0..reviews).map(passed));
    let batch = BatchRef {
        programme: grown.catalogue.find(&programme(GUANGDONG)).unwrap(),
        authority: AuthorityCode::parse(GUANGDONG).unwrap(),
        batch: "2024-1".to_owned(),
        sublist: None,
    };
    let mut reading = grown.register.read_batch(&batch, now(&grown), true).unwrap();
    assert!(!reading.advance(&grown.register, 3 * reviews), "it is read at once");
    assert_eq!(reading.sum_up().view(&grown.register).counts.reviewed, reviews as u64);
    let sealed = pb::BatchSealed {
        programme: programme(GUANGDONG),
        batch: "2024-1".to_owned(),
        declared: Some(pb::DeclaredCounts { reviewed: Some(1_000), ..Default::default() }),
        ..Default::default()
    };
    let read = grown.judged(event(GUANGDONG, "", 20_000, Fact::BatchSealed(sealed))).1;
    assert!((reviews..4 * reviews).contains(&read), "{read}");
}
