//! An event as the register keeps it: 56 bytes, with texts as symbols.

use super::{DesigneeIndex, postings::AudienceIndex, texts::Sym};
use crate::domain::{
    AuthorityCode, CivilDate, IndustryCode, RegionCode,
    event::{Declared, LinkReason, Part},
    kind::ProgrammeId,
};

/// One event: whom it concerns, and what it says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// Whom it concerns.
    pub(super) audience: AudienceIndex,
    /// The designee it is about, or, for a repair, that its target is about.
    pub(super) designee: DesigneeIndex,
    /// The designee's event before it.
    pub(super) previous: Link,
    pub(super) stated: Stated,
}

const _: () = assert!(size_of::<Row>() == 56);

/// A position, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link(u32);

impl Link {
    pub(super) const NONE: Self = Self(u32::MAX);

    pub(super) fn to(position: u32) -> Self {
        Self(position)
    }

    pub(super) fn position(self) -> Option<u32> {
        (self != Self::NONE).then_some(self.0)
    }
}

/// What an event says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stated {
    pub(super) effective: CivilDate,
    pub(super) document: Sym,
    pub(super) row: u32,
    pub(super) item: Sym,
    pub(super) programme: Option<ProgrammeId>,
    /// Whose title or batch it is; otherwise the issuer.
    pub(super) authority: AuthorityCode,
    pub(super) issuer: AuthorityCode,
    /// Place of the rule version among the programme's; [`NO_RULE`] for none.
    pub(super) rule: u8,
    pub(super) what: What,
}

pub(super) const NO_RULE: u8 = u8::MAX;

/// Names a title of a given designee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct TitleKey {
    pub(super) programme: ProgrammeId,
    pub(super) authority: AuthorityCode,
    pub(super) item: Sym,
}

/// What a list says about a designee.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Listing {
    pub(super) name: Sym,
    pub(super) region: Option<RegionCode>,
    pub(super) industry: Option<IndustryCode>,
    pub(super) recommended_by: Option<AuthorityCode>,
    pub(super) sublist: Option<AuthorityCode>,
}

/// What happened. A variant takes at most 24 bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum What {
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

impl Stated {
    /// The title it is about.
    pub(super) fn title(&self) -> Option<TitleKey> {
        let programme = self.programme.filter(|_| self.what.is_about_title())?;
        Some(TitleKey { programme, authority: self.authority, item: self.item })
    }

    /// Where the fact stands among others of the same day: notices first, revocations and ends last.
    pub(super) fn precedence(&self) -> u8 {
        match self.what {
            What::CreationListed { .. } => 5,
            What::CreationAssessed { .. } => 8,
            What::Noticed { review: false, .. } => 10,
            What::ObjectionRaised { .. } => 12,
            What::ObjectionResolved { .. } => 14,
            What::NoticeWithdrawn { .. } => 16,
            What::Designated { .. } => 20,
            What::Converted { .. } => 24,
            What::Transferred { .. } => 26,
            What::ReviewOpened { .. } => 30,
            What::Noticed { review: true, .. } => 40,
            What::SupportGranted { .. } => 45,
            What::ReviewPassed { .. } | What::ReviewFailed { .. } => 60,
            What::RectificationOrdered { .. } | What::RevocationProposed => 85,
            What::Surrendered | What::Revoked { .. } => 90,
            What::Reinstated => 92,
            What::SubjectEnded | What::Restructured { .. } => 95,
            _ => 80,
        }
    }

    /// The name that the fact states for the designee.
    pub(super) fn name(&self) -> Option<Sym> {
        let name = match self.what {
            What::Renamed { name, .. } | What::Restructured { name, .. } => name,
            _ => self.listing()?.name,
        };
        (!name.is_empty()).then_some(name)
    }

    /// What a list says, where the fact comes from one.
    pub(super) fn listing(&self) -> Option<&Listing> {
        match &self.what {
            What::Noticed { listing, .. }
            | What::Designated { listing, .. }
            | What::CreationListed { listing, .. }
            | What::PoolEntered { listing, .. } => Some(listing),
            _ => None,
        }
    }

    /// The authority that becomes responsible for the designee by this fact.
    pub(super) fn responsible(&self) -> Option<AuthorityCode> {
        if let What::Relocated { to, confirmed: true, .. } = self.what {
            return Some(to);
        }
        let listing = self.listing()?;
        let own = Some(self.issuer).filter(|issuer| !issuer.is_ministry());
        listing.recommended_by.or(listing.sublist).or(own)
    }
}

impl What {
    fn is_about_title(&self) -> bool {
        // Numbers of kinds from 40 to 63, in the order of the protocol.
        (40..=63).contains(&self.kind())
    }

    /// The number of its kind in the protocol.
    pub(super) fn kind(&self) -> u8 {
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
