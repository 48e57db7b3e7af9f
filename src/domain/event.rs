//! Events as the rules see them: parsed, with every code proven. What only readers need (most of the evidence, profiles in
//! full, the words of an instrument) stays in the encoded form.

use super::{
    AuthorityCode, CivilDate, DesigneeId, IndustryCode, Name, RegionCode,
    kind::{HolderKind, Kind, ProgrammeId},
};

/// One fact, stated by an authority.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Who states it.
    pub authority: AuthorityCode,
    /// Who else issued the document.
    pub co_issuers: Vec<AuthorityCode>,
    /// First day on which it holds.
    pub effective: CivilDate,
    /// Number of the document behind it; empty for none.
    pub document: String,
    /// Row of the document's list; 0 for none.
    pub row: u32,
    /// Rule version under which it was decided, by its place among the programme's.
    pub rule: Option<u8>,
    /// The fact, with the designee where it has one.
    pub fact: Fact,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// About a designee's title in a programme.
    Title {
        /// Who.
        designee: DesigneeId,
        /// Which title.
        title: TitleRef,
        /// What happened to it.
        fact: TitleFact,
    },
    /// About a designee itself.
    Subject {
        /// Who.
        designee: DesigneeId,
        /// What happened to it.
        fact: SubjectFact,
    },
    /// About an earlier event.
    Repair {
        /// Its position.
        position: u64,
        /// What takes its place, never a repair; none removes it.
        replacement: Option<Box<Event>>,
    },
    /// About a batch or sub-list.
    Batch {
        /// Which.
        batch: BatchRef,
        /// True if it is complete, false if it begins.
        seals: bool,
        /// What the document declares.
        declared: Declared,
        /// Digest of the content.
        digest: Option<[u8; 32]>,
    },
    /// About the frame that everything else stands in.
    Frame(FrameFact),
    /// A region's environment was assessed.
    Assessed {
        /// Which region.
        region: RegionCode,
        /// Which year.
        year: u16,
        /// Who assessed.
        assessor: String,
    },
}

/// Names a title of a designee.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TitleRef {
    /// Programme.
    pub programme: ProgrammeId,
    /// Who decides on it: the ministry where the programme is the ministry's, otherwise the issuer.
    pub authority: AuthorityCode,
    /// Type, site or product; empty where there is only one.
    pub item: String,
}

/// Names a batch, or one sub-list of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchRef {
    /// Programme.
    pub programme: ProgrammeId,
    /// Whose batch it is, as for a title.
    pub authority: AuthorityCode,
    /// The batch.
    pub batch: String,
    /// The authority whose sub-list it is; none for the whole.
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

/// What happened to a title.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)] // fields as documented in the messages of event.proto
pub enum TitleFact {
    /// It stands in a public notice.
    NoticeOpened {
        batch: String,
        sublist: Option<AuthorityCode>,
        /// A review, not a new designation.
        review: bool,
        /// A recommending authority's step.
        recommendation: bool,
        from: CivilDate,
        to: Option<CivilDate>,
        listed: Listed,
    },
    /// An objection to the notice was received.
    ObjectionRaised { batch: String },
    /// An objection was decided.
    ObjectionResolved { batch: String, upheld: bool },
    /// The entry was withdrawn before publication.
    NoticeWithdrawn { batch: String },
    /// It was designated.
    Designated {
        /// Becomes the title's cohort.
        batch: String,
        sublist: Option<AuthorityCode>,
        validity: Validity,
        supplement: bool,
        /// True where the programme renews by a fresh designation.
        renews: bool,
        recommended_on: Option<CivilDate>,
        listed: Listed,
    },
    /// A review is due.
    ReviewOpened { batch: String, round: String },
    /// Its review was passed.
    ReviewPassed { batch: String, round: String, validity: Validity },
    /// Its review was failed.
    ReviewFailed {
        batch: String,
        round: String,
        /// True where the programme revokes for it.
        revokes: bool,
    },
    /// Somebody who does not decide proposes its revocation.
    RevocationProposed,
    /// It was revoked.
    Revoked {
        /// A ground that carries a ban.
        serious: bool,
        ban_until: Option<CivilDate>,
    },
    /// The holder gave it up.
    Surrendered,
    /// Its revocation was undone.
    Reinstated { position: Option<u64> },
    /// It passed to a successor.
    Transferred { successor: DesigneeId, valid_to: Option<CivilDate> },
    /// It became one of another programme.
    Converted { to: TitleRef, valid_to: Option<CivilDate> },
    /// The subject was listed for a creation task.
    CreationListed { batch: String, listed: Listed },
    /// The creation task was assessed.
    CreationAssessed { batch: String, passed: bool },
    /// The holder must rectify.
    RectificationOrdered { due: Option<CivilDate> },
    /// Support was granted; changes nothing.
    SupportGranted { scheme: String, round: String },
}

/// What happened to a designee itself.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)] // as above
pub enum SubjectFact {
    /// It changed its name.
    Renamed { old_name: Name, new_name: Name, simple: bool },
    /// It moved, or is about to.
    Relocated {
        from_region: Option<RegionCode>,
        to_region: RegionCode,
        from_authority: AuthorityCode,
        to_authority: AuthorityCode,
        confirmed: bool,
    },
    /// It merged, was absorbed or divided, or changed its form.
    Restructured { successors: Vec<DesigneeId>, new_name: Option<Name>, ends: bool },
    /// It is the same subject as another identifier.
    IdentifierChanged { other: DesigneeId, reason: LinkReason },
    /// It ceased to exist.
    Ended,
    /// The yearly information update was made; for all programmes where none is named.
    InformationUpdated { programme: Option<ProgrammeId>, year: u16 },
    /// A major change was reported.
    MajorChangeReported { occurred: CivilDate, reported: CivilDate },
    /// It entered a cultivation pool.
    PoolEntered { pool: String, listed: Listed },
    /// It left one.
    PoolLeft { pool: String },
}

/// Why two identifiers name one subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkReason {
    /// A provisional identifier got its code.
    Identified,
    /// The code was changed by the registration authority.
    Reregistered,
    /// Two codes had been given to one subject.
    Duplicate,
}

/// What the frame is.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)] // as above
pub enum FrameFact {
    /// A catalogue came into use.
    CatalogueAdopted { sha256: [u8; 32] },
    /// A part of the register is complete from the effective date on.
    CompletenessDeclared { programme: Option<ProgrammeId>, part: Part },
    /// An instrument was issued.
    MeasuresIssued { programme: Option<ProgrammeId>, from: CivilDate, to: Option<CivilDate> },
    /// An instrument ceased to be in force.
    MeasuresRepealed { position: Option<u64>, repealed: String },
}

/// A part of the register that can be declared complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Titles.
    Titles,
    /// Measures in force.
    Measures,
    /// Public notices.
    Notices,
    /// Yearly information updates.
    InformationUpdates,
}

/// The end of a validity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Validity {
    /// Last day; none: no end is known.
    pub to: Option<CivilDate>,
    /// True where the end was inferred from the catalogue.
    pub inferred: bool,
}

/// What a list says about a designee.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Name.
    pub name: Option<Name>,
    /// What the subject is.
    pub kind: Option<HolderKind>,
    /// Registered region.
    pub region: Option<RegionCode>,
    /// Industry.
    pub industry: Option<IndustryCode>,
    /// Recommending authority.
    pub recommended_by: Option<AuthorityCode>,
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
            Self::Frame(fact) => fact.kind(),
            Self::Assessed { .. } => Kind::EnvironmentAssessed,
        }
    }

    /// The designee that the fact is about, where it is about one.
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

    /// What a list says, where the fact comes from one.
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

impl TitleFact {
    fn kind(&self) -> Kind {
        match self {
            Self::NoticeOpened { .. } => Kind::NoticeOpened,
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
            Self::Reinstated { .. } => Kind::Reinstated,
            Self::Transferred { .. } => Kind::TitleTransferred,
            Self::Converted { .. } => Kind::TitleConverted,
            Self::CreationListed { .. } => Kind::CreationListed,
            Self::CreationAssessed { .. } => Kind::CreationAssessed,
            Self::RectificationOrdered { .. } => Kind::RectificationOrdered,
            Self::SupportGranted { .. } => Kind::SupportGranted,
        }
    }
}

impl SubjectFact {
    fn kind(&self) -> Kind {
        match self {
            Self::PoolEntered { .. } => Kind::PoolEntered,
            Self::PoolLeft { .. } => Kind::PoolLeft,
            Self::Renamed { .. } => Kind::Renamed,
            Self::Relocated { .. } => Kind::Relocated,
            Self::Restructured { .. } => Kind::Restructured,
            Self::IdentifierChanged { .. } => Kind::IdentifierChanged,
            Self::Ended => Kind::SubjectEnded,
            Self::InformationUpdated { .. } => Kind::InformationUpdated,
            Self::MajorChangeReported { .. } => Kind::MajorChangeReported,
        }
    }
}

impl FrameFact {
    fn kind(&self) -> Kind {
        match self {
            Self::CatalogueAdopted { .. } => Kind::CatalogueAdopted,
            Self::CompletenessDeclared { .. } => Kind::CompletenessDeclared,
            Self::MeasuresIssued { .. } => Kind::MeasuresIssued,
            Self::MeasuresRepealed { .. } => Kind::MeasuresRepealed,
        }
    }
}
