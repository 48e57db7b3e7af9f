//! Facts that the server states of itself, and what a refusal says of its source.

use tidu::{
    domain::{Principal, catalogue::Catalogue},
    protocol::event::proposal,
    register::rules::{Judge, Verdict},
};

use super::*;

/// The judgement of an event that the server itself records.
fn judged(book: &Book, event: pb::Event) -> Verdict {
    let catalogue: &Catalogue = book.ledger.catalogue();
    let proposed = proposal(catalogue, 0, event).unwrap();
    Judge::of(&Principal::SERVER).judge(&book.ledger.register(), catalogue, 0, &proposed.event)
}

fn adopted(sha256: Vec<u8>) -> pb::Event {
    let fact = pb::CatalogueAdopted { sha256: sha256.into(), version: "1".to_owned() };
    event("service", "", "2026-01-01", Fact::CatalogueAdopted(fact))
}

#[tokio::test]
async fn facts_of_the_server_are_not_stated_by_callers() {
    let book = Book::new();
    let rules = Fact::RulesAdopted(pb::RulesAdopted { version: 1 });
    let refused = book.refused_by(event("service", "", "2026-01-01", rules)).await;
    assert_eq!(refused, ["fact-of-service", "rules-in-force"]);
    let in_its_name = designated("service", A, GIANT, "1", "2019-06-05");
    assert_eq!(book.refused_by(in_its_name).await, ["fact-of-authority"]);
}

#[tokio::test]
async fn the_server_adopts_the_catalogue_that_is_in_use() {
    let book = Book::new();
    let in_use = book.ledger.catalogue().sha256;
    assert!(judged(&book, adopted(in_use.to_vec())).rejections.is_empty());
    let verdict = judged(&book, adopted(vec![7; 32]));
    assert_eq!(verdict.rejections.iter().map(named).collect::<Vec<_>>(), ["catalogue-not-in-use"]);
}

#[tokio::test]
async fn a_refusal_names_the_document_behind_its_rule() {
    let book = Book::new();
    book.say(giant(A, "4", "2022-09-01")).await;
    let ban = revoked(MINISTRY, A, GIANT, "2023-06-05", Some("2023-06-06"));
    let catalogue = book.ledger.catalogue();
    let programme = catalogue.programme(catalogue.find(GIANT).unwrap()).unwrap();
    let document = &programme.rule("", day("2023-06-05")).unwrap().1.document;
    let Err(AppendError::Rejected(faults)) = book.ledger.append(commit(vec![ban])).await else {
        panic!("a ban of a day is too short");
    };
    let fault = faults.iter().next().unwrap();
    let told = fault.breach.metadata().find(|(key, _)| *key == "document");
    assert_eq!(told, Some(("document", document.as_str())));
    assert!(!document.is_empty());
}
