//! Health and reflection as clients and tools expect them, and what is no call at all.

use std::{
    collections::BTreeSet,
    io::{Read as _, Write as _},
    net::TcpStream,
};

use prost::Message as _;
use prost_reflect::prost_types::FileDescriptorProto;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{
    Code, Status, Streaming,
    codec::CompressionEncoding::{self, Gzip, Zstd},
    transport::Channel,
};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, ServerReflectionResponse,
    server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest::{self, *},
    server_reflection_response::MessageResponse,
};

use super::error_details::assert_complete;
use crate::support::{Fresh, in_time, reason};

async fn channel(fresh: &Fresh) -> Channel {
    Channel::from_shared(fresh.server.address.clone()).unwrap().connect().await.unwrap()
}

fn named(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

/// One conversation with reflection.
struct Asking {
    questions: mpsc::Sender<ServerReflectionRequest>,
    answers: Streaming<ServerReflectionResponse>,
}

impl Asking {
    async fn begin(client: &mut ServerReflectionClient<Channel>) -> Self {
        Self::with_encoding(client).await.0
    }

    /// The conversation, and the encoding of its answers.
    async fn with_encoding(client: &mut ServerReflectionClient<Channel>) -> (Self, Option<String>) {
        let (questions, receiver) = mpsc::channel(8);
        let stream = ReceiverStream::new(receiver);
        let answer = client.server_reflection_info(stream).await.unwrap();
        let encoding = encoding(&answer);
        (Self { questions, answers: answer.into_inner() }, encoding)
    }

    async fn ask(&mut self, question: MessageRequest) -> MessageResponse {
        let host = "tidu.example".to_owned();
        let question = ServerReflectionRequest { host, message_request: Some(question) };
        self.questions.send(question.clone()).await.unwrap();
        let answer = in_time("an answer", self.answers.message()).await.unwrap().unwrap();
        assert_eq!(answer.original_request, Some(question));
        answer.message_response.unwrap()
    }

    /// The name of the file in an answer, or the code of the error.
    async fn file(&mut self, question: MessageRequest) -> Result<String, i32> {
        match self.ask(question).await {
            MessageResponse::FileDescriptorResponse(files) => {
                let [file] = files.file_descriptor_proto.as_slice() else { panic!("{files:?}") };
                Ok(FileDescriptorProto::decode(file.as_slice()).unwrap().name().to_owned())
            }
            MessageResponse::ErrorResponse(error) => {
                assert!(!error.error_message.is_empty());
                Err(error.error_code)
            }
            other => panic!("{other:?}"),
        }
    }
}

fn encoding<T>(answer: &tonic::Response<T>) -> Option<String> {
    let stated = answer.metadata().get("grpc-encoding");
    stated.map(|stated| stated.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn health_knows_each_service_that_reflection_lists() {
    let fresh = Fresh::start();
    let channel = channel(&fresh).await;
    let mut asking = Asking::begin(&mut ServerReflectionClient::new(channel.clone())).await;
    let MessageResponse::ListServicesResponse(list) = asking.ask(ListServices(String::new())).await
    else {
        panic!("no list")
    };
    let services: BTreeSet<_> = list.service.into_iter().map(|service| service.name).collect();
    let mut health = HealthClient::new(channel);
    for service in services.iter().map(String::as_str).chain([""]) {
        let answer = health.check(named(service)).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service}");
        let mut watch = health.watch(named(service)).await.unwrap().into_inner();
        let first = watch.message().await.unwrap().unwrap();
        assert_eq!(first.status(), ServingStatus::Serving, "{service}");
    }
    for expected in [
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        "tidu.v1.AccessService",
        "tidu.v1.AdminService",
        "tidu.v1.CursorService",
        "tidu.v1.LedgerService",
        "tidu.v1.ProofService",
        "tidu.v1.RegisterService",
    ] {
        assert!(services.contains(expected), "{expected}: {services:?}");
    }
    assert_eq!(services.len(), 9);
    let unknown = health.check(named("tidu.v1.Nothing")).await.unwrap_err();
    assert_eq!((unknown.code(), reason(&unknown)), (Code::NotFound, "SERVICE_UNKNOWN".into()));
    assert_complete(&unknown);
    let mut watch = health.watch(named("tidu.v1.Nothing")).await.unwrap().into_inner();
    let first = watch.message().await.unwrap().unwrap();
    assert_eq!(first.status(), ServingStatus::ServiceUnknown);
}

#[tokio::test]
async fn health_and_reflection_are_compressed_as_all_others() {
    let fresh = Fresh::start();
    let channel = channel(&fresh).await;
    let table: [(Option<CompressionEncoding>, Option<CompressionEncoding>, Option<&str>); 4] = [
        (None, None, None),
        (None, Some(Gzip), None),
        (Some(Gzip), Some(Gzip), Some("gzip")),
        (Some(Zstd), Some(Zstd), Some("zstd")),
    ];
    for (sends, accepts, expected) in table {
        let mut health = HealthClient::new(channel.clone());
        let mut reflection = ServerReflectionClient::new(channel.clone());
        if let Some(sends) = sends {
            (health, reflection) =
                (health.send_compressed(sends), reflection.send_compressed(sends));
        }
        if let Some(accepts) = accepts {
            health = health.accept_compressed(accepts);
            reflection = reflection.accept_compressed(accepts);
        }
        let checked = health.check(named("")).await.unwrap();
        assert_eq!(encoding(&checked).as_deref(), expected, "{sends:?} {accepts:?}");
        assert_eq!(checked.into_inner().status(), ServingStatus::Serving);
        let watched = health.watch(named("")).await.unwrap();
        assert_eq!(encoding(&watched).as_deref(), expected);
        let first = watched.into_inner().message().await.unwrap().unwrap();
        assert_eq!(first.status(), ServingStatus::Serving);
        let (mut asking, encoding) = Asking::with_encoding(&mut reflection).await;
        assert_eq!(encoding.as_deref(), expected);
        let file = asking.file(FileByFilename("tidu/v1/event.proto".into())).await;
        assert_eq!(file.as_deref(), Ok("tidu/v1/event.proto"));
    }
}

#[tokio::test]
async fn reflection_goes_on_after_what_it_does_not_find() {
    let fresh = Fresh::start();
    let mut client = ServerReflectionClient::new(channel(&fresh).await);
    let mut asking = Asking::begin(&mut client).await;
    let symbols = [
        ("tidu.v1.LedgerService", Ok("tidu/v1/ledger_service.proto")),
        ("tidu.v1.LedgerService.Append", Ok("tidu/v1/ledger_service.proto")),
        ("tidu.v1.LedgerService.Erase", Err(5)),
        ("tidu.v1.Event", Ok("tidu/v1/event.proto")),
        ("tidu.v1.Event.designee", Ok("tidu/v1/event.proto")),
        ("tidu.v1.Event.fact", Ok("tidu/v1/event.proto")),
        ("tidu.v1.ErrorReason", Ok("tidu/v1/error_reason.proto")),
        ("tidu.v1.ERROR_REASON_INTERNAL", Ok("tidu/v1/error_reason.proto")),
        ("tidu.v1.ErrorReason.ERROR_REASON_INTERNAL", Err(5)),
        ("google.rpc.ErrorInfo", Ok("error_details.proto")),
        ("Nothing", Err(5)),
        ("", Err(5)),
        ("grpc.health.v1.HealthCheckResponse.SERVING", Ok("health.proto")),
    ];
    for (symbol, expected) in symbols {
        let found = asking.file(FileContainingSymbol(symbol.into())).await;
        let same = match (&found, expected) {
            (Ok(file), Ok(name)) => file.ends_with(name),
            (Err(code), Err(expected)) => *code == expected,
            _ => false,
        };
        assert!(same, "{symbol}: {found:?}");
    }
    assert_eq!(asking.file(FileByFilename("nothing.proto".into())).await, Err(5));
    let answer = asking.ask(AllExtensionNumbersOfType("tidu.v1.Event".into())).await;
    assert!(matches!(answer, MessageResponse::AllExtensionNumbersResponse(_)), "{answer:?}");
    // A question that asks nothing.
    asking.questions.send(ServerReflectionRequest::default()).await.unwrap();
    let answer = asking.answers.message().await.unwrap().unwrap().message_response.unwrap();
    let MessageResponse::ErrorResponse(error) = answer else { panic!("{answer:?}") };
    assert_eq!(error.error_code, 3);
    asking.file(FileContainingSymbol("tidu.v1.Event".into())).await.unwrap();
}

/// Each file that reflection names can be had, with all that it imports.
#[tokio::test]
async fn reflection_gives_each_file_that_its_files_import() {
    let fresh = Fresh::start();
    let mut client = ServerReflectionClient::new(channel(&fresh).await);
    let mut asking = Asking::begin(&mut client).await;
    let mut wanted: Vec<String> = ["ledger", "register", "cursor", "proof", "admin"]
        .map(|name| format!("tidu/v1/{name}_service.proto"))
        .to_vec();
    let mut seen = BTreeSet::new();
    while let Some(name) = wanted.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let answer = asking.ask(FileByFilename(name.clone())).await;
        let MessageResponse::FileDescriptorResponse(files) = answer else {
            panic!("{name}: {answer:?}")
        };
        for file in files.file_descriptor_proto {
            wanted.extend(FileDescriptorProto::decode(file.as_slice()).unwrap().dependency);
        }
    }
    assert!(seen.len() > 8, "{seen:?}");
}

/// The status line of the answer over HTTP/1.1, its headers, and its body.
fn answer(address: &str, head: &str) -> (String, String, String) {
    let host = address.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "{head}\r\nhost: {host}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let (status, headers) = head.split_once("\r\n").unwrap();
    (status.to_owned(), headers.to_ascii_lowercase(), body.to_owned())
}

#[test]
fn a_browser_learns_what_the_port_speaks() {
    let fresh = Fresh::start();
    let table = [
        ("PUT /tidu.v1.AdminService/GetStatus HTTP/1.1", "405", "method is PUT"),
        (
            "POST /tidu.v1.AdminService/GetStatus HTTP/1.1\r\ncontent-length: 0",
            "415",
            "no content-type, and a call in JSON states application/json",
        ),
        (
            "POST /tidu.v1.AdminService/GetStatus HTTP/1.1\r\ncontent-type: text/plain\r\n\
             content-length: 0",
            "415",
            "content-type is text/plain, and a call in JSON states application/json",
        ),
        (
            "POST /x HTTP/1.1\r\ncontent-type: application/grpc\r\ncontent-length: 0",
            "400",
            "gRPC needs HTTP/2",
        ),
    ];
    for (head, code, why) in table {
        let (status, headers, body) = answer(&fresh.server.address, head);
        assert!(status.contains(code), "{head}: {status}");
        assert!(body.contains(why) && body.contains("speaks gRPC"), "{head}: {body}");
        assert!(headers.contains("content-type: text/plain"), "{headers}");
        assert!(headers.contains("grpc-status-details-bin: "), "{headers}");
    }
}

/// What a stream ends with.
pub async fn end<T>(stream: &mut Streaming<T>) -> Status {
    loop {
        match in_time("the end of a stream", stream.message()).await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("it ended without a status"),
            Err(status) => return status,
        }
    }
}

#[tokio::test]
async fn streams_of_health_and_reflection_end_with_the_drain() {
    let fresh = Fresh::start();
    let channel = channel(&fresh).await;
    let mut health = HealthClient::new(channel.clone());
    let mut watch = health.watch(named("")).await.unwrap().into_inner();
    let mut unknown = health.watch(named("nothing")).await.unwrap().into_inner();
    let mut asking = Asking::begin(&mut ServerReflectionClient::new(channel)).await;
    asking.file(FileContainingSymbol("tidu.v1.Event".into())).await.unwrap();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    fresh.server.ask_to_end();
    let last = in_time("the drain", watch.message()).await.unwrap().unwrap();
    assert_eq!(last.status(), ServingStatus::NotServing);
    let ends = [end(&mut watch).await, end(&mut unknown).await, end(&mut asking.answers).await];
    for end in ends {
        assert_eq!((end.code(), reason(&end)), (Code::Unavailable, "DRAINING".into()));
    }
    drop(asking.questions);
}
