//! A trial meets the bounds on records as recording does: its own events count.

use tidu::{
    limits::{FACTS_OF_ISSUER_MAX, POOLS_OF_AUTHORITY_MAX},
    register::Overlay,
};

use super::*;

/// A trial over a register.
struct Tried {
    below: Grown,
    overlay: Overlay,
}

impl Tried {
    fn over(below: Grown) -> Self {
        let overlay = Overlay::new(below.register.extent(), &below.register);
        Self { below, overlay }
    }

    fn apply(&mut self, event: pb::Event) {
        let event = self.below.proposal(event);
        self.overlay.apply(&self.below.register, &event);
    }

    /// The rules that an event breaks.
    fn judged(&self, event: pb::Event) -> Vec<&'static str> {
        let Grown { register, catalogue } = &self.below;
        let (mut judge, event) = (Judge::of(&Principal::ANONYMOUS), self.below.proposal(event));
        let verdict = judge.judge_over(self.overlay.over(register), catalogue, 0, &event);
        verdict.rejections.iter().map(|fault| fault.breach.rule().as_str()).collect()
    }
}

fn entered(pool: usize) -> pb::Event {
    let fact = pb::PoolEntered { pool: format!("p{pool}"), profile: None };
    event(GUANGDONG, &local(pool), 20_000, Fact::PoolEntered(fact))
}

#[test]
fn pools_of_a_trial_count_with_those_on_record() {
    let most = POOLS_OF_AUTHORITY_MAX;
    let mut tried = Tried::over(Grown::of((2..most).map(entered)));
    tried.apply(entered(most));
    assert_eq!(tried.judged(entered(most + 1)), [] as [&str; 0]);
    // A correction opens the last one.
    tried.apply(corrected(0, entered(most + 1)));
    assert_eq!(tried.judged(entered(most + 2)), ["pools-of-authority"]);
    for known in [most, most + 1] {
        let mut again = entered(known);
        again.designee = local(7);
        assert_eq!(tried.judged(again), [] as [&str; 0], "{known}");
    }
}

#[test]
fn a_tie_of_a_trial_joins_its_records() {
    let facts = (0..FACTS_OF_ISSUER_MAX).map(|n| support(GUANGDONG, &local(1), n));
    let mut tried =
        Tried::over(Grown::of([support("330000", &local(0), 0)].into_iter().chain(facts)));
    let fact = pb::Restructured {
        kind: pb::RestructuringKind::Merger.into(),
        successors: vec![local(0)],
        ..Default::default()
    };
    let merged = event(GUANGDONG, &local(2), 0, Fact::Restructured(fact));
    assert_eq!(tried.judged(merged.clone()), [] as [&str; 0]);
    tried.apply(linked(&local(0), &local(1), 0));
    assert_eq!(tried.judged(merged), ["facts-of-issuer"]);
}
