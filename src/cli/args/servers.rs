//! The addresses of the nodes that have one log: a command talks to one of them, and moves on.

use std::{ffi::OsStr, fmt, str::FromStr};

use clap::builder::{TypedValueParser, ValueParserFactory};
use serde::{Deserialize, Serialize};

use super::server::{AddressParser, ServerAddress};
use crate::{
    lang::{say, word},
    limits::SERVERS_MAX,
};

/// One address, or several with commas between them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct ServerAddresses(Vec<ServerAddress>);

impl ServerAddresses {
    /// All of them, in the order in which they are tried.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &ServerAddress> {
        self.0.iter()
    }

    /// True if none is stated: commands that need no server accept that.
    pub(crate) fn is_empty(&self) -> bool {
        self.iter().all(ServerAddress::is_empty)
    }

    /// True if these name every server of the others.
    pub(crate) fn have_all(&self, others: &Self) -> bool {
        others.iter().all(|other| self.iter().any(|own| own.is_same(other)))
    }

    /// Several addresses are those of servers, each of them once.
    fn of(all: Vec<ServerAddress>) -> Result<Self, String> {
        if all.len() > SERVERS_MAX {
            let count = all.len();
            return Err(say!(
                en: "{count} addresses are stated; {SERVERS_MAX} are allowed",
                zh: "写了 {count} 个地址，最多 {SERVERS_MAX} 个"
            ));
        }
        if all.len() > 1 && all.iter().any(ServerAddress::is_empty) {
            let text = word!(
                en: "an address in the list is empty; the form is https://HOST:PORT,https://…",
                zh: "列表中有空的地址；请写成 https://主机:端口,https://主机:端口"
            );
            return Err(text.to_owned());
        }
        Ok(Self(all))
    }
}

impl From<ServerAddress> for ServerAddresses {
    fn from(address: ServerAddress) -> Self {
        Self(vec![address])
    }
}

impl fmt::Display for ServerAddresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, address) in self.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            write!(f, "{comma}{address}")?;
        }
        Ok(())
    }
}

impl From<ServerAddresses> for String {
    fn from(addresses: ServerAddresses) -> Self {
        addresses.to_string()
    }
}

impl TryFrom<String> for ServerAddresses {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for ServerAddresses {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::of(text.split(',').map(|one| one.trim().parse()).collect::<Result<_, _>>()?)
    }
}

/// Reads addresses for the command line, as that of one does.
#[derive(Clone, Debug)]
pub(crate) struct AddressesParser(AddressParser);

impl ValueParserFactory for ServerAddresses {
    type Parser = AddressesParser;

    fn value_parser() -> AddressesParser {
        AddressesParser(ServerAddress::value_parser())
    }
}

impl TypedValueParser for AddressesParser {
    type Value = ServerAddresses;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<ServerAddresses, clap::Error> {
        let of_one = |one: &OsStr| self.0.parse_ref(command, argument, one);
        // What is not a text is refused as one address is.
        let Some(text) = value.to_str() else { return of_one(value).map(Into::into) };
        let parts = text.split(',').map(|one| of_one(OsStr::new(one.trim())));
        let all = parts.collect::<Result<_, _>>()?;
        ServerAddresses::of(all).map_err(|why| AddressParser::refused(command, argument, &why))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[arg(long)]
        server: ServerAddresses,
    }

    #[test]
    fn a_list_of_addresses_is_read_and_written() {
        for (text, written) in [
            ("", ""),
            ("localhost:1", "http://localhost:1"),
            ("https://a:1, b.example", "https://a:1,https://b.example:50051"),
        ] {
            let read: ServerAddresses = text.parse().unwrap();
            assert_eq!(read.to_string(), written);
            let line = Line::try_parse_from(["tidu", "--server", text]).unwrap();
            assert_eq!(line.server, read);
        }
        let of = |text: &str| text.parse::<ServerAddresses>().unwrap();
        assert!(of("").is_empty() && !of("localhost").is_empty());
        assert!(of("https://a:1,https://b:1").have_all(&of("https://B:1")));
        assert!(!of("https://b:1").have_all(&of("https://a:1,https://b:1")));
    }

    #[test]
    fn a_list_with_a_wrong_address_repeats_no_secret() {
        let many = vec!["localhost:1"; SERVERS_MAX + 1].join(",");
        for (text, why) in [
            ("https://a:1,", "is empty"),
            (",https://a:1", "is empty"),
            ("https://a:1,ftp://name:planted@b:1", "must be https or http"),
            (many.as_str(), "are allowed"),
        ] {
            assert!(text.parse::<ServerAddresses>().unwrap_err().contains(why), "{text}");
            let error = Line::try_parse_from(["tidu", "--server", text]).unwrap_err().to_string();
            assert!(error.contains(why) && error.contains("--server"), "{error}");
            assert!(!error.contains("planted"), "{error}");
        }
    }
}
