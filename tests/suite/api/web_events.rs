//! Events over plain HTTP are those of Subscribe, and each comes once however often a reader is cut
//! off.

use std::collections::BTreeSet;

use fastrand::Rng;
use http::{Method, StatusCode};
use tidu::{
    domain::kind::Kind,
    protocol::{
        json::Json,
        pb::{self, subscribe_request::Start, subscribe_response::Payload},
    },
};
use tokio::time::{Duration, Instant};

use crate::support::{
    Governed, MemoryLog, changed, commit, encoded, list, little_giant, made_up, record,
    seed::{random, seed},
    web::{Sent, Source, ask, get, send, sent},
};

/// A service over events of several authorities, kinds, batches and designees.
fn over_events(random: &mut Rng, count: usize) -> Governed {
    let enterprises = made_up(random.u64(..), 12);
    let events: Vec<_> = (0..count)
        .map(|number| {
            let enterprise = random.choice(&enterprises).unwrap();
            let id = enterprise.uscc.to_string();
            match random.u8(..3) {
                0 => changed(enterprise),
                1 => little_giant(&id, random.choice(["1", "2", "2022"]).unwrap(), "2019-06-05"),
                _ => list(number as u64, 1).remove(0),
            }
        })
        .collect();
    let log = MemoryLog::default();
    record(&log, &encoded(&events));
    Governed::open_over(log)
}

/// A filter, and the parameters that mean it.
fn filter(random: &mut Rng, governed: &Governed) -> (pb::EventFilter, String) {
    let mut filter = pb::EventFilter::default();
    let mut query = String::new();
    let mut add = |name: &str, value: &str| query.push_str(&format!("&{name}={value}"));
    if random.u8(..4) == 0 {
        let programme = random.choice(["little-giant", "specialised-sme", "tech-sme"]);
        filter.programmes.push(programme.unwrap().to_owned());
        add("programme", programme.unwrap());
    }
    if random.u8(..3) == 0 {
        filter.authorities = vec!["440000".to_owned(), "330000".to_owned()];
        match random.bool() {
            true => add("authority", "440000,330000"),
            false => {
                add("authority", "440000");
                add("authority", "330000");
            }
        }
    }
    if random.u8(..4) == 0 {
        filter.region_under = "440300".to_owned();
        add("region", "440300");
    }
    if random.u8(..3) == 0 {
        for name in ["designated", "major-change-reported"] {
            if random.bool() {
                filter.kinds.push(Kind::from_name(name).unwrap().number().into());
                add("kind", name);
            }
        }
    }
    if random.u8(..4) == 0 {
        filter.batches.push("2".to_owned());
        add("batch", "2");
    }
    if random.u8(..4) == 0 {
        let at = random.u64(..governed.ledger.durable().size);
        let id = format!("local:440000/N-{at}");
        filter.designees.push(id.clone());
        add("designee", &id.replace('/', "%2F"));
    }
    (filter, query)
}

/// What a stream of gRPC delivers, as the lines that the command line prints of it.
async fn streamed(governed: &Governed, request: pb::SubscribeRequest) -> Vec<String> {
    let json = Json::new().unwrap();
    let mut client = governed.as_stranger();
    let mut stream = client.ledger.subscribe(request).await.unwrap().into_inner();
    let mut lines = Vec::new();
    while let Some(message) = stream.message().await.unwrap() {
        match message.payload.unwrap() {
            Payload::Events(batch) | Payload::RawEvents(batch) => {
                let line = |leaf| json.line_of("RecordedEvent", leaf).unwrap();
                lines.extend(batch.leaves.iter().map(|leaf| line(leaf)));
            }
            Payload::Withheld(place) => lines.push(json.line("Withheld", &place).unwrap()),
            Payload::Progress(_) => {}
        }
    }
    lines
}

#[tokio::test]
async fn events_over_http_are_those_of_subscribe() {
    let mut random = random("TIDU_WEB_SEED");
    let governed = over_events(&mut random, 300);
    let (mut found, mut rounds) = (0, 0);
    // Some draws match little, so there are more of them until enough was compared.
    while rounds < 40 || (found <= 100 && rounds < 1_000) {
        rounds += 1;
        let (filter, query) = filter(&mut random, &governed);
        let (from, to) = (random.u64(..300), random.u64(..=300));
        let request = pb::SubscribeRequest {
            start: Some(Start::FromPosition(from)),
            stop_position: Some(to),
            filter: Some(filter),
            ..Default::default()
        };
        let expected = streamed(&governed, request).await;
        found += expected.len();
        let target = format!("/v1/events?from={from}&to={to}{query}");
        let plain = get(&governed.api, &target, &[]).await;
        assert_eq!(plain.header("content-type"), "application/x-ndjson");
        assert_eq!(plain.body.lines().collect::<Vec<_>>(), expected, "{target}");
        let shown = get(&governed.api, &target, &[("accept", "text/html,*/*;q=0.8")]).await;
        assert_eq!(shown.header("content-type"), "text/plain; charset=utf-8");
        assert_eq!(shown.body, plain.body, "{target}");
        let accept = [("accept", "text/event-stream")];
        let events = get(&governed.api, &target, &accept).await;
        assert_eq!(events.header("content-type"), "text/event-stream");
        let events = sent(&events.body);
        assert_eq!(events[0].kind, "progress", "the stream is open");
        let data: Vec<_> =
            events.iter().filter(|e| e.kind != "progress").map(|e| e.data.clone()).collect();
        assert_eq!(data, expected, "{target}");
    }
    assert!(found > 100, "only {found} events");
}

/// The positions of the events, and the id that a browser has at the end.
fn taken(events: &[Sent]) -> (Vec<u64>, String) {
    let position = |event: &Sent| event.json()["position"].as_str().unwrap().parse().unwrap();
    let events_of = events.iter().filter(|event| event.kind.is_empty());
    let id = events.last().map(|event| event.id.clone()).unwrap_or_default();
    (events_of.map(position).collect(), id)
}

#[tokio::test]
async fn a_reader_that_is_cut_off_anywhere_gets_each_event_once() {
    let mut random = random("TIDU_WEB_SEED");
    let governed = over_events(&mut random, 60);
    let accept = ("accept", "text/event-stream");
    for query in ["", "&authority=440000", "&kind=designated&batch=1"] {
        let target = format!("/v1/events?from=3&follow=false{query}");
        let whole = get(&governed.api, &target, &[accept]).await.body;
        let (expected, _) = taken(&sent(&whole));
        assert!(!expected.is_empty(), "{target}");
        let mut resumed = BTreeSet::new();
        // At the end of each line, before its end, and within it.
        let ends = whole.match_indices('\n').map(|(end, _)| end);
        let cuts = ends.flat_map(|end| [end - random.usize(..=end.min(9)), end, end + 1]);
        for cut in cuts.filter(|cut| whole.is_char_boundary(*cut)).collect::<Vec<_>>() {
            let (mut got, id) = taken(&sent(&whole[..cut]));
            // Cuts within an event are the same to a reader.
            if !resumed.insert(id.clone()) {
                continue;
            }
            let known = [accept, ("last-event-id", id.as_str())];
            let rest = get(&governed.api, &target, &known).await;
            if rest.status == StatusCode::NO_CONTENT {
                assert_eq!(id, "60", "it is told to stop before the end");
            } else {
                got.extend(taken(&sent(&rest.body)).0);
            }
            assert_eq!(got, expected, "{target}, cut at byte {cut}");
        }
        assert!(resumed.len() > expected.len(), "{target}");
    }
}

#[tokio::test]
async fn a_cursor_keeps_its_filter_when_a_reader_comes_again() {
    let governed = over_events(&mut Rng::with_seed(seed("TIDU_WEB_SEED")), 60);
    let filter = pb::EventFilter { authorities: vec!["440000".to_owned()], ..Default::default() };
    let request = pb::CreateCursorRequest {
        cursor_id: "reader".to_owned(),
        filter: Some(filter),
        next_position: 5,
    };
    governed.as_stranger().cursors.create_cursor(request).await.unwrap();
    let accept = ("accept", "text/event-stream");
    let plain = "/v1/events?from=5&authority=440000&follow=false";
    let (expected, _) = taken(&sent(&get(&governed.api, plain, &[accept]).await.body));
    let target = "/v1/events?cursor=reader&follow=false";
    let whole = get(&governed.api, target, &[accept]).await.body;
    assert_eq!(taken(&sent(&whole)).0, expected);
    let half = (expected[expected.len() / 2] + 1).to_string();
    let rest = get(&governed.api, target, &[accept, ("last-event-id", &half)]).await.body;
    assert_eq!(taken(&sent(&rest)).0, expected[expected.len() / 2 + 1..]);
    let beyond = get(&governed.api, "/v1/events?cursor=reader", &[("last-event-id", "61")]).await;
    assert_eq!(crate::support::web::reason(&beyond.lines()[0]["error"]), "POSITION_BEYOND_LOG");
}

#[tokio::test(start_paused = true)]
async fn a_reader_hears_from_the_server_every_heartbeat() {
    let governed = Governed::open();
    for (query, seconds) in [("", 10), ("?heartbeat=2s", 2), ("?heartbeat=5m", 300)] {
        let mut source = Source::open(&governed.api, &format!("/v1/events{query}"), &[]).await;
        assert_eq!(source.next().await.unwrap().kind, "progress");
        for _ in 0..3 {
            let began = Instant::now();
            let beat = source.next().await.unwrap();
            assert_eq!((beat.kind.as_str(), beat.id.as_str()), ("progress", "0"));
            assert_eq!(beat.json()["caughtUp"], true);
            assert_eq!(began.elapsed(), Duration::from_secs(seconds), "{query}");
        }
    }
    // Lines of JSON have it on request.
    let target = "/v1/events?progress=true";
    let mut body = send(&governed.api, Method::GET, target, &[]).await.into_body();
    for beat in 0..3 {
        let line = http_body_util::BodyExt::frame(&mut body).await.unwrap().unwrap();
        let line: serde_json::Value = serde_json::from_slice(line.data_ref().unwrap()).unwrap();
        assert_eq!(line["nextPosition"], "0", "beat {beat}");
    }
}

#[tokio::test]
async fn a_reader_gets_events_as_they_are_recorded() {
    let governed = Governed::open();
    let mut source = Source::open(&governed.api, "/v1/events?from=now", &[]).await;
    for (number, event) in (0_u64..).zip(list(1, 5)) {
        governed.ledger.append(commit(vec![event])).await.unwrap();
        let event = source.next_told().await.unwrap();
        assert_eq!((event.kind.as_str(), &event.id), ("", &(number + 1).to_string()));
        assert_eq!(event.json()["position"], number.to_string());
    }
}

#[tokio::test]
async fn a_head_has_what_its_get_has_and_no_body() {
    let governed = over_events(&mut Rng::with_seed(1), 3);
    let head = ask(&governed.api, Method::HEAD, "/v1/events", &[]).await;
    assert_eq!((head.status, head.body.as_str()), (StatusCode::OK, ""));
    assert_eq!(head.header("content-type"), "application/x-ndjson");
    assert_eq!(head.header("cache-control"), "no-store");
    let refused = ask(&governed.api, Method::HEAD, "/v1/events?from=4", &[]).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
}
