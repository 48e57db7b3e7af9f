//! Why a handshake failed, in the words of whoever gave the flags.

use std::{error::Error, io};

use jiff::Timestamp;
use rustls::{AlertDescription, CertificateError, pki_types::UnixTime};

use super::ClientFiles;
use crate::lang::{say, word};

/// A connection with TLS that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Who objects.
    pub kind: FaultKind,
    /// Why, and the remedy.
    pub why: String,
}

/// Who objects to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// This side does not trust the server, or the server speaks no TLS.
    Server,
    /// The server does not accept the certificate of this side, or the lack of one.
    Client,
    /// Nobody says: the connection was closed without a word.
    Silent,
}

/// The fault behind an error of a connection to `host`, if TLS is behind it.
#[must_use]
pub fn explain(error: &(dyn Error + 'static), host: &str, files: &ClientFiles) -> Option<Fault> {
    let server = |why| Some(Fault { kind: FaultKind::Server, why });
    match cause(error)? {
        rustls::Error::InvalidCertificate(why) => server(of_server(why, host, files)),
        rustls::Error::InvalidMessage(_) => server(say!(
            en: "{host} does not speak TLS there; check the port",
            zh: "{host} 的该端口没有使用 TLS，请检查端口"
        )),
        rustls::Error::AlertReceived(alert) => of_alert(*alert, host, files),
        error => server(say!(
            en: "no TLS with {host}: {error}", zh: "无法与 {host} 建立 TLS：{error}"
        )),
    }
}

/// The error of rustls in a chain of errors. One that an `io::Error` wraps is not in its chain.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    None
}

fn of_server(why: &CertificateError, host: &str, files: &ClientFiles) -> String {
    let flag = files.flags.ca;
    match why {
        // Another CA of the same name signed it, such as one that was made before.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => match &files.ca {
            Some(path) => say!(
                en: "the certificate of {host} is not signed by a CA in {} ({flag})",
                zh: "{host} 的证书不是由 {} 中的 CA 签发（{flag}）",
                path.display()
            ),
            None => say!(
                en: "the certificate of {host} is signed by a CA that this machine does not \
                     trust; name the CA's file: {flag} FILE",
                zh: "{host} 的证书由本机不信任的 CA 签发；请指定 CA 文件：{flag} 文件"
            ),
        },
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names: Vec<_> = presented.iter().map(|name| plain(name)).collect();
            let names = match names.is_empty() {
                true => word!(en: "no host", zh: "无主机").to_owned(),
                false => names.join(word!(en: ", ", zh: "、")),
            };
            say!(
                en: "the certificate is not for {host} but for {names}; use such a name, or have a \
                     certificate made for {host}",
                zh: "证书不适用于 {host}，而适用于 {names}；请使用其中的名称，或为 {host} 制作证书"
            )
        }
        CertificateError::NotValidForName => {
            say!(en: "the certificate is not for {host}", zh: "证书不适用于 {host}")
        }
        CertificateError::ExpiredContext { not_after, .. } => {
            say!(
                en: "the certificate of {host} expired at {}",
                zh: "{host} 的证书已于 {} 过期",
                told(*not_after)
            )
        }
        CertificateError::NotValidYetContext { not_before, .. } => say!(
            en: "the certificate of {host} is valid from {} on; check the clock of this machine",
            zh: "{host} 的证书自 {} 起有效；请检查本机时钟",
            told(*not_before)
        ),
        CertificateError::Revoked => {
            say!(en: "the certificate of {host} is revoked", zh: "{host} 的证书已被吊销")
        }
        CertificateError::Other(_) | CertificateError::BadEncoding => say!(
            en: "the certificate of {host} cannot be used: {why}", zh: "{host} 的证书无法使用：{why}"
        ),
        why => say!(
            en: "the certificate of {host} is refused: {why}", zh: "{host} 的证书被拒绝：{why}"
        ),
    }
}

/// A name of a certificate, which rustls writes as `DnsName("localhost")`.
fn plain(name: &str) -> String {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(name).trim_matches('"').to_owned()
}

fn told(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).map_or_else(
        |_| word!(en: "an unknown time", zh: "未知时间").to_owned(),
        |time| time.to_string(),
    )
}

/// The server ended the handshake, or the connection just after it.
fn of_alert(alert: AlertDescription, host: &str, files: &ClientFiles) -> Option<Fault> {
    let (certificate, key) = (files.flags.certificate, files.flags.key);
    let own = files.certificate.as_ref().map(|path| path.display().to_string());
    let shown = own.as_deref().unwrap_or(word!(en: "the client's certificate", zh: "客户端证书"));
    let why = match alert {
        AlertDescription::CertificateRequired | AlertDescription::NoCertificate => {
            say!(
                en: "{host} asks for a client certificate; give {certificate} and {key}",
                zh: "{host} 要求客户端证书，请给出 {certificate} 和 {key}"
            )
        }
        AlertDescription::UnknownCA | AlertDescription::DecryptError if own.is_some() => {
            say!(
                en: "{host} does not trust the CA that signed {shown} ({certificate})",
                zh: "{host} 不信任签发 {shown} 的 CA（{certificate}）"
            )
        }
        AlertDescription::CertificateExpired => {
            say!(
                en: "{shown} ({certificate}) has expired; ask for a new one",
                zh: "{shown}（{certificate}）已过期，请申请新证书"
            )
        }
        AlertDescription::CertificateRevoked => {
            say!(
                en: "{shown} ({certificate}) is revoked; ask for a new one",
                zh: "{shown}（{certificate}）已被吊销，请申请新证书"
            )
        }
        AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::AccessDenied => match own {
            Some(own) => say!(
                en: "{host} refuses {own} ({certificate}); its log has the cause",
                zh: "{host} 拒绝 {own}（{certificate}），原因见其日志"
            ),
            None => say!(
                en: "{host} refuses a client without a certificate ({certificate}, {key})",
                zh: "{host} 拒绝没有证书的客户端（{certificate}、{key}）"
            ),
        },
        AlertDescription::HandshakeFailure => match own {
            Some(_) => say!(en: "{host} refuses the handshake", zh: "{host} 拒绝握手"),
            None => say!(
                en: "{host} refuses the handshake; it may ask for a client certificate \
                     ({certificate}, {key})",
                zh: "{host} 拒绝握手，可能要求客户端证书（{certificate}、{key}）"
            ),
        },
        alert => {
            let why = say!(en: "{host} ended TLS: {alert:?}", zh: "{host} 结束了 TLS：{alert:?}");
            return Some(Fault { kind: FaultKind::Server, why });
        }
    };
    Some(Fault { kind: FaultKind::Client, why })
}
