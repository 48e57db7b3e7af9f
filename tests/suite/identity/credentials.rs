//! Certificates, tokens and JSON Web Tokens; each way in which they fail.

use std::{
    fs,
    sync::{Arc, atomic::Ordering::SeqCst},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;
use ring::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use serde_json::json;
use tidu::{
    access::{AccessControl, AccessSettings, Presented},
    domain::text::hex,
    limits::{TOKEN_BYTES_MAX, TOKEN_BYTES_MIN},
    protocol::pb,
};
use tonic::Code;

use super::{Filed, NOW, Road, id_of, recorder, refused, stated, who};
use crate::support::{directory, principals::token_of, reason};

const URI: &str = "spiffe://gd.example/tidu/recorder";

fn certified() -> String {
    format!(
        "{}certificate = \"{URI}\"\nkey_sha256 = \"{}\"\n{}",
        recorder("gd.recorder"),
        hex(&[7; 32]),
        recorder("gd.other"),
    )
}

#[tokio::test]
async fn a_certificate_proves_its_principal_by_one_uri_or_by_its_key() {
    let filed = Filed::new(&certified());
    for (road, expected) in [
        (Road::certified(&[URI], 1), Ok("gd.recorder")),
        (Road::certified(&[], 7), Ok("gd.recorder")),
        (Road::certified(&[URI, "spiffe://gd.example/b"], 7), Ok("gd.recorder")),
        (Road::certified(&["spiffe://gd.example/b"], 7), Ok("gd.recorder")),
        (Road::certified(&[URI, "spiffe://gd.example/b"], 1), Err("CREDENTIAL_INVALID")),
        (Road::certified(&[], 1), Err("CREDENTIAL_INVALID")),
        (Road::certified(&["spiffe://gd.example/b"], 1), Err("CREDENTIAL_INVALID")),
        (Road::certified_until(&[URI], 1, NOW), Err("CREDENTIAL_EXPIRED")),
        (Road::tls(), Err("CREDENTIAL_MISSING")),
        (Road::default(), Err("CREDENTIAL_MISSING")),
    ] {
        let answer = who(filed.over(road.clone(), &[])).await;
        let found = match &answer {
            Ok(who) => Ok(who.principal.as_ref().unwrap().id.as_str()),
            Err(status) => Err(reason(status)),
        };
        assert_eq!(found, expected.map_err(str::to_owned), "{:?}", road.channel);
        if let Ok(who) = answer {
            assert_eq!(who.credential(), pb::CredentialKind::Certificate);
            assert_eq!(who.credential_expire_time.unwrap().seconds, NOW + 3_600);
        }
    }
    // The same connection is asked again, after its certificate has ended.
    let road = Road::certified(&[URI], 1);
    assert_eq!(id_of(filed.over(road.clone(), &[])).await, "gd.recorder");
    filed.now.store(NOW + 3_600, SeqCst);
    assert_eq!(reason(&refused(filed.over(road, &[])).await), "CREDENTIAL_EXPIRED");
}

#[tokio::test]
async fn a_token_proves_its_principal_until_it_ends() {
    let filed =
        Filed::new(&format!("{}token_expires = 2027-01-15T08:00:01Z\n", recorder("gd.recorder")));
    let token = token_of("gd.recorder");
    assert_eq!(id_of(filed.with_token(&token)).await, "gd.recorder");
    let long = "t".repeat(TOKEN_BYTES_MAX + 1);
    for odd in ["", "short", &token[..token.len() - 1], &"t".repeat(TOKEN_BYTES_MIN), &long] {
        assert_eq!(reason(&refused(filed.with_token(odd)).await), "CREDENTIAL_INVALID", "{odd}");
    }
    let bearer = format!("Bearer {token}");
    for odd in [token.as_str(), "Basic YTpi", "Bearer", "Bearer  "] {
        let caller = filed.over(Road::default(), &[("authorization", odd)]);
        assert_eq!(reason(&refused(caller).await), "CREDENTIAL_INVALID", "{odd}");
    }
    let twice = [("authorization", bearer.as_str()), ("authorization", bearer.as_str())];
    assert_eq!(reason(&refused(filed.over(Road::default(), &twice)).await), "CREDENTIAL_INVALID");
    let lower = [("authorization", &*format!("bearer {token}"))];
    assert_eq!(id_of(filed.over(Road::default(), &lower)).await, "gd.recorder");
    filed.now.store(NOW + 1, SeqCst);
    let status = refused(filed.with_token(&token)).await;
    assert_eq!((status.code(), &*reason(&status)), (Code::Unauthenticated, "CREDENTIAL_EXPIRED"));
    assert!(!status.message().contains("gd."), "{}", status.message());
}

#[tokio::test]
async fn a_token_does_not_travel_in_the_open() {
    let filed = Filed::new(&recorder("gd.recorder"));
    let bearer = format!("Bearer {}", token_of("gd.recorder"));
    let shown = [("authorization", bearer.as_str())];
    for peer in ["198.51.100.7:1", "[2001:db8::1]:1", "[::ffff:198.51.100.7]:1"] {
        let status = refused(filed.over(Road::plain_from(peer), &shown)).await;
        assert_eq!(reason(&status), "CREDENTIAL_INVALID", "{peer}");
    }
    for peer in ["127.0.0.1:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
        assert_eq!(id_of(filed.over(Road::plain_from(peer), &shown)).await, "gd.recorder");
    }
    assert_eq!(id_of(filed.over(Road::tls(), &shown)).await, "gd.recorder");
}

#[tokio::test]
async fn two_credentials_prove_one_principal_or_nobody() {
    let filed = Filed::new(&certified());
    let with = |id: &str| [("authorization", format!("Bearer {}", token_of(id)))];
    let tried = async |road: Road, id: &str| {
        let [(name, value)] = with(id);
        who(filed.over(road, &[(name, &value)])).await.map_err(|status| reason(&status))
    };
    assert!(tried(Road::certified(&[URI], 1), "gd.recorder").await.is_ok());
    for (road, id) in [
        (Road::certified(&[URI], 1), "gd.other"),
        (Road::certified(&[URI], 1), "gd.nobody"),
        (Road::certified(&["spiffe://gd.example/b"], 1), "gd.other"),
    ] {
        assert_eq!(tried(road, id).await.unwrap_err(), "CREDENTIAL_INVALID", "{id}");
    }
}

/// A key of an issuer, its file and its tokens.
struct Issuer(Ed25519KeyPair);

impl Issuer {
    fn new() -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self(Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap())
    }

    fn keys(&self) -> String {
        let x = URL_SAFE_NO_PAD.encode(self.0.public_key());
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": x}]}).to_string()
    }

    fn token(&self, subject: &str, audience: &str, end: i64) -> String {
        let header = json!({"alg": "EdDSA", "kid": "k"}).to_string();
        let claims = json!({
            "iss": "https://id.example", "sub": subject, "aud": audience, "exp": end,
        });
        let parts = [header, claims.to_string()].map(|part| URL_SAFE_NO_PAD.encode(part));
        let message = parts.join(".");
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(self.0.sign(message.as_bytes())))
    }
}

#[tokio::test]
async fn a_jwt_proves_its_principal_by_the_keys_of_its_issuer() {
    let (dir, issuer) = (directory(), Issuer::new());
    let pinned = "[[jwt_issuer]]\nissuer = \"https://id.example\"\naudience = \"tidu\"\n\
                  algorithm = \"EdDSA\"\njwks = \"jwks.json\"\n";
    let text = format!("{}jwt = \"recorder-7\"\n{pinned}", recorder("gd.recorder"));
    fs::write(dir.path().join("principals.toml"), text).unwrap();
    fs::write(dir.path().join("jwks.json"), issuer.keys()).unwrap();
    let filed = Filed::at(dir);
    let good = issuer.token("recorder-7", "tidu", NOW + 60);
    let known = who(filed.with_token(&good)).await.unwrap();
    assert_eq!(known.credential(), pb::CredentialKind::Jwt);
    assert_eq!(known.credential_expire_time.unwrap().seconds, NOW + 60);
    for (token, expected) in [
        (issuer.token("recorder-8", "tidu", NOW + 60), "CREDENTIAL_INVALID"),
        (issuer.token("recorder-7", "other", NOW + 60), "CREDENTIAL_INVALID"),
        (issuer.token("recorder-7", "tidu", NOW), "CREDENTIAL_EXPIRED"),
        (issuer.token("recorder-7", "tidu", NOW + 7_200), "CREDENTIAL_INVALID"),
        (Issuer::new().token("recorder-7", "tidu", NOW + 60), "CREDENTIAL_INVALID"),
        ("a.b.c".to_owned(), "CREDENTIAL_INVALID"),
        ("..".to_owned(), "CREDENTIAL_INVALID"),
    ] {
        assert_eq!(reason(&refused(filed.with_token(&token)).await), expected, "{token}");
    }
    // Another key takes the place of the first one: no right has changed.
    let (next, before) = (Issuer::new(), filed.access.policy().generation);
    fs::write(filed.dir.path().join("jwks.json"), next.keys()).unwrap();
    filed.access.look(true).unwrap();
    assert_eq!(reason(&refused(filed.with_token(&good)).await), "CREDENTIAL_INVALID");
    let token = next.token("recorder-7", "tidu", NOW + 60);
    assert_eq!(id_of(filed.with_token(&token)).await, "gd.recorder");
    assert_eq!(filed.access.policy().generation, before);
}

#[tokio::test]
async fn only_health_answers_a_stranger() {
    use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
    let filed = Filed::new(&recorder("gd.recorder"));
    let mut health = HealthClient::new(filed.over(Road::default(), &[]).api);
    health.check(HealthCheckRequest::default()).await.unwrap();
    let mut stranger = filed.over(Road::default(), &[]);
    let status = stranger.admin.get_status(pb::GetStatusRequest {}).await.unwrap_err();
    assert_eq!(reason(&status), "CREDENTIAL_MISSING");
    let reader = Filed::new(&stated("gd.reader", "440000", "\"reader\""));
    let mut caller = reader.as_principal("gd.reader");
    let answer = caller.admin.get_status(pb::GetStatusRequest {}).await.unwrap();
    let answer = answer.into_inner();
    assert_eq!(answer.principal_count, Some(1));
    assert_eq!(answer.policy_problem, "");
}

/// Bytes of a header, as far as HTTP allows them.
fn header_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![32_u8..127, 128_u8..=255], 0..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_certificate_and_no_header_makes_the_server_panic(
        uris in prop::collection::vec("\\PC{0,40}", 0..4),
        key in any::<u8>(),
        end in any::<i32>(),
        authorization in header_bytes(),
        named in header_bytes(),
    ) {
        let filed = access_of(&certified());
        let uris: Vec<_> = uris.iter().map(String::as_str).collect();
        let road = Road::certified_until(&uris, key, end.into());
        let (token, named) = (String::from_utf8(authorization), String::from_utf8(named));
        for token in [None, Some(token.as_deref().ok())] {
            for on_behalf_of in [None, Some(named.as_deref().ok())] {
                let presented = Presented {
                    channel: road.channel.as_deref(),
                    is_remote: key % 2 == 0,
                    token,
                    on_behalf_of,
                };
                // Key 7 is that of a principal; nothing else here is.
                prop_assert!(filed.identify(presented).is_err() || key == 7);
            }
        }
    }
}

/// The principals of a file alone, without a service.
fn access_of(text: &str) -> Arc<AccessControl> {
    let dir = directory();
    fs::write(dir.path().join("principals.toml"), text).unwrap();
    let settings = AccessSettings {
        policy: dir.path().join("principals.toml"),
        data_dir: dir.path().to_path_buf(),
        now: Arc::new(|| NOW * 1_000_000),
    };
    AccessControl::load(settings).unwrap()
}
