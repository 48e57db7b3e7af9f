//! Random events for a served log: many of them are refused, the others get in each other's way.

use fastrand::Rng;
use tidu::protocol::pb::{self, event::Fact};

use crate::support::{Client, OTHERS, Step, designated, made_up};

/// One event. Mostly about a few designees, sometimes about one that nothing was recorded about.
fn event(random: &mut Rng, size: u64) -> pb::Event {
    let (who, also, on) = (random.usize(0..4), random.usize(0..4), random.u8(0..130));
    let earlier = random.u64(0..size.max(1));
    let step = match random.u8(0..26) {
        0..5 => Step::Designate(who, random.u8(0..4), on),
        5..8 => Step::Notice(who, random.u8(0..3), on),
        8 => Step::Pass(who, on),
        9 => Step::Fail(who, on),
        10 => Step::Revoke(who, on),
        11..15 => Step::Other(random.u8(0..OTHERS), who, also, on),
        15 => Step::CorrectWith(earlier, random.u8(0..OTHERS), who, also, on),
        16 => Step::Correct(earlier, who, on),
        17..19 => Step::Annul(earlier),
        19 => Step::Seal(random.u8(0..3), on),
        _ => return new_one(random),
    };
    let mut event = step.event();
    if random.u8(0..4) == 0 {
        let sublist = ["440000", "330000"][random.usize(0..2)].to_owned();
        match &mut event.fact {
            Some(Fact::Designated(fact)) => fact.sublist = sublist,
            Some(Fact::NoticeOpened(fact)) => fact.sublist = sublist,
            _ => {}
        }
    }
    event
}

fn new_one(random: &mut Rng) -> pb::Event {
    designated(&made_up(random.u64(..), 1)[0])
}

/// Records about so many events in commits of random sizes.
pub async fn tell(client: &mut Client, random: &mut Rng, events: usize) {
    let mut recorded = 0;
    let mut tried = 0;
    while recorded < events && tried < events * 40 {
        let size = client.status().await.log_size;
        let count = if random.u8(0..4) == 0 { random.usize(1..6) } else { 1 };
        let commit: Vec<_> = (0..count).map(|_| event(random, size)).collect();
        tried += 1;
        recorded += client.record(commit).await.map_or(0, |_| count);
    }
}
