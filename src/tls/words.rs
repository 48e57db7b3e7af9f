//! Why a handshake failed, in the words of whoever gave the flags.

use std::{error::Error, io};

use jiff::Timestamp;
use rustls::{AlertDescription, CertificateError, pki_types::UnixTime};

use super::ClientFiles;

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
        rustls::Error::InvalidMessage(_) => {
            server(format!("{host} does not speak TLS there; check the port"))
        }
        rustls::Error::AlertReceived(alert) => of_alert(*alert, host, files),
        error => server(format!("no TLS with {host}: {error}")),
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
            Some(path) => format!(
                "the certificate of {host} is not signed by a CA in {} ({flag})",
                path.display()
            ),
            None => format!(
                "the certificate of {host} is signed by a CA that this machine does not trust; \
                 name the CA's file: {flag} FILE"
            ),
        },
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names: Vec<_> = presented.iter().map(|name| plain(name)).collect();
            let names = if names.is_empty() { "no host".to_owned() } else { names.join(", ") };
            format!(
                "the certificate is not for {host} but for {names}; use such a name, or have a \
                 certificate made for {host}"
            )
        }
        CertificateError::NotValidForName => format!("the certificate is not for {host}"),
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("the certificate of {host} expired at {}", told(*not_after))
        }
        CertificateError::NotValidYetContext { not_before, .. } => format!(
            "the certificate of {host} is valid from {} on; check the clock of this machine",
            told(*not_before)
        ),
        CertificateError::Revoked => format!("the certificate of {host} is revoked"),
        CertificateError::Other(_) | CertificateError::BadEncoding => {
            format!("the certificate of {host} cannot be used: {why}")
        }
        why => format!("the certificate of {host} is refused: {why}"),
    }
}

/// A name of a certificate, which rustls writes as `DnsName("localhost")`.
fn plain(name: &str) -> String {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(name).trim_matches('"').to_owned()
}

fn told(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).map_or_else(|_| "an unknown time".to_owned(), |t| t.to_string())
}

/// The server ended the handshake, or the connection just after it.
fn of_alert(alert: AlertDescription, host: &str, files: &ClientFiles) -> Option<Fault> {
    let (certificate, key) = (files.flags.certificate, files.flags.key);
    let own = files.certificate.as_ref().map(|path| path.display().to_string());
    let shown = own.as_deref().unwrap_or("the client's certificate");
    let why = match alert {
        AlertDescription::CertificateRequired | AlertDescription::NoCertificate => {
            format!("{host} asks for a client certificate; give {certificate} and {key}")
        }
        AlertDescription::UnknownCA | AlertDescription::DecryptError if own.is_some() => {
            format!("{host} does not trust the CA that signed {shown} ({certificate})")
        }
        AlertDescription::CertificateExpired => {
            format!("{shown} ({certificate}) has expired; ask for a new one")
        }
        AlertDescription::CertificateRevoked => {
            format!("{shown} ({certificate}) is revoked; ask for a new one")
        }
        AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::AccessDenied => match own {
            Some(own) => format!("{host} refuses {own} ({certificate}); its log has the cause"),
            None => format!("{host} refuses a client without a certificate ({certificate}, {key})"),
        },
        AlertDescription::HandshakeFailure => {
            let hint = match own {
                Some(_) => String::new(),
                None => format!("; it may ask for a client certificate ({certificate}, {key})"),
            };
            format!("{host} refuses the handshake{hint}")
        }
        alert => {
            let why = format!("{host} ended TLS: {alert:?}");
            return Some(Fault { kind: FaultKind::Server, why });
        }
    };
    Some(Fault { kind: FaultKind::Client, why })
}
