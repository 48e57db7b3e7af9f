//! The principals of one generation, by each of their credentials.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use sha2::{Digest as _, Sha256};

use super::{
    Channel, CredentialKind, Identified, PeerCertificate,
    jwt::{self, Issuer},
    policy::{Credentials, Entry, SOCKET_PREFIX, Subject, Token},
    refusal::{Cause, Refusal},
};
use crate::{
    domain::{
        Principal,
        access::{FourEyes, Policy, Rights, Unseen},
        text::hex,
    },
    limits::{TOKEN_BYTES_MAX, TOKEN_BYTES_MIN},
};

/// The principals of one generation of the policy, with all that proves who they are.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) policy: Arc<Policy>,
    pub(super) four_eyes: Vec<FourEyes>,
    /// Every principal by its id.
    pub(super) entries: BTreeMap<String, Entry>,
    /// The caller of a server without principals.
    pub(super) anonymous: Arc<Identified>,
    certificates: HashMap<String, Principal>,
    keys: HashMap<[u8; 32], Principal>,
    /// The callers by their tokens, ready to be handed out.
    tokens: HashMap<[u8; 32], Arc<Identified>>,
    subjects: HashMap<Subject, Principal>,
    issuers: Arc<[Issuer]>,
}

impl Known {
    /// The principals of some entries, whose ids and credentials are different.
    pub(super) fn new(
        entries: Vec<Entry>,
        issuers: Arc<[Issuer]>,
        four_eyes: Vec<FourEyes>,
        generation: u64,
    ) -> Self {
        let rights = rights_of(&entries);
        let mut policy = Policy::of(rights, four_eyes.clone());
        policy.generation = generation;
        let mut known = Self { issuers, four_eyes, ..Self::empty(policy) };
        for entry in entries {
            known.enter(entry);
        }
        known
    }

    /// Of a policy whose callers prove themselves by these tokens.
    pub(super) fn of_tokens(policy: Policy, tokens: &[([u8; 32], Principal)]) -> Self {
        let mut known = Self::empty(policy);
        for (sha256, principal) in tokens {
            known.enter_token(principal, Token { sha256: *sha256, expires_micros: None });
        }
        known
    }

    fn empty(policy: Policy) -> Self {
        let generation = policy.generation;
        Self {
            policy: Arc::new(policy),
            four_eyes: Vec::new(),
            entries: BTreeMap::new(),
            anonymous: Arc::new(Identified { generation, ..Identified::anonymous() }),
            certificates: HashMap::new(),
            keys: HashMap::new(),
            tokens: HashMap::new(),
            subjects: HashMap::new(),
            issuers: Arc::new([]),
        }
    }

    fn enter(&mut self, entry: Entry) {
        let Credentials { certificate, key, token, subject } = &entry.credentials;
        let id = || entry.id.clone();
        self.certificates.extend(certificate.clone().map(|uri| (uri, id())));
        self.keys.extend(key.map(|key| (key, id())));
        self.subjects.extend(subject.clone().map(|subject| (subject, id())));
        if let Some(token) = *token {
            self.enter_token(&entry.id, token);
        }
        self.entries.insert(entry.id.as_str().to_owned(), entry);
    }

    fn enter_token(&mut self, principal: &Principal, token: Token) {
        let Token { sha256, expires_micros } = token;
        if let Some(mut who) = self.caller(principal, CredentialKind::Token, expires_micros) {
            who.credential_mark = Some(mark_of_hash(&sha256));
            self.tokens.insert(sha256, Arc::new(who));
        }
    }

    /// True if somebody may prove who it is by a token or a JWT.
    pub(super) fn takes_tokens(&self) -> bool {
        !self.tokens.is_empty() || !self.subjects.is_empty()
    }

    /// True if these are the same principals, with the same rights and credentials.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        self.entries == other.entries && self.four_eyes == other.four_eyes
    }

    /// A principal as a caller. `None` if it is not known.
    pub(super) fn caller(
        &self,
        principal: &Principal,
        credential: CredentialKind,
        expires_micros: Option<i64>,
    ) -> Option<Identified> {
        let rights = Arc::clone(self.policy.rights_of(principal)?);
        Some(Identified {
            principal: principal.clone(),
            rights,
            generation: self.policy.generation,
            credential,
            credential_mark: None,
            expires_micros,
            handed_on_by: None,
        })
    }

    /// The caller by the certificate of a connection; `None` if it has shown none.
    ///
    /// # Errors
    /// [`Refusal`] for one that is nobody's, or has ended.
    pub(super) fn by_certificate(
        &self,
        channel: &Channel,
        now_micros: i64,
    ) -> Result<Option<Arc<Identified>>, Refusal> {
        let Some(certificate) = channel.certificate() else { return Ok(None) };
        let who = match channel.caller(self.policy.generation) {
            Some(who) => who,
            None => {
                let principal = self.holder(certificate)?;
                let end = Some(certificate.not_after_micros);
                let who = self.caller(principal, CredentialKind::Certificate, end);
                let mut who = who.ok_or(Cause::CertificateUnknown)?;
                who.credential_mark = Some(certificate.serial.as_str().into());
                let who = Arc::new(who);
                channel.keep_caller(&who);
                who
            }
        };
        if certificate.not_after_micros <= now_micros {
            let cause = Cause::CertificateExpired(certificate.not_after_micros);
            return Err(cause.of(&who.principal));
        }
        Ok(Some(who))
    }

    /// True if a caller that was let in would be let in again, as far as principals can tell.
    pub(super) fn still_proves(&self, who: &Identified) -> bool {
        let is_socket = |by: &Principal| by.name().starts_with(SOCKET_PREFIX.as_bytes());
        let speaks = |by: &Principal| is_socket(by) || self.policy.rights_of(by).is_some();
        if !who.handed_on_by.as_ref().is_none_or(speaks) {
            return false;
        }
        // Without an entry, the rights tell whether the principal is known.
        let Some(entry) = self.entries.get(who.principal.as_str()) else { return true };
        let Credentials { certificate, key, token, subject } = &entry.credentials;
        match who.credential {
            CredentialKind::None | CredentialKind::HandedOn => true,
            CredentialKind::Certificate => certificate.is_some() || key.is_some(),
            CredentialKind::Jwt => subject.is_some(),
            CredentialKind::Token => {
                let mark = token.as_ref().map(|token| mark_of_hash(&token.sha256));
                mark.is_some() && mark == who.credential_mark
            }
        }
    }

    /// The principal that has a certificate: by its URI, if it has one, and by its key.
    fn holder(&self, certificate: &PeerCertificate) -> Result<&Principal, Cause> {
        let by_key = self.keys.get(&certificate.key_sha256);
        let by_uri = match certificate.uris.as_slice() {
            [only] => self.certificates.get(only),
            _ => None,
        };
        match (by_uri, by_key) {
            (Some(one), Some(other)) if one != other => Err(Cause::TwoPrincipals),
            (Some(holder), _) | (None, Some(holder)) => Ok(holder),
            (None, None) if certificate.uris.len() == 1 => Err(Cause::CertificateUnknown),
            (None, None) => Err(Cause::CertificateUris),
        }
    }

    /// The caller by a token or a JWT, which is told from a token by its two dots.
    ///
    /// # Errors
    /// [`Refusal`].
    pub(super) fn by_token(
        &self,
        token: &str,
        now_micros: i64,
    ) -> Result<Arc<Identified>, Refusal> {
        if token.bytes().filter(|byte| *byte == b'.').count() == 2 {
            return self.by_jwt(token, now_micros);
        }
        if !(TOKEN_BYTES_MIN..=TOKEN_BYTES_MAX).contains(&token.len()) {
            return Err(Cause::TokenLength.into());
        }
        // Who looks for a hash learns nothing from the time of a comparison.
        let sha256: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let who = self.tokens.get(&sha256).ok_or(Cause::TokenUnknown)?;
        match who.expires_micros {
            Some(end) if end <= now_micros => Err(Cause::TokenExpired(end).of(&who.principal)),
            _ => Ok(Arc::clone(who)),
        }
    }

    fn by_jwt(&self, token: &str, now_micros: i64) -> Result<Arc<Identified>, Refusal> {
        let checked = jwt::check(token, &self.issuers, now_micros)?;
        let principal = self.subjects.get(&checked.subject).ok_or(Cause::JwtSubject)?;
        let who = self.caller(principal, CredentialKind::Jwt, Some(checked.expires_micros));
        let mut who = who.ok_or(Cause::JwtSubject)?;
        let mark = checked.id.map(Arc::from);
        who.credential_mark = mark.or_else(|| Some(mark_of_hash(&Sha256::digest(token).into())));
        Ok(Arc::new(who))
    }
}

/// Tells a token from others, and gives nothing of it away.
fn mark_of_hash(sha256: &[u8; 32]) -> Arc<str> {
    const MARK_BYTES: usize = 8;
    hex(sha256.get(..MARK_BYTES).unwrap_or_default()).into()
}

/// The rights of each principal; those that a delegate manages are bounded by its own.
fn rights_of(entries: &[Entry]) -> HashMap<Principal, Arc<Rights>> {
    let (managed, others): (Vec<_>, Vec<_>) =
        entries.iter().partition(|entry| entry.managed_by.is_some());
    let mut all: HashMap<_, _> = others
        .into_iter()
        .map(|entry| (entry.id.clone(), Arc::new(entry.rights.clone())))
        .collect();
    for entry in managed {
        let delegate = entry.managed_by.as_ref().and_then(|delegate| all.get(delegate));
        // Without its delegate it would have no bound.
        let Some(delegate) = delegate else { continue };
        let mut rights = Rights { below: Some(Arc::clone(delegate)), ..entry.rights.clone() };
        if delegate.unseen == Unseen::Hidden {
            rights.unseen = Unseen::Hidden;
        }
        all.insert(entry.id.clone(), Arc::new(rights));
    }
    all
}
