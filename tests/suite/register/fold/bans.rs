//! Bans count over their own days, whatever else happens to the title.

use tidu::register::{Flag, Status};

use super::*;

#[test]
fn a_ban_is_shown_after_a_later_designation_as_well() {
    let told = Told::of(&[
        giant(X, "1", "2021-01-01"),
        revoked(X, "2021-10-09", Some("2024-10-09")),
        giant(X, "7", "2025-01-01"),
    ]);
    assert_eq!(told.giant(X, "2021-10-08").ban_until, None, "not before the revocation");
    for as_of in ["2021-10-09", "2024-12-31", "2025-06-01"] {
        assert_eq!(told.giant(X, as_of).ban_until, Some(day("2024-10-09")), "{as_of}");
    }
    assert_eq!(told.status(X, "2025-06-01"), Status::Active);
}

#[test]
fn a_ban_counts_although_its_revocation_is_superseded() {
    let told = Told::of(&[
        giant(X, "1", "2021-01-01"),
        surrendered(X, "2021-06-01"),
        revoked(X, "2021-10-09", Some("2024-10-09")),
    ]);
    let title = told.giant(X, "2022-01-01");
    assert_eq!((title.status, title.superseded()), (Status::Surrendered, vec![2]));
    assert_eq!(title.ban_until, Some(day("2024-10-09")));
    assert_eq!(title.ground, None, "the revocation did not end it");
}

#[test]
fn a_ban_counts_without_a_designation_on_record() {
    let told = Told::of(&[revoked(X, "2021-10-09", Some("2024-10-09"))]);
    let title = told.giant(X, "2022-01-01");
    assert_eq!((title.status, title.ban_until), (Status::Revoked, Some(day("2024-10-09"))));
    assert!(title.has(Flag::DesignationNotOnRecord));
}

#[test]
fn of_several_bans_the_one_that_lasts_longest_is_shown() {
    let told = Told::of(&[
        giant(X, "1", "2021-01-01"),
        revoked(X, "2021-10-09", Some("2026-10-09")),
        revoked(X, "2022-10-09", Some("2025-10-09")),
    ]);
    assert_eq!(told.giant(X, "2023-01-01").ban_until, Some(day("2026-10-09")));
}

#[test]
fn a_reinstatement_ends_all_bans_of_its_title_the_day_before() {
    let told = Told::of(&[
        giant(X, "1", "2021-01-01"),
        revoked(X, "2021-10-09", Some("2026-10-09")),
        revoked(X, "2022-10-09", Some("2025-10-09")),
        reinstated(X, "2023-01-01"),
    ]);
    assert_eq!(told.giant(X, "2022-12-31").ban_until, Some(day("2026-10-09")));
    let title = told.giant(X, "2023-01-01");
    assert_eq!((title.status, title.ban_until), (Status::Active, Some(day("2022-12-31"))));
}

#[test]
fn a_ban_that_is_lifted_on_its_first_day_is_gone() {
    let on = "2021-10-09";
    let told = Told::of(&[
        giant(X, "1", "2021-01-01"),
        revoked(X, on, Some("2026-10-09")),
        reinstated(X, on),
    ]);
    let title = told.giant(X, on);
    assert_eq!((title.status, title.ban_until), (Status::Active, None));
}

#[test]
fn a_revocation_for_a_serious_ground_without_a_ban_is_flagged() {
    let told = Told::of(&[giant(X, "1", "2021-01-01"), revoked(X, "2021-10-09", None)]);
    let title = told.giant(X, "2021-10-09");
    assert!(title.has(Flag::BanMissing));
    assert_eq!(title.ground, Some(Ground::Falsification));
    assert!(!told.giant(X, "2021-10-08").has(Flag::BanMissing));
    // Once the title lives again, nothing is missing.
    let told = Told::of(&[
        giant(X, "1", "2021-01-01"),
        revoked(X, "2021-10-09", None),
        giant(X, "7", "2025-01-01"),
    ]);
    assert!(!told.giant(X, "2025-01-01").has(Flag::BanMissing));
}

#[test]
fn a_stated_ban_or_a_lesser_ground_leaves_no_flag() {
    let told =
        Told::of(&[giant(X, "1", "2021-01-01"), revoked(X, "2021-10-09", Some("2024-10-09"))]);
    assert!(!told.giant(X, "2021-10-09").has(Flag::BanMissing));

    let mut lesser = revoked(X, "2021-10-09", None);
    let Some(Fact::Revoked(fact)) = &mut lesser.fact else { panic!() };
    fact.ground = pb::RevocationGround::BelowStandard.into();
    let told = Told::of(&[giant(X, "1", "2021-01-01"), lesser]);
    let title = told.giant(X, "2021-10-09");
    assert_eq!(title.ground, Some(Ground::BelowStandard));
    assert!(!title.has(Flag::BanMissing));

    // The rule of this programme carries no ban.
    let mut champion = revoked(X, "2021-10-09", None);
    let Some(Fact::Revoked(fact)) = &mut champion.fact else { panic!() };
    fact.programme = CHAMPION.to_owned();
    let of_champion = designated_to(MINISTRY, X, CHAMPION, "1", "2021-01-01", None);
    let told = Told::of(&[of_champion, champion]);
    let title = told.find(X, CHAMPION, "2021-10-09").unwrap();
    assert_eq!((title.status, title.has(Flag::BanMissing)), (Status::Revoked, false));
}
