//! The address of a server: `http://HOST:PORT`, checked before anything is sent.

use std::{fmt, str::FromStr};

use clap::Args;
use http::Uri;

/// The default address of the server.
const DEFAULT_SERVER: &str = "http://127.0.0.1:50051";

/// The server to talk to.
#[derive(Clone, Debug, Args)]
pub(crate) struct ServerArgs {
    /// Server to talk to: http://HOST:PORT; https is refused until there is TLS
    #[arg(long = "server", env = "TIDU_SERVER", value_name = "URL",
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
    /// An empty text is accepted: commands that need no server must not fail over TIDU_SERVER="".
    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self(String::new()));
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(format!("{text:?} has no scheme; the form is http://HOST:PORT"));
        };
        match scheme.to_ascii_lowercase().as_str() {
            "http" => {}
            "https" => {
                return Err(format!(
                    "{text:?}: https is refused, because tidu does not support TLS yet and would \
                     send everything in plaintext; use http://{rest} if that is acceptable"
                ));
            }
            other => {
                return Err(format!("{text:?}: the scheme must be http, not {other:?}"));
            }
        }
        let malformed = |why: &str| format!("{text:?} {why}; the form is http://HOST:PORT");
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
            ("ftp://127.0.0.1", "must be http, not \"ftp\""),
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
            assert!(error.contains(&format!("{text:?}")), "the value is named: {error}");
        }
    }
}
