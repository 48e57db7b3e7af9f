//! Events to record: for Tidu as messages, for the others as the bytes that Tidu would store.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use prost::Message as _;
use tidu::{
    cli::generate::{Enterprise, enterprises},
    domain::AuthorityCode,
    protocol::pb::{self, event::Fact},
};

/// Designations, each of another designee; beyond the list the same designees follow for other
/// items.
#[derive(Clone)]
pub struct Events {
    list: Arc<Vec<Enterprise>>,
    next: Arc<AtomicUsize>,
}

impl Events {
    pub fn new(designees: usize) -> Self {
        let guangdong = AuthorityCode::parse("440000").expect("an authority");
        let list = enterprises(1, guangdong).take(designees).collect();
        Self { list: Arc::new(list), next: Arc::default() }
    }

    /// The same list from its beginning, for a server that is empty.
    pub fn afresh(&self) -> Self {
        Self { list: Arc::clone(&self.list), next: Arc::default() }
    }

    /// The next events, with their serial numbers.
    pub fn take(&self, count: usize) -> Vec<(u64, pb::Event)> {
        let start = self.next.fetch_add(count, Ordering::Relaxed);
        (start..start + count)
            .map(|i| {
                let enterprise = &self.list[i % self.list.len()];
                (i as u64, designation(enterprise, i / self.list.len()))
            })
            .collect()
    }
}

fn designation(enterprise: &Enterprise, lap: usize) -> pb::Event {
    let profile = pb::Profile {
        name: enterprise.name.clone(),
        name_en: "Example Precision Machinery (Guangdong) Co., Ltd.".to_owned(),
        kind: pb::DesigneeKind::Enterprise.into(),
        registered_region: enterprise.region.clone(),
        industry: enterprise.industry.to_owned(),
        size_class: pb::SizeClass::Small.into(),
        main_product: String::new(),
    };
    let date = |year, month, day| Some(pb::Date { year, month, day });
    pb::Event {
        authority: "440000".to_owned(),
        designee: enterprise.uscc.to_string(),
        effective_date: date(2024, 1, 1),
        evidence: Some(pb::Evidence {
            document_number: "粤工信融资函〔2024〕1号".to_owned(),
            document_date: date(2023, 12, 20),
            published_date: date(2023, 12, 28),
            url: "https://example.invalid/zwgk/tzgg/content/post_4318000.html".to_owned(),
            sha256: vec![7; 32].into(),
            row: 17,
            ..Default::default()
        }),
        fact: Some(Fact::Designated(pb::Designated {
            programme: "innovative-sme".to_owned(),
            item: if lap == 0 { String::new() } else { lap.to_string() },
            batch: "2024-1".to_owned(),
            profile: Some(profile),
            ..Default::default()
        })),
        ..Default::default()
    }
}

/// The event as it would be recorded: what a peer is given to keep.
pub fn payload((serial, mut event): (u64, pb::Event)) -> Bytes {
    event.rule_version = "2022".to_owned();
    if let Some(Fact::Designated(designated)) = &mut event.fact {
        designated.valid_to = Some(pb::Date { year: 2026, month: 12, day: 31 });
        designated.valid_to_inferred = true;
    }
    let recorded = pb::RecordedEvent {
        position: Some(serial),
        recorded_time: Some(prost_types::Timestamp { seconds: 1_767_225_600, nanos: 123_456_000 }),
        recorded_by: "anonymous".to_owned(),
        commit: Some(pb::Commit { first_position: Some(serial), size: 1 }),
        event: Some(event),
        ..Default::default()
    };
    recorded.encode_to_vec().into()
}

/// What a subscriber does with what it gets: reads the event. Gives its size.
pub fn read(payload: Bytes) -> usize {
    let size = payload.len();
    let recorded = pb::RecordedEvent::decode(payload).expect("a recorded event");
    assert!(std::hint::black_box(recorded).event.is_some());
    size
}
