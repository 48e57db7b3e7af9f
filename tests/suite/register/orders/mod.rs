//! The register follows from the set of facts, not from the order in which they were recorded: in
//! every order the same commits are accepted, and all answers are equal.
//!
//! Left out are repairs and seals, which act on what was recorded before, and two facts of one
//! title on one day at one precedence, where the position decides.

mod answers;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use tidu::{
    domain::catalogue::Catalogues,
    protocol::{event::proposal, pb},
    register::{Register, rules::Judge},
};

use self::answers::{Answers, answers};
use crate::support::{
    A, little_giant, other, revoked, seed,
    stories::{Fact, Story, Teller, message, tell},
};

/// The fate of some commits, whatever the order: accepted, or rejected with these reasons.
type Outcome = Result<(), BTreeSet<String>>;

/// What happened in all stories together.
#[derive(Debug, Default)]
struct Seen {
    stories: usize,
    /// Orders in which everything was accepted, and the answers compared.
    accepted: usize,
    /// Orders that ended with a rejection.
    rejected: usize,
    superseded: usize,
    reasons: BTreeMap<String, usize>,
}

/// All orders of the commits of one story.
struct Orders<'a> {
    catalogues: &'a Catalogues,
    story: &'a Story,
    days: Vec<Date>,
    register: Register,
    /// Where each fact was recorded, and in which order the commits were.
    places: Vec<Option<u64>>,
    order: Vec<usize>,
    outcomes: BTreeMap<Vec<usize>, (Outcome, Vec<usize>)>,
    answers: Option<(Answers, Vec<usize>)>,
}

impl<'a> Orders<'a> {
    fn of(catalogues: &'a Catalogues, story: &'a Story) -> Self {
        Self {
            catalogues,
            story,
            days: story.days(6),
            register: Register::default(),
            places: vec![None; story.said.len()],
            order: Vec::new(),
            outcomes: BTreeMap::new(),
            answers: None,
        }
    }

    /// Goes through every order that begins as the present one.
    fn go_on(&mut self, seen: &mut Seen) -> Result<(), String> {
        let left: Vec<usize> =
            (0..self.story.commits.len()).filter(|at| !self.order.contains(at)).collect();
        if left.is_empty() {
            return self.compare_answers(seen);
        }
        for commit in left {
            let (savepoint, places) = (self.register.savepoint(), self.places.clone());
            self.order.push(commit);
            let outcome = self.record(commit);
            self.compare_outcome(&outcome)?;
            match outcome {
                Ok(()) => self.go_on(seen)?,
                Err(reasons) => {
                    seen.rejected += 1;
                    for reason in reasons {
                        *seen.reasons.entry(reason).or_default() += 1;
                    }
                }
            }
            self.order.pop();
            self.register.rollback_to(&savepoint);
            self.places = places;
        }
        Ok(())
    }

    fn record(&mut self, commit: usize) -> Outcome {
        let (mut judge, mut reasons) = (Judge::default(), BTreeSet::new());
        for (index, number) in self.story.commits[commit].iter().enumerate() {
            let said = &self.story.said[*number];
            let Some(message) = message(said, &|number| self.places[number]) else { continue };
            let catalogue = self.catalogues.in_use();
            let Ok(proposed) = proposal(catalogue, index, message) else { continue };
            let verdict = judge.judge(&self.register, catalogue, index, &proposed.event);
            for fault in &verdict.rejections {
                reasons.insert(format!("{:?}", fault.reason()));
            }
            if !reasons.is_empty() {
                return Err(reasons);
            }
            self.places[*number] = Some(self.register.size());
            self.register.apply(&proposed.event);
        }
        Ok(())
    }

    /// The same commits were recorded in another order before: they met the same.
    fn compare_outcome(&mut self, outcome: &Outcome) -> Result<(), String> {
        let mut commits = self.order.clone();
        commits.sort_unstable();
        let order = self.order.clone();
        let (first, other) =
            self.outcomes.entry(commits).or_insert_with(|| (outcome.clone(), order.clone()));
        // A rejected commit tells of its first event that breaks a rule. In one order another event
        // may come first, and in each the rule that both break is among the reasons.
        let same = match (&*first, outcome) {
            (Err(some), Err(others)) => !some.is_disjoint(others),
            (first, outcome) => first == outcome,
        };
        if !same {
            return Err(format!("in order {other:?}: {first:?}\nin order {order:?}: {outcome:?}"));
        }
        Ok(())
    }

    fn compare_answers(&mut self, seen: &mut Seen) -> Result<(), String> {
        seen.accepted += 1;
        let found = answers(self.catalogues, &self.register, &self.days, &self.places);
        let Some((first, other)) = &self.answers else {
            seen.superseded += found.superseded;
            self.answers = Some((found, self.order.clone()));
            return Ok(());
        };
        match first.difference(&found) {
            Some((one, two)) => {
                Err(format!("in order {other:?}:\n{one}\nin order {:?}:\n{two}", self.order))
            }
            None => Ok(()),
        }
    }
}

/// Later designations may rest on a reinstatement, which must then be recorded first.
fn rests_on_reinstatement(story: &Story) -> bool {
    let any = |is: &dyn Fn(&Fact) -> bool| story.said.iter().any(|said| is(&said.fact));
    any(&|fact| matches!(fact, Fact::Reinstated { .. }))
        && any(&|fact| matches!(fact, Fact::Revoked { .. }))
        && any(&|fact| {
            matches!(fact, Fact::Designated { .. } | Fact::Noticed { .. } | Fact::Listed { .. })
        })
}

fn check(catalogues: &Catalogues, story: &Story, seen: &mut Seen) {
    if let Some(report) = violation(catalogues, story, seen) {
        panic!("{report}");
    }
}

/// What differs between two orders of a story, in the smallest part of it.
fn violation(catalogues: &Catalogues, story: &Story, seen: &mut Seen) -> Option<String> {
    if rests_on_reinstatement(story) {
        return None;
    }
    seen.stories += 1;
    let mut what = Orders::of(catalogues, story).go_on(seen).err()?;
    let mut smallest = story.clone();
    let wrong = |smaller: &Story| Orders::of(catalogues, smaller).go_on(&mut Seen::default()).err();
    while let Some((smaller, now)) =
        smallest.smaller().into_iter().find_map(|s| wrong(&s).map(|now| (s, now)))
    {
        (smallest, what) = (smaller, now);
    }
    Some(format!("seed {}:\n{smallest}{what}", story.seed))
}

impl Seen {
    fn require_enough(&self) {
        println!("{self:?}");
        assert!(self.accepted > 2_000 && self.rejected > 150, "{self:?}");
        assert!(self.stories > 400 && self.superseded > 1_000, "{self:?}");
        let reasons: Vec<&str> = self.reasons.keys().map(String::as_str).collect();
        let all = [
            "AlreadyRecorded",
            "Banned",
            "DuplicateInList",
            "IdentifierLinkInvalid",
            "ObjectionLate",
            "SubjectEnded",
            "TitleAlreadyHeld",
            "TitleNotHeld",
        ];
        assert_eq!(reasons, all, "the contradictions that were met");
    }
}

fn teller(facts: usize) -> Teller {
    Teller { facts, repairs: false, ties: false, together: 2 }
}

#[test]
fn every_order_of_commits_gives_the_same_answers() {
    let catalogues = Catalogues::built_in();
    let replayed = seed::replayed("TIDU_ORDERS_SEED");
    let mut seen = Seen::default();
    if replayed.is_none() {
        for seed in 0..400 {
            check(&catalogues, &tell(teller(4), seed), &mut seen);
        }
        for seed in 400..440 {
            check(&catalogues, &tell(teller(6), seed), &mut seen);
        }
    }
    if replayed.is_none() {
        seen.require_enough();
    }
    let first = seed::seed("TIDU_ORDERS_SEED");
    let count = if replayed.is_some() { 1 } else { seed::count("TIDU_ORDERS_CASES", 60) as u64 };
    for seed in first..first.saturating_add(count) {
        check(&catalogues, &tell(teller(5), seed), &mut Seen::default());
    }
}

/// The one exception: a designation may rest on a reinstatement, which is then recorded first.
#[test]
fn a_designation_follows_the_reinstatement_that_lifts_the_ban() {
    let catalogues = Catalogues::built_in();
    let reinstated = other(6, 0, 0, "2021-06-01");
    let before = [little_giant(A, "1", "2020-01-01"), revoked(A, "2021-01-01", Some("2024-06-01"))];
    let after = little_giant(A, "2", "2023-02-01");
    let last_verdict = |events: &[pb::Event]| {
        let (mut register, mut last) = (Register::default(), Vec::new());
        for (index, event) in events.iter().enumerate() {
            let catalogue = catalogues.in_use();
            let event = proposal(catalogue, index, event.clone()).unwrap().event;
            let verdict = Judge::default().judge(&register, catalogue, index, &event);
            last = verdict.rejections.iter().map(|f| format!("{:?}", f.reason())).collect();
            register.apply(&event);
        }
        last
    };
    let [first, second] = before;
    let banned = last_verdict(&[first.clone(), second.clone(), after.clone()]);
    assert_eq!(banned, ["Banned"]);
    assert!(last_verdict(&[first, second, reinstated, after]).is_empty());
}
