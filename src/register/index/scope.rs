//! The scope of an event: the authorities, programmes, regions and batches that it concerns.
//!
//! It is found when the event is applied, from the event itself and from earlier events. It must
//! never depend on later ones.

use smallvec::SmallVec;

use crate::{
    domain::{
        AuthorityCode, Concerns, RegionCode,
        event::{Event, Fact, FrameworkFact, SubjectFact, TitleFact},
        kind::ProgrammeId,
    },
    register::{
        identity::{IdentityCluster, Subjects},
        rows::{DesigneeIndex, FactKindRow, FactRow, FoldOrder, Sym},
        versions::FoldRules,
    },
};

/// The authorities and programmes that an event concerns, a bit each, and the number of its kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(in crate::register) struct Scope {
    pub(in crate::register) authorities: u64,
    pub(in crate::register) programmes: u32,
    pub(in crate::register) kind: u8,
}

/// The scope of an event while it is being found.
#[derive(Clone, Debug, Default)]
pub(in crate::register) struct ScopeBuilder {
    pub(super) authorities: u64,
    pub(super) programmes: u32,
    pub(super) regions: SmallVec<[RegionCode; 2]>,
    pub(super) batches: SmallVec<[Sym; 2]>,
}

impl ScopeBuilder {
    /// The scope of an event that is withheld, or of one that a withheld place tells.
    pub(in crate::register) fn known(concerns: &Concerns, batches: SmallVec<[Sym; 2]>) -> Self {
        let authorities = concerns.authorities.iter().copied().map(authority_bit);
        let programmes = concerns.programmes.iter().copied().map(programme_bit);
        Self {
            authorities: authorities.fold(0, |all, bit| all | bit),
            programmes: programmes.fold(0, |all, bit| all | bit),
            regions: concerns.regions.iter().copied().collect(),
            batches,
        }
    }

    pub(super) fn scope(&self, kind: u8) -> Scope {
        Scope { authorities: self.authorities, programmes: self.programmes, kind }
    }

    pub(super) fn regions(&self) -> &[RegionCode] {
        &self.regions
    }

    pub(super) fn batches(&self) -> &[Sym] {
        &self.batches
    }

    /// Adds what the event itself names: issuer, co-issuers, programme, recommending and other
    /// authorities, region and batch.
    pub(in crate::register) fn add_stated(&mut self, event: &Event, row: &FactRow) {
        self.some_authority(event.issuer.authority());
        event.co_issuers.iter().for_each(|authority| self.authority(*authority));
        self.some_authority(row.authority);
        if let Some(programme) = row.programme {
            self.programmes |= programme_bit(programme);
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
                    self.programmes |= programme_bit(to.programme);
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
            Fact::Framework(
                FrameworkFact::AuthorityKeyRegistered { of }
                | FrameworkFact::AuthorityKeyRevoked { of },
            ) => self.authority(*of),
            _ => {}
        }
        self.region(row.region());
        self.batch(row.kind.batch());
    }

    /// Adds what follows from the earlier events of the designee that a fact is about, and of the
    /// others that it names, under any of their identifiers.
    ///
    /// A fact about the designee itself concerns the programmes and authorities of all of them; a
    /// fact about a title concerns those of the same title, or as the rules have it. Both concern
    /// the authority responsible for the designee, and the region in which it then was.
    pub(super) fn add_designee(
        &mut self,
        scratch: &mut IdentityCluster,
        subjects: Subjects<'_>,
        index: DesigneeIndex,
        fact: &Fact,
        row: &FactRow,
        rules: FoldRules,
    ) {
        self.add_history(scratch, subjects, index, fact, rules);
        for other in fact.others().into_iter().filter_map(|id| subjects.index_of(id)) {
            self.add_history(scratch, subjects, other, fact, rules);
        }
        if self.regions.is_empty() {
            self.region(Located::of(None, row.responsible()).map(|located| located.region));
        }
    }

    fn add_history(
        &mut self,
        scratch: &mut IdentityCluster,
        subjects: Subjects<'_>,
        index: DesigneeIndex,
        fact: &Fact,
        rules: FoldRules,
    ) {
        if !subjects.has_events(index) {
            return;
        }
        let mut history = History::default();
        if !subjects.each_plain_fact(index, |position, earlier| {
            self.add_earlier(&mut history, fact, rules, position, earlier);
        }) {
            // What was added so far is added again: a set takes it once.
            history = History::default();
            subjects.cluster_into(scratch, index, None);
            for placed in scratch.own_facts() {
                self.add_earlier(&mut history, fact, rules, placed.position, &placed.fact);
            }
        }
        let responsible = history.responsible.map(|(_, authority)| authority);
        let region = history.region.map(|(_, region)| region);
        self.some_authority(responsible);
        self.region(Located::of(region, responsible).map(|located| located.region));
    }

    /// Adds what an earlier fact names itself, and notes what it says of the designee.
    fn add_earlier(
        &mut self,
        history: &mut History,
        fact: &Fact,
        rules: FoldRules,
        position: u32,
        earlier: &FactRow,
    ) {
        history.note(position, earlier);
        if let Fact::Title { title, .. } = fact
            && rules.concerns_same_title
            && (earlier.programme != Some(title.programme)
                || earlier.authority != Some(title.authority))
        {
            return;
        }
        self.some_authority(earlier.authority);
        if let Some(listing) = earlier.listing() {
            self.some_authority(listing.recommended_by);
            self.some_authority(listing.sublist);
        }
        if let (Some(programme), true) = (earlier.programme, earlier.title().is_some()) {
            self.programmes |= programme_bit(programme);
        }
    }

    /// Adds the scope of an event that this one repairs.
    pub(super) fn add_recorded(&mut self, scope: Scope, row: &FactRow) {
        self.authorities |= scope.authorities;
        self.programmes |= scope.programmes;
        self.region(row.region());
        self.batch(row.kind.batch());
    }

    fn authority(&mut self, authority: AuthorityCode) {
        self.authorities |= authority_bit(authority);
    }

    fn some_authority(&mut self, authority: Option<AuthorityCode>) {
        self.authorities |= authority.map_or(0, authority_bit);
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

/// The region in which a designee is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::register) struct Located {
    pub(in crate::register) region: RegionCode,
    /// True if no fact states it.
    pub(in crate::register) inferred: bool,
}

impl Located {
    /// The region that a fact states or, because many published lists state none, the seat of the
    /// responsible authority. Deliveries, filters, counts and lists agree by this function.
    pub(in crate::register) fn of(
        stated: Option<RegionCode>,
        responsible: Option<AuthorityCode>,
    ) -> Option<Self> {
        let located = |region, inferred| Self { region, inferred };
        let inferred = || responsible.and_then(AuthorityCode::seat).map(|seat| located(seat, true));
        stated.map(|region| located(region, false)).or_else(inferred)
    }
}

/// The region in which a designee is by all facts recorded of it, as [`ScopeBuilder`] has it.
pub(in crate::register) fn located(
    scratch: &mut IdentityCluster,
    subjects: Subjects<'_>,
    index: DesigneeIndex,
) -> Option<RegionCode> {
    let mut history = History::default();
    if !subjects.each_plain_fact(index, |position, earlier| history.note(position, earlier)) {
        history = History::default();
        subjects.cluster_into(scratch, index, None);
        for placed in scratch.own_facts() {
            history.note(placed.position, &placed.fact);
        }
    }
    let responsible = history.responsible.map(|(_, authority)| authority);
    let stated = history.region.map(|(_, region)| region);
    Located::of(stated, responsible).map(|located| located.region)
}

/// Who was responsible for a designee, and where it was, by the last facts that say so in the order
/// of the fold.
#[derive(Default)]
struct History {
    responsible: Option<(FoldOrder, AuthorityCode)>,
    region: Option<(FoldOrder, RegionCode)>,
}

impl History {
    fn note(&mut self, position: u32, earlier: &FactRow) {
        let (responsible, region) = (earlier.responsible(), earlier.region());
        if responsible.is_none() && region.is_none() {
            return;
        }
        let order = earlier.fold_order(position);
        if let Some(authority) = responsible
            && self.responsible.is_none_or(|(last, _)| last < order)
        {
            self.responsible = Some((order, authority));
        }
        if let Some(region) = region
            && self.region.is_none_or(|(last, _)| last < order)
        {
            self.region = Some((order, region));
        }
    }
}

impl FactRow {
    /// The region where the fact locates its designee, or the region that the fact is about.
    pub(in crate::register) fn region(&self) -> Option<RegionCode> {
        match self.kind {
            FactKindRow::Relocated { region, .. } | FactKindRow::Assessed { region, .. } => {
                Some(region)
            }
            FactKindRow::BatchOpened { sublist, .. } | FactKindRow::BatchSealed { sublist, .. } => {
                sublist.or(self.authority)?.seat()
            }
            FactKindRow::CompletenessDeclared { .. } | FactKindRow::MeasuresIssued { .. } => {
                self.issuer.authority()?.seat()
            }
            _ => self.listing()?.region,
        }
    }
}

impl FactKindRow {
    /// The batch that the fact belongs to. A review belongs to the batch named like its round.
    pub(in crate::register) fn batch(&self) -> Option<Sym> {
        let batch = match *self {
            Self::Noticed { batch, .. }
            | Self::ObjectionRaised { batch, .. }
            | Self::ObjectionResolved { batch, .. }
            | Self::NoticeWithdrawn { batch, .. }
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

pub(in crate::register) fn authority_bit(authority: AuthorityCode) -> u64 {
    1 << authority.index()
}

pub(in crate::register) fn programme_bit(programme: ProgrammeId) -> u32 {
    1 << programme.index()
}
