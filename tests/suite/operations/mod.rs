//! The operations port: what it answers, also while the server does not.

mod manager;
mod port;
mod probes;
mod process;
mod start;

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::in_time;

/// An answer.
#[derive(Debug)]
struct Got {
    status: u16,
    /// In lower case.
    head: String,
    body: String,
}

impl Got {
    /// Names of the checks that do not hold, in an answer of `/readyz`.
    fn failing(&self) -> Vec<String> {
        let answer: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        let checks = answer["checks"].as_array().unwrap().iter();
        let failing = checks.filter(|check| check["ok"] == false);
        let names: Vec<_> = failing.map(|check| check["name"].as_str().unwrap().into()).collect();
        assert_eq!(answer["ready"], names.is_empty(), "{answer}");
        assert_eq!(self.status, if names.is_empty() { 200 } else { 503 }, "{answer}");
        names
    }
}

/// Sends a request as it is, and reads until the server closes.
async fn exchange(address: SocketAddr, request: &str) -> Got {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let answer = in_time("an answer", exchange).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Got { status, head: head.to_lowercase(), body: body.to_owned() }
}

async fn get(address: SocketAddr, path: &str) -> Got {
    exchange(address, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await
}

/// Waits until `/readyz` names exactly these checks as failing.
async fn until_failing(address: SocketAddr, expected: &[&str]) {
    in_time("the expected readiness", async {
        while get(address, "/readyz").await.failing() != expected {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
}
