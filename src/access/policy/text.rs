//! The shape of a policy file. Each value keeps its place, so that a fault names its line.

use serde::{Deserialize, Serialize};
use toml::{Spanned, value::Datetime};

/// A text and its place.
pub(crate) type Text = Spanned<String>;

/// A text of no file.
pub(crate) fn unplaced(text: impl Into<String>) -> Text {
    Spanned::new(0..0, text.into())
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyText {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) principal: Vec<Spanned<PrincipalText>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) jwt_issuer: Vec<Spanned<IssuerText>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) four_eyes: Vec<Spanned<FourEyesText>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PrincipalText {
    pub(crate) id: Text,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) authority: Option<Text>,
    #[serde(default)]
    pub(crate) roles: Vec<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) certificate: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key_sha256: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token_sha256: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token_expires: Option<Spanned<Datetime>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) jwt: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) jwt_issuer: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unseen: Option<Text>,
    /// Only in the file of the principals that delegates manage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) managed_by: Option<Text>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) right: Vec<Spanned<RightText>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RightText {
    pub(crate) action: Text,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) authorities: Option<Vec<Text>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) region: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) programmes: Option<Vec<Text>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kinds: Option<Vec<Text>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) own: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IssuerText {
    pub(crate) issuer: Text,
    pub(crate) audience: Text,
    pub(crate) algorithm: Text,
    pub(crate) jwks: Text,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FourEyesText {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) authorities: Vec<Text>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) programmes: Vec<Text>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) kinds: Vec<Text>,
}
