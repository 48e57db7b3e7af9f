//! Events as CloudEvents 1.0 in JSON, structured mode.

use prost::Message as _;
use prost_reflect::DynamicMessage;
use serde::Serialize;

use super::{DeliveryError, Json};
use crate::{
    lang::{say, word},
    protocol::{json::fact_word, pb},
};

/// An event in the form that receivers get.
pub(super) struct CloudEvent {
    /// `<log id>/<position>`, by which a receiver recognises a repetition.
    pub(super) id: String,
    pub(super) position: u64,
    pub(super) log_id: String,
    /// The kind, as on the command line: `review-passed`.
    pub(super) kind: String,
    /// The CloudEvent as JSON, without a line break.
    pub(super) body: String,
}

/// The body. `data` is the canonical protobuf JSON of the `RecordedEvent`.
#[derive(Serialize)]
struct Structured<'a> {
    specversion: &'static str,
    id: &'a str,
    source: String,
    r#type: String,
    time: Option<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    subject: &'a str,
    /// The position with leading zeros, because the extension asks for strings that sort.
    sequence: String,
    datacontenttype: &'static str,
    data: &'a DynamicMessage,
}

impl CloudEvent {
    /// Reads a leaf of the log.
    pub(super) fn read(json: &Json, log_id: &str, leaf: &[u8]) -> Result<Self, DeliveryError> {
        let unreadable = |why: &str| {
            DeliveryError::Stopped(say!(
                en: "an event cannot be read: {why}", zh: "有事件无法读取：{why}"
            ))
        };
        let recorded = pb::RecordedEvent::decode(leaf).map_err(|e| unreadable(&e.to_string()))?;
        let position = recorded
            .position
            .ok_or_else(|| unreadable(word!(en: "it has no position", zh: "没有位置")))?;
        let event = recorded.event.unwrap_or_default();
        let data = json.message("RecordedEvent", leaf)?;
        // Without its fact the event is empty, and the receiver would take it all the same.
        let kind = fact_word(&data).ok_or_else(|| {
            DeliveryError::Stopped(say!(
                en: "event {position} has a kind that this tidu does not know; use a newer version",
                zh: "事件 {position} 的类型此版本无法识别，请使用更新版本的 tidu"
            ))
        })?;
        let id = format!("{log_id}/{position}");
        let structured = Structured {
            specversion: "1.0",
            id: &id,
            source: format!("urn:uuid:{log_id}"),
            r#type: format!("tidu.{kind}.v1"),
            time: recorded.recorded_time.as_ref().map(ToString::to_string),
            subject: &event.designee,
            sequence: format!("{position:020}"),
            datacontenttype: "application/json",
            data: &data,
        };
        let body = serde_json::to_string(&structured).map_err(|e| unreadable(&e.to_string()))?;
        Ok(Self { id, position, log_id: log_id.to_owned(), kind, body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "0d9b6f3e-3a54-4c8e-9d58-6b8c9b1e2f10";

    fn recorded(fact: Option<pb::event::Fact>) -> Vec<u8> {
        let event = pb::Event {
            authority: "440000".to_owned(),
            designee: "914403001922038216".to_owned(),
            fact,
            ..Default::default()
        };
        let time = prost_types::Timestamp { seconds: 1_700_000_000, nanos: 120_000_000 };
        pb::RecordedEvent {
            position: Some(17),
            recorded_time: Some(time),
            event: Some(event),
            ..Default::default()
        }
        .encode_to_vec()
    }

    #[test]
    fn an_event_has_the_attributes_of_cloudevents() {
        let fact = pb::event::Fact::ReviewPassed(pb::ReviewPassed {
            programme: "specialised-sme".to_owned(),
            ..Default::default()
        });
        let event = CloudEvent::read(&Json::new().unwrap(), LOG, &recorded(Some(fact))).unwrap();
        assert_eq!((event.position, event.kind.as_str()), (17, "review-passed"));
        let expected = concat!(
            r#"{"specversion":"1.0","id":"0d9b6f3e-3a54-4c8e-9d58-6b8c9b1e2f10/17","#,
            r#""source":"urn:uuid:0d9b6f3e-3a54-4c8e-9d58-6b8c9b1e2f10","#,
            r#""type":"tidu.review-passed.v1","time":"2023-11-14T22:13:20.120Z","#,
            r#""subject":"914403001922038216","sequence":"00000000000000000017","#,
            r#""datacontenttype":"application/json","data":{"position":"17","#,
            r#""recordedTime":"2023-11-14T22:13:20.120Z","event":{"authority":"440000","#,
            r#""designee":"914403001922038216","reviewPassed":{"programme":"specialised-sme"}}}}"#,
        );
        assert_eq!(event.body, expected);
    }

    #[test]
    fn an_event_without_a_known_fact_is_not_handed_over() {
        let read = CloudEvent::read(&Json::new().unwrap(), LOG, &recorded(None));
        assert!(read.err().unwrap().to_string().contains("event 17"));
    }
}
