//! JSON Web Tokens of issuers that the policy pins: issuer, audience, algorithm, keys.
//!
//! A token says nothing about how it is to be checked: an algorithm other than the pinned one, a
//! key or an address of keys in its header, and extensions that it calls critical are refused.

mod keys;
mod ring;
#[cfg(test)]
mod tests;

use jsonwebtoken::{Algorithm, Header, Validation, dangerous, decode, decode_header};
use serde::Deserialize;

use self::keys::Key;
pub(crate) use self::keys::read as read_keys;
use super::{
    policy::{IssuerPin, PolicyFault, Subject},
    refusal::Cause,
};
use crate::limits::{ID_BYTES_MAX, JWT_BYTES_MAX, JWT_LEEWAY, JWT_LIFE_MAX};

/// The algorithms that a policy may pin, with the names of RFC 7518 and RFC 8037.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr)]
pub(crate) enum SignatureAlgorithm {
    #[strum(serialize = "ES256")]
    Es256,
    #[strum(serialize = "RS256")]
    Rs256,
    #[strum(serialize = "PS256")]
    Ps256,
    #[strum(serialize = "EdDSA")]
    EdDsa,
}

impl SignatureAlgorithm {
    pub(crate) fn name(self) -> &'static str {
        self.into()
    }

    fn of_library(self) -> Algorithm {
        match self {
            Self::Es256 => Algorithm::ES256,
            Self::Rs256 => Algorithm::RS256,
            Self::Ps256 => Algorithm::PS256,
            Self::EdDsa => Algorithm::EdDSA,
        }
    }
}

/// An issuer with its keys.
#[derive(Clone, Debug)]
pub(crate) struct Issuer {
    pin: IssuerPin,
    keys: Vec<Key>,
}

/// A token that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checked {
    pub(crate) subject: Subject,
    pub(crate) expires_micros: i64,
    /// Its `jti`, if that is short enough to be told.
    pub(crate) id: Option<String>,
}

/// Part of a token, before anything of it is checked.
#[derive(Deserialize)]
struct Unchecked {
    iss: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: f64,
    nbf: Option<f64>,
    iat: Option<f64>,
    jti: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Some(Vec<String>),
}

impl Audience {
    fn has(&self, name: &str) -> bool {
        match self {
            Self::One(one) => one == name,
            Self::Some(some) => some.iter().any(|one| one == name),
        }
    }
}

impl Issuer {
    /// An issuer with the keys of its file.
    ///
    /// # Errors
    /// [`PolicyFault`] with the file and the rule.
    pub(crate) fn new(pin: IssuerPin, keys: &[u8]) -> Result<Self, PolicyFault> {
        ring::install();
        match keys::parse(keys, pin.algorithm) {
            Ok(keys) => Ok(Self { pin, keys }),
            Err(rule) => Err(PolicyFault::of_file(&pin.jwks, rule)),
        }
    }

    /// The key that a header names, or the only one.
    fn key(&self, header: &Header) -> Option<&Key> {
        match (&header.kid, self.keys.as_slice()) {
            (Some(id), keys) => keys.iter().find(|key| key.id.as_ref() == Some(id)),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }
}

/// Checks a token at an instant, in microseconds since 1970.
///
/// # Errors
/// The cause, for the server's own log.
pub(crate) fn check(token: &str, issuers: &[Issuer], now_micros: i64) -> Result<Checked, Cause> {
    if token.len() > JWT_BYTES_MAX {
        return Err(Cause::JwtForm);
    }
    let header = decode_header(token).map_err(|_| Cause::JwtForm)?;
    if header.crit.is_some()
        || header.jku.is_some()
        || header.jwk.is_some()
        || header.x5u.is_some()
        || header.x5c.is_some()
        || header.enc.is_some()
        || header.zip.is_some()
    {
        return Err(Cause::JwtHeader);
    }
    // The name only chooses the keys; it is among what they sign.
    let named: Unchecked = dangerous::insecure_decode_claims(token).map_err(|_| Cause::JwtForm)?;
    let issuer = issuers.iter().find(|issuer| issuer.pin.issuer == named.iss);
    let issuer = issuer.ok_or(Cause::JwtIssuer)?;
    let algorithm = issuer.pin.algorithm.of_library();
    if header.alg != algorithm {
        return Err(Cause::JwtAlgorithm);
    }
    let key = issuer.key(&header).ok_or(Cause::JwtKey)?;
    let claims = decode::<Claims>(token, &key.key, &signature_alone(algorithm));
    let claims = claims.map_err(|_| Cause::JwtSignature)?.claims;
    if claims.iss != issuer.pin.issuer {
        return Err(Cause::JwtIssuer);
    }
    if !claims.aud.has(&issuer.pin.audience) {
        return Err(Cause::JwtAudience);
    }
    let expires_micros = require_time(&claims, now_micros)?;
    let subject = Subject { issuer: Some(claims.iss), name: claims.sub };
    let is_short =
        |id: &String| id.len() <= ID_BYTES_MAX && id.bytes().all(|b| b.is_ascii_graphic());
    Ok(Checked { subject, expires_micros, id: claims.jti.filter(is_short) })
}

/// The library checks the signature; the claims are checked here, by the clock of the server.
fn signature_alone(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}

/// Refuses a token that has ended, has not begun, or lives too long. Returns its end.
fn require_time(claims: &Claims, now_micros: i64) -> Result<i64, Cause> {
    let micros = |seconds: f64| micros_of(seconds).ok_or(Cause::JwtTime);
    let end = micros(claims.exp)?;
    if end <= now_micros {
        return Err(Cause::JwtExpired(end));
    }
    let leeway = micros(JWT_LEEWAY.as_secs_f64())?;
    let mut begun = now_micros;
    for begin in [claims.nbf, claims.iat].into_iter().flatten() {
        if micros(begin)? > now_micros.saturating_add(leeway) {
            return Err(Cause::JwtTime);
        }
    }
    if let Some(issued) = claims.iat {
        begun = begun.min(micros(issued)?);
    }
    let life_max = micros(JWT_LIFE_MAX.as_secs_f64())?.saturating_add(leeway);
    if end.saturating_sub(begun) > life_max { Err(Cause::JwtTime) } else { Ok(end) }
}

/// Microseconds of a time in seconds, as JSON states it: a number up to the year 9999.
fn micros_of(seconds: f64) -> Option<i64> {
    const LATEST: f64 = 253_402_300_799.0;
    #[allow(clippy::cast_possible_truncation)] // it is in the range, and parts of one are cut off
    (0.0..=LATEST).contains(&seconds).then_some((seconds * 1e6) as i64)
}
