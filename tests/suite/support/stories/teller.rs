//! Tells stories from a seed: few subjects, few titles, few days.

use std::fmt;

use fastrand::Rng;
use jiff::{ToSpan as _, civil::Date};
use tidu::protocol::pb;

use super::{
    said::{Calendar, Fact, Of, Said},
    themes::{BATCHES, GUANGDONG, Kind, MINISTRY, PEOPLE, PLATFORM, PLATFORM_BASE, THEMES, TITLES},
};

/// Facts by their numbers, and how they are recorded together.
#[derive(Clone, Debug)]
pub struct Story {
    pub seed: u64,
    pub said: Vec<Said>,
    pub commits: Vec<Vec<usize>>,
}

impl Story {
    /// Some of the days on which something may change.
    pub fn days(&self, most: usize) -> Vec<Date> {
        let mut days = Vec::new();
        for number in self.commits.iter().flatten() {
            let said = match &self.said[*number].fact {
                Fact::Corrected { said, .. } => said,
                _ => &self.said[*number],
            };
            let ends = match &said.fact {
                Fact::Designated { to, .. } | Fact::Passed { to, .. } => *to,
                Fact::Transferred { until, .. } | Fact::Converted { until, .. } => *until,
                _ => None,
            };
            days.extend([said.day, said.day.checked_add(3.years()).unwrap()]);
            days.extend(ends.map(|end| day_after(end, 1)));
        }
        let before = |day: &Date| [day.yesterday().unwrap(), *day];
        let mut days: Vec<Date> = days.iter().flat_map(before).collect();
        days.sort_unstable();
        days.dedup();
        Rng::with_seed(self.seed).shuffle(&mut days);
        days.truncate(most);
        days
    }

    /// The same story without one of its facts, for each that no other one names.
    pub fn smaller(&self) -> Vec<Self> {
        let held: Vec<usize> = self.commits.iter().flatten().copied().collect();
        let without = |number: &usize| {
            let mut smaller = self.clone();
            for commit in &mut smaller.commits {
                commit.retain(|other| other != number);
            }
            smaller.commits.retain(|commit| !commit.is_empty());
            smaller
        };
        held.iter().map(without).collect()
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, commit) in self.commits.iter().enumerate() {
            for number in commit {
                let Said { issuer, who, day, fact } = &self.said[*number];
                writeln!(f, "commit {at}, fact {number}: {day} {issuer} {who} {fact:?}")?;
            }
        }
        Ok(())
    }
}

/// What a story may hold.
#[derive(Clone, Copy, Debug)]
pub struct Teller {
    /// Most facts.
    pub facts: usize,
    /// With repairs and seals.
    pub repairs: bool,
    /// With two facts of one title on one day at one precedence.
    pub ties: bool,
    /// Most facts of a commit.
    pub together: usize,
}

pub fn day_after(day: Date, days: i32) -> Date {
    day.checked_add(days.days()).unwrap()
}

/// The scene: what the facts of one story are about.
struct Scene {
    random: Rng,
    people: &'static [&'static str],
    titles: Vec<Of>,
    days: Calendar,
    theme: &'static [(Kind, u8)],
    step: i32,
    /// A resolution may name its objection.
    names: bool,
}

/// The story of a seed.
pub fn tell(teller: Teller, seed: u64) -> Story {
    let mut scene = Scene::new(teller, seed);
    let mut said: Vec<Said> = Vec::new();
    let mut commits: Vec<Vec<usize>> = Vec::new();
    let facts = scene.random.usize(2..=teller.facts);
    for _ in 0..facts * 2 {
        if said.len() == facts {
            break;
        }
        let Some(next) = scene.next(teller, &said) else { continue };
        if said.iter().any(|earlier| scene.clash(teller, earlier, &next)) {
            continue;
        }
        said.push(next);
        let joins = commits.last().is_some_and(|last| last.len() < teller.together);
        match commits.last_mut() {
            Some(last) if joins && scene.random.u8(0..3) == 0 => last.push(said.len() - 1),
            _ => commits.push(vec![said.len() - 1]),
        }
    }
    Story { seed, said, commits }
}

impl Scene {
    fn new(teller: Teller, seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let place = random.usize(0..THEMES.len());
        let theme = THEMES[place];
        let creation = place == 4 || random.u8(0..8) == 0;
        let people = &PEOPLE[random.usize(0..2)..][..random.usize(1..=3)];
        let count = random.usize(1..=3);
        let range = if creation { 7..10 } else { 0..8 };
        let titles = (0..count).map(|_| TITLES[random.usize(range.clone())]).collect();
        let step = [1, 7, 45, 100][random.usize(0..4)];
        let base = match (creation, random.bool()) {
            (true, _) => "2025-11-01",
            (false, true) => "2022-09-01",
            (false, false) => "2025-09-01",
        };
        let base: Date = base.parse().unwrap();
        let mut days: Calendar = (0..24).map(|slot| day_after(base, slot * step)).collect();
        // Days on which a validity ends, and those after.
        for _ in 0..3 {
            let after = days[random.usize(0..24)].checked_add(3.years()).unwrap();
            days.extend([after, after.yesterday().unwrap()]);
        }
        Self { random, people, titles, days, theme, step, names: teller.repairs }
    }

    fn one<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.random.usize(0..all.len())]
    }

    fn one_in(&mut self, chances: u8) -> bool {
        self.random.u8(0..chances) == 0
    }

    fn kind(&mut self) -> Kind {
        let mut ticket = self.random.u8(0..self.theme.iter().map(|(_, weight)| weight).sum());
        for (kind, weight) in self.theme {
            if ticket < *weight {
                return *kind;
            }
            ticket -= weight;
        }
        unreachable!("a ticket is below the sum of the weights")
    }

    /// A day a few steps after another one, if any is meant.
    fn end_after(&mut self, day: Date) -> Option<Date> {
        let steps = self.random.i32(0..12);
        (self.random.u8(0..3) > 0).then(|| day_after(day, steps * self.step))
    }

    fn next(&mut self, teller: Teller, said: &[Said]) -> Option<Said> {
        if teller.repairs && !said.is_empty() && self.one_in(8) {
            let number = self.random.usize(0..said.len());
            let fact = if said[number].fact.is_repair() || self.random.bool() {
                Fact::Annulled { number }
            } else {
                let replacement = self.fact_of_day(said)?;
                let is_seal = |said: &Said| matches!(said.fact, Fact::Sealed { .. });
                if is_seal(&said[number]) || is_seal(&replacement) {
                    return None;
                }
                Fact::Corrected { number, said: Box::new(replacement) }
            };
            let day = self.days[0];
            return Some(Said { issuer: MINISTRY, who: "", day, fact });
        }
        self.fact_of_day(said)
            .filter(|next| teller.repairs || !matches!(next.fact, Fact::Sealed { .. }))
    }

    fn fact_of_day(&mut self, said: &[Said]) -> Option<Said> {
        let (kind, titles, people, days) =
            (self.kind(), self.titles.clone(), self.people, self.days.clone());
        let (of, who, day) = (self.one(&titles), self.one(people), self.one(&days));
        let fact = self
            .notice_fact(kind, of, day, said)
            .or_else(|| self.title_fact(kind, of, day))
            .or_else(|| self.subject_fact(kind, of, day))?;
        let recommends = of.authority == MINISTRY && self.one_in(3);
        let issuer = match &fact {
            Fact::Noticed { recommendation: true, .. } => GUANGDONG,
            Fact::Objected { .. } | Fact::Resolved { .. } | Fact::Withdrawn { .. }
                if recommends =>
            {
                GUANGDONG
            }
            Fact::PoolEntered { .. } | Fact::PoolLeft { .. } => GUANGDONG,
            fact if fact.titles().is_empty() && !matches!(fact, Fact::Sealed { .. }) => MINISTRY,
            _ => of.authority,
        };
        let who = if matches!(fact, Fact::Sealed { .. }) { "" } else { who };
        let to_oneself = match &fact {
            Fact::Transferred { to, .. } => *to == who,
            Fact::Linked { other, .. } => *other == who,
            Fact::Restructured { successors, .. } => successors.contains(&who),
            _ => false,
        };
        (!to_oneself).then_some(Said { issuer, who, day, fact })
    }

    fn sublist(&mut self, of: Of) -> &'static str {
        if of.authority == MINISTRY && self.one_in(4) { GUANGDONG } else { "" }
    }

    fn scope(&mut self, of: Of) -> Option<bool> {
        match self.random.u8(0..4) {
            0 => None,
            1 if of.authority == MINISTRY => Some(true),
            _ => Some(false),
        }
    }

    fn notice_fact(&mut self, kind: Kind, of: Of, day: Date, said: &[Said]) -> Option<Fact> {
        let batch = self.one(&BATCHES[..2]);
        Some(match kind {
            Kind::Noticed => Fact::Noticed {
                of,
                batch,
                sublist: self.sublist(of),
                review: self.one_in(5),
                recommendation: of.authority == MINISTRY && self.one_in(3),
                until: if self.one_in(3) { self.end_after(day) } else { None },
                supplement: self.one_in(4),
            },
            Kind::Objected => Fact::Objected { of, batch, scope: self.scope(of) },
            Kind::Resolved => {
                let is_objection = |said: &Said| matches!(said.fact, Fact::Objected { .. });
                let raised: Vec<usize> =
                    (0..said.len()).filter(|number| is_objection(&said[*number])).collect();
                let named = self.names && !raised.is_empty() && self.one_in(3);
                Fact::Resolved {
                    of,
                    batch,
                    scope: self.scope(of),
                    upheld: self.one_in(4),
                    objection: named.then(|| self.one(&raised)),
                }
            }
            Kind::Withdrawn => Fact::Withdrawn { of, batch, scope: self.scope(of) },
            Kind::Listed => Fact::Listed { of, batch },
            Kind::Assessed => Fact::Assessed { of, batch, passed: self.random.bool() },
            Kind::Sealed => Fact::Sealed { of, batch, sublist: self.sublist(of) },
            _ => return None,
        })
    }

    fn title_fact(&mut self, kind: Kind, of: Of, day: Date) -> Option<Fact> {
        let (batch, round, supplement) = (self.one(&BATCHES), self.one(&BATCHES), self.one_in(4));
        let to = self.end_after(day);
        let causes =
            [pb::ReviewFailureCause::NotUpToStandard, pb::ReviewFailureCause::NotSubmitted];
        let grounds = [pb::RevocationGround::Falsification, pb::RevocationGround::Other];
        Some(match kind {
            Kind::Designated => {
                Fact::Designated { of, batch, sublist: self.sublist(of), to, supplement }
            }
            Kind::ReviewOpened => Fact::ReviewOpened { of, round },
            Kind::Passed => Fact::Passed { of, batch, round, to, supplement },
            Kind::Failed => Fact::Failed { of, round, cause: self.one(&causes), supplement },
            Kind::Proposed => Fact::Proposed { of },
            Kind::Rectify => Fact::Rectify { of },
            Kind::Supported => Fact::Supported { of, round },
            Kind::Revoked => {
                let (ground, years) = (self.one(&grounds), self.random.i32(3..6));
                let ban = self.one_in(2).then(|| day.checked_add(years.years()).unwrap());
                let bare = ban.is_none() && self.one_in(3);
                Fact::Revoked { of, ground, ban, bare }
            }
            Kind::Surrendered => Fact::Surrendered { of },
            Kind::Reinstated => Fact::Reinstated { of },
            Kind::Transferred => Fact::Transferred { of, to: self.one(self.people), until: to },
            Kind::Converted => {
                let fits = |into: &&Of| {
                    let grows =
                        (of.programme.id, into.programme.id) == (PLATFORM.id, PLATFORM_BASE.id);
                    let regroups = of.programme.id == into.programme.id && of.item != into.item;
                    (grows || regroups) && of.authority == into.authority
                };
                let fitting: Vec<Of> = TITLES.iter().filter(fits).copied().collect();
                if fitting.is_empty() {
                    return None;
                }
                Fact::Converted { of, into: self.one(&fitting), until: to }
            }
            _ => return None,
        })
    }

    fn subject_fact(&mut self, kind: Kind, _: Of, day: Date) -> Option<Fact> {
        use pb::{
            IdentifierChangeReason as Reason, RestructuringKind as Change, SubjectEndCause as Cause,
        };
        let other = self.one(self.people);
        Some(match kind {
            Kind::Ended => {
                let causes = [Cause::Deregistered, Cause::Absorbed, Cause::LicenceRevoked];
                Fact::Ended { cause: self.one(&causes) }
            }
            Kind::Restructured => {
                let kinds = [Change::Absorption, Change::Merger, Change::Division];
                let successors = if self.one_in(3) { Vec::new() } else { vec![other] };
                let ends = !self.one_in(4);
                Fact::Restructured { kind: self.one(&kinds), successors, ends }
            }
            Kind::Linked => {
                let reasons = [Reason::Identified, Reason::Reregistered, Reason::Duplicate];
                Fact::Linked { other, reason: self.one(&reasons) }
            }
            Kind::Moved => Fact::Moved { confirmed: self.random.bool() },
            Kind::Reported => {
                let days = [20, 200][self.random.usize(0..2)];
                Fact::Reported { occurred: day_after(day, -days) }
            }
            Kind::Pool if self.random.bool() => Fact::PoolEntered { pool: "1" },
            Kind::Pool => Fact::PoolLeft { pool: "1" },
            _ => return None,
        })
    }

    /// True if the story may not hold both facts.
    fn clash(&self, teller: Teller, earlier: &Said, next: &Said) -> bool {
        // Identifiers may turn out to name one subject.
        let linked = self.theme.iter().any(|(kind, _)| *kind == Kind::Linked);
        let people = |said: &Said| match &said.fact {
            Fact::Transferred { to, .. } => vec![said.who, to],
            Fact::Linked { other, .. } => vec![said.who, other],
            _ => vec![said.who],
        };
        let meet = linked || people(next).iter().any(|who| people(earlier).contains(who));
        let keys = |said: &Said| said.fact.titles().into_iter().map(Of::key).collect::<Vec<_>>();
        let same_title = keys(next).iter().any(|key| keys(earlier).contains(key));
        match (&earlier.fact, &next.fact) {
            (Fact::Sealed { of: a, batch: b, .. }, Fact::Sealed { of: c, batch: d, .. }) => {
                (a.key(), b) == (c.key(), d)
            }
            (Fact::Noticed { .. }, Fact::Noticed { .. })
                if meet && same_title && step(&earlier.fact) == step(&next.fact) =>
            {
                teller.repairs || earlier.day == next.day
            }
            (Fact::Designated { .. }, Fact::Designated { .. })
                if !teller.repairs && earlier.who == next.who =>
            {
                false
            }
            (a, b) if !teller.ties && meet && earlier.day == next.day => {
                let of_subject = same_title || (a.titles().is_empty() && b.titles().is_empty());
                of_subject && precedence(a) == precedence(b)
            }
            _ => false,
        }
    }
}

/// The step that a notice takes.
fn step(fact: &Fact) -> Option<(&'static str, bool, bool)> {
    match fact {
        Fact::Noticed { batch, review, recommendation, .. } => {
            Some((batch, *review, *recommendation))
        }
        _ => None,
    }
}

/// The place of a fact among those of its day: the table of `docs/events.md`.
pub fn precedence(fact: &Fact) -> u8 {
    match fact {
        Fact::Listed { .. } => 5,
        Fact::Assessed { .. } => 8,
        Fact::Noticed { review: false, .. } => 10,
        Fact::Objected { .. } => 12,
        Fact::Resolved { .. } => 14,
        Fact::Withdrawn { .. } => 16,
        Fact::Designated { .. } => 20,
        Fact::Converted { .. } => 24,
        Fact::Transferred { .. } => 26,
        Fact::ReviewOpened { .. } => 30,
        Fact::Noticed { review: true, .. } => 40,
        Fact::Supported { .. } => 45,
        Fact::Passed { .. } | Fact::Failed { .. } => 60,
        Fact::Rectify { .. } | Fact::Proposed { .. } => 85,
        Fact::Surrendered { .. } | Fact::Revoked { .. } => 90,
        Fact::Reinstated { .. } => 92,
        Fact::Restructured { .. } => 94,
        Fact::Ended { .. } => 95,
        _ => 80,
    }
}
