//! Page tokens serve the principal to whom they were given, with the rights that it had then.

use tidu::{domain::access::Role, protocol::pb};
use tonic::{Code, Status};

use crate::support::{
    Governed, MemoryLog, encoded, list,
    principals::{Caller, of_authorities, policy},
    reason, record, rights,
};

const READER: &str = "guangdong.reader";
const OTHER: &str = "zhejiang.reader";

fn governed() -> Governed {
    let log = MemoryLog::default();
    record(&log, &encoded(&list(7, 30)));
    let reader = |code| rights(Role::Reader, Some(code));
    Governed::over(log, &[(READER, reader("440000")), (OTHER, reader("440000"))], Vec::new())
}

async fn page(
    caller: &mut Caller,
    page_size: i32,
    page_token: &str,
) -> Result<pb::ListEventsResponse, Status> {
    let request = pb::ListEventsRequest {
        page_size,
        page_token: page_token.to_owned(),
        ..Default::default()
    };
    caller.ledger.list_events(request).await.map(tonic::Response::into_inner)
}

fn assert_refused(page: Result<pb::ListEventsResponse, Status>, says: &str) {
    let refused = page.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");
    assert_eq!(reason(&refused), "PAGE_TOKEN_INVALID");
    assert!(refused.message().contains(says), "{}", refused.message());
}

#[tokio::test]
async fn a_token_is_of_one_principal_and_one_request_and_unchanged() {
    let governed = governed();
    let (mut reader, mut other) = (governed.as_principal(READER), governed.as_principal(OTHER));
    let first = page(&mut reader, 10, "").await.unwrap();
    let token = first.next_page_token;
    assert_eq!(page(&mut reader, 10, &token).await.unwrap().events.len(), 10);
    assert_refused(page(&mut other, 10, &token).await, "does not belong");
    // Another request, of the same kind and of another one.
    let filter = Some(pb::EventFilter { kinds: vec![1], ..Default::default() });
    let page_token = token.clone();
    let request = pb::ListEventsRequest { page_token, filter, ..Default::default() };
    let refused = reader.ledger.list_events(request).await.unwrap_err();
    assert_eq!(reason(&refused), "PAGE_TOKEN_INVALID");
    let request = pb::ListCursorsRequest { page_token: token.clone(), ..Default::default() };
    let refused = reader.cursors.list_cursors(request).await.unwrap_err();
    assert_eq!(reason(&refused), "PAGE_TOKEN_INVALID");
    // Each character counts.
    for at in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
        let altered = String::from_utf8(bytes).unwrap();
        assert_refused(page(&mut reader, 10, &altered).await, "does not belong");
    }
    // A token as a server without principals gives it.
    let bare = token.rsplit_once('.').unwrap().0.rsplit_once('.').unwrap().0;
    for part in [bare, &token[..token.len() - 1], ".", "..", "a.b.c"] {
        assert_refused(page(&mut reader, 10, part).await, "does not belong");
    }
}

#[tokio::test]
async fn after_a_change_of_rights_a_list_begins_again() {
    let governed = governed();
    let mut reader = governed.as_principal(READER);
    let token = page(&mut reader, 10, "").await.unwrap().next_page_token;
    // A policy that leaves these rights alone.
    let own = rights(Role::Reader, Some("440000"));
    governed.access.adopt(policy(&[(READER, own.clone())], Vec::new()));
    assert_eq!(page(&mut reader, 10, &token).await.unwrap().events.len(), 10);
    let mut narrower = own.clone();
    narrower.read = vec![of_authorities(&["440000"])];
    governed.access.adopt(policy(&[(READER, narrower)], Vec::new()));
    assert_refused(page(&mut reader, 10, &token).await, "begin again");
    assert!(page(&mut reader, 10, "").await.is_ok());
    // The rights of before are the same again.
    governed.access.adopt(policy(&[(READER, own)], Vec::new()));
    assert_eq!(page(&mut reader, 10, &token).await.unwrap().events.len(), 10);
}
