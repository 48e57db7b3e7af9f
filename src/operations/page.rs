//! `GET /` on the operations port: what it has, with links.

use std::fmt::Write as _;

use http::HeaderMap;

use crate::service::{accepts, prefers_chinese};

/// What the port answers, in English and in Chinese.
const ANSWERS: [(&str, &str, &str); 4] = [
    (
        "/metrics",
        "the values of all metrics, for Prometheus",
        "全部指标的当前值，供 Prometheus 采集",
    ),
    ("/healthz", "whether the process does its work", "进程是否在正常工作"),
    (
        "/readyz",
        "whether an event would be recorded now, and why not",
        "当前能否记录事件；不能时说明原因",
    ),
    ("/startupz", "how far a start has come", "启动的进度"),
];

/// The paths that the port answers beside the page.
pub(super) fn paths() -> impl Iterator<Item = &'static str> {
    ANSWERS.into_iter().map(|(path, ..)| path)
}

/// The page, and its media type.
pub(super) fn page(headers: &HeaderMap) -> (&'static str, String) {
    let chinese = prefers_chinese(headers);
    let (language, title, more) = match chinese {
        true => (
            "zh-CN",
            "Tidu 的运维端口",
            "各项指标见 docs/metrics.md，运维说明见 docs/operating.md。",
        ),
        false => (
            "en",
            "The operations port of Tidu",
            "docs/metrics.md lists the metrics, docs/operating.md tells how to operate a server.",
        ),
    };
    let lines = ANSWERS.map(|(path, english, other)| (path, if chinese { other } else { english }));
    let mut text = String::new();
    // Writing to a String does not fail.
    if !accepts(headers, "text/html") {
        for (path, about) in lines {
            let _ = writeln!(text, "{path:<11} {about}");
        }
        return ("text/plain; charset=utf-8", format!("{title}\n\n{text}\n{more}\n"));
    }
    for (path, about) in lines {
        let _ = writeln!(text, "<dt><a href=\"{path}\">{path}</a></dt>\n<dd>{about}</dd>");
    }
    let page = format!(
        "<!DOCTYPE html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n</head>\n\
         <body>\n<h1>{title}</h1>\n<dl>\n{text}</dl>\n<p>{more}</p>\n</body>\n</html>\n"
    );
    ("text/html; charset=utf-8", page)
}
