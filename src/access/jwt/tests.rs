#![allow(clippy::unwrap_used)]

use std::path::Path;

use ::ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::*;

const NOW: i64 = 1_800_000_600;
const ISSUER: &str = "https://id.example";

fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn pin(algorithm: SignatureAlgorithm) -> IssuerPin {
    IssuerPin {
        issuer: ISSUER.to_owned(),
        audience: "tidu".to_owned(),
        algorithm,
        jwks: Path::new("jwks.json").to_path_buf(),
    }
}

fn issuer(algorithm: SignatureAlgorithm, keys: &Value) -> Result<Issuer, String> {
    let bytes = json!({ "keys": keys }).to_string();
    Issuer::new(pin(algorithm), bytes.as_bytes()).map_err(|fault| fault.to_string())
}

/// A key of P-256 and its public part.
struct Signer(EcdsaKeyPair);

impl Signer {
    fn new() -> Self {
        let (curve, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let document = EcdsaKeyPair::generate_pkcs8(curve, &random).unwrap();
        Self(EcdsaKeyPair::from_pkcs8(curve, document.as_ref(), &random).unwrap())
    }

    fn jwk(&self, kid: &str) -> Value {
        let point = self.0.public_key().as_ref();
        let (x, y) = (base64(&point[1..33]), base64(&point[33..]));
        json!({"kty": "EC", "crv": "P-256", "kid": kid, "x": x, "y": y, "use": "sig"})
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", base64(header.to_string()), base64(claims.to_string()));
        let signature = self.0.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", base64(signature.as_ref()))
    }
}

fn header() -> Value {
    json!({"alg": "ES256", "typ": "JWT", "kid": "k"})
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "recorder", "aud": "tidu", "iat": NOW - 60, "exp": NOW + 600,
        "jti": "t-1",
    })
}

/// A value with other fields; `null` takes one away.
fn with(mut value: Value, others: &Value) -> Value {
    for (key, other) in others.as_object().unwrap() {
        match other {
            Value::Null => value.as_object_mut().unwrap().remove(key),
            other => value.as_object_mut().unwrap().insert(key.clone(), other.clone()),
        };
    }
    value
}

fn at(token: &str, issuers: &[Issuer], seconds: i64) -> Result<Checked, Cause> {
    check(token, issuers, seconds * 1_000_000)
}

#[test]
fn a_token_of_a_pinned_issuer_proves_its_subject_until_it_ends() {
    let signer = Signer::new();
    let issuers = [issuer(SignatureAlgorithm::Es256, &json!([signer.jwk("k")])).unwrap()];
    let token = signer.sign(&header(), &claims());
    let checked = at(&token, &issuers, NOW).unwrap();
    let expected = Subject { issuer: Some(ISSUER.to_owned()), name: "recorder".to_owned() };
    assert_eq!(checked.subject, expected);
    assert_eq!(checked.expires_micros, (NOW + 600) * 1_000_000);
    assert_eq!(checked.id.as_deref(), Some("t-1"));
    assert!(at(&token, &issuers, NOW + 599).is_ok());
    let end = Cause::JwtExpired((NOW + 600) * 1_000_000);
    assert_eq!(at(&token, &issuers, NOW + 600), Err(end));
}

#[test]
fn claims_are_held_against_the_pin_and_the_clock() {
    let signer = Signer::new();
    let issuers = [issuer(SignatureAlgorithm::Es256, &json!([signer.jwk("k")])).unwrap()];
    let tried = |others: Value| {
        at(&signer.sign(&header(), &with(claims(), &others)), &issuers, NOW).map(|_| ())
    };
    let (life, leeway) = (JWT_LIFE_MAX.as_secs(), JWT_LEEWAY.as_secs());
    let (life, leeway) = (i64::try_from(life).unwrap(), i64::try_from(leeway).unwrap());
    for (others, expected) in [
        (json!({"aud": ["a", "tidu"]}), Ok(())),
        (json!({"aud": "Tidu"}), Err(Cause::JwtAudience)),
        (json!({"aud": []}), Err(Cause::JwtAudience)),
        (json!({"aud": null}), Err(Cause::JwtSignature)),
        (json!({"iss": "https://other.example"}), Err(Cause::JwtIssuer)),
        (json!({"iss": null}), Err(Cause::JwtForm)),
        (json!({"sub": null}), Err(Cause::JwtSignature)),
        (json!({"sub": 7}), Err(Cause::JwtSignature)),
        (json!({"exp": null}), Err(Cause::JwtSignature)),
        (json!({"exp": "soon"}), Err(Cause::JwtSignature)),
        (json!({"exp": -1}), Err(Cause::JwtTime)),
        (json!({"exp": 1e300}), Err(Cause::JwtTime)),
        (json!({"exp": NOW}), Err(Cause::JwtExpired(NOW * 1_000_000))),
        (json!({"iat": NOW, "exp": NOW + life + leeway}), Ok(())),
        (json!({"iat": NOW, "exp": NOW + life + leeway + 1}), Err(Cause::JwtTime)),
        (json!({"iat": null, "exp": NOW + life + leeway + 1}), Err(Cause::JwtTime)),
        (json!({"iat": NOW - life, "exp": NOW + leeway + 1}), Err(Cause::JwtTime)),
        (json!({"nbf": NOW + leeway}), Ok(())),
        (json!({"nbf": NOW + leeway + 1}), Err(Cause::JwtTime)),
        (json!({"iat": NOW + leeway + 1}), Err(Cause::JwtTime)),
    ] {
        assert_eq!(tried(others.clone()), expected, "{others}");
    }
}

#[test]
fn a_token_does_not_say_how_it_is_checked() {
    let signer = Signer::new();
    let keys = json!([signer.jwk("k")]);
    let issuers = [issuer(SignatureAlgorithm::Es256, &keys).unwrap()];
    let tried = |others: Value| {
        at(&signer.sign(&with(header(), &others), &claims()), &issuers, NOW).map(|_| ())
    };
    for (others, expected) in [
        (json!({"kid": null}), Ok(())),
        (json!({"kid": "other"}), Err(Cause::JwtKey)),
        (json!({"alg": "none"}), Err(Cause::JwtForm)),
        (json!({"alg": "HS256"}), Err(Cause::JwtAlgorithm)),
        (json!({"alg": "ES384"}), Err(Cause::JwtAlgorithm)),
        (json!({"jku": "https://evil.example/keys"}), Err(Cause::JwtHeader)),
        (json!({"x5u": "https://evil.example/chain"}), Err(Cause::JwtHeader)),
        (json!({"jwk": signer.jwk("k")}), Err(Cause::JwtHeader)),
        (json!({"crit": ["exp"]}), Err(Cause::JwtHeader)),
    ] {
        assert_eq!(tried(others.clone()), expected, "{others}");
    }
    // A signature made with the public key as a secret.
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let point = signer.0.public_key().as_ref().to_vec();
    let header = json!({"alg": "HS256", "kid": "k"});
    let message = format!("{}.{}", base64(header.to_string()), base64(claims().to_string()));
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&point).unwrap();
    mac.update(message.as_bytes());
    let forged = format!("{message}.{}", base64(mac.finalize().into_bytes()));
    assert_eq!(at(&forged, &issuers, NOW), Err(Cause::JwtAlgorithm));
    // Without a signature, and with somebody else's.
    let token = signer.sign(&self::header(), &claims());
    let bare = format!("{}.", token.rsplit_once('.').unwrap().0);
    assert_eq!(at(&bare, &issuers, NOW), Err(Cause::JwtSignature));
    let other = Signer::new().sign(&self::header(), &claims());
    assert_eq!(at(&other, &issuers, NOW), Err(Cause::JwtSignature));
    let changed = signer.sign(&self::header(), &with(claims(), &json!({"sub": "auditor"})));
    let parts = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
    let (one, two) = (parts(&token), parts(&changed));
    let mixed = format!("{}.{}.{}", one[0], two[1], one[2]);
    assert_eq!(at(&mixed, &issuers, NOW), Err(Cause::JwtSignature));
    assert_eq!(at(&token, &[], NOW), Err(Cause::JwtIssuer));
}

#[test]
fn each_algorithm_is_checked_with_a_key_of_its_kind() {
    let random = SystemRandom::new();
    let document = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
    let key = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
    let x = base64(key.public_key().as_ref());
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": x});
    let issuers = [issuer(SignatureAlgorithm::EdDsa, &json!([jwk])).unwrap()];
    let head = json!({"alg": "EdDSA", "kid": "k"});
    let message = format!("{}.{}", base64(head.to_string()), base64(claims().to_string()));
    let token = format!("{message}.{}", base64(key.sign(message.as_bytes())));
    assert!(at(&token, &issuers, NOW).is_ok());
    // Signed elsewhere with RSA, of which only the public part is here.
    let rsa = json!([{"kty": "RSA", "kid": "r", "n": include_str!("tests/rsa2048.txt").trim(),
        "e": "AQAB"}]);
    for (algorithm, token) in [
        (SignatureAlgorithm::Rs256, include_str!("tests/rs256.txt").trim()),
        (SignatureAlgorithm::Ps256, include_str!("tests/ps256.txt").trim()),
    ] {
        let issuers = [issuer(algorithm, &rsa).unwrap()];
        assert!(at(token, &issuers, NOW).is_ok(), "{algorithm:?}");
        let other = match algorithm {
            SignatureAlgorithm::Rs256 => SignatureAlgorithm::Ps256,
            _ => SignatureAlgorithm::Rs256,
        };
        let issuers = [issuer(other, &rsa).unwrap()];
        assert_eq!(at(token, &issuers, NOW), Err(Cause::JwtAlgorithm));
    }
}

#[test]
fn a_file_of_keys_has_public_keys_that_fit() {
    let signer = Signer::new();
    let algorithm = SignatureAlgorithm::Es256;
    let refused = |keys: Value| issuer(algorithm, &keys).unwrap_err();
    let key = || signer.jwk("k");
    assert!(refused(json!([])).contains("no key fits the algorithm ES256"));
    assert!(refused(json!([with(key(), &json!({"crv": "P-384"}))])).contains("no key fits"));
    assert!(refused(json!([with(key(), &json!({"use": "enc"}))])).contains("no key fits"));
    assert!(refused(json!([with(key(), &json!({"alg": "ES384"}))])).contains("no key fits"));
    assert!(refused(json!([with(key(), &json!({"x": "AA"}))])).contains("no key fits"));
    assert!(refused(json!([with(key(), &json!({"d": "AA"}))])).contains("a secret key"));
    assert!(refused(json!([{"kty": "oct", "k": "AA"}])).contains("a secret key"));
    assert!(refused(json!([{"kty": "EC"}])).contains("no key fits"));
    assert!(refused(json!([{"kty": "EC", "kid": 7}])).contains("jwks.json"));
    assert!(refused(json!([7])).contains("not a JWKS"));
    assert!(refused(json!([key(), key()])).contains("another key has the same kid"));
    let keys = |count: usize| (0..count).map(|n| signer.jwk(&n.to_string())).collect::<Value>();
    assert!(issuer(algorithm, &keys(crate::limits::JWKS_KEYS_MAX)).is_ok());
    assert!(refused(keys(crate::limits::JWKS_KEYS_MAX + 1)).contains("at most 64"));
    let broken = Issuer::new(pin(algorithm), b"{\"keys\": [secret").unwrap_err().to_string();
    assert!(broken.starts_with("jwks.json: not a JWKS at line 1"), "{broken}");
    assert!(!broken.contains("secret"), "{broken}");
    let short = json!([{"kty": "RSA", "kid": "r", "n": base64([0xff; 255]), "e": "AQAB"}]);
    assert!(issuer(SignatureAlgorithm::Rs256, &short).is_err(), "less than 2,048 bits");
}

mod random {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_token_makes_it_panic(
            text in "\\PC{0,80}",
            parts in proptest::collection::vec(any::<Vec<u8>>(), 3),
            cut in any::<prop::sample::Index>(),
        ) {
            let signer = Signer::new();
            let keys = json!([signer.jwk("k")]);
            let issuers = [issuer(SignatureAlgorithm::Es256, &keys).unwrap()];
            let dotted = parts.iter().map(base64).collect::<Vec<_>>().join(".");
            for token in [&text, &dotted, &format!("{text}.{text}.{text}")] {
                prop_assert!(at(token, &issuers, NOW).is_err());
            }
            let token = signer.sign(&header(), &claims());
            let cut = cut.index(token.len());
            prop_assert!(at(&token[..cut], &issuers, NOW).is_err());
        }
    }
}
