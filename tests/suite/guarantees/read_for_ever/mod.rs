//! What the log has accepted is read for ever. Callers are refused each event of `cases.rs`; in a
//! log it is read, verified and answered about. A new refusal gets a case there.

mod cases;
mod growth;
mod logs;
mod measures;
mod mutations;
mod orders;
mod personal;
mod sealed;

use std::{collections::BTreeSet, process::Command, sync::Arc};

use tidu::{
    archive::redaction::Redaction,
    catalogue_files::CatalogueFiles,
    domain::{Principal, catalogue::Catalogue},
    ledger::{AppendError, Commit, Ledger},
    log::{CommitLog, LogError, SledLog},
    protocol::{
        event::{self, Unreadable},
        pb::{self, event::Fact},
    },
};
use uuid::Uuid;

use self::{
    cases::{Case, refused, unreadable},
    logs::{ask_everything, field, rebuild, stored},
};
use crate::support::{
    Book, MemoryLog, Server, TIDU, annulled, commit, directory, encoded, open, reason, record,
};

/// The reason for which a ledger refuses a caller's event.
async fn refusal(ledger: &Ledger, event: pb::Event) -> String {
    if let Err(faults) = event::proposal(&Catalogue::built_in(), 0, event.clone()) {
        return format!("{:?}", faults[0].reason());
    }
    match ledger.append(commit(vec![event])).await {
        Err(AppendError::Rejected(faults)) => format!("{:?}", faults[0].reason()),
        other => format!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_caller_is_refused_each_event_that_a_log_is_read_with() {
    let mut wrong = Vec::new();
    for Case { what, reason, history, event } in refused() {
        let log = MemoryLog::default();
        record(&log, &encoded(&history));
        let ledger = open(Arc::new(log), Arc::default(), Arc::default());
        let found = refusal(&ledger, event.clone()).await;
        if found != reason {
            wrong.push(format!("{what}: {found}, {reason} was expected"));
        }
        let events: Vec<_> = history.into_iter().chain([event]).collect();
        let log = MemoryLog::default();
        record(&log, &encoded(&events));
        if let Err(error) = rebuild(&log) {
            wrong.push(format!("{what}: {error}"));
            continue;
        }
        let ledger = open(Arc::new(log), Arc::default(), Arc::default());
        let mut verification = ledger.verification(0).unwrap();
        while let Some(verified) = verification.step(1 << 20).unwrap() {
            assert!(verified.position <= events.len() as u64, "{what}");
        }
        ask_everything(&ledger.register());
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn the_server_starts_on_all_of_them_and_gives_each_back() {
    let dir = directory();
    let data = dir.path().join("data");
    let events: Vec<_> = refused().into_iter().map(|case| case.event).collect();
    let log = SledLog::open(&data, Uuid::from_u128(7)).unwrap();
    record(&log, &encoded(&events));
    drop(log);
    let server = Server::start(&data);
    let mut client = server.client().await;
    for (position, event) in (0_u64..).zip(&events) {
        let request = pb::GetEventRequest { position: Some(position), raw: false };
        let answer = client.ledger.get_event(request).await.unwrap().into_inner();
        assert_eq!(answer.event.unwrap().event.as_ref(), Some(event), "{position}");
    }
    let listed: BTreeSet<String> = events.iter().map(|event| event.designee.clone()).collect();
    for designee in listed.into_iter().filter(|designee| !designee.is_empty()) {
        let request = pb::GetDesigneeRequest { designee, ..Default::default() };
        if let Err(status) = client.register.get_designee(request).await {
            // The caller of this question is held to the form of an identifier.
            assert_ne!(reason(&status), "INTERNAL", "{status:?}");
        }
    }
    let titles = pb::ListTitlesRequest::default();
    client.register.list_titles(titles).await.unwrap();
    drop(server);
    let verified = Command::new(TIDU).arg("verify").arg(&data).output().unwrap();
    assert!(verified.status.success(), "{verified:?}");
}

/// An early version let the ministry annul an adoption, which counts all the same.
#[test]
fn an_annulled_adoption_is_not_redacted() {
    let dir = directory();
    let adoption = cases::frame("100000", cases::adopted());
    let log = SledLog::open(dir.path(), Uuid::from_u128(7)).unwrap();
    record(&log, &encoded(&[adoption, annulled(0)]));
    drop(log);
    let files = CatalogueFiles::built_in();
    let prepared = Redaction::prepare(files, dir.path(), 0, "by mistake", &[]);
    let refused = prepared.map(drop).unwrap_err().to_string();
    assert!(refused.contains("event 0 is a fact of the service"), "{refused}");
}

#[tokio::test]
async fn a_stored_event_without_a_needed_value_names_it() {
    for (field, event) in unreadable() {
        match stored(&event) {
            Err(Unreadable::Damaged(detail)) => {
                assert!(detail.contains(field), "{field}: {detail}");
            }
            other => panic!("{field}: {other:?}"),
        }
        let log = MemoryLog::default();
        record(&log, &encoded(&[event]));
        let error = rebuild(&log).unwrap_err();
        assert!(matches!(error, LogError::Damaged { position: 0, .. }), "{field}: {error}");
    }
}

#[tokio::test]
async fn a_fact_of_a_newer_version_is_not_called_damage() {
    let known = cases::little_giant();
    for number in [39, 64, 112, 113, 1_000] {
        let newer = pb::Event { fact: None, ..known.clone() };
        let body = field(encoded(&[newer])[0].to_vec(), number, b"\x0a\x01a");
        let log = MemoryLog::default();
        record(&log, &[encoded(std::slice::from_ref(&known))[0].clone(), body.into()]);
        let error = rebuild(&log).unwrap_err();
        let is_newer =
            matches!(error, LogError::NewerFact { position: 1, number: n } if n == number);
        assert!(is_newer, "{error}");
        assert!(error.to_string().contains("newer version"), "{error}");
    }
}

#[tokio::test]
async fn facts_of_the_service_are_found_by_kind_and_by_no_authority() {
    let book = Book::new();
    let fact = Fact::AuditAnchored(pb::AuditAnchored { head: vec![7; 32].into(), lines: 12 });
    let own = || commit(vec![cases::frame("service", fact.clone())]);
    book.ledger.append(own()).await.unwrap_err();
    let by_server = Commit { recorded_by: Principal::SERVER, ..own() };
    let receipt = book.ledger.append(by_server).await.unwrap();
    book.record(vec![cases::little_giant()]).await.unwrap();
    let register = book.ledger.register();
    let matching = |interest| register.matching(&interest, 0, register.size(), usize::MAX).0;
    let of_kind = logs::of_kind("audit_anchored");
    assert_eq!(matching(of_kind), [receipt.first]);
    for interest in logs::of_each_authority() {
        assert!(!matching(interest).contains(&receipt.first));
    }
    assert_eq!(book.log.size(), 2);
}
