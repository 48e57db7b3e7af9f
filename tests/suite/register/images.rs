//! A register that is read from its image is the register that a replay makes, in every part.
//!
//! `TIDU_IMAGE_CASES` sets how many stories are tried, and `TIDU_IMAGE_FLIPS` how many images with
//! bytes that nobody wrote.

use proptest::{prelude::*, test_runner::Config};
use tidu::{
    domain::{catalogue::Catalogue, event::Event},
    protocol::event,
    register::{
        Extent, Image, ImageHead, ImageWriter, Part, Register, RulesBook, SectionRead, Unfit,
    },
};

use crate::support::{
    BOTH_RULES, Places, Step, answers_of, applied, recordable, redactable, rules_adopted, seed,
    steps, traces, withhold,
};

type Sections = Vec<(Part, Vec<u8>)>;

/// The image of a register as of an extent. `between` changes the register after each slice.
fn image(
    register: &mut Register,
    extent: Extent,
    mut between: impl FnMut(&mut Register),
) -> (Vec<u8>, Sections) {
    let mut writer = ImageWriter::new(extent);
    let head = writer.head(register).bytes();
    let mut sections: Sections = Vec::new();
    loop {
        let mut slice = Vec::new();
        let Some(part) = writer.slice(register, &mut slice).unwrap() else { break };
        if !slice.is_empty() {
            sections.push((part, slice));
        }
        between(register);
    }
    (head, sections)
}

fn read(head: &[u8], sections: &Sections) -> Result<Register, Unfit> {
    read_with(RulesBook::RELEASED, head, sections)
}

fn read_with(rules: RulesBook, head: &[u8], sections: &Sections) -> Result<Register, Unfit> {
    let head = ImageHead::read(head)?;
    let mut image = Image::new(head);
    for (part, bytes) in sections {
        image.add(SectionRead::read(&head, *part, bytes)?)?;
    }
    image.finish(rules, &|one, other| {
        one();
        other();
    })
}

fn require_same(found: &Register, expected: &Register, known_at: u64) {
    assert!(traces(found) == traces(expected), "{found:?}\n\n{expected:?}");
    assert_eq!(answers_of(found, known_at), answers_of(expected, known_at));
}

/// Applies events to a register that was read, takes some of them back, and applies others: the way
/// back ends at the image.
fn goes_on(mut found: Register, mut expected: Register, events: &[&Event]) {
    let cut = events.len() / 2;
    for register in [&mut found, &mut expected] {
        let savepoint = register.savepoint();
        events.iter().for_each(|event| register.apply(event));
        register.rollback_to(&savepoint);
        events[..cut].iter().for_each(|event| register.apply(event));
        let savepoint = register.savepoint();
        events[cut..].iter().for_each(|event| register.apply(event));
        register.rollback_to(&savepoint);
        register.commit();
        events[cut..].iter().rev().for_each(|event| register.apply(event));
    }
    let size = found.size();
    require_same(&found, &expected, size);
}

#[test]
fn a_register_from_an_image_is_the_one_of_a_replay() {
    let cases = u32::try_from(seed::count("TIDU_IMAGE_CASES", 20)).unwrap();
    proptest!(Config::with_cases(cases), |(history in steps())| {
        let events = recordable(history.iter().flatten().map(Step::event));
        for size in 0..=events.len() {
            let mut register = applied(&events[..size], &Places::new());
            let extent = register.extent();
            let savepoint = register.savepoint();
            // Meanwhile the register goes on, and takes back, as the writer makes it.
            let mut ahead = events[size..].iter().cycle();
            let mut turn = 0;
            let (head, sections) = image(&mut register, extent, |register| {
                turn += 1;
                if turn % 3 == 0 {
                    register.rollback_to(&savepoint);
                } else {
                    ahead.by_ref().take(2).for_each(|event| register.apply(event));
                }
            });
            let found = read(&head, &sections).unwrap();
            let expected = applied(&events[..size], &Places::new());
            assert!(traces(&found) == traces(&expected), "{found:?}\n\n{expected:?}");
            // Answers take far longer than the parts.
            if size % 5 == 0 || size == events.len() {
                require_same(&found, &expected, size as u64);
                goes_on(found, expected, &events[size..].iter().collect::<Vec<_>>());
            }
        }
    });
}

#[test]
fn withheld_places_come_back_from_an_image() {
    let cases = u32::try_from(seed::count("TIDU_IMAGE_CASES", 20)).unwrap();
    let choices = prop::collection::vec(any::<prop::sample::Index>(), 3);
    proptest!(Config::with_cases(cases), |(history in steps(), choices in choices)| {
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
        for size in [events.len() / 2, events.len()] {
            let mut register = applied(&events[..size], &places);
            let extent = register.extent();
            let (head, sections) = image(&mut register, extent, |_| {});
            let found = read(&head, &sections).unwrap();
            require_same(&found, &register, size as u64);
            let rest = (size as u64..).zip(&events[size..]);
            let rest: Vec<_> = rest.filter(|(at, _)| !places.contains_key(at)).collect();
            goes_on(found, register, &rest.iter().map(|(_, event)| *event).collect::<Vec<_>>());
        }
    });
}

#[test]
fn adopted_rules_come_back_from_an_image() {
    let adoption = event::proposal(&Catalogue::built_in(), 0, rules_adopted(2)).unwrap().event;
    let mut register = Register::with_rules(BOTH_RULES);
    let events = story();
    events[..20].iter().chain([&adoption]).chain(&events[20..]).for_each(|e| register.apply(e));
    let (extent, size) = (register.extent(), register.size());
    let (head, sections) = image(&mut register, extent, |_| {});
    let found = read_with(BOTH_RULES, &head, &sections).unwrap();
    assert_eq!((found.rules_at(20).number, found.rules_at(size).number), (1, 2));
    require_same(&found, &register, size);
}

/// Whatever the bytes are: an image is refused, or makes a register that answers.
#[test]
fn an_image_with_other_bytes_is_refused_or_answers() {
    let flips = seed::count("TIDU_IMAGE_FLIPS", 1_000);
    let mut random = seed::random("TIDU_IMAGE_SEED");
    let all = story();
    let mut register = applied(&all, &Places::new());
    let extent = register.extent();
    let (head, sections) = image(&mut register, extent, |_| {});
    let (mut refused, mut read_all) = (0, 0);
    for _ in 0..flips {
        let (mut head, mut sections) = (head.clone(), sections.clone());
        let place = random.usize(..=sections.len());
        let bytes = if place == 0 { &mut head } else { &mut sections[place - 1].1 };
        let at = random.usize(..bytes.len());
        match random.u8(..4) {
            0 => bytes.truncate(at),
            1 => bytes[at] = random.u8(..),
            2 => bytes[at] ^= 1 << random.u8(..8),
            _ => bytes[at] = 0xFF,
        }
        match read(&head, &sections) {
            Err(_) => refused += 1,
            Ok(mut register) => {
                read_all += 1;
                let size = register.size();
                answers_of(&register, size);
                let savepoint = register.savepoint();
                all.iter().take(5).for_each(|event| register.apply(event));
                register.rollback_to(&savepoint);
            }
        }
    }
    println!("{refused} refused, {read_all} read");
    assert!(refused > flips / 4 && read_all > 0);
}

/// Events of many kinds.
fn story() -> Vec<Event> {
    use proptest::{
        strategy::{Strategy as _, ValueTree as _},
        test_runner::TestRunner,
    };
    let mut runner = TestRunner::deterministic();
    let steps = prop::collection::vec(steps(), 6).new_tree(&mut runner).unwrap().current();
    recordable(steps.iter().flatten().flatten().map(Step::event))
}
