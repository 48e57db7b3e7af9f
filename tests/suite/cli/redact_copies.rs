//! Redaction of copies: the file that holds the bytes is rewritten, or the command refuses.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    process::{Command, Output, Stdio},
};

use tidu::protocol::pb::{self, event::Fact};

use crate::support::{Fresh, TIDU, event, list, refused, text, unpacked};

fn tidu(server: &str, args: &[&str]) -> Output {
    let mut command = Command::new(TIDU);
    command.args(args).env("TIDU_SERVER", server).stdin(Stdio::null()).output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_behind_a_link_is_rewritten_and_a_reason_is_one_line() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let events = list(1, 2);
    let secret = events[0].designee.clone();
    client.record(events).await.unwrap();
    let fact = pb::Annulled { position: Some(0), reason: "listed by mistake".to_owned() };
    client.record(vec![event("100000", "", "2026-06-01", Fact::Annulled(fact))]).await.unwrap();
    let of = |name: &str| fresh.dir.path().join(name);
    let (file, link) = (of("file"), of("link"));
    let export = ["export", "--format", "raw", text(&file)];
    assert!(tidu(&fresh.server.address, &export).status.success());
    symlink(&file, &link).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let data = fresh.data();
    assert_eq!(fresh.server.terminate(), Some(0));
    let redact = |reason: &str, copy: &Path| {
        let args = ["redact", "0", "--reason", reason, "--data-dir", text(&data)];
        tidu("", &[&args[..], &["--archive", text(copy), "--yes"]].concat())
    };

    refused(&redact("two\nlines", &link), &["without control characters"]);
    let holds = |path: &Path| {
        let bytes = unpacked(fs::read(path).unwrap());
        bytes.windows(secret.len()).any(|part| part == secret.as_bytes())
    };
    assert!(holds(&file), "nothing was changed");
    let output = redact("listed by mistake", &link);
    assert!(output.status.success(), "{output:?}");
    assert!(!holds(&file) && link.is_symlink(), "the file itself is rewritten");
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "nobody else may read it now");
    assert!(tidu("", &["verify", text(&link)]).status.success());
}
