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
        if authority.port_u16().is_none() {
            return Err("it has no port");
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

/// A value that is no address, for an error: without a password that it may have.
pub(in crate::server) fn shown(value: &str) -> String {
    match value.rsplit_once('@') {
        Some((_, after)) => format!("…@{after}"),
        None => value.to_owned(),
    }
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
            ("http://collector.example", "port"),
            ("http://:4317", "host"),
            ("http://user:word@collector.example:4317", "password"),
            ("http://collector.example:4317/v1/traces", "path"),
            ("http://collector.example:99999", "port"),
        ] {
            let refused = OtlpEndpoint::parse(bad).unwrap_err();
            assert!(refused.contains(why), "{bad}: {refused}");
        }
    }

    #[test]
    fn an_error_does_not_repeat_a_password() {
        assert_eq!(shown("http://user:p@ss@host:1"), "…@host:1");
        assert_eq!(shown("nonsense"), "nonsense");
    }
}
