//! Every fact from a command: corrections, annulments, seals, and lists recorded again.

use std::process::{Command, Output, Stdio};

use tidu::protocol::pb::{self, event::Fact};

use crate::support::{Fresh, TIDU, done, list, little_giant, made_up, refused};

fn tidu(fresh: &Fresh, args: &[&str]) -> Output {
    let mut command = Command::new(TIDU);
    command.args(args).env("TIDU_SERVER", &fresh.server.address).stdin(Stdio::null());
    command.output().unwrap()
}

/// A command ended with this exit code, and said each of these.
fn ends(output: &Output, code: i32, what: &[&str]) {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    refused(output, what);
}

async fn size(fresh: &Fresh) -> u64 {
    fresh.client().await.status().await.log_size
}

async fn fact_at(fresh: &Fresh, position: u64) -> (pb::Event, Fact) {
    let request = pb::GetEventRequest { position: Some(position), raw: false };
    let found = fresh.client().await.ledger.get_event(request).await.unwrap().into_inner();
    let event = found.event.unwrap().event.unwrap();
    (event.clone(), event.fact.unwrap())
}

/// Four designations by Guangdong, at positions 0 to 3.
async fn recorded() -> Fresh {
    let fresh = Fresh::start();
    fresh.client().await.record(list(1, 4)).await.unwrap();
    fresh
}

const WHY: [&str; 3] = ["--reason", "wrong year in the list", "--yes"];

#[tokio::test]
async fn a_correction_shows_both_sides_and_is_recorded_once() {
    let fresh = recorded().await;
    let set = ["correct", "1", "--set", "valid_to=2025-06-30", "--set", "profile.name=甲公司"];
    let unconfirmed = tidu(&fresh, &[&set[..], &WHY[..2]].concat());
    ends(&unconfirmed, 3, &["nothing was recorded", "--yes"]);
    let shown = String::from_utf8(unconfirmed.stdout).unwrap();
    for said in ["2026-12-31 (inferred)", "2025-06-30", "甲公司", "1 title would change", "active"]
    {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    assert_eq!(size(&fresh).await, 4);
    let with = ["--document", "粤工信〔2024〕9号", "--document-date", "2024-09-01"];
    let first = done(&tidu(&fresh, &[&set[..], &WHY, &with].concat()));
    assert!(first.contains("recorded at position 4"), "{first}");
    let (event, fact) = fact_at(&fresh, 4).await;
    assert_eq!(
        (event.authority.as_str(), event.evidence.unwrap().document_number.as_str()),
        ("440000", "粤工信〔2024〕9号")
    );
    assert_eq!(event.effective_date, Some(pb::Date { year: 2024, month: 9, day: 1 }));
    let Fact::Corrected(corrected) = fact else { panic!("{fact:?}") };
    let Some(Fact::Designated(now)) = corrected.replacement.unwrap().fact else { panic!() };
    assert_eq!((now.valid_to.unwrap().year, now.valid_to_inferred), (2025, false));
    let again = done(&tidu(&fresh, &[&set[..], &WHY].concat()));
    assert!(again.contains("recorded at position 4 before; nothing was added"), "{again}");
    // The corrected fact is the one that the next correction begins with.
    let more = ["correct", "1", "--set", "valid_to=2025-07-31"];
    assert!(done(&tidu(&fresh, &[&more[..], &WHY].concat())).contains("甲公司"));
    let other = ["correct", "1", "--set", "valid_to=2025-07-31", "--reason", "other", "--yes"];
    ends(&tidu(&fresh, &other), 3, &["says so already"]);
    assert_eq!(size(&fresh).await, 6);
}

#[tokio::test]
async fn a_correction_for_another_designee_is_inferred_anew() {
    let fresh = recorded().await;
    let other = made_up(9, 1)[0].uscc.to_string();
    let args = ["correct", "0", "--designee", &other, "--set", "effective_date=2024-03-01"];
    let shown = done(&tidu(&fresh, &[&args[..], &WHY].concat()));
    assert!(shown.contains("(from the catalogue)"), "{shown}");
    let (_, fact) = fact_at(&fresh, 4).await;
    let Fact::Corrected(corrected) = fact else { panic!("{fact:?}") };
    let replacement = corrected.replacement.unwrap();
    assert_eq!((&replacement.designee, replacement.rule_version.as_str()), (&other, "2022"));
    let Some(Fact::Designated(now)) = replacement.fact else { panic!() };
    let valid_to = now.valid_to.unwrap();
    assert_eq!((valid_to.year, valid_to.month, valid_to.day), (2027, 2, 28));
    assert!(now.valid_to_inferred);
}

#[tokio::test]
async fn what_cannot_be_corrected_is_refused_with_the_right_names() {
    let fresh = recorded().await;
    let no = |args: &[&str], code, what: &[&str]| {
        ends(&tidu(&fresh, &[&["correct"], args, &WHY].concat()), code, what);
    };
    no(&["0", "--set", "valid_too=2025-01-01"], 3, &["did you mean valid_to?", "effective_date"]);
    no(&["0", "--set", "profile.nam=x"], 3, &["did you mean name"]);
    no(&["0", "--set", "profile=x"], 3, &["fields of its own", "registered_region"]);
    no(&["0", "--set", "profile.kind=firm"], 3, &["they are enterprise"]);
    no(&["0", "--set", "valid_to=2025-13-01"], 3, &["--set valid_to=2025-13-01"]);
    no(&["0", "--set", "valid_to=2025-01-01", "--set", "valid_to=2026-01-01"], 3, &["set twice"]);
    no(&["0", "--set", "valid_to_inferred=true"], 3, &["the server sets"]);
    no(&["0", "--set", "supplement=maybe"], 3, &["neither true nor false"]);
    no(&["0", "--set", "revoked.ground=other"], 3, &["states designated, not revoked"]);
    no(&["0", "--set", "recommended_by=广州"], 3, &["is not an authority"]);
    no(&["0", "--set", "valid_to"], 2, &["FIELD=VALUE"]);
    no(&["0"], 2, &["--set"]);
    no(&["4", "--set", "item=x"], 3, &["no event has position 4"]);
    let rejected =
        tidu(&fresh, &[&["correct", "0", "--set", "valid_to=2020-01-01"], &WHY[..]].concat());
    ends(&rejected, 3, &["nothing was recorded: 1 rejection"]);
    assert!(String::from_utf8(rejected.stdout).unwrap().contains("DATE_ORDER"));
    let foreign = ["0", "--set", "batch=2", "--as", "浙江"];
    no(&foreign, 3, &["nothing was recorded"]);
    done(&tidu(&fresh, &[&["annul", "0"], &WHY[..]].concat()));
    no(&["0", "--set", "batch=2"], 3, &["was annulled at position 4"]);
    no(&["4", "--set", "batch=2"], 3, &["is an annulment"]);
    assert_eq!(size(&fresh).await, 5);
}

#[tokio::test]
async fn an_annulment_takes_an_event_out_and_a_repeat_adds_nothing() {
    let fresh = recorded().await;
    let unconfirmed = tidu(&fresh, &["annul", "2", "--reason", "not on the list"]);
    ends(&unconfirmed, 3, &["nothing was recorded", "--yes"]);
    let shown = String::from_utf8(unconfirmed.stdout).unwrap();
    assert!(
        shown.contains("to annul: 1 event") && shown.contains("1 title would change"),
        "{shown}"
    );
    let annul = |reason: &str| tidu(&fresh, &["annul", "2", "--reason", reason, "--yes"]);
    assert!(done(&annul("not on the list")).contains("recorded at position 4"));
    assert!(done(&annul("not on the list")).contains("at position 4 before; nothing was"));
    ends(&annul("another"), 3, &["was annulled at position 4: not on the list"]);
    // An annulled annulment gives the event back, and its repeat does not count.
    done(&tidu(&fresh, &["annul", "4", "--reason", "it was", "--yes"]));
    ends(&annul("not on the list"), 3, &["at position 4 was annulled since", "--again"]);
    let again = ["annul", "2", "--reason", "not on the list", "--yes", "--again"];
    assert!(done(&tidu(&fresh, &again)).contains("recorded at position 6"));
    assert!(done(&tidu(&fresh, &again)).contains("at position 6 before; nothing was"));
    ends(&tidu(&fresh, &["annul", "99", "--reason", "x", "--yes"]), 3, &["POSITION_BEYOND_LOG"]);
    ends(&tidu(&fresh, &["annul", "--reason", "x", "--yes"]), 2, &["<POSITION>"]);
    ends(&tidu(&fresh, &["annul", "1", "--commit", "1", "--reason", "x"]), 2, &["cannot be used"]);
    assert_eq!(size(&fresh).await, 7);
}

#[tokio::test]
async fn a_commit_is_annulled_but_for_what_was_before() {
    let fresh = recorded().await;
    fresh.client().await.record(list(2, 2)).await.unwrap();
    done(&tidu(&fresh, &[&["annul", "1"], &WHY[..]].concat()));
    let said = done(&tidu(&fresh, &[&["annul", "--commit", "2"], &WHY[..]].concat()));
    assert!(said.contains("to annul: 3 events; 1 of the commit were annulled before"), "{said}");
    assert!(said.contains("recorded at positions 7 to 9"), "{said}");
    let (event, _) = fact_at(&fresh, 7).await;
    let request = pb::GetEventRequest { position: Some(9), raw: false };
    let last = fresh.client().await.ledger.get_event(request).await.unwrap().into_inner();
    assert_eq!(last.event.unwrap().commit.unwrap().size, 3, "one commit: {event:?}");
    let left = done(&tidu(&fresh, &["count", "--as-of", "2024-06-01"]));
    assert!(left.contains("2 titles"), "the other commit is untouched: {left}");
    let again = done(&tidu(&fresh, &[&["annul", "--commit", "0"], &WHY[..]].concat()));
    assert!(again.contains("nothing was added"), "{again}");
}

#[tokio::test]
async fn a_seal_takes_its_counts_from_the_document() {
    let fresh = recorded().await;
    let seal = |more: &[&str]| {
        let args = ["seal", "专精特新中小企业", "2024-1", "--effective-date", "2024-02-01"];
        tidu(&fresh, &[&args[..], more].concat())
    };
    ends(&seal(&["--as", "广东"]), 2, &["--designated"]);
    ends(&seal(&["--designated", "4"]), 3, &["several authorities", "--as"]);
    let wrong = seal(&["--as", "广东", "--designated", "5"]);
    ends(&wrong, 3, &["nothing was recorded"]);
    let table = String::from_utf8(wrong.stdout).unwrap();
    assert!(table.contains("COUNT") && table.contains('5') && table.contains('4'), "{table}");
    let right = ["--as", "广东", "--designated", "4", "--reviewed", "0"];
    let trial = done(&seal(&[&right[..], &["--dry-run"]].concat()));
    assert!(trial.contains("nothing was recorded"), "{trial}");
    assert_eq!(size(&fresh).await, 4);
    assert!(done(&seal(&right)).contains("recorded at position 4"));
    assert!(done(&seal(&right)).contains("recorded at position 4 before; nothing was added"));
    done(&tidu(&fresh, &[&["annul", "4"], &WHY[..]].concat()));
    ends(&seal(&right), 3, &["was annulled since", "--again"]);
    assert!(done(&seal(&[&right[..], &["--again"]].concat())).contains("recorded at position 6"));
    // The ministry is meant where it alone decides.
    let id = made_up(9, 1)[0].uscc.to_string();
    fresh.client().await.record(vec![little_giant(&id, "6", "2024-07-01")]).await.unwrap();
    let args = ["seal", "小巨人", "6", "--designated", "1", "--effective-date", "2024-07-02"];
    done(&tidu(&fresh, &args));
    assert_eq!(fact_at(&fresh, 8).await.0.authority, "100000");
    let args = ["seal", "litle-giant", "6", "--designated", "1"];
    ends(&tidu(&fresh, &args), 3, &["did you mean little-giant"]);
}

#[tokio::test]
async fn an_annulled_list_is_recorded_again_only_on_request() {
    let fresh = Fresh::start();
    let path = fresh.dir.path().join("list.csv");
    let file = path.to_str().unwrap();
    done(&tidu(&fresh, &["generate", "--rows", "3", "--to", file]));
    let record = |more: &[&str]| {
        let options =
            ["--authority", "广东", "--programme", "专精特新中小企业", "--batch", "2026-1"];
        let args = [&["record", file, "--date", "2026-03-01"], &options[..], more].concat();
        tidu(&fresh, &args)
    };
    done(&record(&[]));
    assert!(done(&record(&["--again"])).contains("recorded before"), "nothing is annulled");
    done(&tidu(&fresh, &[&["annul", "--commit", "0"], &WHY[..]].concat()));
    let repeat = record(&[]);
    ends(&repeat, 3, &["nothing was recorded", "3 events were annulled since", "--again"]);
    assert_eq!(size(&fresh).await, 6);
    assert!(done(&record(&["--again"])).contains("3 rows recorded at positions 6 to 8"));
    let twice = done(&record(&["--again"]));
    assert!(twice.contains("had been recorded before, at positions 6 to 8"), "{twice}");
    ends(&record(&["--again", "--dry-run"]), 2, &["cannot be used with"]);
    let check = ["check", file, "--again", "--authority", "440000"];
    ends(&tidu(&fresh, &check), 3, &["check records nothing"]);
    assert_eq!(size(&fresh).await, 9);
}
