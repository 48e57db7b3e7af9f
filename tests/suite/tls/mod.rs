//! TLS on the port for callers, and the Unix sockets of gateways: who gets in, what a reload does,
//! and how little a peer without manners costs.

mod files;
mod gateways;
mod handshakes;
mod reloads;

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use rustls::{ClientConfig, pki_types::ServerName};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use crate::support::{
    Client, Server, directory, in_time,
    mtls::{self, Ca, Certified, private},
};

/// The first frames of a client: the preface of HTTP/2, and its settings.
const HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// A server that asks its callers for certificates, in a directory of its own.
struct Guarded {
    server: Server,
    ca: Ca,
    dir: TempDir,
}

impl Guarded {
    /// Starts it with a revocation list on which nobody is.
    fn start() -> Self {
        Self::start_with(None)
    }

    /// The same, with the principals of this policy.
    fn start_with(policy: Option<&str>) -> Self {
        let (dir, ca) = (directory(), Ca::new());
        private(&dir.path().join("crl.pem"), &ca.revoking(&[]));
        let mut args = arguments(&ca, dir.path());
        args.extend(["--tls-client-crl".to_owned(), at(dir.path(), "crl.pem")]);
        args.extend(["--operations-listen", "127.0.0.1:0"].map(str::to_owned));
        if let Some(policy) = policy {
            private(&dir.path().join("principals.toml"), policy);
            args.extend(["--principals".to_owned(), at(dir.path(), "principals.toml")]);
        }
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        let server = Server::start_with(&dir.path().join("data"), &args);
        Self { server, ca, dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn address(&self) -> SocketAddr {
        self.server.address.strip_prefix("https://").unwrap().parse().unwrap()
    }

    /// The settings of a new caller of the authority, whose certificate is kept under this name.
    fn caller(&self, name: &str) -> (Certified, Arc<ClientConfig>) {
        let certified = self.ca.caller(&format!("spiffe://gd.example/{name}"));
        certified.write(self.dir.path(), name);
        (certified, mtls::client(self.dir.path(), Some(name)))
    }

    /// A client on a road through TLS.
    async fn client(&self, config: Arc<ClientConfig>) -> Client {
        let near = mtls::road(self.address(), config).await;
        Client::connect(&format!("http://{near}")).await
    }

    /// Asks the server to read its files again.
    fn hang_up(&self) {
        let pid = self.server.child.id().to_string();
        assert!(Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    }

    /// The value of a series; 0 if it is not there yet.
    async fn metric(&self, series: &str) -> u64 {
        let operations = self.server.operations.as_ref().unwrap();
        let address = operations.strip_prefix("http://").unwrap().to_owned();
        let answer = in_time("the metrics", async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
            stream.write_all(request).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        });
        let answer = answer.await;
        let line = answer.lines().find_map(|line| line.strip_prefix(series));
        line.map_or(0, |value| value.trim().parse().unwrap())
    }

    /// Waits until a series has a value.
    async fn until_metric(&self, series: &str, least: u64) {
        in_time(series, async {
            while self.metric(series).await < least {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// The handshakes that have ended so.
    async fn handshakes(&self, outcome: &str) -> u64 {
        self.metric(&handshakes(outcome)).await
    }

    /// Waits until so many handshakes have ended so: a peer may learn it before they are counted.
    async fn until_handshakes(&self, outcome: &str, count: u64) {
        self.until_metric(&handshakes(outcome), count).await;
        assert_eq!(self.handshakes(outcome).await, count, "{outcome}");
    }
}

fn handshakes(outcome: &str) -> String {
    format!("tidu_tls_handshakes_total{{outcome=\"{outcome}\"}}")
}

fn at(dir: &Path, name: &str) -> String {
    dir.join(name).display().to_string()
}

/// The arguments of a server with a certificate of this authority, which certifies callers as well.
fn arguments(ca: &Ca, dir: &Path) -> Vec<String> {
    ca.server().write(dir, "server");
    fs::write(dir.join("ca.pem"), ca.pem()).unwrap();
    let files = [("cert", "server.pem"), ("key", "server.key"), ("client-ca", "ca.pem")];
    let pair = |(setting, name): (&str, &str)| [format!("--tls-{setting}"), at(dir, name)];
    files.into_iter().flat_map(pair).collect()
}

/// Says hello through TLS. True if the server answers in HTTP/2.
async fn gets_in(address: SocketAddr, config: Arc<ClientConfig>) -> bool {
    in_time("an answer to a handshake", async {
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let Ok(mut stream) = TlsConnector::from(config).connect(name, stream).await else {
            return false;
        };
        let mut answer = [0; 9];
        stream.write_all(HELLO).await.is_ok() && stream.read_exact(&mut answer).await.is_ok()
    })
    .await
}
