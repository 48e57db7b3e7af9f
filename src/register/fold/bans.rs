//! Bans: the days over which a subject may not apply, by the revocations that state them.
//!
//! A ban counts over its own days, whatever else happened to the title: also if the revocation was
//! superseded. A reinstatement of the title ends its bans the day before.

use smallvec::SmallVec;

use super::{ASKED_FOR, Folding};
use crate::{domain::CivilDate, register::rows::TitleKey};

/// The ban that one revocation states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::register) struct Ban {
    /// Day of the revocation.
    pub(in crate::register) from: CivilDate,
    /// Last day, to midnight.
    pub(in crate::register) until: CivilDate,
    /// True if the last day was inferred from the catalogue.
    pub(in crate::register) inferred: bool,
    /// The revocation.
    pub(in crate::register) position: u32,
}

/// The bans of one title.
#[derive(Clone, Debug, Default)]
pub(in crate::register) struct Bans(SmallVec<[Ban; 1]>);

impl Ban {
    /// True if the subject may not apply on the day.
    pub(in crate::register) fn holds_on(&self, day: CivilDate) -> bool {
        self.from <= day && day <= self.until
    }
}

impl Bans {
    pub(super) fn add(&mut self, ban: Ban) {
        if ban.from <= ban.until {
            self.0.push(ban);
        }
    }

    /// The title is reinstated: its bans end the day before.
    pub(super) fn lift(&mut self, day: CivilDate) {
        for ban in &mut self.0 {
            if let Some(last) = day.previous().filter(|last| *last < ban.until) {
                (ban.until, ban.inferred) = (last, false);
            }
        }
        self.0.retain(|ban| ban.from <= ban.until);
    }

    /// The ban that lasts longest.
    pub(in crate::register) fn last(&self) -> Option<Ban> {
        self.0.iter().max_by_key(|ban| (ban.until, !ban.inferred)).copied()
    }
}

impl Folding {
    /// The bans of the subject asked for, each with the title that was revoked.
    pub(in crate::register) fn bans(&self) -> impl Iterator<Item = (TitleKey, Ban)> {
        let own = self.titles.iter().filter(|title| title.subject == ASKED_FOR);
        own.flat_map(|title| title.bans.0.iter().map(|ban| (title.key, *ban)))
    }
}
