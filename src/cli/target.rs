//! The server that a command talks to, and the credentials for it: flags override the environment,
//! which overrides the context, which overrides defaults.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{
    CliError,
    args::{DEFAULT_SERVER, IdentityArgs, ServerAddress, ServerAddresses, ServerArgs},
    contexts::{Context, Contexts},
};
use crate::{
    files,
    lang::{io_cause, say},
    limits::TOKEN_FILE_BYTES_MAX,
    tls::{ClientFiles, Flags},
};

/// The flags of the command line.
const FLAGS: Flags = Flags { ca: "--tls-ca", certificate: "--tls-cert", key: "--tls-key" };

/// A server, and the files by which client and server know each other. They are read for each
/// connection, so that a renewed certificate or token counts at once.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(super) addresses: ServerAddresses,
    /// The one that is talked to.
    pub(super) turn: Arc<Turn>,
    pub(super) tls: ClientFiles,
    pub(super) token_file: Option<std::path::PathBuf>,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.addresses.fmt(f)
    }
}

impl From<ServerAddress> for Target {
    /// A server without credentials.
    fn from(address: ServerAddress) -> Self {
        Self::to(address.into())
    }
}

/// Which node of several is talked to. Whoever finds that it does not do leaves it; the next
/// connection, or the next call, is to the one after it.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    /// Counts on for ever; the node is the rest by their number.
    next: AtomicUsize,
    /// The turn of the last connection.
    taken: AtomicUsize,
}

impl Turn {
    /// The turn for the next call.
    pub(super) fn next(&self) -> usize {
        self.next.load(Ordering::Relaxed)
    }

    /// Notes that a connection was made in a turn.
    pub(super) fn take(&self, turn: usize) {
        self.taken.store(turn, Ordering::Relaxed);
    }

    /// Ends a turn, if it is still that one: several who find the same leave one node.
    pub(super) fn leave(&self, turn: usize) {
        let (now, then) = (Ordering::Relaxed, Ordering::Relaxed);
        // Somebody else was first.
        let _ = self.next.compare_exchange(turn, turn.wrapping_add(1), now, then);
    }
}

impl ServerArgs {
    /// The server that the arguments, the environment and the contexts name.
    pub(crate) fn target(&self) -> Result<Target, CliError> {
        let context = self.context()?;
        let default = || DEFAULT_SERVER.parse().map_err(CliError::Message);
        let address = match (&self.address, &context) {
            (Some(address), _) => address.clone(),
            (None, Some(context)) => context.server.clone(),
            (None, None) => default()?,
        };
        let IdentityArgs { tls_ca, tls_cert, tls_key, token_file, .. } = self.identity.clone();
        let mut target = Target::to(address);
        target.tls.ca = tls_ca;
        (target.tls.certificate, target.tls.key) = (tls_cert, tls_key);
        target.token_file = token_file;
        if let Some(context) = context {
            target.take(context);
        }
        target.require_sense()?;
        Ok(target)
    }

    /// The context that counts: the one that is named, or the one in use. The latter is for its own
    /// server alone, so that no other one gets its token.
    fn context(&self) -> Result<Option<Context>, CliError> {
        if let Some(name) = &self.identity.context {
            return Contexts::read()?.named(name).map(Some);
        }
        let current = Contexts::read()?.current();
        Ok(match &self.address {
            Some(address) => current.filter(|context| context.server.have_all(address)),
            None => current,
        })
    }
}

impl Target {
    /// Servers without credentials.
    fn to(addresses: ServerAddresses) -> Self {
        Self { addresses, turn: Arc::default(), tls: ClientFiles::none(&FLAGS), token_file: None }
    }

    /// True if there is more than one node.
    pub(super) fn has_others(&self) -> bool {
        self.addresses.iter().nth(1).is_some()
    }

    /// Leaves the node of the last connection for the next one.
    pub(super) fn move_on(&self) {
        self.turn.leave(self.turn.taken.load(Ordering::Relaxed));
    }

    /// The server of a context, with its credentials.
    pub(super) fn of(context: Context) -> Result<Self, CliError> {
        let mut target = Self::to(context.server.clone());
        target.take(context);
        target.require_sense()?;
        Ok(target)
    }

    /// Reads all files, to find what is wrong with them before they are needed.
    pub(super) fn require_usable(&self) -> Result<(), CliError> {
        self.token()?;
        if self.addresses.iter().any(ServerAddress::is_secure) {
            self.tls.read().map_err(|error| CliError::Message(error.to_string()))?;
        }
        Ok(())
    }

    /// Takes what is not stated from a context. A certificate and its key belong together.
    fn take(&mut self, context: Context) {
        let Context { server: _, tls_ca, tls_cert, tls_key, token_file } = context;
        self.tls.ca = self.tls.ca.take().or(tls_ca);
        if self.tls.certificate.is_none() && self.tls.key.is_none() {
            (self.tls.certificate, self.tls.key) = (tls_cert, tls_key);
        }
        self.token_file = self.token_file.take().or(token_file);
    }

    /// Refuses credentials that plaintext would give away, or would not use.
    fn require_sense(&self) -> Result<(), CliError> {
        self.addresses.iter().try_for_each(|server| self.require_sense_of(server))
    }

    fn require_sense_of(&self, server: &ServerAddress) -> Result<(), CliError> {
        if server.is_secure() || server.is_empty() {
            return Ok(());
        }
        let refused = |why: String| Err(CliError::Refused(why));
        if self.token_file.is_some() && !server.is_local() {
            return refused(say!(
                en: "the token is not sent to {server}: everybody on the way could read it there; \
                     use https://",
                zh: "令牌不会发送到 {server}：途中任何人都能读到它，请使用 https://"
            ));
        }
        if self.tls.is_any() {
            let Flags { ca, certificate, key } = FLAGS;
            return refused(say!(
                en: "{server} is plaintext, which uses neither CAs nor certificates ({ca}, \
                     {certificate}, {key}); use https://",
                zh: "{server} 是明文连接，不使用 CA 和证书（{ca}、{certificate}、{key}）；请使用 https://"
            ));
        }
        Ok(())
    }

    /// The token, if a file is named.
    pub(super) fn token(&self) -> Result<Option<String>, CliError> {
        let Some(path) = &self.token_file else { return Ok(None) };
        let of_file = |why: String| {
            let path = path.display();
            CliError::Message(say!(
                en: "--token-file {path}: {why}", zh: "--token-file {path}：{why}"
            ))
        };
        let bytes = files::read_secret(path, TOKEN_FILE_BYTES_MAX)
            .map_err(|error| of_file(io_cause(&error)))?;
        let text = String::from_utf8(bytes).unwrap_or_default();
        let token = text.trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(of_file(say!(
                en: "it must hold one token and nothing else",
                zh: "文件中应只有一个令牌，没有其他内容"
            )));
        }
        Ok(Some(token.to_owned()))
    }
}
