//! The proof of identity that a connection carries, before any message is read.

use std::sync::Arc;

use parking_lot::Mutex;

use super::Identified;

/// A client certificate that TLS has verified. Nothing of a certificate is read before that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerCertificate {
    /// The URIs in its subject alternative name, in its order.
    pub uris: Vec<String>,
    /// SHA-256 of its SubjectPublicKeyInfo.
    pub key_sha256: [u8; 32],
    /// Microseconds since 1970 at which it ends.
    pub not_after_micros: i64,
    /// Its serial number in hexadecimal, by which its issuer knows it.
    pub serial: String,
}

/// A connection, as far as it tells who calls. Requests carry it in their extensions, as an `Arc`;
/// one that carries none came over a plain connection.
#[derive(Debug, Default)]
pub struct Channel {
    /// True over TLS.
    is_encrypted: bool,
    /// The certificate that the peer has shown.
    certificate: Option<PeerCertificate>,
    /// The user at the other end of the Unix socket of a gateway.
    gateway_user: Option<u32>,
    /// The last caller by the certificate. The calls of a connection come one after the other, so
    /// nobody waits for this.
    caller: Mutex<Option<Arc<Identified>>>,
}

impl Channel {
    /// A connection over TLS.
    #[must_use]
    pub fn tls(certificate: Option<PeerCertificate>) -> Arc<Self> {
        Arc::new(Self { is_encrypted: true, certificate, ..Self::default() })
    }

    /// A connection over the Unix socket of a gateway, from a process of the user that the settings
    /// name for it.
    #[must_use]
    pub fn gateway_socket(user: u32) -> Arc<Self> {
        Arc::new(Self { gateway_user: Some(user), ..Self::default() })
    }

    /// True over TLS.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }

    /// The certificate that the peer has shown.
    #[must_use]
    pub fn certificate(&self) -> Option<&PeerCertificate> {
        self.certificate.as_ref()
    }

    /// The user at the other end of the Unix socket of a gateway.
    #[must_use]
    pub fn gateway_user(&self) -> Option<u32> {
        self.gateway_user
    }

    /// The last caller by the certificate, if it was found in the policy of this generation.
    pub(super) fn caller(&self, generation: u64) -> Option<Arc<Identified>> {
        let caller = self.caller.lock();
        caller.as_ref().filter(|who| who.generation == generation).cloned()
    }

    /// Keeps a caller for the next call of this connection.
    pub(super) fn keep_caller(&self, who: &Arc<Identified>) {
        *self.caller.lock() = Some(Arc::clone(who));
    }
}
