//! The service of the Connect conformance suite behind the protocols of Tidu's port.
//!
//! The suite starts this program, says on its standard input what it wants, and reads on its
//! standard output where the service listens. The messages of the suite have no generated code: the
//! directory of its protos is the argument. `run.sh` runs the suite.

mod codec;
mod service;

use std::{
    error::Error,
    io::{self, Read as _, Write as _},
};

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, Value};
use tidu::{
    limits::REQUEST_BYTES_MAX,
    service::{Api, port_of},
};
use tokio::net::TcpListener;
use tonic::body::Body;
use tower::{ServiceExt as _, util::BoxCloneSyncService};

use tonic_types::StatusExt as _;

use self::service::Conformance;

const PACKAGE: &str = "connectrpc.conformance.v1";

fn main() -> Result<(), Box<dyn Error>> {
    let protos = std::env::args().nth(1).ok_or("the directory of the suite's protos is missing")?;
    let files = ["service.proto", "server_compat.proto"];
    let files = files.map(|file| format!("connectrpc/conformance/v1/{file}"));
    let compiled = protox::compile(files, [protos])?;
    let pool = DescriptorPool::decode(compiled.encode_to_vec().as_slice())?;
    tokio::runtime::Runtime::new()?.block_on(serve(pool))
}

async fn serve(pool: DescriptorPool) -> Result<(), Box<dyn Error>> {
    let message = |name: &str| {
        pool.get_message_by_name(&format!("{PACKAGE}.{name}")).ok_or(format!("no message {name}"))
    };
    let wanted = DynamicMessage::decode(message("ServerCompatRequest")?, &*read()?)?;
    let limit = wanted.get_field_by_name("message_receive_limit").and_then(|limit| limit.as_u32());
    let limit = match limit {
        None | Some(0) => REQUEST_BYTES_MAX,
        Some(limit) => limit as usize,
    };
    let around = |api: Api| BoxCloneSyncService::new(api.map_response(without_own_details));
    let api = port_of(Conformance::new(&pool)?, pool.clone(), limit, around);

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut told = DynamicMessage::new(message("ServerCompatResponse")?);
    told.set_field_by_name("host", Value::String("127.0.0.1".to_owned()));
    told.set_field_by_name("port", Value::U32(listener.local_addr()?.port().into()));
    let told = told.encode_to_vec();
    let mut output = io::stdout().lock();
    output.write_all(&u32::try_from(told.len())?.to_be_bytes())?;
    output.write_all(&told)?;
    output.flush()?;
    loop {
        let (stream, _) = listener.accept().await?;
        let api =
            api.clone().map_request(|request: http::Request<Incoming>| request.map(Body::new));
        tokio::spawn(async move {
            let builder = Builder::new(TokioExecutor::new());
            // A client that breaks its connection is one of the cases.
            let _ =
                builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(api)).await;
        });
    }
}

/// An answer without the details that each error of the port has and the suite does not expect.
fn without_own_details(mut answer: http::Response<Body>) -> http::Response<Body> {
    fn leave_out(headers: &mut http::HeaderMap) {
        let is_own = |status: tonic::Status| {
            status.get_details_error_info().is_some_and(|info| info.domain == "tidu")
        };
        if tonic::Status::from_header_map(headers).is_some_and(is_own) {
            headers.remove("grpc-status-details-bin");
        }
    }
    leave_out(answer.headers_mut());
    answer.map(|body| {
        Body::new(body.map_frame(|frame| match frame.into_trailers() {
            Ok(mut trailers) => {
                leave_out(&mut trailers);
                http_body::Frame::trailers(trailers)
            }
            Err(frame) => frame,
        }))
    })
}

/// The message on the standard input, behind its length.
fn read() -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    io::stdin().read_exact(&mut length)?;
    let mut message = vec![0; u32::from_be_bytes(length) as usize];
    io::stdin().read_exact(&mut message)?;
    Ok(message)
}
