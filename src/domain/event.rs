//! Events as the rules see them: parsed, with every code proven. What only readers need (evidence, profiles in full)
//! stays in the encoded form.

use super::{AuthorityCode, CivilDate, DesigneeId, Name, RegionCode, catalogue::ProgrammeId};

/// One fact, stated by an authority.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Who states it.
    pub authority: AuthorityCode,
    /// Who else issued the document.
    pub co_issuers: Vec<AuthorityCode>,
    /// First day on which it holds.
    pub effective: CivilDate,
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
    Renamed {
        /// Who.
        designee: DesigneeId,
        /// Name before.
        old_name: Name,
        /// Name after.
        new_name: Name,
        /// A simple rename.
        simple: bool,
    },
    /// An earlier event is replaced.
    Corrected {
        /// Its position.
        position: u64,
        /// What takes its place; never a repair.
        replacement: Box<Event>,
    },
    /// An earlier event is removed.
    Annulled {
        /// Its position.
        position: u64,
    },
    /// A batch or sub-list was opened.
    BatchOpened(BatchRef),
    /// A batch or sub-list is complete.
    BatchSealed {
        /// Which.
        batch: BatchRef,
        /// Designations that the document declares.
        designated: Option<u32>,
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

/// What happened to a title.
#[derive(Clone, Debug, PartialEq)]
pub enum TitleFact {
    /// It stands in a public notice.
    NoticeOpened {
        /// Batch.
        batch: String,
        /// Sub-list.
        sublist: Option<AuthorityCode>,
        /// A review, not a new designation.
        review: bool,
        /// A recommending authority's step.
        recommendation: bool,
        /// First day of the notice.
        from: CivilDate,
        /// Last day of the notice.
        to: Option<CivilDate>,
        /// What the list says.
        listed: Listed,
    },
    /// It was designated.
    Designated {
        /// Batch, which becomes the title's cohort.
        batch: String,
        /// Sub-list.
        sublist: Option<AuthorityCode>,
        /// Validity from the effective date.
        validity: Validity,
        /// A later publication under the same batch number.
        supplement: bool,
        /// What the list says.
        listed: Listed,
    },
    /// Its review was passed.
    ReviewPassed {
        /// Round.
        round: String,
        /// New validity from the effective date.
        validity: Validity,
    },
    /// Its review was failed.
    ReviewFailed {
        /// True where the programme revokes for it.
        revokes: bool,
    },
    /// It was revoked.
    Revoked {
        /// A ground that carries a ban of three years.
        serious: bool,
        /// Last day of the ban.
        ban_until: Option<CivilDate>,
    },
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
    /// Registered region.
    pub region: Option<RegionCode>,
    /// Recommending authority.
    pub recommended_by: Option<AuthorityCode>,
}

/// Kind of a fact, by its number in `tidu.v1.EventKind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Kind(u8);

/// All kinds: the number in the protocol and the name of the field that carries the fact.
const KINDS: [(u8, &str); 36] = [
    (20, "catalogue_adopted"),
    (21, "completeness_declared"),
    (22, "measures_issued"),
    (23, "measures_repealed"),
    (30, "pool_entered"),
    (31, "pool_left"),
    (40, "notice_opened"),
    (41, "objection_raised"),
    (42, "objection_resolved"),
    (43, "notice_withdrawn"),
    (50, "designated"),
    (51, "review_opened"),
    (52, "review_passed"),
    (53, "review_failed"),
    (54, "revocation_proposed"),
    (55, "revoked"),
    (56, "surrendered"),
    (57, "reinstated"),
    (58, "title_transferred"),
    (59, "title_converted"),
    (60, "creation_listed"),
    (61, "creation_assessed"),
    (62, "rectification_ordered"),
    (63, "support_granted"),
    (70, "renamed"),
    (71, "relocated"),
    (72, "restructured"),
    (73, "identifier_changed"),
    (74, "subject_ended"),
    (80, "information_updated"),
    (81, "major_change_reported"),
    (90, "corrected"),
    (91, "annulled"),
    (100, "batch_opened"),
    (101, "batch_sealed"),
    (110, "environment_assessed"),
];

impl Kind {
    /// The kind with a number of the protocol.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Self> {
        let number = u8::try_from(number).ok()?;
        KINDS.iter().any(|(known, _)| *known == number).then_some(Self(number))
    }

    /// The kind with a name: `review_passed` or `review-passed`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase().replace('-', "_");
        KINDS.iter().find(|(_, known)| *known == name).map(|(number, _)| Self(*number))
    }

    /// The number in the protocol.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0
    }

    /// The name of the field that carries the fact.
    #[must_use]
    pub fn name(self) -> &'static str {
        KINDS.iter().find(|(number, _)| *number == self.0).map_or("", |(_, name)| name)
    }

    /// All kinds.
    pub fn all() -> impl Iterator<Item = Self> {
        KINDS.iter().map(|(number, _)| Self(*number))
    }
}

impl Fact {
    /// The kind of the fact.
    #[must_use]
    pub fn kind(&self) -> Kind {
        Kind(match self {
            Self::Title { fact, .. } => match fact {
                TitleFact::NoticeOpened { .. } => 40,
                TitleFact::Designated { .. } => 50,
                TitleFact::ReviewPassed { .. } => 52,
                TitleFact::ReviewFailed { .. } => 53,
                TitleFact::Revoked { .. } => 55,
            },
            Self::Renamed { .. } => 70,
            Self::Corrected { .. } => 90,
            Self::Annulled { .. } => 91,
            Self::BatchOpened(_) => 100,
            Self::BatchSealed { .. } => 101,
        })
    }
}
