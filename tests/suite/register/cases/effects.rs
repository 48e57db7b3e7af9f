//! What is accepted and changes nothing warns, and so does what takes the effect of other facts:
//! events and repairs alike.

use super::*;

fn of_title(on: &str, fact: Fact) -> pb::Event {
    event(MINISTRY, A, on, fact)
}

fn opened(on: &str) -> pb::Event {
    let (programme, round) = (GIANT.to_owned(), "2021".to_owned());
    of_title(on, Fact::ReviewOpened(pb::ReviewOpened { programme, round, ..Default::default() }))
}

fn failed(on: &str) -> pb::Event {
    let fact = pb::ReviewFailed {
        programme: GIANT.to_owned(),
        round: "2021".to_owned(),
        cause: pb::ReviewFailureCause::NotSubmitted.into(),
        ..Default::default()
    };
    of_title(on, Fact::ReviewFailed(fact))
}

fn renamed(on: &str, from: &str, to: &str) -> pb::Event {
    let fact = pb::Renamed { old_name: from.into(), new_name: to.into(), simple: true };
    of_title(on, Fact::Renamed(fact))
}

/// A wrong year in a list puts a fact before the designation that it rests on.
#[tokio::test]
async fn a_fact_before_the_designation_changes_nothing() {
    let programme = || GIANT.to_owned();
    let ground = pb::RevocationGround::Other.into();
    let transferred = pb::TitleTransferred {
        programme: programme(),
        successor: B.to_owned(),
        ..Default::default()
    };
    let converted = pb::TitleConverted {
        from_programme: programme(),
        from_item: String::new(),
        to_programme: programme(),
        to_item: "甲".to_owned(),
        ..Default::default()
    };
    let ordered = pb::RectificationOrdered { programme: programme(), ..Default::default() };
    let proposed = pb::RevocationProposed { programme: programme(), ground, ..Default::default() };
    let facts = [
        opened("2020-03-01"),
        failed("2020-03-01"),
        of_title("2020-03-01", Fact::TitleTransferred(transferred)),
        of_title("2020-03-01", Fact::TitleConverted(converted)),
        of_title("2020-03-01", Fact::RectificationOrdered(ordered)),
        of_title("2020-03-01", Fact::RevocationProposed(proposed)),
    ];
    for fact in facts {
        let book = Book::new();
        book.say(giant(A, "3", "2021-08-01")).await;
        let kind = fact.fact.clone();
        let noted = book.noted(fact).await;
        assert!(noted.contains(&"changes-nothing [0]".to_owned()), "{kind:?}: {noted:?}");
    }
}

#[tokio::test]
async fn a_later_fact_may_take_the_effect_of_several() {
    let book = Book::new();
    book.say(giant(A, "1", "2019-06-05")).await;
    book.say(opened("2022-01-01")).await;
    book.say(passed(A, GIANT, "2022", "2022-06-05")).await;
    let revocation = revoked(MINISTRY, A, GIANT, "2021-01-01", None);
    assert_eq!(book.noted(revocation).await, ["effect-lost [1, 2]"]);
    assert_eq!(book.title(A, GIANT, "2023-01-01").unwrap().superseded, [1, 2]);
    // On the day of the revocation a designation comes first: the title is still in force.
    assert_eq!(book.noted(giant(A, "3", "2021-01-01")).await, ["changes-nothing [3]"]);
}

#[tokio::test]
async fn a_rename_to_the_name_that_is_borne_changes_nothing() {
    let book = Book::new();
    let mut first = giant(A, "3", "2021-08-01");
    if let Some(Fact::Designated(fact)) = &mut first.fact {
        fact.profile = profile("示例旧名有限公司", "");
    }
    book.say(first).await;
    let noted = book.noted(renamed("2022-01-01", "示例某名有限公司", "示例旧名有限公司")).await;
    assert_eq!(noted, ["changes-nothing [0]", "old-name-differs [0]"]);
    let noted = book.noted(renamed("2022-02-01", "示例旧名有限公司", "示例新名有限公司")).await;
    assert!(noted.is_empty(), "{noted:?}");
}

#[tokio::test]
async fn a_repair_names_what_it_leaves_without_effect() {
    let book = Book::new();
    let designation = book.say(giant(A, "1", "2019-06-05")).await;
    book.say(failed("2021-06-01")).await;
    // Corrected to a day after the failure, or annulled, the failure has no title to act on.
    let later = corrected(designation, giant(A, "1", "2021-07-01"));
    assert_eq!(book.noted(later).await, ["effect-lost [1]"]);
    let back = corrected(designation, giant(A, "1", "2019-06-05"));
    assert!(book.noted(back).await.is_empty());
    assert_eq!(book.noted(annulled(designation)).await, ["effect-lost [1]"]);
    assert_eq!(book.title(A, GIANT, "2022-01-01").unwrap().superseded, [1]);
    // To annul what changes nothing changes the list alone.
    assert!(book.noted(annulled(1)).await.is_empty());
}

#[tokio::test]
async fn a_correction_to_another_holder_is_compared_for_both() {
    let book = Book::new();
    let wrong = book.say(giant(A, "3", "2021-08-01")).await;
    book.say(failed("2022-06-01")).await;
    let right = giant(B, "3", "2021-08-01");
    book.say(giant(B, "4", "2022-08-01")).await;
    let noted = book.noted(corrected(wrong, right)).await;
    assert_eq!(noted, ["effect-lost [1, 2]"], "of the one, and of the other");
}

#[tokio::test]
async fn a_correction_that_repeats_both_names_changes_nothing() {
    let renamed = |old: &str, new: &str| {
        let (old_name, new_name) = (old.to_owned(), new.to_owned());
        let fact = pb::Renamed { old_name, new_name, simple: true };
        event(MINISTRY, A, "2022-01-01", Fact::Renamed(fact))
    };
    let book = Book::new();
    book.say(giant(A, "3", "2021-08-01")).await;
    let first = book.say(renamed("甲", "乙")).await;
    let same = book.noted(corrected(first, renamed("甲", "乙"))).await;
    assert_eq!(same, ["changes-nothing [1]"]);
    assert!(book.noted(corrected(first, renamed("丙", "乙"))).await.is_empty());
    assert!(book.noted(corrected(first, renamed("丙", "丁"))).await.is_empty());
}

#[tokio::test]
async fn a_repair_that_changes_nothing_says_so() {
    let book = Book::new();
    let first = book.say(giant(A, "3", "2021-08-01")).await;
    let same = corrected(first, giant(A, "3", "2021-08-01"));
    assert_eq!(book.noted(same).await, ["changes-nothing [0]"]);
    // Annulled, the correction leaves the event as it is as well.
    let second = book.say(giant(A, "4", "2022-08-01")).await;
    let annulment = book.say(annulled(second)).await;
    assert_eq!(book.noted(annulled(annulment)).await, ["changes-nothing"], "it is superseded");
    // The designation in its way is in force by the correction at position 1.
    let overlapping = corrected(second, giant(A, "4", "2023-08-01"));
    assert_eq!(book.noted(overlapping).await, ["changes-nothing [1]"]);
}

#[tokio::test]
async fn a_declaration_that_another_one_covers_changes_nothing() {
    let book = Book::new();
    let titles = |programme, on| complete(MINISTRY, programme, pb::RegisterPart::Titles, on);
    assert!(book.noted(titles(GIANT, "2024-01-01")).await.is_empty());
    assert_eq!(book.noted(titles(GIANT, "2025-01-01")).await, ["changes-nothing [0]"]);
    assert!(book.noted(titles(GIANT, "2023-01-01")).await.is_empty());
    // One of all programmes says more than one of a single programme, and covers it.
    assert!(book.noted(titles("", "2024-01-01")).await.is_empty());
    assert_eq!(book.noted(titles(SPECIALISED, "2024-06-01")).await, ["changes-nothing [3]"]);
    let notices = complete(MINISTRY, GIANT, pb::RegisterPart::Notices, "2025-01-01");
    assert!(book.noted(notices).await.is_empty());
}

#[tokio::test]
async fn a_second_repeal_changes_nothing() {
    let book = Book::new();
    let document = "工信部企业〔2022〕63号";
    let mut issued = event(
        MINISTRY,
        "",
        "2022-08-01",
        Fact::MeasuresIssued(pb::MeasuresIssued {
            instrument: pb::Instrument::Measures.into(),
            title: "办法".to_owned(),
            in_force_from: date("2022-08-01"),
            ..Default::default()
        }),
    );
    let evidence = pb::Evidence { document_number: document.to_owned(), ..Default::default() };
    issued.evidence = Some(evidence);
    book.say(issued).await;
    let repealed = |on: &str, position: Option<u64>| {
        let document_number = if position.is_none() { document.to_owned() } else { String::new() };
        let fact = pb::MeasuresRepealed { position, document_number };
        event(MINISTRY, "", on, Fact::MeasuresRepealed(fact))
    };
    assert!(book.noted(repealed("2026-04-01", None)).await.is_empty());
    assert_eq!(book.noted(repealed("2026-05-01", None)).await, ["changes-nothing [1]"]);
    assert!(book.noted(repealed("2026-03-01", Some(0))).await.is_empty());
    assert_eq!(book.noted(repealed("2026-06-01", Some(0))).await, ["changes-nothing [3]"]);
}

#[tokio::test]
async fn an_unknown_instrument_warns_until_all_measures_are_complete() {
    let repealed = || {
        let document_number = "工信部企业〔2099〕1号".to_owned();
        let fact = pb::MeasuresRepealed { position: None, document_number };
        event(MINISTRY, "", "2026-04-01", Fact::MeasuresRepealed(fact))
    };
    let book = Book::new();
    let catalogue = book.ledger.catalogue();
    for id in catalogue.ids() {
        assert_eq!(book.noted(repealed()).await[0], "instrument-unknown");
        book.say(complete(MINISTRY, catalogue.id_of(id), Part::Measures, "2020-01-01")).await;
    }
    assert_eq!(book.refused_by(repealed()).await, ["instrument-unknown"]);
}

#[tokio::test]
async fn a_move_to_where_the_designee_is_changes_nothing() {
    let book = Book::new();
    let mut first = giant(A, "3", "2021-08-01");
    let Some(Fact::Designated(fact)) = &mut first.fact else { unreachable!() };
    fact.profile = profile("示例有限公司", "330000");
    "330000".clone_into(&mut fact.recommended_by);
    book.say(first).await;
    let moved = |on: &str, stage: pb::RelocationStage| {
        let fact = pb::Relocated {
            from_region: "330000".to_owned(),
            to_region: "440000".to_owned(),
            from_authority: "330000".to_owned(),
            to_authority: "440000".to_owned(),
            stage: stage.into(),
        };
        event(MINISTRY, A, on, Fact::Relocated(fact))
    };
    let confirmed = |on| moved(on, pb::RelocationStage::Confirmed);
    assert!(book.noted(confirmed("2023-01-01")).await.is_empty());
    assert_eq!(book.noted(confirmed("2024-01-01")).await, ["changes-nothing [1]"]);
    // It decides a proposal.
    book.say(moved("2025-01-01", pb::RelocationStage::Proposed)).await;
    assert!(book.noted(confirmed("2025-02-01")).await.is_empty());
}

#[tokio::test]
async fn a_merger_takes_the_effect_of_a_transfer_to_somebody_else() {
    let transferred = |to: &str| {
        let (programme, successor) = (GIANT.to_owned(), to.to_owned());
        let fact = pb::TitleTransferred { programme, successor, ..Default::default() };
        event(MINISTRY, A, "2025-11-20", Fact::TitleTransferred(fact))
    };
    let merged = || {
        let kind = pb::RestructuringKind::Merger.into();
        let successors = vec![B.to_owned()];
        let fact = pb::Restructured { kind, successors, ends: true, ..Default::default() };
        event(MINISTRY, A, "2025-11-07", Fact::Restructured(fact))
    };
    // The title begins after the merger, so it never does; the successor of the merger is B.
    for (to, lost) in [(C, "effect-lost [0, 1]"), (B, "effect-lost [0]")] {
        let book = Book::new();
        book.say(giant(A, "7", "2025-11-13")).await;
        book.say(transferred(to)).await;
        assert_eq!(book.noted(merged()).await, [lost], "{to}");
        let lost = book.title(A, GIANT, "2025-11-25").unwrap().superseded;
        assert_eq!(lost, if to == C { vec![0, 1] } else { vec![0] }, "{to}");
    }
}
