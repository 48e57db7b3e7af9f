//! Batches, lists, and what follows from a part that is declared complete.

use tidu::{
    domain::event::BatchRef,
    register::{AsOf, BatchState},
};

use super::*;

#[tokio::test]
async fn case_16_what_is_submitted_twice_is_recorded_once() {
    let book = Book::new();
    book.say(giant(A, "1", "2019-06-05")).await;
    // Under another request, the same document and row are told by what they say.
    assert_eq!(book.refused(giant(A, "1", "2019-06-05")).await, ["TitleAlreadyHeld"]);
    book.say(passed(A, GIANT, "2022", "2022-06-05")).await;
    assert_eq!(book.refused(passed(A, GIANT, "2022", "2022-06-05")).await, ["AlreadyRecorded"]);
    let updated = pb::InformationUpdated { programme: String::new(), year: 2023 };
    book.say(event(MINISTRY, A, "2023-04-01", Fact::InformationUpdated(updated.clone()))).await;
    let again = event(MINISTRY, A, "2023-04-02", Fact::InformationUpdated(updated));
    assert_eq!(book.refused(again).await, ["AlreadyRecorded"]);
}

#[tokio::test]
async fn case_17_a_name_twice_in_a_list_is_refused_with_its_rows() {
    let book = Book::new();
    let row = |mut event: pb::Event, row: u32, sublist: &str| {
        event.evidence.as_mut().unwrap().row = row;
        match &mut event.fact {
            Some(Fact::Designated(fact)) => fact.sublist = sublist.to_owned(),
            Some(Fact::NoticeOpened(fact)) => fact.sublist = sublist.to_owned(),
            _ => {}
        }
        event
    };
    let list = vec![
        row(giant(A, "4", "2022-09-01"), 12, GUANGDONG),
        row(giant(B, "4", "2022-09-01"), 13, GUANGDONG),
        row(giant(A, "4", "2022-09-01"), 40, GUANGDONG),
    ];
    let told = book.told(list).await;
    // The earlier entry is in the same list, which is not recorded: it has a row and no position.
    assert_eq!(told, "[2] designee: is designated in batch 4 already, rows 12 and 40\n");
    assert_eq!(book.ledger.durable().size, 0, "nothing of the list is recorded");
    book.say(row(giant(A, "4", "2022-09-01"), 12, GUANGDONG)).await;
    let told = book.told(vec![row(giant(A, "4", "2022-09-01"), 7, LIAONING)]).await;
    assert!(told.contains("rows 12 and 7") && told.contains("sub-list 440000"), "{told}");
    let noticed = |line, sublist| {
        row(notice(MINISTRY, C, GIANT, "4", "2022-08-01", "2022-08-05"), line, sublist)
    };
    let told = book.told(vec![noticed(3, GUANGDONG), noticed(9, LIAONING)]).await;
    assert_eq!(told, "[1] designee: is in the notice of batch 4 already (rows 3 and 9)\n");
    book.say(noticed(3, GUANGDONG)).await;
    let told = book.told(vec![noticed(9, LIAONING)]).await;
    assert!(told.contains("already, at position 1 (rows 3 and 9)"), "{told}");
}

#[tokio::test]
async fn case_18_a_batch_of_9271_rows_is_recorded_whole() {
    let book = Book::new();
    let enterprises = crate::support::made_up(18, 9_271);
    let mut list: Vec<_> = enterprises
        .iter()
        .map(|e| designated(GUANGDONG, &e.uscc.to_string(), SPECIALISED, "2022-1", "2023-01-18"))
        .collect();
    let twice = list[3].clone();
    list.push(twice);
    assert_eq!(book.record(list.clone()).await.unwrap_err(), ["TitleAlreadyHeld"]);
    assert_eq!((book.ledger.durable().size, book.ledger.register().designee_count()), (0, 0));
    list.pop();
    book.record(list).await.unwrap();
    assert_eq!(book.ledger.durable().size, 9_271);
    book.say(sealed(GUANGDONG, SPECIALISED, "2022-1", "", "2023-01-18", Some((9_271, 0)))).await;
}

#[tokio::test]
async fn case_19_one_batch_carries_two_lists_and_two_rule_versions() {
    let book = Book::new();
    book.say(giant(A, "5", "2023-07-01")).await;
    let mut renewed = passed(A, GIANT, "8", "2026-07-01");
    renewed.rule_version = "2022".to_owned();
    let mut new = giant(B, "8", "2026-07-01");
    new.rule_version = "2026".to_owned();
    book.record(vec![renewed, new]).await.unwrap();
    assert_eq!(book.title(A, GIANT, "2026-08-01").unwrap().rule_version, "2022");
    assert_eq!(book.title(B, GIANT, "2026-08-01").unwrap().rule_version, "2026");
    assert_eq!(book.title(A, GIANT, "2026-08-01").unwrap().batch, "5", "the cohort is kept");
    let wrong = sealed(MINISTRY, GIANT, "8", "", "2026-07-02", Some((1, 2)));
    assert_eq!(book.refused(wrong).await, ["CountMismatch"]);
    book.say(sealed(MINISTRY, GIANT, "8", "", "2026-07-02", Some((1, 1)))).await;
}

#[tokio::test]
async fn case_20_an_empty_sub_list_is_confirmed_and_not_missing() {
    let book = Book::new();
    let mut one = giant(A, "7", "2025-10-01");
    if let Some(Fact::Designated(fact)) = &mut one.fact {
        fact.sublist = GUANGDONG.to_owned();
    }
    book.say(one).await;
    assert_eq!(
        book.refused(sealed(MINISTRY, GIANT, "9", XPCC, "2025-10-02", None)).await,
        ["BatchUnknown"]
    );
    book.say(sealed(MINISTRY, GIANT, "7", XPCC, "2025-10-02", Some((0, 0)))).await;
    book.say(sealed(MINISTRY, GIANT, "7", GUANGDONG, "2025-10-02", Some((1, 0)))).await;
    let batch = BatchRef {
        programme: book.ledger.catalogue().find(GIANT).unwrap(),
        authority: AuthorityCode::ministry(),
        batch: "7".to_owned(),
        sublist: None,
    };
    let moment = AsOf { valid_on: day("2025-11-01"), known_at: 3 };
    let view = book.ledger.register().batch(&batch, moment, true).unwrap();
    let state =
        |code: &str| view.sublists.iter().find(|s| s.sublist.as_str() == code).unwrap().state;
    assert_eq!(view.sublists.len(), 37);
    assert_eq!(state(XPCC), BatchState::SealedEmpty);
    assert_eq!(state(GUANGDONG), BatchState::Sealed);
    assert_eq!(state(LIAONING), BatchState::Missing);
    assert_eq!(view.state, BatchState::Open);
}

#[tokio::test]
async fn case_21_a_contested_entry_stays_open_in_its_batch() {
    let book = Book::new();
    for who in [A, B, C] {
        book.say(notice(MINISTRY, who, GIANT, "4", "2022-08-08", "2022-08-12")).await;
    }
    let raised = |on| {
        let (programme, batch) = (GIANT.to_owned(), "4".to_owned());
        let fact = pb::ObjectionRaised { programme, batch, ..Default::default() };
        event(MINISTRY, B, on, Fact::ObjectionRaised(fact))
    };
    assert_eq!(book.refused(raised("2022-08-13")).await, ["ObjectionLate"]);
    book.say(raised("2022-08-12")).await;
    book.say(giant(A, "4", "2022-09-01")).await;
    book.say(sealed(MINISTRY, GIANT, "4", "", "2022-09-02", Some((1, 0)))).await;
    let contested = book.title(B, GIANT, "2022-09-03").unwrap();
    assert_eq!(contested.status, Status::Noticed);
    assert!(contested.flags.contains(Flag::NoticeContested));
    assert_eq!(book.stands(C, GIANT, "2022-09-03"), Some(Status::NotDesignated));
    let resolved = pb::ObjectionResolved {
        programme: GIANT.to_owned(),
        batch: "4".to_owned(),
        outcome: pb::ObjectionOutcome::Dismissed.into(),
        ..Default::default()
    };
    book.say(event(MINISTRY, B, "2022-09-20", Fact::ObjectionResolved(resolved))).await;
    assert_eq!(book.stands(B, GIANT, "2022-09-20"), Some(Status::Noticed), "awaits the supplement");
    assert_eq!(book.refused(giant(B, "4", "2022-10-01")).await, ["BatchSealed"]);
    let mut supplement = giant(B, "4", "2022-10-01");
    if let Some(Fact::Designated(fact)) = &mut supplement.fact {
        fact.supplement = true;
    }
    book.say(supplement).await;
    assert_eq!(book.title(B, GIANT, "2022-10-01").unwrap().batch, "4");
}

#[tokio::test]
async fn case_22_entries_never_designated_close_at_the_seal() {
    let book = Book::new();
    for who in [A, B] {
        book.say(notice(MINISTRY, who, GIANT, "2", "2020-11-02", "2020-11-06")).await;
    }
    book.say(giant(A, "2", "2021-01-01")).await;
    book.say(sealed(MINISTRY, GIANT, "2", "", "2021-01-05", Some((1, 0)))).await;
    assert_eq!(book.stands(B, GIANT, "2021-01-04"), Some(Status::Noticed));
    assert_eq!(book.stands(B, GIANT, "2021-01-05"), Some(Status::NotDesignated));
}

#[tokio::test]
async fn case_23_a_notice_shorter_than_five_working_days_warns() {
    let book = Book::new();
    // 1 to 5 May 2023 has five weekdays, but only two of them were working days.
    let short = notice("410000", A, SPECIALISED, "2023-1", "2023-05-01", "2023-05-05");
    assert_eq!(book.warned(short).await, ["NoticeShort"]);
    let usual = notice(MINISTRY, A, GIANT, "3", "2021-07-19", "2021-07-23");
    assert!(book.warned(usual).await.is_empty());
}

#[tokio::test]
async fn a_short_notice_names_years_of_unknown_holidays() {
    let book = Book::new();
    for (batch, from, to, told) in [
        ("1", "2023-05-01", "2023-05-05", "the notice is open on 2 working days"),
        (
            "2",
            "2018-12-31",
            "2019-01-03",
            "the notice is open on 3 working days; the public holidays of 2018 are not known",
        ),
        (
            "3",
            "2027-12-30",
            "2028-01-03",
            "the notice is open on 3 working days; the public holidays of 2027, 2028 are not known",
        ),
    ] {
        let short = notice("410000", A, SPECIALISED, batch, from, to);
        let receipt = book.ledger.append(commit(vec![short])).await.unwrap();
        assert!(
            receipt.warnings.iter().any(|warning| warning.breach.to_string() == told),
            "{told}"
        );
    }
}

#[tokio::test]
async fn absence_warns_until_the_part_is_complete_and_then_rejects() {
    let book = Book::new();
    let mut first = giant(A, "5", "2023-07-01");
    if let Some(Fact::Designated(fact)) = &mut first.fact {
        fact.recommended_by = GUANGDONG.to_owned();
        fact.recommended_on = date("2023-03-01");
    }
    assert_eq!(book.warned(first.clone()).await, ["PrerequisiteMissing", "NoticeMissing"]);
    book.say(complete(GUANGDONG, SPECIALISED, Part::Titles, "2023-03-01")).await;
    first.designee = B.to_owned();
    assert_eq!(book.refused(first.clone()).await, ["PrerequisiteMissing"]);
    // Judged on the day of the recommendation: a day before the declaration it only warns.
    if let Some(Fact::Designated(fact)) = &mut first.fact {
        fact.recommended_on = date("2023-02-28");
    }
    assert_eq!(book.warned(first).await, ["PrerequisiteMissing", "NoticeMissing"]);

    book.say(complete(GUANGDONG, "", Part::Measures, "2024-01-01")).await;
    book.say(complete(GUANGDONG, INNOVATIVE, Part::Notices, "2024-01-01")).await;
    let innovative = |on| designated(GUANGDONG, C, INNOVATIVE, "2024-1", on);
    assert_eq!(book.refused(innovative("2024-01-01")).await, ["NoticeMissing", "MeasuresMissing"]);
    assert_eq!(book.warned(innovative("2023-12-31")).await, ["NoticeMissing", "MeasuresMissing"]);
    let measures = pb::MeasuresIssued {
        instrument: pb::Instrument::Measures.into(),
        title: "示例管理办法".to_owned(),
        ..Default::default()
    };
    let issued = book.say(event(GUANGDONG, "", "2024-02-01", Fact::MeasuresIssued(measures))).await;
    let noticed = notice(GUANGDONG, D, INNOVATIVE, "2024-1", "2024-02-05", "2024-02-09");
    book.say(noticed).await;
    assert!(
        book.warned(designated(GUANGDONG, D, INNOVATIVE, "2024-1", "2024-03-01")).await.is_empty()
    );
    let repealed = pb::MeasuresRepealed { position: Some(issued), ..Default::default() };
    book.say(event(GUANGDONG, "", "2024-06-01", Fact::MeasuresRepealed(repealed))).await;
    let mut late = designated(GUANGDONG, B, INNOVATIVE, "2024-2", "2024-06-01");
    late.co_issuers.clear();
    assert_eq!(book.refused(late).await, ["NoticeMissing", "MeasuresMissing"]);
}

/// Two corrections of one declaration in one commit: the rules see each of them.
#[tokio::test]
async fn a_second_correction_of_a_declaration_counts_at_once() {
    let book = Book::new();
    let declared = |part| complete(MINISTRY, GIANT, part, "2023-01-01");
    let position = book.say(declared(Part::Titles)).await;
    let events = vec![
        corrected(position, declared(Part::Notices)),
        passed(A, GIANT, "2025", "2025-09-01"),
        corrected(position, declared(Part::Titles)),
        passed(B, GIANT, "2025", "2025-09-01"),
    ];
    // The titles are not declared complete for A, and again are for B.
    let message = "[3] review_passed.programme: no such title is on record\n";
    assert_eq!(book.told(events).await, message);
}

/// A correction may state a fact of another authority in its place.
#[tokio::test]
async fn a_declaration_corrected_to_another_authority_is_its_own() {
    let book = Book::new();
    let declared = |issuer| complete(issuer, INNOVATIVE, Part::Notices, "2020-01-01");
    let position = book.say(declared(LIAONING)).await;
    let of = |issuer| designated(issuer, A, INNOVATIVE, "2024-1", "2024-01-01");
    assert_eq!(book.refused(of(LIAONING)).await, ["NoticeMissing"]);
    book.say(corrected(position, declared(GUANGDONG))).await;
    assert_eq!(book.refused(of(GUANGDONG)).await, ["NoticeMissing"]);
    book.say(of(LIAONING)).await;
}

/// The events of one commit ask about days before and after the first one declared.
#[tokio::test]
async fn of_two_declarations_the_earlier_day_counts() {
    let book = Book::new();
    book.say(complete(MINISTRY, GIANT, Part::Titles, "2023-03-01")).await;
    book.say(complete(MINISTRY, GIANT, Part::Titles, "2023-06-01")).await;
    let events = vec![
        passed(A, GIANT, "2023", "2023-02-28"),
        passed(B, GIANT, "2023", "2023-03-01"),
        passed(C, GIANT, "2023", "2023-02-28"),
    ];
    let message = "[1] review_passed.programme: no such title is on record\n";
    assert_eq!(book.told(events).await, message);
}

#[tokio::test]
async fn a_missed_yearly_update_loses_the_review_once_complete() {
    let book = Book::new();
    let mut first = giant(A, "4", "2022-09-01");
    if let Some(Fact::Designated(fact)) = &mut first.fact {
        fact.recommended_by = GUANGDONG.to_owned();
    }
    book.say(first).await;
    let updated = |year: u32, on| {
        let fact = pb::InformationUpdated { programme: String::new(), year };
        event(GUANGDONG, A, on, Fact::InformationUpdated(fact))
    };
    book.say(updated(2023, "2023-04-30")).await;
    book.say(complete(GUANGDONG, "", Part::InformationUpdates, "2023-01-01")).await;
    assert!(!book.title(A, GIANT, "2024-04-30").unwrap().flags.contains(Flag::ReviewIneligible));
    assert!(book.title(A, GIANT, "2024-05-01").unwrap().flags.contains(Flag::ReviewIneligible));
    assert_eq!(
        book.refused(passed(A, GIANT, "2025", "2025-09-01")).await,
        ["InformationUpdateMissing"]
    );
    book.say(updated(2024, "2024-04-01")).await;
    book.say(updated(2025, "2025-04-01")).await;
    book.say(passed(A, GIANT, "2025", "2025-09-01")).await;
}

#[tokio::test]
async fn pools_confer_nothing_and_a_seal_digests_what_it_closes() {
    let book = Book::new();
    let pool = |who: &str, on: &str, enters: bool| {
        let pool = "2020".to_owned();
        let fact = if enters {
            Fact::PoolEntered(pb::PoolEntered { pool, profile: None })
        } else {
            Fact::PoolLeft(pb::PoolLeft { pool, reason: String::new() })
        };
        event(GUANGDONG, who, on, fact)
    };
    book.say(pool(A, "2020-01-01", true)).await;
    book.say(pool(B, "2020-01-01", true)).await;
    assert_eq!(book.refused(pool(A, "2020-01-01", true)).await, ["PoolMembership"]);
    book.say(pool(A, "2021-01-01", false)).await;
    assert!(book.shown(A, "2020-06-01").titles.is_empty());
    let entries = |on: &str| {
        let moment = AsOf { valid_on: day(on), known_at: 3 };
        book.ledger.register().pools(&[], moment)[0].entries
    };
    assert_eq!((entries("2019-12-31"), entries("2020-12-31"), entries("2021-01-01")), (0, 2, 1));

    // The digest of a seal is taken over the sorted lines of its content.
    book.record(vec![giant(B, "4", "2022-09-01"), giant(A, "4", "2022-09-01")]).await.unwrap();
    use sha2::Digest as _;
    let mut lines = [format!("designated {A}\n"), format!("designated {B}\n")];
    lines.sort();
    let digest = sha2::Sha256::digest(lines.concat()).to_vec();
    let seal = |digest: Vec<u8>| {
        let mut seal = sealed(MINISTRY, GIANT, "4", "", "2022-09-02", Some((2, 0)));
        if let Some(Fact::BatchSealed(fact)) = &mut seal.fact {
            fact.digest = digest.into();
        }
        seal
    };
    assert_eq!(book.refused(seal(vec![7; 32])).await, ["DigestMismatch"]);
    book.say(seal(digest)).await;
}
