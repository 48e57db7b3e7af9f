//! The files of TLS, checked and ready for handshakes.

use std::{fmt, sync::Arc};

use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime},
    server::{
        NoServerSessionStorage, WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    sign::{CertifiedKey, SingleCertAndKey},
    version::{TLS12, TLS13},
};
use x509_parser::{
    certificate::X509Certificate, prelude::FromDer as _, revocation_list::CertificateRevocationList,
};

use super::files::{Content, Contents, Part, TlsFileError};

/// The protocols that clients may choose from.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// True if callers may prove who they are without a certificate.
pub(in crate::server) type OtherCredentials = Arc<dyn Fn() -> bool + Send + Sync>;

/// The files as handshakes use them.
pub(super) struct Loaded {
    pub(super) config: Arc<ServerConfig>,
    /// Verifies the certificates of callers, if they are asked for.
    pub(super) verifier: Option<Arc<dyn ClientCertVerifier>>,
    pub(super) ends: Ends,
}

/// The seconds since 1970 at which the first of a kind ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ends {
    /// A certificate of the server's chain.
    pub(super) certificate: i64,
    /// A certificate of an authority.
    pub(super) client_ca: Option<i64>,
    /// A revocation list: then the next one is due.
    pub(super) client_crl: Option<i64>,
}

impl Loaded {
    /// Checks the files. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// [`TlsFileError`] of the first file that cannot be used.
    pub(super) fn of(
        contents: &Contents,
        others: &OtherCredentials,
        now: i64,
    ) -> Result<Self, TlsFileError> {
        let provider = Arc::new(ring::default_provider());
        let (key, certificate_ends) = server_key(contents, &provider, now)?;
        let clients = contents.client_ca.as_ref();
        let clients = clients.map(|ca| clients_of(ca, &contents.client_crl, &provider));
        let clients = clients.transpose()?;
        let broken = |error: Error| contents.certificate.fault(None, error);
        let builder = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(broken)?;
        let builder = match &clients {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                let (inner, others) = (Arc::clone(&clients.verifier), Arc::clone(others));
                builder.with_client_cert_verifier(Arc::new(AskedFor { inner, others }))
            }
        };
        let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
        config.alpn_protocols = PROTOCOLS.iter().map(|protocol| protocol.to_vec()).collect();
        // A resumed session would bring back a certificate that was not verified again.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self {
            config: Arc::new(config),
            ends: Ends {
                certificate: certificate_ends,
                client_ca: clients.as_ref().map(|clients| clients.ca_ends),
                client_crl: clients.as_ref().and_then(|clients| clients.crl_ends),
            },
            verifier: clients.map(|clients| clients.verifier),
        })
    }
}

/// The key with its chain, and when the chain ends.
fn server_key(
    contents: &Contents,
    provider: &CryptoProvider,
    now: i64,
) -> Result<(CertifiedKey, i64), TlsFileError> {
    let (file, key_file) = (&contents.certificate, &contents.key);
    let chain = file.chain()?;
    let mut ends = i64::MAX;
    for part in &chain {
        let certificate = certificate(file, part)?;
        let validity = certificate.validity();
        if validity.not_after.timestamp() <= now {
            let why = format!("this certificate has ended: {}", validity.not_after);
            return Err(file.fault(part.line, why));
        }
        if validity.not_before.timestamp() > now {
            let why = format!("this certificate begins in the future: {}", validity.not_before);
            return Err(file.fault(part.line, why));
        }
        ends = ends.min(validity.not_after.timestamp());
    }
    let key = key_file.key()?;
    let chain = chain.into_iter().map(|part| part.der).collect();
    let key = CertifiedKey::from_der(chain, key.der, provider).map_err(|error| match error {
        Error::InconsistentKeys(_) => {
            key_file.fault(key.line, "this key is not that of the first certificate in tls_cert")
        }
        error => key_file.fault(key.line, format!("this key cannot be used: {error}")),
    })?;
    Ok((key, ends))
}

/// How the certificates of callers are verified.
struct Clients {
    verifier: Arc<dyn ClientCertVerifier>,
    ca_ends: i64,
    crl_ends: Option<i64>,
}

fn clients_of(
    ca: &Content,
    crls: &[Content],
    provider: &Arc<CryptoProvider>,
) -> Result<Clients, TlsFileError> {
    let parts = ca.authorities()?;
    let mut roots = RootCertStore::empty();
    let mut authorities = Vec::new();
    for part in &parts {
        let authority = certificate(ca, part)?;
        if !authority.is_ca() {
            return Err(ca.fault(part.line, "this certificate is not that of an authority"));
        }
        let added = roots.add(part.der.clone());
        added.map_err(|e| ca.fault(part.line, format!("this certificate cannot be used: {e}")))?;
        authorities.push((part.line, authority));
    }
    let mut lists = Vec::new();
    let mut crl_ends = None::<i64>;
    for file in crls {
        for part in file.revocation_lists()? {
            if let Some(end) = require_signed(file, &part, &mut authorities)? {
                crl_ends = Some(crl_ends.map_or(end, |first| first.min(end)));
            }
            lists.push(part.der);
        }
    }
    let ca_ends = authorities.iter().map(|(_, a)| a.validity().not_after.timestamp()).min();
    require_lists(ca, &lists, &authorities)?;
    let builder =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    let verifier = builder.with_crls(lists).build();
    let verifier = verifier.map_err(|error| match crls.first() {
        Some(first) => first.fault(None, error),
        None => ca.fault(None, error),
    })?;
    Ok(Clients { verifier, ca_ends: ca_ends.unwrap_or(i64::MAX), crl_ends })
}

type Authority<'a> = (Option<usize>, X509Certificate<'a>);

/// Checks a revocation list, and gives the time at which the next one is due. A list of an
/// authority must have its signature: otherwise every handshake would fail.
fn require_signed(
    file: &Content,
    part: &Part<CertificateRevocationListDer<'static>>,
    authorities: &mut [Authority<'_>],
) -> Result<Option<i64>, TlsFileError> {
    let (rest, list) = CertificateRevocationList::from_der(part.der.as_ref())
        .map_err(|_| file.fault(part.line, "this is not a revocation list"))?;
    if !rest.is_empty() {
        return Err(file.fault(part.line, "bytes follow the revocation list"));
    }
    let mut issuers = authorities.iter().filter(|(_, a)| a.subject() == list.issuer()).peekable();
    let is_of_authority = issuers.peek().is_some();
    if is_of_authority && !issuers.any(|(_, a)| list.verify_signature(a.public_key()).is_ok()) {
        let why = format!("this list does not have the signature of {}", list.issuer());
        return Err(file.fault(part.line, why));
    }
    Ok(list.next_update().map(|next| next.timestamp()))
}

/// Each authority needs a list as soon as one has: without it, all of its callers are refused.
fn require_lists(
    ca: &Content,
    lists: &[CertificateRevocationListDer<'static>],
    authorities: &[Authority<'_>],
) -> Result<(), TlsFileError> {
    if lists.is_empty() {
        return Ok(());
    }
    let parsed = lists.iter().filter_map(|list| CertificateRevocationList::from_der(list).ok());
    let parsed: Vec<_> = parsed.map(|(_, list)| list).collect();
    for (line, authority) in authorities {
        if !parsed.iter().any(|list| list.issuer() == authority.subject()) {
            let why = format!(
                "the authority {} has no revocation list in tls_client_crl, so all of its \
                 callers would be refused",
                authority.subject()
            );
            return Err(ca.fault(*line, why));
        }
    }
    Ok(())
}

fn certificate<'a>(
    file: &Content,
    part: &'a Part<CertificateDer<'static>>,
) -> Result<X509Certificate<'a>, TlsFileError> {
    match X509Certificate::from_der(part.der.as_ref()) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err(file.fault(part.line, "this is not a certificate")),
    }
}

/// Asks every caller for a certificate. Whether a caller must have one is decided here alone, at
/// each handshake: it must, unless callers may prove who they are in another way.
struct AskedFor {
    inner: Arc<dyn ClientCertVerifier>,
    others: OtherCredentials,
}

impl fmt::Debug for AskedFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl ClientCertVerifier for AskedFor {
    fn client_auth_mandatory(&self) -> bool {
        !(self.others)()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.inner.verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
