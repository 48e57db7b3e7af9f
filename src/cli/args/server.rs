//! The server to talk to: its address, checked before anything is sent, and what the client shows.

use std::{ffi::OsStr, fmt, path::PathBuf, str::FromStr};

use clap::{
    Args,
    builder::{StringValueParser, TypedValueParser, ValueParserFactory},
    error::ErrorKind,
};
use http::Uri;
use serde::{Deserialize, Serialize};

use super::servers::ServerAddresses;
use crate::{
    domain::masked_url,
    lang::{say, word},
};

/// The default address of the server.
pub(crate) const DEFAULT_SERVER: &str = "http://127.0.0.1:50051";

/// The server to talk to, and how.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ServerArgs {
    /// Server to talk to: https://HOST:PORT, or http://HOST:PORT in plaintext; HOST:PORT alone is
    /// plaintext on this machine and TLS elsewhere; several nodes of one log with commas between
    /// them [default: that of the context, or http://127.0.0.1:50051]
    #[arg(
        long = "server",
        env = "TIDU_SERVER",
        hide_env_values = true,
        value_name = "URL",
        global = true
    )]
    pub(crate) address: Option<ServerAddresses>,
    #[command(flatten)]
    pub(crate) identity: IdentityArgs,
}

/// What proves the server to the client, and the client to the server. The environment does not
/// have TIDU_TLS_CERT: that is the certificate of a server.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct IdentityArgs {
    /// Context to take server and credentials from; see `tidu context --help` [default: the one in
    /// use, for its own server]
    #[arg(long, env = "TIDU_CONTEXT", hide_env_values = true, value_name = "NAME",
        global = true, help_heading = CONNECTION)]
    pub(crate) context: Option<String>,
    /// CAs that may have signed the server's certificate, in PEM [default: the system's]
    #[arg(long, env = "TIDU_TLS_CA", hide_env_values = true, value_name = "FILE",
        global = true, help_heading = CONNECTION)]
    pub(crate) tls_ca: Option<PathBuf>,
    /// Client certificate with its chain, in PEM; may hold its key as well
    #[arg(long, env = "TIDU_CLIENT_CERT", hide_env_values = true, value_name = "FILE",
        global = true, help_heading = CONNECTION)]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Key of the client certificate, in PEM; nobody else may be able to read it (chmod 600)
    #[arg(long, env = "TIDU_CLIENT_KEY", hide_env_values = true, value_name = "FILE",
        global = true, help_heading = CONNECTION)]
    pub(crate) tls_key: Option<PathBuf>,
    /// File with a token or a JSON Web Token, which nobody else may be able to read (chmod 600)
    #[arg(long, env = "TIDU_TOKEN_FILE", hide_env_values = true, value_name = "FILE",
        global = true, help_heading = CONNECTION)]
    pub(crate) token_file: Option<PathBuf>,
}

/// The heading of these flags in the help.
const CONNECTION: &str = "Connection";

/// The port of an address without a scheme and a port.
const DEFAULT_PORT: u16 = 50051;

/// An address without a scheme as a URL: `localhost:50051`, `:50051`, `register.example`. Plaintext
/// does not leave this machine: every other host gets TLS.
fn with_scheme(text: &str) -> String {
    let host_and_port = match text.strip_prefix(':') {
        Some(port) if !port.contains(':') => format!("127.0.0.1:{port}"),
        _ => match text.parse::<std::net::Ipv6Addr>() {
            Ok(address) => format!("[{address}]"),
            Err(_) => text.to_owned(),
        },
    };
    let host_and_port = host_and_port.trim_end_matches('/');
    let has_port = host_and_port.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
    let port = if has_port { String::new() } else { format!(":{DEFAULT_PORT}") };
    let secure = ServerAddress(format!("https://{host_and_port}{port}"));
    if secure.is_local() { format!("http://{host_and_port}{port}") } else { secure.0 }
}

/// The address of a server, `http[s]://HOST[:PORT]`; or empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct ServerAddress(String);

impl ServerAddress {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True if the connection has TLS.
    pub(crate) fn is_secure(&self) -> bool {
        let scheme = self.0.split_once("://").map_or("", |(scheme, _)| scheme);
        scheme.eq_ignore_ascii_case("https")
    }

    /// True if nothing that is sent leaves this machine, as far as the address tells.
    pub(crate) fn is_local(&self) -> bool {
        let host = self.host();
        let address = host.parse::<std::net::IpAddr>();
        address.map_or_else(
            |_| host.eq_ignore_ascii_case("localhost"),
            |address| address.to_canonical().is_loopback(),
        )
    }

    /// The host, an address without brackets.
    pub(crate) fn host(&self) -> String {
        let uri = self.0.parse::<Uri>().unwrap_or_default();
        uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned()
    }

    /// True if both name the same server in the same way.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let plain = |address: &Self| address.0.trim_end_matches('/').to_ascii_lowercase();
        plain(self) == plain(other)
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<ServerAddress> for String {
    fn from(address: ServerAddress) -> Self {
        address.0
    }
}

impl TryFrom<String> for ServerAddress {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for ServerAddress {
    type Err = String;

    /// No error repeats a password or a query.
    /// An empty text is accepted: commands that need no server must not fail over TIDU_SERVER="".
    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self(String::new()));
        }
        let shown = masked_url(text);
        let url = if text.contains("://") { text.to_owned() } else { with_scheme(text) };
        let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
        if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            return Err(say!(
                en: "{shown:?}: the scheme must be https or http",
                zh: "{shown:?}：开头应为 https:// 或 http://"
            ));
        }
        let malformed = |why: &str| {
            say!(
                en: "{shown:?} {why}; the form is https://HOST:PORT",
                zh: "{shown:?} {why}；请写成 https://主机:端口"
            )
        };
        let uri: Uri =
            url.parse().map_err(|_| malformed(word!(en: "is not a URL", zh: "不是网址")))?;
        let authority = uri.authority().map_or("", http::uri::Authority::as_str);
        if authority.contains('@') {
            return Err(malformed(word!(
                en: "names a user, which a server address cannot",
                zh: "含有用户名，服务器地址不能有用户名"
            )));
        }
        if uri.host().is_none_or(str::is_empty) {
            return Err(malformed(word!(en: "names no host", zh: "没有写主机")));
        }
        let port = authority.rsplit_once(':').map(|(_, port)| port);
        let ends_in_host = port.is_none_or(|port| port.ends_with(']'));
        if !ends_in_host && uri.port_u16().is_none_or(|port| port == 0) {
            return Err(malformed(word!(en: "names no valid port", zh: "端口无效")));
        }
        if uri.path() != "/" || uri.query().is_some() {
            return Err(malformed(word!(
                en: "has a path, which a server address cannot",
                zh: "含有路径，服务器地址不能有路径"
            )));
        }
        Ok(Self(url))
    }
}

/// Reads an address for the command line. The parser of `clap` for a `FromStr` repeats the value in
/// front of the error, with a password that it may have.
#[derive(Clone, Debug)]
pub(crate) struct AddressParser {
    takes_tls: bool,
}

/// Reads the address of an operations port, which has no TLS.
pub(crate) const PLAIN_ADDRESS: AddressParser = AddressParser { takes_tls: false };

impl ValueParserFactory for ServerAddress {
    type Parser = AddressParser;

    fn value_parser() -> AddressParser {
        AddressParser { takes_tls: true }
    }
}

impl TypedValueParser for AddressParser {
    type Value = ServerAddress;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<ServerAddress, clap::Error> {
        let text = StringValueParser::new().parse_ref(command, argument, value)?;
        let require_known = |address: ServerAddress| {
            if self.takes_tls || !address.is_secure() {
                return Ok(address);
            }
            let shown = masked_url(&text);
            Err(say!(
                en: "{shown:?}: an operations port has no TLS; its address is http://HOST:PORT",
                zh: "{shown:?}：运维端口没有 TLS，地址应为 http://主机:端口"
            ))
        };
        let stated = match text.contains("://") || text.is_empty() || self.takes_tls {
            true => text.clone(),
            // It has no TLS anywhere.
            false => with_scheme(&text).replacen("https://", "http://", 1),
        };
        let read = stated.parse().and_then(require_known);
        read.map_err(|why: String| Self::refused(command, argument, &why))
    }
}

impl AddressParser {
    /// The error for a value, which it does not repeat.
    pub(super) fn refused(
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        why: &str,
    ) -> clap::Error {
        let argument = argument.map_or_else(String::new, ToString::to_string);
        let message = say!(
            en: "invalid value for '{argument}': {why}\n",
            zh: "“{argument}”的值不对：{why}\n"
        );
        clap::Error::raw(ErrorKind::ValueValidation, message).with_cmd(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_a_host_are_accepted() {
        let right = [
            DEFAULT_SERVER,
            "",
            "http://localhost",
            "http://localhost:50051/",
            "HTTP://[::1]:50051",
            "http://[::1]",
            "http://register.example:80",
            "https://register.example:50051",
            "HTTPS://register.example",
        ];
        for text in right {
            assert_eq!(text.parse::<ServerAddress>().map(|a| a.0), Ok(text.to_owned()));
        }
        for (text, why) in [
            ("ftp://127.0.0.1", "must be https or http"),
            ("grpc://127.0.0.1:50051", "must be https or http"),
            ("://127.0.0.1", "must be https or http"),
            ("a b", "is not a URL"),
            ("name@127.0.0.1:1", "names a user"),
            ("127.0.0.1:50051/tidu", "has a path"),
            (":0", "no valid port"),
            (":port", "no"),
            ("http://", "is not a URL"),
            ("http://127.0.0.1:50051/tidu", "has a path"),
            ("http://127.0.0.1:50051?x=1", "has a path"),
            ("http://someone@127.0.0.1:50051", "names a user"),
            ("http://127.0.0.1:", "no valid port"),
            ("http://127.0.0.1:0", "no valid port"),
            ("http://127.0.0.1:65536", "no valid port"),
            ("http://a b", "is not a URL"),
        ] {
            let error = text.parse::<ServerAddress>().unwrap_err();
            assert!(error.contains(why), "{text:?}: {error}");
            let shown = masked_url(text);
            assert!(error.contains(&format!("{shown:?}")), "the value is named: {error}");
        }
    }

    #[test]
    fn an_address_without_a_scheme_is_plaintext_on_this_machine_alone() {
        use clap::Parser as _;

        for (text, url) in [
            ("127.0.0.1:50051", "http://127.0.0.1:50051"),
            ("localhost:7", "http://localhost:7"),
            ("LOCALHOST", "http://LOCALHOST:50051"),
            (":50051", "http://127.0.0.1:50051"),
            ("[::1]:7", "http://[::1]:7"),
            ("::1", "http://[::1]:50051"),
            ("10.0.0.1:50051", "https://10.0.0.1:50051"),
            ("register.example", "https://register.example:50051"),
            ("register.example:443/", "https://register.example:443"),
            ("localhost.example:1", "https://localhost.example:1"),
        ] {
            assert_eq!(text.parse::<ServerAddress>().map(|a| a.0).as_deref(), Ok(url), "{text}");
        }
        let line = Line::try_parse_from(["tidu", "--operations", "10.0.0.1:9100"]).unwrap();
        assert_eq!(line._operations.unwrap().0, "http://10.0.0.1:9100");
    }

    #[test]
    fn an_address_tells_whether_it_is_secure_and_local() {
        for (text, is_secure, is_local) in [
            ("http://127.0.0.1:1", false, true),
            ("http://127.8.0.1:1", false, true),
            ("https://[::1]:1", true, true),
            ("http://[::ffff:127.0.0.1]", false, true),
            ("HTTPS://LocalHost", true, true),
            ("http://10.0.0.1:1", false, false),
            ("http://localhost.example", false, false),
            ("https://register.example:50051/", true, false),
        ] {
            let address: ServerAddress = text.parse().unwrap();
            assert_eq!((address.is_secure(), address.is_local()), (is_secure, is_local), "{text}");
        }
        let of = |text: &str| text.parse::<ServerAddress>().unwrap();
        assert!(of("https://A.example:1/").is_same(&of("https://a.example:1")));
        assert!(!of("http://a.example:1").is_same(&of("https://a.example:1")));
    }

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        _server: ServerArgs,
        #[arg(long = "operations", value_parser = PLAIN_ADDRESS)]
        _operations: Option<ServerAddress>,
    }

    #[test]
    fn no_error_repeats_a_secret() {
        use clap::Parser as _;

        for flag in ["--server", "--operations"] {
            for value in [
                "http://name:planted@127.0.0.1:1",
                "https://name:planted@127.0.0.1:1",
                "https://127.0.0.1:1/?name:planted",
                "name:planted@127.0.0.1:1",
                "planted://name:planted@127.0.0.1:1",
                "http://127.0.0.1:1?token=planted",
                "https://127.0.0.1:1/?token=planted",
                "http://name:pla?planted@127.0.0.1:1",
                "http://name:planted@",
            ] {
                let error = Line::try_parse_from(["tidu", flag, value]).unwrap_err().to_string();
                assert!(error.contains(flag), "{error}");
                assert!(!error.contains("planted") && !error.contains("name:"), "{error}");
            }
        }
    }
}
