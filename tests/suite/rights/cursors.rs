//! Cursors belong to the principal that made them.

use tidu::{
    domain::access::{Role, Unseen},
    protocol::pb::{self, subscribe_request::Start},
};
use tonic::{Code, Response, Status};

use crate::support::{
    Governed, MemoryLog, encoded, list,
    principals::{Caller, of_authorities},
    reason, record, rights,
};

const GUANGDONG: &str = "guangdong.reader";
const ZHEJIANG: &str = "zhejiang.reader";
const OPERATOR: &str = "ministry.operator";
const AUDITOR: &str = "ministry.auditor";

fn governed() -> Governed {
    let log = MemoryLog::default();
    record(&log, &encoded(&list(7, 30)));
    let mut hidden = rights(Role::Reader, Some("330000"));
    (hidden.read, hidden.unseen) = (vec![of_authorities(&["330000"])], Unseen::Hidden);
    let principals = [
        (GUANGDONG, rights(Role::Reader, Some("440000"))),
        (ZHEJIANG, hidden),
        (OPERATOR, rights(Role::Operator, None)),
        (AUDITOR, rights(Role::Auditor, None)),
    ];
    Governed::over(log, &principals, Vec::new())
}

async fn create(caller: &mut Caller, id: &str) -> Result<pb::Cursor, Status> {
    let request = pb::CreateCursorRequest { cursor_id: id.to_owned(), ..Default::default() };
    let answer = caller.cursors.create_cursor(request).await?;
    Ok(answer.into_inner().cursor.unwrap())
}

async fn get(caller: &mut Caller, owner: &str, id: &str) -> Result<pb::Cursor, Status> {
    let request = pb::GetCursorRequest { cursor_id: id.to_owned(), owner: owner.to_owned() };
    Ok(caller.cursors.get_cursor(request).await?.into_inner().cursor.unwrap())
}

async fn delete(caller: &mut Caller, owner: &str, id: &str) -> Result<(), Status> {
    let request = pb::DeleteCursorRequest { cursor_id: id.to_owned(), owner: owner.to_owned() };
    caller.cursors.delete_cursor(request).await.map(drop)
}

async fn advance(caller: &mut Caller, id: &str, force: bool) -> Result<(), Status> {
    let request = pb::AdvanceCursorRequest {
        cursor_id: id.to_owned(),
        next_position: 3,
        force,
        ..Default::default()
    };
    caller.cursors.advance_cursor(request).await.map(drop)
}

async fn follow(caller: &mut Caller, id: &str) -> Result<(), Status> {
    let start = Some(Start::CursorId(id.to_owned()));
    let request = pb::SubscribeRequest { start, ..Default::default() };
    caller.ledger.subscribe(request).await.map(drop)
}

/// Owners and ids, page by page.
async fn listed(caller: &mut Caller) -> Vec<(String, String)> {
    let (mut all, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = pb::ListCursorsRequest { page_size: 1, page_token };
        let page = caller.cursors.list_cursors(request).await.map(Response::into_inner).unwrap();
        all.extend(page.cursors.into_iter().map(|cursor| (cursor.owner, cursor.cursor_id)));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return all;
        }
    }
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(owner, id)| ((*owner).to_owned(), (*id).to_owned())).collect()
}

#[tokio::test]
async fn the_cursor_of_another_is_as_one_that_does_not_exist() {
    let governed = governed();
    let (mut own, mut other) = (governed.as_principal(GUANGDONG), governed.as_principal(ZHEJIANG));
    create(&mut own, "bank").await.unwrap();
    // The same in each answer, whether another principal has such a cursor or nobody.
    let nobodys = "fund";
    let error = |answer: Result<(), Status>| {
        let status = answer.unwrap_err();
        let details = String::from_utf8_lossy(status.details()).replace(nobodys, "bank");
        (status.code(), status.message().replace(nobodys, "bank"), details)
    };
    for owner in ["", GUANGDONG] {
        assert_eq!(
            error(get(&mut other, owner, "bank").await.map(drop)),
            error(get(&mut other, owner, nobodys).await.map(drop))
        );
        assert_eq!(
            error(delete(&mut other, owner, "bank").await),
            error(delete(&mut other, owner, nobodys).await)
        );
    }
    for force in [false, true] {
        assert_eq!(
            error(advance(&mut other, "bank", force).await),
            error(advance(&mut other, nobodys, force).await)
        );
    }
    assert_eq!(error(follow(&mut other, "bank").await), error(follow(&mut other, nobodys).await));
    assert_eq!(listed(&mut other).await, []);
    // It may have one of that name, which moves alone.
    create(&mut other, "bank").await.unwrap();
    advance(&mut other, "bank", false).await.unwrap();
    assert_eq!(get(&mut own, "", "bank").await.unwrap().next_position, 0);
    assert_eq!(listed(&mut other).await, pairs(&[("", "bank")]));
    delete(&mut other, "", "bank").await.unwrap();
    assert_eq!(listed(&mut own).await, pairs(&[("", "bank")]));
    assert_eq!(get(&mut own, GUANGDONG, "bank").await.unwrap().owner, "");
    follow(&mut own, "bank").await.unwrap();
}

#[tokio::test]
async fn operators_and_auditors_see_all_and_operators_delete() {
    let governed = governed();
    let mut own = governed.as_principal(GUANGDONG);
    let (mut operator, mut auditor) =
        (governed.as_principal(OPERATOR), governed.as_principal(AUDITOR));
    create(&mut own, "bank").await.unwrap();
    create(&mut own, "fund").await.unwrap();
    create(&mut auditor, "bank").await.unwrap();
    let all = pairs(&[(GUANGDONG, "bank"), (GUANGDONG, "fund"), (AUDITOR, "bank")]);
    assert_eq!(listed(&mut operator).await, all);
    assert_eq!(listed(&mut auditor).await, all);
    assert_eq!(get(&mut operator, GUANGDONG, "bank").await.unwrap().owner, GUANGDONG);
    assert_eq!(get(&mut auditor, "", "bank").await.unwrap().owner, AUDITOR);
    let refused = delete(&mut auditor, GUANGDONG, "bank").await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused)), (Code::PermissionDenied, "NOT_ENTITLED".into()));
    delete(&mut operator, GUANGDONG, "bank").await.unwrap();
    assert_eq!(listed(&mut operator).await, all[1..]);
    let gone = get(&mut own, "", "bank").await.unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
}

#[tokio::test]
async fn another_owners_lag_counts_what_both_may_know_of() {
    let governed = governed();
    let (mut own, mut hidden) = (governed.as_principal(GUANGDONG), governed.as_principal(ZHEJIANG));
    let (mut operator, mut auditor) =
        (governed.as_principal(OPERATOR), governed.as_principal(AUDITOR));
    let size = create(&mut own, "bank").await.unwrap().lag_event_count;
    assert_eq!(size, 30);
    assert_eq!(get(&mut auditor, GUANGDONG, "bank").await.unwrap().lag_event_count, size);
    // From the owner everything is hidden.
    assert_eq!(create(&mut hidden, "bank").await.unwrap().lag_event_count, 0);
    for viewer in [&mut operator, &mut auditor] {
        assert_eq!(get(viewer, ZHEJIANG, "bank").await.unwrap().lag_event_count, 0);
    }
}
