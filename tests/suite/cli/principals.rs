//! `tidu principals`: the files without a server, and what a delegate does over the API.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
    time::Instant,
};

use sha2::{Digest as _, Sha256};
use tidu::domain::text::hex;

use crate::support::{
    PATIENCE, Server, TIDU, directory, done, mtls::private, principals::token_of, refused, text,
};

fn run(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(TIDU);
    command.args(args).current_dir(dir).env("XDG_CONFIG_HOME", dir);
    for name in ["TIDU_SERVER", "TIDU_CONTEXT", "TIDU_TOKEN_FILE"] {
        command.env_remove(name);
    }
    command.output().unwrap()
}

fn stated(id: &str, role: &str) -> String {
    let sha256 = hex(&Sha256::digest(token_of(id)));
    format!(
        "[[principal]]\nid = \"{id}\"\nauthority = \"440000\"\nroles = [\"{role}\"]\n\
         token_sha256 = \"{sha256}\"\n"
    )
}

#[test]
fn files_are_checked_without_a_server() {
    let dir = directory();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    let narrow = "[[principal.right]]\naction = \"read\"\nregion = \"440300\"\n";
    let uri = "certificate = \"spiffe://gd.example/recorder\"\n";
    write("p.toml", &format!("{}{uri}{narrow}{narrow}", stated("gd.recorder", "recorder")));
    let checked = run(dir.path(), &["principals", "check", "p.toml"]);
    let said = done(&checked);
    for part in
        ["gd.recorder", "440000", "recorder", "token", "spiffe://", "1 principal, 1 warning"]
    {
        assert!(said.contains(part), "{part} is not in\n{said}");
    }
    let warned = String::from_utf8(checked.stderr).unwrap();
    assert!(warned.contains("warning: p.toml:"), "{warned}");
    assert!(warned.contains("right[1]: changes nothing"), "{warned}");
    let json = done(&run(dir.path(), &["principals", "check", "p.toml", "-o", "json"]));
    let entry: serde_json::Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!(entry["id"], "gd.recorder");
    assert_eq!(entry["rights"][1]["region"], "440300");

    write("p.toml", "[[principal]]\nid = \"GD\"\nroles = [\"owner\"]\n");
    let broken = run(dir.path(), &["principals", "check", "p.toml"]);
    refused(&broken, &["p.toml:2: id \"GD\"", "p.toml:3", "\"owner\""]);
    refused(
        &run(dir.path(), &["principals", "check", "none.toml"]),
        &["none.toml", "cannot be read"],
    );
}

#[test]
fn a_server_refuses_to_start_with_a_broken_file() {
    let dir = directory();
    fs::write(dir.path().join("p.toml"), "[[principal]]\nid = \"GD\"\nroles = []\n").unwrap();
    let serve =
        ["serve", "--listen", "127.0.0.1:0", "--operations-listen", "off", "--data-dir", "d"];
    let args = [&serve[..], &["--principals", "p.toml"]].concat();
    refused(&run(dir.path(), &args), &["principals: p.toml:2: id \"GD\""]);
    assert!(!dir.path().join("d").exists(), "nothing was made");
}

#[test]
fn a_delegate_manages_its_principals_over_the_api() {
    let dir = directory();
    let path = |name: &str| dir.path().join(name);
    fs::write(path("p.toml"), stated("gd.delegate", "delegate")).unwrap();
    let managed = "gd.delegate/recorder";
    for (file, id) in [("delegate.token", "gd.delegate"), ("recorder.token", managed)] {
        private(&path(file), &token_of(id));
    }
    fs::write(path("recorder.toml"), stated(managed, "recorder")).unwrap();
    let server = Server::start_with(&path("data"), &["--principals", text(&path("p.toml"))]);
    let as_caller = |token: &str, args: &[&str]| {
        let shown = ["--server", server.address.as_str(), "--token-file", token];
        run(dir.path(), &[args, &shown].concat())
    };
    refused(&run(dir.path(), &["whoami", "--server", &server.address]), &["knows its callers"]);
    let put = done(&as_caller("delegate.token", &["principals", "put", "recorder.toml"]));
    assert!(put.starts_with("gd.delegate/recorder is known, policy generation"), "{put}");
    let said = done(&as_caller("recorder.token", &["whoami"]));
    assert!(said.contains(managed) && said.contains("managed by   gd.delegate"), "{said}");
    let listed = done(&as_caller("delegate.token", &["principals", "list"]));
    assert!(listed.contains(managed) && listed.contains("1 principal"), "{listed}");
    assert!(!listed.contains(&token_of(managed)), "{listed}");
    let beyond = as_caller("recorder.token", &["principals", "put", "recorder.toml"]);
    refused(&beyond, &["none of its roles reaches"]);
    done(&as_caller("delegate.token", &["principals", "delete", managed]));
    let again = as_caller("delegate.token", &["principals", "delete", managed]);
    refused(&again, &[managed, "manages no principal"]);
    refused(&as_caller("recorder.token", &["whoami"]), &["not accepted"]);
}

#[test]
fn a_running_server_takes_another_file_at_a_hangup() {
    let dir = directory();
    let path = |name: &str| dir.path().join(name);
    fs::write(path("p.toml"), stated("gd.recorder", "recorder")).unwrap();
    private(&path("reader.token"), &token_of("gd.reader"));
    let server = Server::start_with(&path("data"), &["--principals", text(&path("p.toml"))]);
    let whoami = || {
        let shown = ["--server", server.address.as_str(), "--token-file", "reader.token"];
        run(dir.path(), &[&["whoami"], &shown[..]].concat())
    };
    refused(&whoami(), &["not accepted"]);
    let both = format!("{}{}", stated("gd.recorder", "recorder"), stated("gd.reader", "reader"));
    fs::write(path("p.toml"), both).unwrap();
    let pid = server.child.id().to_string();
    assert!(Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    // The signal, or two looks, whichever comes first.
    #[allow(clippy::disallowed_methods)] // the test gives up in the end
    let begun = Instant::now();
    let known = loop {
        let output = whoami();
        if output.status.success() {
            break done(&output);
        }
        assert!(begun.elapsed() < PATIENCE, "{output:?}");
    };
    assert!(known.contains("gd.reader"), "{known}");
}
