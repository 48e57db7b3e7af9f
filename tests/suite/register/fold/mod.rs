//! What facts make of titles, without the guards: each test tells its facts in every order of
//! recording, and all orders must answer the same.

mod bans;
mod ends;
mod notices;
mod passing;
mod reviews;
mod statuses;
mod stretches;
mod words;

use std::{collections::BTreeSet, sync::LazyLock};

use tidu::{
    domain::{
        self, CivilDate, DesigneeId,
        catalogue::Catalogues,
        event::{Event, Ground, TitleFact},
    },
    protocol::{
        event,
        pb::{self, event::Fact},
    },
    register::{AsOf, EndCause, Flag, Register, Status, TitleView},
};

use crate::support::{date, day, event as stated};

pub const X: &str = "91110000MA00000152";
pub const Y: &str = "91440300MA0000023W";
pub const Z: &str = "91659001MA0000031P";

pub const MINISTRY: &str = "100000";
pub const GUANGDONG: &str = "440000";

pub const GIANT: &str = "little-giant";
pub const SPECIALISED: &str = "specialised-sme";
pub const INNOVATIVE: &str = "innovative-sme";
pub const CHAMPION: &str = "single-item-champion";

/// Most facts that are told in all their orders.
const PERMUTED_MAX: usize = 5;

static CATALOGUES: LazyLock<Catalogues> = LazyLock::new(Catalogues::built_in);

/// Facts on record, in several orders.
pub struct Told(Vec<Order>);

/// A register, and for each position the number of the fact in the test.
struct Order {
    register: Register,
    facts: Vec<usize>,
}

/// A title as all orders show it. Facts are numbered as the test gives them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub status: Status,
    pub from: Option<CivilDate>,
    pub to: Option<CivilDate>,
    pub batch: String,
    pub round: String,
    pub cause: Option<EndCause>,
    pub ground: Option<Ground>,
    pub ended_on: Option<CivilDate>,
    pub ended_by: Option<usize>,
    pub ban_until: Option<CivilDate>,
    pub applied: BTreeSet<usize>,
    pub superseded: BTreeSet<usize>,
    flags: Vec<u8>,
}

impl Shown {
    pub fn has(&self, flag: Flag) -> bool {
        self.flags.contains(&(flag as u8))
    }

    pub fn superseded(&self) -> Vec<usize> {
        self.superseded.iter().copied().collect()
    }
}

impl Told {
    /// The facts in every order, or in many if there are too many for that.
    pub fn of(events: &[pb::Event]) -> Self {
        let count = events.len();
        let mut orders = Vec::new();
        if count <= PERMUTED_MAX {
            permutations(&mut (0..count).collect(), 0, &mut orders);
        } else {
            let mut random = fastrand::Rng::with_seed(count as u64);
            orders.push((0..count).collect());
            orders.push((0..count).rev().collect());
            for _ in 0..100 {
                let mut order: Vec<usize> = (0..count).collect();
                random.shuffle(&mut order);
                orders.push(order);
            }
        }
        Self(orders.into_iter().map(|order| Order::of(events, order)).collect())
    }

    /// The facts in the order given.
    pub fn in_order(events: &[pb::Event]) -> Self {
        let order = (0..events.len()).collect();
        Self(vec![Order::of(events, order)])
    }

    /// The title of a programme that a designee has on a day, whatever its item; none if nothing is
    /// known of it.
    pub fn find(&self, who: &str, programme: &str, as_of: &str) -> Option<Shown> {
        let mut orders = self.0.iter().map(|order| order.find(who, programme, as_of));
        let first = orders.next().unwrap();
        for (number, other) in orders.enumerate() {
            let order = &self.0[number + 1].facts;
            assert_eq!(other, first, "as of {as_of}, in the order {order:?}");
        }
        first
    }

    /// The little giant of a designee on a day.
    pub fn giant(&self, who: &str, as_of: &str) -> Shown {
        self.find(who, GIANT, as_of).unwrap_or_else(|| panic!("no title as of {as_of}"))
    }

    /// The explanation of the little giant: its conclusion, and its facts in the fold's order.
    pub fn explained(&self, who: &str, as_of: &str) -> (String, Vec<String>) {
        let mut orders = self.0.iter().map(|order| order.explained(who, as_of));
        let first = orders.next().unwrap();
        orders.for_each(|other| assert_eq!(other, first));
        first
    }

    /// Its status.
    pub fn status(&self, who: &str, as_of: &str) -> Status {
        self.giant(who, as_of).status
    }
}

impl Order {
    fn of(events: &[pb::Event], facts: Vec<usize>) -> Self {
        let mut register = Register::default();
        for (index, number) in facts.iter().enumerate() {
            let event = events[*number].clone();
            let states_ban = matches!(&event.fact, Some(Fact::Revoked(f)) if f.ban_until.is_some());
            let proposed = event::proposal(CATALOGUES.in_use(), index, event);
            let mut event: Event = proposed.unwrap().event;
            // The server infers a ban; older logs have revocations without one.
            if let domain::event::Fact::Title { fact: TitleFact::Revoked { ban_until, .. }, .. } =
                &mut event.fact
                && !states_ban
            {
                *ban_until = None;
            }
            register.apply(&event);
        }
        Self { register, facts }
    }

    fn find(&self, who: &str, programme: &str, as_of: &str) -> Option<Shown> {
        let known_at = self.register.size();
        let index = self.register.find(&DesigneeId::parse(who).unwrap(), known_at)?;
        let as_of = AsOf { valid_on: day(as_of), known_at };
        let programme = CATALOGUES.find(programme).unwrap();
        let view = self.register.view(&CATALOGUES, index, as_of);
        let title = view.titles.into_iter().find(|title| title.programme == programme)?;
        Some(self.shown(title))
    }

    fn explained(&self, who: &str, as_of: &str) -> (String, Vec<String>) {
        let known_at = self.register.size();
        let index = self.register.find(&DesigneeId::parse(who).unwrap(), known_at).unwrap();
        let as_of = AsOf { valid_on: day(as_of), known_at };
        let programme = CATALOGUES.find(GIANT).unwrap();
        let mut told = self.register.explain(&CATALOGUES, index, programme, as_of);
        let told = told.remove(0);
        (told.conclusion, told.steps.into_iter().map(|step| step.message).collect())
    }

    fn shown(&self, title: TitleView) -> Shown {
        let number = |position: u64| self.facts[usize::try_from(position).unwrap()];
        Shown {
            status: title.status,
            from: title.valid_from,
            to: title.valid_to,
            batch: title.batch,
            round: title.round,
            cause: title.end_cause,
            ground: title.ground,
            ended_on: title.ended_on,
            ended_by: title.ended_at.map(number),
            ban_until: title.ban_until,
            applied: title.positions.into_iter().map(number).collect(),
            superseded: title.superseded.into_iter().map(number).collect(),
            flags: title.flags.numbers().collect(),
        }
    }
}

fn permutations(order: &mut Vec<usize>, fixed: usize, all: &mut Vec<Vec<usize>>) {
    if fixed == order.len() {
        all.push(order.clone());
        return;
    }
    for place in fixed..order.len() {
        order.swap(fixed, place);
        permutations(order, fixed + 1, all);
        order.swap(fixed, place);
    }
}

pub fn designated_to(
    issuer: &str,
    who: &str,
    programme: &str,
    batch: &str,
    from: &str,
    to: Option<&str>,
) -> pb::Event {
    let fact = pb::Designated {
        programme: programme.to_owned(),
        batch: batch.to_owned(),
        valid_to: to.and_then(date),
        ..Default::default()
    };
    stated(issuer, who, from, Fact::Designated(fact))
}

/// A little giant for three years.
pub fn giant(who: &str, batch: &str, from: &str) -> pb::Event {
    designated_to(MINISTRY, who, GIANT, batch, from, None)
}

pub fn noticed(
    issuer: &str,
    who: &str,
    programme: &str,
    batch: &str,
    scope: pb::NoticeScope,
    from: &str,
) -> pb::Event {
    let fact = pb::NoticeOpened {
        programme: programme.to_owned(),
        batch: batch.to_owned(),
        purpose: pb::NoticePurpose::New.into(),
        scope: scope.into(),
        ..Default::default()
    };
    stated(issuer, who, from, Fact::NoticeOpened(fact))
}

/// The ministry's notice of a little giant.
pub fn notice(who: &str, batch: &str, from: &str) -> pb::Event {
    noticed(MINISTRY, who, GIANT, batch, pb::NoticeScope::Decision, from)
}

pub fn objected(issuer: &str, who: &str, batch: &str, on: &str) -> pb::Event {
    let (programme, batch) = (GIANT.to_owned(), batch.to_owned());
    let fact = pb::ObjectionRaised { programme, batch, ..Default::default() };
    stated(issuer, who, on, Fact::ObjectionRaised(fact))
}

pub fn resolved(
    issuer: &str,
    who: &str,
    batch: &str,
    on: &str,
    (upheld, objection): (bool, Option<u64>),
) -> pb::Event {
    let outcome =
        if upheld { pb::ObjectionOutcome::Upheld } else { pb::ObjectionOutcome::Dismissed };
    let fact = pb::ObjectionResolved {
        programme: GIANT.to_owned(),
        batch: batch.to_owned(),
        outcome: outcome.into(),
        objection,
        ..Default::default()
    };
    stated(issuer, who, on, Fact::ObjectionResolved(fact))
}

pub fn dismissed(who: &str, batch: &str, on: &str) -> pb::Event {
    resolved(MINISTRY, who, batch, on, (false, None))
}

pub fn withdrawn(who: &str, batch: &str, on: &str) -> pb::Event {
    let (programme, batch) = (GIANT.to_owned(), batch.to_owned());
    let fact = pb::NoticeWithdrawn { programme, batch, ..Default::default() };
    stated(MINISTRY, who, on, Fact::NoticeWithdrawn(fact))
}

/// A passed review of a little giant, in a round.
pub fn passed(who: &str, round: &str, on: &str, supplement: bool) -> pb::Event {
    let fact = pb::ReviewPassed {
        programme: GIANT.to_owned(),
        batch: "1".to_owned(),
        round: round.to_owned(),
        supplement,
        ..Default::default()
    };
    stated(MINISTRY, who, on, Fact::ReviewPassed(fact))
}

pub fn failed(who: &str, programme: &str, cause: pb::ReviewFailureCause, on: &str) -> pb::Event {
    let fact = pb::ReviewFailed {
        programme: programme.to_owned(),
        round: "r".to_owned(),
        cause: cause.into(),
        ..Default::default()
    };
    stated(MINISTRY, who, on, Fact::ReviewFailed(fact))
}

pub fn revoked(who: &str, on: &str, ban_until: Option<&str>) -> pb::Event {
    let fact = pb::Revoked {
        programme: GIANT.to_owned(),
        ground: pb::RevocationGround::Falsification.into(),
        ban_until: ban_until.and_then(date),
        ..Default::default()
    };
    stated(MINISTRY, who, on, Fact::Revoked(fact))
}

pub fn surrendered(who: &str, on: &str) -> pb::Event {
    let fact = pb::Surrendered { programme: GIANT.to_owned(), ..Default::default() };
    stated(MINISTRY, who, on, Fact::Surrendered(fact))
}

pub fn reinstated(who: &str, on: &str) -> pb::Event {
    let fact = pb::Reinstated { programme: GIANT.to_owned(), ..Default::default() };
    stated(MINISTRY, who, on, Fact::Reinstated(fact))
}

pub fn transferred(who: &str, successor: &str, on: &str, to: Option<&str>) -> pb::Event {
    let fact = pb::TitleTransferred {
        programme: GIANT.to_owned(),
        successor: successor.to_owned(),
        valid_to: to.and_then(date),
        ..Default::default()
    };
    stated(MINISTRY, who, on, Fact::TitleTransferred(fact))
}

pub fn subject_ended(who: &str, on: &str, cause: pb::SubjectEndCause) -> pb::Event {
    stated(GUANGDONG, who, on, Fact::SubjectEnded(pb::SubjectEnded { cause: cause.into() }))
}

/// The subject is absorbed by others, and ends.
pub fn absorbed(who: &str, successors: &[&str], on: &str) -> pb::Event {
    let fact = pb::Restructured {
        kind: pb::RestructuringKind::Absorption.into(),
        successors: successors.iter().map(|id| (*id).to_owned()).collect(),
        ends: true,
        ..Default::default()
    };
    stated(GUANGDONG, who, on, Fact::Restructured(fact))
}

pub fn linked(who: &str, other: &str, on: &str) -> pb::Event {
    let reason = pb::IdentifierChangeReason::Duplicate.into();
    let fact = pb::IdentifierChanged { new_designee: other.to_owned(), reason };
    stated(MINISTRY, who, on, Fact::IdentifierChanged(fact))
}

pub fn seal(batch: &str, on: &str) -> pb::Event {
    let (programme, batch) = (GIANT.to_owned(), batch.to_owned());
    let fact = pb::BatchSealed { programme, batch, ..Default::default() };
    stated(MINISTRY, "", on, Fact::BatchSealed(fact))
}
