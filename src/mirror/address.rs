//! The database that `--to` names: a file of SQLite or a server of PostgreSQL.
//!
//! No password is ever taken from an address: the list of processes would show it.

use std::{
    env,
    path::{Path, PathBuf},
};

use tokio_postgres::config::{Config, Host};

use super::MirrorError;
use crate::{
    files,
    lang::{say, word},
    limits::{KEEPALIVE_INTERVAL, MIRROR_SCHEMA_BYTES_MAX, MIRROR_SILENCE_MAX, SECRETS_BYTES_MAX},
    tls::{ClientFiles, Flags},
};

/// The flags of the files for TLS to a database.
pub const FLAGS: Flags =
    Flags { ca: "--database-ca", certificate: "--database-cert", key: "--database-key" };

/// The environment variable of the password, as every client of PostgreSQL knows it.
const PASSWORD: &str = "PGPASSWORD";

/// Settings of the command line for a database, beside its address.
#[derive(Clone, Debug)]
pub struct DatabaseFiles {
    /// The schema of the tables in PostgreSQL.
    pub schema: Option<String>,
    /// The file with the password.
    pub password: Option<PathBuf>,
    /// The files for TLS.
    pub tls: ClientFiles,
}

/// A database.
#[derive(Clone, Debug)]
pub enum Address {
    /// A file of SQLite.
    Sqlite(PathBuf),
    /// A server of PostgreSQL.
    Postgres(Box<Server>),
}

/// A server of PostgreSQL, and how to speak to it.
#[derive(Clone, Debug)]
pub struct Server {
    pub(super) config: Config,
    /// The schema of the tables.
    pub(super) schema: String,
    /// The files for TLS; `None` for a connection in plaintext.
    pub(super) tls: Option<ClientFiles>,
    /// The address without secrets, for messages.
    pub(super) shown: String,
}

impl Address {
    /// Reads an address: `sqlite:FILE` or `postgres://…`.
    ///
    /// # Errors
    /// [`MirrorError::Refused`] says which part cannot be used, and what to write instead.
    pub fn parse(text: &str, files: DatabaseFiles) -> Result<Self, MirrorError> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let is_extra = files.schema.is_some() || files.password.is_some() || files.tls.is_any();
            return match path {
                "" => Err(refused(word!(
                    en: "--to: name a file: sqlite:/var/lib/tidu/copy.db",
                    zh: "--to：请写明文件，例如 sqlite:/var/lib/tidu/copy.db"
                ))),
                _ if is_extra => Err(refused(word!(
                    en: "--to sqlite: takes no --schema, --password-file and --database-* flags",
                    zh: "--to sqlite: 不接受 --schema、--password-file 和 --database-* 选项"
                ))),
                path => Ok(Self::Sqlite(PathBuf::from(path))),
            };
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Server::parse(text, files).map(|server| Self::Postgres(Box::new(server)));
        }
        Err(refused(word!(
            en: "--to: write sqlite:FILE or postgres://USER@HOST/DATABASE",
            zh: "--to：请写成 sqlite:文件 或 postgres://用户@主机/数据库"
        )))
    }

    /// The address as messages show it.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Sqlite(path) => path.display().to_string(),
            Self::Postgres(server) => server.shown.clone(),
        }
    }
}

impl Server {
    fn parse(text: &str, files: DatabaseFiles) -> Result<Self, MirrorError> {
        let unreadable = |why: String| {
            refused(&say!(
                en: "--to: {why}; the form is postgres://USER@HOST:PORT/DATABASE?sslmode=MODE",
                zh: "--to：{why}；格式为 postgres://用户@主机:端口/数据库?sslmode=模式"
            ))
        };
        let (shown, mode) = take_mode(text);
        let mut config: Config =
            shown.parse().map_err(|error: tokio_postgres::Error| unreadable(in_full(&error)))?;
        if config.get_password().is_some() {
            return Err(refused(word!(
                en: "--to: an address with a password would be shown in the list of processes; \
                     put the password into PGPASSWORD or --password-file",
                zh: "--to：地址中的密码会出现在进程列表里；请把密码放入 PGPASSWORD 或 --password-file"
            )));
        }
        if config.get_user().is_none()
            && let Ok(user) = env::var("PGUSER")
        {
            config.user(user);
        }
        if let Some(password) = password(files.password.as_deref())? {
            config.password(password);
        }
        config.application_name("tidu mirror");
        config.keepalives_idle(KEEPALIVE_INTERVAL).tcp_user_timeout(MIRROR_SILENCE_MAX);
        let is_here = |host: &Host| match host {
            Host::Unix(_) => true,
            Host::Tcp(host) => matches!(host.as_str(), "localhost" | "127.0.0.1" | "::1"),
        };
        let is_local = config.get_hosts().iter().all(is_here)
            && config.get_hostaddrs().iter().all(std::net::IpAddr::is_loopback);
        let is_encrypted = match mode {
            None => !is_local || files.tls.is_any(),
            Some("disable") => false,
            Some("require" | "verify-full") => true,
            Some(other) => {
                return Err(refused(&say!(
                    en: "--to: sslmode={other} is not taken; write disable, require or verify-full \
                         (require verifies the server too)",
                    zh: "--to：不支持 sslmode={other}；请写 disable、require 或 verify-full\
                         （require 同样验证服务器）"
                )));
            }
        };
        if !is_encrypted && files.tls.is_any() {
            return Err(refused(word!(
                en: "--to: sslmode=disable contradicts the --database-* flags; leave out one of \
                     them",
                zh: "--to：sslmode=disable 与 --database-* 选项相矛盾，请去掉其中之一"
            )));
        }
        config.ssl_mode(match is_encrypted {
            true => tokio_postgres::config::SslMode::Require,
            false => tokio_postgres::config::SslMode::Disable,
        });
        let schema = files.schema.unwrap_or_else(|| "tidu".to_owned());
        let tls = is_encrypted.then_some(files.tls);
        let server = Self { config, schema, tls, shown };
        server.require_schema_name()?;
        Ok(server)
    }

    /// The schema goes into statements, so it is a plain name.
    fn require_schema_name(&self) -> Result<(), MirrorError> {
        let schema = &self.schema;
        let mut bytes = schema.bytes();
        let is_plain = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'_')
            && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            && schema.len() <= MIRROR_SCHEMA_BYTES_MAX
            && !schema.starts_with("pg_");
        if is_plain {
            return Ok(());
        }
        Err(refused(&say!(
            en: "--schema {schema}: write a name of a-z, 0-9 and _ that does not begin with pg_, \
                 at most {MIRROR_SCHEMA_BYTES_MAX} characters",
            zh: "--schema {schema}：名称只能由 a-z、0-9 和 _ 组成，不得以 pg_ 开头，\
                 最多 {MIRROR_SCHEMA_BYTES_MAX} 个字符"
        )))
    }
}

/// Takes `sslmode` out of an address: the library knows fewer values.
fn take_mode(text: &str) -> (String, Option<&str>) {
    let Some((address, query)) = text.split_once('?') else { return (text.to_owned(), None) };
    let mode = query.split('&').find_map(|pair| pair.strip_prefix("sslmode="));
    let others: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with("sslmode=")).collect();
    let separator = if others.is_empty() { "" } else { "?" };
    (format!("{address}{separator}{}", others.join("&")), mode)
}

/// The password, from a file or else from the environment.
fn password(file: Option<&Path>) -> Result<Option<String>, MirrorError> {
    let Some(path) = file else { return Ok(env::var(PASSWORD).ok()) };
    let failed = |why: String| {
        let path = path.display();
        refused(&say!(
            en: "--password-file {path}: {why}", zh: "--password-file {path}：{why}"
        ))
    };
    let bytes = files::read_secret(path, SECRETS_BYTES_MAX).map_err(|e| failed(e.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|e| failed(e.to_string()))?;
    Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
}

fn refused(text: &str) -> MirrorError {
    MirrorError::Refused(text.to_owned())
}

/// An error with its causes.
pub(super) fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
