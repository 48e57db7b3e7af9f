//! The edge cases of the domain, one test each: what happens to titles when real life does not follow the forms.
//!
//! Enterprises are known by codes that are valid in form only for these tests; what is said of them is made up.

use tidu::{
    domain::{AuthorityCode, DesigneeId, event::BatchRef},
    ledger::Refusal,
    protocol::pb::{self, event::Fact},
    register::{AsOf, BatchState, DesigneeView, Flag, Interest, Status, TitleView},
};

use crate::{
    harness::{date, event},
    ledger_alone::commit,
    register::{Book, annulled, corrected, day, view},
};

const A: &str = "91110000MA00000152";
const B: &str = "91440300MA0000023W";
const C: &str = "91659001MA0000031P";
const D: &str = "91330200MA000004XF";

const MINISTRY: &str = "100000";
const GUANGDONG: &str = "440000";
const SHENZHEN: &str = "440300";
const LIAONING: &str = "210000";
const XPCC: &str = "660000";

const GIANT: &str = "little-giant";
const SPECIALISED: &str = "specialised-sme";
const INNOVATIVE: &str = "innovative-sme";

fn designation(programme: &str, batch: &str) -> pb::Designated {
    let (programme, batch) = (programme.to_owned(), batch.to_owned());
    pb::Designated { programme, batch, ..Default::default() }
}

fn designated(issuer: &str, who: &str, programme: &str, batch: &str, from: &str) -> pb::Event {
    event(issuer, who, from, Fact::Designated(designation(programme, batch)))
}

fn giant(who: &str, batch: &str, from: &str) -> pb::Event {
    designated(MINISTRY, who, GIANT, batch, from)
}

fn notice(
    issuer: &str,
    who: &str,
    programme: &str,
    batch: &str,
    from: &str,
    to: &str,
) -> pb::Event {
    let fact = pb::NoticeOpened {
        programme: programme.to_owned(),
        batch: batch.to_owned(),
        purpose: pb::NoticePurpose::New.into(),
        notice_from: date(from),
        notice_to: date(to),
        ..Default::default()
    };
    event(issuer, who, from, Fact::NoticeOpened(fact))
}

fn revoked(
    issuer: &str,
    who: &str,
    programme: &str,
    on: &str,
    ban_until: Option<&str>,
) -> pb::Event {
    let fact = pb::Revoked {
        programme: programme.to_owned(),
        ground: pb::RevocationGround::Falsification.into(),
        ban_until: ban_until.and_then(date),
        ..Default::default()
    };
    event(issuer, who, on, Fact::Revoked(fact))
}

fn passed(who: &str, programme: &str, round: &str, from: &str) -> pb::Event {
    let (programme, round) = (programme.to_owned(), round.to_owned());
    let fact = pb::ReviewPassed { programme, round, ..Default::default() };
    event(MINISTRY, who, from, Fact::ReviewPassed(fact))
}

fn ended(issuer: &str, who: &str, on: &str) -> pb::Event {
    let cause = pb::SubjectEndCause::Deregistered.into();
    event(issuer, who, on, Fact::SubjectEnded(pb::SubjectEnded { cause }))
}

fn moved(
    issuer: &str,
    who: &str,
    on: &str,
    (from, to): (&str, &str),
    region: &str,
    stage: pb::RelocationStage,
) -> pb::Event {
    let fact = pb::Relocated {
        to_region: region.to_owned(),
        from_authority: from.to_owned(),
        to_authority: to.to_owned(),
        stage: stage.into(),
        ..Default::default()
    };
    event(issuer, who, on, Fact::Relocated(fact))
}

fn linked(who: &str, other: &str, on: &str, reason: pb::IdentifierChangeReason) -> pb::Event {
    let fact = pb::IdentifierChanged { new_designee: other.to_owned(), reason: reason.into() };
    event(MINISTRY, who, on, Fact::IdentifierChanged(fact))
}

fn sealed(
    issuer: &str,
    programme: &str,
    batch: &str,
    sublist: &str,
    on: &str,
    counts: Option<(u32, u32)>,
) -> pb::Event {
    let declared = counts.map(|(designated, reviewed)| pb::DeclaredCounts {
        designated: Some(designated),
        reviewed: Some(reviewed),
    });
    let fact = pb::BatchSealed {
        programme: programme.to_owned(),
        batch: batch.to_owned(),
        sublist: sublist.to_owned(),
        declared,
        ..Default::default()
    };
    event(issuer, "", on, Fact::BatchSealed(fact))
}

fn complete(issuer: &str, programme: &str, part: pb::RegisterPart, from: &str) -> pb::Event {
    let (programme, part) = (programme.to_owned(), part.into());
    event(
        issuer,
        "",
        from,
        Fact::CompletenessDeclared(pb::CompletenessDeclared { programme, part }),
    )
}

fn profile(name: &str, region: &str) -> Option<pb::Profile> {
    let (name, registered_region) = (name.to_owned(), region.to_owned());
    Some(pb::Profile { name, registered_region, ..Default::default() })
}

impl Book {
    /// Records one event; gives its position.
    async fn say(&self, event: pb::Event) -> u64 {
        self.record(vec![event]).await.unwrap()
    }

    /// Why one event is rejected.
    async fn refused(&self, event: pb::Event) -> Vec<String> {
        self.record(vec![event]).await.unwrap_err()
    }

    /// What deserves a look in an event that is recorded.
    async fn warned(&self, event: pb::Event) -> Vec<String> {
        let receipt = self.ledger.append(commit(vec![event])).await.unwrap();
        receipt.warnings.iter().map(|warning| format!("{:?}", warning.reason)).collect()
    }

    /// The messages of a rejection.
    async fn told(&self, events: Vec<pb::Event>) -> String {
        match self.ledger.append(commit(events)).await {
            Err(Refusal::Rejected(faults)) => faults
                .iter()
                .map(|f| format!("[{}] {}: {}\n", f.index, f.field, f.message))
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    fn shown(&self, who: &str, as_of: &str) -> DesigneeView {
        let register = self.ledger.register();
        let known_at = register.size();
        let index = register.find(&DesigneeId::parse(who).unwrap(), known_at).unwrap();
        view(&register, index, day(as_of), known_at)
    }

    fn title(&self, who: &str, programme: &str, as_of: &str) -> Option<TitleView> {
        let id = self.ledger.catalogue().find(programme).unwrap();
        self.shown(who, as_of).titles.into_iter().find(|title| title.programme == id)
    }

    fn stands(&self, who: &str, programme: &str, as_of: &str) -> Option<Status> {
        self.title(who, programme, as_of).map(|title| title.status)
    }

    fn concerned(&self, position: u64) -> Vec<&'static str> {
        let register = self.ledger.register();
        let concerned = |authority: &AuthorityCode| {
            let mut interest = Interest::default();
            interest.authority(*authority);
            register.matching(&interest, position, position + 1, 1).0 == [position]
        };
        AuthorityCode::all().filter(concerned).map(AuthorityCode::as_str).collect()
    }
}

use pb::{IdentifierChangeReason as Why, RegisterPart as Part, RelocationStage as Stage};

#[tokio::test]
async fn case_01_a_move_to_another_province_keeps_the_title_and_tells_both_authorities() {
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
async fn case_02_guangdong_to_shenzhen_and_xinjiang_to_the_corps_cross_authorities() {
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
        assert_eq!(register.find_by_name(name, 2).len(), 1, "{name}");
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
async fn case_05_an_old_code_resolves_for_ever_and_is_never_used_for_another_subject() {
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
async fn case_06_a_title_on_a_wrong_but_valid_code_moves_to_its_holder_and_both_hear_of_it() {
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
async fn case_07_a_merger_gives_the_survivor_nothing_without_a_transfer_and_one_title_remains() {
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

    let transfer = |to: &str| {
        let (programme, successor) = (GIANT.to_owned(), to.to_owned());
        let fact = pb::TitleTransferred { programme, successor, ..Default::default() };
        event(MINISTRY, A, "2023-01-01", Fact::TitleTransferred(fact))
    };
    // What has ended is not passed on; with the transfer first, it is.
    assert_eq!(book.refused(transfer(B)).await, ["TitleNotHeld"]);
    book.say(annulled(merger)).await;
    let passed_on = book.say(transfer(B)).await;
    let title = book.title(B, GIANT, "2023-01-01").unwrap();
    assert_eq!((title.status, title.batch.as_str()), (Status::Active, "3"), "with its cohort");
    assert_eq!(title.valid_to.unwrap().to_string(), "2024-07-31", "and its end");
    let gone = book.title(A, GIANT, "2023-01-01").unwrap();
    assert_eq!((gone.status, gone.successor.unwrap().to_string()), (Status::Ended, B.to_owned()));
    // To somebody who holds the title already: one remains.
    book.say(annulled(passed_on)).await;
    book.say(transfer(D)).await;
    let kept = book.title(D, GIANT, "2023-01-01").unwrap();
    assert_eq!((kept.status, kept.batch.as_str()), (Status::Active, "4"));
}

#[tokio::test]
async fn case_08_a_deregistration_ends_titles_on_its_date_even_if_reported_later() {
    let book = Book::new();
    book.say(giant(A, "4", "2022-09-01")).await;
    book.say(ended(MINISTRY, A, "2023-03-01")).await;
    assert_eq!(book.stands(A, GIANT, "2023-02-28"), Some(Status::Active));
    assert_eq!(book.stands(A, GIANT, "2023-03-01"), Some(Status::Ended));
    assert_eq!(book.refused(giant(A, "6", "2024-09-01")).await, ["SubjectEnded"]);
    assert_eq!(book.refused(ended(MINISTRY, A, "2024-01-01")).await, ["SubjectEnded"]);
}

#[tokio::test]
async fn case_09_a_little_giant_stands_when_the_provincial_title_is_revoked() {
    let book = Book::new();
    book.say(designated(GUANGDONG, A, SPECIALISED, "2022-1", "2022-01-01")).await;
    book.say(giant(A, "4", "2022-09-01")).await;
    book.say(revoked(GUANGDONG, A, SPECIALISED, "2023-06-01", None)).await;
    assert_eq!(book.stands(A, SPECIALISED, "2023-06-01"), Some(Status::Revoked));
    let giant = book.title(A, GIANT, "2023-06-01").unwrap();
    assert_eq!(giant.status, Status::Active, "no cascade");
    assert!(giant.flags.contains(Flag::PrerequisiteLost));
    assert!(!book.title(A, GIANT, "2023-05-31").unwrap().flags.contains(Flag::PrerequisiteLost));
}

#[tokio::test]
async fn case_10_a_lapsed_little_giant_does_not_revive_the_provincial_title() {
    let book = Book::new();
    book.say(designated(GUANGDONG, A, SPECIALISED, "2020-1", "2020-01-01")).await;
    book.say(giant(A, "2", "2021-01-01")).await;
    assert_eq!(book.stands(A, GIANT, "2024-01-01"), Some(Status::Expired));
    assert_eq!(book.stands(A, SPECIALISED, "2024-01-01"), Some(Status::Expired));
}

#[tokio::test]
async fn case_11_a_review_passed_late_shows_the_gap_as_declared_and_as_known() {
    let book = Book::new();
    book.say(giant(A, "1", "2019-06-05")).await;
    let opened = pb::ReviewOpened {
        programme: GIANT.to_owned(),
        round: "2022".to_owned(),
        ..Default::default()
    };
    book.say(event(MINISTRY, A, "2022-04-01", Fact::ReviewOpened(opened))).await;
    let due = book.title(A, GIANT, "2022-05-01").unwrap();
    assert!(due.flags.contains(Flag::ReviewDue) && due.status == Status::Active);
    let pending = book.title(A, GIANT, "2022-07-01").unwrap();
    assert_eq!(pending.status, Status::Expired);
    assert!(pending.flags.contains(Flag::ReviewPending), "expired, and the review is open");
    // Declared to reach back: no gap as of a day in it, but the gap stays as known before.
    book.say(passed(A, GIANT, "2022", "2022-06-05")).await;
    assert_eq!(book.stands(A, GIANT, "2022-07-01"), Some(Status::Active));
    assert_eq!(book.status_known(A, "2022-07-01", 2), Some(Status::Expired));
    // The round is sealed: what was not passed is no longer pending.
    book.say(giant(B, "1", "2019-06-05")).await;
    let opened =
        pb::ReviewOpened { programme: GIANT.into(), round: "2022".into(), ..Default::default() };
    book.say(event(MINISTRY, B, "2022-04-01", Fact::ReviewOpened(opened))).await;
    assert!(book.title(B, GIANT, "2022-09-01").unwrap().flags.contains(Flag::ReviewPending));
    book.say(sealed(MINISTRY, GIANT, "2022", "", "2022-08-01", Some((0, 1)))).await;
    assert!(book.title(B, GIANT, "2022-07-31").unwrap().flags.contains(Flag::ReviewPending));
    assert!(!book.title(B, GIANT, "2022-08-01").unwrap().flags.contains(Flag::ReviewPending));
}

#[tokio::test]
async fn case_12_a_validity_that_begins_before_its_publication_is_normal() {
    let book = Book::new();
    let mut backdated = designated(LIAONING, A, SPECIALISED, "2023-2", "2024-01-01");
    if let Some(Fact::Designated(fact)) = &mut backdated.fact {
        fact.valid_to = date("2026-12-31");
    }
    backdated.evidence.as_mut().unwrap().published_date = date("2024-01-15");
    book.say(backdated).await;
    assert_eq!(book.stands(A, SPECIALISED, "2024-01-01"), Some(Status::Active));
    let title = book.title(A, SPECIALISED, "2024-01-01").unwrap();
    assert!(!title.inferred && title.valid_to.unwrap().to_string() == "2026-12-31");
}

#[tokio::test]
async fn case_13_an_older_event_that_arrives_late_counts_by_its_date_and_positions_never_move() {
    let book = Book::new();
    book.say(passed(A, GIANT, "2022", "2022-06-05")).await;
    assert_eq!(book.stands(A, GIANT, "2023-01-01"), Some(Status::NotDesignated));
    book.say(giant(A, "1", "2019-06-05")).await;
    let title = book.title(A, GIANT, "2023-01-01").unwrap();
    assert_eq!((title.status, title.positions), (Status::Active, vec![1, 0]));
    assert_eq!(book.status_known(A, "2023-01-01", 1), Some(Status::NotDesignated));
}

#[tokio::test]
async fn case_14_a_revocation_effective_before_a_recorded_review_wins() {
    let book = Book::new();
    book.say(giant(A, "1", "2019-06-05")).await;
    book.say(passed(A, GIANT, "2022", "2022-06-05")).await;
    assert_eq!(book.warned(revoked(MINISTRY, A, GIANT, "2021-01-01", None)).await, ["Conflicts"]);
    let title = book.title(A, GIANT, "2023-01-01").unwrap();
    assert_eq!((title.status, title.superseded), (Status::Revoked, vec![1]));
}

#[tokio::test]
async fn case_15_the_head_of_a_chain_of_corrections_wins_and_strangers_correct_nothing() {
    let book = Book::new();
    let first = book.say(designated(GUANGDONG, A, SPECIALISED, "2022-1", "2022-01-01")).await;
    let by_guangdong = |target, replacement| {
        let mut event: pb::Event = corrected(target, replacement);
        event.authority = GUANGDONG.to_owned();
        event
    };
    let second = book
        .say(by_guangdong(first, designated(GUANGDONG, A, SPECIALISED, "2022-1", "2022-02-01")))
        .await;
    book.say(by_guangdong(second, designated(GUANGDONG, A, SPECIALISED, "2022-1", "2022-03-01")))
        .await;
    let title = book.title(A, SPECIALISED, "2022-06-01").unwrap();
    assert_eq!(title.valid_from.unwrap().to_string(), "2022-03-01");
    let mut stranger =
        corrected(first, designated(LIAONING, A, SPECIALISED, "2022-1", "2022-01-01"));
    stranger.authority = LIAONING.to_owned();
    assert_eq!(book.refused(stranger).await, ["RepairNotAllowed"]);
    let cycle = by_guangdong(9, designated(GUANGDONG, A, SPECIALISED, "2022-1", "2022-01-01"));
    assert_eq!(
        book.refused(cycle).await,
        ["RepairNotAllowed"],
        "only what is recorded is repaired"
    );
}

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
async fn case_17_a_name_twice_in_a_list_or_in_two_sub_lists_is_refused_with_its_rows() {
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
    assert!(told.starts_with("[2]") && told.contains("rows 12 and 40"), "{told}");
    assert_eq!(book.ledger.durable().size, 0, "nothing of the list is recorded");
    book.say(row(giant(A, "4", "2022-09-01"), 12, GUANGDONG)).await;
    let told = book.told(vec![row(giant(A, "4", "2022-09-01"), 7, LIAONING)]).await;
    assert!(told.contains("rows 12 and 7") && told.contains("sub-list 440000"), "{told}");
    let noticed = |line, sublist| {
        row(notice(MINISTRY, C, GIANT, "4", "2022-08-01", "2022-08-05"), line, sublist)
    };
    let told = book.told(vec![noticed(3, GUANGDONG), noticed(9, LIAONING)]).await;
    assert!(told.contains("rows 3 and 9"), "{told}");
}

#[tokio::test]
async fn case_18_a_batch_of_9_271_rows_is_recorded_whole_or_not_at_all() {
    let book = Book::new();
    let enterprises = crate::harness::made_up(18, 9_271);
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
async fn case_21_a_contested_entry_stays_open_and_a_supplement_keeps_the_batch() {
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
async fn case_22_entries_noticed_and_never_designated_close_at_the_seal() {
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
    let short = notice("410000", A, SPECIALISED, "2023-1", "2023-05-01", "2023-05-04");
    assert_eq!(book.warned(short).await, ["NoticeShort"]);
    let usual = notice(MINISTRY, A, GIANT, "3", "2021-07-19", "2021-07-23");
    assert!(book.warned(usual).await.is_empty());
}

#[tokio::test]
async fn case_24_nobody_applies_again_before_the_end_of_a_ban() {
    let book = Book::new();
    book.say(giant(A, "1", "2019-06-05")).await;
    book.say(revoked(MINISTRY, A, GIANT, "2020-01-01", Some("2022-12-31"))).await;
    let during = notice(MINISTRY, A, GIANT, "4", "2022-12-31", "2023-01-06");
    assert_eq!(book.refused(during).await, ["Banned"]);
    book.say(notice(MINISTRY, A, GIANT, "5", "2023-01-01", "2023-01-06")).await;
}

#[tokio::test]
async fn case_25_lists_with_names_only_are_unverified_until_a_code_is_known() {
    let book = Book::new();
    let by_name = "provisional:110000/示例旧名有限公司";
    let mut first = giant(by_name, "1", "2019-06-05");
    if let Some(Fact::Designated(fact)) = &mut first.fact {
        fact.profile = profile("示例旧名有限公司", "");
    }
    book.say(first).await;
    assert!(
        book.title(by_name, GIANT, "2020-01-01").unwrap().flags.contains(Flag::IdentityUnverified)
    );
    book.say(linked(by_name, A, "2020-06-01", Why::Identified)).await;
    let title = book.title(A, GIANT, "2020-01-01").unwrap();
    assert!(!title.flags.contains(Flag::IdentityUnverified));
    // The review's list carries the code and a new name: matched by code.
    book.say(passed(A, GIANT, "2022", "2022-06-05")).await;
    let title = book.title(by_name, GIANT, "2023-01-01").unwrap();
    assert_eq!((title.status, title.batch.as_str()), (Status::Active, "1"));
    assert_eq!(
        book.refused(linked(A, by_name, "2023-01-01", Why::Identified)).await,
        ["IdentifierLinkInvalid"]
    );
}

#[tokio::test]
async fn case_26_brackets_of_any_width_name_the_same_enterprise() {
    let book = Book::new();
    let mut first = giant(A, "1", "2019-06-05");
    if let Some(Fact::Designated(fact)) = &mut first.fact {
        fact.profile = profile("示例(天津)生物有限公司", "");
    }
    book.say(first).await;
    let register = book.ledger.register();
    let found = register.find_by_name("示例（天津）生物有限公司", 1);
    assert_eq!(found.len(), 1);
    let shown = view(&register, found[0], day("2020-01-01"), 1);
    assert_eq!(shown.names[0].name, "示例(天津)生物有限公司", "the original is kept");
}

#[tokio::test]
async fn cases_27_and_28_the_division_inside_a_code_says_nothing_of_the_region() {
    let book = Book::new();
    // Head-office codes carry 100000, old ones abolished divisions.
    for code in ["91100000100003962T", "914403001922038216"] {
        book.say(designated(LIAONING, code, SPECIALISED, "2022-1", "2022-01-01")).await;
        assert_eq!(book.shown(code, "2022-01-01").region, None);
        assert_eq!(book.shown(code, "2022-01-01").responsible.unwrap().as_str(), LIAONING);
    }
}

#[test]
fn case_29_neighbours_in_name_are_told_apart() {
    let named = |name| AuthorityCode::from_name(name).map(AuthorityCode::as_str);
    assert_eq!((named("山西省"), named("陕西省")), (Some("140000"), Some("610000")));
    let provinces = ["河南省", "湖北省", "湖南省", "海南省", "河北省", "黑龙江省"]
        .map(|name| named(name).unwrap());
    assert_eq!(provinces, ["410000", "420000", "430000", "460000", "130000", "230000"]);
}

#[tokio::test]
async fn case_30_who_is_not_entitled_states_nothing() {
    let book = Book::new();
    let mut shenzhen = designated(GUANGDONG, A, SPECIALISED, "2022-1", "2022-01-01");
    if let Some(Fact::Designated(fact)) = &mut shenzhen.fact {
        fact.profile = profile("示例有限公司", "440305");
    }
    assert_eq!(book.refused(shenzhen).await, ["IssuerNotEntitled"]);
    assert_eq!(
        book.refused(designated(GUANGDONG, A, GIANT, "4", "2022-09-01")).await,
        ["IssuerNotEntitled"]
    );
    assert_eq!(
        book.refused(designated(MINISTRY, A, SPECIALISED, "1", "2022-09-01")).await,
        ["IssuerNotEntitled"]
    );
    // A province recommends a little giant, proposes its revocation, and decides neither.
    let mut recommends = notice(GUANGDONG, A, GIANT, "4", "2022-06-06", "2022-06-10");
    assert_eq!(book.refused(recommends.clone()).await, ["IssuerNotEntitled"]);
    if let Some(Fact::NoticeOpened(fact)) = &mut recommends.fact {
        fact.scope = pb::NoticeScope::Recommendation.into();
    }
    book.say(recommends).await;
    book.say(giant(A, "4", "2022-09-01")).await;
    assert_eq!(
        book.refused(revoked(GUANGDONG, A, GIANT, "2023-01-01", None)).await,
        ["IssuerNotEntitled"]
    );
    let proposed = pb::RevocationProposed {
        programme: GIANT.to_owned(),
        ground: pb::RevocationGround::Falsification.into(),
        ..Default::default()
    };
    book.say(event(GUANGDONG, A, "2023-01-01", Fact::RevocationProposed(proposed))).await;
    let title = book.title(A, GIANT, "2023-01-01").unwrap();
    assert_eq!(title.status, Status::Active);
    assert!(title.flags.contains(Flag::RevocationProposed));
    // Hong Kong has no authority that could state anything.
    let hong_kong = std::panic::catch_unwind(|| {
        commit(vec![designated("810000", A, GIANT, "1", "2022-01-01")])
    });
    assert!(hong_kong.is_err());
}

#[tokio::test]
async fn case_31_the_last_day_counts_to_midnight_and_leap_days_end_on_the_28th() {
    let book = Book::new();
    book.say(designated(LIAONING, A, SPECIALISED, "2023-2", "2024-01-01")).await;
    assert_eq!(book.stands(A, SPECIALISED, "2026-12-31"), Some(Status::Active));
    assert_eq!(book.stands(A, SPECIALISED, "2027-01-01"), Some(Status::Expired));
    book.say(designated(LIAONING, B, SPECIALISED, "2024-1", "2024-02-29")).await;
    let title = book.title(B, SPECIALISED, "2024-03-01").unwrap();
    assert!(title.inferred && title.valid_to.unwrap().to_string() == "2027-02-28");
}

#[tokio::test]
async fn case_32_an_authority_keeps_its_code_when_it_is_reorganised() {
    let book = Book::new();
    book.say(designated("340000", A, SPECIALISED, "2020-1", "2020-01-01")).await;
    book.say(revoked("340000", A, SPECIALISED, "2022-01-01", None)).await;
    assert_eq!(book.stands(A, SPECIALISED, "2022-01-01"), Some(Status::Revoked));
    let code = |name| AuthorityCode::from_name(name).map(AuthorityCode::as_str);
    assert_eq!(code("安徽省"), Some("340000"));
}

#[tokio::test]
async fn what_rests_on_absence_warns_until_the_part_is_declared_complete_and_rejects_after() {
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

#[tokio::test]
async fn who_misses_a_yearly_update_loses_the_review_where_updates_are_declared_complete() {
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
async fn two_identifiers_that_hold_the_same_title_are_accepted_and_flagged() {
    let book = Book::new();
    book.record(vec![giant(A, "3", "2021-08-01"), giant(B, "4", "2022-08-01")]).await.unwrap();
    assert_eq!(
        book.warned(linked(A, B, "2023-01-01", Why::Duplicate)).await,
        ["IdentityCollision"]
    );
    let title = book.title(A, GIANT, "2023-06-01").unwrap();
    assert!(title.flags.contains(Flag::IdentityCollision));
    assert_eq!((title.batch.as_str(), title.superseded), ("3", vec![1]));
}

#[tokio::test]
async fn a_reinstated_title_goes_on_to_the_end_it_had() {
    let book = Book::new();
    book.say(giant(A, "4", "2022-09-01")).await;
    let revocation = book.say(revoked(MINISTRY, A, GIANT, "2023-01-01", Some("2025-12-31"))).await;
    let reinstated = |position| {
        let fact = pb::Reinstated { programme: GIANT.to_owned(), position, ..Default::default() };
        event(MINISTRY, A, "2023-07-01", Fact::Reinstated(fact))
    };
    assert_eq!(book.refused(reinstated(Some(0))).await, ["ReferenceInvalid"]);
    book.say(reinstated(Some(revocation))).await;
    assert_eq!(book.stands(A, GIANT, "2023-06-30"), Some(Status::Revoked));
    let title = book.title(A, GIANT, "2023-07-01").unwrap();
    assert_eq!(title.status, Status::Active);
    assert_eq!(
        (title.valid_to.unwrap().to_string(), title.ban_until),
        ("2025-08-31".to_owned(), None)
    );
    let again = book.refused(reinstated(None)).await;
    assert_eq!(again, ["TitleNotHeld"]);
}

#[tokio::test]
async fn a_platform_becomes_a_platform_base_after_its_creation_task() {
    let book = Book::new();
    let merged = "national-platform-base";
    let new = || designated(MINISTRY, B, merged, "1", "2026-06-01");
    assert_eq!(book.warned(new()).await, ["CreationNotPassed", "NoticeMissing"]);
    let listed = pb::CreationListed {
        programme: merged.to_owned(),
        batch: "1".to_owned(),
        ..Default::default()
    };
    book.say(event(MINISTRY, C, "2026-01-01", Fact::CreationListed(listed))).await;
    let open = book.title(C, merged, "2026-02-01").unwrap();
    assert_eq!(open.status, Status::Noticed);
    assert!(open.flags.contains(Flag::CreationOpen));
    let assessed = |passed| {
        let (programme, batch) = (merged.to_owned(), "1".to_owned());
        let fact = pb::CreationAssessed { programme, batch, passed, ..Default::default() };
        event(MINISTRY, C, "2026-05-01", Fact::CreationAssessed(fact))
    };
    let failed = book.say(assessed(false)).await;
    assert_eq!(book.stands(C, merged, "2026-05-01"), Some(Status::NotDesignated));
    let designation = designated(MINISTRY, C, merged, "1", "2026-06-01");
    assert_eq!(book.refused(designation.clone()).await, ["CreationNotPassed"]);
    book.say(annulled(failed)).await;
    book.say(assessed(true)).await;
    assert_eq!(book.warned(designation).await, ["NoticeMissing"]);

    // An older title may be converted, as the catalogue foresees, and nothing else.
    book.say(designated(MINISTRY, A, "national-platform", "2024", "2024-11-01")).await;
    let converted = |to: &str| {
        let (from_programme, to_programme) = ("national-platform".to_owned(), to.to_owned());
        let fact = pb::TitleConverted { from_programme, to_programme, ..Default::default() };
        event(MINISTRY, A, "2026-01-01", Fact::TitleConverted(fact))
    };
    assert_eq!(book.refused(converted(GIANT)).await, ["ConversionNotForeseen"]);
    book.say(converted(merged)).await;
    let old = book.title(A, "national-platform", "2026-01-01").unwrap();
    let new = book.title(A, merged, "2026-01-01").unwrap();
    assert_eq!((old.status, new.status), (Status::Converted, Status::Active));
    assert_eq!(
        (new.batch.as_str(), new.valid_to.unwrap().to_string()),
        ("2024", "2027-10-31".into())
    );
}

#[tokio::test]
async fn a_programme_renewed_by_designation_begins_anew_in_the_year_of_its_end() {
    let book = Book::new();
    book.say(designated(GUANGDONG, A, INNOVATIVE, "2022-1", "2022-09-01")).await;
    let early = designated(GUANGDONG, A, INNOVATIVE, "2024-1", "2024-12-31");
    assert_eq!(book.refused(early).await, ["TitleAlreadyHeld"]);
    book.say(designated(GUANGDONG, A, INNOVATIVE, "2025-1", "2025-03-01")).await;
    let title = book.title(A, INNOVATIVE, "2025-03-01").unwrap();
    assert_eq!((title.status, title.batch.as_str()), (Status::Active, "2025-1"));
    assert_eq!(title.valid_to.unwrap().to_string(), "2028-02-29");
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
    assert_eq!(book.refused(pool(A, "2020-02-01", true)).await, ["PoolMembership"]);
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
