//! What the operations port of a server says.

use std::{path::Path, time::Duration};

use super::finding::{Finding, word};
use crate::{
    cli::{
        args::ServerAddress,
        operations::{self, Ready, Scrape},
    },
    lang::{say, word as said},
    limits::{DOCTOR_CURSOR_LAG_MAX, DOCTOR_CURSORS_NAMED_MAX},
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

/// The answer of the port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Said(Operations),
    /// The settings have no port, or one on any free address.
    NoPort,
    /// Nobody answers there, and why.
    Nobody(String),
}

impl Answer {
    pub(super) fn operations(&self) -> Option<&Operations> {
        match self {
            Self::Said(operations) => Some(operations),
            Self::NoPort | Self::Nobody(_) => None,
        }
    }
}

/// Asks the port, or tells why it cannot.
pub(super) async fn look(address: &ServerAddress) -> Answer {
    match operations::look(address).await {
        Ok((ready, scrape)) => Answer::Said(found(ready, &scrape)),
        Err(why) => Answer::Nobody(say!(
            en: "{address} does not answer: {why}", zh: "{address} 没有应答：{why}"
        )),
    }
}

fn found(ready: Ready, scrape: &Scrape) -> Operations {
    let seconds = |value| Duration::try_from_secs_f64(value).unwrap_or_default();
    let lags = scrape.series("tidu_cursor_lag_seconds");
    Operations {
        failing: ready.failing(),
        lines_dropped: seconds(scrape.sum("tidu_log_lines_dropped_total")).as_secs(),
        cursors: lags.map(|lag| (lag.label("cursor").to_owned(), seconds(lag.value))).collect(),
    }
}

/// `readiness`: every check of `/readyz` holds.
pub(super) fn check_readiness(answer: &Answer, server: &str) -> Finding {
    let id = "readiness";
    let failing = match answer {
        Answer::NoPort => {
            let found = said!(
                en: "not known, as the settings have no operations port on a fixed address",
                zh: "无法得知：设置中没有固定地址的运维端口"
            );
            return Finding::ok(id, found);
        }
        Answer::Nobody(why) => {
            let found = say!(
                en: "not known, as the operations port {why}; name its address",
                zh: "无法得知：运维端口 {why}；请指定其地址"
            );
            return Finding::warn(id, found, "tidu doctor --operations http://ADDRESS");
        }
        Answer::Said(operations) => &operations.failing,
    };
    if failing.is_empty() {
        return Finding::ok(id, said!(en: "the server is ready", zh: "服务器已就绪"));
    }
    let named = failing.iter().map(|(name, detail)| format!("{name} ({detail})"));
    let named: Vec<_> = named.collect();
    let named = named.join(", ");
    let found = say!(en: "the server is not ready: {named}", zh: "服务器未就绪：{named}");
    Finding::error(id, found, format!("tidu status {server}"))
}

/// `log-lines`: somebody takes them.
pub(super) fn check_lines(operations: &Operations) -> Finding {
    let id = "log-lines";
    let dropped = operations.lines_dropped;
    if dropped == 0 {
        return Finding::ok(id, said!(en: "none was dropped", zh: "没有丢弃日志行"));
    }
    let found = say!(
        en: "{dropped} were dropped, because nobody took them in time; a filter for fewer helps \
             from the next start on",
        zh: "因无人及时读取，丢弃了 {dropped} 行；可设置过滤以减少日志行，下次启动起生效"
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
        let found = say!(
            en: "none is late, of {known} that have events to confirm",
            zh: "{known} 个有待确认事件的游标均未落后"
        );
        return Finding::ok(id, found);
    };
    let named = late.iter().take(DOCTOR_CURSORS_NAMED_MAX);
    let named = named.map(|(name, lag)| {
        let late = lag.as_secs() / 60;
        say!(en: "{name} by {late} min", zh: "{name} 落后 {late} 分钟")
    });
    let named: Vec<_> = named.collect();
    let minutes = DOCTOR_CURSOR_LAG_MAX.as_secs() / 60;
    let (all, named) = (late.len(), named.join(", "));
    let found = say!(
        en: "{all} are late by more than {minutes} min: {named}",
        zh: "{all} 个游标落后超过 {minutes} 分钟：{named}"
    );
    // Their names are chosen by callers, and are letters, digits, dots and dashes.
    let slowest = word(Path::new(slowest));
    Finding::warn(id, found, format!("tidu cursor show {slowest} {server}"))
}

#[cfg(test)]
mod tests {
    use super::{
        super::finding::{Level, one_told},
        *,
    };

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
        let ready = serde_json::from_str(readiness).unwrap();
        let found = found(ready, &Scrape::read(metrics));
        assert_eq!(found.failing, [("disk".to_owned(), "full".to_owned())]);
        assert_eq!(found.lines_dropped, 3);
        assert_eq!(found.cursors, [("a-b".to_owned(), Duration::from_secs_f64(7200.5))]);
    }

    #[test]
    fn failing_checks_and_dropped_lines_are_named() {
        let ready = Answer::Said(Operations::default());
        let readiness = |answer: &Answer| one_told(|| check_readiness(answer, SERVER));
        assert_eq!(readiness(&ready).level, Level::Ok);
        assert_eq!(readiness(&Answer::NoPort).level, Level::Ok);
        let nobody = readiness(&Answer::Nobody("refused".to_owned()));
        assert_eq!(nobody.level, Level::Warn);
        assert_eq!(nobody.run.as_deref(), Some("tidu doctor --operations http://ADDRESS"));
        let failing = vec![("writer".to_owned(), "no turn for 6 s".to_owned())];
        let unready = readiness(&Answer::Said(Operations { failing, ..Default::default() }));
        assert_eq!(unready.level, Level::Error);
        assert!(unready.found.contains("writer (no turn for 6 s)"), "{unready}");
        let dropped = |lines_dropped| Operations { lines_dropped, ..Default::default() };
        assert_eq!(one_told(|| check_lines(&dropped(0))).level, Level::Ok);
        assert_eq!(one_told(|| check_lines(&dropped(1))).level, Level::Warn);
    }

    #[test]
    fn the_slowest_cursors_are_named() {
        let cursor = |name: &str, lag| (name.to_owned(), lag);
        let with = |cursors| Operations { cursors, ..Default::default() };
        let just = cursor("a", DOCTOR_CURSOR_LAG_MAX);
        let judged = |operations: &Operations| one_told(|| check_cursors(operations, SERVER));
        let fine = judged(&with(vec![just.clone()]));
        assert_eq!(fine.level, Level::Ok, "at the bound");
        let second = Duration::from_secs(1);
        let late = (1..=4_u32).map(|n| cursor(&n.to_string(), DOCTOR_CURSOR_LAG_MAX + second * n));
        let found = judged(&with([just].into_iter().chain(late).collect()));
        assert_eq!(found.level, Level::Warn);
        let run = "tidu cursor show 4 --server http://127.0.0.1:1";
        assert_eq!(found.run.as_deref(), Some(run));
        let text = "4 are late by more than 60 min: 4 by 60 min, 3 by 60 min, 2 by 60 min";
        assert_eq!(found.found, text);
    }
}
