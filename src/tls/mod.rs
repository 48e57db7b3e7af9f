//! TLS as a client speaks it: the CAs that it trusts, the certificate that it shows, and the causes
//! of a failed handshake in the words of whoever types the flags.
//!
//! Nothing here falls back to plaintext: a connection that asks for TLS gets it or fails.

pub mod pem;
mod words;

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use hyper_rustls::ConfigBuilderExt as _;
use rustls::{
    ClientConfig, RootCertStore,
    client::WebPkiServerVerifier,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer},
};

pub use self::words::{Fault, FaultKind, explain};
use crate::{
    files,
    lang::{say, word},
    limits::PEM_BYTES_MAX,
};

/// The files of a client, and the flags that name them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientFiles {
    /// CAs to trust, in PEM. `None`: those of the system.
    pub ca: Option<PathBuf>,
    /// The client's certificate with its chain, in PEM.
    pub certificate: Option<PathBuf>,
    /// Its key. `None`: the file of the certificate holds both.
    pub key: Option<PathBuf>,
    /// The flags, for errors.
    pub flags: &'static Flags,
}

/// The names of the flags.
#[derive(Debug, PartialEq, Eq)]
pub struct Flags {
    /// That of the CAs.
    pub ca: &'static str,
    /// That of the certificate.
    pub certificate: &'static str,
    /// That of the key.
    pub key: &'static str,
}

/// A file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}", say!(en: "{flag} {}: {why}", zh: "{flag} {}：{why}", path.display()))]
pub struct FileError {
    flag: &'static str,
    path: PathBuf,
    why: String,
}

/// The provider of cryptography, the same for every connection.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

impl ClientFiles {
    /// No files: the CAs of the system, and no certificate.
    #[must_use]
    pub fn none(flags: &'static Flags) -> Self {
        Self { ca: None, certificate: None, key: None, flags }
    }

    /// True if a file is named.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.ca.is_some() || self.certificate.is_some() || self.key.is_some()
    }

    /// Reads the files.
    ///
    /// # Errors
    /// [`FileError`] names the flag, the file, and the line where one is at fault.
    pub fn read(&self) -> Result<ClientConfig, FileError> {
        let nowhere = |why: String| FileError {
            flag: self.flags.ca,
            path: self
                .ca
                .clone()
                .unwrap_or_else(|| word!(en: "the system's CAs", zh: "系统的 CA").into()),
            why,
        };
        let provider = provider();
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| nowhere(error.to_string()))?;
        let builder = match &self.ca {
            Some(path) => {
                let verifier = WebPkiServerVerifier::builder_with_provider(
                    Arc::new(self.roots(path)?),
                    provider,
                );
                let verifier = verifier.build().map_err(|error| nowhere(error.to_string()))?;
                builder.with_webpki_verifier(verifier)
            }
            None => builder.with_native_roots().map_err(|error| {
                let flag = self.flags.ca;
                nowhere(say!(
                    en: "none were found ({error}); name a file in {flag} or in SSL_CERT_FILE",
                    zh: "没有找到（{error}）；请用 {flag} 或 SSL_CERT_FILE 指定文件"
                ))
            })?,
        };
        let Some((chain, key)) = self.identity()? else { return Ok(builder.with_no_client_auth()) };
        builder.with_client_auth_cert(chain, key).map_err(|error| {
            let (flag, path) = self.key_file();
            let why = match error {
                rustls::Error::InconsistentKeys(_) => {
                    let certificate = self.flags.certificate;
                    say!(
                        en: "this key does not belong to the certificate of {certificate}",
                        zh: "此密钥与 {certificate} 的证书不匹配"
                    )
                }
                error => error.to_string(),
            };
            FileError { flag, path: path.to_path_buf(), why }
        })
    }

    fn roots(&self, path: &Path) -> Result<RootCertStore, FileError> {
        let flag = self.flags.ca;
        let mut roots = RootCertStore::empty();
        let text = read_text(path, false).map_err(fault(flag, path))?;
        for (line, certificate) in pem::certificates(&text).map_err(fault(flag, path))? {
            let added = roots.add(certificate);
            added.map_err(|error| {
                fault(flag, path)(say!(
                    en: "line {line}: {error}", zh: "第 {line} 行：{error}"
                ))
            })?;
        }
        Ok(roots)
    }

    /// The file of the key, and the flag that names it.
    fn key_file(&self) -> (&'static str, &Path) {
        match (&self.key, &self.certificate) {
            (Some(key), _) => (self.flags.key, key),
            (None, Some(both)) => (self.flags.certificate, both),
            (None, None) => (self.flags.key, Path::new("")),
        }
    }

    /// The chain and the key that the client shows, if it has them.
    fn identity(
        &self,
    ) -> Result<Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>, FileError> {
        let Some(certificate) = &self.certificate else {
            return match &self.key {
                None => Ok(None),
                Some(key) => {
                    let certificate = self.flags.certificate;
                    Err(fault(self.flags.key, key)(say!(
                        en: "a key is of no use without its certificate; give {certificate} too",
                        zh: "仅有密钥而没有证书无法使用，请同时给出 {certificate}"
                    )))
                }
            };
        };
        let in_certificate = fault(self.flags.certificate, certificate);
        let text = read_text(certificate, false).map_err(&in_certificate)?;
        let chain = pem::certificates(&text).map_err(&in_certificate)?;
        let chain = chain.into_iter().map(|(_, certificate)| certificate).collect();
        let key = match &self.key {
            Some(path) => {
                let in_key = fault(self.flags.key, path);
                pem::key(&read_text(path, true).map_err(&in_key)?).map_err(in_key)?
            }
            None => {
                let flag = self.flags.key;
                let key = pem::key(&text).map_err(|why| {
                    in_certificate(say!(
                        en: "{why}; if the key has a file of its own: {flag}",
                        zh: "{why}；如果密钥另有文件，请用 {flag} 指定"
                    ))
                })?;
                // It holds a key, so nobody else may be able to read it.
                read_text(certificate, true).map_err(in_certificate)?;
                key
            }
        };
        Ok(Some((chain, key)))
    }
}

fn fault<W: fmt::Display>(flag: &'static str, path: &Path) -> impl Fn(W) -> FileError {
    move |why| FileError { flag, path: path.to_path_buf(), why: why.to_string() }
}

/// Reads a text; one with a secret must be closed to everybody else.
fn read_text(path: &Path, is_secret: bool) -> Result<String, String> {
    let read = if is_secret { files::read_secret } else { files::read };
    let bytes = read(path, PEM_BYTES_MAX).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => word!(en: "there is no such file", zh: "文件不存在").to_owned(),
        _ => error.to_string(),
    })?;
    String::from_utf8(bytes)
        .map_err(|_| word!(en: "it is not PEM, which is a text", zh: "不是 PEM 文本").to_owned())
}

#[cfg(test)]
mod tests;
