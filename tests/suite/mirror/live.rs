//! A running mirror meets an event that is withheld, and rights that change: its copy then is the
//! one that is made anew.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tidu::{
    domain::text::hex,
    mirror::schema::{COPIED, EVENTS, STATE},
};

use super::{
    copies::{kill, mirror},
    tables::{Kept, Row},
    told::tell,
};
use crate::support::{
    A, Server, TIDU, directory, done, in_time, list, little_giant, mtls::private,
    principals::token_of, seed, text,
};

const OPERATOR: &str = "ministry.operator";
const AUDITOR: &str = "ministry.auditor";
/// The principal of the mirror.
const READER: &str = "mirror.reader";
const EVERYTHING: &str = "roles = [\"auditor\"]\n";
const GUANGDONG: &str = "authority = \"440000\"\nroles = [\"reader\"]\nunseen = \"hidden\"\n\
                         [[principal.right]]\naction = \"read\"\nauthorities = [\"440000\"]\n";

/// A server that knows its callers, over a log with events, and a copy that follows it.
struct Followed {
    server: Server,
    dir: TempDir,
    running: Option<Child>,
}

impl Followed {
    async fn start() -> Self {
        let dir = directory();
        let data = dir.path().join("data");
        // Without principals anybody records.
        let server = Server::start(&data);
        let mut client = server.client().await;
        client.record(vec![little_giant(A, "1", "2019-06-05")]).await.unwrap();
        client.record(list(1, 40)).await.unwrap();
        tell(&mut client, &mut seed::random("TIDU_MIRROR_SEED"), 40).await;
        assert_eq!(server.terminate(), Some(0));
        for name in [OPERATOR, AUDITOR, READER] {
            private(&dir.path().join(name), &token_of(name));
        }
        allow(dir.path(), EVERYTHING);
        let policy = dir.path().join("principals.toml");
        let server = Server::start_with(&data, &["--principals", text(&policy)]);
        let mut followed = Self { server, dir, running: None };
        followed.running = Some(followed.follow("live.db"));
        followed
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn command(&self, copy: &str, more: &[&str]) -> Command {
        let to = format!("sqlite:{}", self.path(copy).display());
        let mut command = mirror(&self.server.address, &to, more);
        command.args(["--token-file", text(&self.path(READER))]);
        command
    }

    fn follow(&self, copy: &str) -> Child {
        let mut command = self.command(copy, &[]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Waits until the server knows these rights of the reader.
    async fn until_it_may(&self, reader: &str) {
        let role = if reader == EVERYTHING { "auditor" } else { "reader" };
        let whoami = || {
            let mut command = Command::new(TIDU);
            command.args(["whoami", "--server", &self.server.address]);
            done(&command.args(["--token-file", text(&self.path(READER))]).output().unwrap())
        };
        while !whoami().contains(role) {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until the running copy is the one that is made anew now.
    async fn is_as_made_anew(&mut self, copy: &str) -> Vec<Row> {
        done(&self.command(copy, &["--once"]).output().unwrap());
        let anew = Kept::Sqlite(&self.path(copy)).all().await;
        let live = self.path("live.db");
        in_time("the same copy", async {
            while Kept::Sqlite(&live).all().await != anew {
                let ended = self.running.as_mut().unwrap().try_wait().unwrap();
                assert_eq!(ended, None, "it has ended");
                tokio::task::yield_now().await;
            }
        })
        .await;
        Kept::Sqlite(&live).rows(&EVENTS).await
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            kill(running);
        }
    }
}

impl Kept<'_> {
    /// The place and all rows, but for the log size at which a row was asked for.
    async fn all(&self) -> Vec<Vec<Row>> {
        let mut all = Vec::new();
        for table in [&STATE].into_iter().chain(COPIED) {
            let mut rows = self.rows(table).await;
            rows.iter_mut().for_each(|row| drop(row.remove("known_at")));
            all.push(rows);
        }
        all
    }
}

/// States the principals; the reader has these rights.
fn allow(dir: &Path, reader: &str) {
    let stated = |name: &str, rights: &str| {
        let token = hex(&Sha256::digest(token_of(name)));
        format!("[[principal]]\nid = \"{name}\"\ntoken_sha256 = \"{token}\"\n{rights}")
    };
    let operator = stated(OPERATOR, "roles = [\"operator\"]\n");
    let auditor = stated(AUDITOR, EVERYTHING);
    let reader = stated(READER, reader);
    private(&dir.join("principals.toml"), &format!("{operator}{auditor}{reader}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_withheld_leaves_a_running_copy() {
    let mut followed = Followed::start().await;
    let events = followed.is_as_made_anew("before.db").await;
    assert!(events[0]["event"].contains(A) && events[0]["withheld"] == "0", "{:?}", events[0]);
    let proposal = followed.path("order.proposal");
    for (name, flag) in [(OPERATOR, "--propose"), (AUDITOR, "--approve")] {
        let said = Command::new(TIDU)
            .args(["withhold", "0", "--reason", "a court order", flag, text(&proposal)])
            .args(["--server", &followed.server.address])
            .args(["--token-file", text(&followed.path(name))])
            .output();
        done(&said.unwrap());
    }
    let size = events.len() + 1;
    let events = followed.is_as_made_anew("after.db").await;
    let place = &events[0];
    assert_eq!((place["event"].as_str(), place["withheld"].as_str()), ("-", "1"));
    assert_eq!((place["kind"].as_str(), place["designee"].as_str()), ("", ""));
    assert_eq!(events.len(), size, "the fact that withholds it came with it");
    assert!(events.iter().skip(1).all(|event| event["withheld"] == "0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_copy_follows_the_rights_of_its_caller() {
    let mut followed = Followed::start().await;
    let all = followed.is_as_made_anew("all.db").await;
    for (round, reader) in [GUANGDONG, EVERYTHING, GUANGDONG].into_iter().enumerate() {
        allow(followed.dir.path(), reader);
        let pid = followed.server.child.id().to_string();
        assert!(Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
        in_time("the rights", followed.until_it_may(reader)).await;
        let events = followed.is_as_made_anew(&format!("round-{round}.db")).await;
        match reader {
            EVERYTHING => assert_eq!(events.len(), all.len()),
            _ => {
                assert!(!events.is_empty() && events.len() < all.len(), "{}", events.len());
                assert!(events.iter().all(|event| event["authority"] != "330000"));
            }
        }
    }
}
