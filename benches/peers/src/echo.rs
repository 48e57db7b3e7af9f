//! The floor under every gRPC figure: a service that takes an Append of the same size and answers
//! without doing anything.

use std::process::Command;

use tidu::protocol::{
    append::ReceivedCommit,
    pb::{
        self,
        ledger_service_client::LedgerServiceClient,
        ledger_service_server::{LedgerService, LedgerServiceServer},
    },
};
use tokio::net::TcpListener;
use tonic::{
    Request, Response, Status,
    transport::{Channel, Server as Transport, server::TcpIncoming},
};

use crate::{
    peer::{CONNECTIONS, Numbered, Unary},
    process::{self, Server},
    tidu_peer::connect,
};

pub struct Echo {
    server: Server,
    channels: Vec<Channel>,
}

impl Unary for Echo {
    const NAME: &'static str = "echo";

    async fn start() -> Option<Self> {
        let address = format!("127.0.0.1:{}", process::free_port());
        let mut server = Server::start(|_| {
            let mut command = Command::new(std::env::current_exe().expect("this program"));
            command.args(["--echo-server", &address]);
            command
        });
        let channels = connect(&mut server, &format!("http://{address}")).await;
        Some(Self { server, channels })
    }

    fn server(&self) -> &Server {
        &self.server
    }

    async fn append(&self, worker: usize, (_, event): Numbered) {
        let mut client = LedgerServiceClient::new(self.channels[worker % CONNECTIONS].clone());
        let request = pb::AppendRequest { events: vec![event], ..Default::default() };
        client.append(request).await.expect("an echo");
    }
}

/// Serves the echo until the process ends.
pub async fn serve(address: &str) {
    let listener = TcpListener::bind(address).await.expect("the address is free");
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let server = Transport::builder().add_service(LedgerServiceServer::new(Service));
    server.serve_with_incoming(incoming).await.expect("the echo serves");
}

struct Service;

#[tonic::async_trait]
impl LedgerService for Service {
    async fn append(
        &self,
        _request: Request<ReceivedCommit>,
    ) -> Result<Response<pb::AppendResponse>, Status> {
        Ok(Response::new(pb::AppendResponse {
            first_position: Some(100_000),
            next_position: 100_001,
            log_id: "00000000-0000-4000-8000-000000000000".to_owned(),
            recorded_time: Some(prost_types::Timestamp { seconds: 1_767_225_600, nanos: 1_000 }),
            ..Default::default()
        }))
    }

    async fn get_event(
        &self,
        _request: Request<pb::GetEventRequest>,
    ) -> Result<Response<pb::GetEventResponse>, Status> {
        Err(Status::unimplemented("an echo"))
    }

    async fn list_events(
        &self,
        _request: Request<pb::ListEventsRequest>,
    ) -> Result<Response<pb::ListEventsResponse>, Status> {
        Err(Status::unimplemented("an echo"))
    }

    type SubscribeStream = tokio_stream::Empty<Result<pb::SubscribeResponse, Status>>;

    async fn subscribe(
        &self,
        _request: Request<pb::SubscribeRequest>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        Err(Status::unimplemented("an echo"))
    }
}
