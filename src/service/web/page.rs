//! `GET /`: what this is and where to go, in English and in Chinese, for browsers and terminals.
//!
//! A stranger learns nothing of the log: the page of a server with principals is the same whatever
//! the log holds.

use std::{
    fmt::Write as _,
    sync::{Arc, LazyLock},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderValue, StatusCode, header, uri::Authority};
use sha2::{Digest as _, Sha256};
use tonic::body::Body;

use super::{
    prefers::{accepts, prefers_chinese},
    secured,
};
use crate::{
    access::Channel,
    service::{Request, Response},
};

/// What the page may tell.
pub(super) struct About {
    /// True if the server knows its callers.
    pub(super) has_principals: bool,
    /// The log's id and size; `None` if it is not open, or the caller may not know it.
    pub(super) log: Option<(String, u64)>,
    /// True while the log is being opened.
    pub(super) is_starting: bool,
}

/// One thing to do: what, and the command or the link.
struct Way {
    what: &'static str,
    does: String,
    /// The target, if a browser can go there.
    link: Option<&'static str>,
}

/// The words of the page in one language.
struct Words {
    language: &'static str,
    title: &'static str,
    about: &'static str,
    log: String,
    ways: Vec<Way>,
    more: &'static str,
}

const STYLE: &str = "body{max-width:46rem;margin:3rem auto;padding:0 1rem;line-height:1.6;\
    font-family:system-ui,sans-serif;color:#222;background:#fff}h1{font-size:1.5rem}\
    dt{margin-top:1rem}dd{margin:0}pre{background:#f3f3f3;padding:.5rem .75rem;overflow-x:auto;\
    margin:.25rem 0}@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}\
    pre{background:#262626}a{color:#8bf}}";

/// Nothing but the page itself: no script, no frame, no other host.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let style = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
});

/// The page for a request.
pub(super) fn answer(request: &Request, about: &About) -> Response {
    let base = &base_of(request);
    let words = match prefers_chinese(request.headers()) {
        true => chinese(base, about),
        false => english(base, about),
    };
    let is_browser = accepts(request.headers(), "text/html");
    let (kind, body) = match is_browser {
        true => ("text/html; charset=utf-8", html(&words)),
        false => ("text/plain; charset=utf-8", text(&words)),
    };
    let mut answer = secured(StatusCode::OK, Some(kind), Body::new(body));
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY.clone());
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(words.language));
    headers.insert(header::VARY, HeaderValue::from_static("accept, accept-language"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    answer
}

/// The address by which the caller came, as far as it is one.
fn base_of(request: &Request) -> String {
    let channel = request.extensions().get::<Arc<Channel>>();
    let scheme =
        if channel.is_some_and(|channel| channel.is_encrypted()) { "https" } else { "http" };
    let stated = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = request.uri().authority().map(Authority::as_str).or(stated);
    let is_plain = |host: &&str| {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
        !host.is_empty() && host.bytes().all(is_part)
    };
    format!("{scheme}://{}", host.filter(is_plain).unwrap_or("HOST:PORT"))
}

/// The header that a caller with a token adds to each command.
fn token(about: &About) -> &'static str {
    if about.has_principals { "-H \"Authorization: Bearer $TOKEN\" " } else { "" }
}

fn english(base: &str, about: &About) -> Words {
    let token = token(about);
    let log = match &about.log {
        Some((id, size)) => format!("The log {id} has {size} events."),
        None if about.is_starting => "The server is starting: it opens its log.".to_owned(),
        None => "This server knows its callers: show a token or a client certificate.".to_owned(),
    };
    let way = |what, does, link| Way { what, does, link };
    Words {
        language: "en",
        title: "Tidu: the register of enterprise designations",
        about: "This server keeps the events by which authorities designate enterprises, such as \
                Little Giants. It records an event once, and never changes it.",
        log,
        ways: vec![
            way(
                "Read the events",
                format!("curl {token}'{base}/v1/events?follow=false'"),
                Some("/v1/events?follow=false"),
            ),
            way("Follow them", format!("curl -N {token}{base}/v1/events"), None),
            way(
                "Ask a question in JSON; each method of the API is a path",
                in_json(base, token),
                None,
            ),
            way(
                "Read how to call it (OpenAPI)",
                format!("curl {base}/openapi.json"),
                Some("/openapi.json"),
            ),
            way("Call it by gRPC; reflection describes it", grpcurl(base), None),
            way("Use the command line", format!("tidu status --server {base}"), None),
        ],
        more: "Tidu's source has the rest: docs/http.md tells of HTTP, docs/questions.md of what \
               can be asked.",
    }
}

fn chinese(base: &str, about: &About) -> Words {
    let token = token(about);
    let log = match &about.log {
        Some((id, size)) => format!("日志 {id} 现有 {size} 个事件。"),
        None if about.is_starting => "服务正在启动，尚在打开日志。".to_owned(),
        None => "本服务只接受已登记的调用方：请出示令牌或客户端证书。".to_owned(),
    };
    let way = |what, does, link| Way { what, does, link };
    Words {
        language: "zh-CN",
        title: "Tidu：企业认定登记系统",
        about: "本服务保存各认定机构认定企业（例如专精特新“小巨人”企业）的事件。事件只记录一次，\
                此后不再改动。",
        log,
        ways: vec![
            way(
                "读取事件",
                format!("curl {token}'{base}/v1/events?follow=false'"),
                Some("/v1/events?follow=false"),
            ),
            way("持续接收新事件", format!("curl -N {token}{base}/v1/events"), None),
            way("用 JSON 提问，接口的每个方法都是一个路径", in_json(base, token), None),
            way(
                "查看接口说明（OpenAPI）",
                format!("curl {base}/openapi.json"),
                Some("/openapi.json"),
            ),
            way("以 gRPC 调用，接口由反射服务描述", grpcurl(base), None),
            way("使用命令行", format!("tidu --lang zh status --server {base}"), None),
        ],
        more: "其余说明见 Tidu 源代码：docs/http.md 介绍 HTTP 接口，docs/questions.md 介绍可以提出的问题。",
    }
}

/// A call of Connect.
fn in_json(base: &str, token: &str) -> String {
    let kind = "-H 'content-type: application/json' -d '{}'";
    format!("curl {token}{kind} {base}/tidu.v1.RegisterService/ListProgrammes")
}

fn grpcurl(base: &str) -> String {
    match base.split_once("://") {
        Some(("http", host)) => format!("grpcurl -plaintext {host} list"),
        Some((_, host)) => format!("grpcurl {host} list"),
        None => String::new(),
    }
}

fn text(words: &Words) -> String {
    let mut text = format!("{}\n\n{}\n{}\n", words.title, words.about, words.log);
    for Way { what, does, .. } in &words.ways {
        // Writing to a String does not fail.
        let _ = write!(text, "\n{what}\n  {does}\n");
    }
    text + "\n" + words.more + "\n"
}

fn html(words: &Words) -> String {
    let mut ways = String::new();
    for Way { what, does, link } in &words.ways {
        let what = match link {
            Some(link) => format!("<a href=\"{link}\">{}</a>", escaped(what)),
            None => escaped(what),
        };
        let _ = write!(ways, "<dt>{what}</dt>\n<dd><pre>{}</pre></dd>\n", escaped(does));
    }
    let [title, about, log, more] = [words.title, words.about, &words.log, words.more].map(escaped);
    let language = words.language;
    format!(
        "<!DOCTYPE html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n<p>{about}</p>\n<p>{log}</p>\n\
         <dl>\n{ways}</dl>\n<p>{more}</p>\n</body>\n</html>\n"
    )
}

/// A text within HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
