//! A webhook as receiver: each event is a signed POST.
//!
//! The URL of a receiver may hold a secret: a token in its path or query, or a password by mistake.
//! So no error repeats it; at most its host is named.

use std::{error::Error, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use jiff::{Timestamp, fmt::rfc2822};
use tokio::time::timeout;
use tower::ServiceExt as _;
use url::Url;

use super::{
    DeliveryError, Outcome,
    connection::{Connection, Connections},
    parcel::Parcel,
    signature::Secrets,
};
use crate::{
    lang::{say, word},
    tls::{self, ClientFiles},
};

/// The address that events are POSTed to.
pub(super) struct Webhook {
    connections: Connections,
    url: Uri,
    /// True for https.
    is_secure: bool,
    /// CAs and certificates, read for each connection, so that renewed ones count.
    files: ClientFiles,
    secrets: Secrets,
    /// Longest wait for an answer.
    duration_max: Duration,
}

impl Webhook {
    pub(super) fn new(
        url: &str,
        secrets: Secrets,
        duration_max: Duration,
        files: ClientFiles,
    ) -> Result<Self, DeliveryError> {
        let (url, is_secure) = address(url).map_err(refused)?;
        if !is_secure && files.is_any() {
            return Err(refused(word!(
                en: "http:// uses neither CAs nor certificates; use https://",
                zh: "http:// 不使用 CA 和证书，请改用 https://"
            )));
        }
        let connections = Connections::default();
        let webhook = Self { connections, url, is_secure, files, secrets, duration_max };
        if is_secure {
            webhook.secure_connector().map_err(DeliveryError::Stopped)?;
        }
        Ok(webhook)
    }

    /// Sends an event or a batch. An answer of 2xx means taken.
    pub(super) async fn offer(&mut self, parcel: &Parcel<'_>) -> Outcome {
        let request = match self.request(parcel) {
            Ok(request) => request,
            Err(error) => {
                return Outcome::not_taken(say!(
                    en: "it cannot be sent: {error}", zh: "无法发送：{error}"
                ));
            }
        };
        match timeout(self.duration_max, self.send(request)).await {
            Ok(Ok((answer, connection))) => {
                let (answer, body) = answer.into_parts();
                self.connections.keep(connection, body).await;
                judge(answer.status, &answer.headers, now())
            }
            Ok(Err(why)) => Outcome::not_taken(why),
            Err(_) => {
                let most = self.duration_max;
                Outcome::not_taken(say!(
                    en: "no answer within {most:?}", zh: "{most:?} 内没有答复"
                ))
            }
        }
    }

    fn request(&self, parcel: &Parcel<'_>) -> http::Result<Request<Full<Bytes>>> {
        let (id, body, timestamp) = (parcel.id(), parcel.body(), now().as_second());
        let signature = self.secrets.sign(&id, timestamp, &body);
        let path = self.url.path_and_query().map_or("/", |path| path.as_str());
        let host = self.url.authority().map_or("", |authority| authority.as_str());
        Request::post(path)
            .header(header::HOST, host)
            .header(header::CONTENT_TYPE, HeaderValue::from_static(parcel.content_type()))
            .header(header::USER_AGENT, concat!("tidu/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", &*id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature)
            .body(Full::new(body))
    }

    async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<(Response<Incoming>, Connection), String> {
        let connection = match self.connections.take().await {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        connection.send(request).await.map_err(|error| self.told(&error))
    }

    async fn connect(&self) -> Result<Connection, String> {
        let begun = if self.is_secure {
            let stream = self.secure_connector()?.oneshot(self.url.clone()).await;
            Connection::begin(stream.map_err(|error| self.told(&*error))?).await
        } else {
            let stream = connector().oneshot(self.url.clone()).await;
            Connection::begin(stream.map_err(|error| self.told(&error))?).await
        };
        begun.map_err(|error| self.told(&error))
    }

    /// Makes connections with TLS and no others.
    fn secure_connector(&self) -> Result<HttpsConnector<HttpConnector>, String> {
        let config = self.files.read().map_err(|error| error.to_string())?;
        let builder = HttpsConnectorBuilder::new().with_tls_config(config);
        Ok(builder.https_only().enable_http1().wrap_connector(connector()))
    }

    /// Why a connection failed. Of the URL it names the host at most.
    fn told(&self, error: &(dyn Error + 'static)) -> String {
        let host = self.url.host().unwrap_or_default();
        let fault = tls::explain(error, host, &self.files);
        fault.map_or_else(|| innermost_cause(error), |fault| fault.why)
    }
}

/// Makes connections without TLS of its own. A small request does not wait for an acknowledgement.
fn connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.enforce_http(false);
    connector
}

fn refused(why: &str) -> DeliveryError {
    DeliveryError::Stopped(say!(en: "--webhook: {why}", zh: "--webhook：{why}"))
}

/// Reads the URL of a receiver as browsers do: characters of other scripts are encoded, in the host
/// and behind it. True if it is `https`.
fn address(text: &str) -> Result<(Uri, bool), &'static str> {
    let malformed = word!(
        en: "this is not a URL; the form is https://HOST/PATH",
        zh: "不是网址；格式为 https://主机/路径"
    );
    let url = Url::parse(text.trim()).map_err(|_| malformed)?;
    let secure = match url.scheme() {
        "http" => false,
        "https" => true,
        _ => {
            return Err(word!(
                en: "begin with http:// or https://", zh: "应以 http:// 或 https:// 开头"
            ));
        }
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(word!(
            en: "leave out the user and the password: every program on this machine sees the \
                 arguments of a command. Messages are signed, so check the signature; see \
                 docs/delivery.md",
            zh: "请去掉用户名和密码：本机的所有程序都能看到命令的参数。消息带有签名，\
                 请核对签名，见 docs/delivery.md"
        ));
    }
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or(malformed)?;
    let authority = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
    let uri = format!("{}://{authority}{}{query}", url.scheme(), url.path());
    Ok((uri.parse().map_err(|_| malformed)?, secure))
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
    Outcome::NotTaken {
        why: say!(en: "the receiver answered {status}", zh: "接收方答复 {status}"),
        retry_after,
    }
}

/// The pause in `Retry-After`: seconds, or a date in one of the three forms of HTTP. A date in the
/// past means now.
fn pause_of(text: &str, now: Timestamp) -> Option<Duration> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More seconds than can be counted are a long time.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(text).ok().and_then(|date| date.try_into().ok());
    let date: Timestamp =
        date.or_else(|| rfc2822::DateTimeParser::new().parse_timestamp(text).ok())?;
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

/// The innermost cause, which says more than "transport error".
pub(crate) fn innermost_cause(error: &dyn Error) -> String {
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

    const FLAGS: tls::Flags = tls::Flags { ca: "--ca", certificate: "--cert", key: "--key" };

    #[test]
    fn retry_after_is_read_in_all_forms() {
        let now: Timestamp = "1994-11-06T08:49:07Z".parse().unwrap();
        let seconds = |text: &str| pause_of(text, now).map(|pause| pause.as_secs());
        assert_eq!(seconds("0"), Some(0));
        assert_eq!(seconds("120"), Some(120));
        assert_eq!(seconds("18446744073709551615"), Some(u64::MAX));
        assert_eq!(seconds("18446744073709551616"), Some(u64::MAX));
        assert_eq!(seconds(&"9".repeat(1_000)), Some(u64::MAX));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(30));
        assert_eq!(seconds("Sunday, 06-Nov-94 08:49:37 GMT"), Some(30));
        assert_eq!(seconds("Sun Nov  6 08:49:37 1994"), Some(30));
        assert_eq!(seconds("Sun, 06 Nov 1994 09:49:37 +0100"), Some(30));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        for none in ["soon", "-1", "", "1.5", "1 0"] {
            assert_eq!(seconds(none), None, "{none:?}");
        }
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
    fn urls_are_read_as_browsers_do() {
        let table = [
            ("http://h", "http://h/"),
            ("https://h:8443/a?b=c#d", "https://h:8443/a?b=c"),
            ("HTTPS://H:443/a", "https://h/a"),
            ("http://h/企业/名单", "http://h/%E4%BC%81%E4%B8%9A/%E5%90%8D%E5%8D%95"),
            ("http://h/%E4%BC%81?名=a b", "http://h/%E4%BC%81?%E5%90%8D=a%20b"),
            ("https://例子.中国/钩", "https://xn--fsqu00a.xn--fiqs8s/%E9%92%A9"),
            ("http://[::1]:9/x", "http://[::1]:9/x"),
            ("http://127.0.0.1:9/x", "http://127.0.0.1:9/x"),
        ];
        for (text, expected) in table {
            let (uri, secure) = address(text).unwrap();
            assert_eq!(
                (uri.to_string().as_str(), secure),
                (expected, expected.starts_with("https"))
            );
        }
    }

    /// Neither a password nor a token of a URL shows up in an error.
    #[test]
    fn urls_that_cannot_work_are_refused_at_once_and_not_repeated() {
        for url in [
            "ftp://h/SECRET",
            "/SECRET",
            "",
            "http://user:SECRET@h/",
            "https://SECRET@h/",
            "https://:SECRET@h/",
            "https://user:SECRET@/",
            "user:SECRET@h",
            "https://",
            "https://h:SECRET/",
            "http://h SECRET/",
        ] {
            let secrets = Secrets::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").ok().unwrap();
            let files = ClientFiles::none(&FLAGS);
            let refused = Webhook::new(url, secrets, Duration::from_secs(1), files).err();
            let text = refused.unwrap_or_else(|| panic!("{url} was taken")).to_string();
            assert!(text.starts_with("--webhook: ") && !text.contains("SECRET"), "{text}");
        }
    }
}
