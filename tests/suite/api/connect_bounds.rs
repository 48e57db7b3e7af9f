//! The Connect protocol: requests in JSON meet the bounds of any other request, before and while
//! they are read.

use tidu::limits::{COMMIT_EVENTS_MAX, REQUEST_BYTES_MAX, SMALL_REQUEST_BYTES_MAX};

use super::connect::codings;
use crate::support::{
    Governed,
    connect::{Answer, framed, post, post_json, refusal},
};

const APPEND: &str = "LedgerService/Append";
const COUNT: &str = "RegisterService/CountTitles";

/// The ErrorInfo of a refusal.
fn info(answer: &Answer) -> serde_json::Value {
    let error = answer.json();
    let details = error["details"].as_array().unwrap().clone();
    let info = details.into_iter().find(|detail| detail["type"] == "google.rpc.ErrorInfo");
    info.unwrap()["debug"].take()
}

fn limit_exceeded() -> (u16, String, String) {
    (429, "resource_exhausted".to_owned(), "LIMIT_EXCEEDED".to_owned())
}

#[tokio::test]
async fn a_text_has_the_bytes_that_its_method_takes_and_no_more() {
    let governed = Governed::open();
    let text = |bytes: usize| format!("{{{}}}", " ".repeat(bytes - 2));
    for method in [COUNT, "AdminService/GetStatus"] {
        let most = text(SMALL_REQUEST_BYTES_MAX);
        assert_eq!(post_json(&governed.api, method, most).await.status, 200, "{method}");
        let over = post_json(&governed.api, method, text(SMALL_REQUEST_BYTES_MAX + 1)).await;
        assert_eq!(over.refusal(), limit_exceeded(), "{method}");
        assert_eq!(info(&over)["metadata"]["limit"], SMALL_REQUEST_BYTES_MAX.to_string());
    }
    // The largest text is read, and has no event.
    let most = post_json(&governed.api, APPEND, text(REQUEST_BYTES_MAX)).await;
    assert_eq!(most.refusal().2, "FIELD_REQUIRED");
    let over = post_json(&governed.api, APPEND, text(REQUEST_BYTES_MAX + 1)).await;
    assert_eq!(over.refusal(), limit_exceeded());
}

#[tokio::test]
async fn a_packed_text_is_unpacked_no_further_than_its_method_takes() {
    let governed = Governed::open();
    let bomb = vec![b' '; 4 * REQUEST_BYTES_MAX];
    let streams = "RegisterService/ExportRegister";
    for (coding, pack, _) in codings() {
        let packed = pack(&bomb);
        assert!(packed.len() < bomb.len() / 50, "{coding}: {}", packed.len());
        for kind in ["application/json", "application/proto"] {
            let headers = [("content-encoding", coding)];
            let refused = post(&governed.api, APPEND, kind, &headers, packed.clone()).await;
            let reason = refused.refusal().2;
            // What is no protobuf is found sooner.
            let expected = ["LIMIT_EXCEEDED", "MALFORMED_REQUEST"];
            assert!(expected.contains(&&*reason), "{kind} in {coding}: {reason}");
            assert!(kind != "application/json" || reason == expected[0], "{coding}: {reason}");
        }
        let headers = [("connect-content-encoding", coding)];
        let kind = "application/connect+json";
        let small = pack(&vec![b' '; SMALL_REQUEST_BYTES_MAX + 1]);
        let refused = post(&governed.api, streams, kind, &headers, framed(1, &small)).await;
        let error = refused.messages().1.error.unwrap();
        assert_eq!(refusal(&error).1, "LIMIT_EXCEEDED", "{coding}");
    }
}

#[tokio::test]
async fn objects_inside_each_other_end_at_a_depth() {
    let governed = Governed::open();
    let (open, close) = ("{\"corrected\":{\"replacement\":", "}}");
    let nested = |depth: usize| {
        let event = format!("{}{{}}{}", open.repeat(depth), close.repeat(depth));
        format!("{{\"events\":[{event}]}}")
    };
    let deep = post_json(&governed.api, APPEND, nested(100_000)).await;
    assert_eq!(deep.refusal().2, "MALFORMED_REQUEST");
    assert!(deep.text().contains("nested too deep"), "{}", deep.text());
    assert!(deep.body.len() < 4_096);
    for bomb in ["[", "{\"events\":[", "{\"events\":[{\"designated\":{\"profile\":"] {
        let refused = post_json(&governed.api, APPEND, bomb.repeat(100_000)).await;
        assert_eq!(refused.status, 400, "{bomb}: {}", refused.text());
    }
}

#[tokio::test]
async fn a_list_has_no_more_entries_than_in_protobuf() {
    let governed = Governed::open();
    let events = |count: usize| format!("{{\"events\":[{}{{}}]}}", "{},".repeat(count - 1));
    let most = post_json(&governed.api, APPEND, events(COMMIT_EVENTS_MAX)).await;
    assert_eq!(most.refusal().0, 400, "each of them lacks its fields");
    let over = post_json(&governed.api, APPEND, events(COMMIT_EVENTS_MAX + 1)).await;
    assert_eq!(over.refusal(), limit_exceeded());
    assert_eq!(info(&over)["metadata"]["field"], "events");
    // So many that a tree of them would take gigabytes.
    let crowd = post_json(&governed.api, APPEND, events(REQUEST_BYTES_MAX / 3 - 8)).await;
    assert_eq!(crowd.refusal(), limit_exceeded());
}

#[tokio::test]
async fn a_fault_in_json_has_its_place_in_the_details() {
    let governed = Governed::open();
    let text = "{\"events\":[{},{\"effectiveDate\":\"2026-01-01\"}]}";
    let refused = post_json(&governed.api, APPEND, text).await;
    let told = info(&refused)["metadata"].take();
    assert_eq!(told["field"], "events[1].effective_date");
    assert_eq!(told["value"], "2026-01-01");
    assert_eq!(told["rule_id"], "json-value-form");
    assert_eq!(told["rule"], "JSON is that of the protocol buffers");
    assert!(refused.text().contains("is not an object in braces"), "{}", refused.text());
    let text = "{\"events\":[{\"designated\":{\"programm\":\"little-giant\"}}]}";
    let refused = post_json(&governed.api, APPEND, text).await;
    let told = info(&refused)["metadata"].take();
    assert_eq!(told["field"], "events[0].designated.programm");
    assert_eq!(told["rule_id"], "json-field-unknown");
    let cut = post_json(&governed.api, APPEND, "{\"events\":[{\"authority\":").await;
    assert_eq!(info(&cut)["metadata"]["field"], "events[0].authority");
    assert!(cut.text().contains("line 1 column 24"), "{}", cut.text());
}
