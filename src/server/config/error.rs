//! Why settings cannot be used.

use std::{io, net::SocketAddr, path::PathBuf};

use crate::{
    access::PolicyError, domain::catalogue::CatalogueError, follow::LeaderUrl, lang::say,
    limits::PARTY_IN_FLIGHT_BYTES_MAX,
};

/// Settings that cannot be used. Only the terminal that starts a server gets the text, in its
/// language.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A source cannot be read, or a value is wrong.
    #[error("{0}")]
    Unreadable(Box<figment::Error>),
    /// The named file does not exist.
    #[error("{}", say!(
        en: "the configuration file {} does not exist", zh: "配置文件 {} 不存在", .0.display()
    ))]
    NoFile(PathBuf),
    /// The file cannot be read.
    #[error("{}", say!(
        en: "the configuration file {}: {source}", zh: "配置文件 {}：{source}", path.display()
    ))]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Other machines can reach the address, and not enough protects it.
    #[error("{}", say!(
        en: "listen: other machines can reach {address}, and {lacks}; set tls_cert, tls_key and \
             principals, listen on 127.0.0.1, or accept the risk with --insecure",
        zh: "listen：其他机器可以访问 {address}，而{lacks}；请设置 tls_cert、tls_key 和 principals，\
             或改为监听 127.0.0.1；愿意承担风险请加 --insecure"
    ))]
    Insecure {
        /// The address.
        address: SocketAddr,
        /// The protection that it lacks.
        lacks: &'static str,
    },
    /// A setting needs another one.
    #[error("{}", say!(
        en: "{set}: it is set, and {missing} is not; {set} does nothing without {missing}",
        zh: "{set}：已设置，但未设置 {missing}；缺少 {missing} 时 {set} 不起作用"
    ))]
    Alone {
        /// The setting that is there.
        set: &'static str,
        /// The one that is missing.
        missing: &'static str,
    },
    /// There are too many nodes to follow.
    #[error("{}", say!(
        en: "follow: it names {count} nodes, and the limit is {most}",
        zh: "follow：列出了 {count} 个节点，最多 {most} 个"
    ))]
    TooManyLeaders {
        /// Their number.
        count: usize,
        /// The limit.
        most: usize,
    },
    /// The log would come in plaintext from another machine.
    #[error("{}", say!(
        en: "follow: {} is plaintext on another machine; use https://",
        zh: "follow：{} 是另一台机器上的明文连接；请使用 https://",
        .0
    ))]
    PlaintextLeader(LeaderUrl),
    /// There are too many files of one kind.
    #[error("{}", say!(
        en: "{setting}: it names {count} files, and the limit is {most}",
        zh: "{setting}：列出了 {count} 个文件，最多 {most} 个"
    ))]
    TooManyFiles {
        /// The setting.
        setting: &'static str,
        /// The files that it names.
        count: usize,
        /// The limit.
        most: usize,
    },
    /// The principals cannot be used.
    #[error("{}", say!(en: "principals: {}", zh: "principals：{}", .0))]
    Principals(PolicyError),
    /// The same for the operations port.
    #[error("{}", say!(
        en: "operations_listen: other machines can reach {}, and connections have no TLS; listen \
             on 127.0.0.1, or accept the risk with --insecure",
        zh: "operations_listen：其他机器可以访问 {}，而连接没有 TLS；请改为监听 127.0.0.1；\
             愿意承担风险请加 --insecure",
        .0
    ))]
    InsecureOperations(SocketAddr),
    /// Both ports have one address.
    #[error("{}", say!(
        en: "listen and operations_listen both name {}; give one of them another port, or turn \
             the operations port off with --operations-listen off",
        zh: "listen 和 operations_listen 都是 {}；请为其中之一另选端口，或用 \
             --operations-listen off 关闭运维端口",
        .0
    ))]
    SameAddress(SocketAddr),
    /// The memory of requests does not hold the largest one.
    #[error("{}", say!(
        en: "in_flight_bytes: {} is less than the {PARTY_IN_FLIGHT_BYTES_MAX} bytes that the \
             largest request takes",
        zh: "in_flight_bytes：{} 小于最大请求所需的 {PARTY_IN_FLIGHT_BYTES_MAX} 字节",
        .0
    ))]
    InFlight(usize),
    /// The files of the audit trail cannot be used.
    #[error("{}", say!(en: "audit_sinks: {}", zh: "audit_sinks：{}", .0))]
    AuditSinks(String),
    /// A value is not the address of a collector.
    #[error("{}", say!(
        en: "otlp_endpoint: {value:?} cannot be used: {why}; name the gRPC port of a collector, \
             such as http://127.0.0.1:4317",
        zh: "otlp_endpoint：{value:?} 不能使用：{why}；请写明采集器的 gRPC 端口，例如 \
             http://127.0.0.1:4317"
    ))]
    OtlpEndpoint {
        /// The value, without a password or a query.
        value: String,
        /// The rule that it breaks.
        why: &'static str,
    },
    /// A value is not a part of one.
    #[error("{}", say!(
        en: "otlp_sample_ratio: {} is not a number from 0 to 1",
        zh: "otlp_sample_ratio：{} 不是 0 到 1 之间的数",
        .0
    ))]
    OtlpSampleRatio(f64),
    /// A value is not an origin.
    #[error("{}", say!(
        en: "web_origins: {:?} is not an origin such as https://register.example",
        zh: "web_origins：{:?} 不是网页来源，应如 https://register.example",
        .0
    ))]
    Origin(String),
    /// The catalogue's file cannot be read.
    #[error("{}", say!(
        en: "the catalogue {}: {source}", zh: "目录文件 {}：{source}", path.display()
    ))]
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
