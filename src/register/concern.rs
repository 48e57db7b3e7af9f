//! Whom an event concerns: what filters ask. Derived when the event is applied, from itself and from what was recorded
//! before it, never from what comes later.

use smallvec::SmallVec;

use super::{
    DesigneeIndex, NOBODY, Register,
    identity::Circle,
    narrow,
    row::{Stated, What},
    texts::Sym,
};
use crate::domain::{
    AuthorityCode, RegionCode,
    event::{Event, Fact, SubjectFact, TitleFact},
    kind::ProgrammeId,
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

/// Whom an event concerns, while that is being found out.
#[derive(Clone, Debug, Default)]
pub(super) struct Reach {
    pub(super) authorities: u64,
    pub(super) programmes: u32,
    pub(super) regions: SmallVec<[RegionCode; 2]>,
    pub(super) batches: SmallVec<[Sym; 2]>,
}

impl Reach {
    /// Issuer, co-issuers, programme, recommending and other authorities, region and batch, as the event itself says.
    pub(super) fn is_stated_by(&mut self, event: &Event, stated: &Stated) {
        self.authority(event.authority);
        event.co_issuers.iter().for_each(|authority| self.authority(*authority));
        self.authority(stated.authority);
        if let Some(programme) = stated.programme {
            self.programmes |= bit_of(programme);
        }
        if let Some(listed) = event.fact.listed() {
            self.some_authority(listed.recommended_by);
        }
        match &event.fact {
            Fact::Title { fact, .. } => match fact {
                TitleFact::NoticeOpened { sublist, .. } | TitleFact::Designated { sublist, .. } => {
                    self.some_authority(*sublist);
                }
                TitleFact::Converted { to, .. } => {
                    self.programmes |= bit_of(to.programme);
                    self.authority(to.authority);
                }
                _ => {}
            },
            Fact::Subject {
                fact: SubjectFact::Relocated { from_authority, to_authority, .. },
                ..
            } => {
                self.authority(*from_authority);
                self.authority(*to_authority);
            }
            Fact::Batch { batch, .. } => self.some_authority(batch.sublist),
            _ => {}
        }
        self.region(stated.region());
        self.batch(stated.what.batch());
    }

    /// Adds whom a fact on record concerns by what it says itself.
    fn recorded(&mut self, stated: &Stated) {
        self.authority(stated.authority);
        if let Some(listing) = stated.listing() {
            self.some_authority(listing.recommended_by);
            self.some_authority(listing.sublist);
        }
        if let (Some(programme), true) = (stated.programme, stated.title().is_some()) {
            self.programmes |= bit_of(programme);
        }
    }

    fn authority(&mut self, authority: AuthorityCode) {
        self.authorities |= bit(authority);
    }

    fn some_authority(&mut self, authority: Option<AuthorityCode>) {
        self.authorities |= authority.map_or(0, bit);
    }

    fn region(&mut self, region: Option<RegionCode>) {
        if let Some(region) = region.filter(|region| !self.regions.contains(region)) {
            self.regions.push(region);
        }
    }

    fn batch(&mut self, batch: Option<Sym>) {
        if let Some(batch) = batch.filter(|batch| !self.batches.contains(batch)) {
            self.batches.push(batch);
        }
    }
}

impl Register {
    /// Adds what follows from the designee's earlier events, under any of its identifiers: an event about the designee
    /// itself concerns the programmes and authorities of all of them, an event about a title those of the same title. Both
    /// concern whoever is responsible for the designee, and the region in which it then was.
    pub(super) fn is_about(
        &mut self,
        reach: &mut Reach,
        index: DesigneeIndex,
        fact: &Fact,
        stated: &Stated,
    ) {
        let mut circle = std::mem::take(&mut self.scratch);
        self.follows_from(&mut circle, reach, index, fact);
        for other in fact.others().into_iter().filter_map(|id| self.index_of(id)) {
            self.follows_from(&mut circle, reach, other, fact);
        }
        self.scratch = circle;
        if reach.regions.is_empty() {
            // No list has said where it is: where the authority is that answers for it.
            reach.region(stated.responsible().and_then(AuthorityCode::region));
        }
    }

    fn follows_from(
        &self,
        circle: &mut Circle,
        reach: &mut Reach,
        index: DesigneeIndex,
        fact: &Fact,
    ) {
        let record = self.designee(index);
        if record.last.position().is_none() && !record.also {
            return;
        }
        self.circle_into(circle, index, self.size(), None);
        let (mut responsible, mut region) = (None, None);
        for placed in circle.own_facts() {
            let stated = &placed.stated;
            responsible = stated.responsible().or(responsible);
            region = stated.region().or(region);
            let same = match fact {
                Fact::Title { title, .. } => {
                    stated.programme == Some(title.programme) && stated.authority == title.authority
                }
                _ => true,
            };
            if same {
                reach.recorded(stated);
            }
        }
        reach.some_authority(responsible);
        reach.region(region.or_else(|| responsible.and_then(AuthorityCode::region)));
    }

    /// Adds whom the event at a position concerns: what repairs it concerns them too.
    pub(super) fn reaches_as(&self, reach: &mut Reach, position: u32) {
        let Some(row) = self.row(position) else { return };
        let audience = self.postings.audience(row.audience);
        reach.authorities |= audience.authorities;
        reach.programmes |= audience.programmes;
        reach.region(row.stated.region());
        reach.batch(row.stated.what.batch());
    }

    /// Whom the event at a position concerns.
    #[must_use]
    pub fn concern(&self, position: u64) -> Option<Concern> {
        let row = self.row(narrow(position))?;
        let audience = self.postings.audience(row.audience);
        Some(Concern {
            authorities: audience.authorities,
            programmes: audience.programmes,
            designee: Some(row.designee).filter(|index| *index != NOBODY),
            kind: audience.kind,
        })
    }

    /// Who stated the event at a position.
    pub(super) fn issuer_at(&self, position: u64) -> Option<AuthorityCode> {
        self.stated(u32::try_from(position).ok()?).map(|stated| stated.issuer)
    }
}

impl Stated {
    /// Where the fact says that its designee is; of a fact about no designee, what place it is about.
    fn region(&self) -> Option<RegionCode> {
        match self.what {
            What::Relocated { region, .. } | What::Assessed { region, .. } => Some(region),
            What::BatchOpened { sublist, .. } | What::BatchSealed { sublist, .. } => {
                sublist.unwrap_or(self.authority).region()
            }
            What::CompletenessDeclared { .. } | What::MeasuresIssued { .. } => self.issuer.region(),
            _ => self.listing()?.region,
        }
    }
}

impl What {
    /// The batch that the fact belongs to. A review belongs to the batch named like its round.
    fn batch(&self) -> Option<Sym> {
        let batch = match *self {
            Self::Noticed { batch, .. }
            | Self::ObjectionRaised { batch }
            | Self::ObjectionResolved { batch, .. }
            | Self::NoticeWithdrawn { batch }
            | Self::Designated { batch, .. }
            | Self::CreationListed { batch, .. }
            | Self::CreationAssessed { batch, .. }
            | Self::BatchOpened { batch, .. }
            | Self::BatchSealed { batch, .. } => batch,
            Self::ReviewOpened { round }
            | Self::ReviewPassed { round, .. }
            | Self::ReviewFailed { round, .. } => round,
            _ => return None,
        };
        (!batch.is_empty()).then_some(batch)
    }
}

pub(super) fn bit(authority: AuthorityCode) -> u64 {
    1 << authority.index()
}

pub(super) fn bit_of(programme: ProgrammeId) -> u32 {
    1 << programme.index()
}
