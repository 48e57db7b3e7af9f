//! The Unix socket of a gateway: where it is, and who may call there.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

use crate::domain::fault::echo;

/// A Unix socket for a gateway, written as `PATH:UID`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct GatewaySocket {
    path: PathBuf,
    uid: u32,
}

/// A text that is not such a socket.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not an absolute path and the number of a user, such as /run/tidu/gateway.sock:990"
)]
pub struct NotGatewaySocket(String);

impl GatewaySocket {
    /// The file of the socket.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The user whose processes may call there.
    #[must_use]
    pub fn uid(&self) -> u32 {
        self.uid
    }
}

impl FromStr for GatewaySocket {
    type Err = NotGatewaySocket;

    fn from_str(text: &str) -> Result<Self, NotGatewaySocket> {
        let refused = || NotGatewaySocket(echo(text));
        let (path, uid) = text.rsplit_once(':').ok_or_else(refused)?;
        let (path, uid) = (PathBuf::from(path), uid.parse().map_err(|_| refused())?);
        // The server's own directory may change with the way it is started.
        if path.is_absolute() { Ok(Self { path, uid }) } else { Err(refused()) }
    }
}

impl TryFrom<String> for GatewaySocket {
    type Error = NotGatewaySocket;

    fn try_from(text: String) -> Result<Self, NotGatewaySocket> {
        text.parse()
    }
}

impl fmt::Display for GatewaySocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.path.display(), self.uid)
    }
}

impl From<GatewaySocket> for String {
    fn from(socket: GatewaySocket) -> Self {
        socket.to_string()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_gateway_has_an_absolute_path_and_the_number_of_a_user() {
        let socket: GatewaySocket = "/run/tidu/a:b.sock:990".parse().unwrap();
        assert_eq!((socket.path(), socket.uid()), (Path::new("/run/tidu/a:b.sock"), 990));
        assert_eq!(socket.to_string(), "/run/tidu/a:b.sock:990");
        for odd in ["", "/run/gateway.sock", "gateway.sock:990", "/run/gateway.sock:root", ":990"] {
            let refused = odd.parse::<GatewaySocket>().unwrap_err();
            assert!(refused.to_string().contains(odd), "{odd}");
        }
    }
}
