//! What must not be known from log lines, arguments, environments or errors: secrets.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    process::Command,
};

use tidu::protocol::pb;
use tonic::{Request, metadata::AsciiMetadataValue};

use super::{Logged, with_message};
use crate::support::{
    TIDU, in_time, list,
    mtls::{Ca, private},
    text,
};

/// In the environment of server and watcher.
const OF_ENVIRONMENT: &str = "whsec_cGxhbnRlZC1pbi10aGUtZW52aXJvbm1lbnQ=";
/// In the headers of calls.
const OF_HEADERS: &str = "planted-in-the-headers";
/// In URLs.
const OF_URL: &str = "planted-in-a-url";
/// In the file of a token.
const OF_TOKEN: &str = "planted-in-the-file-of-a-token-of-256-bits-or-more";
/// In a variable of another program.
const OF_OTHERS: &str = "planted-for-another-program";

const VARIABLES: [(&str, &str); 3] = [
    ("TIDU_WEBHOOK_SECRET", OF_ENVIRONMENT),
    ("OTHER_PROGRAM_TOKEN", OF_OTHERS),
    ("TIDU_LOG", "trace"),
];

/// A request with a secret in its metadata.
fn with_secret<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    let value: AsciiMetadataValue = format!("Bearer {OF_HEADERS}").parse().unwrap();
    request.metadata_mut().insert("authorization", value.clone());
    request.metadata_mut().insert("cookie", value);
    request
}

#[track_caller]
fn assert_silent(place: &str, text: &str) {
    let secrets = [OF_ENVIRONMENT, OF_HEADERS, OF_URL, OF_OTHERS, OF_TOKEN];
    let base64 = secrets.map(|secret| crate::support::base64(secret.as_bytes()));
    for secret in secrets.into_iter().chain(base64.iter().map(String::as_str)) {
        for line in text.lines() {
            assert!(!line.contains(secret), "{place} says {secret}: {line}");
        }
    }
}

/// Calls of HTTP/2, good and bad, and one of HTTP/1.1.
async fn call(logged: &Logged) {
    let mut client = logged.client().await;
    let append = |events| pb::AppendRequest { events, ..Default::default() };
    client.ledger.append(with_secret(append(list(1, 2)))).await.unwrap();
    let refused = client.ledger.append(with_secret(append(Vec::new()))).await.unwrap_err();
    assert_silent("an error", &format!("{refused:?}"));
    let mut late = with_secret(append(list(2, 1)));
    late.metadata_mut().insert("grpc-timeout", "soon".parse().unwrap());
    let refused = client.ledger.append(late).await.unwrap_err();
    assert_silent("an error", &format!("{refused:?}"));
    let subscribe = pb::SubscribeRequest { stop_position: Some(2), ..Default::default() };
    let mut stream = client.ledger.subscribe(with_secret(subscribe)).await.unwrap().into_inner();
    while stream.message().await.unwrap().is_some() {}

    let address = logged.server.address.strip_prefix("http://").unwrap();
    let mut plain = TcpStream::connect(address).unwrap();
    let request = format!(
        "POST /tidu.v1.AdminService/GetStatus HTTP/1.1\r\nhost: localhost\r\n\
         authorization: Bearer {OF_HEADERS}\r\ncontent-type: application/grpc-web\r\n\
         content-length: 5\r\nconnection: close\r\n\r\n\0\0\0\0\0"
    );
    plain.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    plain.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    assert_silent("an answer", &String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn a_server_tells_no_secret_even_of_its_libraries() {
    let logged = Logged::start(&[], &VARIABLES);
    in_time("the answers", call(&logged)).await;
    let pid = logged.server.child.id();
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap();
    assert_silent("the arguments", &String::from_utf8_lossy(&arguments));
    let log = logged.end();
    // The lines of the libraries are there, or the test would prove nothing.
    assert!(log.contains("\"target\":\"h2::"), "{log}");
    assert_eq!(with_message(&log, "stopped").len(), 1);
    assert_silent("the log", &log);
}

#[tokio::test]
async fn a_watcher_hands_its_secret_to_nobody() {
    let logged = Logged::start(&[], &[]);
    logged.client().await.record(list(1, 1)).await.unwrap();
    let command = "tr '\\0' '\\n' < /proc/$$/environ > environment; \
                   tr '\\0' ' ' < /proc/$PPID/cmdline > arguments";
    let watch = |args: &[&str]| {
        let mut watch = Command::new(TIDU);
        watch
            .args(["watch", "--until", "1", "--state", "state"])
            .args(args)
            .current_dir(logged.dir.path())
            .env("TIDU_SERVER", &logged.server.address)
            .envs(VARIABLES);
        watch.output().unwrap()
    };
    let ran = watch(&["--exec", command]);
    assert!(ran.status.success(), "{ran:?}");
    let read = |name: &str| fs::read_to_string(logged.dir.path().join(name)).unwrap();
    let environment = read("environment");
    assert!(environment.contains("TIDU_POSITION=0"), "{environment}");
    // The variables of others are the command's own business.
    assert!(environment.contains(OF_OTHERS), "{environment}");
    assert!(!environment.contains(OF_ENVIRONMENT), "{environment}");
    assert_silent("the arguments", &read("arguments"));
    assert_silent("standard error", &String::from_utf8_lossy(&ran.stderr));
}

/// A client sends its token to the server and shows it nowhere else, nor its key, whatever fails.
#[tokio::test]
async fn a_client_shows_its_token_and_its_key_to_nobody() {
    let logged = Logged::start(&[], &[("TIDU_LOG", "trace")]);
    logged.client().await.record(list(1, 1)).await.unwrap();
    let dir = logged.dir.path();
    private(&dir.join("token"), OF_TOKEN);
    let (certificate, key) = Ca::new().caller("tidu://test/caller").write(dir, "caller");
    let key_text = fs::read_to_string(&key).unwrap();
    let run = |args: &[&str]| {
        let mut tidu = Command::new(TIDU);
        tidu.args(args).current_dir(dir).env("XDG_CONFIG_HOME", dir).env("TIDU_LOG", "trace");
        tidu.output().unwrap()
    };
    let at = logged.server.address.as_str();
    let secure = at.replace("http", "https");
    let token = ["--token-file", "token"];
    let command = "tr '\\0' '\\n' < /proc/$$/environ > environment; \
                   tr '\\0' ' ' < /proc/$PPID/cmdline > arguments";
    let follow = ["watch", "--server", at, "--until", "1", "--state", "state", "--exec", command];
    let files = [
        ["--tls-ca", text(&certificate)],
        ["--tls-cert", text(&certificate)],
        ["--tls-key", text(&key)],
    ];
    let status = ["status", "--server", secure.as_str()];
    let added = ["context", "add", "a", "--server", secure.as_str()];
    for (args, succeeds) in [
        ([&["status", "--server", at], &token[..]].concat(), true),
        ([&["status", "--server", "http://register.example:1"], &token[..]].concat(), false),
        ([&status[..], &token, &files.concat()].concat(), false),
        ([&follow[..], &token].concat(), true),
        ([&added[..], &token, &files.concat()].concat(), true),
        (vec!["context", "list", "-o", "json"], true),
        (vec!["dev-certs"], true),
        (vec!["dev-certs", "revoke", "auditor"], true),
    ] {
        let ran = run(&args);
        assert_eq!(ran.status.success(), succeeds, "{args:?}: {ran:?}");
        for said in [&ran.stdout, &ran.stderr] {
            let said = String::from_utf8_lossy(said);
            assert_silent(&format!("{args:?}"), &said);
            let lines = key_text.lines().filter(|line| !line.starts_with('-'));
            lines.for_each(|line| assert!(!said.contains(line), "{args:?}: {said}"));
        }
    }
    for name in ["environment", "arguments", "tidu/contexts.toml"] {
        assert_silent(name, &fs::read_to_string(dir.join(name)).unwrap());
    }
    assert_silent("the log", &logged.end());
}
