//! Certificates and keys in PEM, with the line of a fault. No error repeats any of the content.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer,
};

use crate::lang::{say, word};

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";
const CERTIFICATE: &str = "CERTIFICATE";
/// The longest label in use has 21 bytes.
const LABEL_BYTES_MAX: usize = 32;

/// A part of a file.
#[derive(Debug)]
pub struct Section<'a> {
    /// What it says that it holds, such as `CERTIFICATE`.
    pub label: &'a str,
    /// The number of its first line.
    pub line: usize,
    /// What it holds.
    pub der: Vec<u8>,
}

/// A fault of a text in PEM, at its line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct PemFault {
    /// The number of the line.
    pub line: usize,
    /// The fault. It names labels alone, and they have few characters.
    pub why: String,
}

/// True if bytes are PEM rather than DER: they have the beginning of a part.
#[must_use]
pub fn is_pem(bytes: &[u8]) -> bool {
    bytes.windows(BEGIN.len()).any(|window| window == BEGIN.as_bytes())
}

/// The parts of a text. What is outside of them is a remark.
///
/// # Errors
/// [`PemFault`] of the first part that is not whole.
pub fn sections(text: &str) -> Result<Vec<Section<'_>>, PemFault> {
    let mut found = Vec::new();
    let mut open: Option<(&str, usize, String)> = None;
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        if let Some(label) = marked(line, BEGIN) {
            if let Some((open, begun, _)) = open {
                return Err(fault(begun, format!("{open} has no end")));
            }
            open = Some((label, number, String::new()));
        } else if let Some(label) = marked(line, END) {
            let Some((begun, line, base64)) = open.take().filter(|(begun, ..)| *begun == label)
            else {
                return Err(fault(number, "this is the end of nothing".to_owned()));
            };
            let der = STANDARD.decode(base64);
            let der = der.map_err(|_| fault(line, format!("{begun} is damaged: not base64")))?;
            found.push(Section { label: begun, line, der });
        } else if let Some((_, _, base64)) = &mut open {
            base64.push_str(line);
        }
    }
    match open {
        Some((label, begun, _)) => Err(fault(begun, format!("{label} has no end"))),
        None => Ok(found),
    }
}

fn fault(line: usize, why: String) -> PemFault {
    PemFault { line, why }
}

fn marked<'a>(line: &'a str, mark: &str) -> Option<&'a str> {
    let label = line.strip_prefix(mark)?.strip_suffix(DASHES)?;
    // Errors repeat it, and a damaged key could stand in its place.
    (label.len() <= LABEL_BYTES_MAX).then_some(label)
}

/// The certificates of a text, with their lines; at least one.
pub(super) fn certificates(text: &str) -> Result<Vec<(usize, CertificateDer<'static>)>, String> {
    let sections = sections(text).map_err(|fault| fault.to_string())?;
    let found: Vec<_> = sections
        .into_iter()
        .filter(|section| section.label == CERTIFICATE)
        .map(|section| (section.line, CertificateDer::from(section.der)))
        .collect();
    if found.is_empty() {
        return Err(word!(
            en: "it holds no certificate in PEM (-----BEGIN CERTIFICATE-----)",
            zh: "其中没有 PEM 证书（-----BEGIN CERTIFICATE-----）"
        )
        .to_owned());
    }
    Ok(found)
}

/// The only key of a text.
pub(super) fn key(text: &str) -> Result<PrivateKeyDer<'static>, String> {
    let mut found = None;
    for Section { label, line, der } in sections(text).map_err(|fault| fault.to_string())? {
        let key = match label {
            "PRIVATE KEY" => PrivatePkcs8KeyDer::from(der).into(),
            "RSA PRIVATE KEY" => PrivatePkcs1KeyDer::from(der).into(),
            "EC PRIVATE KEY" => PrivateSec1KeyDer::from(der).into(),
            "ENCRYPTED PRIVATE KEY" => {
                return Err(say!(
                    en: "line {line}: the key is encrypted, and nobody is there to ask for its \
                         passphrase; decrypt it: openssl pkey -in FILE -out FILE",
                    zh: "第 {line} 行：密钥已加密，而运行时无人输入口令；请先解密：openssl pkey \
                         -in 文件 -out 文件"
                ));
            }
            _ => continue,
        };
        if found.replace(key).is_some() {
            return Err(say!(
                en: "line {line}: this is a second key; leave one",
                zh: "第 {line} 行：这是第二个密钥，请只保留一个"
            ));
        }
    }
    found.ok_or_else(|| {
        word!(
            en: "it holds no key in PEM (-----BEGIN PRIVATE KEY-----)",
            zh: "其中没有 PEM 密钥（-----BEGIN PRIVATE KEY-----）"
        )
        .to_owned()
    })
}
