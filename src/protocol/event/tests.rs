//! Facts as the register gets them: the step of a notice, the words of a revocation, and the values
//! that only the server sets.

use prost::Message as _;

use super::*;
use crate::{
    domain::{
        CivilDate, PartialDate,
        event::{Fact, Ground, Restructuring, ReviewFailureCause, SubjectEndCause, TitleFact},
        event::{SubjectFact, Validity},
    },
    protocol::{pb::event::Fact as Pb, time::pb_date},
};

const DESIGNEE: &str = "914403001922038216";

fn day(iso: &str) -> CivilDate {
    PartialDate::parse_iso(iso).unwrap().first_day()
}

fn said(authority: &str, fact: Pb) -> pb::Event {
    pb::Event {
        authority: authority.to_owned(),
        designee: DESIGNEE.to_owned(),
        effective_date: Some(pb_date(day("2024-01-10"))),
        fact: Some(fact),
        ..Default::default()
    }
}

/// The fact of an event as a caller's and as the log's; both must read the same.
fn read(authority: &str, fact: Pb) -> Fact {
    let catalogue = Catalogue::built_in();
    let proposed = proposal(&catalogue, 0, said(authority, fact)).unwrap();
    let stored = stored_event(&catalogue, &proposed.body).unwrap();
    assert_eq!(stored, proposed.event);
    stored.fact
}

fn title_fact(authority: &str, fact: Pb) -> TitleFact {
    match read(authority, fact) {
        Fact::Title { fact, .. } => fact,
        other => panic!("{other:?}"),
    }
}

fn subject_fact(fact: Pb) -> SubjectFact {
    match read("100000", fact) {
        Fact::Subject { fact, .. } => fact,
        other => panic!("{other:?}"),
    }
}

/// Whether facts about an entry of a notice are about a recommending authority's step.
fn steps(authority: &str, scope: pb::NoticeScope) -> [bool; 3] {
    let (programme, batch) = ("little-giant".to_owned(), "1".to_owned());
    let raised = pb::ObjectionRaised {
        programme: programme.clone(),
        batch: batch.clone(),
        scope: scope.into(),
        ..Default::default()
    };
    let resolved = pb::ObjectionResolved {
        programme: programme.clone(),
        batch: batch.clone(),
        outcome: pb::ObjectionOutcome::Upheld.into(),
        scope: scope.into(),
        ..Default::default()
    };
    let withdrawn =
        pb::NoticeWithdrawn { programme, batch, scope: scope.into(), ..Default::default() };
    let facts = [
        Pb::ObjectionRaised(raised),
        Pb::ObjectionResolved(resolved),
        Pb::NoticeWithdrawn(withdrawn),
    ];
    facts.map(|fact| match title_fact(authority, fact) {
        TitleFact::ObjectionRaised { recommendation, .. }
        | TitleFact::ObjectionResolved { recommendation, .. }
        | TitleFact::NoticeWithdrawn { recommendation, .. } => recommendation,
        other => panic!("{other:?}"),
    })
}

#[test]
fn a_step_that_is_not_stated_follows_the_issuer() {
    use pb::NoticeScope as Scope;
    for (authority, scope, expected) in [
        ("100000", Scope::Unspecified, false),
        ("440000", Scope::Unspecified, true),
        ("100000", Scope::Recommendation, true),
        ("440000", Scope::Decision, false),
        ("440000", Scope::Recommendation, true),
    ] {
        assert_eq!(steps(authority, scope), [expected; 3], "{authority} {scope:?}");
    }
    // A notice without a step is a decision, whoever opens it.
    let opened = pb::NoticeOpened {
        programme: "little-giant".to_owned(),
        batch: "1".to_owned(),
        purpose: pb::NoticePurpose::New.into(),
        supplement: true,
        ..Default::default()
    };
    let fact = title_fact("440000", Pb::NoticeOpened(opened));
    let stated = matches!(fact, TitleFact::NoticeOpened { recommendation, supplement, .. }
        if !recommendation && supplement);
    assert!(stated, "{fact:?}");
}

#[test]
fn a_provincial_title_is_decided_by_its_issuer() {
    let raised = pb::ObjectionRaised {
        programme: "specialised-sme".to_owned(),
        batch: "1".to_owned(),
        ..Default::default()
    };
    let fact = title_fact("440000", Pb::ObjectionRaised(raised));
    assert_eq!(fact, TitleFact::ObjectionRaised { batch: "1".to_owned(), recommendation: false });
}

#[test]
fn a_step_that_this_version_does_not_know_is_not_guessed() {
    let raised = pb::ObjectionRaised {
        programme: "little-giant".to_owned(),
        batch: "1".to_owned(),
        scope: 9,
        ..Default::default()
    };
    let event = said("100000", Pb::ObjectionRaised(raised));
    let catalogue = Catalogue::built_in();
    let faults = proposal(&catalogue, 0, event.clone()).unwrap_err();
    assert_eq!(faults.first().unwrap().field, "objection_raised.scope");
    assert!(stored_event(&catalogue, &event.encode_to_vec()).is_err());
}

#[test]
fn an_objection_is_resolved_by_its_position() {
    let resolved = pb::ObjectionResolved {
        programme: "little-giant".to_owned(),
        batch: "1".to_owned(),
        outcome: pb::ObjectionOutcome::Dismissed.into(),
        objection: Some(0),
        ..Default::default()
    };
    let fact = title_fact("100000", Pb::ObjectionResolved(resolved));
    let TitleFact::ObjectionResolved { upheld, objection, .. } = fact else { panic!("{fact:?}") };
    assert_eq!((upheld, objection), (false, Some(0)));
}

#[test]
fn reviews_say_their_cohort_cause_and_supplement() {
    let (programme, batch, round) = ("little-giant".to_owned(), "1".to_owned(), "4".to_owned());
    let passed = pb::ReviewPassed {
        programme: programme.clone(),
        batch: batch.clone(),
        round: round.clone(),
        supplement: true,
        ..Default::default()
    };
    let validity = Validity { to: Some(day("2027-01-09")), inferred: true };
    let expected = TitleFact::ReviewPassed {
        batch: batch.clone(),
        round: round.clone(),
        validity,
        supplement: true,
    };
    assert_eq!(title_fact("100000", Pb::ReviewPassed(passed)), expected);
    let cause = pb::ReviewFailureCause::NotUpToStandard.into();
    let failed = pb::ReviewFailed {
        programme,
        batch: batch.clone(),
        round,
        cause,
        supplement: true,
        ..Default::default()
    };
    let fact = title_fact("100000", Pb::ReviewFailed(failed));
    let TitleFact::ReviewFailed { cause, supplement, .. } = fact else { panic!("{fact:?}") };
    assert_eq!((cause, supplement), (Some(ReviewFailureCause::NotUpToStandard), true));
}

#[test]
fn a_cause_or_kind_that_is_not_known_is_read_without_it() {
    let catalogue = Catalogue::built_in();
    let stored = |fact| {
        let event = said("100000", fact);
        assert!(proposal(&catalogue, 0, event.clone()).is_err());
        stored_event(&catalogue, &event.encode_to_vec()).unwrap().fact
    };
    let ended = stored(Pb::SubjectEnded(pb::SubjectEnded { cause: 99 }));
    let Fact::Subject { fact, .. } = ended else { panic!() };
    assert_eq!(fact, SubjectFact::Ended { cause: None });
    let programme = "little-giant".to_owned();
    let revoked = stored(Pb::Revoked(pb::Revoked { programme, ground: 99, ..Default::default() }));
    let Fact::Title { fact, .. } = revoked else { panic!() };
    assert_eq!(fact, TitleFact::Revoked { ground: None, ban_until: None, inferred: false });
}

#[test]
fn ends_and_restructurings_say_why() {
    let ended = |cause: pb::SubjectEndCause| {
        subject_fact(Pb::SubjectEnded(pb::SubjectEnded { cause: cause.into() }))
    };
    for (stated, cause) in [
        (pb::SubjectEndCause::Deregistered, SubjectEndCause::Deregistered),
        (pb::SubjectEndCause::LicenceRevoked, SubjectEndCause::LicenceRevoked),
        (pb::SubjectEndCause::Absorbed, SubjectEndCause::Absorbed),
    ] {
        assert_eq!(ended(stated), SubjectFact::Ended { cause: Some(cause) });
    }
    for (stated, expected) in [
        (pb::RestructuringKind::Merger, Restructuring::Merger),
        (pb::RestructuringKind::Absorption, Restructuring::Absorption),
        (pb::RestructuringKind::Division, Restructuring::Division),
        (pb::RestructuringKind::Reorganisation, Restructuring::Reorganisation),
    ] {
        let restructured = pb::Restructured {
            kind: stated.into(),
            successors: vec!["911100001000000046".to_owned()],
            ..Default::default()
        };
        let fact = subject_fact(Pb::Restructured(restructured));
        let SubjectFact::Restructured { kind, .. } = fact else { panic!("{fact:?}") };
        assert_eq!(kind, Some(expected));
    }
}

#[test]
fn the_flag_of_an_inferred_ban_is_the_servers() {
    let revoked = pb::Revoked {
        programme: "little-giant".to_owned(),
        ground: pb::RevocationGround::BelowStandard.into(),
        ban_until: Some(pb_date(day("2030-01-01"))),
        ban_until_inferred: true,
        ..Default::default()
    };
    let event = said("100000", Pb::Revoked(revoked));
    let catalogue = Catalogue::built_in();
    let ground = Some(Ground::BelowStandard);
    let expected = |inferred| {
        let ban_until = Some(day("2030-01-01"));
        TitleFact::Revoked { ground, ban_until, inferred }
    };
    let of = |event: Event| match event.fact {
        Fact::Title { fact, .. } => fact,
        other => panic!("{other:?}"),
    };
    assert_eq!(of(proposal(&catalogue, 0, event.clone()).unwrap().event), expected(false));
    // On record it is taken as it is.
    assert_eq!(of(stored_event(&catalogue, &event.encode_to_vec()).unwrap()), expected(true));
}

/// The ban of a revocation, as a caller states it: the last day that is kept, and its flag.
fn ban(
    programme: &str,
    ground: pb::RevocationGround,
    stated: Option<&str>,
) -> Option<(String, bool)> {
    let revoked = pb::Revoked {
        programme: programme.to_owned(),
        ground: ground.into(),
        ban_until: stated.map(|iso| pb_date(day(iso))),
        ..Default::default()
    };
    match title_fact("100000", Pb::Revoked(revoked)) {
        TitleFact::Revoked { ban_until, inferred, .. } => {
            assert!(ban_until.is_some() || !inferred);
            ban_until.map(|day| (day.to_string(), inferred))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_serious_ground_without_a_ban_gets_the_catalogues() {
    use pb::RevocationGround as G;
    let inferred = Some(("2027-01-09".to_owned(), true));
    for ground in [
        G::SafetyAccident,
        G::QualityAccident,
        G::PollutionAccident,
        G::Dishonesty,
        G::TaxEvasion,
        G::Falsification,
    ] {
        assert_eq!(ban("little-giant", ground, None), inferred, "{ground:?}");
        let stated = ban("little-giant", ground, Some("2030-12-31"));
        assert_eq!(stated, Some(("2030-12-31".to_owned(), false)), "{ground:?}");
    }
    for ground in [G::BelowStandard, G::DutyNotMet, G::ReviewNotSubmitted, G::Other] {
        assert_eq!(ban("little-giant", ground, None), None, "{ground:?}");
    }
    // A programme without a number of years bars nobody by itself.
    assert_eq!(ban("single-item-champion", G::Falsification, None), None);
}

#[test]
fn a_ban_is_inferred_in_a_correction_and_never_in_the_log() {
    let revoked = pb::Revoked {
        programme: "little-giant".to_owned(),
        ground: pb::RevocationGround::Falsification.into(),
        ..Default::default()
    };
    let revoked = said("100000", Pb::Revoked(revoked));
    let corrected = pb::Corrected {
        position: Some(0),
        replacement: Some(Box::new(revoked.clone())),
        reason: "wrong in the list".to_owned(),
    };
    let mut correction = said("100000", Pb::Corrected(Box::new(corrected)));
    correction.designee.clear();
    let catalogue = Catalogue::built_in();
    let proposed = proposal(&catalogue, 0, correction.clone()).unwrap();
    let bans = |event: Event| match event.fact {
        Fact::Repair { replacement: Some(event), .. } => match event.fact {
            Fact::Title { fact: TitleFact::Revoked { ban_until, inferred, .. }, .. } => {
                (ban_until, inferred)
            }
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    let expected = (Some(day("2027-01-09")), true);
    assert_eq!(bans(proposed.event), expected);
    let stored = stored_event(&catalogue, &proposed.body).unwrap();
    assert_eq!(bans(stored), expected);
    assert_eq!(bans(stored_event(&catalogue, &correction.encode_to_vec()).unwrap()), (None, false));
    let stored = stored_event(&catalogue, &revoked.encode_to_vec()).unwrap();
    let Fact::Title { fact: TitleFact::Revoked { ban_until, .. }, .. } = stored.fact else {
        panic!("{stored:?}")
    };
    assert_eq!(ban_until, None);
}
