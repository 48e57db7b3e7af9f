//! Whom an event concerns: what filters ask. Derived when the event is applied, from itself and from what was recorded
//! before it, never from what comes later.

use super::{DesigneeIndex, NOBODY, Register, identity::Circle, narrow, row::Row};
use crate::domain::{
    AuthorityCode,
    catalogue::ProgrammeId,
    event::{Event, Fact, Kind, SubjectFact, TitleFact},
};

/// Whom one event concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concern {
    /// Authorities, a bit each.
    pub authorities: u64,
    /// Programmes, a bit each.
    pub programmes: u32,
    /// The designee it is about.
    pub designee: Option<DesigneeIndex>,
    /// Number of its kind.
    pub kind: u8,
}

impl Row {
    /// Issuer, co-issuers, programme, recommending and other authorities, as the event itself says.
    pub(super) fn is_stated_by(&mut self, event: &Event) {
        self.concerns(event.authority);
        event.co_issuers.iter().for_each(|authority| self.concerns(*authority));
        self.concerns(self.stated.authority);
        if let Some(programme) = self.stated.programme {
            self.programmes |= bit_of(programme);
        }
        if let Some(listed) = event.fact.listed() {
            self.concerns_some(listed.recommended_by);
        }
        match &event.fact {
            Fact::Title { fact, .. } => match fact {
                TitleFact::NoticeOpened { sublist, .. } | TitleFact::Designated { sublist, .. } => {
                    self.concerns_some(*sublist);
                }
                TitleFact::Converted { to, .. } => {
                    self.programmes |= bit_of(to.programme);
                    self.concerns(to.authority);
                }
                _ => {}
            },
            Fact::Subject {
                fact: SubjectFact::Relocated { from_authority, to_authority, .. },
                ..
            } => {
                self.concerns(*from_authority);
                self.concerns(*to_authority);
            }
            Fact::Batch { batch, .. } => self.concerns_some(batch.sublist),
            _ => {}
        }
    }

    /// Adds what another event concerns.
    pub(super) fn join(&mut self, other: &Self) {
        self.authorities |= other.authorities;
        self.programmes |= other.programmes;
    }

    fn concerns(&mut self, authority: AuthorityCode) {
        self.authorities |= bit(authority);
    }

    fn concerns_some(&mut self, authority: Option<AuthorityCode>) {
        self.authorities |= authority.map_or(0, bit);
    }
}

impl Register {
    /// Adds what follows from the designee's earlier events, under any of its identifiers: an event about the designee
    /// itself concerns the programmes and authorities of all of them, an event about a title those of the same title. Both
    /// concern whoever is responsible for the designee.
    pub(super) fn is_about(&mut self, row: &mut Row, index: DesigneeIndex, fact: &Fact) {
        let mut circle = std::mem::take(&mut self.scratch);
        self.follows_from(&mut circle, row, index, fact);
        for other in fact.others().into_iter().filter_map(|id| self.index_of(id)) {
            self.follows_from(&mut circle, row, other, fact);
        }
        self.scratch = circle;
    }

    fn follows_from(&self, circle: &mut Circle, row: &mut Row, index: DesigneeIndex, fact: &Fact) {
        let record = self.designee(index);
        if record.last.position().is_none() && !record.also {
            return;
        }
        self.circle_into(circle, index, self.size(), None);
        let mut responsible = None;
        for placed in circle.own_facts() {
            let stated = &placed.stated;
            responsible = stated.responsible().or(responsible);
            let same = match fact {
                Fact::Title { title, .. } => {
                    stated.programme == Some(title.programme) && stated.authority == title.authority
                }
                _ => true,
            };
            if same {
                row.concerns(stated.authority);
                if let Some(listing) = stated.listing() {
                    row.concerns_some(listing.recommended_by);
                    row.concerns_some(listing.sublist);
                }
                if let (Some(programme), true) = (stated.programme, stated.title().is_some()) {
                    row.programmes |= bit_of(programme);
                }
            }
        }
        row.concerns_some(responsible);
    }

    /// Whom the event at a position concerns.
    #[must_use]
    pub fn concern(&self, position: u64) -> Option<Concern> {
        let row = self.row(narrow(position))?;
        Some(Concern {
            authorities: row.authorities,
            programmes: row.programmes,
            designee: Some(row.designee).filter(|index| *index != NOBODY),
            kind: row.stated.what.kind(),
        })
    }

    /// Positions in `from..to` that match, at most `most`, and the position up to which all were examined.
    #[must_use]
    pub fn matching(
        &self,
        interest: &Interest,
        from: u64,
        to: u64,
        most: usize,
    ) -> (Vec<u64>, u64) {
        let mut found = Vec::new();
        for position in from..to {
            if self.row(narrow(position)).is_some_and(|row| interest.matches(row)) {
                found.push(position);
                if found.len() >= most {
                    return (found, position + 1);
                }
            }
        }
        (found, to)
    }

    /// As [`Register::matching`] below a position, newest first; and where to go on from, exclusive, if there is more.
    #[must_use]
    pub fn matching_before(
        &self,
        interest: &Interest,
        before: u64,
        most: usize,
    ) -> (Vec<u64>, Option<u64>) {
        let mut found = Vec::new();
        for position in (0..before).rev() {
            if found.len() == most {
                return (found, Some(position + 1));
            }
            if self.row(narrow(position)).is_some_and(|row| interest.matches(row)) {
                found.push(position);
            }
        }
        (found, None)
    }

    /// Who stated the event at a position.
    pub(super) fn issuer_at(&self, position: u64) -> Option<AuthorityCode> {
        self.stated(u32::try_from(position).ok()?).map(|stated| stated.issuer)
    }
}

fn bit(authority: AuthorityCode) -> u64 {
    1 << authority.index()
}

fn bit_of(programme: ProgrammeId) -> u32 {
    1 << programme.index()
}

/// Which events someone wants: any value within a field, all fields together; an empty field wants everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    authorities: u64,
    programmes: u32,
    kinds: Vec<u8>,
}

impl Interest {
    /// Wants an authority's events.
    pub fn authority(&mut self, authority: AuthorityCode) {
        self.authorities |= bit(authority);
    }

    /// Wants a programme's events.
    pub fn programme(&mut self, programme: ProgrammeId) {
        self.programmes |= bit_of(programme);
    }

    /// Wants a kind of events.
    pub fn kind(&mut self, kind: Kind) {
        self.kinds.push(kind.number());
    }

    /// True if every event matches.
    #[must_use]
    pub fn wants_all(&self) -> bool {
        *self == Self::default()
    }

    fn matches(&self, row: &Row) -> bool {
        (self.authorities == 0 || self.authorities & row.authorities != 0)
            && (self.programmes == 0 || self.programmes & row.programmes != 0)
            && (self.kinds.is_empty() || self.kinds.contains(&row.stated.what.kind()))
    }
}
