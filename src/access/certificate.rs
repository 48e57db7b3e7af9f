//! Reads the client certificate of a connection, once TLS has verified it.

use sha2::{Digest as _, Sha256};
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer as _};

use super::PeerCertificate;

/// A certificate that verification took and the parser does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the client certificate cannot be read: {0}")]
pub struct UnreadableCertificate(&'static str);

impl PeerCertificate {
    /// Reads a certificate. Only one that TLS has verified may come here: parsers of certificates
    /// are an old way into servers.
    ///
    /// # Errors
    /// [`UnreadableCertificate`] if a part of it is malformed.
    pub fn of_verified(der: &[u8]) -> Result<Self, UnreadableCertificate> {
        let (_, certificate) =
            X509Certificate::from_der(der).map_err(|_| UnreadableCertificate("not X.509"))?;
        let names = certificate
            .subject_alternative_name()
            .map_err(|_| UnreadableCertificate("its alternative names"))?;
        let names = names.map_or(&[][..], |names| &names.value.general_names);
        let uri = |name: &GeneralName<'_>| match name {
            GeneralName::URI(uri) => Some((*uri).to_owned()),
            _ => None,
        };
        let seconds = certificate.validity().not_after.timestamp();
        Ok(Self {
            uris: names.iter().filter_map(uri).collect(),
            key_sha256: Sha256::digest(certificate.public_key().raw).into(),
            serial: hexadecimal(certificate.raw_serial()),
            not_after_micros: seconds.saturating_mul(1_000_000),
        })
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    // A positive number begins with a zero byte where its first bit is set.
    let digits = bytes.strip_prefix(&[0]).filter(|rest| !rest.is_empty()).unwrap_or(bytes);
    digits.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use rcgen::{CertificateParams, KeyPair, PublicKeyData as _, SanType, SerialNumber};

    use super::*;

    #[test]
    fn a_certificate_tells_its_uris_its_key_and_its_end() {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["host.example".to_owned()]).unwrap();
        let uri = |text: &str| SanType::URI(text.try_into().unwrap());
        params.subject_alt_names.push(uri("spiffe://gd.example/tidu/recorder"));
        params.subject_alt_names.push(uri("spiffe://gd.example/tidu/reader"));
        params.serial_number = Some(SerialNumber::from_slice(&[0xa1, 0x02]));
        params.not_after = rcgen::date_time_ymd(2031, 2, 3);
        let certificate = params.self_signed(&key).unwrap();
        let read = PeerCertificate::of_verified(certificate.der()).unwrap();
        let expected = ["spiffe://gd.example/tidu/recorder", "spiffe://gd.example/tidu/reader"];
        assert_eq!(read.uris, expected);
        assert_eq!(
            read.key_sha256,
            <[u8; 32]>::from(Sha256::digest(key.subject_public_key_info()))
        );
        assert_eq!(read.serial, "a102");
        assert_eq!(read.not_after_micros, 1_927_843_200_000_000);
    }

    #[test]
    fn bytes_that_are_not_a_certificate_are_refused() {
        for bytes in [&b""[..], b"text", &[0x30, 0x82, 0xff, 0xff]] {
            assert!(PeerCertificate::of_verified(bytes).is_err(), "{bytes:?}");
        }
    }
}
