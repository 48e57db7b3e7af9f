//! The kinds that events, the catalogue and filters share: facts, programmes, holders.

use std::num::NonZeroU8;

use strum::IntoEnumIterator as _;

use crate::limits::CATALOGUE_PROGRAMMES_MAX;

/// A programme: its number among those of all catalogues that a log has adopted, plus one. Valid
/// for one log; never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProgrammeId(NonZeroU8);

impl ProgrammeId {
    pub(super) fn at(place: usize) -> Option<Self> {
        u8::try_from(place + 1).ok().and_then(NonZeroU8::new).map(Self)
    }

    /// Its place, below 32.
    #[must_use]
    pub fn index(self) -> u8 {
        self.0.get() - 1
    }

    /// The programme with an index that [`ProgrammeId::index`] gave.
    #[must_use]
    pub fn of_index(index: u8) -> Option<Self> {
        let place = usize::from(index);
        Self::at(place).filter(|_| place < CATALOGUE_PROGRAMMES_MAX)
    }

    /// Every number that a programme can have.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..CATALOGUE_PROGRAMMES_MAX).filter_map(Self::at)
    }
}

/// The kind of holder that a title is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum HolderKind {
    /// An enterprise.
    Enterprise,
    /// A public institution or social body.
    Institution,
    /// A park or incubator.
    Park,
    /// A development zone.
    Zone,
}

impl HolderKind {
    /// The catalogue's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The kind of a fact. The only list of the 41 facts: everything else maps to it.
///
/// The discriminant is the number in `tidu.v1.EventKind`. The name in snake case is the field that
/// carries the fact.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    strum::EnumIter,
    strum::EnumString,
    strum::FromRepr,
    strum::IntoStaticStr,
)]
#[strum(serialize_all = "snake_case")]
#[repr(u8)]
pub enum Kind {
    /// A programme catalogue came into use.
    CatalogueAdopted = 20,
    /// A part of the register is declared complete.
    CompletenessDeclared = 21,
    /// A legal instrument was issued.
    MeasuresIssued = 22,
    /// A legal instrument was repealed.
    MeasuresRepealed = 23,
    /// A version of the rules came into force.
    RulesAdopted = 24,
    /// The format of the record was raised.
    FormatRaised = 25,
    /// The head of an audit trail was anchored.
    AuditAnchored = 26,
    /// A public key of an authority was registered.
    AuthorityKeyRegistered = 27,
    /// A public key of an authority was revoked.
    AuthorityKeyRevoked = 28,
    /// An earlier event is withheld from everybody.
    EventWithheld = 29,
    /// The designee entered a cultivation pool.
    PoolEntered = 30,
    /// The designee left a cultivation pool.
    PoolLeft = 31,
    /// The designee is listed in a public notice.
    NoticeOpened = 40,
    /// An objection to the notice was received.
    ObjectionRaised = 41,
    /// An objection was decided.
    ObjectionResolved = 42,
    /// An entry of a notice was withdrawn before publication.
    NoticeWithdrawn = 43,
    /// The designee was designated.
    Designated = 50,
    /// A review is due.
    ReviewOpened = 51,
    /// The review was passed.
    ReviewPassed = 52,
    /// The review was failed or not submitted.
    ReviewFailed = 53,
    /// An authority proposes a revocation that another decides.
    RevocationProposed = 54,
    /// The title was revoked.
    Revoked = 55,
    /// The holder gave the title up.
    Surrendered = 56,
    /// A revocation was undone.
    Reinstated = 57,
    /// The title passed to a successor.
    TitleTransferred = 58,
    /// The title became one of another programme.
    TitleConverted = 59,
    /// The subject was listed for a creation task.
    CreationListed = 60,
    /// The creation task was assessed.
    CreationAssessed = 61,
    /// The holder was ordered to rectify.
    RectificationOrdered = 62,
    /// Support was granted; it never changes a title.
    SupportGranted = 63,
    /// The designee changed its name.
    Renamed = 70,
    /// The designee moved.
    Relocated = 71,
    /// The designee merged, was absorbed or was divided.
    Restructured = 72,
    /// Another identifier names the same subject.
    IdentifierChanged = 73,
    /// The subject ceased to exist.
    SubjectEnded = 74,
    /// The yearly information update was made.
    InformationUpdated = 80,
    /// A major change was reported.
    MajorChangeReported = 81,
    /// An earlier event is replaced.
    Corrected = 90,
    /// An earlier event is removed.
    Annulled = 91,
    /// A batch or sub-list was opened.
    BatchOpened = 100,
    /// A batch or sub-list is complete.
    BatchSealed = 101,
    /// A region's environment was assessed.
    EnvironmentAssessed = 110,
}

impl Kind {
    /// The kind with a number of the protocol.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Self> {
        u8::try_from(number).ok().and_then(Self::from_repr)
    }

    /// The kind with a name: `review_passed` or `review-passed`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        name.to_ascii_lowercase().replace('-', "_").parse().ok()
    }

    /// The number in the protocol.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The name of the field that carries the fact.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// True for corrections and annulments.
    #[must_use]
    pub fn is_repair(self) -> bool {
        matches!(self, Self::Corrected | Self::Annulled)
    }

    /// True for the facts that only the service states. Older logs hold adoptions of catalogues
    /// that the ministry stated.
    #[must_use]
    pub fn is_of_service(self) -> bool {
        matches!(
            self,
            Self::CatalogueAdopted
                | Self::RulesAdopted
                | Self::FormatRaised
                | Self::AuditAnchored
                | Self::EventWithheld
        )
    }

    /// True for the kinds that stores of the first format do not know.
    #[must_use]
    pub fn needs_later_format(self) -> bool {
        (Self::RulesAdopted..=Self::EventWithheld).contains(&self)
    }

    /// True for facts about one title of one designee.
    #[must_use]
    pub fn is_about_title(self) -> bool {
        (Self::NoticeOpened..=Self::SupportGranted).contains(&self)
    }

    /// True for facts about a designee: pools, notices, titles, identity and duties.
    #[must_use]
    pub fn is_about_designee(self) -> bool {
        (Self::PoolEntered..=Self::MajorChangeReported).contains(&self)
    }

    /// True for facts that end, revoke, review or repair something. They have room of their own in
    /// a record, so that nobody keeps them out of it by filling it.
    #[must_use]
    pub fn has_reserve(self) -> bool {
        matches!(
            self,
            Self::NoticeWithdrawn
                | Self::ReviewOpened
                | Self::ReviewPassed
                | Self::ReviewFailed
                | Self::RevocationProposed
                | Self::Revoked
                | Self::Surrendered
                | Self::Reinstated
                | Self::SubjectEnded
                | Self::Corrected
                | Self::Annulled
        )
    }

    /// All kinds, in the order of their numbers.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_lead_back_to_the_kind() {
        let kinds: Vec<_> = Kind::all().collect();
        assert_eq!(kinds.len(), 42);
        assert!(kinds.is_sorted_by_key(|kind| kind.number()));
        for kind in kinds {
            assert_eq!(Kind::from_number(kind.number().into()), Some(kind));
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
            assert_eq!(Kind::from_name(&kind.name().replace('_', "-")), Some(kind));
        }
        assert_eq!(Kind::ReviewPassed.name(), "review_passed");
        assert_eq!((Kind::from_number(0), Kind::from_number(300)), (None, None));
    }
}
