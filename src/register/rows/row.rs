//! An event as the register keeps it: 56 bytes, with texts as symbols. Plain data, without any
//! knowledge of other events.

use super::{
    handles::{DesigneeIndex, Link, ScopeIndex},
    texts::Sym,
};
use crate::domain::{
    AuthorityCode, CivilDate, IndustryCode, Issuer, RegionCode,
    event::{
        Declared, Ground, LinkReason, Part, Restructuring, ReviewFailureCause, SubjectEndCause,
    },
    kind::{Kind, ProgrammeId},
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
    /// The authority whose title or batch it is; for other facts, the issuer. `None` for facts of
    /// the service.
    pub(in crate::register) authority: Option<AuthorityCode>,
    pub(in crate::register) issuer: Issuer,
    /// Number of the rule version within its programme; [`NO_RULE`] for none.
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
        supplement: bool,
        listing: Listing,
    },
    ObjectionRaised {
        batch: Sym,
        recommendation: bool,
    },
    ObjectionResolved {
        batch: Sym,
        recommendation: bool,
        upheld: bool,
        /// The objection that it names.
        objection: Link,
    },
    NoticeWithdrawn {
        batch: Sym,
        recommendation: bool,
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
        /// The batch in which the title was first designated, as the fact states it.
        cohort: Sym,
        round: Sym,
        to: Option<CivilDate>,
        inferred: bool,
        supplement: bool,
    },
    ReviewFailed {
        round: Sym,
        revokes: bool,
        cause: Option<ReviewFailureCause>,
        supplement: bool,
    },
    RevocationProposed,
    Revoked {
        ground: Option<Ground>,
        ban_until: Option<CivilDate>,
        inferred: bool,
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
        kind: Option<Restructuring>,
        name: Sym,
        ends: bool,
    },
    Linked {
        other: DesigneeIndex,
        reason: LinkReason,
    },
    SubjectEnded {
        cause: Option<SubjectEndCause>,
    },
    InformationUpdated {
        year: u16,
    },
    MajorChangeReported {
        occurred: CivilDate,
        reported: CivilDate,
        late: bool,
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
        /// The codes of its bodies, with commas between them.
        bodies: Sym,
        /// Number of the amended document.
        amends: Sym,
    },
    MeasuresRepealed {
        target: Link,
        document: Sym,
    },
    RulesAdopted {
        version: u32,
    },
    FormatRaised,
    AuditAnchored,
    AuthorityKeyRegistered,
    AuthorityKeyRevoked,
    EventWithheld {
        target: u32,
    },
    Assessed {
        region: RegionCode,
        year: u16,
        assessor: Sym,
    },
    /// Erased: it stated a fact of this kind, which is never in force again.
    Withheld {
        kind: Kind,
    },
}

/// The order in which the fold reads facts: by day and precedence. Facts of one day and precedence
/// about different titles are ordered by programme and authority, so that no answer depends on the
/// order of recording. The position of the event in whose place a fact is comes last.
pub(in crate::register) type FoldOrder =
    (CivilDate, u8, Option<ProgrammeId>, Option<AuthorityCode>, u32);

impl FactRow {
    /// Its place in the order of the fold.
    pub(in crate::register) fn fold_order(&self, position: u32) -> FoldOrder {
        (self.effective, self.precedence(), self.programme, self.authority, position)
    }

    /// The row of a withheld event. Nobody reads its other fields.
    pub(in crate::register) fn withheld(kind: Kind) -> Self {
        Self {
            effective: CivilDate::MIN,
            document: Sym::EMPTY,
            row: 0,
            item: Sym::EMPTY,
            programme: None,
            authority: None,
            issuer: Issuer::Service,
            rule: NO_RULE,
            kind: FactKindRow::Withheld { kind },
        }
    }

    pub(in crate::register) fn is_withheld(&self) -> bool {
        matches!(self.kind, FactKindRow::Withheld { .. })
    }

    /// The same fact without the words that it alone may state: names, and the number of its
    /// document.
    pub(in crate::register) fn without_texts(mut self) -> Self {
        self.document = Sym::EMPTY;
        match &mut self.kind {
            FactKindRow::Renamed { old_name, name } => {
                (*old_name, *name) = (Sym::EMPTY, Sym::EMPTY);
            }
            FactKindRow::Restructured { name, .. } => *name = Sym::EMPTY,
            FactKindRow::Noticed { listing, .. }
            | FactKindRow::Designated { listing, .. }
            | FactKindRow::CreationListed { listing, .. }
            | FactKindRow::PoolEntered { listing, .. } => listing.name = Sym::EMPTY,
            _ => {}
        }
        self
    }

    /// The title that the fact is about.
    pub(in crate::register) fn title(&self) -> Option<TitleKey> {
        let programme = self.programme.filter(|_| self.kind.as_kind().is_about_title())?;
        Some(TitleKey { programme, authority: self.authority?, item: self.item })
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
            // Of two ends on one day, the one that may name successors counts.
            FactKindRow::Restructured { .. } => 94,
            FactKindRow::SubjectEnded { .. } => 95,
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
        let own = self.issuer.authority().filter(|issuer| !issuer.is_ministry());
        listing.recommended_by.or(listing.sublist).or(own)
    }
}

impl FactKindRow {
    /// True if the subject ceases to exist by this fact. After the revocation of its licence the
    /// legal person still exists.
    pub(in crate::register) fn ends_subject(&self) -> bool {
        match self {
            Self::SubjectEnded { cause } => *cause != Some(SubjectEndCause::LicenceRevoked),
            Self::Restructured { ends, .. } => *ends,
            _ => false,
        }
    }

    /// The kind of the fact.
    pub(in crate::register) fn as_kind(&self) -> Kind {
        match self {
            Self::CatalogueAdopted => Kind::CatalogueAdopted,
            Self::CompletenessDeclared { .. } => Kind::CompletenessDeclared,
            Self::MeasuresIssued { .. } => Kind::MeasuresIssued,
            Self::MeasuresRepealed { .. } => Kind::MeasuresRepealed,
            Self::RulesAdopted { .. } => Kind::RulesAdopted,
            Self::FormatRaised => Kind::FormatRaised,
            Self::AuditAnchored => Kind::AuditAnchored,
            Self::AuthorityKeyRegistered => Kind::AuthorityKeyRegistered,
            Self::AuthorityKeyRevoked => Kind::AuthorityKeyRevoked,
            Self::EventWithheld { .. } => Kind::EventWithheld,
            Self::PoolEntered { .. } => Kind::PoolEntered,
            Self::PoolLeft { .. } => Kind::PoolLeft,
            Self::Noticed { .. } => Kind::NoticeOpened,
            Self::ObjectionRaised { .. } => Kind::ObjectionRaised,
            Self::ObjectionResolved { .. } => Kind::ObjectionResolved,
            Self::NoticeWithdrawn { .. } => Kind::NoticeWithdrawn,
            Self::Designated { .. } => Kind::Designated,
            Self::ReviewOpened { .. } => Kind::ReviewOpened,
            Self::ReviewPassed { .. } => Kind::ReviewPassed,
            Self::ReviewFailed { .. } => Kind::ReviewFailed,
            Self::RevocationProposed => Kind::RevocationProposed,
            Self::Revoked { .. } => Kind::Revoked,
            Self::Surrendered => Kind::Surrendered,
            Self::Reinstated => Kind::Reinstated,
            Self::Transferred { .. } => Kind::TitleTransferred,
            Self::Converted { .. } => Kind::TitleConverted,
            Self::CreationListed { .. } => Kind::CreationListed,
            Self::CreationAssessed { .. } => Kind::CreationAssessed,
            Self::RectificationOrdered { .. } => Kind::RectificationOrdered,
            Self::SupportGranted { .. } => Kind::SupportGranted,
            Self::Renamed { .. } => Kind::Renamed,
            Self::Relocated { .. } => Kind::Relocated,
            Self::Restructured { .. } => Kind::Restructured,
            Self::Linked { .. } => Kind::IdentifierChanged,
            Self::SubjectEnded { .. } => Kind::SubjectEnded,
            Self::InformationUpdated { .. } => Kind::InformationUpdated,
            Self::MajorChangeReported { .. } => Kind::MajorChangeReported,
            Self::Repaired { removes: false, .. } => Kind::Corrected,
            Self::Repaired { removes: true, .. } => Kind::Annulled,
            Self::BatchOpened { .. } => Kind::BatchOpened,
            Self::BatchSealed { .. } => Kind::BatchSealed,
            Self::Assessed { .. } => Kind::EnvironmentAssessed,
            Self::Withheld { kind } => *kind,
        }
    }
}
