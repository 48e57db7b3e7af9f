//! Who calls: credentials, the principals that they prove, and the policy in force.
//!
//! A principal is proven by the connection or by a token, never by a message. This room never says
//! what a caller may do: `domain/access` does.

mod certificate;
mod channel;
mod problem;
mod seal;

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, OnceLock},
};

use sha2::{Digest as _, Sha256};
use tokio::sync::watch;

pub use self::{
    certificate::UnreadableCertificate,
    channel::{Channel, PeerCertificate},
    problem::ReloadProblem,
    seal::{KeyError, Seal},
};
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

/// Why somebody is not let in. A stranger learns no more than this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stranger {
    /// It shows no credential.
    Missing,
    /// It shows one that is not accepted.
    Invalid,
    /// It shows one that has ended at that instant, in microseconds since 1970.
    Expired(i64),
}

/// SHA-256 of each token, and whose it is.
type Tokens = HashMap<[u8; 32], Principal>;

/// The principals of a server and the policy in force, which changes while it serves.
#[derive(Debug)]
pub struct AccessControl {
    policy: watch::Sender<Arc<Policy>>,
    tokens: Tokens,
    seal: OnceLock<Seal>,
}

impl AccessControl {
    /// Of a server without principals.
    #[must_use]
    pub fn open() -> Arc<Self> {
        Self::of_tokens(Policy::open(), [])
    }

    /// Of a server whose callers prove themselves by tokens, of which it knows the SHA-256.
    #[must_use]
    pub fn of_tokens(
        policy: Policy,
        tokens: impl IntoIterator<Item = ([u8; 32], Principal)>,
    ) -> Arc<Self> {
        let tokens = tokens.into_iter().collect();
        let policy = watch::Sender::new(Arc::new(policy));
        Arc::new(Self { policy, tokens, seal: OnceLock::new() })
    }

    /// Brings another policy into force. Its generation is the next one.
    pub fn adopt(&self, policy: Policy) {
        let mut policy = policy;
        self.policy.send_modify(|held| {
            policy.generation = held.generation + 1;
            *held = Arc::new(policy);
        });
    }

    /// Finds out who shows a token.
    ///
    /// # Errors
    /// [`Stranger`].
    pub fn identify(&self, token: Option<&str>) -> Result<Identified, Stranger> {
        let policy = self.policy();
        if policy.is_open() {
            return Ok(Identified { generation: policy.generation, ..Identified::anonymous() });
        }
        let token = token.ok_or(Stranger::Missing)?;
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let principal = self.tokens.get(&hash).ok_or(Stranger::Invalid)?;
        let rights = policy.rights_of(principal).ok_or(Stranger::Invalid)?;
        Ok(Identified {
            rights: Arc::clone(rights),
            generation: policy.generation,
            credential: CredentialKind::Token,
            ..Identified::without_credential(principal.clone())
        })
    }

    /// Takes the key of a data directory to seal with, before anything is sealed.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn take_key_of(&self, directory: &Path) -> Result<(), KeyError> {
        let seal = Seal::of_directory(directory)?;
        let taken = self.seal.set(seal);
        assert!(taken.is_ok(), "something was sealed with a key that nobody keeps");
        Ok(())
    }

    /// Seals what the server gives out and takes back.
    pub fn seal(&self) -> &Seal {
        self.seal.get_or_init(Seal::in_memory)
    }

    /// True if callers may prove who they are without a client certificate.
    #[must_use]
    pub fn takes_other_credentials(&self) -> bool {
        !self.tokens.is_empty()
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
