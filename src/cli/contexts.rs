//! Contexts: servers with the credentials for them, by name, in one file of this user.
//!
//! The file holds no secret, only paths to those. It is private all the same: who could change it
//! would choose where tokens are sent to.

use std::{
    collections::BTreeMap,
    env,
    fs::File,
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{CliError, args::ServerAddresses, names};
use crate::{
    files,
    lang::{say, word},
    limits::{CONTEXT_NAME_BYTES_MAX, CONTEXTS_BYTES_MAX},
};

const FILE: &str = "contexts.toml";
const LOCK: &str = "contexts.lock";

/// A server, and the credentials for it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Context {
    pub(super) server: ServerAddresses,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tls_ca: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tls_cert: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tls_key: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) token_file: Option<PathBuf>,
}

/// All contexts of this user.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Contexts {
    /// The name of the context in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<String>,
    #[serde(default, rename = "context")]
    all: BTreeMap<String, Context>,
}

/// The directory of the file: that of the XDG base directories. A relative one is ignored, as they
/// ask.
fn directory() -> Option<PathBuf> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let base = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")));
    Some(base?.join("tidu"))
}

fn unreadable(path: &Path, why: &str) -> CliError {
    let path = path.display();
    CliError::Message(say!(
        en: "the contexts of {path}: {why}", zh: "上下文文件 {path}：{why}"
    ))
}

impl Contexts {
    /// Reads the file; no file means no contexts.
    pub(super) fn read() -> Result<Self, CliError> {
        directory().map_or_else(|| Ok(Self::default()), |directory| Self::of(&directory.join(FILE)))
    }

    fn of(path: &Path) -> Result<Self, CliError> {
        let text = match files::read_secret(path, CONTEXTS_BYTES_MAX) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(Self::default());
            }
            Err(error) => return Err(unreadable(path, &error.to_string())),
        };
        toml::from_str(&text).map_err(|error| unreadable(path, error.to_string().trim_end()))
    }

    /// Changes the file. Nobody else changes it meanwhile.
    pub(super) fn change<T>(
        change: impl FnOnce(&mut Self) -> Result<T, CliError>,
    ) -> Result<T, CliError> {
        let directory = directory().ok_or_else(|| {
            let text = word!(
                en: "there is no place for contexts: neither XDG_CONFIG_HOME nor HOME is set",
                zh: "没有存放上下文的位置：XDG_CONFIG_HOME 和 HOME 都未设置"
            );
            CliError::Message(text.to_owned())
        })?;
        let path = directory.join(FILE);
        let failed = |error: io::Error| unreadable(&path, &error.to_string());
        files::create_directory(&directory).map_err(failed)?;
        let _lock: File = files::lock(&directory.join(LOCK)).map_err(failed)?;
        let mut contexts = Self::of(&path)?;
        let changed = change(&mut contexts)?;
        let text = toml::to_string(&contexts).map_err(|e| unreadable(&path, &e.to_string()))?;
        files::replace(&path, text.as_bytes()).map_err(failed)?;
        Ok(changed)
    }

    /// The context in use.
    pub(super) fn current(mut self) -> Option<Context> {
        self.all.remove(self.current.as_ref()?)
    }

    /// The context of a name.
    pub(super) fn named(&self, name: &str) -> Result<Context, CliError> {
        self.require(name).cloned()
    }

    /// The contexts by name; true for the one in use.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &Context, bool)> {
        let is_current = |name: &String| self.current.as_ref() == Some(name);
        self.all.iter().map(move |(name, context)| (name.as_str(), context, is_current(name)))
    }

    /// Adds a context. The first one is in use from now on. Returns whether it is in use.
    pub(super) fn add(
        &mut self,
        name: &str,
        context: Context,
        replace: bool,
    ) -> Result<bool, CliError> {
        require_name(name)?;
        if self.all.contains_key(name) && !replace {
            return Err(CliError::Message(say!(
                en: "there is a context {name:?} already; --replace replaces it",
                zh: "上下文 {name:?} 已存在；要替换请加 --replace"
            )));
        }
        self.all.insert(name.to_owned(), context);
        Ok(self.current.get_or_insert_with(|| name.to_owned()) == name)
    }

    /// Uses a context from now on.
    pub(super) fn switch(&mut self, name: &str) -> Result<ServerAddresses, CliError> {
        let context = self.require(name)?;
        let server = context.server.clone();
        self.current = Some(name.to_owned());
        Ok(server)
    }

    /// Removes a context. Returns whether it was in use; none is then.
    pub(super) fn remove(&mut self, name: &str) -> Result<bool, CliError> {
        self.require(name)?;
        self.all.remove(name);
        Ok(self.current.take_if(|current| current == name).is_some())
    }

    fn require(&self, name: &str) -> Result<&Context, CliError> {
        if let Some(context) = self.all.get(name) {
            return Ok(context);
        }
        let near = names::nearest(name, self.all.keys().map(String::as_str));
        let hint = match near.as_slice() {
            [] if self.all.is_empty() => word!(
                en: "add one: tidu context add NAME --server URL",
                zh: "请先添加：tidu context add 名称 --server 地址"
            )
            .to_owned(),
            [] => word!(
                en: "tidu context list lists all", zh: "tidu context list 列出全部上下文"
            )
            .to_owned(),
            near => {
                let near = near.join(word!(en: " or ", zh: " 或 "));
                say!(en: "did you mean {near}?", zh: "是否指 {near}？")
            }
        };
        Err(CliError::Message(say!(
            en: "there is no context {name:?}; {hint}", zh: "没有上下文 {name:?}；{hint}"
        )))
    }
}

fn require_name(name: &str) -> Result<(), CliError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if !name.is_empty() && name.len() <= CONTEXT_NAME_BYTES_MAX && name.bytes().all(fits) {
        return Ok(());
    }
    Err(CliError::Message(say!(
        en: "{name:?} cannot name a context: 1 to {CONTEXT_NAME_BYTES_MAX} of A-Z, a-z, 0-9, -, . \
             and _",
        zh: "{name:?} 不能用作上下文名称：应为 1 至 {CONTEXT_NAME_BYTES_MAX} 个字符，可用 A-Z、a-z、\
             0-9、-、. 和 _"
    )))
}
