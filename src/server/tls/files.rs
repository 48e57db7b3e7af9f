//! Reads the files of TLS. An error names the setting, the file, the line and the cause; it never
//! repeats a byte of a file, which may be a key.

use std::{
    fmt, fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use sha2::{Digest as _, Sha256};

use crate::{
    files,
    limits::{TLS_AUTHORITIES_MAX, TLS_CHAIN_MAX, TLS_CRL_FILE_BYTES_MAX, TLS_FILE_BYTES_MAX},
    tls::pem::{self, Section},
};

/// Where the files are.
#[derive(Clone, Debug)]
pub(in crate::server) struct TlsFiles {
    pub(in crate::server) certificate: PathBuf,
    pub(in crate::server) key: PathBuf,
    pub(in crate::server) client_ca: Option<PathBuf>,
    pub(in crate::server) client_crl: Vec<PathBuf>,
}

/// A file of TLS that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFileError {
    setting: &'static str,
    path: PathBuf,
    line: Option<usize>,
    why: String,
}

/// The content of all files.
pub(super) struct Contents {
    pub(super) certificate: Content,
    pub(super) key: Content,
    pub(super) client_ca: Option<Content>,
    pub(super) client_crl: Vec<Content>,
}

/// The content of one file.
pub(super) struct Content {
    setting: &'static str,
    path: PathBuf,
    bytes: Vec<u8>,
}

/// A part of a file, and the line on which it begins in a PEM file.
pub(super) struct Part<T> {
    pub(super) line: Option<usize>,
    pub(super) der: T,
}

/// What changes when a file is written, or when its name is given to another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp(Option<[i64; 4]>, Option<[u64; 3]>);

impl fmt::Display for TlsFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.setting, self.path.display())?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {}", self.why)
    }
}

impl std::error::Error for TlsFileError {}

impl TlsFiles {
    fn all(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let one = [("tls_cert", &*self.certificate), ("tls_key", &*self.key)];
        let ca = self.client_ca.iter().map(|path| ("tls_client_ca", &**path));
        let crl = self.client_crl.iter().map(|path| ("tls_client_crl", &**path));
        one.into_iter().chain(ca).chain(crl)
    }

    /// The stamps of all files.
    pub(super) fn stamps(&self) -> Vec<Stamp> {
        self.all().map(|(_, path)| Stamp::of(path)).collect()
    }

    /// Reads all files.
    pub(super) fn read(&self) -> Result<Contents, TlsFileError> {
        let read = |(setting, path): (&'static str, &Path)| {
            let most = match setting {
                "tls_client_crl" => TLS_CRL_FILE_BYTES_MAX,
                _ => TLS_FILE_BYTES_MAX,
            };
            let path = path.to_path_buf();
            match files::read(&path, most) {
                Ok(bytes) => Ok(Content { setting, path, bytes }),
                Err(error) => {
                    Err(TlsFileError { setting, path, line: None, why: error.to_string() })
                }
            }
        };
        require_private(&self.key)?;
        let crls = self.client_crl.iter().map(|path| read(("tls_client_crl", path)));
        Ok(Contents {
            certificate: read(("tls_cert", &self.certificate))?,
            key: read(("tls_key", &self.key))?,
            client_ca: self.client_ca.as_ref().map(|p| read(("tls_client_ca", p))).transpose()?,
            client_crl: crls.collect::<Result<_, _>>()?,
        })
    }
}

/// A key that every user of the machine can read is nobody's secret.
fn require_private(path: &Path) -> Result<(), TlsFileError> {
    const ANYBODY: u32 = 0o007;
    let refused =
        |why| TlsFileError { setting: "tls_key", path: path.to_path_buf(), line: None, why };
    let mode = fs::metadata(path).map_err(|error| refused(error.to_string()))?.mode();
    if mode & ANYBODY == 0 {
        return Ok(());
    }
    let shown = path.display();
    let mode = mode & 0o7777;
    Err(refused(format!(
        "every user of this machine has access to it (mode {mode:04o}); run: chmod o= '{shown}'"
    )))
}

impl Stamp {
    fn of(path: &Path) -> Self {
        let Ok(file) = fs::metadata(path) else { return Self(None, None) };
        let times = [file.mtime(), file.mtime_nsec(), file.ctime(), file.ctime_nsec()];
        Self(Some(times), Some([file.dev(), file.ino(), file.len()]))
    }
}

impl Contents {
    /// A hash of everything, to tell a file that was only touched from one that has changed.
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        let ca = self.client_ca.iter();
        for content in [&self.certificate, &self.key].into_iter().chain(ca).chain(&self.client_crl)
        {
            digest.update(content.bytes.len().to_be_bytes());
            digest.update(&content.bytes);
        }
        digest.finalize().into()
    }
}

impl Content {
    /// A fault of the file.
    pub(super) fn fault(&self, line: Option<usize>, why: impl fmt::Display) -> TlsFileError {
        let Self { setting, path, .. } = self;
        TlsFileError { setting, path: path.clone(), line, why: why.to_string() }
    }

    /// The chain of the server, its own certificate first.
    pub(super) fn chain(&self) -> Result<Vec<Part<CertificateDer<'static>>>, TlsFileError> {
        self.certificates(TLS_CHAIN_MAX)
    }

    /// The certificates of authorities.
    pub(super) fn authorities(&self) -> Result<Vec<Part<CertificateDer<'static>>>, TlsFileError> {
        self.certificates(TLS_AUTHORITIES_MAX)
    }

    fn certificates(
        &self,
        most: usize,
    ) -> Result<Vec<Part<CertificateDer<'static>>>, TlsFileError> {
        let sections = self.sections()?;
        if let Some(odd) = sections.iter().find(|section| section.label != "CERTIFICATE") {
            let why = "only sections CERTIFICATE belong into this file";
            return Err(self.fault(Some(odd.line), why));
        }
        if sections.is_empty() {
            return Err(self.fault(None, "it has no section CERTIFICATE in PEM"));
        }
        self.require_at_most(most, sections.len(), "certificates")?;
        let part = |s: Section<'_>| Part { line: Some(s.line), der: CertificateDer::from(s.der) };
        Ok(sections.into_iter().map(part).collect())
    }

    /// The private key.
    pub(super) fn key(&self) -> Result<Part<PrivateKeyDer<'static>>, TlsFileError> {
        let mut found = None;
        for Section { line, label, der } in self.sections()? {
            let key = match label {
                "PRIVATE KEY" => PrivateKeyDer::Pkcs8(der.into()),
                "RSA PRIVATE KEY" => PrivateKeyDer::Pkcs1(der.into()),
                "EC PRIVATE KEY" => PrivateKeyDer::Sec1(der.into()),
                // Such a section names the curve, which the key names as well.
                "EC PARAMETERS" => continue,
                "ENCRYPTED PRIVATE KEY" => {
                    let why = "the key has a passphrase, and a server cannot ask for it; store \
                               the key without one, with mode 0600";
                    return Err(self.fault(Some(line), why));
                }
                _ => return Err(self.fault(Some(line), "this is not a private key")),
            };
            if found.is_some() {
                return Err(self.fault(Some(line), "it has a second private key"));
            }
            found = Some(Part { line: Some(line), der: key });
        }
        found.ok_or_else(|| self.fault(None, "it has no section PRIVATE KEY in PEM"))
    }

    /// The revocation lists: the sections of a PEM file, or one list in DER.
    pub(super) fn revocation_lists(
        &self,
    ) -> Result<Vec<Part<CertificateRevocationListDer<'static>>>, TlsFileError> {
        if !pem::is_pem(&self.bytes) {
            return Ok(vec![Part { line: None, der: self.bytes.clone().into() }]);
        }
        let sections = self.sections()?;
        if let Some(odd) = sections.iter().find(|section| section.label != "X509 CRL") {
            return Err(self.fault(Some(odd.line), "only sections X509 CRL belong into this file"));
        }
        self.require_at_most(TLS_AUTHORITIES_MAX, sections.len(), "revocation lists")?;
        Ok(sections.into_iter().map(|s| Part { line: Some(s.line), der: s.der.into() }).collect())
    }

    fn require_at_most(&self, most: usize, count: usize, of: &str) -> Result<(), TlsFileError> {
        if count <= most {
            return Ok(());
        }
        Err(self.fault(None, format!("it has {count} {of}, and the limit is {most}")))
    }

    fn sections(&self) -> Result<Vec<Section<'_>>, TlsFileError> {
        let text = str::from_utf8(&self.bytes);
        let text = text.map_err(|_| self.fault(None, "it is not PEM, which is a text"))?;
        pem::sections(text).map_err(|fault| self.fault(Some(fault.line), fault.why))
    }
}

impl From<TlsFileError> for io::Error {
    fn from(error: TlsFileError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}
