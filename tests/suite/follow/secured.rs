//! Nodes that follow through TLS, among principals: who may follow, and who judges what is handed
//! on.

use std::path::PathBuf;

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tidu::{
    domain::text::hex,
    protocol::pb::{self, NodeRole},
};
use tonic::Code;

use super::once_at;
use crate::support::{
    Client, Server, directory, list,
    mtls::{self, Ca, private},
    principals::token_of,
    reason,
};

const PRINCIPALS: [&str; 6] =
    ["gd.recorder", "gd.former", "gd.reader", "hq.node", "hq.auditor", "hq.operator"];

/// A principal with a certificate and a token, in the form of a file.
fn principal(id: &str, rest: &str) -> String {
    let (uri, sha256) = (uri(id), hex(&Sha256::digest(token_of(id))));
    format!(
        "[[principal]]\nid = \"{id}\"\n{rest}certificate = \"{uri}\"\ntoken_sha256 = \"{sha256}\"\n"
    )
}

fn uri(id: &str) -> String {
    format!("spiffe://gd.example/{id}")
}

/// The principals; `former` are the roles of one that they may differ in.
fn policy(former: &str) -> String {
    [
        principal("gd.recorder", "authority = \"440000\"\nroles = [\"recorder\"]\n"),
        principal("gd.former", &format!("authority = \"440000\"\nroles = [\"{former}\"]\n")),
        principal("gd.reader", "authority = \"440000\"\nroles = [\"reader\"]\n"),
        principal("hq.node", "roles = [\"node\"]\n"),
        principal("hq.auditor", "roles = [\"auditor\"]\n"),
        principal("hq.operator", "roles = [\"operator\"]\n"),
    ]
    .concat()
}

/// The machines of one authority of certificates.
struct Realm {
    ca: Ca,
    dir: TempDir,
}

impl Realm {
    fn new() -> Self {
        let (ca, dir) = (Ca::new(), directory());
        private(&dir.path().join("ca.pem"), &ca.pem());
        for id in PRINCIPALS {
            ca.caller(&uri(id)).write(dir.path(), id);
            private(&dir.path().join(format!("{id}.token")), &token_of(id));
        }
        Self { ca, dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A server with a directory of its own.
    fn serve(&self, name: &str, policy: &str, more: &[&str]) -> Server {
        let dir = self.path(name);
        std::fs::create_dir_all(&dir).unwrap();
        let args = mtls::arguments(&self.ca, &dir, policy);
        let args: Vec<_> = args.iter().map(String::as_str).chain(more.iter().copied()).collect();
        Server::start_with(&dir.join("data"), &args)
    }

    /// One that follows with the certificate of a principal, with its token, or with both.
    fn follow(&self, name: &str, leader: &Server, who: &str, shown: &[&str]) -> Server {
        let shown = self.shown(&leader.address, who, shown);
        let more: Vec<_> = shown.iter().map(String::as_str).collect();
        self.serve(name, &policy("recorder"), &more)
    }

    /// The settings of one that follows an address.
    fn shown(&self, leader: &str, who: &str, shown: &[&str]) -> Vec<String> {
        let path = |name: &str| self.path(name).to_str().unwrap().to_owned();
        let [certificate, key, token] = ["pem", "key", "token"].map(|end| format!("{who}.{end}"));
        let mut settings =
            vec![("--follow", leader.to_owned()), ("--follow-tls-ca", path("ca.pem"))];
        if shown.contains(&"certificate") {
            settings.push(("--follow-tls-cert", path(&certificate)));
            settings.push(("--follow-tls-key", path(&key)));
        }
        if shown.contains(&"token") {
            settings.push(("--follow-token-file", path(&token)));
        }
        settings.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]).collect()
    }

    /// A client with the certificate of a principal.
    async fn client(&self, server: &Server, who: &str) -> Client {
        let to = server.address.strip_prefix("https://").unwrap().parse().unwrap();
        let near = mtls::road(to, mtls::client(self.dir.path(), Some(who))).await;
        Client::connect(&format!("http://{near}")).await
    }
}

/// Who recorded an event.
async fn recorded_by(client: &mut Client, position: u64) -> String {
    let request = pb::GetEventRequest { position: Some(position), ..Default::default() };
    let event = client.ledger.get_event(request).await.unwrap().into_inner().event;
    event.unwrap().recorded_by
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_a_certificate_hands_on_for_its_callers() {
    let realm = Realm::new();
    let leading = realm.serve("leader", &policy("reader"), &[]);
    let mut leader = realm.client(&leading, "gd.recorder").await;
    leader.record(list(3, 5)).await.unwrap();
    for (name, shown) in [("one", &["certificate"][..]), ("both", &["certificate", "token"])] {
        let following = realm.follow(name, &leading, "hq.node", shown);
        let size = leader.status().await.log_size;
        let mut auditor = realm.client(&following, "hq.auditor").await;
        let status = once_at(&mut auditor, "the events", |status| status.log_size == size).await;
        let there = realm.client(&leading, "hq.auditor").await.status().await;
        assert_eq!((status.log_id, status.root_hash), (there.log_id, there.root_hash));
        assert_eq!(status.node.unwrap().role(), NodeRole::Follower);
        // The caller at the follower records as the one that its certificate proves.
        let mut recorder = realm.client(&following, "gd.recorder").await;
        let answer = recorder.record(list(20 + size, 1)).await.unwrap();
        assert_eq!(answer.next_position, size + 1);
        once_at(&mut auditor, "the events", |status| status.log_size == size + 1).await;
        assert_eq!(recorded_by(&mut auditor, size).await, "gd.recorder");
        // The follower knows this one as a recorder still, and the leader judges.
        let mut former = realm.client(&following, "gd.former").await;
        let refused = former.record(list(40 + size, 1)).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "{refused}");
        assert_eq!(reason(&refused), "NOT_ENTITLED");
        assert!(refused.message().contains("gd.former"), "{refused}");
        // Nobody else speaks for others, here or there.
        let mut claims = tonic::Request::new(pb::AppendRequest {
            events: list(60 + size, 1),
            ..Default::default()
        });
        claims.metadata_mut().insert("tidu-on-behalf-of", "gd.recorder".parse().unwrap());
        let refused = former.ledger.append(claims).await.unwrap_err();
        assert_eq!(reason(&refused), "HANDED_IDENTITY_REFUSED");
        assert_eq!(leader.status().await.log_size, size + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_lets_a_node_follow_and_hand_nothing_on() {
    let realm = Realm::new();
    let leading = realm.serve("leader", &policy("reader"), &[]);
    let mut leader = realm.client(&leading, "gd.recorder").await;
    leader.record(list(3, 5)).await.unwrap();
    let following = realm.follow("one", &leading, "hq.node", &["token"]);
    let mut auditor = realm.client(&following, "hq.auditor").await;
    once_at(&mut auditor, "the events", |status| status.log_size == 5).await;
    let mut recorder = realm.client(&following, "gd.recorder").await;
    let refused = recorder.record(list(20, 1)).await.unwrap_err();
    assert_eq!((refused.code(), &*reason(&refused)), (Code::FailedPrecondition, "FOLLOWER"));
    assert!(refused.message().contains(&leading.address), "{refused}");
    assert_eq!(leader.status().await.log_size, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_may_not_read_everything_is_not_a_node_and_stops() {
    let realm = Realm::new();
    let leading = realm.serve("leader", &policy("reader"), &[]);
    let mut leader = realm.client(&leading, "gd.recorder").await;
    leader.record(list(3, 5)).await.unwrap();
    for who in ["gd.reader", "gd.recorder", "hq.operator"] {
        let following = realm.follow(who, &leading, who, &["certificate"]);
        let mut operator = realm.client(&following, "hq.operator").await;
        let stopped = once_at(&mut operator, "the stop", |status| {
            status.node.as_ref().is_some_and(|node| node.state == "stopped")
        });
        let status = stopped.await;
        let why = status.node.unwrap().problem;
        assert!(why.contains("must have the role node"), "{who}: {why}");
        assert_eq!(status.log_size, 0, "nothing of a filtered copy is here");
    }
}

/// A node asks those that others name with its certificate, and so finds that the line comes back.
#[tokio::test(flavor = "multi_thread")]
async fn a_circle_through_tls_is_named() {
    let realm = Realm::new();
    let leading = realm.serve("first", &policy("recorder"), &[]);
    let mut leader = realm.client(&leading, "gd.recorder").await;
    leader.record(list(3, 5)).await.unwrap();
    let second = realm.follow("second", &leading, "hq.node", &["certificate"]);
    let third = realm.follow("third", &second, "hq.node", &["certificate"]);
    let mut auditor = realm.client(&third, "hq.auditor").await;
    once_at(&mut auditor, "the events", |status| status.log_size == 5).await;
    let at = leading.address.strip_prefix("https://").unwrap().to_owned();
    assert_eq!(leading.terminate(), Some(0));
    let shown = realm.shown(&third.address, "hq.node", &["certificate"]);
    let more = ["--listen", &at].into_iter().chain(shown.iter().map(String::as_str));
    let first = realm.serve("first", &policy("recorder"), &more.collect::<Vec<_>>());
    let mut auditor = realm.client(&first, "hq.auditor").await;
    let stopped = |status: &pb::GetStatusResponse| status.node.clone().unwrap().state == "stopped";
    let node = once_at(&mut auditor, "the stop", stopped).await.node.unwrap();
    assert!(node.problem.contains("follows this node, or is it"), "{}", node.problem);
}
