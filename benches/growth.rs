//! Whether an event costs the same after a million facts as after a thousand, in the worst shapes
//! that the rules admit: all designees with one name, circles, full records, one batch, one pool,
//! full shelves of measures, scopes that are all different, one event repaired again and again.
//!
//! `cargo bench --profile dist --bench growth` prints the table; `-- --quick` runs a hundredth of
//! it. Figures do not travel: compare the cost of the last events with that of the first.
#![allow(missing_docs, unreachable_pub, dead_code)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::disallowed_methods, clippy::cast_possible_truncation, clippy::cast_precision_loss)]
#![allow(clippy::cast_possible_wrap)]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use tidu::{
    cli::generate::{Enterprise, enterprises},
    domain::{
        AuthorityCode, CivilDate, PartialDate, Principal, catalogue::Catalogues, event::Event,
    },
    limits::{
        CIRCLE_DESIGNEES_MAX, DECLARATIONS_OF_AUTHORITY_MAX, ENTRIES_OF_BATCH_MAX,
        FACTS_OF_ISSUER_MAX, FACTS_OF_MINISTRY_MAX, FACTS_OF_SUBJECT_MAX,
        MEASURES_OF_AUTHORITY_MAX, REPAIRS_OF_EVENT_MAX,
    },
    protocol::{
        event,
        pb::{self, event::Fact},
    },
    register::{AsOf, Interest, Register, RulesBook, rules::Judge},
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const MINISTRY: &str = "100000";
const GUANGDONG: &str = "440000";

/// Events that belong together: a list, a circle, a record.
type Unit = Vec<pb::Event>;

/// A shape: what it is, its units, and the largest part of a million facts that it is run with.
struct Shape {
    name: &'static str,
    units: Box<dyn Iterator<Item = Unit>>,
    share: usize,
}

fn main() {
    let is_quick = std::env::args().any(|argument| argument == "--quick");
    let facts = if is_quick { 10_000 } else { 1_000_000 };
    // A full record is an eighth as long in a quick run.
    let scale = if is_quick { 8 } else { 1 };
    let catalogues = Catalogues::built_in();
    println!("to {facts} facts; ns an event (judged and applied), µs an answer\n");
    println!(
        "{:<28} {:>9} {:>10} {:>10} {:>6} {:>10} {:>10} {:>6}",
        "shape", "facts", "first", "last", "ratio", "answer", "last", "ratio"
    );
    for shape in shapes(scale) {
        run(&catalogues, shape, facts);
    }
}

fn shapes(scale: usize) -> Vec<Shape> {
    let shape = |name, share, units| Shape { name, units, share };
    vec![
        shape("every designee its own name", 1, lists(|_, _| ())),
        shape(
            "one name for all designees",
            1,
            lists(|_, designated| {
                designated.profile.as_mut().unwrap().name = "示例同名有限公司".to_owned();
            }),
        ),
        shape(
            "one batch with all entries",
            1,
            lists(|row, designated| {
                designated.batch = format!("2024-{}", row / (ENTRIES_OF_BATCH_MAX - 10_000));
            }),
        ),
        shape("one pool", 1, Box::new(pool())),
        shape("all measures of an authority", 1, Box::new(measures())),
        shape("a scope for each event", 1, Box::new(scopes())),
        shape("circles", 1, Box::new(circles())),
        shape("full records", 10, Box::new(records(scale))),
        shape("repairs of one event", 4, Box::new(repairs())),
    ]
}

/// Runs a shape. A cost is the mean over whole units: the first and the last tenth of them.
fn run(catalogues: &Catalogues, mut shape: Shape, facts: usize) {
    let mut register = Register::with_rules(RulesBook::RELEASED);
    let mut costs: Vec<(usize, Duration, Duration)> = Vec::new();
    while register.size() < (facts / shape.share) as u64 {
        let unit = shape.units.next().unwrap();
        let events: Vec<Event> = unit
            .into_iter()
            .map(|event| event::proposal(catalogues.in_use(), 0, event).unwrap().event)
            .collect();
        let began = Instant::now();
        let mut judge = Judge::of(&Principal::ANONYMOUS);
        for (index, event) in events.iter().enumerate() {
            black_box(judge.judge(&register, catalogues.in_use(), index, event));
            register.apply(event);
        }
        let recorded = began.elapsed();
        register.commit();
        costs.push((events.len(), recorded, answer(catalogues, &register, &events)));
    }
    // The first unit warms everything up.
    let part = (costs.len() / 10).max(1);
    let mean = |costs: &[(usize, Duration, Duration)]| {
        let events: usize = costs.iter().map(|(events, ..)| events).sum();
        let recorded: Duration = costs.iter().map(|(_, recorded, _)| recorded).sum();
        let answers: Duration = costs.iter().map(|(.., answer)| answer).sum();
        (
            recorded.as_nanos() as f64 / events as f64,
            answers.as_nanos() as f64 / 1e3 / costs.len() as f64,
        )
    };
    let skipped = usize::from(costs.len() > 2);
    let (first, first_answer) = mean(&costs[skipped..skipped + part]);
    let (last, last_answer) = mean(&costs[costs.len() - part..]);
    println!(
        "{:<28} {:>9} {first:>10.0} {last:>10.0} {:>6.2} {first_answer:>10.1} {last_answer:>10.1} \
         {:>6.2}",
        shape.name,
        register.size(),
        last / first,
        last_answer / first_answer,
    );
}

/// Answers about the first designee of a unit, by identifier and by name, and about the unit's last
/// hundred events by a filter.
fn answer(catalogues: &Catalogues, register: &Register, events: &[Event]) -> Duration {
    let valid_on: CivilDate = PartialDate::parse_iso("2030-01-01").unwrap().first_day();
    let size = register.size();
    let designee = events.iter().find_map(|event| event.fact.designee());
    let mut interest = Interest::default();
    interest.authority(AuthorityCode::parse("650000").unwrap());
    let began = Instant::now();
    if let Some(index) = designee.and_then(|id| register.find(id, size)) {
        let view = register.view(catalogues, index, AsOf { valid_on, known_at: size });
        if let Some(name) = view.names.last() {
            black_box(register.find_by_name(&name.name, size));
        }
    }
    black_box(register.matching(&interest, size.saturating_sub(1_000), size, 100));
    began.elapsed()
}

fn event(authority: &str, designee: &str, on: CivilDate, fact: Fact) -> pb::Event {
    let date =
        pb::Date { year: on.year().into(), month: i32::from(on.month()), day: i32::from(on.day()) };
    pb::Event {
        authority: authority.to_owned(),
        designee: designee.to_owned(),
        effective_date: Some(date),
        fact: Some(fact),
        ..Default::default()
    }
}

/// A day of its own for each number.
fn day(number: usize) -> CivilDate {
    let (year, month, day) = (1950 + number / 336 % 240, 1 + number / 28 % 12, 1 + number % 28);
    PartialDate::parse_iso(&format!("{year}-{month:02}-{day:02}")).unwrap().first_day()
}

fn companies() -> impl Iterator<Item = Enterprise> {
    enterprises(1, AuthorityCode::parse(GUANGDONG).unwrap())
}

/// Lists of a thousand designations, each of a new designee. `alter` gets the number of the row.
fn lists(alter: impl Fn(usize, &mut pb::Designated) + 'static) -> Box<dyn Iterator<Item = Unit>> {
    let mut companies = companies().enumerate();
    Box::new(std::iter::repeat_with(move || {
        let designated = |(row, company): (usize, Enterprise)| {
            let mut fact = pb::Designated {
                programme: "specialised-sme".to_owned(),
                batch: format!("2024-{}", row / 10_000),
                profile: Some(profile(&company)),
                ..Default::default()
            };
            alter(row, &mut fact);
            event(GUANGDONG, &company.uscc.to_string(), day(30_000), Fact::Designated(fact))
        };
        companies.by_ref().take(1_000).map(designated).collect()
    }))
}

fn profile(company: &Enterprise) -> pb::Profile {
    pb::Profile {
        name: company.name.clone(),
        registered_region: company.region.clone(),
        industry: company.industry.to_owned(),
        ..Default::default()
    }
}

fn pool() -> impl Iterator<Item = Unit> {
    let mut companies = companies();
    std::iter::repeat_with(move || {
        let entered = |company: Enterprise| {
            let fact =
                pb::PoolEntered { pool: "2024".to_owned(), profile: Some(profile(&company)) };
            event(GUANGDONG, &company.uscc.to_string(), day(30_000), Fact::PoolEntered(fact))
        };
        companies.by_ref().take(1_000).map(entered).collect()
    })
}

/// An authority states all measures and declarations that it may, and then designates, each time on
/// another day.
fn measures() -> impl Iterator<Item = Unit> {
    let issued = (0..MEASURES_OF_AUTHORITY_MAX).map(|number| {
        let date = |year| Some(pb::Date { year, month: 1, day: 1 });
        let fact = pb::MeasuresIssued {
            programme: "specialised-sme".to_owned(),
            instrument: pb::Instrument::Measures.into(),
            title: format!("办法{number}"),
            in_force_from: date(1950),
            in_force_to: date(1951),
            ..Default::default()
        };
        event(GUANGDONG, "", day(0), Fact::MeasuresIssued(fact))
    });
    let declared = (0..DECLARATIONS_OF_AUTHORITY_MAX).map(|_| {
        let part = pb::RegisterPart::Titles.into();
        let fact = pb::CompletenessDeclared { programme: "innovative-sme".to_owned(), part };
        event(GUANGDONG, "", day(0), Fact::CompletenessDeclared(fact))
    });
    let mut lists = lists(|_, _| ());
    let listed = std::iter::repeat_with(move || {
        let mut unit = lists.next().unwrap();
        for (number, event) in unit.iter_mut().enumerate() {
            let on = day(20_000 + number);
            event.effective_date.as_mut().unwrap().year = on.year().into();
            event.effective_date.as_mut().unwrap().day = i32::from(on.day());
        }
        unit
    });
    std::iter::once(issued.chain(declared).collect()).chain(listed)
}

/// Every event names other co-issuers.
fn scopes() -> impl Iterator<Item = Unit> {
    let codes: Vec<String> = AuthorityCode::all().map(|code| code.as_str().to_owned()).collect();
    let mut lists = lists(|_, _| ());
    let mut number = 0_usize;
    std::iter::repeat_with(move || {
        let mut unit = lists.next().unwrap();
        for event in &mut unit {
            number += 1;
            let mut left = number;
            let co_issuers = (0..8).map(|place| {
                let code = &codes[1 + place * 4 + left % 4];
                left /= 4;
                code.clone()
            });
            event.co_issuers = co_issuers.filter(|code| code != GUANGDONG).collect();
        }
        unit
    })
}

/// Circles of identifiers, with a title each.
fn circles() -> impl Iterator<Item = Unit> {
    let mut companies = companies();
    std::iter::repeat_with(move || {
        let ids: Vec<String> = companies
            .by_ref()
            .take(CIRCLE_DESIGNEES_MAX)
            .map(|company| company.uscc.to_string())
            .collect();
        let links = ids[1..].iter().zip(0..).map(|(id, number)| {
            let fact = pb::IdentifierChanged {
                new_designee: id.clone(),
                reason: pb::IdentifierChangeReason::Duplicate.into(),
            };
            event(MINISTRY, &ids[0], day(number), Fact::IdentifierChanged(fact))
        });
        let supports = ids.iter().zip(0..).map(|(id, number)| support(GUANGDONG, id, number));
        links.chain(supports).collect()
    })
}

fn support(issuer: &str, designee: &str, number: usize) -> pb::Event {
    let programme = if issuer == MINISTRY { "little-giant" } else { "specialised-sme" };
    let fact = pb::SupportGranted {
        programme: programme.to_owned(),
        scheme: format!("s{number}"),
        round: "1".to_owned(),
        ..Default::default()
    };
    event(issuer, designee, day(number), Fact::SupportGranted(fact))
}

fn proposed(issuer: &str, designee: &str, number: usize) -> pb::Event {
    let programme = if issuer == MINISTRY { "little-giant" } else { "specialised-sme" };
    let fact = pb::RevocationProposed {
        programme: programme.to_owned(),
        ground: pb::RevocationGround::Falsification.into(),
        ..Default::default()
    };
    event(issuer, designee, day(number), Fact::RevocationProposed(fact))
}

/// Records with all the facts that they may have, from as many authorities as that takes.
fn records(scale: usize) -> impl Iterator<Item = Unit> {
    let mut companies = companies();
    std::iter::repeat_with(move || {
        let id = companies.next().unwrap().uscc.to_string();
        let provinces = AuthorityCode::all().filter(|authority| !authority.is_ministry());
        let shares = provinces.map(|authority| (authority.as_str(), FACTS_OF_ISSUER_MAX));
        let shares = std::iter::once((MINISTRY, FACTS_OF_MINISTRY_MAX)).chain(shares);
        let mut unit = Vec::new();
        for (authority, share) in shares {
            if unit.len() >= FACTS_OF_SUBJECT_MAX * 2 / scale {
                break;
            }
            for number in 0..share / scale {
                unit.push(support(authority, &id, number));
                unit.push(proposed(authority, &id, number));
            }
        }
        unit
    })
}

/// Designations, each corrected as often as it may be.
fn repairs() -> impl Iterator<Item = Unit> {
    let mut lists = lists(|_, _| ()).flatten();
    let mut position = 0;
    std::iter::repeat_with(move || {
        let designated = lists.next().unwrap();
        let correction = |number: usize| {
            let mut replacement = designated.clone();
            replacement.effective_date.as_mut().unwrap().day = 1 + number as i32 % 28;
            let fact = pb::Corrected {
                position: Some(position),
                replacement: Some(Box::new(replacement)),
                reason: "示例".to_owned(),
            };
            event(GUANGDONG, "", day(0), Fact::Corrected(Box::new(fact)))
        };
        let corrections: Vec<_> = (0..REPAIRS_OF_EVENT_MAX).map(correction).collect();
        let unit: Unit = std::iter::once(designated).chain(corrections).collect();
        position += unit.len() as u64;
        unit
    })
}
