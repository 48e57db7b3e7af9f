//! `tidu record --propose` and `tidu approve`: one principal proposes, another one records.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output},
};

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tidu::domain::text::hex;

use crate::support::{Server, TIDU, done, mtls::private, refused};

const RECORDER: &str = "guangdong.recorder";
const SIGNER: &str = "guangdong.signer";
const LIST: [&str; 9] = [
    "list.csv",
    "--authority",
    "440000",
    "--programme",
    "specialised-sme",
    "--batch",
    "2026-1",
    "--date",
    "2026-03-01",
];

/// The token of a principal of these tests.
fn token(name: &str) -> String {
    format!("{name}-{}", "0123456789abcdef".repeat(3))
}

/// A server whose events of Guangdong need two principals, and a token file for each of these.
fn start(dir: &Path) -> Server {
    let mut policy = "[[four_eyes]]\nauthorities = [\"440000\"]\n".to_owned();
    for (name, role) in [(RECORDER, "recorder"), (SIGNER, "signer")] {
        let hash = hex(&Sha256::digest(token(name)));
        policy.push_str(&format!(
            "[[principal]]\nid = \"{name}\"\nauthority = \"440000\"\nroles = [\"{role}\"]\n\
             token_sha256 = \"{hash}\"\ntoken_expires = 2099-01-01T00:00:00Z\n"
        ));
        private(&dir.join(format!("{name}.token")), &token(name));
    }
    let file = dir.join("principals.toml");
    private(&file, &policy);
    Server::start_with(&dir.join("data"), &["--principals", file.to_str().unwrap()])
}

#[test]
fn a_list_is_proposed_in_a_file_and_approved_by_another() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let server = start(dir);
    let tidu = |name: &str, command: &str, args: &[&str]| -> Output {
        let mut tidu = Command::new(TIDU);
        tidu.arg(command).args(args).current_dir(dir).env("XDG_CONFIG_HOME", dir);
        tidu.args(["--server", &server.address, "--token-file", &format!("{name}.token")]);
        tidu.output().unwrap()
    };
    let made = Command::new(TIDU)
        .args(["generate", "--rows", "5", "--to", "list.csv"])
        .current_dir(dir)
        .output()
        .unwrap();
    done(&made);
    refused(&tidu(RECORDER, "record", &LIST), &["APPROVAL_REQUIRED"]);
    let proposing = [LIST.as_slice(), &["--propose", "batch.json"]].concat();
    let said = done(&tidu(RECORDER, "record", &proposing));
    for expected in ["5 events proposed by guangdong.recorder", "tidu approve batch.json"] {
        assert!(said.contains(expected), "{said}");
    }
    let path = dir.join("batch.json");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("{\"kind\":\"tidu proposal 1\""), "{text}");
    assert!(!text.contains(&token(RECORDER)));
    refused(&tidu(RECORDER, "record", &proposing), &["exists, and nothing is overwritten"]);

    refused(&tidu(RECORDER, "approve", &["batch.json", "--yes"]), &["APPROVED_BY_PROPOSER"]);
    refused(&tidu(SIGNER, "approve", &["batch.json"]), &["nothing was recorded", "--yes"]);
    let said = done(&tidu(SIGNER, "approve", &["batch.json", "--yes"]));
    for expected in ["proposed by   guangdong.recorder", "5 events", "5 titles would change"] {
        assert!(said.contains(expected), "{said}");
    }
    assert!(said.contains("recorded at positions") && !said.contains("differs"), "{said}");
    let said = done(&tidu(SIGNER, "approve", &["batch.json", "--yes"]));
    assert!(said.contains("before; nothing was added"), "{said}");
    refused(&tidu(RECORDER, "record", &proposing[..9]), &["APPROVAL_REQUIRED"]);
    let again = [LIST.as_slice(), &["--propose", "again.json"]].concat();
    refused(&tidu(RECORDER, "record", &again), &["nothing was proposed", "recorded before"]);
    let events = [LIST.as_slice(), &["--propose", "two.json", "--commit-size", "2"]].concat();
    assert!(!tidu(RECORDER, "record", &events).status.success());
}
