//! The words of the catalogue: closed lists of roles, deciders, renewals and effects.

use serde::Deserialize;

use crate::domain::AuthorityCode;

/// Authorities that may state a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// An authority that decides on the programme.
    Decider,
    /// An authority that recommends for it.
    Recommender,
    /// The ministry.
    Ministry,
    /// Any of the 37 provincial-level authorities.
    Provincial,
    /// An authority that decided on, recommended or is responsible for the designee. Any authority,
    /// if none is on record as responsible for the designee.
    Involved,
    /// For a move: the authority that gives the designee up, or the one that receives it.
    Target,
    /// The authority whose sub-list it is.
    Sublist,
    /// Any authority.
    Any,
}

/// Authorities that recommend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Recommender {
    /// Nobody: the decider finds its own candidates.
    #[default]
    None,
    /// The provincial-level authorities.
    Provincial,
}

impl Recommender {
    /// The catalogue's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Provincial => "provincial",
        }
    }
}

/// Ways in which a title is renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Renewal {
    /// By a review.
    Review,
    /// By a fresh designation, also before the end.
    Designation,
    /// Not at all.
    None,
}

impl Renewal {
    /// The catalogue's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Review => "review",
            Self::Designation => "designation",
            Self::None => "none",
        }
    }
}

/// Authorities that decide on a title.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decider {
    /// Only the ministry.
    Ministry,
    /// One of the 37 provincial-level authorities, for itself.
    Provincial,
    /// Either.
    Any,
}

impl Decider {
    /// The catalogue's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ministry => "ministry",
            Self::Provincial => "provincial",
            Self::Any => "any",
        }
    }

    /// True if the authority may decide.
    #[must_use]
    pub fn includes(self, authority: AuthorityCode) -> bool {
        match self {
            Self::Ministry => authority.is_ministry(),
            Self::Provincial => !authority.is_ministry(),
            Self::Any => true,
        }
    }
}

/// Effects of a failed review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unrenewed {
    /// The title lapses.
    Lapses,
    /// The title is revoked.
    Revoked,
}

impl Unrenewed {
    /// The catalogue's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lapses => "lapses",
            Self::Revoked => "revoked",
        }
    }
}
