//! Moves, names, codes, mergers and ends of enterprises.

use super::*;

#[tokio::test]
async fn case_01_a_move_to_another_province_keeps_the_title() {
    let book = Book::new();
    let mut first = giant(A, "4", "2022-09-01");
    if let Some(Fact::Designated(fact)) = &mut first.fact {
        fact.recommended_by = GUANGDONG.to_owned();
    }
    book.say(first).await;
    let way = (GUANGDONG, LIAONING);
    book.say(moved(GUANGDONG, A, "2023-02-01", way, "210100", Stage::Proposed)).await;
    let proposed = book.title(A, GIANT, "2023-03-01").unwrap();
    assert_eq!(proposed.status, Status::Active);
    assert!(proposed.flags.contains(Flag::RelocationProposed));
    assert_eq!(proposed.responsible.unwrap().as_str(), GUANGDONG);
    let confirmed =
        book.say(moved(MINISTRY, A, "2023-04-01", way, "210100", Stage::Confirmed)).await;
    let after = book.title(A, GIANT, "2023-04-01").unwrap();
    assert_eq!((after.status, after.responsible.unwrap().as_str()), (Status::Active, LIAONING));
    assert_eq!(book.shown(A, "2023-04-01").region.unwrap().to_string(), "210100");
    assert_eq!(book.concerned(confirmed), [MINISTRY, LIAONING, GUANGDONG]);
    // What follows concerns the new authority as well.
    let later = book.say(passed(A, GIANT, "2025", "2025-09-01")).await;
    assert!(book.concerned(later).contains(&LIAONING));
}

#[tokio::test]
async fn case_02_shenzhen_and_the_corps_are_other_authorities() {
    let book = Book::new();
    book.say(designated(GUANGDONG, A, SPECIALISED, "2021-1", "2021-01-01")).await;
    let way = (GUANGDONG, SHENZHEN);
    // Guangdong does not answer for Shenzhen, so it receives nobody there.
    let wrong =
        moved(GUANGDONG, A, "2022-01-01", (SHENZHEN, GUANGDONG), "440305", Stage::Confirmed);
    assert_eq!(book.refused(wrong).await, ["RelocationInvalid"]);
    book.say(moved(SHENZHEN, A, "2022-01-01", way, "440305", Stage::Confirmed)).await;
    let title = book.title(A, SPECIALISED, "2022-06-01").unwrap();
    assert_eq!(title.authority.as_str(), GUANGDONG, "the title stays with its issuer");
    assert_eq!(title.responsible.unwrap().as_str(), SHENZHEN);

    // From Xinjiang to the corps, with no change of region.
    book.say(designated("650000", C, SPECIALISED, "2021-1", "2021-01-01")).await;
    let mut stays = moved(XPCC, C, "2022-01-01", ("650000", XPCC), "659001", Stage::Confirmed);
    if let Some(Fact::Relocated(fact)) = &mut stays.fact {
        fact.from_region = "659001".to_owned();
    }
    book.say(stays.clone()).await;
    assert_eq!(book.shown(C, "2022-06-01").responsible.unwrap().as_str(), XPCC);
    if let Some(Fact::Relocated(fact)) = &mut stays.fact {
        fact.from_authority = XPCC.to_owned();
    }
    stays.effective_date = date("2022-02-01");
    assert_eq!(book.refused(stays).await, ["RelocationInvalid"], "a move that changes nothing");
}

#[tokio::test]
async fn case_03_a_rename_changes_nothing_but_the_name() {
    let book = Book::new();
    let mut first = giant(A, "3", "2021-08-01");
    if let Some(Fact::Designated(fact)) = &mut first.fact {
        fact.profile = profile("示例旧名有限公司", "110000");
    }
    book.say(first).await;
    let before = book.title(A, GIANT, "2023-01-01").unwrap();
    let renamed = pb::Renamed {
        old_name: "示例旧名有限公司".to_owned(),
        new_name: "示例新名有限公司".to_owned(),
        simple: true,
    };
    book.say(event(MINISTRY, A, "2022-01-01", Fact::Renamed(renamed))).await;
    let after = book.title(A, GIANT, "2023-01-01").unwrap();
    assert_eq!((before.batch, before.valid_to), (after.batch, after.valid_to));
    let register = book.ledger.register();
    for name in ["示例旧名有限公司", "示例新名有限公司"] {
        assert_eq!(register.find_by_name(name, 2).subjects.len(), 1, "{name}");
    }
}

#[tokio::test]
async fn case_04_a_rename_with_a_merger_is_a_restructuring() {
    let book = Book::new();
    book.say(giant(A, "3", "2021-08-01")).await;
    let renamed = pb::Renamed { old_name: "甲".into(), new_name: "乙".into(), simple: false };
    let refused = book.refused(event(MINISTRY, A, "2022-01-01", Fact::Renamed(renamed))).await;
    assert_eq!(refused, ["RenameNotSimple"]);
    let restructured = pb::Restructured {
        kind: pb::RestructuringKind::Absorption.into(),
        successors: vec![B.to_owned()],
        new_name: "乙".to_owned(),
        ends: false,
    };
    book.say(event(MINISTRY, A, "2022-01-01", Fact::Restructured(restructured))).await;
    let shown = book.shown(A, "2022-01-01");
    assert_eq!(shown.names.last().unwrap().name, "乙");
    assert_eq!(shown.titles[0].status, Status::Active);
    assert_eq!(book.shown(B, "2022-01-01").positions, [1], "the successor hears of it");
}

#[tokio::test]
async fn case_05_an_old_code_resolves_for_ever_and_is_never_reused() {
    let book = Book::new();
    book.say(giant(A, "3", "2021-08-01")).await;
    let link = book.say(linked(A, B, "2022-01-01", Why::Reregistered)).await;
    for code in [A, B] {
        let shown = book.shown(code, "2022-06-01");
        assert_eq!(shown.id.to_string(), B, "the code that is borne on the day");
        assert_eq!(shown.titles[0].status, Status::Active);
        assert_eq!(shown.ids.len(), 2);
    }
    assert_eq!(book.shown(B, "2021-12-31").id.to_string(), A, "the code before");
    assert_eq!(
        book.refused(linked(C, A, "2023-01-01", Why::Duplicate)).await,
        ["IdentifierLinkInvalid"]
    );
    assert_eq!(
        book.refused(linked(B, A, "2023-01-01", Why::Duplicate)).await,
        ["IdentifierLinkInvalid"]
    );
    // Unlinked again, each has what was stated of it.
    book.say(annulled(link)).await;
    assert!(book.shown(B, "2022-06-01").titles.is_empty());
    assert_eq!(book.stands(A, GIANT, "2022-06-01"), Some(Status::Active));
}

#[tokio::test]
async fn case_06_a_title_on_a_wrong_code_moves_to_its_holder() {
    let book = Book::new();
    let wrong = book.say(giant(A, "3", "2021-08-01")).await;
    let repair = book.say(corrected(wrong, giant(B, "3", "2021-08-01"))).await;
    assert!(book.shown(A, "2022-01-01").titles.is_empty());
    assert_eq!(book.stands(B, GIANT, "2022-01-01"), Some(Status::Active));
    for who in [A, B] {
        assert_eq!(book.shown(who, "2022-01-01").positions.last(), Some(&repair), "{who}");
    }
}

#[tokio::test]
async fn case_07_a_merger_without_a_transfer_gives_no_title() {
    let book = Book::new();
    book.record(vec![giant(A, "3", "2021-08-01"), giant(D, "4", "2022-08-01")]).await.unwrap();
    let absorbed = pb::Restructured {
        kind: pb::RestructuringKind::Absorption.into(),
        successors: vec![B.to_owned()],
        new_name: String::new(),
        ends: true,
    };
    let merger = book.say(event(MINISTRY, A, "2023-01-01", Fact::Restructured(absorbed))).await;
    assert_eq!(book.stands(A, GIANT, "2022-12-31"), Some(Status::Active));
    assert_eq!(book.stands(A, GIANT, "2023-01-01"), Some(Status::Ended));
    assert!(book.shown(B, "2023-01-01").titles.is_empty());

    let transfer = |on: &str, to: &str| {
        let (programme, successor) = (GIANT.to_owned(), to.to_owned());
        let fact = pb::TitleTransferred { programme, successor, ..Default::default() };
        event(MINISTRY, A, on, Fact::TitleTransferred(fact))
    };
    // The decision on the title comes weeks after the merger, and names the recorded successor.
    let passed_on = book.say(transfer("2023-02-01", B)).await;
    let title = book.title(B, GIANT, "2023-02-01").unwrap();
    assert_eq!((title.status, title.batch.as_str()), (Status::Active, "3"), "with its cohort");
    assert_eq!(title.valid_to.unwrap().to_string(), "2024-07-31", "and its end");
    let gone = book.title(A, GIANT, "2023-02-01").unwrap();
    assert_eq!((gone.status, gone.successor.unwrap().to_string()), (Status::Ended, B.to_owned()));
    // To somebody else it does not pass, and the warning says so.
    book.say(annulled(passed_on)).await;
    assert_eq!(book.warned(transfer("2023-02-01", D)).await, ["TitleNotHeld", "Conflicts"]);
    book.say(annulled(merger)).await;
    // To somebody who holds the title already: one remains.
    assert_eq!(book.stands(A, GIANT, "2023-02-01"), Some(Status::Ended));
    let kept = book.title(D, GIANT, "2023-02-01").unwrap();
    assert_eq!((kept.status, kept.batch.as_str()), (Status::Active, "4"));
}

#[tokio::test]
async fn case_08_a_deregistration_ends_titles_on_its_own_date() {
    let book = Book::new();
    book.say(giant(A, "4", "2022-09-01")).await;
    book.say(ended(MINISTRY, A, "2023-03-01")).await;
    assert_eq!(book.stands(A, GIANT, "2023-02-28"), Some(Status::Active));
    assert_eq!(book.stands(A, GIANT, "2023-03-01"), Some(Status::Ended));
    assert_eq!(book.refused(ended(MINISTRY, A, "2024-01-01")).await, ["SubjectEnded"]);
    assert_eq!(book.noted(giant(A, "6", "2024-09-01")).await, ["changes-nothing [1]"]);
    assert_eq!(book.stands(A, GIANT, "2024-09-01"), Some(Status::Ended));
    book.say(complete(MINISTRY, GIANT, Part::Titles, "2024-01-01")).await;
    assert_eq!(book.refused(giant(A, "7", "2025-09-01")).await, ["SubjectEnded"]);
}
