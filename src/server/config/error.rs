//! Why settings cannot be used.

use std::{io, net::SocketAddr, path::PathBuf};

use crate::{
    access::PolicyError, domain::catalogue::CatalogueError, limits::PARTY_IN_FLIGHT_BYTES_MAX,
};

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A source cannot be read, or a value is wrong.
    #[error("{0}")]
    Unreadable(Box<figment::Error>),
    /// The named file does not exist.
    #[error("the configuration file {} does not exist", .0.display())]
    NoFile(PathBuf),
    /// The file cannot be read.
    #[error("the configuration file {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Other machines can reach the address, and not enough protects it.
    #[error(
        "listen: other machines can reach {address}, and {lacks}; set tls_cert, tls_key and \
         principals, listen on 127.0.0.1, or accept the risk with --insecure"
    )]
    Insecure {
        /// The address.
        address: SocketAddr,
        /// The protection that it lacks.
        lacks: &'static str,
    },
    /// A setting needs another one.
    #[error("{set}: it is set, and {missing} is not; {set} does nothing without {missing}")]
    Alone {
        /// The setting that is there.
        set: &'static str,
        /// The one that is missing.
        missing: &'static str,
    },
    /// There are too many files of one kind.
    #[error("{setting}: it names {count} files, and the limit is {most}")]
    TooManyFiles {
        /// The setting.
        setting: &'static str,
        /// The files that it names.
        count: usize,
        /// The limit.
        most: usize,
    },
    /// The principals cannot be used.
    #[error("principals: {0}")]
    Principals(PolicyError),
    /// The same for the operations port.
    #[error(
        "operations_listen: other machines can reach {0}, and connections have no TLS; listen on \
         127.0.0.1, or accept the risk with --insecure"
    )]
    InsecureOperations(SocketAddr),
    /// Both ports have one address.
    #[error(
        "listen and operations_listen both name {0}; give one of them another port, or turn the \
         operations port off with --operations-listen off"
    )]
    SameAddress(SocketAddr),
    /// The memory of requests does not hold the largest one.
    #[error(
        "in_flight_bytes: {0} is less than the {PARTY_IN_FLIGHT_BYTES_MAX} bytes that the largest \
         request takes"
    )]
    InFlight(usize),
    /// The files of the audit trail cannot be used.
    #[error("audit_sinks: {0}")]
    AuditSinks(String),
    /// A value is not the address of a collector.
    #[error(
        "otlp_endpoint: {value:?} cannot be used: {why}; name the gRPC port of a collector, such \
         as http://127.0.0.1:4317"
    )]
    OtlpEndpoint {
        /// The value, without a password or a query.
        value: String,
        /// The rule that it breaks.
        why: &'static str,
    },
    /// A value is not a part of one.
    #[error("otlp_sample_ratio: {0} is not a number from 0 to 1")]
    OtlpSampleRatio(f64),
    /// A value is not an origin.
    #[error("web_origins: {0:?} is not an origin such as https://register.example")]
    Origin(String),
    /// The catalogue's file cannot be read.
    #[error("the catalogue {}: {source}", path.display())]
    CatalogueFile {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The catalogue cannot be used.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
}

impl ConfigError {
    /// The settings at fault, as the file has them; empty if the fault is none of their values.
    #[must_use]
    pub fn settings(&self) -> Vec<String> {
        let named = match self {
            Self::Unreadable(errors) => {
                let names = (**errors).clone().into_iter();
                return names.filter_map(|error| error.path.into_iter().next()).collect();
            }
            Self::Insecure { .. } => "listen",
            Self::Alone { set, .. } => set,
            Self::TooManyFiles { setting, .. } => setting,
            Self::InsecureOperations(_) => "operations_listen",
            Self::InFlight(_) => "in_flight_bytes",
            Self::AuditSinks(_) => "audit_sinks",
            Self::OtlpEndpoint { .. } => "otlp_endpoint",
            Self::OtlpSampleRatio(_) => "otlp_sample_ratio",
            _ => return Vec::new(),
        };
        vec![named.to_owned()]
    }
}
