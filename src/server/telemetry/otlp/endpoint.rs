//! The address of a collector, as a setting gives it.

use std::fmt;

use http::Uri;

/// The address of a collector's gRPC port: `http://HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtlpEndpoint(Uri);

impl OtlpEndpoint {
    /// Reads an address.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let uri: Uri = text.parse().map_err(|_| "it is not a URL")?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => return Err("the server speaks to a collector without TLS alone"),
            _ => return Err("it does not begin with http://"),
        }
        let Some(authority) = uri.authority() else { return Err("it has no host") };
        if authority.host().is_empty() {
            return Err("it has no host");
        }
        if authority.as_str().contains('@') {
            return Err("it has a user or a password, which nothing would protect");
        }
        if authority.port_u16().is_none_or(|port| port == 0) {
            return Err(match port_of(authority.as_str()) {
                "" => "it has no port",
                _ => "its port is not a number from 1 to 65535",
            });
        }
        if uri.path_and_query().is_some_and(|rest| rest.as_str() != "/") {
            return Err("it has a path, which gRPC does not use");
        }
        Ok(Self(uri))
    }

    pub(super) fn uri(&self) -> Uri {
        self.0.clone()
    }
}

impl fmt::Display for OtlpEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.0.authority().map_or("", |authority| authority.as_str()))
    }
}

/// The text in the place of a port. An address of IPv6 is in brackets.
fn port_of(authority: &str) -> &str {
    let behind_host = authority.rsplit(']').next().unwrap_or(authority);
    behind_host.rsplit_once(':').map_or("", |(_, port)| port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_host_and_a_port() {
        for (good, shown) in [
            ("http://127.0.0.1:4317", "http://127.0.0.1:4317"),
            ("http://collector.example:4317/", "http://collector.example:4317"),
            ("http://[::1]:1", "http://[::1]:1"),
        ] {
            assert_eq!(OtlpEndpoint::parse(good).unwrap().to_string(), shown);
        }
        for (bad, why) in [
            ("", "URL"),
            ("127.0.0.1:4317", "http://"),
            ("collector", "http://"),
            ("https://collector.example:4317", "TLS"),
            ("grpc://collector.example:4317", "http://"),
            ("http://collector.example", "has no port"),
            ("http://collector.example:", "has no port"),
            ("http://[::1]", "has no port"),
            ("http://collector.example:0", "from 1 to 65535"),
            ("http://[::1]:65536", "from 1 to 65535"),
            ("http://:4317", "host"),
            ("http://user:word@collector.example:4317", "password"),
            ("http://collector.example:4317/v1/traces", "path"),
            ("http://collector.example:99999", "from 1 to 65535"),
        ] {
            let refused = OtlpEndpoint::parse(bad).unwrap_err();
            assert!(refused.contains(why), "{bad}: {refused}");
        }
    }
}
