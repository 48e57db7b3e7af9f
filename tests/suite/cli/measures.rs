//! `tidu measures` and `tidu bodies`: who issued which instruments, and who has none.

use std::process::{Command, Output};

use tidu::{
    domain::{AuthorityCode, BodyCode},
    protocol::pb::{self, event::Fact},
};

use crate::support::{Fresh, TIDU, done, event, refused};

fn tidu(fresh: &Fresh, args: &[&str]) -> Output {
    Command::new(TIDU).args(args).env("TIDU_SERVER", &fresh.server.address).output().unwrap()
}

/// A server with a regulation, a joint guideline and the measures of Guangdong.
async fn recorded() -> Fresh {
    let fresh = Fresh::start();
    let issued = |authority: &str, instrument: pb::Instrument, title: &str, bodies: &[&str]| {
        let fact = pb::MeasuresIssued {
            instrument: instrument.into(),
            title: title.to_owned(),
            issuing_bodies: bodies.iter().map(|body| (*body).to_owned()).collect(),
            amends: "国务院令第728号".to_owned(),
            ..Default::default()
        };
        event(authority, "", "2020-09-01", Fact::MeasuresIssued(fact))
    };
    let events = vec![
        issued("100000", pb::Instrument::Regulation, "示例条例", &["state-council"]),
        issued("100000", pb::Instrument::Guideline, "示例意见", &["miit", "mof"]),
        issued("440000", pb::Instrument::Measures, "示例办法", &[]),
    ];
    fresh.client().await.record(events).await.unwrap();
    fresh
}

#[tokio::test]
async fn instruments_are_listed_by_kind_and_by_a_body_of_any_name() {
    let fresh = recorded().await;
    let of = |args: &[&str]| done(&tidu(&fresh, &[&["measures"], args].concat()));
    let all = of(&[]);
    assert!(all.contains("3 instruments in force, of 1 provincial-level"), "{all}");
    assert!(all.contains("miit mof") && all.contains("国务院令第728号"), "{all}");
    for name in ["mof", "MOF", "财政部", "Ministry of Finance"] {
        let listed = of(&["--body", name]);
        assert!(listed.contains("示例意见") && listed.contains("1 instruments"), "{listed}");
    }
    let either = of(&["--instrument", "law", "--instrument", "regulation"]);
    assert!(either.contains("示例条例") && !either.contains("示例意见"), "{either}");
    let both = of(&["--instrument", "guideline", "--body", "国务院"]);
    assert!(both.contains("0 instruments"), "{both}");
    let json = of(&["--body", "mof", "-o", "json"]);
    let measure: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(measure["issuingBodies"], serde_json::json!(["miit", "mof"]));
    refused(&tidu(&fresh, &["measures", "--body", "示例部"]), &["示例部", "tidu bodies"]);
    refused(&tidu(&fresh, &["measures", "--instrument", "rule"]), &["regulation"]);
}

#[tokio::test]
async fn authorities_without_measures_are_listed() {
    let fresh = recorded().await;
    let args = ["measures", "--instrument", "measures", "--without"];
    let listed = done(&tidu(&fresh, &args));
    let said = "36 provincial-level authorities have no such instruments in force, 1 have";
    assert!(listed.contains(said), "{listed}");
    let shenzhen = AuthorityCode::parse("440300").unwrap().info().name_en;
    assert!(listed.contains("440300") && listed.contains(shenzhen), "{listed}");
    assert!(!listed.contains("440000") && !listed.contains("100000"), "{listed}");
    let json = done(&tidu(&fresh, &[&args[..], &["-o", "json"]].concat()));
    assert_eq!(json.lines().count(), 36);
}

#[tokio::test]
async fn bodies_are_listed_with_names_dates_and_successors() {
    let fresh = Fresh::start();
    let listed = done(&tidu(&fresh, &["bodies"]));
    assert!(listed.contains(&format!("{} bodies", BodyCode::all().count())), "{listed}");
    let banking = listed.lines().find(|line| line.contains("cbirc ")).unwrap();
    for said in ["银保监会", "2018-03", "2023-05", "nfra"] {
        assert!(banking.contains(said), "{said}: {banking}");
    }
    let json = done(&tidu(&fresh, &["bodies", "-o", "json"]));
    assert_eq!(json.lines().count(), BodyCode::all().count());
}
