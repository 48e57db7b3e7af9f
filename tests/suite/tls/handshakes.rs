//! Who gets in, and what becomes of the others.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    version::TLS12,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{Guarded, HELLO, gets_in};
use crate::support::{
    Fresh, in_time,
    mtls::{self, Ca, private},
};

/// The beginning of a handshake, which is not complete: a record of 200 bytes, and 3 of them.
const HALF_HELLO: &[u8] = &[0x16, 0x03, 0x01, 0x00, 0xc8, 0x01, 0x00, 0x00];

#[tokio::test]
async fn callers_of_the_authority_get_in_and_nobody_else() {
    let guarded = Guarded::start();
    let (_, known) = guarded.caller("recorder");
    assert!(gets_in(guarded.address(), known).await);
    assert_eq!(guarded.handshakes("done").await, 1);

    let dir = guarded.dir.path();
    assert!(!gets_in(guarded.address(), mtls::client(dir, None)).await, "no certificate");
    guarded.until_handshakes("no_certificate", 1).await;

    let others = [
        ("stranger", Ca::new().caller("spiffe://gd.example/recorder")),
        ("expired", guarded.ca.caller_until("spiffe://gd.example/recorder", 2020)),
        ("server", guarded.ca.server()),
    ];
    for (refused, (name, certified)) in (1..).zip(others) {
        certified.write(dir, &format!("{name}-shown"));
        let config = mtls::client(dir, Some(&format!("{name}-shown")));
        assert!(!gets_in(guarded.address(), config).await, "{name}");
        guarded.until_handshakes("certificate", refused).await;
    }
    assert_eq!(guarded.handshakes("done").await, 1);
}

#[tokio::test]
async fn a_caller_may_speak_either_version_and_learns_the_protocol() {
    let guarded = Guarded::start();
    guarded.caller("recorder");
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(guarded.path("ca.pem")).unwrap()).unwrap();
    let chain = vec![CertificateDer::from_pem_file(guarded.path("recorder.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(guarded.path("recorder.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_protocol_versions(&[&TLS12]).unwrap();
    let config = builder.with_root_certificates(roots).with_client_auth_cert(chain, key).unwrap();
    let mut with_alpn = config.clone();
    assert!(gets_in(guarded.address(), Arc::new(config)).await);
    with_alpn.alpn_protocols = vec![b"h2".to_vec()];
    assert!(gets_in(guarded.address(), Arc::new(with_alpn.clone())).await);
    with_alpn.alpn_protocols = vec![b"smtp".to_vec()];
    assert!(!gets_in(guarded.address(), Arc::new(with_alpn)).await);
    guarded.until_handshakes("protocol", 1).await;
}

#[tokio::test]
async fn a_peer_without_tls_gets_a_clean_close() {
    let guarded = Guarded::start();
    for (refused, hello) in [(1, HELLO), (2, b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")] {
        let mut stream = TcpStream::connect(guarded.address()).await.unwrap();
        stream.write_all(hello).await.unwrap();
        let mut answer = Vec::new();
        in_time("the close", stream.read_to_end(&mut answer)).await.unwrap();
        assert!(answer.is_empty(), "{answer:?}");
        guarded.until_handshakes("plaintext", refused).await;
    }
}

#[tokio::test]
async fn a_peer_with_tls_is_told_from_http_where_there_is_none() {
    let fresh = Fresh::start();
    let address = fresh.server.address.strip_prefix("http://").unwrap().to_owned();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(HALF_HELLO).await.unwrap();
    let mut answer = Vec::new();
    // The bytes that the server did not read may turn the close into a reset.
    let _ = in_time("the close", stream.read_to_end(&mut answer)).await;
    assert!(answer.is_empty(), "a peer with TLS cannot read an answer in HTTP: {answer:?}");
    fresh.client().await.status().await;
}

#[tokio::test]
async fn half_handshakes_keep_nobody_out() {
    let guarded = Guarded::start();
    let (_, known) = guarded.caller("recorder");
    let mut half = Vec::new();
    for _ in 0..400 {
        let mut stream = TcpStream::connect(guarded.address()).await.unwrap();
        stream.write_all(HALF_HELLO).await.unwrap();
        half.push(stream);
    }
    assert!(gets_in(guarded.address(), Arc::clone(&known)).await);
    let mut client = guarded.client(known).await;
    client.status().await;
    // None of them has ended: they wait for their time.
    assert_eq!(guarded.handshakes("late").await, 0);
}

#[tokio::test]
async fn a_certificate_is_a_must_unless_somebody_has_a_token() {
    let by_certificate = "[[principal]]\nid = \"guangdong.reader\"\nroles = [\"reader\"]\n\
                          certificate = \"spiffe://gd.example/reader\"\n";
    let by_token = format!(
        "{by_certificate}[[principal]]\nid = \"guangdong.page\"\nroles = [\"reader\"]\n\
         token_sha256 = \"{}\"\ntoken_expires = 2099-01-01T00:00:00Z\n",
        "7a".repeat(32)
    );
    let guarded = Guarded::start_with(Some(by_certificate));
    let (_, known) = guarded.caller("reader");
    let nameless = mtls::client(guarded.dir.path(), None);
    assert!(gets_in(guarded.address(), Arc::clone(&known)).await);
    assert!(!gets_in(guarded.address(), Arc::clone(&nameless)).await);
    guarded.until_handshakes("no_certificate", 1).await;

    private(&guarded.path("principals.toml"), &by_token);
    guarded.hang_up();
    in_time("the token's principal", async {
        while !gets_in(guarded.address(), Arc::clone(&nameless)).await {}
    })
    .await;
    assert!(gets_in(guarded.address(), known).await);
}
