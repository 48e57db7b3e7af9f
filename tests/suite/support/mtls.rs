//! Certificates made for a test, the settings of a server that knows its callers by them, and a
//! road through TLS for clients that speak none.
#![allow(dead_code)] // rooms and benches take what they need

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams,
    SanType, SerialNumber, date_time_ymd,
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsConnector;

/// An authority that certifies a server on loopback and its callers.
pub struct Ca {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate with its key.
pub struct Certified {
    certificate: rcgen::Certificate,
    key: KeyPair,
    serial: SerialNumber,
}

impl Ca {
    pub fn new() -> Self {
        Self::named("Tidu test CA")
    }

    pub fn named(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        Self { issuer: CertifiedIssuer::self_signed(params, key).unwrap() }
    }

    /// A certificate of a server on loopback.
    pub fn server(&self) -> Certified {
        let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let mut params = CertificateParams::new(names).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.certify(params)
    }

    /// A certificate of a server with these names, changed as a test needs it.
    pub fn server_of(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Certified {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        change(&mut params);
        self.certify(params)
    }

    /// A certificate of a caller, with one URI.
    pub fn caller(&self, uri: &str) -> Certified {
        self.caller_until(uri, 4096)
    }

    /// The same, until this year begins.
    pub fn caller_until(&self, uri: &str, year: i32) -> Certified {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.subject_alt_names = vec![SanType::URI(uri.try_into().unwrap())];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.not_after = date_time_ymd(year, 1, 1);
        self.certify(params)
    }

    fn certify(&self, mut params: CertificateParams) -> Certified {
        let key = KeyPair::generate().unwrap();
        let serial = SerialNumber::from(fastrand::u64(1..1 << 60));
        params.serial_number = Some(serial.clone());
        Certified { certificate: params.signed_by(&key, &self.issuer).unwrap(), key, serial }
    }

    /// A revocation list with these certificates, in PEM.
    pub fn revoking(&self, revoked: &[&Certified]) -> String {
        let entry = |certified: &&Certified| RevokedCertParams {
            serial_number: certified.serial.clone(),
            revocation_time: date_time_ymd(2026, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, 1, 1),
            next_update: date_time_ymd(4096, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.iter().map(entry).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap().pem().unwrap()
    }

    pub fn pem(&self) -> String {
        self.issuer.pem()
    }
}

impl Default for Ca {
    fn default() -> Self {
        Self::new()
    }
}

impl Certified {
    /// Writes both as PEM into a directory, and gives their files.
    pub fn write(&self, dir: &Path, name: &str) -> (PathBuf, PathBuf) {
        let place = |end| dir.join(format!("{name}{end}"));
        private(&place(".pem"), &self.certificate.pem());
        private(&place(".key"), &self.key.serialize_pem());
        (place(".pem"), place(".key"))
    }
}

/// Writes a file that only its owner reads.
pub fn private(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// The arguments of a server that asks its callers for certificates of this authority, and knows
/// the principals of this policy.
pub fn arguments(ca: &Ca, dir: &Path, policy: &str) -> Vec<String> {
    let (certificate, key) = ca.server().write(dir, "server");
    let (clients, principals) = (dir.join("ca.pem"), dir.join("principals.toml"));
    private(&clients, &ca.pem());
    private(&principals, policy);
    let settings = [
        ("--tls-cert", certificate),
        ("--tls-key", key),
        ("--tls-client-ca", clients),
        ("--principals", principals),
    ];
    let pair = |(flag, path): (&str, PathBuf)| [flag.to_owned(), path.display().to_string()];
    settings.into_iter().flat_map(pair).collect()
}

/// The settings of a caller whose certificate is in a directory, under a name; or of one without.
pub fn client(dir: &Path, name: Option<&str>) -> Arc<ClientConfig> {
    let file = |name: &str, end| dir.join(format!("{name}{end}"));
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_file(file("ca", ".pem")).unwrap();
    roots.add(ca).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match name {
        None => builder.with_no_client_auth(),
        Some(name) => {
            let chain = vec![CertificateDer::from_pem_file(file(name, ".pem")).unwrap()];
            let key = PrivateKeyDer::from_pem_file(file(name, ".key")).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Arc::new(config)
}

/// Listens without TLS, and hands each connection on to a server through TLS.
pub async fn road(to: SocketAddr, client: Arc<ClientConfig>) -> SocketAddr {
    road_by(move || TcpStream::connect(to), client).await
}

/// The same over connections that somebody makes.
pub async fn road_by<F>(
    connect: impl Fn() -> F + Send + Sync + 'static,
    client: Arc<ClientConfig>,
) -> SocketAddr
where
    F: Future<Output = io::Result<TcpStream>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connector = TlsConnector::from(client);
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let (connector, far) = (connector.clone(), connect());
            tokio::spawn(async move {
                let Ok(far) = far.await else { return };
                let (_, _) = (near.set_nodelay(true), far.set_nodelay(true));
                let name = ServerName::try_from("localhost").unwrap();
                let Ok(mut far) = connector.connect(name, far).await else { return };
                // However it ends, both ends learn it by the close.
                let _ = copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    address
}
