//! The trail of a real server: its file, its start and its end.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use sha2::{Digest as _, Sha256};
use tidu::protocol::pb::{self, admin_service_client::AdminServiceClient};
use tonic::{Request, Status, transport::Channel};

use crate::support::{Server, TIDU, directory, reason};

const TOKEN: &str = "c2VjcmV0LW9mLXRoZS1yZWFkZXItd2hpY2gtbm9ib2R5LWd1ZXNzZXM";

fn principals(dir: &Path) -> String {
    let hash = Sha256::digest(TOKEN);
    let digits: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let text = format!(
        "[[principal]]\nid = \"guangdong.reader\"\nauthority = \"440000\"\nroles = [\"reader\"]\n\
         token_sha256 = \"{digits}\"\ntoken_expires = 2099-01-01T00:00:00Z\n"
    );
    let path = dir.join("principals.toml");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

async fn adopt(server: &Server, token: Option<&str>) -> Status {
    let channel = Channel::from_shared(server.address.clone()).unwrap().connect().await.unwrap();
    let mut request = Request::new(pb::AdoptRulesRequest::default());
    if let Some(token) = token {
        let value = format!("Bearer {token}").parse().unwrap();
        request.metadata_mut().insert("authorization", value);
    }
    AdminServiceClient::new(channel).adopt_rules(request).await.unwrap_err()
}

#[tokio::test]
async fn a_server_with_principals_keeps_a_trail_over_restarts() {
    let dir = directory();
    let (data, principals) = (dir.path().join("data"), principals(dir.path()));
    for _ in 0..2 {
        let server = Server::start_with(&data, &["--principals", &principals]);
        assert_eq!(reason(&adopt(&server, Some(TOKEN)).await), "NOT_ENTITLED");
        assert_eq!(reason(&adopt(&server, None).await), "CREDENTIAL_MISSING");
        assert_eq!(reason(&adopt(&server, Some("another")).await), "CREDENTIAL_INVALID");
        assert_eq!(server.terminate(), Some(0));
    }
    let path = data.join("audit.jsonl");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains(TOKEN) && !text.contains("another\""), "a token is in the trail");
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let methods: Vec<_> = lines.iter().map(|line| line["method"].as_str().unwrap()).collect();
    let adopt = "tidu.v1.AdminService/AdoptRules";
    let each = ["start", adopt, adopt, adopt, "stop"];
    assert_eq!(methods, [each, each].concat());
    assert_eq!(lines[1]["principal"], "guangdong.reader");
    assert!(lines[1]["credential"].as_str().unwrap().len() > "token ".len(), "{}", lines[1]);
    assert!(!lines[3]["detail"].as_str().unwrap().is_empty(), "why: {}", lines[3]);
    // The end of each run is anchored.
    let audit = Command::new(TIDU).args(["audit", "verify", "--data-dir"]).arg(&data).output();
    let audit = audit.unwrap();
    let said = String::from_utf8(audit.stdout).unwrap();
    assert!(audit.status.success(), "{}", String::from_utf8_lossy(&audit.stderr));
    assert!(said.contains("lines 1 to 10") && said.contains("2 anchors"), "{said}");
    assert!(said.contains("behind the last of them: 0 lines"), "{said}");
    // A cut end is found by the anchor.
    let cut: String = text.lines().take(9).map(|line| format!("{line}\n")).collect();
    fs::write(&path, cut).unwrap();
    let audit = Command::new(TIDU).args(["audit", "verify", "--data-dir"]).arg(&data).output();
    let audit = audit.unwrap();
    assert_eq!(audit.status.code(), Some(1));
    let said = String::from_utf8(audit.stderr).unwrap();
    assert!(said.contains("the end is gone"), "{said}");
}

#[test]
fn an_open_server_has_no_trail() {
    let dir = directory();
    let data = dir.path().join("data");
    let server = Server::start_with(&data, &[]);
    assert_eq!(server.terminate(), Some(0));
    assert!(!data.join("audit.jsonl").exists());
    let refused = Command::new(TIDU)
        .args(["serve", "--operations-listen", "off", "--listen", "127.0.0.1:0", "--audit", "a"])
        .arg("--data-dir")
        .arg(&data)
        .output()
        .unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && said.contains("--principals FILE"), "{said}");
}
