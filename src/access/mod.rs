//! Who calls: credentials, the principals that they prove, and the policy in force.
//!
//! A principal is proven by the connection or by a token, never by a message. This room never says
//! what a caller may do: `domain/access` does.
//!
//! ```text
//! policy/    the files: principals, rights, credentials, issuers
//! source     the files as they change; delegated: the principals that delegates manage
//! known      the principals of one generation, by each credential
//! channel    what a connection proves      jwt/     the tokens of issuers
//! proof      who calls, by all that is shown        refusal  why somebody is not let in
//! control    the policy in force           seal     what the server gives out and takes back
//! checked    the files without a server
//! ```

mod certificate;
mod channel;
mod checked;
mod control;
mod delegated;
mod jwt;
mod known;
mod policy;
mod problem;
mod proof;
mod refusal;
mod seal;
mod source;

use std::sync::Arc;

pub use self::{
    certificate::UnreadableCertificate,
    channel::{Channel, PeerCertificate},
    control::{AccessControl, AccessSettings, Now},
    policy::{PolicyError, PolicyFault},
    problem::ReloadProblem,
    proof::Presented,
    refusal::{Cause, Refusal, Stranger},
    seal::{KeyError, Seal},
    source::Reloaded,
};
pub(crate) use self::{
    checked::{check_files, read_principals},
    delegated::ManageError,
    policy::{Action, Entry, PrincipalText, RightText, unplaced},
};
use crate::domain::{Principal, access::Rights};

/// How a caller has proven who it is. The number is the one in `tidu.v1.CredentialKind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum CredentialKind {
    /// Not at all: the server knows no principals.
    None = 0,
    /// By a client certificate.
    Certificate = 1,
    /// By a token of the server's file.
    Token = 2,
    /// By a JSON Web Token.
    Jwt = 3,
    /// A gateway or a node answers for it.
    HandedOn = 4,
}

/// A caller that has proven who it is, with its rights at that moment.
#[derive(Clone, Debug)]
pub struct Identified {
    /// Who it is.
    pub principal: Principal,
    /// Its rights.
    pub rights: Arc<Rights>,
    /// The generation of the policy that they are of.
    pub generation: u64,
    /// How it has proven itself.
    pub credential: CredentialKind,
    /// Tells the credential from others and gives nothing of it away: the beginning of the
    /// fingerprint of a certificate or of a token's hash, or the id of a JSON Web Token. The audit
    /// trail has it.
    pub credential_mark: Option<Arc<str>>,
    /// Microseconds since 1970 at which the credential ends; `None` if no end is known.
    pub expires_micros: Option<i64>,
    /// The gateway or node that hands the call on.
    pub handed_on_by: Option<Principal>,
}

impl Identified {
    /// A caller of a server without principals.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::without_credential(Principal::ANONYMOUS)
    }

    /// The server itself.
    #[must_use]
    pub fn server() -> Self {
        Self::without_credential(Principal::SERVER)
    }

    fn without_credential(principal: Principal) -> Self {
        Self {
            principal,
            rights: Arc::new(Rights::everything()),
            generation: 0,
            credential: CredentialKind::None,
            credential_mark: None,
            expires_micros: None,
            handed_on_by: None,
        }
    }
}
