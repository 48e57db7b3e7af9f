//! The Unix sockets of gateways: one user is let in at each.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use hyper_util::rt::TokioIo;
use rustix::process;
use tidu::protocol::pb::{GetStatusRequest, admin_service_client::AdminServiceClient};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
};
use tonic::transport::Endpoint;
use tower::service_fn;

use super::HELLO;
use crate::support::{Server, directory, in_time};

fn start(dir: &Path, path: &Path, uid: u32) -> Server {
    let socket = format!("{}:{uid}", path.display());
    Server::start_with(&dir.join("data"), &["--gateway-socket", &socket])
}

#[tokio::test]
async fn processes_of_the_named_user_call_over_a_private_socket() {
    let dir = directory();
    let path = dir.path().join("gateway.sock");
    let server = start(dir.path(), &path, process::geteuid().as_raw());
    let mode = fs::symlink_metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let to = path.clone();
    let connect = service_fn(move |_| {
        let to = to.clone();
        async move { UnixStream::connect(to).await.map(TokioIo::new) }
    });
    let endpoint = Endpoint::from_static("http://localhost");
    let channel = endpoint.connect_with_connector(connect).await.unwrap();
    let status = AdminServiceClient::new(channel).get_status(GetStatusRequest {}).await.unwrap();
    assert_eq!(status.into_inner().log_size, server.client().await.status().await.log_size);
    assert_eq!(server.terminate(), Some(0));
    assert!(!path.exists(), "the server takes its socket away");
}

#[tokio::test]
async fn processes_of_another_user_are_turned_away() {
    let dir = directory();
    let path = dir.path().join("gateway.sock");
    let _server = start(dir.path(), &path, process::geteuid().as_raw() + 1);
    let mut stream = UnixStream::connect(&path).await.unwrap();
    let _ = stream.write_all(HELLO).await;
    let mut answer = Vec::new();
    let _ = in_time("the close", stream.read_to_end(&mut answer)).await;
    assert!(answer.is_empty(), "{answer:?}");
}
