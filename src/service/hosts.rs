//! The guard of a server that only this machine reaches: it refuses requests that a web page sends
//! in the name of another host.
//!
//! A browser on the machine reaches the server, too, and with it every page that is open there. A
//! page can make its own name point to this machine (DNS rebinding); then its requests name that
//! host. Without TLS nothing else tells such a request from a client's own. So a request must name
//! localhost, an address, or a host that the operator has allowed; and its origin, if it has one,
//! must be this machine or a page that may call.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use tonic::{Code, body::Body};

use super::errors;
use crate::{domain::fault::echo, protocol::pb::ErrorReason};

/// The hosts and origins that requests may name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guard {
    /// Beside localhost and addresses; in lower case.
    hosts: Vec<String>,
    origins: Vec<HeaderValue>,
}

impl Guard {
    pub(crate) fn new(hosts: &[String], origins: &[HeaderValue]) -> Self {
        Self { hosts: hosts.iter().map(|host| host_of(host)).collect(), origins: origins.to_vec() }
    }

    /// The answer to a request that may not come in. Its status is in its extensions.
    pub(super) fn refusal<B>(&self, request: &Request<B>) -> Option<Response<Body>> {
        let (key, value) = self.foreign(request)?;
        let text = format!(
            "the request names the {key} {value:?}; this server is for this machine alone, and \
             allows localhost, addresses, and what its settings hosts and web_origins name"
        );
        let metadata = [(key, value)];
        let (code, reason) = (Code::PermissionDenied, ErrorReason::HostNotAllowed);
        let status = errors::status(code, reason, text, metadata);
        if is_web(request.headers()) {
            let mut response = Response::new(Body::new(status.message().to_owned()));
            *response.status_mut() = StatusCode::FORBIDDEN;
            let plain = HeaderValue::from_static("text/plain; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, plain);
            response.extensions_mut().insert(status);
            return Some(response);
        }
        Some(status.into_http())
    }

    /// The host or the origin that is not allowed, if there is one.
    pub(crate) fn foreign<B>(&self, request: &Request<B>) -> Option<(&'static str, String)> {
        let stated = request.uri().authority().map(http::uri::Authority::as_str);
        let hosts = texts(request.headers(), &header::HOST);
        for host in stated.map(str::to_owned).into_iter().chain(hosts) {
            // Only a client that is not a browser leaves the host out.
            if !host.is_empty() && !self.allows_host(&host) {
                return Some(("host", echo(&host)));
            }
        }
        let mut origins = request.headers().get_all(header::ORIGIN).iter();
        let foreign = origins.find(|origin| !self.allows_origin(origin))?;
        Some(("origin", echo(&String::from_utf8_lossy(foreign.as_bytes()))))
    }

    fn allows_host(&self, authority: &str) -> bool {
        let host = host_of(authority);
        host == "localhost" || address(&host).is_some() || self.hosts.contains(&host)
    }

    fn allows_origin(&self, origin: &HeaderValue) -> bool {
        if self.origins.contains(origin) {
            return true;
        }
        let Some((scheme, authority)) = origin.to_str().ok().and_then(|o| o.split_once("://"))
        else {
            return false;
        };
        let host = host_of(authority);
        let is_here = || host == "localhost" || address(&host).is_some_and(|ip| ip.is_loopback());
        matches!(scheme, "http" | "https") && is_here()
    }
}

fn texts(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).trim().to_owned();
    headers.get_all(name).iter().map(text).collect()
}

/// True for a request as browsers send it.
fn is_web(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    headers.contains_key(header::ORIGIN)
        || !kind.starts_with(b"application/grpc")
        || kind.starts_with(b"application/grpc-web")
}

/// The host of an authority, without its port and the dot at its end, in lower case.
fn host_of(authority: &str) -> String {
    let after_address = authority.rfind(']').map_or(0, |end| end + 1);
    let (address, rest) = authority.split_at(after_address);
    let rest = match rest.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => rest,
    };
    let host = format!("{address}{rest}").to_ascii_lowercase();
    host.strip_suffix('.').map_or_else(|| host.clone(), str::to_owned)
}

/// An address as it is written in an authority: IPv6 in brackets.
fn address(host: &str) -> Option<IpAddr> {
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let ip: IpAddr = match inner {
        Some(inner) => IpAddr::V6(inner.parse().ok()?),
        None => IpAddr::V4(host.parse().ok()?),
    };
    Some(ip.to_canonical())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const GRPC: &str = "application/grpc";

    fn guard() -> Guard {
        let origins = [HeaderValue::from_static("https://register.example")];
        Guard::new(&["Tidu.Internal.Example:443".to_owned()], &origins)
    }

    /// True if a request that names this host comes in, in both forms of a request.
    fn host_comes_in(host: &str) -> bool {
        let in_header = Request::builder().uri("/x").header("host", host).body(()).unwrap();
        let came_in = guard().refusal(&in_header).is_none();
        if let Ok(request) = Request::builder().uri(format!("http://{host}/x")).body(()) {
            assert_eq!(guard().refusal(&request).is_none(), came_in, "{host}");
        }
        came_in
    }

    fn origin_comes_in(origin: &str) -> bool {
        let request = Request::builder().uri("http://localhost:1/x").header("origin", origin);
        guard().refusal(&request.body(()).unwrap()).is_none()
    }

    #[test]
    fn requests_name_this_machine_an_address_or_an_allowed_host() {
        let allowed = [
            "localhost",
            "localhost:50051",
            "LocalHost:1",
            "localhost.",
            "localhost.:50051",
            "127.0.0.1:50051",
            "127.8.9.1",
            "[::1]:50051",
            "[::1]",
            "[::ffff:127.0.0.1]:1",
            "192.0.2.7:50051",
            "tidu.internal.example",
            "TIDU.internal.example.:8443",
        ];
        for host in allowed {
            assert!(host_comes_in(host), "{host}");
        }
        let refused = [
            "evil.example",
            "evil.example:50051",
            "localhost.evil.example",
            "evil.localhost",
            "127.0.0.1.evil.example",
            "localhost@evil.example",
            "evil.example@localhost",
            "2130706433",
            "0x7f.1",
            "127.1",
            "::1",
            "[::1].evil.example",
            "[::1%25lo]",
            "localhost..",
            ".",
            ":50051",
            "internal.example",
        ];
        for host in refused {
            assert!(!host_comes_in(host), "{host}");
        }
        let without = Request::builder().uri("/x").body(()).unwrap();
        assert!(guard().refusal(&without).is_none(), "no browser leaves the host out");
    }

    #[test]
    fn each_host_of_a_request_counts() {
        let both = Request::builder().uri("http://localhost/x").header("host", "evil.example");
        assert!(guard().refusal(&both.body(()).unwrap()).is_some());
        let two = Request::builder().header("host", "localhost").header("host", "evil.example");
        assert!(guard().refusal(&two.body(()).unwrap()).is_some());
    }

    #[test]
    fn origins_are_this_machine_or_pages_that_may_call() {
        for allowed in [
            "http://localhost:3000",
            "https://LOCALHOST",
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
            "https://register.example",
        ] {
            assert!(origin_comes_in(allowed), "{allowed}");
        }
        for refused in [
            "http://evil.example",
            "null",
            "",
            "http://register.example",
            "https://register.example.evil.example",
            "http://192.0.2.7",
            "http://localhost.evil.example",
            "file://localhost",
            "localhost",
        ] {
            assert!(!origin_comes_in(refused), "{refused}");
        }
    }

    #[test]
    fn clients_get_a_status_and_browsers_a_403() {
        let request = |kind: &str| {
            let request = Request::builder().uri("/x").header("host", "evil.example");
            request.header("content-type", kind).body(()).unwrap()
        };
        let answer = guard().refusal(&request(GRPC)).unwrap();
        assert_eq!(
            (answer.status(), answer.headers()["grpc-status"].as_bytes()),
            (StatusCode::OK, &b"7"[..])
        );
        for kind in ["application/grpc-web", "application/grpc-web-text+proto", "text/plain"] {
            let answer = guard().refusal(&request(kind)).unwrap();
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{kind}");
            assert!(!answer.headers().contains_key("grpc-status"));
        }
    }
}
