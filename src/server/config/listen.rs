//! Where the operations port listens: an address, or nowhere.

use std::{fmt, net::SocketAddr, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::domain::fault::echo;

const OFF: &str = "off";

/// Where the operations port listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum OperationsListen {
    /// There is no such port.
    Off,
    /// On this address. Port 0 selects a free one.
    At(SocketAddr),
}

/// A text that names neither.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither an IP address with a port, such as 127.0.0.1:9464, nor {OFF}")]
pub struct NotListen(String);

impl OperationsListen {
    /// The address; `None` if the port is off.
    #[must_use]
    pub fn address(self) -> Option<SocketAddr> {
        match self {
            Self::Off => None,
            Self::At(address) => Some(address),
        }
    }
}

impl FromStr for OperationsListen {
    type Err = NotListen;

    fn from_str(text: &str) -> Result<Self, NotListen> {
        if text == OFF {
            return Ok(Self::Off);
        }
        text.parse().map(Self::At).map_err(|_| NotListen(echo(text)))
    }
}

impl TryFrom<String> for OperationsListen {
    type Error = NotListen;

    fn try_from(text: String) -> Result<Self, NotListen> {
        text.parse()
    }
}

impl fmt::Display for OperationsListen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str(OFF),
            Self::At(address) => address.fmt(f),
        }
    }
}

impl From<OperationsListen> for String {
    fn from(listen: OperationsListen) -> Self {
        listen.to_string()
    }
}
