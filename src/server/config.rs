//! Settings of the server: flags, then environment, then file, then defaults.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use figment::{
    Figment,
    providers::{Env, Format as _, Serialized, Toml},
};
use serde::{Deserialize, Serialize};

use crate::domain::catalogue::{Catalogue, CatalogueError};

/// File that is read if it is there and no other is named.
pub const DEFAULT_FILE: &str = "tidu.toml";
/// Prefix of environment variables: `TIDU_LISTEN`.
pub const ENVIRONMENT_PREFIX: &str = "TIDU_";

/// Settings of the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where to listen. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where the log is kept; made if it is not there.
    pub data_dir: PathBuf,
    /// A programme catalogue in place of the built-in one.
    pub catalogue: Option<PathBuf>,
    /// Listen on an address that other machines reach, without TLS.
    pub insecure: bool,
    /// Origins of the web pages that may call over gRPC-Web: `https://register.example`.
    pub web_origins: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 50_051)),
            data_dir: PathBuf::from("tidu-data"),
            catalogue: None,
            insecure: false,
            web_origins: Vec::new(),
        }
    }
}

/// Settings given on the command line; the others stay as they are.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Flags {
    /// See [`Config::listen`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
    /// See [`Config::data_dir`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    /// See [`Config::catalogue`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catalogue: Option<PathBuf>,
    /// See [`Config::insecure`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub insecure: Option<bool>,
    /// See [`Config::web_origins`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub web_origins: Vec<String>,
}

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A source cannot be read, or a value is wrong.
    #[error("{0}")]
    Unreadable(Box<figment::Error>),
    /// A file was named and is not there.
    #[error("there is no configuration file {}", .0.display())]
    NoFile(PathBuf),
    /// The address is reachable from outside, and nothing protects it.
    #[error(
        "{0} can be reached by other machines and there is no TLS; listen on 127.0.0.1, or accept the risk with --insecure"
    )]
    Insecure(SocketAddr),
    /// An origin is none.
    #[error("web_origins: {0:?} is not an origin such as https://register.example")]
    Origin(String),
    /// The catalogue's file cannot be read.
    #[error("the catalogue {}: {source}", path.display())]
    CatalogueFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The catalogue cannot be used.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
}

impl Config {
    /// Reads all sources. `file` must exist if it is named.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn load(flags: &Flags, file: Option<&Path>) -> Result<Self, ConfigError> {
        if let Some(missing) = file.filter(|file| !file.exists()) {
            return Err(ConfigError::NoFile(missing.to_path_buf()));
        }
        let config: Self = Figment::from(Serialized::defaults(Self::default()))
            .merge(Toml::file(file.unwrap_or(Path::new(DEFAULT_FILE))))
            .merge(Env::prefixed(ENVIRONMENT_PREFIX).only(&[
                "listen",
                "data_dir",
                "catalogue",
                "insecure",
                "web_origins",
            ]))
            .merge(Serialized::defaults(flags))
            .extract()
            .map_err(|e| ConfigError::Unreadable(Box::new(e)))?;
        if !config.listen.ip().is_loopback() && !config.insecure {
            return Err(ConfigError::Insecure(config.listen));
        }
        Ok(config)
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

    /// Reads the catalogue: the one named, or the built-in one.
    ///
    /// # Errors
    /// [`ConfigError::CatalogueFile`], [`ConfigError::Catalogue`].
    pub fn read_catalogue(&self) -> Result<Catalogue, ConfigError> {
        let Some(path) = &self.catalogue else { return Ok(Catalogue::built_in()) };
        let failed = |source| ConfigError::CatalogueFile { path: path.clone(), source };
        let text = fs::read_to_string(path).map_err(failed)?;
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
            let read = |flags: &Flags| Config::load(flags, None).unwrap();
            let config = read(&Flags::default());
            assert_eq!(config.listen.port(), 2);
            assert_eq!(config.data_dir, Path::new("from-file"));
            let flags = Flags { listen: "127.0.0.1:3".parse().ok(), ..Flags::default() };
            assert_eq!(read(&flags).listen.port(), 3);
            Ok(())
        });
    }

    #[test]
    #[allow(clippy::result_large_err)] // as above
    fn unknown_settings_missing_files_and_open_addresses_are_refused() {
        figment::Jail::expect_with(|jail| {
            let load = |flags: &Flags, file: Option<&str>| {
                Config::load(flags, file.map(Path::new)).unwrap_err().to_string()
            };
            let flags = Flags { listen: "0.0.0.0:1".parse().ok(), ..Flags::default() };
            assert!(load(&flags, None).contains("--insecure"));
            assert!(load(&Flags::default(), Some("nowhere.toml")).contains("nowhere.toml"));
            for odd in ["example.org", "https://example.org/", "https://example.org/page"] {
                let flags = Flags { web_origins: vec![odd.to_owned()], ..Flags::default() };
                let config = Config::load(&flags, None).unwrap();
                assert!(config.origins().unwrap_err().to_string().contains(odd));
            }
            jail.create_file("odd.toml", "listen = 1")?;
            assert!(load(&Flags::default(), Some("odd.toml")).contains("listen"));
            Ok(())
        });
    }
}
