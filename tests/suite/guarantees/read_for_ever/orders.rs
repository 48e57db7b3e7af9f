//! Facts that contradict others whatever was recorded first: earlier versions took some of them in
//! one order.

use tidu::protocol::pb::{self, event::Fact};

use super::cases::{Case, little_giant};
use crate::support::{A, B, date, failed, ministry, notice, passed, revoked};

fn programme() -> String {
    "little-giant".to_owned()
}

fn raised(on: &str, batch: &str) -> pb::Event {
    let batch = batch.to_owned();
    let fact = pb::ObjectionRaised { programme: programme(), batch, ..Default::default() };
    ministry(A, on, Fact::ObjectionRaised(fact))
}

fn resolved(on: &str, batch: &str, objection: u64) -> pb::Event {
    let fact = pb::ObjectionResolved {
        programme: programme(),
        batch: batch.to_owned(),
        outcome: pb::ObjectionOutcome::Dismissed.into(),
        objection: Some(objection),
        ..Default::default()
    };
    ministry(A, on, Fact::ObjectionResolved(fact))
}

/// A notice to 7 June 2019.
fn short_notice() -> pb::Event {
    let mut event = notice(A, "1", "2019-06-01");
    let Some(Fact::NoticeOpened(fact)) = &mut event.fact else { unreachable!() };
    fact.notice_to = date("2019-06-07");
    event
}

/// A's new code is B.
fn linked() -> pb::Event {
    let reason = pb::IdentifierChangeReason::Reregistered.into();
    let fact = pb::IdentifierChanged { new_designee: B.to_owned(), reason };
    ministry(A, "2023-01-01", Fact::IdentifierChanged(fact))
}

pub fn cases() -> Vec<Case> {
    let case = |what, reason, history, event| Case { what, reason, history, event };
    let first = || vec![little_giant()];
    let with = |event| vec![little_giant(), event];
    let reinstated = |position| {
        let position = Some(position);
        let fact = pb::Reinstated { programme: programme(), position, ..Default::default() };
        ministry(A, "2021-01-01", Fact::Reinstated(fact))
    };
    vec![
        case(
            "a ban over a later designation",
            "Banned",
            with(crate::support::little_giant(A, "4", "2022-09-01")),
            revoked(A, "2021-01-01", Some("2024-01-01")),
        ),
        case(
            "a link that puts an application into a ban",
            "Banned",
            vec![
                little_giant(),
                revoked(A, "2021-01-01", Some("2024-01-01")),
                crate::support::little_giant(B, "4", "2022-09-01"),
            ],
            linked(),
        ),
        case(
            "a pass in a round that failed",
            "TitleNotHeld",
            with(failed(A, "little-giant", "2022-06-01")),
            passed(A, "2022-06-05"),
        ),
        case(
            "a failure in a round that was passed",
            "TitleNotHeld",
            with(passed(A, "2022-06-05")),
            failed(A, "little-giant", "2022-06-01"),
        ),
        case(
            "a notice that ended before a recorded objection",
            "ObjectionLate",
            vec![raised("2019-06-10", "1")],
            short_notice(),
        ),
        case(
            "a resolution of an objection of another batch",
            "ReferenceInvalid",
            vec![notice(A, "1", "2019-06-01"), raised("2019-06-02", "1")],
            resolved("2019-06-03", "2", 1),
        ),
        case(
            "a resolution before its objection",
            "ReferenceInvalid",
            vec![notice(A, "1", "2019-06-01"), raised("2019-06-05", "1")],
            resolved("2019-06-03", "1", 1),
        ),
        case("a reinstatement after a designation", "ReferenceInvalid", first(), reinstated(0)),
    ]
}
