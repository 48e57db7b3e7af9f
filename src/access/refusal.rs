//! Why a caller is not let in: the cause for the operator, and as much as the caller may learn.

use std::fmt::{self, Display};

use crate::domain::Principal;

/// Why a credential was not accepted. The name goes to the log and to the audit trail; callers
/// learn less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Cause {
    /// There is none.
    NoCredential,
    /// A certificate and a token prove different principals.
    TwoPrincipals,
    /// Nobody has the certificate's one URI, or its key.
    CertificateUnknown,
    /// The certificate has no URI, or several, and nobody has its key.
    CertificateUris,
    /// The certificate has ended at that instant, in microseconds since 1970.
    CertificateExpired(i64),
    /// The header is not `Bearer` and a token, or comes twice.
    AuthorizationForm,
    /// A token without TLS, from another machine.
    TokenUnprotected,
    /// A token that is too short or too long.
    TokenLength,
    /// Nobody has the token.
    TokenUnknown,
    /// The token has ended at that instant, in microseconds since 1970.
    TokenExpired(i64),
    /// Not a JWT, or one that is too long.
    JwtForm,
    /// The header of the JWT says how it is to be checked.
    JwtHeader,
    /// No issuer of the policy has its `iss`.
    JwtIssuer,
    /// Another algorithm than the pinned one.
    JwtAlgorithm,
    /// The issuer has no such key.
    JwtKey,
    /// The signature, or a claim that it covers, is wrong.
    JwtSignature,
    /// It is meant for somebody else.
    JwtAudience,
    /// It has not begun, or lives too long.
    JwtTime,
    /// It has ended at that instant, in microseconds since 1970.
    JwtExpired(i64),
    /// Nobody has its `sub`.
    JwtSubject,
    /// Somebody who may not hand calls on names a principal.
    HandedByStranger,
    /// The principal named is a gateway or a node, or not the one that the token proves.
    HandedRefused,
    /// A gateway names a principal that is not known.
    HandedUnknown,
}

impl Cause {
    /// Its name in the log and in the audit trail.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// As much as somebody learns who is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stranger {
    /// It shows no credential.
    Missing,
    /// It shows one that is not accepted.
    Invalid,
    /// It shows one that has ended at that instant, in microseconds since 1970.
    Expired(i64),
    /// It speaks for somebody else, and may not.
    Handed,
}

impl From<Cause> for Stranger {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::NoCredential => Self::Missing,
            Cause::CertificateExpired(end) | Cause::TokenExpired(end) | Cause::JwtExpired(end) => {
                Self::Expired(end)
            }
            Cause::HandedByStranger | Cause::HandedRefused => Self::Handed,
            _ => Self::Invalid,
        }
    }
}

/// A caller that is not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The cause.
    pub cause: Cause,
    /// Who it is, as far as it has proven that.
    pub principal: Option<Principal>,
}

impl Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.cause.name())?;
        match &self.principal {
            Some(who) => write!(f, " of {}", who.as_str()),
            None => Ok(()),
        }
    }
}

impl From<Cause> for Refusal {
    fn from(cause: Cause) -> Self {
        Self { cause, principal: None }
    }
}

impl Cause {
    /// The refusal of a caller that has proven who it is.
    pub(super) fn of(self, principal: &Principal) -> Refusal {
        Refusal { cause: self, principal: Some(principal.clone()) }
    }
}
