//! What follows from the events: titles as of a day, as known at a log size, after repairs, and the same after a replay.

use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock},
};

use proptest::{prelude::*, test_runner::Config};
use tidu::{
    domain::{CivilDate, DesigneeId, PartialDate, catalogue::Catalogue},
    ledger::{Ledger, Refusal},
    log::memory::MemoryLog,
    protocol::event,
    protocol::pb::{self, event::Fact},
    register::{AsOf, DesigneeIndex, DesigneeView, Register, Status},
};

use crate::{
    filters,
    harness::{date, event, little_giant},
    ledger_alone::{commit, open},
};

const A: &str = "914403001922038216";
const B: &str = "91330106673959654P";

/// A ledger in memory.
pub struct Book {
    pub log: MemoryLog,
    pub ledger: Ledger,
}

impl Book {
    pub fn new() -> Self {
        let log = MemoryLog::default();
        let ledger = open(Arc::new(log.clone()), Arc::default(), Arc::default());
        Self { log, ledger }
    }

    /// Records events in one commit; gives the position of the first.
    pub async fn record(&self, events: Vec<pb::Event>) -> Result<u64, Vec<String>> {
        match self.ledger.append(commit(events)).await {
            Ok(receipt) => Ok(receipt.first),
            Err(Refusal::Rejected(faults)) => {
                Err(faults.into_iter().map(|fault| format!("{:?}", fault.reason)).collect())
            }
            Err(other) => panic!("{other}"),
        }
    }

    pub fn status(&self, designee: &str, as_of: &str) -> Option<Status> {
        self.status_known(designee, as_of, u64::MAX)
    }

    pub fn status_known(&self, designee: &str, as_of: &str, known_at: u64) -> Option<Status> {
        let register = self.ledger.register();
        let known_at = known_at.min(register.size());
        let index = register.find(&DesigneeId::parse(designee).unwrap(), known_at)?;
        let view = view(&register, index, day(as_of), known_at);
        view.titles.first().map(|title| title.status)
    }
}

pub fn view(
    register: &Register,
    index: DesigneeIndex,
    valid_on: CivilDate,
    known_at: u64,
) -> DesigneeView {
    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::built_in);
    register.view(&CATALOGUE, index, AsOf { valid_on, known_at })
}

pub fn day(iso: &str) -> CivilDate {
    PartialDate::parse_iso(iso).unwrap().first_day()
}

fn ministry(designee: &str, effective: &str, fact: Fact) -> pb::Event {
    event("100000", designee, effective, fact)
}

fn programme() -> String {
    "little-giant".to_owned()
}

fn notice(designee: &str, batch: &str, effective: &str) -> pb::Event {
    let fact = pb::NoticeOpened {
        programme: programme(),
        batch: batch.to_owned(),
        purpose: pb::NoticePurpose::New.into(),
        ..Default::default()
    };
    ministry(designee, effective, Fact::NoticeOpened(fact))
}

fn passed(designee: &str, effective: &str) -> pb::Event {
    let fact =
        pb::ReviewPassed { programme: programme(), round: "2022".into(), ..Default::default() };
    ministry(designee, effective, Fact::ReviewPassed(fact))
}

fn failed(designee: &str, programme: &str, effective: &str) -> pb::Event {
    let fact = pb::ReviewFailed {
        programme: programme.to_owned(),
        round: "2022".to_owned(),
        cause: pb::ReviewFailureCause::NotSubmitted.into(),
        ..Default::default()
    };
    ministry(designee, effective, Fact::ReviewFailed(fact))
}

fn revoked(designee: &str, effective: &str, ban_until: Option<&str>) -> pb::Event {
    let fact = pb::Revoked {
        programme: programme(),
        ground: pb::RevocationGround::Falsification.into(),
        ban_until: ban_until.and_then(date),
        ..Default::default()
    };
    ministry(designee, effective, Fact::Revoked(fact))
}

fn sealed(batch: &str, effective: &str, designated: Option<u32>) -> pb::Event {
    let declared = designated.map(|n| pb::DeclaredCounts { designated: Some(n), reviewed: None });
    let fact = pb::BatchSealed {
        programme: programme(),
        batch: batch.to_owned(),
        declared,
        ..Default::default()
    };
    ministry("", effective, Fact::BatchSealed(fact))
}

pub fn corrected(position: u64, replacement: pb::Event) -> pb::Event {
    let fact = pb::Corrected {
        position: Some(position),
        replacement: Some(Box::new(replacement)),
        reason: "wrong in the list".to_owned(),
    };
    ministry("", "2024-01-01", Fact::Corrected(Box::new(fact)))
}

pub fn annulled(position: u64) -> pb::Event {
    let fact = pb::Annulled { position: Some(position), reason: "recorded by mistake".to_owned() };
    ministry("", "2024-01-01", Fact::Annulled(fact))
}

#[tokio::test]
async fn a_title_is_pending_then_active_to_the_end_of_its_last_day_then_expired() {
    let book = Book::new();
    book.record(vec![little_giant(A, "1", "2019-06-05")]).await.unwrap();
    assert_eq!(book.status(A, "2019-06-04"), Some(Status::Pending));
    assert_eq!(book.status(A, "2019-06-05"), Some(Status::Active));
    assert_eq!(book.status(A, "2022-06-04"), Some(Status::Active));
    assert_eq!(book.status(A, "2022-06-05"), Some(Status::Expired));
}

#[tokio::test]
async fn a_review_passed_late_leaves_the_gap_to_see() {
    let book = Book::new();
    book.record(vec![little_giant(A, "1", "2019-06-05")]).await.unwrap();
    book.record(vec![passed(A, "2022-09-01")]).await.unwrap();
    assert_eq!(book.status(A, "2022-08-31"), Some(Status::Expired));
    assert_eq!(book.status(A, "2022-09-01"), Some(Status::Active));
    assert_eq!(book.status(A, "2025-08-31"), Some(Status::Active));
    assert_eq!(book.status(A, "2025-09-01"), Some(Status::Expired));
    assert_eq!(book.status_known(A, "2022-09-01", 1), Some(Status::Expired), "as known before");
}

#[tokio::test]
async fn a_failed_review_lapses_or_revokes_as_the_programme_says() {
    let book = Book::new();
    let mut champion = little_giant(B, "1", "2019-06-05");
    if let Some(Fact::Designated(fact)) = &mut champion.fact {
        fact.programme = "single-item-champion".to_owned();
    }
    book.record(vec![little_giant(A, "1", "2019-06-05"), champion]).await.unwrap();
    let both = vec![
        failed(A, "little-giant", "2022-01-01"),
        failed(B, "single-item-champion", "2022-01-01"),
    ];
    book.record(both).await.unwrap();
    assert_eq!(book.status(A, "2021-12-31"), Some(Status::Active));
    assert_eq!(book.status(A, "2022-01-01"), Some(Status::Expired));
    assert_eq!(book.status(B, "2022-01-01"), Some(Status::Revoked));
}

#[tokio::test]
async fn a_revocation_effective_before_a_recorded_review_wins_and_the_review_is_superseded() {
    let book = Book::new();
    book.record(vec![little_giant(A, "1", "2019-06-05")]).await.unwrap();
    book.record(vec![passed(A, "2022-06-05")]).await.unwrap();
    book.record(vec![revoked(A, "2021-01-01", Some("2024-01-01"))]).await.unwrap();
    assert_eq!(book.status(A, "2020-12-31"), Some(Status::Active));
    assert_eq!(book.status(A, "2023-01-01"), Some(Status::Revoked));
    let register = book.ledger.register();
    let index = register.find(&DesigneeId::parse(A).unwrap(), 3).unwrap();
    let view = view(&register, index, day("2023-01-01"), 3);
    assert_eq!(view.titles[0].superseded, [1]);
    assert_eq!(view.titles[0].positions, [0, 2]);
}

#[tokio::test]
async fn a_ban_holds_to_the_end_of_its_last_day_and_is_long_enough() {
    let book = Book::new();
    book.record(vec![little_giant(A, "1", "2019-06-05")]).await.unwrap();
    let short = book.record(vec![revoked(A, "2021-01-01", Some("2023-12-30"))]).await;
    assert_eq!(short.unwrap_err(), ["BanTooShort"]);
    book.record(vec![revoked(A, "2021-01-01", Some("2023-12-31"))]).await.unwrap();
    let again = little_giant(A, "5", "2023-12-31");
    assert_eq!(book.record(vec![again]).await.unwrap_err(), ["Banned"]);
    let twice = book.record(vec![revoked(A, "2022-01-01", None)]).await;
    assert_eq!(twice.unwrap_err(), ["TitleNotHeld"]);
    book.record(vec![little_giant(A, "6", "2024-01-01")]).await.unwrap();
    assert_eq!(book.status(A, "2024-01-01"), Some(Status::Active));
}

#[tokio::test]
async fn a_notice_is_no_title_and_closes_at_the_seal() {
    let book = Book::new();
    book.record(vec![notice(A, "2", "2020-11-01"), notice(B, "2", "2020-11-01")]).await.unwrap();
    assert_eq!(book.status(A, "2020-10-31"), None);
    assert_eq!(book.status(A, "2020-11-01"), Some(Status::Noticed));
    assert_eq!(
        book.record(vec![notice(A, "2", "2020-11-01")]).await.unwrap_err(),
        ["DuplicateInList"]
    );
    book.record(vec![little_giant(A, "2", "2021-01-01")]).await.unwrap();
    let wrong = book.record(vec![sealed("2", "2021-01-10", Some(2))]).await;
    assert_eq!(wrong.unwrap_err(), ["CountMismatch"]);
    let seal = book.record(vec![sealed("2", "2021-01-10", Some(1))]).await.unwrap();
    assert_eq!(book.status(A, "2021-01-10"), Some(Status::Active));
    assert_eq!(book.status(B, "2021-01-09"), Some(Status::Noticed));
    assert_eq!(book.status(B, "2021-01-10"), Some(Status::NotDesignated));
    let late = little_giant(B, "2", "2021-02-01");
    assert_eq!(book.record(vec![late.clone()]).await.unwrap_err(), ["BatchSealed"]);
    assert_eq!(
        book.record(vec![sealed("9", "2021-01-10", None)]).await.unwrap_err(),
        ["BatchUnknown"]
    );
    book.record(vec![sealed("10", "2021-01-10", Some(0))]).await.expect("confirmed empty");

    // Annulling the seal reopens the batch.
    book.record(vec![annulled(seal)]).await.unwrap();
    assert_eq!(book.status(B, "2021-01-10"), Some(Status::Noticed));
    book.record(vec![late]).await.unwrap();
    assert_eq!(book.status(B, "2021-02-01"), Some(Status::Active));
}

#[tokio::test]
async fn a_correction_moves_a_title_to_its_true_holder() {
    let book = Book::new();
    book.record(vec![little_giant(A, "1", "2019-06-05")]).await.unwrap();
    let repair = book.record(vec![corrected(0, little_giant(B, "1", "2019-06-05"))]).await.unwrap();
    assert_eq!(book.status(A, "2020-01-01"), None);
    assert_eq!(book.status(B, "2020-01-01"), Some(Status::Active));
    assert_eq!(book.status_known(A, "2020-01-01", 1), Some(Status::Active), "as known before");
    assert_eq!(book.status_known(B, "2020-01-01", 1), None);

    let title_of = |designee| {
        let register = book.ledger.register();
        let index = register.find(&DesigneeId::parse(designee).unwrap(), register.size()).unwrap();
        view(&register, index, day("2020-01-01"), register.size()).titles.remove(0)
    };
    assert_eq!(title_of(B).positions, [repair], "the event that carries what counts");

    // A correction of the correction: another date, the same holder.
    book.record(vec![corrected(repair, little_giant(B, "1", "2018-06-05"))]).await.unwrap();
    assert_eq!(book.status(B, "2021-06-05"), Some(Status::Expired));
    // Annulling the first correction restores what it replaced, and both holders hear of it.
    let versions = |known_at| {
        let register = book.ledger.register();
        [A, B].map(|designee| {
            let index = register.find(&DesigneeId::parse(designee).unwrap(), known_at).unwrap();
            register.version(index, known_at)
        })
    };
    assert_eq!(versions(3), [3, 3]);
    let annulment = book.record(vec![annulled(repair)]).await.unwrap();
    assert_eq!(versions(4), [annulment + 1, annulment + 1]);
    assert_eq!(book.status(A, "2020-01-01"), Some(Status::Active));
    assert_eq!(book.status(B, "2020-01-01"), None);
    assert_eq!(book.record(vec![annulled(repair)]).await.unwrap_err(), ["RepairNotAllowed"]);
    let of_annulment = corrected(annulment, little_giant(A, "1", "2019-06-05"));
    assert_eq!(book.record(vec![of_annulment]).await.unwrap_err(), ["RepairNotAllowed"]);
}

#[tokio::test]
async fn a_chain_of_repairs_has_an_end() {
    let book = Book::new();
    let mut last = book.record(vec![little_giant(A, "1", "2019-06-05")]).await.unwrap();
    for _ in 0..64 {
        last = book.record(vec![annulled(last)]).await.unwrap();
    }
    assert_eq!(book.record(vec![annulled(last)]).await.unwrap_err(), ["RepairNotAllowed"]);
    // An even number of annulments: the last one restores what the first one removed.
    assert_eq!(book.status(A, "2020-01-01"), Some(Status::Active));
    let again = corrected(0, little_giant(A, "1", "2019-07-05"));
    book.record(vec![again]).await.unwrap();
    assert_eq!(book.status(A, "2019-06-06"), Some(Status::Pending));
}

#[tokio::test]
async fn a_correction_is_judged_as_if_its_target_had_never_been() {
    let book = Book::new();
    book.record(vec![little_giant(A, "1", "2019-06-05")]).await.unwrap();
    book.record(vec![little_giant(B, "1", "2019-06-05")]).await.unwrap();
    // The same title a month earlier would collide with itself if the target still counted.
    book.record(vec![corrected(0, little_giant(A, "1", "2019-05-05"))]).await.unwrap();
    let onto_holder = corrected(0, little_giant(B, "1", "2019-06-05"));
    assert_eq!(book.record(vec![onto_holder]).await.unwrap_err(), ["TitleAlreadyHeld"]);
    let nested = corrected(0, annulled(0));
    let error = std::panic::catch_unwind(|| commit(vec![nested])).is_err();
    assert!(error, "a replacement that is itself a repair does not pass the edge");
}

#[tokio::test]
async fn a_designee_is_found_by_its_old_and_new_name() {
    let book = Book::new();
    let mut designated = little_giant(A, "1", "2019-06-05");
    if let Some(Fact::Designated(fact)) = &mut designated.fact {
        fact.profile =
            Some(pb::Profile { name: "示例(天津)有限公司".into(), ..Default::default() });
    }
    let renamed = pb::Renamed {
        old_name: "示例（天津）有限公司".into(),
        new_name: "示例新名有限公司".into(),
        simple: true,
    };
    book.record(vec![designated]).await.unwrap();
    book.record(vec![ministry(A, "2020-01-01", Fact::Renamed(renamed.clone()))]).await.unwrap();
    let register = book.ledger.register();
    for name in ["示例 （天津）有限公司", "示例新名有限公司"] {
        assert_eq!(register.find_by_name(name, 2).len(), 1, "{name}");
    }
    assert!(register.find_by_name("示例新名有限公司", 1).len() <= 1);
    let index = register.find(&DesigneeId::parse(A).unwrap(), 2).unwrap();
    let names = |on| view(&register, index, day(on), 2).names.into_iter().map(|n| n.name);
    assert_eq!(names("2019-12-31").next_back().unwrap(), "示例(天津)有限公司");
    assert_eq!(names("2020-01-01").next_back().unwrap(), "示例新名有限公司");
    assert_eq!(view(&register, index, day("2020-01-01"), 2).titles[0].status, Status::Active);
    drop(register);
    let merged = pb::Renamed { simple: false, ..renamed };
    let merged = ministry(A, "2021-01-01", Fact::Renamed(merged));
    assert_eq!(book.record(vec![merged]).await.unwrap_err(), ["RenameNotSimple"]);
}

/// One step of a random history over a handful of designees, batches and days.
#[derive(Clone, Debug)]
pub enum Step {
    Designate(usize, u8, u8),
    Notice(usize, u8, u8),
    Pass(usize, u8),
    Fail(usize, u8),
    Revoke(usize, u8),
    Correct(u64, usize, u8),
    CorrectWith(u64, u8, usize, usize, u8),
    Other(u8, usize, usize, u8),
    Annul(u64),
    Seal(u8, u8),
}

/// How many facts [`other`] knows.
pub const OTHERS: u8 = 22;

/// A fact about one designee and perhaps another.
pub fn other(kind: u8, who: usize, other: usize, effective: &str) -> pb::Event {
    let (programme, successor) = (programme(), DESIGNEES[other].to_owned());
    let batch = "1".to_owned();
    let fact = match kind {
        0 => Fact::TitleTransferred(pb::TitleTransferred {
            programme,
            successor,
            ..Default::default()
        }),
        1 => Fact::IdentifierChanged(pb::IdentifierChanged {
            new_designee: successor,
            reason: pb::IdentifierChangeReason::Duplicate.into(),
        }),
        2 => {
            Fact::SubjectEnded(pb::SubjectEnded { cause: pb::SubjectEndCause::Deregistered.into() })
        }
        3 => Fact::Relocated(pb::Relocated {
            to_region: "440305".to_owned(),
            from_authority: "440000".to_owned(),
            to_authority: "440300".to_owned(),
            stage: pb::RelocationStage::Confirmed.into(),
            ..Default::default()
        }),
        4 => Fact::Restructured(pb::Restructured {
            kind: pb::RestructuringKind::Absorption.into(),
            successors: vec![successor],
            new_name: "示例改制有限公司".to_owned(),
            ends: other.is_multiple_of(2),
        }),
        5 => Fact::Surrendered(pb::Surrendered { programme, ..Default::default() }),
        6 => Fact::Reinstated(pb::Reinstated { programme, ..Default::default() }),
        7 => Fact::ObjectionRaised(pb::ObjectionRaised { programme, batch, ..Default::default() }),
        8 => Fact::NoticeWithdrawn(pb::NoticeWithdrawn { programme, batch, ..Default::default() }),
        9 => Fact::ReviewOpened(pb::ReviewOpened {
            programme,
            round: "2022".into(),
            ..Default::default()
        }),
        10 => Fact::Renamed(pb::Renamed {
            old_name: "示例旧名有限公司".to_owned(),
            new_name: format!("示例{other}有限公司"),
            simple: true,
        }),
        11 => {
            Fact::RectificationOrdered(pb::RectificationOrdered { programme, ..Default::default() })
        }
        12 => Fact::InformationUpdated(pb::InformationUpdated { year: 2020, ..Default::default() }),
        13 => Fact::CreationListed(pb::CreationListed { programme, batch, ..Default::default() }),
        14 => Fact::SupportGranted(pb::SupportGranted {
            programme,
            scheme: "key-little-giant".to_owned(),
            ..Default::default()
        }),
        15 => designation("national-platform"),
        16 => Fact::TitleConverted(pb::TitleConverted {
            from_programme: "national-platform".to_owned(),
            to_programme: "national-platform-base".to_owned(),
            ..Default::default()
        }),
        17 => designation("innovative-sme"),
        18 => Fact::ObjectionResolved(pb::ObjectionResolved {
            programme,
            batch,
            outcome: 1 + i32::from(other == 0),
            ..Default::default()
        }),
        19 => {
            let passed = other == 0;
            Fact::CreationAssessed(pb::CreationAssessed {
                programme,
                batch,
                passed,
                ..Default::default()
            })
        }
        20 => Fact::RevocationProposed(pb::RevocationProposed {
            programme,
            ground: pb::RevocationGround::Other.into(),
            ..Default::default()
        }),
        _ => Fact::MajorChangeReported(pb::MajorChangeReported {
            change: pb::MajorChange::Other.into(),
            occurred_on: date("2014-12-01"),
            ..Default::default()
        }),
    };
    let issuer = if kind == 17 { "440000" } else { "100000" };
    event(issuer, DESIGNEES[who], effective, fact)
}

fn designation(programme: &str) -> Fact {
    let (programme, batch) = (programme.to_owned(), "1".to_owned());
    Fact::Designated(pb::Designated { programme, batch, ..Default::default() })
}

pub const DESIGNEES: [&str; 4] = [A, B, "914403007954257495", "91350900587527783P"];

fn on(day: u8) -> String {
    format!("20{:02}-{:02}-15", 15 + day / 12 % 12, 1 + day % 12)
}

impl Step {
    pub fn event(&self) -> pb::Event {
        match *self {
            Self::Designate(who, batch, day) => {
                little_giant(DESIGNEES[who], &batch.to_string(), &on(day))
            }
            Self::Notice(who, batch, day) => notice(DESIGNEES[who], &batch.to_string(), &on(day)),
            Self::Pass(who, day) => passed(DESIGNEES[who], &on(day)),
            Self::Fail(who, day) => failed(DESIGNEES[who], "little-giant", &on(day)),
            Self::Revoke(who, day) => revoked(DESIGNEES[who], &on(day), None),
            Self::Correct(position, who, day) => {
                corrected(position, little_giant(DESIGNEES[who], "1", &on(day)))
            }
            Self::CorrectWith(position, kind, who, also, day) => {
                corrected(position, other(kind, who, also, &on(day)))
            }
            Self::Other(kind, who, also, day) => other(kind, who, also, &on(day)),
            Self::Annul(position) => annulled(position),
            Self::Seal(batch, day) => sealed(&batch.to_string(), &on(day), None),
        }
    }
}

pub fn steps() -> impl Strategy<Value = Vec<Vec<Step>>> {
    let (who, batch, day) = (0..DESIGNEES.len(), 0..4_u8, 0..140_u8);
    let step = prop_oneof![
        4 => (who.clone(), batch.clone(), day.clone()).prop_map(|(w, b, d)| Step::Designate(w, b, d)),
        2 => (who.clone(), batch.clone(), day.clone()).prop_map(|(w, b, d)| Step::Notice(w, b, d)),
        2 => (who.clone(), day.clone()).prop_map(|(w, d)| Step::Pass(w, d)),
        1 => (who.clone(), day.clone()).prop_map(|(w, d)| Step::Fail(w, d)),
        1 => (who.clone(), day.clone()).prop_map(|(w, d)| Step::Revoke(w, d)),
        3 => (0..30_u64, who.clone(), day.clone()).prop_map(|(p, w, d)| Step::Correct(p, w, d)),
        6 => (0..OTHERS, who.clone(), who.clone(), day.clone())
            .prop_map(|(k, w, o, d)| Step::Other(k, w, o, d)),
        // A conversion needs something to convert.
        3 => (15..17_u8, who.clone(), who.clone(), day.clone())
            .prop_map(|(k, w, o, d)| Step::Other(k, w, o, d)),
        2 => (0..30_u64, 0..OTHERS, who.clone(), who, day.clone())
            .prop_map(|(p, k, w, o, d)| Step::CorrectWith(p, k, w, o, d)),
        3 => (0..30_u64).prop_map(Step::Annul),
        1 => (batch, day).prop_map(|(b, d)| Step::Seal(b, d)),
    ];
    prop::collection::vec(prop::collection::vec(step, 1..4), 1..25)
}

/// All that a reader could ask, as text.
fn answers(ledger: &Ledger, known_at: u64) -> String {
    answers_of(&ledger.register(), known_at)
}

fn answers_of(register: &Register, known_at: u64) -> String {
    let mut text = String::new();
    for designee in DESIGNEES {
        let id = DesigneeId::parse(designee).unwrap();
        let Some(index) = register.find(&id, known_at) else { continue };
        for year in [2014, 2017, 2020, 2023, 2030] {
            let view = view(register, index, day(&format!("{year}-06-30")), known_at);
            text.push_str(&format!("{view:?}\n"));
        }
    }
    // The scope of every event, and the designees that it concerns.
    for interest in filters::scopes() {
        text.push_str(&format!("{:?}", register.matching(interest, 0, known_at, usize::MAX)));
    }
    for position in 0..known_at {
        let mut ids = BTreeSet::new();
        register.followed_as(position, position + 1, |id| {
            ids.insert(id.to_string());
        });
        text.push_str(&format!("{ids:?}"));
    }
    // What a filter gives below a size does not change when the log grows.
    for interest in filters::interests() {
        text.push_str(&format!("{:?}", register.matching(&interest, 0, known_at, usize::MAX)));
    }
    text
}

/// Designees are numbered in order of appearance, which a rejected commit must not disturb.
#[test]
fn replaying_the_log_gives_the_register_the_writer_had_and_known_at_is_the_log_cut_there() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    proptest!(Config::with_cases(200), |(history in steps())| {
        runtime.block_on(async {
            let book = Book::new();
            let mut sizes = vec![0];
            let mut then = vec![answers(&book.ledger, 0)];
            for step in &history {
                let events = step.iter().map(Step::event).collect();
                let before = answers(&book.ledger, *sizes.last().unwrap());
                match book.record(events).await {
                    Ok(first) => {
                        let size = first + step.len() as u64;
                        sizes.push(size);
                        then.push(answers(&book.ledger, size));
                    }
                    Err(_) => {
                        // A rejected commit leaves no trace.
                        prop_assert_eq!(answers(&book.ledger, *sizes.last().unwrap()), before);
                    }
                }
            }
            let again = open(Arc::new(book.log.clone()), Arc::default(), Arc::default());
            prop_assert_eq!(again.durable().root, book.ledger.durable().root);
            prop_assert_eq!(again.register().designee_count(), book.ledger.register().designee_count());
            for (size, expected) in sizes.iter().zip(&then) {
                prop_assert_eq!(&answers(&again, *size), expected, "known at {}", size);
                prop_assert_eq!(&answers(&book.ledger, *size), expected, "known at {}", size);
            }
            Ok(())
        })?;
    });
}

/// The fold is total: also of events that the rules would refuse, such as transfers in a circle.
#[test]
fn whatever_is_applied_the_register_known_at_p_is_that_of_the_first_p_events_and_taking_back_leaves_no_trace()
 {
    let catalogue = Catalogue::built_in();
    proptest!(Config::with_cases(150), |(history in steps(), cut in 0..30_usize)| {
        let events: Vec<_> = history
            .iter()
            .flatten()
            .enumerate()
            .filter_map(|(i, step)| event::proposal(&catalogue, i, step.event()).ok())
            .map(|proposed| proposed.event)
            .collect();
        let mut whole = Register::default();
        let mut cuts = vec![answers_of(&whole, 0)];
        for event in &events {
            whole.apply(event);
            cuts.push(answers_of(&whole, whole.size()));
        }
        for (size, expected) in (0..).zip(&cuts) {
            prop_assert_eq!(&answers_of(&whole, size), expected, "known at {}", size);
        }
        let cut = cut.min(events.len());
        let mut taken_back = Register::default();
        events[..cut].iter().for_each(|event| taken_back.apply(event));
        let savepoint = taken_back.savepoint();
        events[cut..].iter().for_each(|event| taken_back.apply(event));
        taken_back.rollback_to(&savepoint);
        let size = taken_back.size();
        prop_assert_eq!(&answers_of(&taken_back, size), &cuts[cut]);
        // And what is applied afterwards goes on as if nothing had been.
        events[cut..].iter().for_each(|event| taken_back.apply(event));
        prop_assert_eq!(answers_of(&taken_back, taken_back.size()), cuts.pop().unwrap());
        prop_assert_eq!(taken_back.designee_count(), whole.designee_count());
    });
}
