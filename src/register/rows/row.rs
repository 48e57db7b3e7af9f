//! An event as the register keeps it: 56 bytes, with texts as symbols. Plain data, without any
//! knowledge of other events.

use super::{
    handles::{DesigneeIndex, Link, ScopeIndex},
    texts::Sym,
};
use crate::domain::{
    AuthorityCode, CivilDate, IndustryCode, RegionCode,
    event::{Declared, LinkReason, Part},
    kind::ProgrammeId,
};

/// One event: its scope, its designee, and the fact it states.
#[derive(Clone, Copy, Debug)]
pub(in crate::register) struct Row {
    /// The authorities and programmes that it concerns, and its kind.
    pub(in crate::register) scope: ScopeIndex,
    /// The designee it is about. For a repair: the designee of its target.
    pub(in crate::register) designee: DesigneeIndex,
    /// The designee's previous event.
    pub(in crate::register) previous: Link,
    pub(in crate::register) fact: FactRow,
}

const _: () = assert!(size_of::<Row>() == 56);

/// The fact that an event states.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::register) struct FactRow {
    pub(in crate::register) effective: CivilDate,
    pub(in crate::register) document: Sym,
    pub(in crate::register) row: u32,
    pub(in crate::register) item: Sym,
    pub(in crate::register) programme: Option<ProgrammeId>,
    /// The authority whose title or batch it is; for other facts, the issuer.
    pub(in crate::register) authority: AuthorityCode,
    pub(in crate::register) issuer: AuthorityCode,
    /// Index of the rule version within its programme; [`NO_RULE`] for none.
    pub(in crate::register) rule: u8,
    pub(in crate::register) kind: FactKindRow,
}

pub(in crate::register) const NO_RULE: u8 = u8::MAX;

/// Names a title of a given designee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::register) struct TitleKey {
    pub(in crate::register) programme: ProgrammeId,
    pub(in crate::register) authority: AuthorityCode,
    pub(in crate::register) item: Sym,
}

/// The columns of a list about one designee.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::register) struct Listing {
    pub(in crate::register) name: Sym,
    pub(in crate::register) region: Option<RegionCode>,
    pub(in crate::register) industry: Option<IndustryCode>,
    pub(in crate::register) recommended_by: Option<AuthorityCode>,
    pub(in crate::register) sublist: Option<AuthorityCode>,
}

/// The kind of a fact, with its own fields. A variant takes at most 24 bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::register) enum FactKindRow {
    // About a title.
    Noticed {
        batch: Sym,
        to: Option<CivilDate>,
        review: bool,
        recommendation: bool,
        listing: Listing,
    },
    ObjectionRaised {
        batch: Sym,
    },
    ObjectionResolved {
        batch: Sym,
        upheld: bool,
    },
    NoticeWithdrawn {
        batch: Sym,
    },
    Designated {
        batch: Sym,
        to: Option<CivilDate>,
        inferred: bool,
        supplement: bool,
        renews: bool,
        listing: Listing,
    },
    ReviewOpened {
        round: Sym,
    },
    ReviewPassed {
        round: Sym,
        to: Option<CivilDate>,
        inferred: bool,
    },
    ReviewFailed {
        round: Sym,
        revokes: bool,
    },
    RevocationProposed,
    Revoked {
        ban_until: Option<CivilDate>,
    },
    Surrendered,
    Reinstated,
    Transferred {
        successor: DesigneeIndex,
        valid_to: Option<CivilDate>,
    },
    Converted {
        programme: ProgrammeId,
        authority: AuthorityCode,
        item: Sym,
        valid_to: Option<CivilDate>,
    },
    CreationListed {
        batch: Sym,
        listing: Listing,
    },
    CreationAssessed {
        batch: Sym,
        passed: bool,
    },
    RectificationOrdered {
        due: Option<CivilDate>,
    },
    SupportGranted {
        scheme: Sym,
        round: Sym,
    },
    // About a designee.
    Renamed {
        old_name: Sym,
        name: Sym,
    },
    Relocated {
        region: RegionCode,
        from: AuthorityCode,
        to: AuthorityCode,
        confirmed: bool,
    },
    Restructured {
        name: Sym,
        ends: bool,
    },
    Linked {
        other: DesigneeIndex,
        reason: LinkReason,
    },
    SubjectEnded,
    InformationUpdated {
        year: u16,
    },
    MajorChangeReported {
        occurred: CivilDate,
        reported: CivilDate,
    },
    PoolEntered {
        pool: Sym,
        listing: Listing,
    },
    PoolLeft {
        pool: Sym,
    },
    // About neither.
    Repaired {
        target: u32,
        removes: bool,
    },
    BatchOpened {
        batch: Sym,
        sublist: Option<AuthorityCode>,
        declared: Declared,
    },
    BatchSealed {
        batch: Sym,
        sublist: Option<AuthorityCode>,
        declared: Declared,
    },
    CatalogueAdopted,
    CompletenessDeclared {
        part: Part,
    },
    MeasuresIssued {
        from: CivilDate,
        to: Option<CivilDate>,
    },
    MeasuresRepealed {
        target: Link,
        document: Sym,
    },
    Assessed {
        region: RegionCode,
        year: u16,
        assessor: Sym,
    },
}

impl FactRow {
    /// The title that the fact is about.
    pub(in crate::register) fn title(&self) -> Option<TitleKey> {
        let programme = self.programme.filter(|_| self.kind.is_about_title())?;
        Some(TitleKey { programme, authority: self.authority, item: self.item })
    }

    /// The order among facts of one day: notices first, revocations and ends last.
    pub(in crate::register) fn precedence(&self) -> u8 {
        match self.kind {
            FactKindRow::CreationListed { .. } => 5,
            FactKindRow::CreationAssessed { .. } => 8,
            FactKindRow::Noticed { review: false, .. } => 10,
            FactKindRow::ObjectionRaised { .. } => 12,
            FactKindRow::ObjectionResolved { .. } => 14,
            FactKindRow::NoticeWithdrawn { .. } => 16,
            FactKindRow::Designated { .. } => 20,
            FactKindRow::Converted { .. } => 24,
            FactKindRow::Transferred { .. } => 26,
            FactKindRow::ReviewOpened { .. } => 30,
            FactKindRow::Noticed { review: true, .. } => 40,
            FactKindRow::SupportGranted { .. } => 45,
            FactKindRow::ReviewPassed { .. } | FactKindRow::ReviewFailed { .. } => 60,
            FactKindRow::RectificationOrdered { .. } | FactKindRow::RevocationProposed => 85,
            FactKindRow::Surrendered | FactKindRow::Revoked { .. } => 90,
            FactKindRow::Reinstated => 92,
            FactKindRow::SubjectEnded | FactKindRow::Restructured { .. } => 95,
            _ => 80,
        }
    }

    /// The name that the fact states for the designee.
    pub(in crate::register) fn name(&self) -> Option<Sym> {
        let name = match self.kind {
            FactKindRow::Renamed { name, .. } | FactKindRow::Restructured { name, .. } => name,
            _ => self.listing()?.name,
        };
        (!name.is_empty()).then_some(name)
    }

    /// The columns of the list that the fact comes from, if any.
    pub(in crate::register) fn listing(&self) -> Option<&Listing> {
        match &self.kind {
            FactKindRow::Noticed { listing, .. }
            | FactKindRow::Designated { listing, .. }
            | FactKindRow::CreationListed { listing, .. }
            | FactKindRow::PoolEntered { listing, .. } => Some(listing),
            _ => None,
        }
    }

    /// The authority that becomes responsible for the designee by this fact.
    pub(in crate::register) fn responsible(&self) -> Option<AuthorityCode> {
        if let FactKindRow::Relocated { to, confirmed: true, .. } = self.kind {
            return Some(to);
        }
        let listing = self.listing()?;
        let own = Some(self.issuer).filter(|issuer| !issuer.is_ministry());
        listing.recommended_by.or(listing.sublist).or(own)
    }
}

impl FactKindRow {
    /// True if the subject ceases to exist by this fact.
    pub(in crate::register) fn ends_subject(&self) -> bool {
        matches!(self, Self::SubjectEnded | Self::Restructured { ends: true, .. })
    }

    fn is_about_title(&self) -> bool {
        // Numbers of kinds from 40 to 63, in the order of the protocol.
        (40..=63).contains(&self.number())
    }

    /// The number of its kind in the protocol.
    pub(in crate::register) fn number(&self) -> u8 {
        match self {
            Self::CatalogueAdopted => 20,
            Self::CompletenessDeclared { .. } => 21,
            Self::MeasuresIssued { .. } => 22,
            Self::MeasuresRepealed { .. } => 23,
            Self::PoolEntered { .. } => 30,
            Self::PoolLeft { .. } => 31,
            Self::Noticed { .. } => 40,
            Self::ObjectionRaised { .. } => 41,
            Self::ObjectionResolved { .. } => 42,
            Self::NoticeWithdrawn { .. } => 43,
            Self::Designated { .. } => 50,
            Self::ReviewOpened { .. } => 51,
            Self::ReviewPassed { .. } => 52,
            Self::ReviewFailed { .. } => 53,
            Self::RevocationProposed => 54,
            Self::Revoked { .. } => 55,
            Self::Surrendered => 56,
            Self::Reinstated => 57,
            Self::Transferred { .. } => 58,
            Self::Converted { .. } => 59,
            Self::CreationListed { .. } => 60,
            Self::CreationAssessed { .. } => 61,
            Self::RectificationOrdered { .. } => 62,
            Self::SupportGranted { .. } => 63,
            Self::Renamed { .. } => 70,
            Self::Relocated { .. } => 71,
            Self::Restructured { .. } => 72,
            Self::Linked { .. } => 73,
            Self::SubjectEnded => 74,
            Self::InformationUpdated { .. } => 80,
            Self::MajorChangeReported { .. } => 81,
            Self::Repaired { removes: false, .. } => 90,
            Self::Repaired { removes: true, .. } => 91,
            Self::BatchOpened { .. } => 100,
            Self::BatchSealed { .. } => 101,
            Self::Assessed { .. } => 110,
        }
    }
}
