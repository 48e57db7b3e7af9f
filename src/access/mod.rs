//! Who calls: credentials, the principals that they prove, and the policy in force.
//!
//! A principal is proven by the connection or by a token, never by a message. This room never says
//! what a caller may do: `domain/access` does.

use std::sync::Arc;

use tokio::sync::watch;

use crate::domain::{
    Principal,
    access::{Policy, Rights},
};

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
            expires_micros: None,
            handed_on_by: None,
        }
    }
}

/// The principals of a server and the policy in force, which changes while it serves.
#[derive(Debug)]
pub struct AccessControl {
    policy: watch::Sender<Arc<Policy>>,
}

impl AccessControl {
    /// Of a server without principals.
    #[must_use]
    pub fn open() -> Arc<Self> {
        Arc::new(Self { policy: watch::Sender::new(Arc::new(Policy::open())) })
    }

    /// The policy in force.
    #[must_use]
    pub fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.policy.borrow())
    }

    /// Tells of each policy that comes into force.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Arc<Policy>> {
        self.policy.subscribe()
    }
}
