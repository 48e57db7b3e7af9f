//! A handshake that meets a reload. The client is driven by hand, flight by flight.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, IsCa,
    KeyIdMethod, KeyPair, RevokedCertParams, SerialNumber, date_time_ymd,
};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
    task::JoinHandle,
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{domain::Party, files as disk, limits::HANDSHAKE_DURATION_MAX, service::Peer};

const SERIAL: u64 = 7;

/// A server that asks for certificates of its own authority.
struct Guarded {
    dir: TempDir,
    ca: CertifiedIssuer<'static, KeyPair>,
    tls: Arc<Tls>,
    metrics: Arc<Metrics>,
}

impl Guarded {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let path = |name: &str| dir.path().join(name);
        let (chain, key) = certified(&ca, "localhost");
        disk::replace(&path("chain"), chain.as_bytes()).unwrap();
        disk::replace(&path("key"), key.as_bytes()).unwrap();
        disk::replace(&path("ca"), ca.pem().as_bytes()).unwrap();
        disk::replace(&path("crl"), revoking(&ca, &[]).as_bytes()).unwrap();
        let files = TlsFiles {
            certificate: path("chain"),
            key: path("key"),
            client_ca: Some(path("ca")),
            client_crl: vec![path("crl")],
        };
        let metrics = Metrics::new();
        let others = Arc::new(|| false);
        let tls = Tls::start(files, others, Arc::default(), Arc::clone(&metrics)).unwrap();
        Self { dir, ca, tls, metrics }
    }

    fn revoke(&self) {
        let list = revoking(&self.ca, &[SERIAL]);
        disk::replace(&self.dir.path().join("crl"), list.as_bytes()).unwrap();
        self.tls.look(true);
    }

    fn outcome(&self, outcome: &str) -> u64 {
        self.metrics.tls_handshakes_total.with([outcome]).get()
    }
}

/// A certificate with its key, in PEM.
fn certified(ca: &CertifiedIssuer<'static, KeyPair>, name: &str) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.serial_number = Some(SerialNumber::from(SERIAL));
    params.not_after = date_time_ymd(2100, 1, 1);
    (params.signed_by(&key, ca).unwrap().pem(), key.serialize_pem())
}

fn revoking(ca: &CertifiedIssuer<'static, KeyPair>, serials: &[u64]) -> String {
    let entry = |serial: &u64| RevokedCertParams {
        serial_number: SerialNumber::from(*serial),
        revocation_time: date_time_ymd(2026, 1, 1),
        reason_code: None,
        invalidity_date: None,
    };
    let list = CertificateRevocationListParams {
        this_update: date_time_ymd(2026, 1, 1),
        next_update: date_time_ymd(2099, 1, 1),
        crl_number: SerialNumber::from(1_u64),
        issuing_distribution_point: None,
        revoked_certs: serials.iter().map(entry).collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    list.signed_by(ca).unwrap().pem().unwrap()
}

/// A client in the middle of its handshake: its last flight is not sent.
struct Half {
    near: DuplexStream,
    client: ClientConnection,
    /// Becomes true when the server has met it.
    met: JoinHandle<bool>,
    /// Cancelled when the server ends the connection.
    leave: CancellationToken,
}

impl Half {
    async fn begin(guarded: &Guarded) -> Self {
        let (chain, key) = certified(&guarded.ca, "caller");
        let mut roots = RootCertStore::empty();
        let ca = guarded.ca.pem();
        roots.add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let chain = vec![CertificateDer::from_pem_slice(chain.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let config = builder.with_root_certificates(roots).with_client_auth_cert(chain, key);
        let name = "localhost".try_into().unwrap();
        let mut client = ClientConnection::new(Arc::new(config.unwrap()), name).unwrap();
        let (mut near, far) = duplex(64 * 1024);
        let (tls, leave) = (Arc::clone(&guarded.tls), CancellationToken::new());
        let left = leave.clone();
        let met = tokio::spawn(async move {
            let peer = Peer(([192, 0, 2, 7], 9).into());
            let until = Instant::now() + HANDSHAKE_DURATION_MAX;
            let met = tls.meet(far, peer, Party::of(peer.0), &left, until).await;
            let is_met = met.is_some();
            // The connection stays open until the server ends it.
            if met.is_some() {
                left.cancelled().await;
            }
            is_met
        });
        send(&mut client, &mut near).await;
        let mut bytes = [0; 4096];
        while client.is_handshaking() {
            let read = near.read(&mut bytes).await.unwrap();
            let mut left = &bytes[..read];
            while !left.is_empty() {
                client.read_tls(&mut left).unwrap();
                client.process_new_packets().unwrap();
            }
        }
        Self { near, client, met, leave }
    }

    async fn finish(&mut self) {
        send(&mut self.client, &mut self.near).await;
    }
}

async fn send(client: &mut ClientConnection, near: &mut DuplexStream) {
    let mut flight = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut flight).unwrap();
    }
    near.write_all(&flight).await.unwrap();
}

#[tokio::test]
async fn a_certificate_that_is_revoked_during_its_handshake_is_refused() {
    let guarded = Guarded::new();
    let mut half = Half::begin(&guarded).await;
    guarded.revoke();
    half.finish().await;
    assert!(!half.met.await.unwrap());
    assert_eq!((guarded.outcome("certificate"), guarded.outcome("done")), (1, 0));
    assert_eq!(guarded.tls.guests.len(), 0);
}

#[tokio::test]
async fn a_reload_ends_the_connections_whose_certificate_is_no_longer_valid() {
    let guarded = Guarded::new();
    let mut half = Half::begin(&guarded).await;
    half.finish().await;
    while guarded.tls.guests.len() == 0 {
        tokio::task::yield_now().await;
    }
    guarded.tls.look(true);
    assert!(!half.leave.is_cancelled(), "the files are the same");
    guarded.revoke();
    assert!(half.met.await.unwrap() && half.leave.is_cancelled());
    assert_eq!(guarded.tls.guests.len(), 0, "it has left");
    assert_eq!(guarded.metrics.tls_connections_ended_total.get(), 1);
}

#[test]
fn the_metrics_tell_when_the_files_end() {
    let guarded = Guarded::new();
    let ends = &guarded.metrics.tls_certificate_expiry_timestamp_seconds;
    let of = |kind| ends.with([kind]).get().as_secs();
    assert_eq!((of("server"), of("client_crl")), (4_102_444_800, 4_070_908_800));
    assert!(of("client_ca") > of("server"));
}

#[test]
fn files_that_were_only_touched_are_not_used_anew() {
    let guarded = Guarded::new();
    let crl = guarded.dir.path().join("crl");
    let whole = disk::read(&crl, 10_000).unwrap();
    disk::replace(&crl, &whole).unwrap();
    guarded.tls.look(false);
    assert_eq!(guarded.metrics.tls_reloads_total.get(), 0);
    disk::replace(&crl, b"broken").unwrap();
    guarded.tls.look(false);
    guarded.tls.look(false);
    assert_eq!(guarded.metrics.tls_reload_failures_total.get(), 1, "it was looked at once");
    assert!(guarded.tls.problem.text().starts_with("tls_client_crl: "));
    disk::replace(&crl, &whole).unwrap();
    guarded.tls.look(false);
    assert_eq!((guarded.metrics.tls_reloads_total.get(), guarded.tls.problem.text().len()), (0, 0));
}
