//! Settings that are read one by one are looked at together.

use super::{super::tls::TlsFiles, Config, ConfigError};
use crate::{
    lang::word,
    limits::{GATEWAY_SOCKETS_MAX, PARTY_IN_FLIGHT_BYTES_MAX, TLS_CRL_FILES_MAX},
};

impl Config {
    /// Refuses settings that do not go together, or that a server must not have.
    pub(super) fn require_usable(&self) -> Result<(), ConfigError> {
        self.require_protection()?;
        self.require_whole_tls()?;
        self.require_whole_follow()?;
        if self.listen.port() > 0 && self.operations_listen.address() == Some(self.listen) {
            return Err(ConfigError::SameAddress(self.listen));
        }
        if self.in_flight_bytes < PARTY_IN_FLIGHT_BYTES_MAX {
            return Err(ConfigError::InFlight(self.in_flight_bytes));
        }
        self.require_audit_sinks()?;
        self.otlp()?;
        self.sampling()?;
        Ok(())
    }

    /// True if the port for callers speaks TLS.
    #[must_use]
    pub fn has_tls(&self) -> bool {
        self.tls_cert.is_some()
    }

    /// The files of TLS; `None` without it.
    pub(in crate::server) fn tls_files(&self) -> Option<TlsFiles> {
        let (certificate, key) = (self.tls_cert.clone()?, self.tls_key.clone()?);
        let (client_ca, client_crl) = (self.tls_client_ca.clone(), self.tls_client_crl.clone());
        Some(TlsFiles { certificate, key, client_ca, client_crl })
    }

    /// True if requests must name this machine: only it reaches the port, and without TLS nothing
    /// else tells a client from a web page.
    pub(super) fn needs_host_guard(&self) -> bool {
        self.listen.ip().is_loopback() && !self.has_tls()
    }

    /// True if the server knows its callers.
    fn has_principals(&self) -> bool {
        self.principals.is_some()
    }

    /// Other machines are let in only over TLS and only if they prove who they are, unless the
    /// operator accepts the risk.
    fn require_protection(&self) -> Result<(), ConfigError> {
        if self.insecure {
            return Ok(());
        }
        if let Some(address) = self.operations_listen.address()
            && !address.ip().is_loopback()
        {
            return Err(ConfigError::InsecureOperations(address));
        }
        match self.missing_protection() {
            Some(lacks) => Err(ConfigError::Insecure { address: self.listen, lacks }),
            None => Ok(()),
        }
    }

    /// What the port for callers lacks that an address needs which other machines can reach.
    #[must_use]
    pub fn missing_protection(&self) -> Option<&'static str> {
        match (self.has_tls(), self.has_principals()) {
            _ if self.listen.ip().is_loopback() => None,
            (true, true) => None,
            (false, true) => Some(word!(en: "connections have no TLS", zh: "连接没有 TLS")),
            (true, false) => Some(word!(
                en: "the server knows no principals, so anybody may call",
                zh: "服务器没有设置主体，任何人都可以调用"
            )),
            (false, false) => Some(word!(
                en: "connections have no TLS and callers have no principals",
                zh: "连接没有 TLS，调用方也没有主体"
            )),
        }
    }

    fn require_whole_tls(&self) -> Result<(), ConfigError> {
        let settings = [
            ("tls_cert", self.tls_cert.is_some(), "tls_key", self.tls_key.is_some()),
            ("tls_key", self.tls_key.is_some(), "tls_cert", self.tls_cert.is_some()),
            ("tls_client_ca", self.tls_client_ca.is_some(), "tls_cert", self.tls_cert.is_some()),
            (
                "tls_client_crl",
                !self.tls_client_crl.is_empty(),
                "tls_client_ca",
                self.tls_client_ca.is_some(),
            ),
        ];
        for (set, is_set, missing, is_there) in settings {
            if is_set && !is_there {
                return Err(ConfigError::Alone { set, missing });
            }
        }
        let counts = [
            ("tls_client_crl", self.tls_client_crl.len(), TLS_CRL_FILES_MAX),
            ("gateway_sockets", self.gateway_sockets.len(), GATEWAY_SOCKETS_MAX),
        ];
        for (setting, count, most) in counts {
            if count > most {
                return Err(ConfigError::TooManyFiles { setting, count, most });
            }
        }
        Ok(())
    }
}
