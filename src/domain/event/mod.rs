//! Events as the rules see them: parsed, with every code proven. Parts that only readers need stay
//! in the encoded form: most of the evidence, full profiles, the text of an instrument.

mod framework;
mod subject;
mod title;

pub use self::{
    framework::{FrameworkFact, Part},
    subject::{LinkReason, Restructuring, SubjectEndCause, SubjectFact},
    title::{Ground, ReviewFailureCause, TitleFact},
};
use super::{
    AuthorityCode, CivilDate, DesigneeId, IndustryCode, Issuer, Name, RegionCode,
    kind::{HolderKind, Kind, ProgrammeId},
};

/// One fact, stated by an authority or by the service.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The authority that states it, or the service.
    pub issuer: Issuer,
    /// Further authorities that issued the document.
    pub co_issuers: Vec<AuthorityCode>,
    /// First day on which it holds.
    pub effective: CivilDate,
    /// Number of the document behind it; empty if it has no document.
    pub document: String,
    /// Row of the document's list; 0 if it has no rows.
    pub row: u32,
    /// Rule version under which it was decided, by its place among the programme's.
    pub rule: Option<u8>,
    /// The fact, with the designee where it has one.
    pub fact: Fact,
}

/// One fact, by its subject.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// About a designee's title in a programme.
    Title {
        /// The holder, or candidate.
        designee: DesigneeId,
        /// The title.
        title: TitleRef,
        /// The fact about the title.
        fact: TitleFact,
    },
    /// About a designee itself.
    Subject {
        /// The designee.
        designee: DesigneeId,
        /// The fact about the designee.
        fact: SubjectFact,
    },
    /// About an earlier event.
    Repair {
        /// Its position.
        position: u64,
        /// The event that replaces it, never a repair; `None` removes it.
        replacement: Option<Box<Event>>,
    },
    /// About a batch or sub-list.
    Batch {
        /// The batch or sub-list.
        batch: BatchRef,
        /// True if it is complete, false if it begins.
        seals: bool,
        /// Counts that the document declares.
        declared: Declared,
        /// Digest of the content.
        digest: Option<[u8; 32]>,
    },
    /// About the legal framework, the catalogue or the log itself.
    Framework(FrameworkFact),
    /// A region's environment was assessed.
    Assessed {
        /// The region.
        region: RegionCode,
        /// The year.
        year: u16,
        /// The assessor.
        assessor: String,
    },
}

/// Names a title of a designee.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TitleRef {
    /// Programme.
    pub programme: ProgrammeId,
    /// The deciding authority: the ministry if only the ministry decides, otherwise the issuer.
    pub authority: AuthorityCode,
    /// Type, site or product; empty if there is only one.
    pub item: String,
}

/// Names a batch, or one sub-list of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchRef {
    /// Programme.
    pub programme: ProgrammeId,
    /// The authority that owns the batch, as for a title.
    pub authority: AuthorityCode,
    /// The batch.
    pub batch: String,
    /// The authority whose sub-list it is; `None` for the whole batch.
    pub sublist: Option<AuthorityCode>,
}

/// Counts that a document declares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Declared {
    /// Newly designated.
    pub designated: Option<u32>,
    /// Reviews passed.
    pub reviewed: Option<u32>,
}

/// The end of a validity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Validity {
    /// Last day; `None` if no end is known.
    pub to: Option<CivilDate>,
    /// True if the end was inferred from the catalogue.
    pub inferred: bool,
}

/// The entry of a list about a designee.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Name.
    pub name: Option<Name>,
    /// Kind of subject.
    pub kind: Option<HolderKind>,
    /// Registered region.
    pub region: Option<RegionCode>,
    /// Industry.
    pub industry: Option<IndustryCode>,
    /// Recommending authority.
    pub recommended_by: Option<AuthorityCode>,
}

impl Event {
    /// True if a store must have a later format than the first one before it holds this event.
    #[must_use]
    pub fn needs_later_format(&self) -> bool {
        let replacement = match &self.fact {
            Fact::Repair { replacement, .. } => replacement.as_deref(),
            _ => None,
        };
        self.issuer == Issuer::Service
            || self.fact.kind().needs_later_format()
            || replacement.is_some_and(Self::needs_later_format)
    }

    /// The position of the event that this one withholds.
    #[must_use]
    pub fn withholds(&self) -> Option<u64> {
        match self.fact {
            Fact::Framework(FrameworkFact::EventWithheld { position }) => Some(position),
            _ => None,
        }
    }
}

impl Fact {
    /// The kind of the fact.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Title { fact, .. } => fact.kind(),
            Self::Subject { fact, .. } => fact.kind(),
            Self::Repair { replacement: Some(_), .. } => Kind::Corrected,
            Self::Repair { replacement: None, .. } => Kind::Annulled,
            Self::Batch { seals: false, .. } => Kind::BatchOpened,
            Self::Batch { seals: true, .. } => Kind::BatchSealed,
            Self::Framework(fact) => fact.kind(),
            Self::Assessed { .. } => Kind::EnvironmentAssessed,
        }
    }

    /// Digest of the catalogue that the fact adopts. A repair adopts none: an adoption says which
    /// catalogue was in use, and the events after it were read with that one.
    #[must_use]
    pub fn adopted_catalogue(&self) -> Option<&[u8; 32]> {
        match self {
            Self::Framework(FrameworkFact::CatalogueAdopted { sha256 }) => Some(sha256),
            _ => None,
        }
    }

    /// The kind of the fact that holds: for a correction, the kind of its replacement.
    #[must_use]
    pub fn stated_kind(&self) -> Kind {
        match self {
            Self::Repair { replacement: Some(event), .. } => event.fact.kind(),
            fact => fact.kind(),
        }
    }

    /// The designee that the fact is about; `None` if it is about something else.
    #[must_use]
    pub fn designee(&self) -> Option<&DesigneeId> {
        match self {
            Self::Title { designee, .. } | Self::Subject { designee, .. } => Some(designee),
            _ => None,
        }
    }

    /// Other designees that the fact names.
    #[must_use]
    pub fn others(&self) -> Vec<&DesigneeId> {
        match self {
            Self::Title { fact: TitleFact::Transferred { successor, .. }, .. } => vec![successor],
            Self::Subject { fact: SubjectFact::IdentifierChanged { other, .. }, .. } => vec![other],
            Self::Subject { fact: SubjectFact::Restructured { successors, .. }, .. } => {
                successors.iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// The entry of the list that the fact comes from.
    #[must_use]
    pub fn listed(&self) -> Option<&Listed> {
        match self {
            Self::Title {
                fact:
                    TitleFact::NoticeOpened { listed, .. }
                    | TitleFact::Designated { listed, .. }
                    | TitleFact::CreationListed { listed, .. },
                ..
            } => Some(listed),
            Self::Subject { fact: SubjectFact::PoolEntered { listed, .. }, .. } => Some(listed),
            _ => None,
        }
    }
}
