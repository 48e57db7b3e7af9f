//! Settings of the server: flags override the environment, which overrides the file, which
//! overrides defaults.

mod audit;
mod checks;
mod error;
mod follow;
mod gateway;
mod listen;

use std::{
    io,
    net::SocketAddr,
    num::{NonZeroU32, NonZeroUsize},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::Args;
use figment::{
    Figment,
    providers::{Env, Format as _, Serialized, Toml},
    value::Value,
};
use serde::{Deserialize, Serialize};

pub use self::{
    audit::AUDIT_FILE,
    error::ConfigError,
    follow::{FollowAppends, FollowStopped},
    gateway::{GatewaySocket, NotGatewaySocket},
    listen::{NotListen, OperationsListen},
};
use super::{clock::SystemClock, telemetry::otlp::OtlpEndpoint};
use crate::{
    access::{AccessControl, AccessSettings},
    domain::{catalogue::Catalogue, masked_url},
    files,
    follow::LeaderUrl,
    ledger::clock::Clock as _,
    limits::{
        CATALOGUE_BYTES_MAX, FOLLOW_LAG_EVENTS_DEFAULT, FOLLOW_LAG_SECONDS_DEFAULT,
        IN_FLIGHT_BYTES_MAX, OTLP_SAMPLE_RATIO_DEFAULT, SLOW_COMMIT_DEFAULT,
        SNAPSHOT_EVENTS_DEFAULT,
    },
    service::{ApiSettings, Sampling, Writes},
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
    /// Events after which a snapshot of the register is written, so that the next start need not
    /// replay them; 0 writes and reads none [default: 20000]
    #[arg(long, value_name = "NUMBER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot_events: Option<u64>,
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
    /// File of the principals, or directory whose *.toml say who may do what; without it everybody
    /// may do everything [default: none]
    #[arg(long, value_name = "FILE|DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principals: Option<PathBuf>,
    /// File of the audit trail, which a server with principals writes; a second one may be given,
    /// and one that takes the lines is enough [default: audit.jsonl in the data directory]
    #[arg(long = "audit", value_name = "FILE")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub audit_sinks: Vec<PathBuf>,
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
    /// Certificate of the server in PEM, with the certificates of its chain; the port then speaks
    /// TLS alone
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of that certificate in PEM
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_key: Option<PathBuf>,
    /// Certificates in PEM of the authorities that certify callers; callers are then asked for a
    /// certificate
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_ca: Option<PathBuf>,
    /// Revocation lists of these authorities in PEM or DER; each of them needs one (may be
    /// repeated)
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tls_client_crl: Vec<PathBuf>,
    /// Unix socket for a gateway, and the number of the user whose processes may call there, such
    /// as `/run/tidu/gateway.sock:990` (may be repeated)
    #[arg(long = "gateway-socket", value_name = "PATH:UID")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gateway_sockets: Vec<GatewaySocket>,
    /// Follow this node, `https://HOST:PORT`: keep a verified copy of its log and serve it; further
    /// ones are tried when it is lost (separated by commas, or repeated)
    #[arg(long = "follow", value_name = "URL", value_delimiter = ',', value_parser = leader_url)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub follow: Vec<LeaderUrl>,
    /// For a node that follows: forward hands appends on to its leader, refuse refuses them and
    /// names its address [default: forward]
    #[arg(long, value_name = "HOW")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follow_appends: Option<FollowAppends>,
    /// For a node that has stopped following for good: serve goes on with what is here, exit ends
    /// the process with the exit code of the cause [default: serve]
    #[arg(long, value_name = "HOW")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follow_stopped: Option<FollowStopped>,
    /// File with the token by which the leader knows this node; nobody else may be able to read it
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follow_token_file: Option<PathBuf>,
    /// CAs that may have signed the leader's certificate, in PEM [default: the system's]
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follow_tls_ca: Option<PathBuf>,
    /// Client certificate for the leader with its chain, in PEM; may hold its key as well
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follow_tls_cert: Option<PathBuf>,
    /// Key of that certificate in PEM; nobody else may be able to read it
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follow_tls_key: Option<PathBuf>,
    /// Events that a node may be behind its leader and count as ready [default: 10000]
    #[arg(long, value_name = "NUMBER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follow_lag_events: Option<u64>,
    /// Seconds since its leader was last heard up to which a node counts as ready [default: 30]
    #[arg(long, value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follow_lag_seconds: Option<u64>,
}

fn leader_url(text: &str) -> Result<LeaderUrl, String> {
    text.parse()
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
    /// Events after which a snapshot of the register is written; 0 writes and reads none.
    pub snapshot_events: u64,
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
    /// File of the principals, or directory of such files. `None`: everybody may do everything.
    pub principals: Option<PathBuf>,
    /// Files of the audit trail, at most two. Empty: `audit.jsonl` in the data directory, as soon
    /// as there are principals.
    pub audit_sinks: Vec<PathBuf>,
    /// The collector that traces and log lines are sent to over OTLP.
    pub otlp_endpoint: Option<String>,
    /// Part of the calls without a parent that is traced, if there is a collector.
    pub otlp_sample_ratio: f64,
    /// The certificate of the server with its chain, in PEM. `None`: the port has no TLS.
    pub tls_cert: Option<PathBuf>,
    /// Its private key, in PEM.
    pub tls_key: Option<PathBuf>,
    /// The authorities that certify callers, in PEM. `None`: no certificate is asked for.
    pub tls_client_ca: Option<PathBuf>,
    /// The revocation lists of these authorities, in PEM or DER.
    pub tls_client_crl: Vec<PathBuf>,
    /// Unix sockets of gateways, with the user whose processes may call there.
    pub gateway_sockets: Vec<GatewaySocket>,
    /// The nodes to follow, in the order in which they are tried. Empty: this one leads.
    #[serde(deserialize_with = "follow::addresses")]
    pub follow: Vec<LeaderUrl>,
    /// Its way with appends, if it follows.
    pub follow_appends: FollowAppends,
    /// Its way once it has stopped following.
    pub follow_stopped: FollowStopped,
    /// The token by which the leader knows this node.
    pub follow_token_file: Option<PathBuf>,
    /// The authorities that may have certified the leader, in PEM. `None`: those of the system.
    pub follow_tls_ca: Option<PathBuf>,
    /// The certificate of this node as a client, in PEM.
    pub follow_tls_cert: Option<PathBuf>,
    /// Its private key, in PEM. `None`: in the file of the certificate.
    pub follow_tls_key: Option<PathBuf>,
    /// Events that a node may be behind and count as ready.
    pub follow_lag_events: u64,
    /// Seconds since the leader was last heard up to which a node counts as ready.
    pub follow_lag_seconds: u64,
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
            snapshot_events: SNAPSHOT_EVENTS_DEFAULT,
            hosts: Vec::new(),
            connections: None,
            events_per_second: None,
            in_flight_bytes: IN_FLIGHT_BYTES_MAX,
            slow_commit_ms: u64::try_from(SLOW_COMMIT_DEFAULT.as_millis()).unwrap_or(u64::MAX),
            operations_listen: OperationsListen::At(SocketAddr::from(([127, 0, 0, 1], 9_464))),
            principals: None,
            audit_sinks: Vec::new(),
            otlp_endpoint: None,
            otlp_sample_ratio: OTLP_SAMPLE_RATIO_DEFAULT,
            tls_cert: None,
            tls_key: None,
            tls_client_ca: None,
            tls_client_crl: Vec::new(),
            gateway_sockets: Vec::new(),
            follow: Vec::new(),
            follow_appends: FollowAppends::Forward,
            follow_stopped: FollowStopped::Serve,
            follow_token_file: None,
            follow_tls_ca: None,
            follow_tls_cert: None,
            follow_tls_key: None,
            follow_lag_events: FOLLOW_LAG_EVENTS_DEFAULT,
            follow_lag_seconds: FOLLOW_LAG_SECONDS_DEFAULT,
        }
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
        config.require_usable()?;
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

    /// The principals of the server.
    fn access(&self) -> Result<Arc<AccessControl>, ConfigError> {
        let Some(policy) = self.principals.clone() else { return Ok(AccessControl::open()) };
        let clock = SystemClock::new();
        let settings = AccessSettings {
            policy,
            data_dir: self.data_dir.clone(),
            now: Arc::new(move || clock.now_micros()),
        };
        AccessControl::load(settings).map_err(ConfigError::Principals)
    }

    /// Who may call, and how much.
    ///
    /// # Errors
    /// [`ConfigError::Origin`], [`ConfigError::Principals`].
    pub(super) fn api(&self) -> Result<ApiSettings, ConfigError> {
        Ok(ApiSettings {
            access: self.access()?,
            directory: Some(self.data_dir.clone()),
            tls_problem: Arc::default(),
            web_origins: self.origins()?,
            local_hosts: self.needs_host_guard().then(|| self.hosts.clone()),
            questions: self.question_slots(),
            in_flight_bytes: self.in_flight_bytes,
            events_per_second: self.events_per_second,
            slow_commit: Duration::from_millis(self.slow_commit_ms),
            sampling: self.otlp_endpoint.is_some().then(|| self.sampling()).transpose()?,
            writes: Writes::default(),
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
mod tests;
