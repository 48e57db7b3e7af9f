//! Whom an event concerns: what filters ask, in 32 bytes an event. Derived when the event is applied, from itself and
//! from what was recorded before it, never from what comes later.

use super::{
    DesigneeIndex, NOBODY,
    fact::{Stated, What},
};
use crate::domain::{
    AuthorityCode,
    catalogue::ProgrammeId,
    event::{Event, Fact, Kind, TitleFact},
};

/// Whom one event concerns.
#[derive(Clone, Copy, Debug)]
pub struct Concern {
    /// Bit by authority.
    authorities: u64,
    /// The event it repairs plus one; 0 for none.
    repairs: u64,
    /// Bit by programme.
    programmes: u32,
    designee: DesigneeIndex,
    kind: u8,
    issuer: AuthorityCode,
}

impl Concern {
    /// Issuer, co-issuers, programme and recommending authority, as the event itself says.
    pub(super) fn stated_by(event: &Event) -> Self {
        let mut concern = Self {
            authorities: bit(event.authority),
            repairs: 0,
            programmes: 0,
            designee: NOBODY,
            kind: event.fact.kind().number(),
            issuer: event.authority,
        };
        event.co_issuers.iter().for_each(|authority| concern.add(*authority));
        match &event.fact {
            Fact::Title { title, fact, .. } => {
                concern.add_programme(title.programme);
                concern.add(title.authority);
                concern.add_some(fact.listed().and_then(|listed| listed.recommended_by));
                if let TitleFact::NoticeOpened { sublist, .. }
                | TitleFact::Designated { sublist, .. } = fact
                {
                    concern.add_some(*sublist);
                }
            }
            Fact::BatchOpened(batch) | Fact::BatchSealed { batch, .. } => {
                concern.add_programme(batch.programme);
                concern.add_some(batch.sublist);
            }
            Fact::Corrected { position, .. } | Fact::Annulled { position } => {
                concern.repairs = position.saturating_add(1);
            }
            Fact::Renamed { .. } => {}
        }
        concern
    }

    /// Adds what follows from the designee's earlier facts: an identity event concerns the programmes and authorities of
    /// all of them, an event about a title those who recommended it.
    pub(super) fn is_about(&mut self, index: DesigneeIndex, event: &Event, facts: &[Stated]) {
        self.designee = index;
        for stated in facts {
            let What::Title(key, _) = stated.what else { continue };
            let same_title = match &event.fact {
                Fact::Title { title, .. } => {
                    title.programme == key.programme && title.authority == key.authority
                }
                _ => {
                    self.add_programme(key.programme);
                    true
                }
            };
            if same_title {
                self.add(key.authority);
                self.add_some(stated.recommended_by());
            }
        }
    }

    /// Adds what another event concerns.
    pub(super) fn join(&mut self, other: &Self) {
        self.authorities |= other.authorities;
        self.programmes |= other.programmes;
        if self.designee == NOBODY {
            self.designee = other.designee;
        }
    }

    fn add(&mut self, authority: AuthorityCode) {
        self.authorities |= bit(authority);
    }

    fn add_some(&mut self, authority: Option<AuthorityCode>) {
        self.authorities |= authority.map_or(0, bit);
    }

    fn add_programme(&mut self, programme: ProgrammeId) {
        self.programmes |= 1 << programme.index();
    }

    /// The designee it is about.
    #[must_use]
    pub fn designee(&self) -> Option<DesigneeIndex> {
        (self.designee != NOBODY).then_some(self.designee)
    }

    /// Who stated it.
    #[must_use]
    pub fn issuer(&self) -> AuthorityCode {
        self.issuer
    }

    /// The position it repairs.
    #[must_use]
    pub fn repairs(&self) -> Option<u64> {
        self.repairs.checked_sub(1)
    }
}

fn bit(authority: AuthorityCode) -> u64 {
    1 << authority.index()
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
        self.programmes |= 1 << programme.index();
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

    /// True if the event matches.
    #[must_use]
    pub fn matches(&self, concern: &Concern) -> bool {
        (self.authorities == 0 || self.authorities & concern.authorities != 0)
            && (self.programmes == 0 || self.programmes & concern.programmes != 0)
            && (self.kinds.is_empty() || self.kinds.contains(&concern.kind))
    }
}
