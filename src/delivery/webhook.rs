//! A webhook as receiver: each event is a signed POST.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use jiff::{Timestamp, fmt::rfc2822};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::time::timeout;
use tower::ServiceExt as _;

use super::{DeliveryError, Outcome, event::CloudEvent, signature::Secrets};
use crate::limits::WEBHOOK_ANSWER_BYTES_MAX;

/// The address that events are POSTed to.
pub(super) struct Webhook {
    connector: HttpsConnector<HttpConnector>,
    /// The connection of the last answer, if it can be used again. There is never a second one: a
    /// request left on another connection could be read after later ones.
    connection: Option<SendRequest<String>>,
    url: Uri,
    secrets: Secrets,
    /// Longest wait for an answer.
    duration_max: Duration,
}

impl Webhook {
    pub(super) fn new(
        url: &str,
        secrets: Secrets,
        duration_max: Duration,
    ) -> Result<Self, DeliveryError> {
        let refused = |why: &str| DeliveryError::Stopped(format!("--webhook {url}: {why}"));
        let uri: Uri = url.parse().map_err(|_| refused("this is not a URL"))?;
        let secure = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(refused("begin with http:// or https://")),
        };
        if uri.authority().is_none_or(|authority| authority.as_str().contains('@')) {
            return Err(refused(
                "take a host without user and password; the signature is the proof",
            ));
        }
        let tls = tls(secure).map_err(|why| refused(&why))?;
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .build();
        Ok(Self { connector, connection: None, url: uri, secrets, duration_max })
    }

    /// Sends an event. An answer of 2xx means taken.
    pub(super) async fn offer(&mut self, event: &CloudEvent) -> Outcome {
        let timestamp = now().as_second();
        let signature = self.secrets.sign(&event.id, timestamp, &event.body);
        let path = self.url.path_and_query().map_or("/", |path| path.as_str());
        let host = self.url.authority().map_or("", |authority| authority.as_str());
        let request = Request::post(path)
            .header(header::HOST, host)
            .header(header::CONTENT_TYPE, "application/cloudevents+json")
            .header(header::USER_AGENT, concat!("tidu/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", &event.id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature)
            .body(event.body.clone());
        let request = match request {
            Ok(request) => request,
            Err(error) => return Outcome::not_taken(format!("it cannot be sent: {error}")),
        };
        match timeout(self.duration_max, self.send(request)).await {
            Ok(Ok((status, headers))) => judge(status, &headers, now()),
            Ok(Err(why)) => Outcome::not_taken(why),
            Err(_) => Outcome::not_taken(format!("no answer within {:?}", self.duration_max)),
        }
    }

    async fn send(&mut self, request: Request<String>) -> Result<(StatusCode, HeaderMap), String> {
        let mut connection = self.connection.take();
        if let Some(before) = &mut connection
            && before.ready().await.is_err()
        {
            connection = None;
        }
        let mut connection = match connection {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let answer = connection.send_request(request).await.map_err(|e| innermost_cause(&e))?;
        let (answer, body) = answer.into_parts();
        // Only the status counts. A body that is too long ends the connection.
        if Limited::new(body, WEBHOOK_ANSWER_BYTES_MAX).collect().await.is_ok() {
            self.connection = Some(connection);
        }
        Ok((answer.status, answer.headers))
    }

    async fn connect(&self) -> Result<SendRequest<String>, String> {
        let stream = self.connector.clone().oneshot(self.url.clone()).await;
        let stream = stream.map_err(|e| innermost_cause(&*e))?;
        let (connection, driver) =
            http1::handshake(stream).await.map_err(|e| innermost_cause(&e))?;
        // The task ends with the connection; its errors reach the request.
        tokio::spawn(driver);
        Ok(connection)
    }
}

fn tls(secure: bool) -> Result<ClientConfig, String> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?;
    let builder = if secure {
        builder.with_native_roots().map_err(|e| {
            format!("no certificates to trust were found ({e}); name a file in SSL_CERT_FILE")
        })?
    } else {
        builder.with_root_certificates(RootCertStore::empty())
    };
    Ok(builder.with_no_client_auth())
}

fn judge(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Outcome {
    if status.is_success() {
        return Outcome::Taken;
    }
    if status == StatusCode::GONE {
        return Outcome::Gone;
    }
    let said = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = said.and_then(|text| pause_of(text.trim(), now));
    Outcome::NotTaken { why: format!("the receiver answered {status}"), retry_after }
}

/// The pause in `Retry-After`: seconds or a date. A date in the past means now.
fn pause_of(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

/// The innermost cause, which says more than "transport error".
pub(crate) fn innermost_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[allow(clippy::disallowed_methods)] // dates a message for the receiver; nothing is recorded
fn now() -> Timestamp {
    Timestamp::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now: Timestamp = "1994-11-06T08:49:07Z".parse().unwrap();
        let seconds = |text: &str| pause_of(text, now).map(|pause| pause.as_secs());
        assert_eq!(seconds("0"), Some(0));
        assert_eq!(seconds("120"), Some(120));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(30));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        assert_eq!(seconds("soon"), None);
        assert_eq!(seconds("-1"), None);
    }

    #[test]
    fn only_2xx_is_taken_and_410_ends() {
        let now: Timestamp = "1994-11-06T08:49:07Z".parse().unwrap();
        let none = HeaderMap::new();
        let of = |code: u16| judge(StatusCode::from_u16(code).unwrap(), &none, now);
        for code in [200, 202, 204] {
            assert!(matches!(of(code), Outcome::Taken), "{code}");
        }
        for code in [301, 308, 400, 401, 404, 429, 500, 503] {
            assert!(matches!(of(code), Outcome::NotTaken { retry_after: None, .. }), "{code}");
        }
        assert!(matches!(of(410), Outcome::Gone));
    }

    #[test]
    fn urls_that_cannot_work_are_refused_at_once() {
        for url in ["ftp://h/", "/path", "", "http://user:word@h/", "https://"] {
            let secrets = Secrets::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").ok().unwrap();
            assert!(Webhook::new(url, secrets, Duration::from_secs(1)).is_err(), "{url}");
        }
    }
}
