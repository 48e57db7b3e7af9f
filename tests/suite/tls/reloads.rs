//! A reload: new handshakes see the new files, open connections go on, revoked ones end, and broken
//! files change nothing.

use std::{fs, sync::Arc};

use tidu::protocol::pb;

use super::{Guarded, gets_in};
use crate::support::{
    Client, in_time,
    mtls::{Ca, private},
};

/// Opens a stream, and waits until it is there.
async fn stream(client: &mut Client) -> tonic::Streaming<pb::SubscribeResponse> {
    let stream = client.ledger.subscribe(pb::SubscribeRequest::default()).await;
    let mut stream = stream.unwrap().into_inner();
    in_time("the first heartbeat", stream.message()).await.unwrap().unwrap();
    stream
}

#[tokio::test]
async fn a_revoked_certificate_ends_its_connections_and_no_others() {
    let guarded = Guarded::start();
    let (revoked, of_revoked) = guarded.caller("revoked");
    let (_, of_other) = guarded.caller("other");
    let mut ending = guarded.client(Arc::clone(&of_revoked)).await;
    let mut other = guarded.client(Arc::clone(&of_other)).await;
    let (mut ends, mut goes_on) = (stream(&mut ending).await, stream(&mut other).await);

    private(&guarded.path("crl.pem"), &guarded.ca.revoking(&[&revoked]));
    guarded.hang_up();
    let ended = in_time("the end of the stream", async {
        loop {
            match ends.message().await {
                Ok(Some(_)) => {}
                end => break end,
            }
        }
    });
    assert!(ended.await.is_err(), "the stream ends with its connection");
    guarded.until_metric("tidu_tls_connections_ended_total", 1).await;
    assert!(!gets_in(guarded.address(), of_revoked).await);
    assert!(gets_in(guarded.address(), of_other).await);
    other.status().await;
    in_time("a heartbeat", goes_on.message()).await.unwrap().unwrap();
}

#[tokio::test]
async fn without_a_signal_changed_files_are_found_as_well() {
    let guarded = Guarded::start();
    let (revoked, of_revoked) = guarded.caller("revoked");
    let mut client = guarded.client(of_revoked).await;
    let mut ends = stream(&mut client).await;
    private(&guarded.path("crl.pem"), &guarded.ca.revoking(&[&revoked]));
    let end =
        in_time("the end of the stream", async { while let Ok(Some(_)) = ends.message().await {} });
    end.await;
    guarded.until_metric("tidu_tls_reloads_total", 1).await;
}

#[tokio::test]
async fn broken_files_keep_those_in_use_and_say_so() {
    let guarded = Guarded::start();
    let (_, known) = guarded.caller("recorder");
    let mut client = guarded.client(Arc::clone(&known)).await;
    assert_eq!(client.status().await.tls_problem, "");
    let whole = fs::read_to_string(guarded.path("server.pem")).unwrap();
    let (_, rest) = whole.split_once('\n').unwrap();
    private(&guarded.path("server.pem"), &format!("\n-----BEGIN CERTIFICATE-----\n!{rest}"));
    guarded.hang_up();
    guarded.until_metric("tidu_tls_reload_failures_total", 1).await;
    let problem = in_time("the problem", async {
        loop {
            let problem = client.status().await.tls_problem;
            if !problem.is_empty() {
                break problem;
            }
        }
    });
    let problem = problem.await;
    let expected = format!("tls_cert: {}, line 2: ", guarded.path("server.pem").display());
    assert!(problem.starts_with(&expected), "{problem}");
    assert!(gets_in(guarded.address(), Arc::clone(&known)).await, "the old one stays");
    assert_eq!(guarded.metric("tidu_tls_reloads_total").await, 0);

    private(&guarded.path("server.pem"), &whole);
    guarded.hang_up();
    in_time("the end of the problem", async {
        while !client.status().await.tls_problem.is_empty() {}
    })
    .await;
}

#[tokio::test]
async fn a_new_certificate_serves_newcomers_and_ends_no_connection() {
    let guarded = Guarded::start();
    let (_, known) = guarded.caller("recorder");
    let mut client = guarded.client(Arc::clone(&known)).await;
    let mut goes_on = stream(&mut client).await;
    // Another authority: callers who trust the first alone refuse its certificate.
    Ca::new().server().write(guarded.dir.path(), "server");
    guarded.hang_up();
    guarded.until_metric("tidu_tls_reloads_total", 1).await;
    assert!(!gets_in(guarded.address(), known).await);
    guarded.until_handshakes("refused_by_peer", 1).await;
    client.status().await;
    in_time("a heartbeat", goes_on.message()).await.unwrap().unwrap();
}
