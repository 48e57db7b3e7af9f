//! A receiver of webhooks: each event is POSTed and signed.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, Request, StatusCode, Uri, header};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use jiff::{Timestamp, fmt::rfc2822};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::time::timeout;

use super::{Answer, CliError, client::reason, event::CloudEvent, signature::Secrets};

/// Where events are POSTed to.
pub(super) struct Webhook {
    client: Client<HttpsConnector<HttpConnector>, String>,
    url: Uri,
    secrets: Secrets,
    /// How long an answer may take.
    duration_max: Duration,
}

impl Webhook {
    pub(super) fn new(
        url: &str,
        secrets: Secrets,
        duration_max: Duration,
    ) -> Result<Self, CliError> {
        let refused = |why: &str| CliError::Said(format!("--webhook {url}: {why}"));
        let uri: Uri = url.parse().map_err(|_| refused("this is no URL"))?;
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
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { client, url: uri, secrets, duration_max })
    }

    /// Sends an event; an answer of 2xx means that it was taken.
    pub(super) async fn offer(&self, event: &CloudEvent) -> Answer {
        let timestamp = now().as_second();
        let signature = self.secrets.sign(&event.id, timestamp, &event.body);
        let request = Request::post(&self.url)
            .header(header::CONTENT_TYPE, "application/cloudevents+json")
            .header(header::USER_AGENT, concat!("tidu/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", &event.id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature)
            .body(event.body.clone());
        let request = match request {
            Ok(request) => request,
            Err(error) => return Answer::not_taken(format!("it cannot be sent: {error}")),
        };
        match timeout(self.duration_max, self.client.request(request)).await {
            // The body of an answer says nothing that counts; it is not read.
            Ok(Ok(response)) => judge(response.status(), response.headers(), now()),
            Ok(Err(error)) => Answer::not_taken(reason(&error)),
            Err(_) => Answer::not_taken(format!("no answer within {:?}", self.duration_max)),
        }
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

fn judge(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Answer {
    if status.is_success() {
        return Answer::Taken;
    }
    if status == StatusCode::GONE {
        return Answer::Gone;
    }
    let said = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = said.and_then(|text| pause_of(text.trim(), now));
    Answer::NotTaken { why: format!("the receiver answered {status}"), retry_after }
}

/// What `Retry-After` says: seconds or a date. A date in the past means now.
fn pause_of(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

#[allow(clippy::disallowed_methods)] // the receiver judges by it how old a message is; nothing is recorded
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
            assert!(matches!(of(code), Answer::Taken), "{code}");
        }
        for code in [301, 308, 400, 401, 404, 429, 500, 503] {
            assert!(matches!(of(code), Answer::NotTaken { retry_after: None, .. }), "{code}");
        }
        assert!(matches!(of(410), Answer::Gone));
    }

    #[test]
    fn urls_that_cannot_work_are_refused_at_once() {
        for url in ["ftp://h/", "/path", "", "http://user:word@h/", "https://"] {
            let secrets = Secrets::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").ok().unwrap();
            assert!(Webhook::new(url, secrets, Duration::from_secs(1)).is_err(), "{url}");
        }
    }
}
