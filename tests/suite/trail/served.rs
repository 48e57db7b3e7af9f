//! The calls of a service with principals: which get lines, and which wait for them.

use std::sync::{Arc, atomic::Ordering};

use tidu::{
    cursors::Cursors,
    domain::access::{Rights, Role},
    ledger::{AppendError, Unhurried},
    limits::{ANCHOR_INTERVAL, DENIALS_WRITTEN_MAX, TRAIL_STALL_MAX},
    operations::Observer,
    protocol::pb::{self, event::Fact},
    trail::{Sink, Trail},
};
use tokio::time::{Duration, sleep};
use tonic::{Code, Status};

use super::tape::{Tape, counted_by};
use crate::support::{
    Governed, Hands, MemoryLog, commit, directory, in_time, list, principals::token_of, reason,
    rights,
};

const RECORDER: &str = "guangdong.recorder";
const READER: &str = "guangdong.reader";
const OPERATOR: &str = "ministry.operator";
const SECOND: i64 = 1_000_000;

/// A service whose trail goes to tapes.
struct Served {
    governed: Governed,
    trail: Arc<Trail>,
}

impl Served {
    fn on(tapes: &[&Tape]) -> Self {
        let principals: [(&str, Rights); 3] = [
            (RECORDER, rights(Role::Recorder, Some("440000"))),
            (READER, rights(Role::Reader, Some("440000"))),
            (OPERATOR, rights(Role::Operator, None)),
        ];
        let mut kept = None;
        let governed =
            Governed::prepared(MemoryLog::default(), &principals, Vec::new(), |ledger, hands| {
                let sinks = tapes.iter().map(|tape| -> Box<dyn Sink> { Box::new((*tape).clone()) });
                let metrics = Arc::clone(ledger.metrics());
                let trail = counted_by(metrics, sinks.collect(), hands, None).unwrap();
                ledger.audit_by(Arc::clone(&trail));
                kept = Some(trail);
            });
        Self { governed, trail: kept.unwrap() }
    }

    async fn adopt(&self, principal: &str) -> Result<(), Status> {
        let mut caller = self.governed.as_principal(principal);
        caller.admin.adopt_rules(pb::AdoptRulesRequest::default()).await.map(drop)
    }

    async fn record(&self) -> Result<(), Status> {
        let events = list(1, 3);
        let request = pb::AppendRequest { events, ..Default::default() };
        self.governed.as_principal(RECORDER).ledger.append(request).await.map(drop)
    }

    async fn status(&self) -> pb::GetStatusResponse {
        let mut caller = self.governed.as_principal(OPERATOR);
        caller.admin.get_status(pb::GetStatusRequest {}).await.unwrap().into_inner()
    }

    fn pass(&self, duration: Duration) {
        let Hands(wall, steady) = &*self.governed.hands;
        wall.fetch_add(duration.as_secs() as i64 * SECOND, Ordering::Relaxed);
        steady.fetch_add(duration.as_secs(), Ordering::Relaxed);
    }

    /// Waits until lines are taken, or are not.
    async fn until_refusing(&self, refusing: bool) {
        let changed = async {
            while self.trail.refusal().is_some() != refusing {
                sleep(Duration::from_millis(1)).await;
            }
        };
        in_time("the change of the sinks", changed).await;
    }

    /// Waits until all lines are on a tape.
    async fn settle(&self) {
        let lines = self.trail.state().lines;
        in_time("the lines", self.trail.kept(lines)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_to_an_act_waits_until_its_line_is_on_a_disk() {
    let tape = Tape::default();
    let served = Arc::new(Served::on(&[&tape]));
    tape.shut(true);
    let act = tokio::spawn({
        let served = Arc::clone(&served);
        async move { served.adopt(OPERATOR).await }
    });
    let waiting = tape.clone();
    tokio::task::spawn_blocking(move || waiting.wait_for_a_try()).await.unwrap();
    assert!(!act.is_finished() && tape.text().is_empty(), "the line is not on the disk");
    tape.shut(false);
    in_time("the answer", act).await.unwrap().unwrap();
    let lines = tape.lines();
    let line = lines.last().unwrap();
    assert_eq!(line["principal"], OPERATOR);
    assert_eq!(line["method"], "tidu.v1.AdminService/AdoptRules");
    assert_eq!(line["outcome"], "allowed");
    assert_eq!(line["target"], "the newest rules");
    assert!(line["credential"].as_str().unwrap().starts_with("token"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn denials_get_lines_and_appends_none() {
    let tape = Tape::default();
    let served = Served::on(&[&tape]);
    let refused = served.adopt(READER).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let mut stranger = served.governed.as_stranger();
    let refused = stranger.admin.get_status(pb::GetStatusRequest {}).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    let unknown = format!("Bearer {}", token_of("nobody"));
    let mut unknown = served.governed.showing(vec![("authorization", unknown)]);
    unknown.admin.get_status(pb::GetStatusRequest {}).await.unwrap_err();
    served.record().await.unwrap();
    served.settle().await;
    let lines = tape.lines();
    let told: Vec<_> = lines
        .iter()
        .map(|line| ["principal", "outcome", "reason"].map(|key| line[key].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            [READER, "denied", "NOT_ENTITLED"],
            ["", "denied", "CREDENTIAL_MISSING"],
            ["", "denied", "CREDENTIAL_INVALID"],
        ]
    );
    for name in [RECORDER, READER, OPERATOR, "nobody"] {
        assert!(!tape.text().contains(&token_of(name)), "a token is in the trail");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn denials_past_the_bound_are_counted_when_the_minute_ends() {
    let tape = Tape::default();
    let served = Served::on(&[&tape]);
    for _ in 0..=DENIALS_WRITTEN_MAX {
        served.adopt(READER).await.unwrap_err();
    }
    served.settle().await;
    assert_eq!(tape.lines().len() as u64, DENIALS_WRITTEN_MAX);
    served.pass(Duration::from_secs(60));
    served.trail.tick();
    served.settle().await;
    let lines = tape.lines();
    assert_eq!(lines.len() as u64, DENIALS_WRITTEN_MAX + 1);
    let last = lines.last().unwrap();
    assert_eq!((&last["count"], &last["principal"]), (&1.into(), &READER.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_sink_nothing_is_recorded_and_reads_go_on() {
    let tape = Tape::default();
    let served = Served::on(&[&tape]);
    served.record().await.unwrap();
    tape.fail(true);
    served.adopt(READER).await.unwrap_err();
    served.until_refusing(true).await;
    let size = served.governed.ledger.durable().size;
    for refused in [served.record().await, served.adopt(OPERATOR).await] {
        let refused = refused.unwrap_err();
        assert_eq!((refused.code(), &*reason(&refused)), (Code::Unavailable, "AUDIT_FAILED"));
    }
    // The edge is not the only place: a commit may be in the queue already.
    let ledger = &served.governed.ledger;
    let refused = ledger.append(commit(list(1, 5).split_off(3))).await.unwrap_err();
    assert!(matches!(refused, AppendError::AuditFailed(_)), "{refused}");
    assert!(
        ledger.trial(&commit(list(1, 5).split_off(3)), &mut Unhurried).is_ok(),
        "a trial records nothing"
    );
    assert_eq!(ledger.durable().size, size);
    let status = served.status().await;
    assert!(!status.audit_problem.is_empty() && status.appends_refused.contains("audit"));
    let before = tape.text();
    tape.fail(false);
    served.until_refusing(false).await;
    served.adopt(OPERATOR).await.unwrap();
    ledger.append(commit(list(1, 5).split_off(3))).await.unwrap();
    assert!(served.status().await.audit_problem.is_empty());
    let lines = tape.lines();
    assert!(
        before.is_empty() && lines[0]["reason"] == "NOT_ENTITLED",
        "no line is lost: {lines:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_hangs_takes_no_lines_after_a_while() {
    let tape = Tape::default();
    let served = Served::on(&[&tape]);
    tape.shut(true);
    served.adopt(READER).await.unwrap_err();
    let waiting = tape.clone();
    tokio::task::spawn_blocking(move || waiting.wait_for_a_try()).await.unwrap();
    served.pass(TRAIL_STALL_MAX - Duration::from_secs(1));
    assert_eq!(served.trail.refusal(), None);
    served.pass(Duration::from_secs(1));
    let refused = served.record().await.unwrap_err();
    assert_eq!(reason(&refused), "AUDIT_FAILED");
    tape.shut(false);
    served.until_refusing(false).await;
    served.record().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_sink_of_two_is_enough_and_the_other_catches_up() {
    let (good, bad) = (Tape::default(), Tape::default());
    let served = Served::on(&[&bad, &good]);
    bad.fail(true);
    for _ in 0..3 {
        served.adopt(OPERATOR).await.unwrap();
    }
    served.record().await.unwrap();
    assert_eq!((good.lines().len(), bad.lines().len()), (3, 0));
    let failing = async {
        while served.trail.state().failing != 1 {
            sleep(Duration::from_millis(1)).await;
        }
    };
    in_time("the failure", failing).await;
    assert!(!served.status().await.audit_problem.is_empty(), "it is said");
    bad.fail(false);
    let caught_up = async {
        while bad.text() != good.text() || served.trail.state().failing > 0 {
            sleep(Duration::from_millis(1)).await;
        }
    };
    in_time("the other sink", caught_up).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_head_is_anchored_hourly_when_lines_were_added() {
    let tape = Tape::default();
    let served = Served::on(&[&tape]);
    let ledger = &served.governed.ledger;
    served.record().await.unwrap();
    served.adopt(OPERATOR).await.unwrap();
    let before = ledger.durable().size;
    served.pass(ANCHOR_INTERVAL - Duration::from_secs(1));
    assert_eq!(served.trail.due_anchor(), None);
    served.pass(Duration::from_secs(1));
    let mut durable = ledger.watch();
    in_time("the anchor", durable.wait_for(|durable| durable.size > before)).await.unwrap();
    let mut caller = served.governed.as_principal(OPERATOR);
    let get = pb::GetEventRequest { position: Some(before), raw: false };
    let event = caller.ledger.get_event(get).await.unwrap().into_inner().event.unwrap();
    let Some(Fact::AuditAnchored(anchored)) = event.event.unwrap().fact else {
        panic!("no anchor")
    };
    let last = tape.lines().pop().unwrap();
    assert_eq!(last["line"], anchored.lines);
    let digits: String = anchored.head.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(last["hash"], digits);
    let noted = async {
        while served.trail.state().anchored != anchored.lines {
            sleep(Duration::from_millis(1)).await;
        }
    };
    in_time("the note", noted).await;
    served.pass(ANCHOR_INTERVAL);
    assert_eq!(served.trail.due_anchor(), None, "an anchor causes no other one");
    assert_eq!(served.status().await.audit_anchored_lines, Some(anchored.lines));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_is_counted_and_observed() {
    let tape = Tape::default();
    let served = Served::on(&[&tape]);
    let metrics = Arc::clone(served.governed.ledger.metrics());
    for _ in 0..=DENIALS_WRITTEN_MAX {
        served.adopt(READER).await.unwrap_err();
    }
    served.settle().await;
    assert_eq!(metrics.audit_lines_total.get(), DENIALS_WRITTEN_MAX);
    assert_eq!(metrics.audit_denials_total.get(), DENIALS_WRITTEN_MAX + 1);
    assert_eq!(metrics.audit_denials_counted_total.get(), 1);
    tape.fail(true);
    served.pass(Duration::from_secs(60));
    served.trail.tick();
    served.until_refusing(true).await;
    served.pass(Duration::from_secs(2));
    assert!(metrics.audit_sink_failures_total.get() > 0);
    let dir = directory();
    let cursors = Arc::new(Cursors::open(dir.path()).unwrap());
    let hands = Arc::clone(&served.governed.hands);
    let observer = Observer::start(Arc::clone(&metrics), hands, |_| {}).unwrap();
    observer.serve(&served.governed.ledger, &cursors);
    observer.refresh().await;
    assert_eq!(metrics.audit_sinks_failing.get(), 1);
    assert_eq!(metrics.audit_unsynced_seconds.get(), Duration::from_secs(2));
    assert_eq!(metrics.audit_chain_lines.get(), DENIALS_WRITTEN_MAX + 1);
    assert_eq!(metrics.audit_unanchored_lines.get(), DENIALS_WRITTEN_MAX + 1);
    assert_eq!(metrics.appends_refused.with(["AUDIT_FAILED"]).get(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_policy_has_a_line() {
    let tape = Tape::default();
    let served = Served::on(&[&tape]);
    let access = &served.governed.access;
    access.adopt((*access.policy()).clone());
    let told = async {
        while !tape.text().contains("policy.apply") {
            sleep(Duration::from_millis(1)).await;
        }
    };
    in_time("the line", told).await;
    assert_eq!(tape.lines()[0]["target"], "generation 1");
}
