//! What stories are about: people, titles, and kinds of facts by weight.

use super::said::{Of, Programme};

/// The identifiers of all stories.
pub const PEOPLE: [&str; 4] = [
    "914403001922038216",
    "91330106673959654P",
    "914403007954257495",
    "provisional:440000/示例旧名有限公司",
];
pub(super) const BATCHES: [&str; 3] = ["1", "2", "3"];
pub(super) const MINISTRY: &str = "100000";
pub(super) const GUANGDONG: &str = "440000";

const fn programme(id: &'static str, renews: bool, ban_years: i16) -> Programme {
    Programme { id, years: 3, renews, revokes: false, ban_years, needs: &[] }
}

static INNOVATIVE: Programme = programme("innovative-sme", true, 3);
static SPECIALISED: Programme =
    Programme { needs: &["innovative-sme"], ..programme("specialised-sme", false, 3) };
static LITTLE_GIANT: Programme =
    Programme { needs: &["specialised-sme"], ..programme("little-giant", false, 3) };
static CHAMPION: Programme =
    Programme { revokes: true, ..programme("single-item-champion", false, 0) };
pub(super) static PLATFORM: Programme = programme("national-platform", true, 0);
pub(super) static PLATFORM_BASE: Programme =
    Programme { years: 0, ..programme("national-platform-base", true, 0) };

const fn of(programme: &'static Programme, authority: &'static str, item: &'static str) -> Of {
    Of { programme, authority, item }
}

pub(super) static TITLES: [Of; 10] = [
    of(&LITTLE_GIANT, MINISTRY, ""),
    of(&SPECIALISED, GUANGDONG, ""),
    of(&SPECIALISED, "330000", ""),
    of(&INNOVATIVE, GUANGDONG, ""),
    of(&INNOVATIVE, "330000", ""),
    of(&CHAMPION, MINISTRY, ""),
    of(&CHAMPION, MINISTRY, "pump"),
    of(&PLATFORM, MINISTRY, ""),
    of(&PLATFORM_BASE, MINISTRY, ""),
    of(&PLATFORM_BASE, MINISTRY, "hub"),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Noticed,
    Objected,
    Resolved,
    Withdrawn,
    Designated,
    ReviewOpened,
    Passed,
    Failed,
    Proposed,
    Rectify,
    Supported,
    Revoked,
    Surrendered,
    Reinstated,
    Transferred,
    Converted,
    Listed,
    Assessed,
    Ended,
    Restructured,
    Linked,
    Moved,
    Reported,
    Pool,
    Sealed,
}

use Kind as K;

/// Notices and objections; validity; subjects; identity; creation; everything.
pub(super) static THEMES: [&[(Kind, u8)]; 6] = [
    &[
        (K::Noticed, 7),
        (K::Objected, 6),
        (K::Resolved, 5),
        (K::Withdrawn, 1),
        (K::Designated, 2),
        (K::Sealed, 3),
        (K::Passed, 1),
        (K::Failed, 1),
        (K::Ended, 1),
    ],
    &[
        (K::Designated, 6),
        (K::Passed, 4),
        (K::Failed, 4),
        (K::ReviewOpened, 2),
        (K::Revoked, 4),
        (K::Surrendered, 1),
        (K::Reinstated, 3),
        (K::Proposed, 1),
        (K::Rectify, 1),
        (K::Noticed, 2),
        (K::Sealed, 1),
        (K::Reported, 1),
    ],
    &[
        (K::Designated, 6),
        (K::Passed, 2),
        (K::Ended, 2),
        (K::Restructured, 3),
        (K::Transferred, 5),
        (K::Revoked, 1),
        (K::Reinstated, 1),
        (K::Noticed, 1),
        (K::Failed, 1),
    ],
    &[
        (K::Designated, 6),
        (K::Linked, 3),
        (K::Passed, 2),
        (K::Revoked, 1),
        (K::Transferred, 2),
        (K::Ended, 1),
        (K::Pool, 1),
    ],
    &[
        (K::Listed, 4),
        (K::Assessed, 3),
        (K::Designated, 3),
        (K::Converted, 4),
        (K::Noticed, 1),
        (K::Sealed, 1),
        (K::Surrendered, 1),
        (K::Ended, 1),
    ],
    &[
        (K::Noticed, 3),
        (K::Objected, 2),
        (K::Resolved, 2),
        (K::Withdrawn, 1),
        (K::Designated, 6),
        (K::ReviewOpened, 1),
        (K::Passed, 3),
        (K::Failed, 2),
        (K::Proposed, 1),
        (K::Rectify, 1),
        (K::Supported, 1),
        (K::Revoked, 2),
        (K::Surrendered, 1),
        (K::Reinstated, 2),
        (K::Transferred, 2),
        (K::Converted, 1),
        (K::Listed, 1),
        (K::Assessed, 1),
        (K::Ended, 1),
        (K::Restructured, 1),
        (K::Linked, 1),
        (K::Moved, 1),
        (K::Reported, 1),
        (K::Pool, 1),
        (K::Sealed, 1),
    ],
];
