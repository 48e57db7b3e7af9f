//! Filters: whom an event reaches, and that skipping finds what looking at every event finds.

use fastrand::Rng;
use tidu::{
    domain::catalogue::Catalogue,
    protocol::event,
    protocol::pb::{self, event::Fact},
    register::{Interest, Register},
};

use crate::support::{
    Book, DESIGNEES, OTHERS, event, interests, of_authority, of_batch, other, seed, under, watching,
};

const MINISTRY: &str = "100000";
const GIANT: &str = "little-giant";

fn all(register: &Register, interest: &Interest) -> Vec<u64> {
    register.matching(interest, 0, register.size(), usize::MAX).0
}

/// What is found when every event is looked at alone.
fn one_by_one(register: &Register, interest: &Interest) -> Vec<u64> {
    let alone = |at: &u64| !register.matching(interest, *at, at + 1, 1).0.is_empty();
    (0..register.size()).filter(alone).collect()
}

/// A long history of few designees among many: what matches little lies far apart.
fn long_history(random: &mut Rng, length: usize) -> Register {
    let catalogue = Catalogue::built_in();
    let mut register = Register::default();
    while register.size() < length as u64 {
        let proposed = match random.u8(0..120) {
            0..3 => {
                let (who, whom) = (random.usize(0..4), random.usize(0..4));
                let day = format!("20{}-0{}-15", random.u8(15..27), random.u8(1..9));
                other(random.u8(0..OTHERS), who, whom, &day)
            }
            3..5 if register.size() > 0 => annulled(random.u64(0..register.size())),
            _ => updated("330000", &format!("local:330000/{}", random.u32(0..300))),
        };
        register.apply(&event::proposal(&catalogue, 0, proposed).unwrap().event);
    }
    register
}

#[test]
fn skipping_finds_what_looking_at_every_event_finds() {
    let mut random = seed::random("TIDU_FILTERS_SEED");
    // The gate is on a fixed history; what the other ones have to skip is up to chance.
    for (fixed, mut random) in
        [(true, Rng::with_seed(1)), (false, random.fork()), (false, random.fork())]
    {
        let length = random.usize(1_500..3_000);
        let register = long_history(&mut random, length);
        let mut sparse = 0;
        for interest in interests() {
            let expected = one_by_one(&register, &interest);
            sparse += usize::from(!expected.is_empty() && expected.len() < length / 50);
            let mut covered = interest.clone();
            while !register.cover(&mut covered, register.size(), 1) {}
            for interest in [interest, covered] {
                assert_eq!(all(&register, &interest), expected, "{interest:?}");
                in_pages(&register, &interest, &expected, &mut random);
            }
        }
        assert!(!fixed || sparse > 3, "only {sparse} filters had much to skip");
    }
}

/// Waiting streams are found by these, so they must be told for each event that matches.
#[test]
fn an_event_tells_everything_that_a_filter_can_find_it_by() {
    let mut random = seed::random("TIDU_FILTERS_SEED");
    let register = long_history(&mut random, 2_000);
    let mut told_batches = 0;
    for interest in interests() {
        for at in one_by_one(&register, &interest) {
            let (from, to) = (at, at + 1);
            let terms = interest.terms();
            let can_want = register.scopes_of(from, to).iter().any(|scope| terms.can_want(*scope));
            assert!(can_want, "{interest:?} at {at}");
            let regions: Vec<_> = terms.region().into_iter().collect();
            assert_eq!(register.concerned_of(&regions, from, to), regions, "{interest:?} at {at}");
            let mut told = false;
            register.batches_of(from, to, |batch| {
                told |= batch.is_none_or(|batch| terms.batches().iter().any(|b| b == batch));
            });
            assert!(told || terms.batches().is_empty(), "{interest:?} at {at}");
            told_batches += usize::from(!terms.batches().is_empty());
        }
    }
    assert!(told_batches > 3, "only {told_batches} events of batches");
}

/// Bounded steps from anywhere in both directions, each going on where the one before ended.
fn in_pages(register: &Register, interest: &Interest, expected: &[u64], random: &mut Rng) {
    let from = random.u64(0..=register.size());
    let most = random.usize(1..7);
    let (mut at, mut found) = (from, Vec::new());
    while at < register.size() {
        let (page, next) = register.matching(interest, at, register.size(), most);
        assert!(next > at && page.len() <= most);
        found.extend(page);
        at = next;
    }
    assert!(found.iter().eq(expected.iter().filter(|position| **position >= from)));
    let (mut before, mut found) = (Some(from), Vec::new());
    while let Some(below) = before {
        let (page, next) = register.matching_before(interest, below, most);
        assert!(page.len() <= most && next.is_none_or(|next| next < below));
        found.extend(page);
        before = next;
    }
    found.reverse();
    assert!(found.iter().eq(expected.iter().filter(|position| **position < from)));
}

fn designated(designee: &str, recommended_by: &str, region: &str, batch: &str) -> pb::Event {
    let profile = pb::Profile { registered_region: region.to_owned(), ..Default::default() };
    let fact = pb::Designated {
        programme: GIANT.to_owned(),
        batch: batch.to_owned(),
        recommended_by: recommended_by.to_owned(),
        profile: Some(profile),
        ..Default::default()
    };
    event(MINISTRY, designee, "2023-07-01", Fact::Designated(fact))
}

fn updated(authority: &str, designee: &str) -> pb::Event {
    let fact = pb::InformationUpdated { year: 2024, ..Default::default() };
    event(authority, designee, "2024-04-01", Fact::InformationUpdated(fact))
}

fn annulled(position: u64) -> pb::Event {
    let fact = pb::Annulled { position: Some(position), reason: "a test".to_owned() };
    event(MINISTRY, "", "2024-06-01", Fact::Annulled(fact))
}

fn applied(events: Vec<pb::Event>) -> Register {
    let catalogue = Catalogue::built_in();
    let mut register = Register::default();
    for (i, proposed) in events.into_iter().enumerate() {
        register.apply(&event::proposal(&catalogue, i, proposed).unwrap().event);
    }
    register
}

#[test]
fn a_watch_list_follows_a_designee_to_its_new_code() {
    let [a, b, stranger, _] = DESIGNEES;
    let provisional = "provisional:440000/示例有限公司";
    let fact = pb::IdentifierChanged {
        new_designee: a.to_owned(),
        reason: pb::IdentifierChangeReason::Identified.into(),
    };
    let register = applied(vec![
        designated(provisional, "440000", "440305", "5"),
        updated("330000", b),
        // Before the link, the code is somebody else.
        updated("440000", a),
        event(MINISTRY, provisional, "2024-01-01", Fact::IdentifierChanged(fact)),
        updated("440000", a),
        updated("440000", stranger),
        // Without the link they are two again.
        annulled(3),
        updated("440000", a),
    ]);
    assert_eq!(all(&register, &watching(&[provisional])), [0, 3, 4, 6]);
    assert_eq!(all(&register, &watching(&[a])), [2, 3, 4, 6, 7]);
    assert_eq!(all(&register, &watching(&[b, stranger])), [1, 5]);
}

#[test]
fn a_move_reaches_both_regions_and_both_authorities() {
    let [a, b, c, _] = DESIGNEES;
    let relocated = pb::Relocated {
        to_region: "330108".to_owned(),
        from_authority: "440000".to_owned(),
        to_authority: "330000".to_owned(),
        stage: pb::RelocationStage::Confirmed.into(),
        ..Default::default()
    };
    let register = applied(vec![
        designated(a, "440000", "440106", "5"),
        designated(b, "330000", "330106", "5"),
        // No list says where this one is; the authority that recommends it does.
        designated(c, "440000", "", "5"),
        event(MINISTRY, a, "2024-01-01", Fact::Relocated(relocated)),
        updated("330000", a),
    ]);
    let in_region = |code| all(&register, &under(code));
    assert_eq!(in_region("440000"), [0, 2, 3]);
    assert_eq!(in_region("440100"), [0, 3]);
    assert_eq!(in_region("440106"), [0, 3]);
    assert_eq!(in_region("330000"), [1, 3, 4]);
    assert_eq!(in_region("330100"), [1, 3, 4]);
    assert_eq!(in_region("330106"), [1]);
    assert_eq!(in_region("110000"), [0; 0]);
    let by = |code| all(&register, &of_authority(Interest::default(), code));
    assert_eq!(by("440000"), [0, 2, 3, 4]);
    assert_eq!(by("330000"), [1, 3, 4]);
}

#[test]
fn a_batch_is_followed_with_its_repairs_and_its_seal() {
    let [a, b, ..] = DESIGNEES;
    let fact = pb::BatchSealed {
        programme: GIANT.to_owned(),
        batch: "5".to_owned(),
        ..Default::default()
    };
    let register = applied(vec![
        designated(a, "440000", "", "5"),
        designated(b, "330000", "", "6"),
        annulled(0),
        event(MINISTRY, "", "2023-07-01", Fact::BatchSealed(fact)),
    ]);
    assert_eq!(all(&register, &of_batch("5")), [0, 2, 3]);
    assert_eq!(all(&register, &of_batch("6")), [1]);
    assert_eq!(all(&register, &of_batch("7")), [0; 0]);
}

#[tokio::test]
async fn a_rejected_commit_leaves_nothing_in_the_postings() {
    let book = Book::new();
    let [a, b, ..] = DESIGNEES;
    book.record(vec![designated(a, "440000", "440106", "5")]).await.unwrap();
    let again =
        vec![designated(b, "440000", "440305", "7"), designated(a, "440000", "440106", "5")];
    book.record(again).await.unwrap_err();
    book.record(vec![updated("330000", b)]).await.unwrap();
    let register = book.ledger.register();
    assert_eq!(all(&register, &of_batch("7")), [0; 0]);
    assert_eq!(all(&register, &under("440305")), [0; 0]);
    assert_eq!(all(&register, &under("440000")), [0]);
    assert_eq!(all(&register, &watching(&[b])), [1]);
}
