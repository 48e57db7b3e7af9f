//! What the port answers to whom, and how many it serves.

use std::{net::SocketAddr, sync::Arc};

use tidu::{
    limits::OPERATIONS_CONNECTIONS_MAX,
    metrics::Metrics,
    operations::{Operations, OperationsOptions},
    service::{Phase, Phases},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime::Handle,
};

use super::{exchange, get, in_time};
use crate::support::Hands;

fn options(phases: &Phases) -> OperationsOptions {
    OperationsOptions {
        phases: phases.clone(),
        metrics: Metrics::new(),
        clock: Arc::new(Hands::default()),
        telemetry: |_| {},
        runtime: Handle::current(),
        data_dir: "nowhere".into(),
        hosts: vec!["tidu.internal.example".to_owned()],
    }
}

fn free() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

/// A port beside a server that is starting.
fn started() -> (Operations, SocketAddr) {
    let operations = Operations::start(free(), options(&Phases::new())).unwrap();
    let address = operations.address();
    (operations, address)
}

#[tokio::test]
async fn each_path_has_its_answer_and_others_are_refused() {
    let (_operations, at) = started();
    let healthy = get(at, "/healthz").await;
    assert_eq!((healthy.status, healthy.body.as_str()), (200, "ok\n"));
    let start = get(at, "/startupz").await;
    let expected = "{\"phase\":\"open\",\"replayed\":0,\"events\":0}\n";
    assert_eq!((start.status, start.body.as_str()), (503, expected));
    assert!(start.head.contains("content-type: application/json"), "{start:?}");
    let ready = get(at, "/readyz?verbose").await;
    assert_eq!(ready.failing(), ["replay", "writer", "scratch_sync"], "{ready:?}");
    let metrics = get(at, "/metrics").await;
    assert_eq!(metrics.status, 200);
    assert!(metrics.head.contains("content-type: text/plain; version=0.0.4"), "{}", metrics.head);
    assert!(metrics.body.contains("\ntidu_ready 0\n"), "{}", metrics.body);
    assert!(metrics.body.contains("\ntidu_ready_check{check=\"draining\"} 1\n"));
    let open = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\
                Accept: application/openmetrics-text;version=1.0.0\r\n\r\n";
    let open = exchange(at, open).await;
    assert!(open.head.contains("content-type: application/openmetrics-text"), "{}", open.head);
    assert!(open.body.ends_with("# EOF\n"), "{}", open.body);
    for path in ["/page", "/metrics/", "/Metrics", "/readyz/x", "*"] {
        let got = get(at, path).await;
        assert_eq!(got.status, 404, "{path}: {got:?}");
        assert!(got.body.contains("/startupz") && got.body.ends_with('\n'));
    }
    let head = exchange(at, "HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"] {
        let request = format!("{method} /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let got = exchange(at, &request).await;
        assert_eq!(got.status, 405, "{method}: {got:?}");
        assert!(got.head.contains("allow: get, head"), "{got:?}");
    }
}

#[tokio::test]
async fn the_page_links_to_what_there_is() {
    let (_operations, at) = started();
    let asked = async |headers: &str| {
        let request = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
        exchange(at, &request).await
    };
    let plain = asked("").await;
    assert_eq!(plain.status, 200);
    assert!(plain.head.contains("content-type: text/plain"), "{}", plain.head);
    let shown = asked("Accept: text/html,*/*;q=0.8\r\n").await;
    assert!(shown.head.contains("content-type: text/html"), "{}", shown.head);
    assert!(shown.head.contains("content-security-policy: default-src 'none'"), "{}", shown.head);
    for path in ["/metrics", "/healthz", "/readyz", "/startupz"] {
        assert!(plain.body.contains(path), "{}", plain.body);
        assert!(shown.body.contains(&format!("<a href=\"{path}\">")), "{}", shown.body);
    }
    let chinese = asked("Accept-Language: zh-CN\r\n").await;
    assert!(chinese.body.starts_with("Tidu 的运维端口"), "{}", chinese.body);
    assert_eq!(get(at, "/favicon.ico").await.status, 204);
}

#[tokio::test]
async fn a_page_of_another_host_gets_nothing() {
    let (_operations, at) = started();
    let with = async |headers: &str| {
        let request = format!("GET /metrics HTTP/1.1\r\n{headers}\r\n\r\n");
        let got = exchange(at, &request).await;
        (got.status, got.body)
    };
    for allowed in ["Host: localhost:9464", "Host: 127.0.0.1", "Host: tidu.internal.example"] {
        assert_eq!(with(allowed).await.0, 200, "{allowed}");
    }
    for (foreign, named) in [
        ("Host: evil.example", "evil.example"),
        ("Host: localhost\r\nHost: evil.example", "evil.example"),
        ("Host: localhost\r\nOrigin: http://evil.example", "evil.example"),
        ("Host: evil.example\r\nContent-Type: application/grpc", "evil.example"),
    ] {
        let (status, body) = with(foreign).await;
        assert!(status == 403 && body.contains(named), "{foreign}: {status} {body}");
        assert!(!body.contains("tidu_"), "{body}");
    }
}

#[tokio::test]
async fn connections_that_hang_keep_no_probe_out() {
    let (_operations, at) = started();
    let mut silent = Vec::new();
    for _ in 0..OPERATIONS_CONNECTIONS_MAX {
        silent.push(TcpStream::connect(at).await.unwrap());
    }
    assert_eq!(get(at, "/healthz").await.status, 200);
    // Its place was that of the oldest, which is closed; the next one keeps its own.
    let mut first = silent.remove(0);
    let read = in_time("the end of the oldest", first.read(&mut [0; 1])).await;
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    let mut second = silent.remove(0);
    second.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    in_time("an answer", second.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn scrapers_that_never_read_keep_nobody_out() {
    let (_operations, at) = started();
    let mut greedy = Vec::new();
    for _ in 0..2 * OPERATIONS_CONNECTIONS_MAX {
        let mut stream = TcpStream::connect(at).await.unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        greedy.push(stream);
    }
    for path in ["/healthz", "/metrics"] {
        assert_eq!(get(at, path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_port_in_use_is_an_error_and_a_dropped_port_is_free() {
    let (operations, at) = started();
    let taken = Operations::start(at, options(&Phases::new()));
    assert_eq!(taken.map(drop).unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
    operations.end().await;
    in_time("a free port", async {
        while Operations::start(at, options(&Phases::new())).is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_drain_is_told_at_once() {
    let phases = Phases::new();
    let operations = Operations::start(free(), options(&phases)).unwrap();
    let at = operations.address();
    phases.enter(Phase::Serving);
    assert_eq!(get(at, "/startupz").await.status, 200);
    assert_eq!(get(at, "/readyz").await.failing(), ["writer", "scratch_sync"]);
    phases.enter(Phase::Draining);
    assert_eq!(get(at, "/readyz").await.failing(), ["draining", "writer", "scratch_sync"]);
    let start = get(at, "/startupz").await;
    assert!(start.status == 200 && start.body.contains("draining"), "{start:?}");
}

#[test]
fn a_runtime_that_takes_no_task_is_not_healthy() {
    // Nothing drives this one, as if a task held its only thread.
    let blocked = Arc::new(tokio::runtime::Builder::new_current_thread().build().unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let of_blocked = |phases: &Phases| OperationsOptions {
        runtime: blocked.handle().clone(),
        ..options(phases)
    };
    runtime.block_on(async {
        let operations = Operations::start(free(), of_blocked(&Phases::new())).unwrap();
        let at = operations.address();
        let got = get(at, "/healthz").await;
        assert!(got.status == 503 && got.body.contains("taken no task for 1 s"), "{got:?}");
        // The port itself answers, and by itself it is healthy again.
        assert_eq!(get(at, "/startupz").await.status, 503);
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let driven = Arc::clone(&blocked);
        let driving = std::thread::spawn(move || driven.block_on(stopped));
        assert_eq!(get(at, "/healthz").await.status, 200);
        drop(stop);
        driving.join().unwrap().unwrap_err();
    });
}
