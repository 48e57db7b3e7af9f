//! Notices: entries by batch and scope, each objection on its own, and seals.

use tidu::register::{EndCause, Flag, Status};

use super::*;

const PROVINCE: pb::NoticeScope = pb::NoticeScope::Recommendation;

fn recommended(batch: &str, from: &str) -> pb::Event {
    noticed(GUANGDONG, X, GIANT, batch, PROVINCE, from)
}

fn is_contested(told: &Told, as_of: &str) -> bool {
    let title = told.giant(X, as_of);
    assert_eq!(title.status, Status::Noticed, "{as_of}");
    title.has(Flag::NoticeContested)
}

#[test]
fn each_objection_is_contested_until_it_is_decided_itself() {
    let told = Told::of(&[
        notice(X, "6", "2024-10-15"),
        objected(MINISTRY, X, "6", "2024-10-18"),
        dismissed(X, "6", "2024-10-19"),
        objected(MINISTRY, X, "6", "2024-10-20"),
    ]);
    assert!(!is_contested(&told, "2024-10-17"));
    assert!(is_contested(&told, "2024-10-18"));
    assert!(!is_contested(&told, "2024-10-19"));
    assert!(is_contested(&told, "2024-10-20"));
}

#[test]
fn a_second_objection_holds_the_entry_back_at_the_seal() {
    let told = Told::of(&[
        notice(X, "6", "2024-10-15"),
        objected(MINISTRY, X, "6", "2024-10-18"),
        dismissed(X, "6", "2024-10-19"),
        objected(MINISTRY, X, "6", "2024-10-20"),
        seal("6", "2024-11-05"),
    ]);
    assert!(is_contested(&told, "2024-11-05"));
    let told = Told::of(&[
        notice(X, "6", "2024-10-15"),
        objected(MINISTRY, X, "6", "2024-10-18"),
        dismissed(X, "6", "2024-10-19"),
        seal("6", "2024-11-05"),
    ]);
    let closed = told.giant(X, "2024-11-05");
    assert_eq!(closed.status, Status::NotDesignated);
    assert_eq!((closed.cause, closed.ended_by), (Some(EndCause::NotOnFinalList), Some(3)));
}

#[test]
fn an_entry_that_was_held_back_stays_so() {
    let told = Told::of(&[
        notice(X, "6", "2024-10-15"),
        objected(MINISTRY, X, "6", "2024-10-18"),
        seal("6", "2024-10-25"),
        objected(MINISTRY, X, "6", "2024-10-28"),
        dismissed(X, "6", "2024-10-30"),
    ]);
    assert!(is_contested(&told, "2024-10-25"));
    assert!(is_contested(&told, "2024-10-28"));
    assert!(is_contested(&told, "2024-10-30"), "the newer objection is open");
    // An objection that comes after the seal alone does not hold the entry back.
    let told = Told::of(&[
        notice(X, "6", "2024-10-15"),
        seal("6", "2024-10-25"),
        objected(MINISTRY, X, "6", "2024-10-28"),
    ]);
    assert_eq!(told.status(X, "2024-10-28"), Status::NotDesignated);
}

#[test]
fn the_day_of_the_seal_counts_for_objections() {
    let facts = |raised, decided| {
        Told::of(&[
            notice(X, "6", "2024-10-15"),
            objected(MINISTRY, X, "6", raised),
            dismissed(X, "6", decided),
            seal("6", "2024-11-05"),
        ])
    };
    let status = |raised, decided| facts(raised, decided).status(X, "2024-12-01");
    assert_eq!(status("2024-11-05", "2024-11-06"), Status::Noticed);
    assert_eq!(status("2024-10-18", "2024-11-05"), Status::NotDesignated);
    assert_eq!(status("2024-10-18", "2024-11-06"), Status::Noticed);
    assert_eq!(status("2024-11-06", "2024-11-07"), Status::NotDesignated);
}

#[test]
fn a_decision_clears_only_objections_raised_by_its_day() {
    let told = Told::of(&[
        notice(X, "6", "2024-10-15"),
        dismissed(X, "6", "2024-10-17"),
        objected(MINISTRY, X, "6", "2024-10-18"),
    ]);
    let title = told.giant(X, "2024-10-18");
    assert!(title.has(Flag::NoticeContested));
    assert_eq!(title.superseded(), [1]);
    let same_day = Told::of(&[
        notice(X, "6", "2024-10-15"),
        objected(MINISTRY, X, "6", "2024-10-15"),
        dismissed(X, "6", "2024-10-15"),
    ]);
    assert!(!is_contested(&same_day, "2024-10-15"));
}

#[test]
fn a_decision_without_a_position_clears_the_oldest_objection() {
    let facts = |upheld, named| {
        Told::in_order(&[
            notice(X, "6", "2024-10-15"),
            objected(MINISTRY, X, "6", "2024-10-18"),
            objected(MINISTRY, X, "6", "2024-10-20"),
            resolved(MINISTRY, X, "6", "2024-10-21", (upheld, named)),
            resolved(MINISTRY, X, "6", "2024-10-22", (false, Some(1))),
        ])
    };
    // The first decision clears the older objection, so the second one has nothing to decide.
    let oldest = facts(false, None);
    assert_eq!(oldest.giant(X, "2024-10-22").superseded(), [4]);
    assert!(is_contested(&oldest, "2024-10-22"));
    let named = facts(false, Some(2));
    assert!(named.giant(X, "2024-10-22").superseded.is_empty());
    assert!(!is_contested(&named, "2024-10-22"));
    let upheld = facts(true, Some(2)).giant(X, "2024-10-22");
    assert_eq!(
        (upheld.status, upheld.cause),
        (Status::NotDesignated, Some(EndCause::ObjectionUpheld))
    );
    assert_eq!(upheld.superseded(), [4], "the entry is closed");
}

#[test]
fn a_decision_that_names_another_objection_decides_nothing() {
    let told = Told::in_order(&[
        notice(X, "6", "2024-10-15"),
        notice(X, "5", "2024-10-15"),
        objected(MINISTRY, X, "6", "2024-10-18"),
        resolved(MINISTRY, X, "5", "2024-10-21", (true, Some(2))),
        resolved(MINISTRY, X, "6", "2024-10-21", (true, Some(0))),
    ]);
    let title = told.giant(X, "2024-10-21");
    assert_eq!(title.superseded(), [3, 4]);
    assert!(title.has(Flag::NoticeContested));
}

#[test]
fn a_decision_may_name_the_correction_of_its_objection() {
    let corrected = crate::support::corrected(1, objected(MINISTRY, X, "6", "2024-10-19"));
    for named in [1, 2] {
        let told = Told::in_order(&[
            notice(X, "6", "2024-10-15"),
            objected(MINISTRY, X, "6", "2024-10-18"),
            corrected.clone(),
            resolved(MINISTRY, X, "6", "2024-10-21", (false, Some(named))),
        ]);
        assert!(is_contested(&told, "2024-10-20"));
        assert!(!is_contested(&told, "2024-10-21"), "{named}");
    }
}

#[test]
fn facts_of_another_batch_do_not_touch_an_entry() {
    let told = Told::of(&[
        notice(X, "6", "2024-10-15"),
        objected(MINISTRY, X, "5", "2024-10-18"),
        withdrawn(X, "5", "2024-10-20"),
        resolved(MINISTRY, X, "5", "2024-10-21", (true, None)),
    ]);
    let title = told.giant(X, "2024-10-21");
    assert_eq!((title.status, title.has(Flag::NoticeContested)), (Status::Noticed, false));
    assert_eq!(title.superseded(), [1, 2, 3]);
}

#[test]
fn several_batches_are_open_beside_one_another() {
    let told = Told::of(&[
        notice(X, "5", "2023-10-15"),
        notice(X, "6", "2024-10-15"),
        seal("6", "2024-11-05"),
        withdrawn(X, "5", "2024-12-01"),
    ]);
    assert_eq!(told.status(X, "2024-11-05"), Status::Noticed, "batch 5 is open");
    assert_eq!(told.giant(X, "2024-11-05").batch, "5", "the first notice is the cohort");
    let closed = told.giant(X, "2024-12-01");
    assert_eq!(closed.status, Status::NotDesignated);
    assert_eq!(closed.cause, Some(EndCause::NoticeWithdrawn), "the last close");
}

#[test]
fn an_objection_to_the_recommendation_stays_with_it() {
    let told = Told::of(&[
        recommended("6", "2024-09-01"),
        objected(GUANGDONG, X, "6", "2024-09-03"),
        notice(X, "6", "2024-10-15"),
        seal("6", "2024-11-05"),
    ]);
    for as_of in ["2024-09-03", "2024-10-15", "2024-11-05"] {
        assert!(is_contested(&told, as_of), "{as_of}");
    }
    // The ministry does not decide it by a decision on its own notice.
    let told = Told::of(&[
        recommended("6", "2024-09-01"),
        objected(GUANGDONG, X, "6", "2024-09-03"),
        notice(X, "6", "2024-10-15"),
        dismissed(X, "6", "2024-10-16"),
    ]);
    assert!(is_contested(&told, "2024-10-16"));
    assert_eq!(told.giant(X, "2024-10-16").superseded(), [3]);
}

#[test]
fn the_entry_of_the_decision_decides_whether_its_batch_is_open() {
    let province = |on| {
        let mut event = withdrawn(X, "6", on);
        event.authority = GUANGDONG.to_owned();
        event
    };
    let told = Told::of(&[recommended("6", "2024-09-01"), province("2024-09-10")]);
    assert_eq!(told.giant(X, "2024-09-10").cause, Some(EndCause::NoticeWithdrawn));
    let told = Told::of(&[
        recommended("6", "2024-09-01"),
        province("2024-09-10"),
        notice(X, "6", "2024-10-15"),
    ]);
    assert_eq!(told.status(X, "2024-09-10"), Status::NotDesignated);
    assert_eq!(told.status(X, "2024-10-15"), Status::Noticed);
    let told = Told::of(&[
        recommended("6", "2024-09-01"),
        notice(X, "6", "2024-10-15"),
        withdrawn(X, "6", "2024-10-20"),
    ]);
    assert_eq!(told.status(X, "2024-10-20"), Status::NotDesignated);
}

#[test]
fn a_notice_counts_from_the_day_after_the_last_day() {
    let facts = |from| Told::of(&[giant(X, "1", "2019-06-05"), notice(X, "6", from)]);
    let status = |from| facts(from).status(X, "2023-01-01");
    assert_eq!(status("2022-06-03"), Status::Expired);
    assert_eq!(status("2022-06-04"), Status::Expired, "the last day is in force");
    assert_eq!(status("2022-06-05"), Status::Noticed);
    assert_eq!(facts("2022-06-04").status(X, "2022-06-04"), Status::Active);
}

#[test]
fn a_notice_before_the_lapse_does_not_hide_a_later_one() {
    let told = Told::of(&[
        giant(X, "1", "2019-06-05"),
        notice(X, "5", "2022-06-01"),
        notice(X, "6", "2022-07-01"),
    ]);
    assert_eq!(told.status(X, "2022-06-30"), Status::Expired);
    assert_eq!(told.status(X, "2022-07-01"), Status::Noticed);
}

#[test]
fn a_designation_closes_every_notice() {
    let told = Told::of(&[
        notice(X, "5", "2023-10-15"),
        objected(MINISTRY, X, "5", "2023-10-18"),
        notice(X, "6", "2024-10-15"),
        giant(X, "6", "2025-01-01"),
        withdrawn(X, "5", "2025-02-01"),
    ]);
    let title = told.giant(X, "2025-02-01");
    assert_eq!((title.status, title.superseded()), (Status::Active, vec![4]));
    assert_eq!(told.status(X, "2028-01-01"), Status::Expired);
    assert_eq!(title.batch, "6", "the batch of the designation");
}

#[test]
fn a_supplementary_notice_is_open_after_the_seal_of_its_batch() {
    let supplement = |from| {
        let mut event = notice(X, "6", from);
        let Some(Fact::NoticeOpened(fact)) = &mut event.fact else { panic!() };
        fact.supplement = true;
        event
    };
    let told = Told::of(&[supplement("2024-12-01"), seal("6", "2024-11-05")]);
    assert_eq!(told.status(X, "2024-12-01"), Status::Noticed);
    let told = Told::of(&[notice(X, "6", "2024-12-01"), seal("6", "2024-11-05")]);
    assert_eq!(told.status(X, "2024-12-01"), Status::NotDesignated, "the seal covers it");
    let told =
        Told::of(&[supplement("2024-12-01"), seal("6", "2024-11-05"), seal("6", "2024-12-20")]);
    assert_eq!(told.status(X, "2024-12-19"), Status::Noticed);
    let closed = told.giant(X, "2024-12-20");
    assert_eq!((closed.status, closed.ended_by), (Status::NotDesignated, Some(2)));
}

#[test]
fn a_second_notice_of_an_open_entry_changes_nothing() {
    let told = Told::of(&[
        notice(X, "6", "2024-10-15"),
        notice(Y, "6", "2024-10-17"),
        linked(X, Y, "2024-10-20"),
        objected(MINISTRY, X, "6", "2024-10-16"),
    ]);
    assert!(is_contested(&told, "2024-10-17"));
    assert_eq!(told.giant(X, "2024-10-17").superseded(), [1]);
    let told = Told::of(&[
        notice(X, "6", "2024-10-15"),
        withdrawn(X, "6", "2024-10-16"),
        notice(Y, "6", "2024-10-17"),
        linked(X, Y, "2024-10-20"),
    ]);
    assert_eq!(told.status(X, "2024-10-16"), Status::NotDesignated);
    assert_eq!(told.status(X, "2024-10-17"), Status::Noticed);
}
