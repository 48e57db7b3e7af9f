//! Logs with records beyond the bounds: they are opened and answered about, and a commit that needs
//! too many facts of them is refused before it holds up the others.

use std::sync::{Arc, atomic::Ordering};

use tidu::{
    domain::DesigneeId,
    ledger::{AppendError, Commit, Precondition, Receipt, Unhurried},
    limits::{FACTS_OF_SUBJECT_MAX, JUDGED_FACTS_MAX},
    register::rules::Judge,
};

use super::{
    cases::{Case, frame, measures_issued},
    *,
};
use crate::support::{A, B, Hands, corrected, day, event, view};

const FACTS: usize = FACTS_OF_SUBJECT_MAX + 100;

fn supported(who: &str, number: usize) -> pb::Event {
    let (programme, scheme) = ("specialised-sme".to_owned(), format!("s{number}"));
    let fact = pb::SupportGranted { programme, scheme, ..Default::default() };
    event("440000", who, "2023-01-01", Fact::SupportGranted(fact))
}

fn revocation(who: &str) -> pb::Event {
    let ground = pb::RevocationGround::Falsification.into();
    let programme = "specialised-sme".to_owned();
    let fact = pb::RevocationProposed { programme, ground, ..Default::default() };
    event("330000", who, "2024-01-01", Fact::RevocationProposed(fact))
}

/// A ledger on a log with a record beyond every bound on facts.
fn beyond() -> Ledger {
    let events: Vec<_> = (0..FACTS).map(|number| supported(A, number)).collect();
    let log = MemoryLog::default();
    record(&log, &encoded(&events));
    let clock = Arc::<Hands>::default();
    clock.0.store(1_700_000_000_000_000, Ordering::Relaxed);
    open(Arc::new(log), clock, Arc::default())
}

#[tokio::test]
async fn a_log_beyond_the_bounds_opens_and_answers() {
    let ledger = beyond();
    {
        let register = ledger.register();
        let excesses = register.excesses(9);
        assert_eq!((excesses.len(), excesses[0].found), (1, FACTS));
        let index = register.find(&DesigneeId::parse(A).unwrap(), register.size()).unwrap();
        let shown = view(&register, index, day("2024-01-01"), register.size());
        assert_eq!(shown.titles[0].supports.len(), FACTS);
    }
    assert_eq!(refusal(&ledger, supported(A, FACTS)).await, "FactsExceeded");
    ledger.append(commit(vec![revocation(A)])).await.unwrap();
    ledger.append(commit(vec![supported(B, 0)])).await.unwrap();
}

/// Events about the long record.
fn revocations(count: usize) -> Commit {
    commit(vec![revocation(A); count])
}

fn tried(ledger: &Ledger, commit: &Commit) -> Result<Receipt, AppendError> {
    ledger.trial(commit, &mut Unhurried).unwrap()
}

#[tokio::test]
async fn a_commit_that_reads_too_many_facts_is_refused() {
    let ledger = beyond();
    // The most events with which no more facts than that are read before the last one.
    let mut fits = 1;
    {
        let (register, catalogue) = (ledger.register(), Catalogue::built_in());
        let mut judge = Judge::of(&Principal::ANONYMOUS);
        let event = event::proposal(&catalogue, 0, revocation(A)).unwrap().event;
        while judge.facts_read() <= JUDGED_FACTS_MAX {
            judge.judge(&register, &catalogue, 0, &event);
            fits += usize::from(judge.facts_read() <= JUDGED_FACTS_MAX);
        }
    }
    assert!((8..100).contains(&fits), "{fits}");
    let receipt = tried(&ledger, &revocations(fits)).unwrap();
    assert_eq!(receipt.rejections.len(), fits - 1, "all but the first are stated twice");
    let refused = tried(&ledger, &revocations(fits + 1)).unwrap_err();
    assert!(matches!(refused, AppendError::FactsToJudge), "{refused}");
    assert!(refused.to_string().contains("split it"), "{refused}");
    let refused = ledger.append(revocations(fits + 1)).await.unwrap_err();
    assert!(matches!(refused, AppendError::FactsToJudge), "{refused}");
    assert_eq!(ledger.register().size(), FACTS as u64, "nothing was recorded");
}

#[tokio::test]
async fn versions_of_long_circles_count_as_well() {
    let reason = pb::IdentifierChangeReason::Duplicate.into();
    let fact = pb::IdentifierChanged { new_designee: B.to_owned(), reason };
    let link = event("100000", A, "2024-01-01", Fact::IdentifierChanged(fact));
    // The record is too long for a link now, so a log brings it.
    let mut events: Vec<_> = (0..FACTS).map(|number| supported(A, number)).collect();
    events.push(link);
    let log = MemoryLog::default();
    record(&log, &encoded(&events));
    let ledger = open(Arc::new(log), Arc::default(), Arc::default());
    let version = (DesigneeId::parse(A).unwrap(), FACTS as u64 + 1);
    let asked = |count| Commit {
        precondition: Some(Precondition::Versions(vec![version.clone(); count])),
        ..commit(vec![supported(B, 0)])
    };
    tried(&ledger, &asked(JUDGED_FACTS_MAX / (FACTS + 2))).unwrap();
    let refused = tried(&ledger, &asked(JUDGED_FACTS_MAX / FACTS + 2)).unwrap_err();
    assert!(matches!(refused, AppendError::FactsToJudge), "{refused}");
}

/// One more than a record takes. Its history is stated by the one who states it.
pub fn cases() -> Vec<Case> {
    let local = |number: usize| format!("local:440000/{number}");
    let support = |scheme: usize, item: String| {
        let (programme, scheme) = ("specialised-sme".to_owned(), format!("s{scheme}"));
        Fact::SupportGranted(pb::SupportGranted { programme, scheme, item, ..Default::default() })
    };
    let stated = |fact| event("440000", A, "2024-01-01", fact);
    let full = |what, most: usize, state: &dyn Fn(usize) -> pb::Event| Case {
        what,
        reason: "FactsExceeded",
        history: (0..most).map(state).collect(),
        event: state(most),
    };
    let links = |number: usize| {
        let reason = pb::IdentifierChangeReason::Identified.into();
        let fact = pb::IdentifierChanged { new_designee: local(number + 1), reason };
        event("100000", &local(0), "2024-01-01", Fact::IdentifierChanged(fact))
    };
    let opened = pb::BatchOpened {
        programme: "specialised-sme".to_owned(),
        batch: "2024-1".to_owned(),
        ..Default::default()
    };
    let corrects = |number: usize| match number {
        0 => stated(support(0, String::new())),
        _ => pb::Event {
            authority: "440000".to_owned(),
            ..corrected(0, stated(support(number, String::new())))
        },
    };
    let declared = || {
        let part = pb::RegisterPart::Titles.into();
        Fact::CompletenessDeclared(pb::CompletenessDeclared { programme: String::new(), part })
    };
    let assessed = |number: usize| {
        Fact::EnvironmentAssessed(pb::EnvironmentAssessed {
            region: "440100".to_owned(),
            year: 2023,
            assessor: format!("示例机构{number}"),
            ..Default::default()
        })
    };
    let entered = |number: usize| {
        let fact = pb::PoolEntered { pool: format!("p{number}"), profile: None };
        event("440000", A, "2024-01-01", Fact::PoolEntered(fact))
    };
    vec![
        full("a fact too many of an authority", 256, &|n| stated(support(n, String::new()))),
        full("a title too many of an authority", 64, &|n| stated(support(n, format!("i{n}")))),
        Case {
            reason: "IdentifierLinkInvalid",
            ..full("an identifier too many of a subject", 63, &links)
        },
        full("a repair too many of an event", 129, &corrects),
        full("an opening too many of a list", 16, &|_| {
            frame("440000", Fact::BatchOpened(opened.clone()))
        }),
        full("an instrument too many of an authority", 256, &|_| {
            frame("440000", measures_issued())
        }),
        full("a declaration too many of an authority", 256, &|_| frame("440000", declared())),
        full("an assessment too many of an authority", 4_096, &|n| frame("440000", assessed(n))),
        full("a pool too many of an authority", 256, &entered),
    ]
}
