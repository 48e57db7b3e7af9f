//! The Connect protocol: calls of one answer, in JSON and in protobuf, by POST and by GET. An
//! answer says the same as gRPC's.

use bytes::Bytes;
use http::{Method as Verb, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message as _;
use strum::IntoEnumIterator as _;
use tidu::protocol::{
    methods::Method,
    pb::{self, append_request::Precondition},
};
use tonic::{Status, body::Body};
use tonic_types::StatusExt as _;
use tower::ServiceExt as _;

use crate::support::{
    Fresh, Governed, commit,
    connect::{code_name, get, json_of, path_of, post, post_json, query_of, refusal, send, whole},
    list, rights,
};
use tidu::domain::access::Role;

const JSON: &str = "application/json";
const PROTO: &str = "application/proto";

async fn filled() -> Governed {
    let governed = Governed::open();
    governed.ledger.append(commit(list(1, 3))).await.unwrap();
    governed
}

/// What gRPC answers to an encoded request: its message, or its status.
async fn by_grpc(governed: &Governed, path: &str, message: &[u8]) -> Result<Bytes, Status> {
    let request = Request::post(path).version(http::Version::HTTP_2);
    let request = request.header("content-type", "application/grpc").header("te", "trailers");
    let body = crate::support::connect::framed(0, message);
    let request = request.body(Body::new(Full::new(body))).unwrap();
    let answer = governed.api.clone().oneshot(request).await.unwrap();
    if let Some(status) = Status::from_header_map(answer.headers()) {
        return Err(status);
    }
    let body = answer.into_body().collect().await?;
    let status = Status::from_header_map(body.trailers().unwrap()).unwrap();
    match status.code() {
        tonic::Code::Ok => Ok(body.to_bytes().slice(5..)),
        _ => Err(status),
    }
}

/// Every unary method answers an empty request over Connect as over gRPC: with the same message, or
/// with the same code, text and details.
#[tokio::test]
async fn every_method_answers_as_over_grpc() {
    let governed = filled().await;
    let mut answers = 0;
    for method in Method::iter() {
        let path = method.path();
        // A new status each time, and a stream.
        if ["GetStatus", "Verify", "Subscribe", "ExportRegister"].iter().any(|m| path.ends_with(m))
        {
            continue;
        }
        let expected = by_grpc(&governed, path, &[]).await;
        let name = path.rsplit('/').next().unwrap();
        for (kind, body) in [(JSON, "{}"), (PROTO, "")] {
            let answer = post(&governed.api, path, kind, &[], body).await;
            match &expected {
                Ok(message) => {
                    assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
                    assert_eq!(answer.header("content-type"), kind, "{path}");
                    let told = match kind {
                        PROTO => answer.body.clone(),
                        _ => {
                            // The JSON is that of the command line, zeros and all.
                            let json = tidu::protocol::json::Json::new().unwrap();
                            json.parse(&format!("{name}Response"), answer.text()).unwrap().into()
                        }
                    };
                    assert_eq!(told.len(), message.len(), "{path} as {kind}");
                    answers += 1;
                }
                Err(status) => {
                    let error = answer.json();
                    let (code, reason) = refusal(&error);
                    assert_eq!(code, code_name(status.code()), "{path}");
                    assert_eq!(reason, status.get_details_error_info().unwrap().reason, "{path}");
                    assert_eq!(error["message"], status.message(), "{path}");
                }
            }
        }
    }
    assert!(answers > 30, "{answers} answers");
}

#[tokio::test]
async fn a_question_has_one_answer_in_every_codec() {
    let governed = filled().await;
    let mut grpc = governed.as_stranger();
    let request = pb::GetEventRequest { position: Some(1), raw: false };
    let expected = grpc.ledger.get_event(request).await.unwrap().into_inner();
    let (method, name) = ("LedgerService/GetEvent", "GetEventResponse");
    let encoded = request.encode_to_vec();
    let text = "{\"position\":\"1\"}";
    let answers = [
        post(&governed.api, method, JSON, &[], text).await,
        post(&governed.api, method, "Application/JSON; charset=utf-8", &[], text).await,
        post(&governed.api, method, PROTO, &[("connect-protocol-version", "1")], encoded.clone())
            .await,
        get(&governed.api, method, "encoding=json&message=%7B%22position%22:1%7D", &[]).await,
        get(&governed.api, method, &query_of(&encoded), &[]).await,
    ];
    for answer in &answers {
        assert_eq!(answer.message::<pb::GetEventResponse>(name), expected, "{answer:?}");
        assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("grpc-")));
    }
    assert_eq!(answers[3].header("cache-control"), "no-store");
    assert_eq!(answers[0].header("cache-control"), "");
}

#[tokio::test]
async fn an_answer_has_its_zeros_as_on_the_command_line() {
    let governed = Governed::open();
    let status = post_json(&governed.api, "AdminService/GetStatus", "{}").await;
    assert_eq!(status.json()["logSize"], "0", "{}", status.text());
    assert_eq!(status.json()["subscriberCount"], 0);
}

#[tokio::test]
async fn a_commit_in_json_is_the_same_request_as_one_in_protobuf() {
    let governed = Governed::open();
    let request = pb::AppendRequest {
        request_id: "one".to_owned(),
        events: list(7, 2),
        precondition: Some(Precondition::LogSize(0)),
        ..Default::default()
    };
    let text = json_of("AppendRequest", &request);
    let method = "LedgerService/Append";
    let first = post_json(&governed.api, method, text.clone()).await;
    let first: pb::AppendResponse = first.message("AppendResponse");
    let again = post(&governed.api, method, PROTO, &[], request.encode_to_vec()).await;
    let again: pb::AppendResponse = again.message("AppendResponse");
    let grpc = governed.as_stranger().ledger.append(request).await.unwrap().into_inner();
    assert_eq!(again, grpc);
    assert!(grpc.replayed && !first.replayed);
    assert_eq!(first.next_position, grpc.next_position);
    assert_eq!(governed.ledger.durable().size, 2);
}

/// Many codes, each from a call that has it: with the status of HTTP, the reason and the details.
#[tokio::test]
async fn a_refusal_has_its_code_its_reason_and_its_details() {
    let governed = filled().await;
    let cursor = "{\"cursorId\":\"bank\"}";
    post_json(&governed.api, "CursorService/CreateCursor", cursor).await;
    let event = json_of("Event", &list(1, 1)[0]);
    let moved = format!("{{\"logSize\":\"9\",\"events\":[{event}]}}");
    let other = "{\"logId\":\"another\"}";
    let table = [
        ("LedgerService/Append", &*moved, 409, "aborted", "PRECONDITION_MOVED"),
        ("ProofService/GetDigest", other, 400, "failed_precondition", "LOG_ID_MISMATCH"),
        ("LedgerService/GetEvent", "{}", 400, "invalid_argument", "FIELD_REQUIRED"),
        ("LedgerService/GetEvent", "{\"position\":9}", 400, "out_of_range", "POSITION_BEYOND_LOG"),
        ("CursorService/GetCursor", "{\"cursorId\":\"a\"}", 404, "not_found", "CURSOR_NOT_FOUND"),
        ("CursorService/CreateCursor", cursor, 409, "already_exists", "CURSOR_EXISTS"),
        ("LedgerService/Erase", "{}", 404, "unimplemented", "METHOD_UNKNOWN"),
        ("/other.v1.Service/Method", "{}", 404, "unimplemented", "METHOD_UNKNOWN"),
        ("LedgerService/GetEvent", "{\"pos\":9}", 400, "invalid_argument", "FIELD_NOT_ALLOWED"),
        ("LedgerService/GetEvent", "{\"position\":-1}", 400, "invalid_argument", "FIELD_INVALID"),
        ("LedgerService/GetEvent", "{", 400, "invalid_argument", "MALFORMED_REQUEST"),
        ("LedgerService/GetEvent", "", 400, "invalid_argument", "MALFORMED_REQUEST"),
    ];
    for (method, body, status, code, reason) in table {
        let refused = post_json(&governed.api, method, body.to_owned()).await.refusal();
        assert_eq!(refused, (status, code.to_owned(), reason.to_owned()), "{method} {body}");
    }
    let late = [("connect-timeout-ms", "0")];
    let late = post(&governed.api, "AdminService/GetStatus", JSON, &late, "{}").await;
    let passed = (504, "deadline_exceeded".to_owned(), "DEADLINE_PASSED".to_owned());
    assert_eq!(late.refusal(), passed);
}

#[tokio::test]
async fn strangers_and_callers_without_a_right_are_told_as_over_grpc() {
    let governed = Governed::new(&[("guangdong.reader", rights(Role::Reader, Some("440000")))]);
    let stranger = post_json(&governed.api, "AdminService/GetStatus", "{}").await;
    let missing = (401, "unauthenticated".to_owned(), "CREDENTIAL_MISSING".to_owned());
    assert_eq!(stranger.refusal(), missing);
    assert_eq!(stranger.header("www-authenticate"), "Bearer");
    let reader = governed.as_principal("guangdong.reader").api;
    let refused = post_json(&reader, "LedgerService/Append", "{}").await;
    let denied = (403, "permission_denied".to_owned(), "NOT_ENTITLED".to_owned());
    assert_eq!(refused.refusal(), denied);
    let who = get(&reader, "AccessService/WhoAmI", "encoding=json&message={}", &[]).await;
    assert_eq!(who.json()["principal"]["id"], "guangdong.reader", "{who:?}");
}

#[tokio::test]
async fn a_request_that_is_not_of_the_protocol_says_what_is() {
    let governed = filled().await;
    let status = "AdminService/GetStatus";
    let headers: [(&[(&str, &str)], &str); 4] = [
        (&[("connect-protocol-version", "2")], "connect-protocol-version is not 1"),
        (&[("connect-timeout-ms", "soon")], "connect-timeout-ms is not up to ten digits"),
        (&[("connect-timeout-ms", "12345678901")], "connect-timeout-ms is not up to ten digits"),
        (&[("connect-timeout-ms", "-1")], "connect-timeout-ms is not up to ten digits"),
    ];
    for (headers, why) in headers {
        let refused = post(&governed.api, status, JSON, headers, "{}").await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{headers:?}");
        assert!(refused.text().contains(why), "{headers:?}: {}", refused.text());
    }
    let longest = [("connect-timeout-ms", "9999999999")];
    assert_eq!(post(&governed.api, status, JSON, &longest, "{}").await.status, StatusCode::OK);
    let packed = [("content-encoding", "br")];
    let refused = post(&governed.api, status, JSON, &packed, "{}").await;
    let unknown = (501, "unimplemented".to_owned(), "ENCODING_UNKNOWN".to_owned());
    assert_eq!(refused.refusal(), unknown);
    assert!(refused.text().contains("content-encoding is none of gzip,zstd,identity"));

    // A content type of the other kind of calls, or of no codec.
    for (method, kind) in [
        (status, "application/connect+json"),
        ("LedgerService/Subscribe", JSON),
        ("LedgerService/Subscribe", "application/connect+xml"),
    ] {
        let refused = post(&governed.api, method, kind, &[], "{}").await;
        assert_eq!(refused.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{method} {kind}");
        assert!(refused.text().contains(refused.header("accept-post")), "{refused:?}");
    }
}

#[tokio::test]
async fn a_get_is_for_calls_that_only_read() {
    let governed = filled().await;
    let query = "encoding=json&message={}";
    for method in ["LedgerService/Append", "AdminService/AdoptRules", "LedgerService/Subscribe"] {
        let refused = get(&governed.api, method, query, &[]).await;
        assert_eq!(refused.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(refused.header("allow"), "POST");
    }
    let bare = send(&governed.api, (Verb::GET, &path_of("AdminService/GetStatus")), &[], "").await;
    let bare = whole(bare).await;
    assert_eq!(bare.status, StatusCode::BAD_REQUEST);
    assert!(bare.text().contains("?encoding=json&message={}"), "{}", bare.text());
    let odd = get(&governed.api, "AdminService/GetStatus", "encoding=xml&message=", &[]).await;
    assert_eq!(odd.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(governed.ledger.durable().size, 3, "nothing was recorded");
}

#[tokio::test]
async fn health_answers_without_a_credential() {
    let governed = Governed::new(&[("guangdong.reader", rights(Role::Reader, Some("440000")))]);
    let health = post_json(&governed.api, "/grpc.health.v1.Health/Check", "{}").await;
    assert_eq!(health.status, StatusCode::OK, "{health:?}");
    assert!(health.json()["status"].is_string(), "{health:?}");
}

#[tokio::test]
async fn packed_requests_and_answers_are_those_of_plain_ones() {
    let governed = filled().await;
    let text = "{\"position\":1}";
    let plain = post_json(&governed.api, "LedgerService/GetEvent", text).await;
    let encoded = pb::GetEventRequest { position: Some(1), raw: false }.encode_to_vec();
    for (coding, pack, unpack) in codings() {
        let headers = [("content-encoding", coding), ("accept-encoding", coding)];
        for (kind, message) in [(JSON, text.as_bytes()), (PROTO, &*encoded)] {
            let method = "LedgerService/GetEvent";
            let answer = post(&governed.api, method, kind, &headers, pack(message)).await;
            assert_eq!(answer.header("content-encoding"), coding, "{kind}");
            let body = unpack(&answer.body);
            if kind == JSON {
                assert_eq!(body, plain.body, "{coding}");
            } else {
                let event = pb::GetEventResponse::decode(body.as_slice()).unwrap();
                assert_eq!(event, plain.message("GetEventResponse"), "{coding}");
            }
        }
        // A message in a query, and a body of nothing, which is not packed.
        let message = percent(&pack(text.as_bytes()));
        let query = format!("encoding=json&compression={coding}&message={message}");
        let answer = get(&governed.api, "LedgerService/GetEvent", &query, &[]).await;
        assert_eq!(answer.body, plain.body, "{coding}");
        let headers = [("content-encoding", coding)];
        let nothing = post(&governed.api, "AdminService/GetStatus", PROTO, &headers, "").await;
        assert_eq!(nothing.status, StatusCode::OK, "{coding}: {nothing:?}");
    }
}

type Pack = fn(&[u8]) -> Vec<u8>;

/// The codings, and how they pack and unpack.
pub fn codings() -> [(&'static str, Pack, Pack); 2] {
    use std::io::{Read as _, Write as _};
    let gzip: Pack = |bytes| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let gunzip: Pack = |bytes| {
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain).unwrap();
        plain
    };
    let zstd: Pack = |bytes| zstd::bulk::compress(bytes, 1).unwrap();
    let unzstd: Pack = |bytes| zstd::decode_all(bytes).unwrap();
    [("gzip", gzip, gunzip), ("zstd", zstd, unzstd)]
}

fn percent(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("%{byte:02x}")).collect()
}

/// Over a port, the two versions of HTTP give the same answer.
#[tokio::test]
async fn both_versions_of_http_carry_it() {
    let fresh = Fresh::start();
    fresh.client().await.record(list(1, 1)).await.unwrap();
    let address = fresh.server.address.trim_start_matches("http://").to_owned();
    let request = |version| {
        let url = format!("http://{address}/tidu.v1.LedgerService/GetEvent");
        Request::post(url)
            .version(version)
            .header("host", &address)
            .header("content-type", JSON)
            .body(Full::new(Bytes::from_static(b"{\"position\":0}")))
            .unwrap()
    };
    let connect =
        || async { TokioIo::new(tokio::net::TcpStream::connect(&address).await.unwrap()) };
    let (mut one, connection) =
        hyper::client::conn::http1::handshake(connect().await).await.unwrap();
    tokio::spawn(connection);
    let (mut two, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), connect().await).await.unwrap();
    tokio::spawn(connection);
    let one = one.send_request(request(http::Version::HTTP_11)).await.unwrap();
    let two = two.send_request(request(http::Version::HTTP_2)).await.unwrap();
    assert_eq!((one.status(), two.status()), (StatusCode::OK, StatusCode::OK));
    let one = one.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(one, two.into_body().collect().await.unwrap().to_bytes());
    assert!(one.starts_with(b"{\"event\":"), "{one:?}");
}
