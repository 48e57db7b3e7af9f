//! Searches by a part of a name, and names that several subjects bear: answers equal a plain scan
//! over what the events say, wherever the index ends.

use std::collections::BTreeMap;

use proptest::{prelude::*, strategy::ValueTree as _, test_runner::RngSeed};
use tidu::{
    domain::{
        Concerns, DesigneeId, Withheld,
        catalogue::{Catalogue, Catalogues},
        kind::Kind,
        name::folded,
    },
    protocol::{
        event,
        pb::{self, event::Fact},
    },
    register::{AsOf, NameParts, NameWanted, Register, SuspectsWanted},
};

use crate::support::{day, event as stated};

const GUANGDONG: &str = "440000";

/// A fact about names.
#[derive(Clone, Debug)]
enum Said {
    /// A designation of a designee with a name.
    Named(usize, usize),
    Renamed(usize, usize, usize),
    /// One identifier replaces another.
    Linked(usize, usize),
    /// A fact without a name.
    Passed(usize),
    /// The annulment of an earlier event.
    Annulled(usize),
    /// The correction of an earlier event by a designation of a designee with a name.
    Corrected(usize, usize, usize),
    /// A place whose content was erased; it was about the designee of an earlier event.
    Erased(usize),
}

/// Names that share parts; some fold alike.
const NAMES: [&str; 8] = [
    "深圳市甲乙科技有限公司",
    "深圳市乙丙科技有限公司",
    "北京甲乙（集团）有限公司",
    "北京甲乙(集团) 有限公司",
    "甲乙",
    "ABC 科技",
    "abc科技",
    "丙",
];

const PARTS: [&str; 12] = [
    "甲乙",
    "科技",
    "有限公司",
    "集团有限",
    "ABC",
    "c科技",
    "乙丙科",
    "公司有",
    "乙科",
    "深圳市甲乙科技有限公司",
    "丙科",
    "京甲",
];

/// Some have a name of their own, which is a part of the others' names.
fn id(number: usize) -> String {
    match number {
        0 => format!("provisional:{GUANGDONG}/甲乙"),
        1 => format!("provisional:{GUANGDONG}/{}", folded(NAMES[5])),
        _ => format!("local:{GUANGDONG}/{number}"),
    }
}

const DESIGNEES: usize = 7;

fn designation(designee: usize, name: usize) -> pb::Event {
    let fact = pb::Designated {
        programme: "specialised-sme".to_owned(),
        batch: "2024-1".to_owned(),
        profile: Some(pb::Profile { name: NAMES[name].to_owned(), ..Default::default() }),
        ..Default::default()
    };
    stated(GUANGDONG, &id(designee), "2024-01-01", Fact::Designated(fact))
}

/// The event that says it; the designee of an annulled event is that of its target.
fn event_of(said: &Said) -> pb::Event {
    match said {
        Said::Named(designee, name) => designation(*designee, *name),
        Said::Renamed(designee, old, new) => {
            let (old_name, new_name) = (NAMES[*old].to_owned(), NAMES[*new].to_owned());
            let fact = pb::Renamed { old_name, new_name, simple: true };
            stated(GUANGDONG, &id(*designee), "2024-02-01", Fact::Renamed(fact))
        }
        Said::Linked(from, to) => {
            let reason = pb::IdentifierChangeReason::Duplicate.into();
            let fact = pb::IdentifierChanged { new_designee: id(*to), reason };
            stated(GUANGDONG, &id(*from), "2024-03-01", Fact::IdentifierChanged(fact))
        }
        Said::Passed(designee) => {
            let fact =
                pb::ReviewPassed { programme: "specialised-sme".into(), ..Default::default() };
            let fact = pb::ReviewPassed { round: "2027".to_owned(), ..fact };
            stated(GUANGDONG, &id(*designee), "2027-01-01", Fact::ReviewPassed(fact))
        }
        Said::Annulled(target) => crate::support::annulled(*target as u64),
        Said::Corrected(target, designee, name) => {
            crate::support::corrected(*target as u64, designation(*designee, *name))
        }
        Said::Erased(_) => unreachable!("nothing is left of it"),
    }
}

fn apply(register: &mut Register, said: &Said) {
    if let Said::Erased(target) = said {
        let concerns = Concerns {
            authorities: Vec::new(),
            programmes: Vec::new(),
            regions: Vec::new(),
            batches: Vec::new(),
            kind: Kind::Designated,
            designee_positions: vec![*target as u64],
        };
        return register.apply_withheld(&Withheld { concerns, derived: Vec::new() });
    }
    register.apply(&event::proposal(&Catalogue::built_in(), 0, event_of(said)).unwrap().event);
}

/// A register of what was said, and the plain list of it.
struct Told {
    register: Register,
    said: Vec<Said>,
}

impl Told {
    fn of(said: Vec<Said>) -> Self {
        let mut register = Register::default();
        said.iter().for_each(|one| apply(&mut register, one));
        Self { register, said }
    }

    /// The subjects at a size, as the lowest of their numbers by number: links in force join them.
    fn subjects(&self, known_at: usize) -> Vec<usize> {
        let mut subjects: Vec<usize> = (0..DESIGNEES).collect();
        for (position, said) in self.said.iter().enumerate().take(known_at) {
            let Said::Linked(from, to) = said else { continue };
            if !self.is_repaired(position, known_at) {
                let (one, two) = (subjects[*from], subjects[*to]);
                subjects.iter_mut().filter(|s| **s == one.max(two)).for_each(|s| *s = one.min(two));
            }
        }
        subjects
    }

    /// True if a live repair of an event is known: none that a live annulment removes.
    fn is_repaired(&self, position: usize, known_at: usize) -> bool {
        let repairs = self.said.iter().enumerate().take(known_at).filter(|(_, said)| {
            matches!(
                said,
                Said::Annulled(target) | Said::Corrected(target, ..) if *target == position
            )
        });
        repairs.into_iter().any(|(at, _)| !self.is_removed(at, known_at))
    }

    fn is_removed(&self, position: usize, known_at: usize) -> bool {
        let said = self.said.iter().enumerate().take(known_at);
        let mut annulments =
            said.filter(|(_, said)| matches!(said, Said::Annulled(target) if *target == position));
        annulments.any(|(at, _)| !self.is_removed(at, known_at))
    }

    /// Each name that an event gives, with the designee that gets it, in the order of the events.
    /// An annulled event has given it as well.
    fn given(&self, known_at: usize) -> Vec<(usize, usize, String)> {
        let mut given = Vec::new();
        let mut mentioned = [false; DESIGNEES];
        for (position, said) in self.said.iter().enumerate().take(known_at) {
            let (names, mentions) = match said {
                Said::Named(who, name) | Said::Corrected(_, who, name) => {
                    (vec![(*who, NAMES[*name])], vec![*who])
                }
                Said::Renamed(who, old, new) => {
                    (vec![(*who, NAMES[*old]), (*who, NAMES[*new])], vec![*who])
                }
                Said::Linked(from, to) => (Vec::new(), vec![*from, *to]),
                Said::Passed(who) => (Vec::new(), vec![*who]),
                Said::Annulled(_) | Said::Erased(_) => (Vec::new(), Vec::new()),
            };
            for who in mentions {
                if !std::mem::replace(&mut mentioned[who], true)
                    && let DesigneeId::Provisional { name, .. } =
                        DesigneeId::parse(&id(who)).unwrap()
                {
                    given.push((position, who, name.to_string()));
                }
            }
            given.extend(names.into_iter().map(|(who, name)| (position, who, name.to_owned())));
        }
        given
    }

    /// The plain scan: position and subject, by the first event with a name that has the part.
    fn scanned(&self, wanted: &NameWanted, known_at: usize) -> Vec<(u64, usize)> {
        let subjects = self.subjects(known_at);
        let mut first: BTreeMap<usize, u64> = BTreeMap::new();
        for (position, who, name) in self.given(known_at) {
            let key = folded(&name);
            if if wanted.is_whole { key == wanted.part } else { key.contains(&wanted.part) } {
                first.entry(subjects[who]).or_insert(position as u64);
            }
        }
        let mut found: Vec<_> = first.into_iter().map(|(who, position)| (position, who)).collect();
        found.sort_unstable();
        found
    }

    /// The answer, in slices of at most this many designees.
    fn found(
        &self,
        parts: &NameParts,
        wanted: &NameWanted,
        (known_at, most): (usize, usize),
    ) -> Vec<(u64, usize)> {
        let catalogues = Catalogues::built_in();
        let as_of = AsOf { valid_on: day("2024-06-01"), known_at: known_at as u64 };
        let subjects = self.subjects(known_at);
        let (mut found, mut next) = (Vec::new(), Some(0));
        while let Some(from) = next {
            let read = self.register.find_names(&catalogues, parts, wanted, as_of, from, most);
            assert!(read.next.is_none_or(|next| next > from), "a slice gets on");
            for one in read.found {
                let key = folded(&one.matched);
                assert!(key.contains(&wanted.part), "{} has no {}", one.matched, wanted.part);
                let who = (0..DESIGNEES).find(|n| id(*n) == one.bearer.id.to_string()).unwrap();
                found.push((one.position, subjects[who]));
            }
            next = read.next;
        }
        // Those of one event come in the order of the register's own numbers.
        found.sort_unstable();
        found
    }

    /// The index of the first events.
    fn indexed(&self, sizes: (u32, u32), upto: u64) -> NameParts {
        let mut parts = NameParts::of_sizes(sizes.0, sizes.1);
        while let Some(mut segment) = parts.next_segment(upto) {
            while segment.advance(&self.register, 3) {}
            parts = parts.with(segment);
        }
        parts
    }
}

fn said() -> impl Strategy<Value = Said> {
    let (who, name) = (0..DESIGNEES, 0..NAMES.len());
    prop_oneof![
        6 => (who.clone(), name.clone()).prop_map(|(who, name)| Said::Named(who, name)),
        2 => (who.clone(), name.clone(), name.clone()).prop_map(|(w, o, n)| Said::Renamed(w, o, n)),
        1 => (who.clone(), who.clone()).prop_map(|(from, to)| Said::Linked(from, to)),
        1 => who.clone().prop_map(Said::Passed),
        1 => (0..60_usize).prop_map(Said::Annulled),
        1 => (0..60_usize).prop_map(Said::Erased),
        1 => (0..60_usize, who, name).prop_map(|(t, w, n)| Said::Corrected(t, w, n)),
    ]
}

/// Repairs name an earlier event; links name two identifiers, and renames two names.
fn sensible(said: Vec<Said>) -> Vec<Said> {
    let mut kept: Vec<Said> = Vec::new();
    for one in said {
        let stays = match &one {
            Said::Annulled(target) => kept.get(*target).is_some(),
            Said::Erased(target) | Said::Corrected(target, ..) => {
                matches!(kept.get(*target), Some(Said::Named(..)))
            }
            Said::Linked(one, other) | Said::Renamed(_, one, other) => one != other,
            _ => true,
        };
        kept.extend(stays.then_some(one));
    }
    kept
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn answers_of_the_index_equal_a_plain_scan(
        said in proptest::collection::vec(said(), 1..60),
        part in 0..PARTS.len(),
        is_whole: bool,
        known in 0..61_usize,
        upto in 0..61_u64,
        most in 1..4_usize,
    ) {
        let told = Told::of(sensible(said));
        let known_at = known.min(told.said.len());
        let wanted = NameWanted { part: folded(PARTS[part]), is_whole };
        let parts = told.indexed((4, 16), upto.min(told.said.len() as u64));
        let found = told.found(&parts, &wanted, (known_at, most));
        prop_assert_eq!(found, told.scanned(&wanted, known_at));
    }
}

/// How often the random histories of the test above find something does not depend on luck.
#[test]
fn the_random_histories_find_something() {
    let config = ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let mut counts = (0, 0);
    for _ in 0..100 {
        let histories = proptest::collection::vec(said(), 1..60);
        let said = histories.new_tree(&mut runner).unwrap().current();
        let told = Told::of(sensible(said));
        let size = told.said.len();
        for part in PARTS {
            let wanted = NameWanted { part: folded(part), is_whole: false };
            let found = told.scanned(&wanted, size).len();
            counts = (counts.0 + usize::from(found > 0), counts.1 + usize::from(found > 1));
        }
    }
    assert!(counts.0 > 600 && counts.1 > 400, "{counts:?} of 1,200 questions");
}

#[test]
fn an_index_covers_whole_segments_and_tells_what_it_takes() {
    let told = Told::of((0..40).map(|n| Said::Named(n % DESIGNEES, n % NAMES.len())).collect());
    let covered = |upto| told.indexed((4, 16), upto).covered();
    assert_eq!([0, 3, 4, 15, 16, 19, 20, 40].map(covered), [0, 0, 4, 12, 16, 16, 20, 40]);
    let parts = told.indexed((4, 16), 40);
    assert!(parts.next_segment(43).is_none());
    assert!(parts.next_segment(44).is_some());
    // Each designee repeats a name after more events than the index looks back. Two have one in
    // their identifier.
    assert_eq!(parts.names(), 42);
    assert!(parts.bytes() > told.indexed((4, 16), 36).bytes());
    // A large segment takes the place of small ones, and is the same as if it had been made alone.
    let mut grown = NameParts::of_sizes(4, 16);
    for upto in 0..=40 {
        while let Some(mut segment) = grown.next_segment(upto) {
            while segment.advance(&told.register, 1) {}
            grown = grown.with(segment);
        }
    }
    assert_eq!((grown.covered(), grown.bytes()), (parts.covered(), parts.bytes()));
}

/// A name that a designee's event before stated is indexed once.
#[test]
fn a_repeated_name_takes_no_room() {
    let once = Told::of(vec![Said::Named(3, 0), Said::Passed(3), Said::Passed(3), Said::Passed(3)]);
    let thrice = [Said::Named(3, 0), Said::Named(3, 0), Said::Passed(3), Said::Named(3, 0)];
    let thrice = Told::of(thrice.to_vec());
    let (once, thrice) = (once.indexed((4, 4), 4), thrice.indexed((4, 4), 4));
    assert_eq!((once.names(), once.bytes()), (thrice.names(), thrice.bytes()));
}

/// What is rolled back was never durable, so the index has nothing of it.
#[test]
fn names_that_were_taken_back_are_not_found() {
    let mut told = Told::of(vec![Said::Named(2, 0), Said::Named(3, 1), Said::Named(4, 4)]);
    let savepoint = told.register.savepoint();
    let parts = told.indexed((2, 2), 3);
    let say = |told: &mut Told, said: Said| {
        apply(&mut told.register, &said);
        told.said.push(said);
    };
    say(&mut told, Said::Named(5, 5));
    say(&mut told, Said::Named(2, 5));
    told.register.rollback_to(&savepoint);
    told.said.truncate(3);
    say(&mut told, Said::Named(6, 2));
    for part in PARTS {
        let wanted = NameWanted { part: folded(part), is_whole: false };
        let found = told.found(&parts, &wanted, (4, 9));
        assert_eq!(found, told.scanned(&wanted, 4), "{part}");
    }
    let wanted = NameWanted { part: "ABC".to_owned(), is_whole: false };
    assert_eq!(told.found(&parts, &wanted, (4, 9)), []);
}

/// Names that several subjects bear, each with the numbers of its bearers.
fn suspects(told: &Told, wanted: &SuspectsWanted, known_at: usize) -> Vec<(String, Vec<usize>)> {
    let catalogues = Catalogues::built_in();
    let as_of = AsOf { valid_on: day("2024-06-01"), known_at: known_at as u64 };
    let subjects = told.subjects(known_at);
    let (mut found, mut next) = (Vec::new(), Some(0));
    while let Some(from) = next {
        let read = told.register.suspects(&catalogues, wanted, as_of, from, (1, 2));
        for shared in read.found {
            assert!(!shared.is_cut);
            let who =
                |id_: &DesigneeId| (0..DESIGNEES).find(|n| id(*n) == id_.to_string()).unwrap();
            let mut bearers: Vec<_> =
                shared.bearers.iter().map(|bearer| subjects[who(&bearer.id)]).collect();
            bearers.sort_unstable();
            found.push((folded(&shared.name), bearers));
        }
        next = read.next;
    }
    found.sort();
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn suspects_are_the_subjects_that_share_a_name(
        said in proptest::collection::vec(said(), 1..40),
        known in 0..41_usize,
    ) {
        let told = Told::of(sensible(said));
        let known_at = known.min(told.said.len());
        let subjects = told.subjects(known_at);
        let mut bearers: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (_, who, name) in told.given(known_at) {
            bearers.entry(folded(&name)).or_default().push(subjects[who]);
        }
        let shared = bearers.into_iter().filter_map(|(key, mut bearers)| {
            bearers.sort_unstable();
            bearers.dedup();
            (bearers.len() > 1).then_some((key, bearers))
        });
        let wanted = SuspectsWanted::default();
        prop_assert_eq!(suspects(&told, &wanted, known_at), shared.collect::<Vec<_>>());
    }
}
