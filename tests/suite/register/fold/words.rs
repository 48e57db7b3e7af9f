//! An explanation says the cause of an end, the ground, the ban, and why a fact changes nothing.

use tidu::protocol::pb::{ReviewFailureCause as Failure, SubjectEndCause as Cause};

use super::*;

/// What is said of the title last, on a day.
fn conclusion(facts: &[pb::Event], as_of: &str) -> String {
    Told::of(facts).explained(X, as_of).0
}

/// What is said of the last fact in the order of the fold.
fn last_step(facts: &[pb::Event], as_of: &str) -> String {
    Told::of(facts).explained(X, as_of).1.pop().unwrap()
}

#[test]
fn a_conclusion_says_why_a_title_ended() {
    let on = "2024-06-01";
    let ended = |end| conclusion(&[giant(X, "6", "2023-01-01"), end], on);
    let cases = [
        (
            revoked(X, "2024-05-01", Some("2027-04-30")),
            "revoked on 2024-05-01 for falsified data; banned to 2027-04-30",
        ),
        (surrendered(X, "2024-05-01"), "given up by the holder on 2024-05-01"),
        (
            subject_ended(X, "2024-05-01", Cause::Deregistered),
            "ended on 2024-05-01: its subject ceased to exist",
        ),
        (
            absorbed(X, &[Y], "2024-05-01"),
            "ended on 2024-05-01: another subject absorbed its subject",
        ),
        (transferred(X, Y, "2024-05-01", None), "ended on 2024-05-01: it passed to a successor"),
        (
            failed(X, GIANT, Failure::NotSubmitted, "2024-05-01"),
            "active: 2023-01-01 to 2025-12-31, both days included; not renewed: the holder did \
             not submit to its review",
        ),
    ];
    for (end, said) in cases {
        assert_eq!(ended(end), said);
    }
}

#[test]
fn a_conclusion_says_why_a_title_expired() {
    let facts = |end| vec![giant(X, "6", "2023-01-01"), end];
    let failed = failed(X, GIANT, Failure::NotUpToStandard, "2025-11-01");
    assert_eq!(
        conclusion(&facts(failed), "2026-01-01"),
        "expired: 2025-12-31 was its last day, to midnight in Asia/Shanghai; its review found the \
         holder not up to the standard"
    );
    assert_eq!(
        conclusion(&[giant(X, "6", "2023-01-01")], "2026-01-01"),
        "expired: 2025-12-31 was its last day, to midnight in Asia/Shanghai; nothing renewed it"
    );
}

#[test]
fn a_conclusion_says_why_an_entry_led_to_no_title() {
    let closed = |facts: &[pb::Event]| conclusion(facts, "2025-01-01");
    let notice = || notice(X, "6", "2024-10-15");
    assert_eq!(
        closed(&[notice(), withdrawn(X, "6", "2024-10-20")]),
        "not designated: the entry was withdrawn from the notice"
    );
    assert_eq!(
        closed(&[notice(), seal("6", "2024-11-05")]),
        "not designated: the list was sealed without it"
    );
    let upheld = resolved(MINISTRY, X, "6", "2024-10-21", (true, None));
    assert_eq!(
        closed(&[notice(), objected(MINISTRY, X, "6", "2024-10-18"), upheld]),
        "not designated: an objection was upheld"
    );
    assert_eq!(
        closed(&[withdrawn(X, "6", "2024-10-20")]),
        "not on record: the facts on record cannot apply"
    );
}

#[test]
fn a_fact_that_changes_nothing_says_why() {
    let giant = || giant(X, "6", "2023-01-01");
    let on = "2030-01-01";
    let ended = || subject_ended(X, "2024-01-01", Cause::Deregistered);
    let cases = [
        (
            vec![giant(), ended(), passed(X, "r", "2025-12-01", false)],
            "review passed in round r, to 2028-11-30, inferred from the catalogue: the title had \
             ended by then",
        ),
        (
            vec![super::giant(X, "7", "2025-01-01"), ended()],
            "designated in batch 7, to 2027-12-31, inferred from the catalogue: the subject had \
             ceased to exist by then",
        ),
        (
            vec![
                giant(),
                failed(X, GIANT, Failure::NotSubmitted, "2025-11-01"),
                passed(X, "q", "2025-12-01", false),
            ],
            "review passed in round q, to 2028-11-30, inferred from the catalogue: its review had \
             failed by then, and only a supplement renews it",
        ),
        (
            vec![giant(), absorbed(X, &[Y], "2024-01-01"), transferred(X, Z, "2024-02-01", None)],
            "passed to 91659001MA0000031P: the receiver is not among the recorded successors of \
             the subject",
        ),
        (
            vec![giant(), transferred(X, Y, "2026-02-01", None)],
            "passed to 91440300MA0000023W: the last day of the title was past",
        ),
        (
            vec![notice(X, "6", "2024-10-15"), objected(MINISTRY, X, "5", "2024-10-18")],
            "an objection was raised, batch 5: no entry in a notice of this batch and scope was \
             open",
        ),
        (
            vec![notice(X, "6", "2024-10-15"), dismissed(X, "6", "2024-10-18")],
            "the oldest open objection was dismissed, batch 6: no objection that it could decide \
             was open on its day",
        ),
    ];
    for (facts, said) in cases {
        assert_eq!(last_step(&facts, on), said);
    }
}

#[test]
fn a_step_of_the_recommendation_and_a_supplement_say_so() {
    let recommended =
        noticed(GUANGDONG, X, GIANT, "6", pb::NoticeScope::Recommendation, "2024-09-01");
    let objection = objected(GUANGDONG, X, "6", "2024-09-03");
    assert_eq!(
        Told::of(&[recommended, objection]).explained(X, "2025-01-01").1,
        [
            "notice of a new designation (recommendation), batch 6",
            "an objection was raised, batch 6 (recommendation)",
        ]
    );
    assert_eq!(
        last_step(&[passed(X, "r", "2025-12-01", true)], "2026-01-01"),
        "review passed in round r, by a supplement, to 2028-11-30, inferred from the catalogue"
    );
}
