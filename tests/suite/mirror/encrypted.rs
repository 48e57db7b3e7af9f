//! Copies in PostgreSQL over TLS, on loopback with certificates made for the test: the mirror
//! reaches the right database encrypted, or nobody. As in `postgres.rs`, these pass over without
//! the server.

use std::process::Output;

use tempfile::TempDir;
use tokio_postgres::NoTls;

use super::{cluster::Cluster, compared::compare, copies::mirror, tables::Kept, told::tell};
use crate::support::{
    Fresh, coded, done,
    mtls::{Ca, private},
    seed, text,
};

/// Who is let in: one user with a password, one with a certificate, and nobody in plaintext.
const LETS_IN: &str = "hostssl all tidu 127.0.0.1/32 scram-sha-256\n\
                       hostssl all certified 127.0.0.1/32 trust clientcert=verify-ca\n";
const PASSWORD: &str = "a password of the test";

/// Codes of the mirror: no repetition helps; the database refuses.
const FAILED: i32 = 1;
const REFUSED: i32 = 5;

/// Files of callers.
struct Files(TempDir);

impl Files {
    fn new(ca: &Ca, other: &Ca) -> Self {
        let dir = TempDir::new().unwrap();
        private(&dir.path().join("ca.pem"), &ca.pem());
        private(&dir.path().join("other-ca.pem"), &other.pem());
        private(&dir.path().join("password"), &format!("{PASSWORD}\n"));
        private(&dir.path().join("wrong-password"), "another one\n");
        ca.caller("tidu://test/mirror").write(dir.path(), "caller");
        other.caller("tidu://test/mirror").write(dir.path(), "stranger");
        Self(dir)
    }

    /// Flags whose values are files of these names.
    fn flags(&self, named: &[(&str, &str)]) -> Vec<String> {
        let path = |name: &str| text(&self.0.path().join(name)).to_owned();
        let pair = |(flag, name): &(&str, &str)| [(*flag).to_owned(), path(name)];
        named.iter().flat_map(pair).collect()
    }
}

/// Brings a copy up to date, with these flags.
fn once(server: &str, to: &str, flags: &[String]) -> Output {
    let flags: Vec<&str> = flags.iter().map(String::as_str).chain(["--once"]).collect();
    let mut command = mirror(server, to, &flags);
    command.env_remove("PGPASSWORD").env_remove("SSL_CERT_FILE").output().unwrap()
}

async fn set_up(cluster: &Cluster) {
    let (sql, connection) = tokio_postgres::connect(&cluster.address(), NoTls).await.unwrap();
    tokio::spawn(async move { drop(connection.await) });
    sql.batch_execute(&format!("ALTER ROLE tidu PASSWORD '{PASSWORD}'")).await.unwrap();
    sql.batch_execute("CREATE ROLE certified SUPERUSER LOGIN").await.unwrap();
}

const CA: (&str, &str) = ("--database-ca", "ca.pem");
const PASSWORD_FILE: (&str, &str) = ("--password-file", "password");

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_reached_over_tls_or_not_at_all() {
    let (ca, other) = (Ca::new(), Ca::named("another CA"));
    let Some(cluster) = Cluster::start_with_tls(&ca.server(), &ca, LETS_IN).await else { return };
    set_up(&cluster).await;
    let (fresh, files) = (Fresh::start(), Files::new(&ca, &other));
    let (server, mut client) = (fresh.server.address.clone(), fresh.client().await);
    let mut random = seed::random("TIDU_MIRROR_SEED");
    for (host, mode) in [
        ("localhost", ""),
        ("localhost", "?sslmode=require"),
        ("127.0.0.1", "?sslmode=verify-full"),
    ] {
        tell(&mut client, &mut random, 10).await;
        let to = cluster.address_at(host, "tidu") + mode;
        done(&once(&server, &to, &files.flags(&[CA, PASSWORD_FILE])));
        compare(&Kept::Postgres(&cluster.address()), &mut client, &mut random).await;
    }
    let certified = [CA, ("--database-cert", "caller.pem"), ("--database-key", "caller.key")];
    let to = cluster.address_at("localhost", "certified");
    done(&once(&server, &to, &files.flags(&certified)));

    let stranger = [CA, ("--database-cert", "stranger.pem"), ("--database-key", "stranger.key")];
    let other_ca = [("--database-ca", "other-ca.pem"), PASSWORD_FILE];
    let wrong = [CA, ("--password-file", "wrong-password")];
    for (user, mode, named, code, what) in [
        // Nobody is let in without TLS; on this machine it is not the default.
        ("tidu", "", &[PASSWORD_FILE][..], REFUSED, "no encryption"),
        ("tidu", "?sslmode=disable", &[PASSWORD_FILE], REFUSED, "no encryption"),
        // The system's CAs have not signed it.
        ("tidu", "?sslmode=require", &[PASSWORD_FILE], FAILED, "certificate"),
        ("tidu", "", &other_ca, FAILED, "certificate"),
        ("tidu", "", &wrong, REFUSED, "password authentication failed"),
        ("certified", "", &[CA], REFUSED, "valid client certificate"),
        ("certified", "", &stranger, FAILED, "UnknownCA"),
    ] {
        let to = cluster.address_at("localhost", user) + mode;
        let said = once(&server, &to, &files.flags(named));
        coded(&said, code, &[what]);
        let lines = String::from_utf8(said.stderr).unwrap();
        assert_eq!(lines.lines().count(), 1, "{lines}");
        assert!(!lines.contains(PASSWORD), "{lines}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_of_a_database_is_of_its_name() {
    let ca = Ca::new();
    let elsewhere = ca.server_of(&["db.example"], |_| ());
    let Some(mut cluster) = Cluster::start_with_tls(&elsewhere, &ca, LETS_IN).await else { return };
    set_up(&cluster).await;
    let (fresh, files) = (Fresh::start(), Files::new(&ca, &ca));
    let server = &fresh.server.address;
    let flags = files.flags(&[CA, PASSWORD_FILE]);
    for mode in ["", "?sslmode=require", "?sslmode=verify-full"] {
        let to = cluster.address_at("localhost", "tidu") + mode;
        coded(&once(server, &to, &flags), FAILED, &["certificate", "localhost"]);
    }
    cluster.stop("-INT");
    cluster.certify(&ca.server());
    cluster.open().await;
    done(&once(server, &cluster.address_at("localhost", "tidu"), &flags));
    let missing = files.flags(&[("--database-ca", "none.pem"), PASSWORD_FILE]);
    let said = once(server, &cluster.address_at("localhost", "tidu"), &missing);
    coded(&said, FAILED, &["--database-ca", "none.pem"]);
}

/// A database without TLS is not written to where TLS is asked for.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_speaks_no_tls_is_left_alone() {
    let Some(cluster) = Cluster::start().await else { return };
    let (fresh, ca) = (Fresh::start(), Ca::new());
    let files = Files::new(&ca, &ca);
    let to = cluster.address() + "&sslmode=require";
    let said = once(&fresh.server.address, &to, &files.flags(&[CA]));
    coded(&said, FAILED, &["TLS"]);
}
