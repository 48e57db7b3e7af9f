//! Authorities, programmes and regions by name, and the commands that list them.

use std::process::{Command, Output};

use tidu::{limits::FILTER_ODD_CODES_MAX, protocol::pb};

use crate::support::{Fresh, TIDU, done, list, little_giant, reason, refused};

fn tidu(fresh: &Fresh, args: &[&str]) -> Output {
    Command::new(TIDU).args(args).env("TIDU_SERVER", &fresh.server.address).output().unwrap()
}

#[tokio::test]
async fn a_name_is_as_good_as_a_code_wherever_one_is_taken() {
    let fresh = Fresh::start();
    let events = list(1, 12);
    let code = events[0].designee.clone();
    fresh.client().await.record(events).await.unwrap();
    let day = ["--as-of", "2024-06-01"];
    for (by_code, by_name) in [
        (&["list", "--authority", "440000"][..], &["list", "--authority", "广东"][..]),
        (&["list", "--programme", "specialised-sme"], &["list", "--programme", "专精特新中小企业"]),
        (&["list", "--region", "440000"], &["list", "--region", "Guangdong"]),
        (&["count", "--responsible", "440000"], &["count", "--responsible", "广东省"]),
        (&["count", "--recommended-by", "440000"], &["count", "--recommended-by", "GUANGDONG"]),
        (
            &["explain", &code, "specialised-sme", "--authority", "440000"],
            &["explain", &code, "专精特新中小企业", "--authority", "广东省工业和信息化厅"],
        ),
        (
            &["batches", "specialised-sme", "2024-1", "--authority", "440000"],
            &["batches", "专精特新中小企业", "2024-1", "--authority", "广东"],
        ),
        (&["measures", "--authority", "660000"], &["measures", "--authority", "新疆兵团"]),
        (&["pools", "--authority", "440000"], &["pools", "--authority", "广东"]),
        (&["assessments", "--region", "440300"], &["assessments", "--region", "深圳"]),
    ] {
        let with_day = |args: &[&str]| done(&tidu(&fresh, &[args, &day[..]].concat()));
        assert_eq!(with_day(by_code), with_day(by_name), "{by_name:?}");
    }
    let events = |args: &[&str]| done(&tidu(&fresh, &[&["events"], args].concat()));
    let by_name =
        events(&["--authority", "广东", "--region", "广东", "--programme", "专精特新中小企业"]);
    assert_eq!(by_name.lines().count(), 12);
}

#[tokio::test]
async fn a_wrong_name_is_refused_with_those_that_it_may_mean() {
    let fresh = Fresh::start();
    let no = |args: &[&str], what: &[&str], code| {
        let output = tidu(&fresh, args);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {output:?}");
        refused(&output, what);
    };
    no(&["list", "--authority", "广冬省"], &["did you mean 440000"], 2);
    no(&["list", "--authority", "工业和信息化局"], &["210200", "660000", "tidu authorities"], 2);
    no(&["list", "--region", "Atlantis"], &["is not a region", "tidu regions"], 2);
    no(&["list", "--programme", "专精特新"], &["little-giant", "specialised-sme"], 2);
    no(&["list", "--programme", "litle-giant"], &["PROGRAMME_UNKNOWN", "mean little-giant"], 3);
    no(&["events", "--programme", "platform"], &["PROGRAMME_UNKNOWN", "national-platform"], 3);
    no(&["list", "--authority", "440001"], &["AUTHORITY_UNKNOWN"], 3);
    // The text comes back as it can be shown.
    let output = tidu(&fresh, &["list", "--authority", "\u{1b}[31m广"]);
    assert!(!output.stderr.contains(&0x1b), "{output:?}");
}

#[tokio::test]
async fn authorities_programmes_and_regions_are_listed() {
    let fresh = Fresh::start();
    let of = |args: &[&str]| done(&tidu(&fresh, args));
    let all = of(&["authorities"]);
    assert!(
        all.contains("38 of 38 authorities") && all.contains("city of provincial level"),
        "{all}"
    );
    let one = of(&["authorities", "深圳"]);
    assert!(one.contains("1 of 38") && one.contains("not under 440000"), "{one}");
    let programmes = of(&["programmes"]);
    for said in ["11 of 11 programmes", "from 2026-04-01", "工信部企业〔2022〕63号", "log size 0"]
    {
        assert!(programmes.contains(said), "{said}: {programmes}");
    }
    let one = of(&["programmes", "小巨人", "-o", "json"]);
    let programme: serde_json::Value = serde_json::from_str(&one).unwrap();
    assert_eq!(programme["id"], "little-giant");
    let regions = of(&["regions"]);
    assert!(regions.contains("39 of 39 regions") && !regions.contains("660000"), "{regions}");
    let one: serde_json::Value =
        serde_json::from_str(&of(&["regions", "cn-xj", "-o", "json"])).unwrap();
    assert_eq!((&one["code"], &one["authority"]), (&"650000".into(), &"650000".into()));
    assert!(of(&["regions", "Atlantis"]).contains("0 of 39 regions"));
}

#[tokio::test]
async fn every_answer_of_a_day_says_which_log_size_it_became() {
    let fresh = Fresh::start();
    let events = list(1, 3);
    let code = events[0].designee.clone();
    fresh.client().await.record(events).await.unwrap();
    for args in [
        &["batches"][..],
        &["batches", "specialised-sme", "2024-1", "--authority", "440000"],
        &["measures"],
        &["pools"],
        &["assessments"],
        &["list"],
        &["list", "designees"],
        &["count"],
        &["show", &code],
        &["explain", &code, "specialised-sme"],
        &["programmes"],
        &["find", "公司"],
        &["suspects"],
    ] {
        let answer = done(&tidu(&fresh, &[args, &["--known-at", "3"]].concat()));
        assert!(answer.contains("as known at log size 3"), "{args:?}: {answer}");
    }
}

#[tokio::test]
async fn an_odd_code_is_found_under_its_local_identifier() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let odd = "914403001922038217";
    let of = |authority: &str| little_giant(&format!("local:{authority}/{odd}"), "1", "2019-06-05");
    refused(&tidu(&fresh, &["show", odd]), &["USCC_CHECK_CHARACTER", "local:<authority>/<code>"]);
    client.record(vec![of("440300")]).await.unwrap();
    for written in [odd, "91440300-1922038217"] {
        let shown = done(&tidu(&fresh, &["show", written]));
        assert!(shown.contains("local:440300/914403001922038217"), "{shown}");
    }
    let explained = done(&tidu(&fresh, &["explain", odd, "little-giant"]));
    assert!(explained.contains("local:440300/914403001922038217"), "{explained}");
    let events = done(&tidu(&fresh, &["events", "--designee", odd]));
    assert_eq!(events.lines().count(), 1, "{events}");
    client.record(vec![of("440000")]).await.unwrap();
    let several = tidu(&fresh, &["show", odd]);
    refused(&several, &["NAME_AMBIGUOUS", "local:440300/", "local:440000/"]);
    let events = done(&tidu(&fresh, &["events", "--designee", odd]));
    assert_eq!(events.lines().count(), 2, "{events}");
}

#[tokio::test]
async fn a_filter_takes_some_codes_with_a_wrong_check_character() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let count = |codes: usize| {
        let designees = vec!["914403001922038217".to_owned(); codes];
        let filter = Some(pb::EventFilter { designees, ..Default::default() });
        pb::ListEventsRequest { filter, ..Default::default() }
    };
    let (most, more) = (count(FILTER_ODD_CODES_MAX), count(FILTER_ODD_CODES_MAX + 1));
    client.ledger.list_events(most).await.unwrap();
    let refused = client.ledger.list_events(more).await.unwrap_err();
    assert_eq!(reason(&refused), "LIMIT_EXCEEDED");
    assert!(refused.message().contains("filter.designees"), "{refused:?}");
}
