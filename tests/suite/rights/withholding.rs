//! Withholding an event takes an operator and a second principal; then nobody gets its content.

use prost::Message as _;
use tidu::{
    domain::access::Role,
    limits::REDACTION_REASON_BYTES_MAX,
    protocol::pb::{self, event::Fact, subscribe_response::Payload},
};
use tonic::{Code, Status};

use crate::support::{
    Governed, commit, date, list,
    principals::{Caller, policy},
    reason, rights,
};

const OPERATOR: &str = "ministry.operator";
const SECOND: &str = "ministry.operator.2";
const AUDITOR: &str = "ministry.auditor";
const READER: &str = "guangdong.reader";
const NODE: &str = "node.2";

fn principals() -> Vec<(&'static str, tidu::domain::access::Rights)> {
    vec![
        (OPERATOR, rights(Role::Operator, None)),
        (SECOND, rights(Role::Operator, None)),
        (AUDITOR, rights(Role::Auditor, None)),
        (READER, rights(Role::Reader, Some("440000"))),
        (NODE, rights(Role::Node, None)),
    ]
}

async fn governed() -> Governed {
    let governed = Governed::new(&principals());
    governed.ledger.append(commit(list(1, 5))).await.unwrap();
    governed
}

fn request(position: u64, proposal: &[u8]) -> pb::WithholdEventRequest {
    let reason = "a court order".to_owned();
    pb::WithholdEventRequest {
        position: Some(position),
        reason,
        proposal: proposal.to_vec().into(),
    }
}

async fn ask(
    caller: &mut Caller,
    request: pb::WithholdEventRequest,
) -> Result<pb::WithholdEventResponse, Status> {
    caller.admin.withhold_event(request).await.map(tonic::Response::into_inner)
}

async fn refused(caller: &mut Caller, request: pb::WithholdEventRequest) -> (Code, String) {
    let status = ask(caller, request).await.unwrap_err();
    (status.code(), reason(&status))
}

#[tokio::test]
async fn two_principals_withhold_an_event_and_both_are_on_the_record() {
    let governed = governed().await;
    let mut operator = governed.as_principal(OPERATOR);
    let mut auditor = governed.as_principal(AUDITOR);
    let proposed = ask(&mut operator, request(2, &[])).await.unwrap();
    assert!(!proposed.proposal.is_empty() && proposed.proposal.len() <= 1_024);
    assert!(proposed.proposal_expire_time.is_some());
    assert_eq!((proposed.withheld_at, governed.ledger.durable().size), (None, 5), "only proposed");

    let own = refused(&mut operator, request(2, &proposed.proposal)).await;
    assert_eq!(own, (Code::PermissionDenied, "APPROVED_BY_PROPOSER".to_owned()));
    let answer = ask(&mut auditor, request(2, &proposed.proposal)).await.unwrap();
    assert_eq!((answer.withheld_at, answer.proposal.len()), (Some(5), 0));
    let of = |position| pb::GetEventRequest { position: Some(position), raw: true };
    let event = auditor.ledger.get_event(of(5)).await.unwrap().into_inner().event.unwrap();
    let expected = pb::EventWithheld {
        position: Some(2),
        reason: "a court order".to_owned(),
        requested_by: OPERATOR.to_owned(),
        approved_by: AUDITOR.to_owned(),
    };
    assert_eq!(event.recorded_by, "server");
    assert_eq!(event.event.unwrap().fact, Some(Fact::EventWithheld(expected)));

    for name in [OPERATOR, AUDITOR, READER, NODE] {
        let mut caller = governed.as_principal(name);
        let got = caller.ledger.get_event(of(2)).await.unwrap().into_inner();
        assert!(got.event.is_none() && got.leaf.is_empty(), "{name}");
        let place = got.withheld.unwrap();
        assert_eq!((place.position, place.leaf_hash.len()), (Some(2), 32), "{name}");
        let page = caller.ledger.list_events(pb::ListEventsRequest::default()).await.unwrap();
        let places: Vec<_> = page.into_inner().withheld.iter().map(|at| at.position).collect();
        assert_eq!(places, [Some(2)], "{name}");
    }
    let again = refused(&mut auditor, request(2, &proposed.proposal)).await;
    assert_eq!(again, (Code::FailedPrecondition, "WITHHELD_ALREADY".to_owned()));
    let again = refused(&mut operator, request(2, &[])).await;
    assert_eq!(again, (Code::FailedPrecondition, "WITHHELD_ALREADY".to_owned()));
    let of_service = refused(&mut operator, request(5, &[])).await;
    assert_eq!(of_service, (Code::InvalidArgument, "FIELD_INVALID".to_owned()));
}

#[tokio::test]
async fn a_proposal_serves_its_position_reason_and_operator_alone() {
    let governed = governed().await;
    let mut operator = governed.as_principal(OPERATOR);
    let mut second = governed.as_principal(SECOND);
    let proposal = ask(&mut operator, request(2, &[])).await.unwrap().proposal;
    let invalid = (Code::InvalidArgument, "PROPOSAL_INVALID".to_owned());
    for at in 0..proposal.len() {
        let mut forged = proposal.to_vec();
        forged[at] ^= 1;
        assert_eq!(refused(&mut second, request(2, &forged)).await, invalid, "byte {at}");
        if at > 0 {
            let cut = &proposal[..at];
            assert_eq!(refused(&mut second, request(2, cut)).await, invalid, "cut at {at}");
        }
    }
    assert_eq!(refused(&mut second, request(3, &proposal)).await, invalid, "another position");
    let other = pb::WithholdEventRequest { reason: "another".to_owned(), ..request(2, &proposal) };
    assert_eq!(refused(&mut second, other).await, invalid);

    // The one who proposed it is an operator no longer.
    let denied = (Code::PermissionDenied, "NOT_ENTITLED".to_owned());
    let mut changed = principals();
    changed[0].1 = rights(Role::Auditor, None);
    governed.access.adopt(policy(&changed, Vec::new()));
    assert_eq!(refused(&mut second, request(2, &proposal)).await, denied);
    governed.access.adopt(policy(&changed[1..], Vec::new()));
    assert_eq!(refused(&mut second, request(2, &proposal)).await, denied, "nor known at all");
    governed.access.adopt(policy(&principals(), Vec::new()));
    assert_eq!(ask(&mut second, request(2, &proposal)).await.unwrap().withheld_at, Some(5));
}

#[tokio::test]
async fn who_may_not_withhold_learns_nothing_of_the_event() {
    let governed = governed().await;
    let proposal = {
        let mut operator = governed.as_principal(OPERATOR);
        ask(&mut operator, request(2, &[])).await.unwrap().proposal
    };
    let denied = (Code::PermissionDenied, "NOT_ENTITLED".to_owned());
    for name in [READER, NODE] {
        let mut caller = governed.as_principal(name);
        for position in [2, 99] {
            assert_eq!(refused(&mut caller, request(position, &[])).await, denied, "{name}");
            assert_eq!(refused(&mut caller, request(position, &proposal)).await, denied, "{name}");
        }
    }
    let mut auditor = governed.as_principal(AUDITOR);
    assert_eq!(refused(&mut auditor, request(2, &[])).await, denied, "an auditor proposes nothing");
}

#[tokio::test]
async fn a_bad_request_names_the_field_and_the_rule() {
    let governed = governed().await;
    let mut operator = governed.as_principal(OPERATOR);
    let with = |reason: String| pb::WithholdEventRequest { reason, ..request(2, &[]) };
    let none = pb::WithholdEventRequest { position: None, ..request(2, &[]) };
    let most = REDACTION_REASON_BYTES_MAX;
    for (asked, code, expected) in [
        (none, Code::InvalidArgument, "FIELD_REQUIRED"),
        (with(" ".to_owned()), Code::InvalidArgument, "FIELD_REQUIRED"),
        (with("a".repeat(most + 1)), Code::ResourceExhausted, "LIMIT_EXCEEDED"),
        (with("call 13912345678".to_owned()), Code::InvalidArgument, "PERSONAL_DATA"),
        (request(5, &[]), Code::OutOfRange, "POSITION_BEYOND_LOG"),
    ] {
        let what = format!("{asked:?}");
        assert_eq!(refused(&mut operator, asked).await, (code, expected.to_owned()), "{what}");
    }
    ask(&mut operator, with("a".repeat(most))).await.unwrap();
}

#[tokio::test]
async fn no_answer_tells_the_words_of_a_withheld_event() {
    let secret = "示例保密有限公司";
    let governed = Governed::new(&principals());
    let mut events = list(1, 3);
    let Some(Fact::Designated(fact)) = &mut events[1].fact else { unreachable!() };
    fact.profile.as_mut().unwrap().name = secret.to_owned();
    let designee = events[1].designee.clone();
    governed.ledger.append(commit(events)).await.unwrap();
    let as_of = Some(pb::AsOf { valid_on: date("2025-01-01"), known: None });
    let answers = async |name: &str| {
        let mut register = governed.as_principal(name).register;
        let of = pb::GetDesigneeRequest { designee: designee.clone(), as_of };
        let one = register.get_designee(of).await.unwrap().into_inner();
        let of = pb::ExplainTitleRequest {
            designee: designee.clone(),
            programme: "specialised-sme".to_owned(),
            as_of,
            ..Default::default()
        };
        let explained = register.explain_title(of).await.unwrap().into_inner();
        let of = pb::ListTitlesRequest { as_of, ..Default::default() };
        let titles = register.list_titles(of).await.unwrap().into_inner();
        let of =
            pb::FindDesigneesRequest { text: "保密".to_owned(), as_of, ..Default::default() };
        let found = register.find_designees(of).await.unwrap().into_inner();
        let bytes = [one.encode_to_vec(), explained.encode_to_vec(), titles.encode_to_vec()];
        let status = one.designee.unwrap().titles[0].status;
        (bytes.concat(), found.designees.len(), titles.titles.len(), status)
    };
    let holds = |bytes: &[u8]| bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
    let mut before = Vec::new();
    for name in [AUDITOR, READER, OPERATOR] {
        let told = answers(name).await;
        assert!(holds(&told.0) && told.1 == 1, "{name}");
        before.push(told);
    }
    let proposal = ask(&mut governed.as_principal(OPERATOR), request(1, &[])).await.unwrap();
    ask(&mut governed.as_principal(AUDITOR), request(1, &proposal.proposal)).await.unwrap();
    for (name, before) in [AUDITOR, READER, OPERATOR].into_iter().zip(before) {
        let told = answers(name).await;
        assert!(!holds(&told.0) && told.1 == 0, "{name}");
        assert_eq!((told.2, told.3), (before.2, before.3), "{name}: titles keep their status");
    }
}

/// A copy that begins later needs the event itself: what is left of it leads to no register.
#[tokio::test]
async fn only_a_node_that_follows_gets_a_withheld_event() {
    let governed = governed().await;
    let proposal = ask(&mut governed.as_principal(OPERATOR), request(2, &[])).await.unwrap();
    ask(&mut governed.as_principal(AUDITOR), request(2, &proposal.proposal)).await.unwrap();
    let withheld = async |name: &str, raw, roots| {
        let asked =
            pb::SubscribeRequest { stop_position: Some(6), raw, roots, ..Default::default() };
        let mut stream =
            governed.as_principal(name).ledger.subscribe(asked).await.unwrap().into_inner();
        let (mut places, mut next) = (0, 0);
        while let Some(message) = stream.message().await.unwrap() {
            match message.payload.unwrap() {
                Payload::Withheld(place) => {
                    assert_eq!(place.position, Some(2), "{name}");
                    places += 1;
                }
                Payload::Progress(progress) => next = progress.next_position,
                Payload::Events(_) | Payload::RawEvents(_) => {}
            }
        }
        assert_eq!(next, 6, "{name}");
        places
    };
    assert_eq!(withheld(NODE, true, true).await, 0);
    for (name, raw, roots) in
        [(NODE, true, false), (NODE, false, true), (AUDITOR, true, true), (AUDITOR, false, false)]
    {
        assert_eq!(withheld(name, raw, roots).await, 1, "{name}, raw {raw}, roots {roots}");
    }
}
