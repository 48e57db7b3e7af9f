//! Every text in every request has a bound, and no error repeats a long one.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message as _;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor,
    Value,
};
use tidu::{
    limits::{ECHO_CHARS_MAX, ERROR_DETAILS_BYTES_MAX, ERROR_MESSAGE_BYTES_MAX},
    protocol::pb,
};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::support::{A, Fresh, little_giant};

/// Texts of a request that name something on record, so that the others are looked at.
const STATED: [(&str, &str); 5] = [
    ("designee", A),
    ("programme", "little-giant"),
    ("batch", "1"),
    ("cursor_id", "bank"),
    ("authority", "100000"),
];

/// Opens a connection for raw calls.
async fn connect(address: &str) -> SendRequest<Full<Bytes>> {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let io = TokioIo::new(stream);
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), io);
    let (sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    sender
}

/// The status of a call. An answer may be a stream, of which only the beginning is read.
async fn call(
    sender: &mut SendRequest<Full<Bytes>>,
    method: &MethodDescriptor,
    request: &DynamicMessage,
) -> Status {
    let message = request.encode_to_vec();
    let mut frame = vec![0];
    frame.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    frame.extend(message);
    let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
    let request = http::Request::post(format!("http://localhost{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Full::new(Bytes::from(frame)))
        .unwrap();
    sender.ready().await.unwrap();
    let response = sender.send_request(request).await.unwrap();
    let mut headers = response.headers().clone();
    if !headers.contains_key("grpc-status") {
        if method.is_server_streaming() {
            return Status::ok("");
        }
        let body = response.into_body().collect().await.unwrap();
        headers.extend(body.trailers().cloned().unwrap_or_default());
    }
    Status::from_header_map(&headers).unwrap()
}

/// The paths to all text fields of a message. A message inside itself is left out.
fn texts(message: &MessageDescriptor, path: &[FieldDescriptor]) -> Vec<Vec<FieldDescriptor>> {
    let mut found = Vec::new();
    for field in message.fields() {
        let path = [path, std::slice::from_ref(&field)].concat();
        match field.kind() {
            Kind::String => found.push(path),
            Kind::Message(inner)
                if path.iter().filter(|f| f.parent_message() == &inner).count() == 0 =>
            {
                found.extend(texts(&inner, &path));
            }
            _ => {}
        }
    }
    found
}

/// Sets the text at a path.
fn set(message: &mut DynamicMessage, path: &[FieldDescriptor], text: &str) {
    let [field, rest @ ..] = path else { return };
    let value = if rest.is_empty() {
        Value::String(text.to_owned())
    } else {
        let Kind::Message(inner) = field.kind() else { unreachable!() };
        let mut inner = DynamicMessage::new(inner);
        set(&mut inner, rest, text);
        Value::Message(inner)
    };
    let value = if field.is_list() { Value::List(vec![value]) } else { value };
    message.set_field(field, value);
}

/// A request with a long text at a path, which is otherwise as good as it can be.
fn request(message: &MessageDescriptor, path: &[FieldDescriptor], text: &str) -> DynamicMessage {
    let mut request = DynamicMessage::new(message.clone());
    for (name, stated) in STATED {
        if let Some(field) = message.get_field_by_name(name) {
            set(&mut request, &[field], stated);
        }
    }
    if message.name() == "AppendRequest" && path[0].name() != "events" {
        let event = little_giant(A, "2", "2019-06-05").encode_to_vec();
        let field = message.get_field_by_name("events").unwrap();
        let Kind::Message(inner) = field.kind() else { unreachable!() };
        let event = DynamicMessage::decode(inner, event.as_slice()).unwrap();
        request.set_field(&field, Value::List(vec![Value::Message(event)]));
    }
    set(&mut request, path, text);
    request
}

fn require_short(status: &Status, unit: &str, context: &str) {
    assert_ne!(status.code(), Code::Internal, "{context}");
    assert!(status.message().len() <= ERROR_MESSAGE_BYTES_MAX, "{context}");
    assert!(status.details().len() <= ERROR_DETAILS_BYTES_MAX, "{context}");
    let run = unit.repeat(ECHO_CHARS_MAX + 1);
    assert!(!status.message().contains(&run), "{context}");
    let found = status.details().windows(run.len()).any(|part| part == run.as_bytes());
    assert!(!found, "{context}: the details repeat the value");
    let info = status.get_details_error_info().unwrap_or_else(|| panic!("{context}: no ErrorInfo"));
    assert!(!info.reason.is_empty() && info.domain == "tidu", "{context}");
}

#[tokio::test]
async fn a_long_text_in_any_field_is_refused_and_not_repeated() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    client.record(vec![little_giant(A, "1", "2019-06-05")]).await.unwrap();
    let create = pb::CreateCursorRequest { cursor_id: "bank".to_owned(), ..Default::default() };
    client.cursors.create_cursor(create).await.unwrap();
    let address = fresh.server.address.trim_start_matches("http://");
    let pool = DescriptorPool::decode(pb::DESCRIPTORS).unwrap();
    let mut sender = connect(address).await;
    let (mut seen, mut taken) = (0, Vec::new());
    for method in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
        if !method.full_name().starts_with("tidu.v1.") {
            continue;
        }
        for path in texts(&method.input(), &[]) {
            let field = path.iter().map(FieldDescriptor::name).collect::<Vec<_>>().join(".");
            // The longer one is a message that no other request than an Append may have.
            for (unit, count) in [("x", 1_200), ("长", 1_200), ("\u{FB03}", 100_000)] {
                let request = request(&method.input(), &path, &unit.repeat(count));
                let status = call(&mut sender, &method, &request).await;
                let context = format!("{} {field} {count} × {unit}: {status:?}", method.name());
                if status.code() == Code::Ok {
                    taken.push(format!("{} {field} {count} × {unit}", method.name()));
                    continue;
                }
                require_short(&status, unit, &context);
                seen += 1;
            }
        }
    }
    assert_eq!(taken, Vec::<String>::new(), "these have no bound");
    assert!(seen > 300, "{seen} texts were sent");
    assert_eq!(client.status().await.log_size, 1, "nothing was recorded");
}
