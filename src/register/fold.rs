//! The fold: from the facts that stand about a designee to its titles on a day. Total and pure.
//!
//! Facts come in the order in which they count: effective date, precedence, position. A fact that cannot apply changes
//! nothing and is listed as superseded. Expiry follows from dates and is not an event; the last day counts in full.

use super::{
    Register,
    batch::BatchKey,
    fact::{Stated, TitleKey, TitleWhat, What},
    names::Sym,
};
use crate::domain::{AuthorityCode, CivilDate, event::Validity};

/// Where a title stands on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // as documented in tidu.v1.TitleStatus
pub enum Status {
    Pending,
    Noticed,
    NotDesignated,
    Active,
    Expired,
    Revoked,
}

/// A stretch of days on which a title is, or will be, in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Period {
    pub(super) from: CivilDate,
    pub(super) validity: Validity,
    /// The event that began it.
    pub(super) position: u64,
}

impl Period {
    fn holds_on(&self, day: CivilDate) -> bool {
        self.from <= day && self.validity.to.is_none_or(|to| day <= to)
    }

    pub(super) fn overlaps(&self, from: CivilDate, to: Option<CivilDate>) -> bool {
        to.is_none_or(|to| self.from <= to) && self.validity.to.is_none_or(|end| from <= end)
    }
}

/// A title, as folded.
#[derive(Clone, Debug)]
pub(super) struct Folded {
    pub(super) key: TitleKey,
    /// All stretches in force, as far as the facts reach; ends are cut where the title ended before them.
    pub(super) periods: Vec<Period>,
    pub(super) batch: Sym,
    pub(super) round: Sym,
    pub(super) recommended_by: Option<AuthorityCode>,
    pub(super) ban_until: Option<CivilDate>,
    pub(super) positions: Vec<u64>,
    pub(super) superseded: Vec<u64>,
    notice: Option<Notice>,
    ended: Option<(Status, CivilDate)>,
}

#[derive(Clone, Copy, Debug)]
struct Notice {
    batch: Sym,
    sublist: Option<AuthorityCode>,
    effective: CivilDate,
}

/// Folds facts, given in the order in which they count, to titles, in the order of their keys.
///
/// Facts that become effective after `as_of` count only for PENDING; give the last day there is to see everything.
pub(super) fn fold(facts: &[Stated], as_of: CivilDate) -> Vec<Folded> {
    let mut titles: Vec<Folded> = Vec::new();
    for stated in facts {
        let What::Title(key, what) = stated.what else { continue };
        let place = match titles.binary_search_by_key(&key, |title| title.key) {
            Ok(place) => place,
            Err(place) => {
                titles.insert(place, Folded::new(key));
                place
            }
        };
        if let Some(title) = titles.get_mut(place) {
            title.step(stated, what, as_of);
        }
    }
    titles.retain(|title| !title.positions.is_empty() || !title.superseded.is_empty());
    titles
}

impl Folded {
    fn new(key: TitleKey) -> Self {
        Self {
            key,
            periods: Vec::new(),
            batch: Sym::EMPTY,
            round: Sym::EMPTY,
            recommended_by: None,
            ban_until: None,
            positions: Vec::new(),
            superseded: Vec::new(),
            notice: None,
            ended: None,
        }
    }

    fn step(&mut self, stated: &Stated, what: TitleWhat, as_of: CivilDate) {
        let day = stated.effective;
        let designates = matches!(what, TitleWhat::Designated { .. });
        if day > as_of && !designates {
            return;
        }
        let applied = match what {
            TitleWhat::Noticed { batch, sublist, review, .. } => {
                self.notice(batch, sublist, review, day);
                true
            }
            TitleWhat::Designated { batch, validity, .. } => {
                let free = self.ended.is_some() || !self.periods.iter().any(|p| p.holds_on(day));
                // A later designation that has not come changes nothing for a title that has had its day.
                let counts = free && (day <= as_of || self.periods.is_empty());
                if counts {
                    self.begin(Period { from: day, validity, position: stated.position });
                    self.batch = batch;
                    self.round = Sym::EMPTY;
                } else if day > as_of {
                    return;
                }
                counts
            }
            TitleWhat::ReviewPassed { round, validity } => {
                let held = !self.periods.is_empty() && self.ended.is_none();
                if held {
                    self.cut_before(day);
                    self.begin(Period { from: day, validity, position: stated.position });
                    self.round = round;
                }
                held
            }
            TitleWhat::ReviewFailed { revokes } => {
                self.end(if revokes { Status::Revoked } else { Status::Expired }, day)
            }
            TitleWhat::Revoked { ban_until } => {
                let applies = self.end(Status::Revoked, day);
                if applies {
                    self.ban_until = ban_until;
                }
                applies
            }
        };
        if applied {
            self.recommended_by = stated.recommended_by().or(self.recommended_by);
            self.positions.push(stated.position);
        } else {
            self.superseded.push(stated.position);
        }
    }

    fn notice(&mut self, batch: Sym, sublist: Option<AuthorityCode>, review: bool, day: CivilDate) {
        if !review {
            self.notice = Some(Notice { batch, sublist, effective: day });
            if self.periods.is_empty() {
                self.batch = batch;
            }
        }
    }

    fn begin(&mut self, period: Period) {
        self.periods.push(period);
        self.ended = None;
        self.notice = None;
    }

    /// Ends the title on a day; false if there is nothing to end.
    fn end(&mut self, status: Status, day: CivilDate) -> bool {
        let revoked = matches!(self.ended, Some((Status::Revoked, _)));
        if self.periods.is_empty() || revoked {
            return false;
        }
        self.cut_before(day);
        self.ended = Some((status, day));
        true
    }

    /// The last stretch ends the day before, if it would reach the day.
    fn cut_before(&mut self, day: CivilDate) {
        let before = day.previous();
        if let Some(last) = self.periods.last_mut()
            && last.holds_on(day)
        {
            last.validity = Validity { to: before, inferred: false };
        }
    }

    /// The stretch that counts: the last one that has begun, or the first to come.
    pub(super) fn current(&self) -> Option<&Period> {
        self.periods.last()
    }

    /// Where the title stands on the day it was folded for.
    pub(super) fn status(&self, register: &Register, as_of: CivilDate, known_at: u64) -> Status {
        let lapsed_on = match (self.ended, self.current()) {
            (Some((status @ Status::Revoked, _)), _) => return status,
            (Some((_, day)), _) => Some(day),
            (None, None) => None,
            (None, Some(period)) if period.from > as_of => return Status::Pending,
            (None, Some(period)) if period.holds_on(as_of) => return Status::Active,
            (None, Some(period)) => period.validity.to,
        };
        let noticed_since =
            self.notice.filter(|notice| lapsed_on.is_none_or(|day| notice.effective >= day));
        match (noticed_since, lapsed_on) {
            (Some(notice), _) if !self.is_sealed(register, notice, as_of, known_at) => {
                Status::Noticed
            }
            (_, Some(_)) => Status::Expired,
            _ => Status::NotDesignated,
        }
    }

    fn is_sealed(
        &self,
        register: &Register,
        notice: Notice,
        as_of: CivilDate,
        known_at: u64,
    ) -> bool {
        let TitleKey { programme, authority, .. } = self.key;
        let key = BatchKey { programme, authority, name: notice.batch };
        register.seal_of(key, notice.sublist, as_of, known_at).is_some()
    }
}

impl Folded {
    /// The revocation that stands on a day, if the title was revoked on or before it.
    pub(super) fn revoked_by(&self, day: CivilDate) -> Option<u64> {
        match self.ended {
            Some((Status::Revoked, since)) if since <= day => self.positions.last().copied(),
            _ => None,
        }
    }

    /// Events that begin a stretch after a day.
    pub(super) fn periods_after(&self, day: CivilDate) -> impl Iterator<Item = u64> {
        self.periods.iter().filter(move |period| period.from > day).map(|period| period.position)
    }
}
