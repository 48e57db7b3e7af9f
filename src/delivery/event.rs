//! Events as CloudEvents 1.0 in JSON, structured mode.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use prost::Message as _;
use prost_reflect::DynamicMessage;
use serde::Serialize;
use url::form_urlencoded::byte_serialize;

use super::{DeliveryError, Json};
use crate::{
    domain::CivilDate,
    lang::{say, word},
    protocol::{batch::LeafBatch, json::fact_word, pb, time::micros},
};

/// The kind of the event of a title that expired.
const EXPIRED: &str = "title-expired";

/// An event in the form that receivers get.
pub(super) struct CloudEvent {
    /// `<log id>/<place>`, by which a receiver recognises a repetition.
    pub(super) id: String,
    pub(super) origin: Origin,
    pub(super) log_id: String,
    /// The kind, as on the command line: `review-passed`.
    pub(super) kind: String,
    /// The CloudEvent as JSON, without a line break.
    pub(super) body: Bytes,
}

/// Where an event comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// It is on record.
    Recorded {
        position: u64,
        /// The day in Shanghai on which it was recorded.
        day: Option<CivilDate>,
    },
    /// It follows from the day: a title expired.
    Expired {
        /// Designee, programme, authority and item.
        title: String,
    },
}

impl Origin {
    /// The position of an event on record.
    pub(super) fn position(&self) -> Option<u64> {
        match self {
            Self::Recorded { position, .. } => Some(*position),
            Self::Expired { .. } => None,
        }
    }
}

/// Events that can be delivered, in order.
#[derive(Default)]
pub struct Ready {
    pub(super) events: Vec<CloudEvent>,
    /// Everything below it is among the events or does not match.
    pub(super) next: u64,
}

impl Ready {
    /// The number of events.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// True if it has no events.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Takes away the events that were recorded before a day.
    pub fn split_before(&mut self, day: CivilDate) -> Self {
        let is_later = |event: &CloudEvent| match &event.origin {
            Origin::Recorded { day: recorded, .. } => recorded.is_some_and(|on| on >= day),
            Origin::Expired { .. } => false,
        };
        let Some(first) = self.events.iter().position(is_later) else {
            return std::mem::take(self);
        };
        let later = self.events.split_off(first);
        let next = later.first().and_then(|event| event.origin.position()).unwrap_or(self.next);
        Self { events: std::mem::replace(&mut self.events, later), next }
    }

    /// Adds the events that come next.
    pub fn append(&mut self, later: Self) {
        self.events.extend(later.events);
        self.next = later.next;
    }
}

/// Titles that expired on one day, in order.
pub struct Expiries(pub(super) Vec<CloudEvent>);

impl Expiries {
    /// The expiries among the changes of a page, without those up to the title `after`, which is
    /// taken away once it was found.
    ///
    /// # Errors
    /// If one has no JSON form.
    pub fn read(
        reader: &EventReader,
        log_id: &str,
        at: (CivilDate, u64),
        changes: &[pb::StatusChange],
        after: &mut Option<String>,
    ) -> Result<Self, DeliveryError> {
        let mut expiries = Vec::new();
        for change in changes {
            let event = CloudEvent::expired(&reader.0, log_id, at, change)?;
            let Some(last) = &*after else {
                expiries.push(event);
                continue;
            };
            if matches!(&event.origin, Origin::Expired { title } if title == last) {
                *after = None;
            }
        }
        Ok(Self(expiries))
    }
}

/// Reads leaves of the log as events, on whichever thread has the time.
#[derive(Clone)]
pub struct EventReader(pub(super) Arc<Json>);

impl EventReader {
    /// The events of a batch of leaves; up to the first one that cannot be read, if there is such a
    /// one, and why.
    pub fn read(&self, log_id: &str, batch: &LeafBatch) -> (Ready, Option<DeliveryError>) {
        let mut ready = Ready::default();
        for leaf in &batch.leaves {
            match CloudEvent::read(&self.0, log_id, leaf) {
                Ok(event) => ready.events.push(event),
                Err(error) => {
                    let last = ready.events.last().and_then(|event| event.origin.position());
                    ready.next = last.map_or(0, |last| last + 1);
                    return (ready, Some(error));
                }
            }
        }
        ready.next = batch.next_position;
        (ready, None)
    }
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
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<String>,
    /// True for an event that is not on record.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    derived: bool,
    /// The log size from which such an event follows. CloudEvents has no numbers of 64 bits.
    #[serde(skip_serializing_if = "Option::is_none")]
    logsize: Option<String>,
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
            sequence: Some(format!("{position:020}")),
            derived: false,
            logsize: None,
            datacontenttype: "application/json",
            data: &data,
        };
        let body = serde_json::to_string(&structured).map_err(|e| unreadable(&e.to_string()))?;
        let day = recorded.recorded_time.as_ref().and_then(day_of);
        let origin = Origin::Recorded { position, day };
        Ok(Self { id, origin, log_id: log_id.to_owned(), kind, body: body.into() })
    }

    /// The event of a title that expired on a day, as of a log size. Its id follows from log, day
    /// and title alone.
    pub(super) fn expired(
        json: &Json,
        log_id: &str,
        (day, log_size): (CivilDate, u64),
        change: &pb::StatusChange,
    ) -> Result<Self, DeliveryError> {
        let parts = [&change.designee, &change.programme, &change.authority, &change.item];
        // A header takes it, whatever is in a name.
        let parts = parts.map(|part| byte_serialize(part.as_bytes()).collect::<String>());
        let title = parts.join("/");
        let id = format!("{log_id}/{EXPIRED}/{day}/{title}");
        let data = json.message("StatusChange", &change.encode_to_vec())?;
        let structured = Structured {
            specversion: "1.0",
            id: &id,
            source: format!("urn:uuid:{log_id}"),
            r#type: format!("tidu.derived.{EXPIRED}.v1"),
            time: Some(day.midnight_in_shanghai().to_string()),
            subject: &change.designee,
            sequence: None,
            derived: true,
            logsize: Some(log_size.to_string()),
            datacontenttype: "application/json",
            data: &data,
        };
        let body = serde_json::to_string(&structured).map_err(|e| {
            DeliveryError::Stopped(say!(
                en: "the expiry {id} has no JSON: {e}", zh: "到期 {id} 无法写成 JSON：{e}"
            ))
        })?;
        let (origin, log_id) = (Origin::Expired { title }, log_id.to_owned());
        Ok(Self { id, origin, log_id, kind: EXPIRED.to_owned(), body: body.into() })
    }

    /// The part of the id behind that of the log.
    pub(super) fn place(&self) -> &str {
        let place = self.id.strip_prefix(&self.log_id).unwrap_or(&self.id);
        place.trim_start_matches('/')
    }
}

/// The day in Shanghai of an instant.
fn day_of(time: &prost_types::Timestamp) -> Option<CivilDate> {
    let time = Timestamp::from_microsecond(micros(time)).ok()?;
    Some(CivilDate::today_in_shanghai(time))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::PartialDate;

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
        // 22:13 in Greenwich is the next day in Shanghai.
        assert_eq!(event.origin, Origin::Recorded { position: 17, day: Some(day("2023-11-15")) });
        assert_eq!(event.kind, "review-passed");
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

    fn day(iso: &str) -> CivilDate {
        PartialDate::parse_iso(iso).unwrap().first_day()
    }

    #[test]
    fn an_expiry_is_derived_and_has_an_id_by_day_and_title() {
        let change = pb::StatusChange {
            designee: "provisional:440000/某厂 1".to_owned(),
            programme: "little-giant".to_owned(),
            authority: "000001".to_owned(),
            reason: pb::ChangeReason::Expiry.into(),
            valid_to: Some(pb::Date { year: 2026, month: 3, day: 31 }),
            ..Default::default()
        };
        let (json, at) = (Json::new().unwrap(), (day("2026-04-01"), 9));
        let event = CloudEvent::expired(&json, LOG, at, &change).unwrap();
        let title = "provisional%3A440000%2F%E6%9F%90%E5%8E%82+1/little-giant/000001/";
        assert_eq!(event.origin, Origin::Expired { title: title.to_owned() });
        let expected = [
            r#"{"specversion":"1.0","id":"LOG/title-expired/2026-04-01/TITLE","#,
            r#""source":"urn:uuid:LOG","type":"tidu.derived.title-expired.v1","#,
            r#""time":"2026-03-31T16:00:00Z","subject":"provisional:440000/某厂 1","#,
            r#""derived":true,"logsize":"9","datacontenttype":"application/json","#,
            r#""data":{"designee":"provisional:440000/某厂 1","programme":"little-giant","#,
            r#""authority":"000001","reason":"CHANGE_REASON_EXPIRY","#,
            r#""validTo":{"year":2026,"month":3,"day":31}}}"#,
        ];
        let expected = expected.concat().replace("LOG", LOG).replace("TITLE", title);
        assert_eq!(event.body, expected);
    }

    #[test]
    fn events_are_split_where_a_day_begins() {
        let events = [("2026-03-31", 4), ("2026-03-31", 6), ("2026-04-02", 9)];
        let event = |(on, position)| CloudEvent {
            id: String::new(),
            origin: Origin::Recorded { position, day: Some(day(on)) },
            log_id: String::new(),
            kind: String::new(),
            body: Bytes::new(),
        };
        let ready = || Ready { events: events.map(event).into(), next: 12 };
        for (split, lens, nexts) in [
            ("2026-03-31", (0, 3), (4, 12)),
            ("2026-04-01", (2, 1), (9, 12)),
            ("2026-04-02", (2, 1), (9, 12)),
            ("2026-04-03", (3, 0), (12, 0)),
        ] {
            let mut rest = ready();
            let before = rest.split_before(day(split));
            assert_eq!((before.len(), rest.len()), lens, "{split}");
            assert_eq!((before.next, rest.next), nexts, "{split}");
        }
    }

    #[test]
    fn an_event_without_a_known_fact_is_not_handed_over() {
        let read = CloudEvent::read(&Json::new().unwrap(), LOG, &recorded(None));
        assert!(read.err().unwrap().to_string().contains("event 17"));
    }
}
