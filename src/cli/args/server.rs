//! The address of a server: `http://HOST:PORT`, checked before anything is sent.

use std::{ffi::OsStr, fmt, str::FromStr};

use clap::{
    Args,
    builder::{StringValueParser, TypedValueParser, ValueParserFactory},
    error::ErrorKind,
};
use http::Uri;

use crate::domain::masked_url;

/// The default address of the server.
pub(crate) const DEFAULT_SERVER: &str = "http://127.0.0.1:50051";

/// The server to talk to.
#[derive(Clone, Debug, Args)]
pub(crate) struct ServerArgs {
    /// Server to talk to: http://HOST:PORT; https is refused until there is TLS
    #[arg(long = "server", env = "TIDU_SERVER", hide_env_values = true, value_name = "URL",
        default_value = DEFAULT_SERVER, global = true)]
    pub(crate) address: ServerAddress,
}

/// The address of a server, `http://HOST[:PORT]`; or empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerAddress(String);

impl ServerAddress {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ServerAddress {
    type Err = String;

    /// The client has no TLS: given an `https` address it would talk in plaintext, so it refuses.
    /// No error repeats a password or a query.
    /// An empty text is accepted: commands that need no server must not fail over TIDU_SERVER="".
    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self(String::new()));
        }
        let shown = masked_url(text);
        let Some((scheme, _)) = text.split_once("://") else {
            return Err(format!("{shown:?} has no scheme; the form is http://HOST:PORT"));
        };
        match scheme.to_ascii_lowercase().as_str() {
            "http" => {}
            "https" => {
                let rest = shown.split_once("://").map_or("", |(_, rest)| rest);
                return Err(format!(
                    "{shown:?}: https is refused, because tidu does not support TLS yet and would \
                     send everything in plaintext; use http://{rest} if that is acceptable"
                ));
            }
            _ => return Err(format!("{shown:?}: the scheme must be http")),
        }
        let malformed = |why: &str| format!("{shown:?} {why}; the form is http://HOST:PORT");
        let uri: Uri = text.parse().map_err(|e| malformed(&format!("is not a URL ({e})")))?;
        let authority = uri.authority().map_or("", http::uri::Authority::as_str);
        if authority.contains('@') {
            return Err(malformed("names a user, which a server address cannot"));
        }
        if uri.host().is_none_or(str::is_empty) {
            return Err(malformed("names no host"));
        }
        let port = authority.rsplit_once(':').map(|(_, port)| port);
        let ends_in_host = port.is_none_or(|port| port.ends_with(']'));
        if !ends_in_host && uri.port_u16().is_none_or(|port| port == 0) {
            return Err(malformed("names no valid port"));
        }
        if uri.path() != "/" || uri.query().is_some() {
            return Err(malformed("has a path, which a server address cannot"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// Reads an address for the command line. The parser of `clap` for a `FromStr` repeats the value in
/// front of the error, with a password that it may have.
#[derive(Clone, Debug)]
pub(crate) struct AddressParser;

impl ValueParserFactory for ServerAddress {
    type Parser = AddressParser;

    fn value_parser() -> AddressParser {
        AddressParser
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
        text.parse().map_err(|why| {
            let argument = argument.map_or_else(String::new, ToString::to_string);
            let message = format!("invalid value for '{argument}': {why}\n");
            clap::Error::raw(ErrorKind::ValueValidation, message).with_cmd(command)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_http_addresses_of_a_host_are_accepted() {
        let right = [
            DEFAULT_SERVER,
            "",
            "http://localhost",
            "http://localhost:50051/",
            "HTTP://[::1]:50051",
            "http://[::1]",
            "http://register.example:80",
        ];
        for text in right {
            assert_eq!(text.parse::<ServerAddress>().map(|a| a.0), Ok(text.to_owned()));
        }
        for (text, why) in [
            ("https://register.example:50051", "https is refused"),
            ("HTTPS://register.example", "https is refused"),
            ("ftp://127.0.0.1", "must be http"),
            ("grpc://127.0.0.1:50051", "must be http"),
            ("://127.0.0.1", "must be http"),
            ("127.0.0.1:50051", "has no scheme"),
            ("localhost", "has no scheme"),
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

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        _server: ServerArgs,
        #[arg(long = "operations")]
        _operations: Option<ServerAddress>,
    }

    #[test]
    fn no_error_repeats_a_secret() {
        use clap::Parser as _;

        for flag in ["--server", "--operations"] {
            for value in [
                "http://name:planted@127.0.0.1:1",
                "https://name:planted@127.0.0.1:1",
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
