#![allow(clippy::unwrap_used)]

use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::*;
use crate::{
    domain::{
        access::{Reach, Role, Unseen},
        catalogue::Catalogues,
    },
    limits::{CREDENTIAL_NAME_BYTES_MAX, PRINCIPAL_RIGHTS_MAX, PRINCIPALS_MAX},
};

const DIGEST: &str = "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3a94a8fe5ccb19ba61c4c0873";

fn documents(texts: &[&str]) -> Vec<Document> {
    let named = |(place, text): (usize, &&str)| Document {
        path: Path::new(&format!("{place}.toml")).to_path_buf(),
        text: (*text).to_owned(),
    };
    texts.iter().enumerate().map(named).collect()
}

fn read(texts: &[&str]) -> Result<Statement, PolicyError> {
    read_statement(&documents(texts), Some(&Catalogues::built_in()))
}

fn refused(texts: &[&str]) -> String {
    read(texts).map(|_| texts.join("\n")).unwrap_err().to_string()
}

fn warned(texts: &[&str]) -> String {
    let statement = read(texts).unwrap();
    statement.warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// A recorder with further lines.
fn recorder(id: &str, lines: &str) -> String {
    format!(
        "[[principal]]\nid = \"{id}\"\nauthority = \"440000\"\nroles = [\"recorder\"]\n{lines}\n"
    )
}

#[test]
fn a_policy_states_principals_rights_and_what_needs_two() {
    let text = format!(
        r#"
        [[principal]]
        id = "guangdong.recorder"
        authority = "440000"
        roles = ["recorder", "signer"]
        certificate = "spiffe://gd.example/tidu/recorder"
        key_sha256 = "{DIGEST}"
        token_sha256 = "{DIGEST}"
        token_expires = 2027-01-01T00:00:00Z
        jwt = "recorder"
        unseen = "hidden"
        [[principal.right]]
        action = "record"
        authorities = ["440000"]
        region = "440300"
        programmes = ["little-giant"]
        kinds = ["designated", "revoked"]
        [[jwt_issuer]]
        issuer = "https://id.example"
        audience = "tidu"
        algorithm = "ES256"
        jwks = "jwks.json"
        [[four_eyes]]
        authorities = ["440000"]
        programmes = []
        kinds = ["revoked"]
        "#
    );
    let statement = read(&[&text]).unwrap();
    assert_eq!(statement.warnings, []);
    let [entry] = &statement.entries[..] else { panic!("{statement:?}") };
    assert_eq!(entry.id.as_str().to_owned(), "guangdong.recorder");
    let Credentials { certificate, key, token, subject } = &entry.credentials;
    assert_eq!(certificate.as_deref(), Some("spiffe://gd.example/tidu/recorder"));
    assert_eq!(key.unwrap()[0], 0xa9);
    assert_eq!(token.unwrap().expires_micros, Some(1_798_761_600_000_000));
    let subject = subject.as_ref().unwrap();
    assert_eq!(subject.issuer.as_deref(), Some("https://id.example"));
    let rights = &entry.rights;
    assert_eq!(rights.unseen, Unseen::Hidden);
    assert!(rights.has(Role::Recorder) && rights.has(Role::Signer) && !rights.has(Role::Reader));
    let [record] = &rights.record[..] else { panic!("{rights:?}") };
    assert_eq!(record.region.unwrap().to_string(), "440300");
    assert!(!record.programmes.is_empty() && !record.kinds.is_empty());
    assert_eq!(rights.approve.len(), 1, "the usual one");
    assert_eq!(rights.read.len(), 2, "the usual ones");
    assert_eq!(statement.four_eyes.len(), 1);
    assert_eq!(statement.issuers[0].jwks, Path::new("jwks.json"));
}

#[test]
fn a_right_to_record_is_one_of_the_own_authority() {
    let stated = "[[principal.right]]\naction = \"record\"\nkinds = [\"revoked\"]";
    let statement = read(&[&recorder("a", stated)]).unwrap();
    let [reach] = &statement.entries[0].rights.record[..] else { panic!("{statement:?}") };
    let own = crate::domain::AuthorityCode::parse("440000").unwrap();
    assert!(reach.authorities.contains(own));
    assert_ne!(*reach, Reach::everything());
}

/// Texts with a fault, and parts of its description.
type Faults = Vec<(String, Vec<&'static str>)>;

fn plain(lines: &str) -> String {
    format!("[[principal]]\nid = \"a\"\n{lines}")
}

fn faults_of_principals() -> Faults {
    vec![
        ("principal = 1".to_owned(), vec!["0.toml:1", "invalid type"]),
        ("\n[[principal]".to_owned(), vec!["0.toml:2"]),
        (String::new(), vec!["0.toml", "nobody could call"]),
        (plain("owner = 1"), vec!["0.toml:3", "unknown field `owner`"]),
        (recorder("A", ""), vec!["0.toml:2", "id \"A\"", "a-z0-9"]),
        (recorder("server", ""), vec!["\"server\""]),
        (recorder("unix:7", ""), vec!["unix:"]),
        (recorder(&"a".repeat(65), ""), vec!["1 to 64"]),
        (plain("roles = []"), vec!["a: roles", "at least one role"]),
        (plain("roles = [\"owner\"]"), vec!["0.toml:3", "roles[0] \"owner\"", "not a role"]),
        (plain("roles = [\"gateway\", \"reader\"]"), vec!["a gateway hands calls on"]),
        (plain("roles = [\"auditor\", \"operator\"]"), vec!["an auditor watches"]),
        (plain("roles = [\"recorder\"]"), vec!["a: authority", "acts for one authority"]),
        (
            recorder("a", "").replace("440000", "999999"),
            vec!["0.toml:3", "a: authority \"999999\""],
        ),
        (recorder("a", "unseen = \"never\""), vec!["unseen \"never\"", "withheld nor hidden"]),
        (recorder("a", "managed_by = \"b\""), vec!["managed_by", "only the server"]),
    ]
}

fn faults_of_credentials() -> Faults {
    let long = "u".repeat(CREDENTIAL_NAME_BYTES_MAX);
    let of_nothing = crate::domain::text::hex(&Sha256::digest(b""));
    vec![
        (recorder("a", "certificate = \"name\""), vec!["certificate \"name\"", "not a URI"]),
        (recorder("a", &format!("certificate = \"{long}:{long}\"")), vec!["at most 512 bytes"]),
        (recorder("a", "key_sha256 = \"ab\""), vec!["key_sha256", "2 characters found"]),
        (
            recorder("a", &format!("token_sha256 = \"{}\"", "+1".repeat(32))),
            vec!["token_sha256", "64 characters found"],
        ),
        (recorder("a", &format!("token_sha256 = \"{of_nothing}\"")), vec!["an empty text"]),
        (
            recorder("a", &format!("token_sha256 = \"{DIGEST}\"\ntoken_expires = 2027-01-01")),
            vec!["token_expires \"2027-01-01\"", "with its offset"],
        ),
        (recorder("a", "token_expires = 2027-01-01T00:00:00Z"), vec!["no token_sha256"]),
        (recorder("a", "jwt = \"x\""), vec!["pins no issuer"]),
        (recorder("a", "jwt = \"\""), vec!["jwt \"\"", "printable ASCII"]),
        (recorder("a", "jwt_issuer = \"x\""), vec!["there is no jwt"]),
    ]
}

fn faults_of_rights() -> Faults {
    let right = |lines: &str| recorder("a", &format!("[[principal.right]]\n{lines}"));
    let many = "[[principal.right]]\naction = \"read\"\n".repeat(PRINCIPAL_RIGHTS_MAX + 1);
    vec![
        (right("action = \"write\""), vec!["right[0].action \"write\"", "record, approve or read"]),
        (right("action = \"approve\""), vec!["only a signer"]),
        (right("action = \"record\"\nauthorities = [\"330000\"]"), vec!["its own authority alone"]),
        (right("action = \"read\"\nauthorities = []"), vec!["right[0].authorities", "empty list"]),
        (right("action = \"read\"\nkinds = [\"x\"]"), vec!["right[0].kinds[0] \"x\""]),
        (right("action = \"read\"\nprogrammes = [\"x\"]"), vec!["0.toml:7", "programmes[0] \"x\""]),
        (right("action = \"read\"\nregion = \"990000\""), vec!["right[0].region \"990000\""]),
        (right("action = \"read\"\nowner = true"), vec!["unknown field `owner`"]),
        (recorder("a", &many), vec!["65 rights; at most 64"]),
        (
            plain("roles = [\"auditor\"]\n[[principal.right]]\naction = \"read\""),
            vec!["take no right to read"],
        ),
        (
            plain(&format!("roles = [\"gateway\"]\ntoken_sha256 = \"{DIGEST}\"")),
            vec!["a gateway proves itself by its certificate"],
        ),
    ]
}

#[test]
fn each_fault_is_told_with_its_place_its_value_and_its_rule() {
    let all = [faults_of_principals(), faults_of_credentials(), faults_of_rights()];
    for (text, parts) in all.into_iter().flatten() {
        let said = refused(&[&text]);
        for part in parts {
            assert!(said.contains(part), "{text}\n{said}\nlacks {part}");
        }
        assert!(!said.contains("+1+1"), "a secret may be there: {said}");
    }
}

#[test]
fn nothing_is_stated_twice_over_all_files() {
    let token = |id: &str| recorder(id, &format!("token_sha256 = \"{DIGEST}\""));
    let uri = |id: &str| recorder(id, "certificate = \"spiffe://gd.example/a\"");
    let said = refused(&[&recorder("a", ""), &recorder("a", "")]);
    assert!(said.contains("1.toml:1: a: id: stated twice, first at 0.toml:1"), "{said}");
    let said = refused(&[&token("a"), &token("b")]);
    assert!(said.contains("1.toml:1: b: token_sha256: a has the same one"), "{said}");
    let said = refused(&[&uri("a"), &uri("b")]);
    assert!(said.contains("certificate: a has the same one"), "{said}");
    let issuer =
        "[[jwt_issuer]]\nissuer = \"i\"\naudience = \"t\"\nalgorithm = \"ES256\"\njwks = \"k\"\n";
    let said = refused(&[&recorder("a", ""), issuer, issuer]);
    assert!(said.contains("2.toml:1: jwt_issuer.issuer \"i\": stated twice"), "{said}");
    let other = issuer.replace("\"i\"", "\"j\"");
    let said = refused(&[&recorder("a", "jwt = \"x\""), issuer, &other]);
    assert!(said.contains("several issuers"), "{said}");
    let said = refused(&[&recorder("a", "jwt = \"x\"\njwt_issuer = \"k\""), issuer]);
    assert!(said.contains("no jwt_issuer of the policy"), "{said}");
    for odd in ["HS256", "none", "es256", "RS512"] {
        let said = refused(&[&recorder("a", ""), &issuer.replace("ES256", odd)]);
        assert!(said.contains(&format!("algorithm \"{odd}\"")), "{said}");
    }
}

#[test]
fn the_namespace_of_a_delegate_is_its_own() {
    let delegate = recorder("gd", "").replace("recorder", "delegate");
    let said = refused(&[&delegate, &recorder("gd/a", "")]);
    assert!(said.contains("gd/a: id: the delegate gd alone"), "{said}");
    assert!(read(&[&delegate, &recorder("gd.a", "")]).is_ok());
}

#[test]
fn a_part_that_changes_nothing_warns() {
    let token = format!("token_sha256 = \"{DIGEST}\"\n");
    let with = |lines: &str| warned(&[&recorder("a", &format!("{token}{lines}"))]);
    assert_eq!(with(""), "");
    assert!(warned(&[&recorder("a", "")]).contains("no credential"));
    let wide = "[[principal.right]]\naction = \"read\"\n";
    let narrow = "[[principal.right]]\naction = \"read\"\nregion = \"440300\"\n";
    assert!(with(&format!("{wide}{narrow}")).contains("right[1]: changes nothing"));
    assert!(with(&format!("{narrow}{wide}")).contains("a right above it changes nothing"));
    assert!(with(&format!("{wide}own = true")).contains("as an auditor does"));
    let own = "[[principal.right]]\naction = \"record\"\nown = true\n";
    assert!(with(own).contains("it is about reading"));
    let both = recorder("a", &token).replace("[\"recorder\"]", "[\"recorder\", \"reader\"]");
    assert!(warned(&[&both]).contains("roles \"reader\": changes nothing"));
    assert!(with("[[four_eyes]]\nkinds = [\"revoked\"]").contains("nobody may approve"));
    let issuer =
        "[[jwt_issuer]]\nissuer = \"i\"\naudience = \"t\"\nalgorithm = \"ES256\"\njwks = \"k\"\n";
    assert!(with(issuer).contains("no principal has such a jwt"));
}

#[test]
fn as_many_principals_as_there_may_be_and_no_more() {
    let of = |count: usize| (0..count).map(|n| recorder(&n.to_string(), "")).collect::<String>();
    let all = of(PRINCIPALS_MAX);
    assert_eq!(read(&[&all]).unwrap().entries.len(), PRINCIPALS_MAX);
    let said = refused(&[&all, &recorder("more", "")]);
    assert!(said.contains("16385 principals in all; at most 16384"), "{said}");
}

#[test]
fn the_shape_leads_back_to_itself() {
    let right =
        "[[principal.right]]\naction = \"read\"\nregion = \"440300\"\nkinds = [\"revoked\"]";
    let lines =
        format!("token_sha256 = \"{DIGEST}\"\ntoken_expires = 2027-01-01T00:00:00Z\n{right}");
    let text = recorder("gd/a", &lines);
    let stated: PolicyText = toml::from_str(&text).unwrap();
    let again = toml::to_string(&stated).unwrap();
    assert_eq!(read(&[&again]).unwrap().entries, read(&[&text]).unwrap().entries, "{again}");
}

mod random {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,200}", value in any::<String>()) {
            let _ = read(&[&text]);
            for key in ["id", "authority", "certificate", "key_sha256", "token_sha256", "jwt"] {
                let value = toml::Value::String(value.clone());
                let _ = read(&[&format!("[[principal]]\n{key} = {value}\nroles = [\"reader\"]")]);
            }
        }
    }
}
