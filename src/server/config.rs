//! Settings of the server: flags override the environment, which overrides the file, which
//! overrides defaults.

mod listen;

use std::{
    io,
    net::SocketAddr,
    num::{NonZeroU32, NonZeroUsize},
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use figment::{
    Figment,
    providers::{Env, Format as _, Serialized, Toml},
    value::Value,
};
use serde::{Deserialize, Serialize};

pub use self::listen::{NotListen, OperationsListen};
use super::telemetry::otlp::OtlpEndpoint;
use crate::{
    access::AccessControl,
    domain::{
        catalogue::{Catalogue, CatalogueError},
        masked_url,
    },
    files,
    limits::{
        CATALOGUE_BYTES_MAX, IN_FLIGHT_BYTES_MAX, OTLP_SAMPLE_RATIO_DEFAULT,
        PARTY_IN_FLIGHT_BYTES_MAX, SLOW_COMMIT_DEFAULT,
    },
    service::{ApiSettings, Sampling},
};

/// The file that is read if it exists and no other is named.
pub const DEFAULT_FILE: &str = "tidu.toml";
/// Prefix of environment variables: `TIDU_LISTEN`.
pub const ENVIRONMENT_PREFIX: &str = "TIDU_";

/// Settings of the server as flags, environment and file give them. A new setting goes here and
/// into [`Config`], which holds them resolved.
#[derive(Clone, Debug, Default, Args, Serialize)]
pub struct ServerSettings {
    /// Address to listen on; port 0 selects a free one [default: 127.0.0.1:50051]
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = socket_address)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
    /// Directory of the log; created if missing [default: tidu-data]
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    /// Programme catalogue that replaces the built-in one for facts from now on
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catalogue: Option<PathBuf>,
    /// Allow an address that other machines can reach, without TLS
    #[arg(long)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub insecure: bool,
    /// Origin of web pages that may call over gRPC-Web, such as `https://register.example` (may be
    /// repeated)
    #[arg(long = "web-origin", value_name = "ORIGIN")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub web_origins: Vec<String>,
    /// Most long questions over the register at once [default: one less than the machine has
    /// processors, and at least 1]
    #[arg(long, value_name = "NUMBER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub questions: Option<NonZeroUsize>,
    /// Bytes of the disk that stay free: below them appends are refused and reads go on [default:
    /// 5 % of the file system, but 64 MiB to 1 GiB]
    #[arg(long, value_name = "BYTES")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_reserve_bytes: Option<u64>,
    /// Host that requests may name beside localhost and addresses, while the server listens on this
    /// machine alone, such as `register.example` (may be repeated)
    #[arg(long = "host", value_name = "HOST")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// Most connections at once [default: 16384, or fewer if the descriptors do not suffice]
    #[arg(long, value_name = "NUMBER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections: Option<NonZeroUsize>,
    /// Events that one caller may record a second; ten times as many at once [default: no limit]
    #[arg(long, value_name = "NUMBER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events_per_second: Option<NonZeroU32>,
    /// Memory of all requests in flight, in bytes; at least 75497472 [default: 268435456]
    #[arg(long, value_name = "BYTES")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_flight_bytes: Option<usize>,
    /// A commit that takes as long gets a log line, in milliseconds [default: 1000]
    #[arg(long, value_name = "MILLISECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slow_commit_ms: Option<u64>,
    /// Address for metrics and probes over HTTP; port 0 selects a free one, and off leaves it out
    /// [default: 127.0.0.1:9464]
    #[arg(long, value_name = "ADDRESS:PORT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operations_listen: Option<OperationsListen>,
    /// Send traces and log lines to this collector over OTLP, such as `http://127.0.0.1:4317`
    /// [default: none]
    #[arg(long, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otlp_endpoint: Option<String>,
    /// Part of the calls that is traced, from 0 to 1; a caller's sampled trace is always continued
    /// [default: 0.01]
    #[arg(long, value_name = "RATIO")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otlp_sample_ratio: Option<f64>,
}

fn socket_address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "not an IP address with a port, such as 127.0.0.1:50051")
}

/// The settings of a server, resolved. The fields are those of [`ServerSettings`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Address to listen on. Port 0 selects a free one.
    pub listen: SocketAddr,
    /// Directory of the log; created if missing.
    pub data_dir: PathBuf,
    /// A programme catalogue that replaces the built-in one for facts from now on.
    pub catalogue: Option<PathBuf>,
    /// Allow an address that other machines can reach, without TLS.
    pub insecure: bool,
    /// Origins of the web pages that may call over gRPC-Web: `https://register.example`.
    pub web_origins: Vec<String>,
    /// Most long questions over the register at once; if it is not set, one less than the machine
    /// has processors, and at least one.
    pub questions: Option<NonZeroUsize>,
    /// Bytes of the disk that stay free. `None`: 5 % of the file system, but 64 MiB to 1 GiB.
    pub disk_reserve_bytes: Option<u64>,
    /// Hosts that requests may name beside localhost and addresses, on a loopback address.
    pub hosts: Vec<String>,
    /// Most connections at once. `None`: the most that Tidu is built for, or fewer if the
    /// descriptors do not suffice.
    pub connections: Option<NonZeroUsize>,
    /// Events that one party may record a second. `None`: as many as the log takes.
    pub events_per_second: Option<NonZeroU32>,
    /// Most bytes of all requests in flight.
    pub in_flight_bytes: usize,
    /// A commit that takes as long gets a log line, in milliseconds.
    pub slow_commit_ms: u64,
    /// Where metrics and probes are answered.
    pub operations_listen: OperationsListen,
    /// The collector that traces and log lines are sent to over OTLP.
    pub otlp_endpoint: Option<String>,
    /// Part of the calls without a parent that is traced, if there is a collector.
    pub otlp_sample_ratio: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 50_051)),
            data_dir: PathBuf::from("tidu-data"),
            catalogue: None,
            insecure: false,
            web_origins: Vec::new(),
            questions: None,
            disk_reserve_bytes: None,
            hosts: Vec::new(),
            connections: None,
            events_per_second: None,
            in_flight_bytes: IN_FLIGHT_BYTES_MAX,
            slow_commit_ms: u64::try_from(SLOW_COMMIT_DEFAULT.as_millis()).unwrap_or(u64::MAX),
            operations_listen: OperationsListen::At(SocketAddr::from(([127, 0, 0, 1], 9_464))),
            otlp_endpoint: None,
            otlp_sample_ratio: OTLP_SAMPLE_RATIO_DEFAULT,
        }
    }
}

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
    /// Other machines can reach the address, and nothing protects it.
    #[error(
        "other machines can reach {0}, and connections have no TLS; listen on 127.0.0.1, or accept \
         the risk with --insecure"
    )]
    Insecure(SocketAddr),
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
            Self::Insecure(_) => "listen",
            Self::InsecureOperations(_) => "operations_listen",
            Self::InFlight(_) => "in_flight_bytes",
            Self::OtlpEndpoint { .. } => "otlp_endpoint",
            Self::OtlpSampleRatio(_) => "otlp_sample_ratio",
            _ => return Vec::new(),
        };
        vec![named.to_owned()]
    }
}

impl Config {
    /// Reads all sources. `file` must exist if it is named.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn load(flags: &ServerSettings, file: Option<&Path>) -> Result<Self, ConfigError> {
        let path = file.unwrap_or(Path::new(DEFAULT_FILE));
        let exists = match files::open(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound && file.is_none() => false,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Err(ConfigError::NoFile(path.to_path_buf()));
            }
            Err(source) => {
                return Err(ConfigError::File { path: path.to_path_buf(), source });
            }
            Ok(_) => true,
        };
        let unreadable = |e| ConfigError::Unreadable(Box::new(e));
        let names = Self::setting_names()?;
        // Other variables with the prefix are not settings of the server, such as `TIDU_LOG`.
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        if exists {
            // Not `file`, which would look in all directories above as well.
            figment = figment.merge(Toml::file_exact(path));
        }
        let config: Self = figment
            .merge(Env::prefixed(ENVIRONMENT_PREFIX).only(&names))
            .merge(Serialized::defaults(flags))
            .extract()
            .map_err(unreadable)?;
        if !config.listen.ip().is_loopback() && !config.insecure {
            return Err(ConfigError::Insecure(config.listen));
        }
        if let Some(address) = config.operations_listen.address()
            && !address.ip().is_loopback()
            && !config.insecure
        {
            return Err(ConfigError::InsecureOperations(address));
        }
        if config.listen.port() > 0 && config.operations_listen.address() == Some(config.listen) {
            return Err(ConfigError::SameAddress(config.listen));
        }
        if config.in_flight_bytes < PARTY_IN_FLIGHT_BYTES_MAX {
            return Err(ConfigError::InFlight(config.in_flight_bytes));
        }
        config.otlp()?;
        config.sampling()?;
        Ok(config)
    }

    /// The names of all settings, as the file has them.
    ///
    /// # Errors
    /// [`ConfigError::Unreadable`], which a test rules out.
    pub fn setting_names() -> Result<Vec<String>, ConfigError> {
        let unreadable = |e| ConfigError::Unreadable(Box::new(e));
        let defaults = Value::serialize(Self::default()).map_err(unreadable)?;
        Ok(defaults.into_dict().into_iter().flatten().map(|(name, _)| name).collect())
    }

    /// How many long questions run at once: the setting, or enough to leave a processor to the
    /// writer and to short calls.
    #[must_use]
    pub fn question_slots(&self) -> usize {
        let processors = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        self.questions.map_or_else(|| (processors() - 1).max(1), NonZeroUsize::get)
    }

    /// The origins of web pages that may call, as browsers send them.
    ///
    /// # Errors
    /// [`ConfigError::Origin`].
    pub fn origins(&self) -> Result<Vec<http::HeaderValue>, ConfigError> {
        let read = |origin: &String| {
            let uri: Option<http::Uri> = origin.parse().ok();
            let is_origin = |uri: &http::Uri| {
                uri.scheme().is_some() && uri.path() == "/" && !origin.ends_with('/')
            };
            let value = http::HeaderValue::from_str(origin).ok();
            value
                .filter(|_| uri.as_ref().is_some_and(is_origin))
                .ok_or_else(|| ConfigError::Origin(origin.clone()))
        };
        self.web_origins.iter().map(read).collect()
    }

    /// The collector that traces and log lines are sent to.
    ///
    /// # Errors
    /// [`ConfigError::OtlpEndpoint`].
    pub fn otlp(&self) -> Result<Option<OtlpEndpoint>, ConfigError> {
        let Some(value) = &self.otlp_endpoint else { return Ok(None) };
        let refused = |why| ConfigError::OtlpEndpoint { value: masked_url(value), why };
        OtlpEndpoint::parse(value).map(Some).map_err(refused)
    }

    fn sampling(&self) -> Result<Sampling, ConfigError> {
        let ratio = self.otlp_sample_ratio;
        Sampling::new(ratio).ok_or(ConfigError::OtlpSampleRatio(ratio))
    }

    /// Who may call, and how much.
    ///
    /// # Errors
    /// [`ConfigError::Origin`].
    pub(super) fn api(&self) -> Result<ApiSettings, ConfigError> {
        Ok(ApiSettings {
            access: AccessControl::open(),
            web_origins: self.origins()?,
            local_hosts: self.listen.ip().is_loopback().then(|| self.hosts.clone()),
            questions: self.question_slots(),
            in_flight_bytes: self.in_flight_bytes,
            events_per_second: self.events_per_second,
            slow_commit: Duration::from_millis(self.slow_commit_ms),
            sampling: self.otlp_endpoint.is_some().then(|| self.sampling()).transpose()?,
        })
    }

    /// Reads the catalogue: the one named, or the built-in one.
    ///
    /// # Errors
    /// [`ConfigError::CatalogueFile`], [`ConfigError::Catalogue`].
    pub fn read_catalogue(&self) -> Result<Catalogue, ConfigError> {
        let Some(path) = &self.catalogue else { return Ok(Catalogue::built_in()) };
        let failed = |source| ConfigError::CatalogueFile { path: path.clone(), source };
        let text = files::read_text(path, CATALOGUE_BYTES_MAX).map_err(failed)?;
        Ok(Catalogue::parse(&text)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::result_large_err)] // the jail's own error type
    fn flags_win_over_the_environment_over_the_file() {
        figment::Jail::expect_with(|jail| {
            jail.create_file(DEFAULT_FILE, "listen = \"127.0.0.1:1\"\ndata_dir = \"from-file\"")?;
            jail.set_env("TIDU_LISTEN", "127.0.0.1:2");
            let read = |flags: &ServerSettings| Config::load(flags, None).unwrap();
            let config = read(&ServerSettings::default());
            assert_eq!(config.listen.port(), 2);
            assert_eq!(config.data_dir, Path::new("from-file"));
            let flags =
                ServerSettings { listen: "127.0.0.1:3".parse().ok(), ..ServerSettings::default() };
            assert_eq!(read(&flags).listen.port(), 3);
            assert_eq!(config.operations_listen.to_string(), "127.0.0.1:9464");
            jail.set_env("TIDU_OPERATIONS_LISTEN", "off");
            assert_eq!(read(&flags).operations_listen, OperationsListen::Off);
            let flags = ServerSettings {
                operations_listen: "127.0.0.1:0".parse().ok(),
                ..ServerSettings::default()
            };
            assert_eq!(read(&flags).operations_listen.to_string(), "127.0.0.1:0");
            Ok(())
        });
    }

    #[test]
    #[allow(clippy::result_large_err)] // as above
    fn unknown_settings_missing_files_and_open_addresses_are_refused() {
        figment::Jail::expect_with(|jail| {
            let load = |flags: &ServerSettings, file: Option<&str>| {
                Config::load(flags, file.map(Path::new)).unwrap_err().to_string()
            };
            let flags =
                ServerSettings { listen: "0.0.0.0:1".parse().ok(), ..ServerSettings::default() };
            assert!(load(&flags, None).contains("--insecure"));
            assert!(
                load(&ServerSettings::default(), Some("nowhere.toml")).contains("nowhere.toml")
            );
            for odd in ["example.org", "https://example.org/", "https://example.org/page"] {
                let flags = ServerSettings {
                    web_origins: vec![odd.to_owned()],
                    ..ServerSettings::default()
                };
                let config = Config::load(&flags, None).unwrap();
                assert!(config.origins().unwrap_err().to_string().contains(odd));
            }
            let operations = |listen: &str| ServerSettings {
                operations_listen: listen.parse().ok(),
                ..ServerSettings::default()
            };
            let text = load(&operations("[::]:9464"), None);
            assert!(text.contains("operations_listen") && text.contains("--insecure"), "{text}");
            let both = |port| ServerSettings {
                listen: "127.0.0.1:9464".parse().ok(),
                ..operations(&format!("127.0.0.1:{port}"))
            };
            let text = load(&both(9464), None);
            assert!(text.contains("listen and operations_listen both name 127.0.0.1:9464"));
            assert!(Config::load(&both(9465), None).is_ok());
            let small = PARTY_IN_FLIGHT_BYTES_MAX - 1;
            let least =
                |bytes| ServerSettings { in_flight_bytes: Some(bytes), ..Default::default() };
            assert!(load(&least(small), None).contains(&small.to_string()));
            assert!(Config::load(&least(small + 1), None).is_ok());
            for odd in ["9464", "\"9464\"", "\"on\"", "\"\"", "false"] {
                jail.create_file("odd.toml", &format!("operations_listen = {odd}"))?;
                let text = load(&ServerSettings::default(), Some("odd.toml"));
                assert!(text.contains("operations_listen"), "{odd}: {text}");
            }
            for odd in ["collector:4317", "http://collector", "http://user:word@collector:1"] {
                let flags = ServerSettings {
                    otlp_endpoint: Some(odd.to_owned()),
                    ..ServerSettings::default()
                };
                let said = load(&flags, None);
                assert!(said.contains("otlp_endpoint") && said.contains("collector"), "{said}");
                assert!(!said.contains("word@"), "{said}");
            }
            for odd in [-0.5, 1.01, f64::NAN] {
                let flags =
                    ServerSettings { otlp_sample_ratio: Some(odd), ..ServerSettings::default() };
                let said = load(&flags, None);
                assert!(said.contains(&format!("otlp_sample_ratio: {odd}")), "{said}");
            }
            jail.create_file("odd.toml", "listen = 1")?;
            assert!(load(&ServerSettings::default(), Some("odd.toml")).contains("listen"));
            Ok(())
        });
    }
}
