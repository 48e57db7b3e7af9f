//! What the operations port of a server says.

use std::{path::Path, time::Duration};

use bytes::Bytes;
use http::{Request, Uri, header::HOST};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::{net::TcpStream, time::timeout};

use super::finding::{Finding, word};
use crate::{
    cli::args::ServerAddress,
    delivery::innermost_cause,
    limits::{
        DOCTOR_ANSWER_BYTES_MAX, DOCTOR_CALL_DURATION_MAX, DOCTOR_CURSOR_LAG_MAX,
        DOCTOR_CURSORS_NAMED_MAX,
    },
};

/// What the port says of its server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Operations {
    /// The checks of `/readyz` that fail, and what each found.
    pub(super) failing: Vec<(String, String)>,
    /// Log lines that nobody took in time.
    pub(super) lines_dropped: u64,
    /// Cursors and the age of the oldest event that each lacks.
    pub(super) cursors: Vec<(String, Duration)>,
}

/// The answer of `/readyz`.
#[derive(Deserialize)]
struct Readiness {
    checks: Vec<Check>,
}

#[derive(Deserialize)]
struct Check {
    name: String,
    ok: bool,
    #[serde(default)]
    detail: String,
}

/// Asks the port, or tells why it cannot.
pub(super) async fn look(address: &ServerAddress) -> Result<Operations, String> {
    let asked = async {
        let readiness = fetch(address, "/readyz").await?;
        let metrics = fetch(address, "/metrics").await?;
        read(&readiness, &metrics)
    };
    let seconds = DOCTOR_CALL_DURATION_MAX.as_secs();
    let asked = timeout(DOCTOR_CALL_DURATION_MAX, asked).await;
    asked.unwrap_or_else(|_| Err(format!("no answer within {seconds} s")))
}

async fn fetch(address: &ServerAddress, path: &str) -> Result<String, String> {
    let uri: Uri = address.to_string().parse().map_err(|_| "no address is given".to_owned())?;
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
    let body = Limited::new(answer.into_body(), DOCTOR_ANSWER_BYTES_MAX).collect().await;
    let body = body.map_err(|error| cause(&*error))?.to_bytes();
    connection.abort();
    String::from_utf8(body.into()).map_err(|error| error.to_string())
}

fn read(readiness: &str, metrics: &str) -> Result<Operations, String> {
    let unreadable = |error: serde_json::Error| format!("/readyz does not answer as ours: {error}");
    let Readiness { checks } = serde_json::from_str(readiness).map_err(unreadable)?;
    let failing = checks.into_iter().filter(|check| !check.ok);
    let failing = failing.map(|check| (check.name, check.detail)).collect();
    let mut found = Operations { failing, ..Operations::default() };
    for (name, labels, value) in metrics.lines().filter_map(sample) {
        let lag = || Duration::try_from_secs_f64(value).unwrap_or_default();
        match name {
            "tidu_log_lines_dropped_total" => found.lines_dropped = lag().as_secs(),
            "tidu_cursor_lag_seconds" => {
                let cursor =
                    labels.strip_prefix("cursor=\"").and_then(|rest| rest.split('"').next());
                found.cursors.push((cursor.unwrap_or_default().to_owned(), lag()));
            }
            _ => {}
        }
    }
    Ok(found)
}

/// The name, the labels and the value in a line of metrics.
fn sample(line: &str) -> Option<(&str, &str, f64)> {
    let (series, value) = line.split_once([' ', '{']).filter(|_| !line.starts_with('#'))?;
    match value.rsplit_once('}') {
        Some((labels, value)) => Some((series, labels, value.trim().parse().ok()?)),
        None => Some((series, "", value.trim().parse().ok()?)),
    }
}

/// `readiness`: every check of `/readyz` holds.
pub(super) fn check_readiness(operations: &Result<Operations, String>, server: &str) -> Finding {
    let id = "readiness";
    let failing = match operations {
        Err(why) => return Finding::ok(id, format!("not known, as the operations port: {why}")),
        Ok(operations) => &operations.failing,
    };
    if failing.is_empty() {
        return Finding::ok(id, "the server is ready");
    }
    let named = failing.iter().map(|(name, detail)| format!("{name} ({detail})"));
    let named: Vec<_> = named.collect();
    let found = format!("the server is not ready: {}", named.join(", "));
    Finding::error(id, found, format!("tidu status {server}"))
}

/// `log-lines`: somebody takes them.
pub(super) fn check_lines(operations: &Operations) -> Finding {
    let id = "log-lines";
    let dropped = operations.lines_dropped;
    if dropped == 0 {
        return Finding::ok(id, "none was dropped");
    }
    let found = format!(
        "{dropped} were dropped, because nobody took them in time; a filter for fewer helps from \
         the next start on"
    );
    Finding::warn(id, found, "export TIDU_LOG=tidu=warn,error")
}

/// `cursors`: no subscriber has fallen far behind.
pub(super) fn check_cursors(operations: &Operations, server: &str) -> Finding {
    let id = "cursors";
    let known = operations.cursors.len();
    let mut late: Vec<_> = operations.cursors.iter().collect();
    late.retain(|(_, lag)| *lag > DOCTOR_CURSOR_LAG_MAX);
    late.sort_by_key(|(name, lag)| (std::cmp::Reverse(*lag), name));
    let Some((slowest, _)) = late.first() else {
        return Finding::ok(id, format!("none is late, of {known} that have events to confirm"));
    };
    let named = late.iter().take(DOCTOR_CURSORS_NAMED_MAX);
    let named = named.map(|(name, lag)| format!("{name} by {} min", lag.as_secs() / 60));
    let named: Vec<_> = named.collect();
    let minutes = DOCTOR_CURSOR_LAG_MAX.as_secs() / 60;
    let (all, named) = (late.len(), named.join(", "));
    let found = format!("{all} are late by more than {minutes} min: {named}");
    // Their names are chosen by callers, and are letters, digits, dots and dashes.
    let slowest = word(Path::new(slowest));
    Finding::warn(id, found, format!("tidu cursor show {slowest} {server}"))
}

#[cfg(test)]
mod tests {
    use super::{super::finding::Level, *};

    const SERVER: &str = "--server http://127.0.0.1:1";

    #[test]
    fn answers_of_the_port_are_read() {
        let readiness = r#"{"ready":false,"checks":[{"name":"disk","ok":false,"detail":"full"},
            {"name":"replay","ok":true,"detail":""}]}"#;
        let metrics = "# HELP tidu_log_lines_dropped_total Log lines\n\
                       tidu_log_lines_dropped_total 3\n\
                       tidu_cursor_lag_seconds{cursor=\"a-b\"} 7200.5\n\
                       tidu_log_lines_left_out_total 9\n\
                       tidu_calls_total{method=\"x y\",code=\"OK\"} 4\n";
        let found = read(readiness, metrics).unwrap();
        assert_eq!(found.failing, [("disk".to_owned(), "full".to_owned())]);
        assert_eq!(found.lines_dropped, 3);
        assert_eq!(found.cursors, [("a-b".to_owned(), Duration::from_secs_f64(7200.5))]);
        assert!(read("not JSON", "").is_err());
        assert_eq!(read(r#"{"checks":[]}"#, "").unwrap(), Operations::default());
    }

    #[test]
    fn failing_checks_and_dropped_lines_are_named() {
        let ready = Ok(Operations::default());
        assert_eq!(check_readiness(&ready, SERVER).level, Level::Ok);
        assert_eq!(check_readiness(&Err("refused".to_owned()), SERVER).level, Level::Ok);
        let failing = vec![("writer".to_owned(), "no turn for 6 s".to_owned())];
        let unready = check_readiness(&Ok(Operations { failing, ..Default::default() }), SERVER);
        assert_eq!(unready.level, Level::Error);
        assert!(unready.found.contains("writer (no turn for 6 s)"), "{unready}");
        let dropped = |lines_dropped| Operations { lines_dropped, ..Default::default() };
        assert_eq!(check_lines(&dropped(0)).level, Level::Ok);
        assert_eq!(check_lines(&dropped(1)).level, Level::Warn);
    }

    #[test]
    fn the_slowest_cursors_are_named() {
        let cursor = |name: &str, lag| (name.to_owned(), lag);
        let with = |cursors| Operations { cursors, ..Default::default() };
        let just = cursor("a", DOCTOR_CURSOR_LAG_MAX);
        let fine = check_cursors(&with(vec![just.clone()]), SERVER);
        assert_eq!(fine.level, Level::Ok, "at the bound");
        let second = Duration::from_secs(1);
        let late = (1..=4_u32).map(|n| cursor(&n.to_string(), DOCTOR_CURSOR_LAG_MAX + second * n));
        let found = check_cursors(&with([just].into_iter().chain(late).collect()), SERVER);
        assert_eq!(found.level, Level::Warn);
        let run = "tidu cursor show 4 --server http://127.0.0.1:1";
        assert_eq!(found.run.as_deref(), Some(run));
        let text = "4 are late by more than 60 min: 4 by 60 min, 3 by 60 min, 2 by 60 min";
        assert_eq!(found.found, text);
    }
}
