//! The public keys of an issuer, from its file (JWKS).

use std::io;

use jsonwebtoken::{
    DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::SignatureAlgorithm;
use crate::{
    access::policy::{IssuerPin, PolicyFault},
    files,
    limits::{JWKS_BYTES_MAX, JWKS_KEYS_MAX},
};

/// Least bytes of the modulus of an RSA key: 2,048 bits.
const MODULUS_BYTES_MIN: usize = 256;
/// Most of them, which the check of signatures bounds as well: 8,192 bits.
const MODULUS_BYTES_MAX: usize = 1_024;

/// A key that checks the signatures of an issuer.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) id: Option<String>,
    pub(super) key: DecodingKey,
}

/// Reads the file of an issuer's keys.
///
/// # Errors
/// [`PolicyFault`] with the file and the cause.
pub(crate) fn read(pin: &IssuerPin) -> Result<Vec<u8>, PolicyFault> {
    let failed = |error: io::Error| {
        let rule = format!("the keys of the issuer {} cannot be read: {error}", pin.issuer);
        PolicyFault::of_file(&pin.jwks, rule)
    };
    files::read(&pin.jwks, JWKS_BYTES_MAX).map_err(failed)
}

/// The keys in such a file that fit the algorithm. Others are left out: an issuer has keys for
/// other purposes as well.
///
/// # Errors
/// The rule that the file breaks.
pub(super) fn parse(bytes: &[u8], algorithm: SignatureAlgorithm) -> Result<Vec<Key>, String> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<Map<String, Value>>,
    }
    let set: Set = serde_json::from_slice(bytes).map_err(|error| {
        // The message of the error can repeat a part of the file.
        format!("not a JWKS at line {}, column {}", error.line(), error.column())
    })?;
    if set.keys.len() > JWKS_KEYS_MAX {
        return Err(format!("{} keys; at most {JWKS_KEYS_MAX} are allowed", set.keys.len()));
    }
    let mut all: Vec<Key> = Vec::new();
    for (place, key) in set.keys.into_iter().enumerate() {
        if ["d", "k"].iter().any(|secret| key.contains_key(*secret)) {
            return Err(format!("keys[{place}]: a secret key; only public keys belong here"));
        }
        let jwk: Jwk = serde_json::from_value(Value::Object(key))
            .map_err(|_| format!("keys[{place}]: not a JSON Web Key"))?;
        let Some(key) = usable(&jwk, algorithm) else { continue };
        if all.iter().any(|other| other.id == key.id) {
            return Err(format!("keys[{place}]: another key has the same kid, or none as well"));
        }
        all.push(key);
    }
    if all.is_empty() {
        return Err(format!("no key fits the algorithm {}", algorithm.name()));
    }
    Ok(all)
}

fn usable(jwk: &Jwk, algorithm: SignatureAlgorithm) -> Option<Key> {
    let common = &jwk.common;
    let is_for_signatures = matches!(common.public_key_use, None | Some(PublicKeyUse::Signature));
    let stated = common.key_algorithm.map(|stated| stated.to_string());
    if !is_for_signatures || stated.is_some_and(|stated| stated != algorithm.name()) {
        return None;
    }
    let curve = match &jwk.algorithm {
        AlgorithmParameters::EllipticCurve(key) => Some(&key.curve),
        AlgorithmParameters::OctetKeyPair(key) => Some(&key.curve),
        _ => None,
    };
    let is_fit = match (algorithm, &jwk.algorithm) {
        (SignatureAlgorithm::Es256, AlgorithmParameters::EllipticCurve(_)) => {
            curve == Some(&EllipticCurve::P256)
        }
        (SignatureAlgorithm::EdDsa, AlgorithmParameters::OctetKeyPair(_)) => {
            curve == Some(&EllipticCurve::Ed25519)
        }
        (SignatureAlgorithm::Rs256 | SignatureAlgorithm::Ps256, AlgorithmParameters::RSA(_)) => {
            true
        }
        _ => false,
    };
    let key = DecodingKey::from_jwk(jwk).ok().filter(|_| is_fit)?;
    has_length(&key, algorithm).then(|| Key { id: common.key_id.clone(), key })
}

/// True for a key of the length that the algorithm needs.
fn has_length(key: &DecodingKey, algorithm: SignatureAlgorithm) -> bool {
    use jsonwebtoken::DecodingKeyKind::{RsaModulusExponent, SecretOrDer};
    match (key.kind(), algorithm) {
        (RsaModulusExponent { n, .. }, _) => {
            (MODULUS_BYTES_MIN..=MODULUS_BYTES_MAX).contains(&n.len()) && n.first() != Some(&0)
        }
        // An uncompressed point, and a key of Ed25519.
        (SecretOrDer(bytes), SignatureAlgorithm::Es256) => bytes.len() == 65,
        (SecretOrDer(bytes), _) => bytes.len() == 32,
    }
}
