//! The command line over TLS, against a front that ends TLS before a real server. It reaches the
//! right server with TLS or nobody, and says why.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
};

use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::WebPkiClientVerifier,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use crate::support::{
    Fresh, TIDU, done, list,
    mtls::{Ca, Certified, private},
    refused, text,
};

const CALLER: &str = "tidu://test/guangdong.recorder";

/// Files of one CA, with the front of a server.
struct Set {
    dir: TempDir,
    ca: Ca,
}

impl Set {
    fn new() -> Self {
        let set = Self { dir: TempDir::new().unwrap(), ca: Ca::new() };
        private(&set.path("ca.pem"), &set.ca.pem());
        set
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A caller's certificate and key, as arguments.
    fn caller(&self, ca: &Ca, name: &str) -> Vec<String> {
        let (certificate, key) = ca.caller(CALLER).write(self.dir.path(), name);
        let (certificate, key) = (text(&certificate).to_owned(), text(&key).to_owned());
        vec!["--tls-cert".to_owned(), certificate, "--tls-key".to_owned(), key]
    }

    /// A front that ends TLS with this certificate and hands everything on to `to`. It asks for
    /// certificates of `callers`, if one is named.
    async fn front(&self, of: &Certified, callers: Option<&Ca>, to: &str) -> String {
        let (certificate, key) = of.write(self.dir.path(), "front");
        let chain = vec![CertificateDer::from_pem_file(certificate).unwrap()];
        let key = PrivateKeyDer::from_pem_file(key).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match callers {
            None => builder.with_no_client_auth(),
            Some(ca) => {
                let mut roots = RootCertStore::empty();
                roots.add(CertificateDer::from_pem_slice(ca.pem().as_bytes()).unwrap()).unwrap();
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let mut config = builder.with_single_cert(chain, key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let to: SocketAddr = to.trim_start_matches("http://").parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let mut near = match acceptor.accept(near).into_fallible().await {
                        Ok(near) => near,
                        Err((_, mut refused)) => {
                            // A close with bytes unread would take the alert from the client.
                            let _ = refused.shutdown().await;
                            let _ = refused.read_to_end(&mut Vec::new()).await;
                            return;
                        }
                    };
                    let mut far = TcpStream::connect(to).await.unwrap();
                    let _ = copy_bidirectional(&mut near, &mut far).await;
                });
            }
        });
        format!("https://localhost:{}", at.port())
    }
}

/// Runs a command beside the front, with the environment of nobody.
async fn tidu(server: &str, args: &[&str], more: &[String]) -> Output {
    let mut command = Command::new(TIDU);
    command.args(args).args(["--server", server]).args(more);
    command.env("XDG_CONFIG_HOME", "/nonexistent").env_remove("SSL_CERT_FILE");
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn with(set: &Set, more: &[String]) -> Vec<String> {
    let ca = ["--tls-ca".to_owned(), text(&set.path("ca.pem")).to_owned()];
    ca.into_iter().chain(more.iter().cloned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_command_reaches_a_server_over_tls() {
    let (set, fresh) = (Set::new(), Fresh::start());
    fresh.client().await.record(list(1, 3)).await.unwrap();
    let server = set.front(&set.ca.server(), None, &fresh.server.address).await;
    let trusted = with(&set, &[]);
    assert!(done(&tidu(&server, &["status"], &trusted).await).contains("events       3"));
    let watched = done(&tidu(&server, &["watch", "--until", "3"], &trusted).await);
    assert_eq!(watched.lines().count(), 3, "{watched}");
    let who = done(&tidu(&server, &["whoami"], &trusted).await);
    assert!(who.contains("principal    anonymous") && who.contains("everything"), "{who}");
    let who = done(&tidu(&server, &["whoami", "-o", "json"], &trusted).await);
    let who: serde_json::Value = serde_json::from_str(&who).unwrap();
    assert_eq!(who["principal"]["id"], "anonymous");
    let backup = set.path("backup");
    done(&tidu(&server, &["backup", text(&backup)], &trusted).await);
    done(&tidu(&server, &["verify"], &trusted).await);
    done(&tidu(&server, &["cursor", "list"], &trusted).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_shows_its_certificate_from_two_files_or_from_one() {
    let (set, fresh) = (Set::new(), Fresh::start());
    let server = set.front(&set.ca.server(), Some(&set.ca), &fresh.server.address).await;
    let two = set.caller(&set.ca, "caller");
    done(&tidu(&server, &["status"], &with(&set, &two)).await);
    let both = ["caller.pem", "caller.key"].map(|name| fs::read_to_string(set.path(name)).unwrap());
    private(&set.path("both.pem"), &both.concat());
    let one = ["--tls-cert".to_owned(), text(&set.path("both.pem")).to_owned()];
    done(&tidu(&server, &["status"], &with(&set, &one)).await);

    let without = tidu(&server, &["status"], &with(&set, &[])).await;
    refused(&without, &["localhost asks for a client certificate; give --tls-cert and --tls-key"]);
    assert_eq!(without.status.code(), Some(3));
    let stranger = set.caller(&Ca::new(), "stranger");
    let unknown = tidu(&server, &["status"], &with(&set, &stranger)).await;
    refused(&unknown, &["stranger.pem (--tls-cert)"]);
    // A follower ends: its certificate does not get better by waiting.
    let following = tidu(&server, &["watch"], &with(&set, &[])).await;
    refused(&following, &["asks for a client certificate"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_the_one_meant_is_told_in_words() {
    let (set, fresh) = (Set::new(), Fresh::start());
    let to = &fresh.server.address;
    let good = set.front(&set.ca.server(), None, to).await;
    let unknown = tidu(&good, &["status"], &[]).await;
    refused(&unknown, &["a CA that this machine does not trust", "--tls-ca FILE"]);
    assert_eq!(unknown.status.code(), Some(1));
    private(&set.path("other.pem"), &Ca::new().pem());
    let other = ["--tls-ca".to_owned(), text(&set.path("other.pem")).to_owned()];
    refused(&tidu(&good, &["status"], &other).await, &["is not signed by a CA in", "other.pem"]);

    let trusted = with(&set, &[]);
    let named = set.ca.server_of(&["register.example"], |_| {});
    let named = set.front(&named, None, to).await;
    let said = ["the certificate is not for localhost but for register.example"];
    refused(&tidu(&named, &["status"], &trusted).await, &said);

    let expired = set.ca.server_of(&["localhost"], |params| {
        params.not_after = rcgen::date_time_ymd(2024, 1, 1);
    });
    let expired = set.front(&expired, None, to).await;
    let said = ["the certificate of localhost expired at 2024-01-01T00:00:00Z"];
    refused(&tidu(&expired, &["status"], &trusted).await, &said);

    let early = set.ca.server_of(&["localhost"], |params| {
        params.not_before = rcgen::date_time_ymd(4000, 1, 1);
    });
    let early = set.front(&early, None, to).await;
    let said = ["is valid from 4000-01-01T00:00:00Z on; check the clock of this machine"];
    refused(&tidu(&early, &["status"], &trusted).await, &said);
}

#[tokio::test(flavor = "multi_thread")]
async fn https_never_becomes_plaintext_and_plaintext_says_so() {
    let (set, fresh) = (Set::new(), Fresh::start());
    let plain = fresh.server.address.replace("http://127.0.0.1", "https://localhost");
    let trusted = with(&set, &[]);
    for args in [&["status"][..], &["watch", "--until", "1"]] {
        let output = tidu(&plain, args, &trusted).await;
        refused(&output, &["localhost", "does not speak TLS there"]);
        assert_eq!(output.status.code(), Some(1));
    }
    let front = set.front(&set.ca.server(), None, &fresh.server.address).await;
    let output = tidu(&front.replace("https", "http"), &["status"], &[]).await;
    refused(&output, &["localhost speaks TLS there; use https://"]);
    // A server of ours closes such a connection, with an alert or without.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    let closing = tokio::spawn(async move { drop(listener.accept().await.unwrap()) });
    let output = tidu(&silent, &["status"], &[]).await;
    closing.await.unwrap();
    refused(&output, &["closed the connection without a word; if it expects TLS, use https://"]);
    assert_eq!(output.status.code(), Some(4), "it may come back");
    // Nothing is sent before the handshake but the handshake.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let token = set.path("token");
    private(&token, &"planted".repeat(8));
    let more = with(&set, &["--token-file".to_owned(), text(&token).to_owned()]);
    let looking = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut first = [0; 6];
        stream.read_exact(&mut first).await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        (first, rest)
    });
    let output = tidu(&address, &["status"], &more).await;
    refused(&output, &["does not speak TLS there"]);
    let (first, rest) = looking.await.unwrap();
    assert_eq!((first[0], first[1], first[5]), (22, 3, 1), "a ClientHello");
    assert!(!String::from_utf8_lossy(&rest).contains("planted"));
    assert_eq!(fresh.client().await.status().await.log_size, 0);
}

/// A receiver of webhooks that takes everything, and the bodies that came.
async fn receiver() -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let (taken, bodies) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let taken = taken.clone();
            tokio::spawn(async move {
                let mut text = String::new();
                let mut part = [0; 4096];
                while let Ok(read @ 1..) = stream.read(&mut part).await {
                    text += &String::from_utf8_lossy(&part[..read]);
                    if text.starts_with('\u{16}') {
                        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
                        return;
                    }
                    if text.contains("\r\n\r\n") && text.trim_end().ends_with('}') {
                        let _ = taken.send(std::mem::take(&mut text));
                        let answer = b"HTTP/1.1 204 No Content\r\n\r\n";
                        stream.write_all(answer).await.unwrap();
                    }
                }
            });
        }
    });
    (at, bodies)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_proves_its_name_alone_gets_events() {
    let (set, fresh) = (Set::new(), Fresh::start());
    fresh.client().await.record(list(1, 2)).await.unwrap();
    let (to, mut bodies) = receiver().await;
    let front = set.front(&set.ca.server(), Some(&set.ca), &to).await;
    let _ = set.caller(&set.ca, "caller");
    let secret = set.path("secret");
    private(&secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let flag = |name: &str, file: &str| [name.to_owned(), text(&set.path(file)).to_owned()];
    let deliver = async |url: &str, tls: &[[String; 2]]| {
        let fixed = ["--until", "2", "--attempts", "1", "--webhook", url].map(str::to_owned);
        let files = [flag("--webhook-secret-file", "secret"), flag("--state", "state")];
        let more: Vec<_> = fixed.into_iter().chain(files.concat()).chain(tls.concat()).collect();
        tidu(&fresh.server.address, &["watch"], &more).await
    };
    let url = format!("{front}/hook");
    let ca = flag("--webhook-ca", "ca.pem");
    refused(&deliver(&url, &[]).await, &["a CA that this machine does not trust", "--webhook-ca"]);
    let said = ["asks for a client certificate; give --webhook-cert and --webhook-key"];
    refused(&deliver(&url, std::slice::from_ref(&ca)).await, &said);
    let plain = format!("https://localhost:{}/", to.rsplit_once(':').unwrap().1);
    refused(
        &deliver(&plain, std::slice::from_ref(&ca)).await,
        &["localhost does not speak TLS there"],
    );
    let unused = url.replace("https", "http");
    refused(&deliver(&unused, std::slice::from_ref(&ca)).await, &["http:// uses neither CAs"]);
    assert!(bodies.try_recv().is_err(), "nothing came through");
    let own = [flag("--webhook-cert", "caller.pem"), flag("--webhook-key", "caller.key")];
    done(&deliver(&url, &[&[ca][..], &own].concat()).await);
    for position in 0..2 {
        let body = bodies.recv().await.unwrap();
        assert!(body.contains(&format!("/{position}\"")), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_not_given_away_and_not_left_unused() {
    let set = Set::new();
    let token = set.path("token");
    private(&token, "planted-token-planted-token-planted-token-planted\n");
    let shown = |path: &Path| vec!["--token-file".to_owned(), text(path).to_owned()];
    // The name leads nowhere: nothing asks for it.
    let plain = tidu("http://register.example:1", &["status"], &shown(&token)).await;
    refused(&plain, &["the token is not sent to http://register.example:1", "use https://"]);
    assert_eq!(plain.status.code(), Some(3));
    let fresh = Fresh::start();
    done(&tidu(&fresh.server.address, &["status"], &shown(&token)).await);
    let unused = tidu(&fresh.server.address, &["status"], &with(&set, &[])).await;
    refused(&unused, &["is plaintext, which uses neither CAs nor certificates"]);

    let open = set.path("open");
    fs::write(&open, "planted").unwrap();
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).unwrap();
    let bad = |path: &Path, what: &'static str| (path.to_owned(), what);
    let (two, none) = (set.path("two"), set.path("none"));
    private(&two, "planted planted");
    private(&none, "\n");
    for (path, what) in [
        bad(&open, "chmod 600"),
        bad(&two, "one token and nothing else"),
        bad(&none, "one token and nothing else"),
        bad(&set.path("nowhere"), "No such file"),
    ] {
        let output = tidu(&fresh.server.address, &["status"], &shown(&path)).await;
        refused(&output, &["--token-file", text(&path), what]);
        assert!(!String::from_utf8_lossy(&output.stderr).contains("planted"), "{output:?}");
    }
}
