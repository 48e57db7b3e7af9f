//! Request ids belong to the principal that records with them.

use std::sync::Arc;

use bytes::Bytes;
use tidu::{
    domain::Principal,
    ledger::{AppendError, Commit, Unhurried},
    log::{CommitLog as _, SledLog},
};
use uuid::Uuid;

use crate::support::{
    MemoryLog, commit, designated, directory, history, made_up, open,
    redacted::{annulment, redact},
};

/// A commit of one firm, recorded by somebody under an id.
fn asked(by: &str, id: &'static str, seed: u64) -> Commit {
    let digest = [u8::try_from(seed).unwrap(); 32];
    Commit {
        recorded_by: Principal::named(by).unwrap(),
        request: Some((Bytes::from_static(id.as_bytes()), digest)),
        ..commit(vec![designated(&made_up(seed, 1)[0])])
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_request_id_of_another_principal_is_as_unused() {
    let log = MemoryLog::default();
    let ledger = open(Arc::new(log.clone()), Arc::default(), Arc::default());
    let first = ledger.append(asked("one", "id", 1)).await.unwrap();
    // The same id, at once and from the log, in a trial and for good.
    let tried = ledger.trial(&asked("other", "id", 2), &mut Unhurried).unwrap().unwrap();
    assert!(!tried.replayed && tried.first == 1);
    let second = ledger.append(asked("other", "id", 2)).await.unwrap();
    assert!(!second.replayed && second.first == 1);
    let mut reopened = None;
    for round in 0..2 {
        let ledger = reopened.as_ref().unwrap_or(&ledger);
        for (by, seed, receipt) in [("one", 1, &first), ("other", 2, &second)] {
            let again = ledger.append(asked(by, "id", seed)).await.unwrap();
            assert!(again.replayed, "{by}, round {round}");
            assert_eq!((again.first, again.next), (receipt.first, receipt.next));
            let tried = ledger.trial(&asked(by, "id", seed), &mut Unhurried).unwrap().unwrap();
            assert!(tried.replayed && tried.first == receipt.first);
            // One's own id with other content is refused, and tells one's own position.
            let reused = ledger.append(asked(by, "id", 3)).await.unwrap_err();
            let at = receipt.first;
            assert!(
                matches!(reused, AppendError::RequestReused { first, .. } if first == at),
                "{reused}"
            );
        }
        assert_eq!(log.size(), 2);
        reopened = Some(open(Arc::new(log.reopen()), Arc::default(), Arc::default()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_place_answers_a_repeat_of_its_own_content() {
    let dir = directory();
    let data = dir.path().join("data");
    let open = || history::ledger(Arc::new(SledLog::open(&data, Uuid::nil()).unwrap())).unwrap();
    let by = |name| Principal::named(name).unwrap();
    let ledger = open();
    ledger.append(asked("one", "id", 1)).await.unwrap();
    let annulled = Commit { recorded_by: by("one"), ..commit(vec![annulment(0)]) };
    ledger.append(annulled).await.unwrap();
    assert!(ledger.close());
    drop(ledger);
    redact(&data, 0);
    let ledger = open();
    for name in ["one", "other"] {
        let again = ledger.append(asked(name, "id", 1)).await.unwrap();
        assert!(again.replayed && again.first == 0, "{name}: the very content");
    }
    // Without an identity, the id counts as one's own.
    let anonymous = Commit { recorded_by: Principal::ANONYMOUS, ..asked("one", "id", 2) };
    let reused = ledger.append(anonymous).await.unwrap_err();
    assert!(matches!(reused, AppendError::RequestReused { first: 0, .. }), "{reused}");
    let other = ledger.append(asked("other", "id", 2)).await.unwrap();
    assert!(!other.replayed && other.first == 2, "another's id is as unused");
    assert!(ledger.append(asked("other", "id", 2)).await.unwrap().replayed);
    assert!(ledger.close());
}
