//! A client of the operations port: it fetches a page, and reads the metrics that our own server
//! writes.

use std::collections::HashMap;

use bytes::Bytes;
use http::{Request, Uri, header::HOST};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::{net::TcpStream, time::timeout};

use super::args::ServerAddress;
use crate::{
    delivery::innermost_cause,
    lang::{say, word},
    limits::{OPERATIONS_ANSWER_BYTES_MAX, OPERATIONS_CALL_DURATION_MAX},
};

/// The answer of `/readyz`.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Ready {
    checks: Vec<Check>,
}

#[derive(Clone, Debug, Deserialize)]
struct Check {
    name: String,
    ok: bool,
    #[serde(default)]
    detail: String,
}

impl Ready {
    /// The checks that fail, and what each found.
    pub(super) fn failing(self) -> Vec<(String, String)> {
        let failing = self.checks.into_iter().filter(|check| !check.ok);
        failing.map(|check| (check.name, check.detail)).collect()
    }
}

/// All samples of one answer of `/metrics`.
#[derive(Clone, Debug, Default)]
pub(super) struct Scrape(Vec<Sample>);

/// The value of one series.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) labels: HashMap<String, String>,
    pub(super) value: f64,
}

impl Sample {
    /// The value of a label; empty if it has none of that name.
    pub(super) fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }

    /// Reads a line. `None`: it is a comment, or not ours.
    fn read(line: &str) -> Option<Self> {
        let end = line.find([' ', '{']).filter(|_| !line.starts_with('#'))?;
        let (name, mut rest) = line.split_at(end);
        let mut labels = HashMap::new();
        if let Some(inside) = rest.strip_prefix('{') {
            rest = inside;
            while !rest.starts_with('}') {
                let (label, value) = rest.split_once("=\"")?;
                let (value, behind) = quoted(value)?;
                labels.insert(label.trim_start_matches(',').to_owned(), value);
                rest = behind;
            }
            rest = rest.get(1..)?;
        }
        let value = rest.trim().parse().ok()?;
        Some(Self { name: name.to_owned(), labels, value })
    }
}

/// The text up to the closing quotation mark without its escapes, and the rest behind the mark.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, text.get(at + 1..)?)),
            '\\' => value.push(match characters.next()?.1 {
                'n' => '\n',
                other => other,
            }),
            other => value.push(other),
        }
    }
    None
}

impl Scrape {
    pub(super) fn read(text: &str) -> Self {
        Self(text.lines().filter_map(Sample::read).collect())
    }

    /// The series of a name.
    pub(super) fn series(&self, name: &str) -> impl Iterator<Item = &Sample> {
        self.0.iter().filter(move |sample| sample.name == name)
    }

    /// The sum of all series of a name; 0 if there is none.
    pub(super) fn sum(&self, name: &str) -> f64 {
        self.series(name).map(|sample| sample.value).sum()
    }
}

/// Asks the port for the checks of its server and for its metrics, or tells why it cannot.
pub(super) async fn look(address: &ServerAddress) -> Result<(Ready, Scrape), String> {
    let asked = async {
        let ready = serde_json::from_str(&fetch(address, "/readyz").await?);
        let ready = ready.map_err(|error| {
            say!(
                en: "/readyz does not answer as ours: {error}",
                zh: "/readyz 的应答不是 tidu 的格式：{error}"
            )
        })?;
        Ok((ready, Scrape::read(&fetch(address, "/metrics").await?)))
    };
    let seconds = OPERATIONS_CALL_DURATION_MAX.as_secs();
    let asked = timeout(OPERATIONS_CALL_DURATION_MAX, asked).await;
    asked.unwrap_or_else(|_| {
        Err(say!(en: "no answer within {seconds} s", zh: "{seconds} 秒内没有应答"))
    })
}

async fn fetch(address: &ServerAddress, path: &str) -> Result<String, String> {
    let uri: Uri = address
        .to_string()
        .parse()
        .map_err(|_| word!(en: "no address is given", zh: "未给出地址").to_owned())?;
    let authority = uri.authority().map_or("", http::uri::Authority::as_str).to_owned();
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let cause = |error: &(dyn std::error::Error + 'static)| innermost_cause(error);
    let port = uri.port_u16().unwrap_or(80);
    let stream = TcpStream::connect((host, port)).await.map_err(|error| cause(&error))?;
    let handshake = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|error| cause(&error))?;
    let connection = tokio::spawn(connection);
    let request = Request::get(path).header(HOST, authority).body(Empty::<Bytes>::new());
    let request = request.map_err(|error| cause(&error))?;
    let answer = sender.send_request(request).await.map_err(|error| cause(&error))?;
    let body = Limited::new(answer.into_body(), OPERATIONS_ANSWER_BYTES_MAX).collect().await;
    let body = body.map_err(|error| cause(&*error))?.to_bytes();
    connection.abort();
    String::from_utf8(body.into()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn lines_of_metrics_are_read_with_their_labels() {
        let scrape = Scrape::read(
            "# HELP tidu_streams Streams\n\
             tidu_streams{method=\"a\",code=\"OK\"} 3\n\
             tidu_streams{method=\"b \\\"}\\\\ \\n{\",code=\"\"} 4.5\n\
             tidu_events_total 7\n\
             tidu_streams{method=\"cut\n\
             tidu_streams_ended_total 9\n",
        );
        let streams: Vec<_> = scrape.series("tidu_streams").collect();
        assert_eq!(streams.len(), 2, "{streams:?}");
        assert_eq!((streams[0].label("method"), streams[0].label("code")), ("a", "OK"));
        assert_eq!((streams[1].label("method"), streams[1].label("none")), ("b \"}\\ \n{", ""));
        assert!((scrape.sum("tidu_streams") - 7.5).abs() < 1e-9);
        assert!((scrape.sum("tidu_events_total") - 7.0).abs() < 1e-9);
        assert!(scrape.sum("tidu_unknown").abs() < 1e-9);
    }

    #[test]
    fn checks_that_fail_are_named() {
        let text = r#"{"ready":false,"checks":[{"name":"disk","ok":false,"detail":"full"},
            {"name":"replay","ok":true}]}"#;
        let ready: Ready = serde_json::from_str(text).unwrap();
        assert_eq!(ready.failing(), [("disk".to_owned(), "full".to_owned())]);
    }
}
