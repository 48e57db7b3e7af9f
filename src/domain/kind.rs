//! The kinds that events, the catalogue and filters share: facts, programmes, holders. Nothing here knows an event.

use std::num::NonZeroU8;

use strum::IntoEnumIterator as _;

/// A programme, by its place in the catalogue in use, plus one. Valid for one catalogue; never stored.
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

/// The kind of a fact. The only list of the 36 facts: everything else maps to it.
///
/// The discriminant is the number in `tidu.v1.EventKind`. The name in snake case is the field that carries the fact.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    strum::EnumIter,
    strum::EnumString,
    strum::FromRepr,
    strum::IntoStaticStr,
)]
#[strum(serialize_all = "snake_case")]
#[repr(u8)]
#[allow(missing_docs)] // each as documented at its message in event.proto
pub enum Kind {
    CatalogueAdopted = 20,
    CompletenessDeclared = 21,
    MeasuresIssued = 22,
    MeasuresRepealed = 23,
    PoolEntered = 30,
    PoolLeft = 31,
    NoticeOpened = 40,
    ObjectionRaised = 41,
    ObjectionResolved = 42,
    NoticeWithdrawn = 43,
    Designated = 50,
    ReviewOpened = 51,
    ReviewPassed = 52,
    ReviewFailed = 53,
    RevocationProposed = 54,
    Revoked = 55,
    Surrendered = 56,
    Reinstated = 57,
    TitleTransferred = 58,
    TitleConverted = 59,
    CreationListed = 60,
    CreationAssessed = 61,
    RectificationOrdered = 62,
    SupportGranted = 63,
    Renamed = 70,
    Relocated = 71,
    Restructured = 72,
    IdentifierChanged = 73,
    SubjectEnded = 74,
    InformationUpdated = 80,
    MajorChangeReported = 81,
    Corrected = 90,
    Annulled = 91,
    BatchOpened = 100,
    BatchSealed = 101,
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

    /// True for facts about one title of one designee.
    #[must_use]
    pub fn is_about_title(self) -> bool {
        (Self::NoticeOpened.number()..=Self::SupportGranted.number()).contains(&self.number())
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
        assert_eq!(kinds.len(), 36);
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
