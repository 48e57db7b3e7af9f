//! Texts that callers state: a reader sees every character of them.

use tidu::{
    domain::{Name, characters::is_hidden},
    protocol::pb::{self, event::Fact},
};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::support::{A, Client, Fresh, annulled, event, little_giant, made_up, ministry, reason};

/// Characters that steer a screen or show nothing, at least two of each kind.
#[rustfmt::skip]
const UNSEEN: [char; 40] = [
    // Controls and line breaks.
    '\u{7}', '\u{1B}', '\n', '\r', '\t', '\u{7F}', '\u{85}', '\u{9B}', '\u{2028}', '\u{2029}',
    // Marks of direction.
    '\u{61C}', '\u{200E}', '\u{200F}', '\u{202A}', '\u{202E}', '\u{2066}', '\u{2069}',
    // Without a glyph: fillers, joiners, selectors, tags, annotations, music.
    '\u{AD}', '\u{34F}', '\u{115F}', '\u{1160}', '\u{17B4}', '\u{180B}', '\u{180E}', '\u{200B}',
    '\u{200C}', '\u{200D}', '\u{2060}', '\u{2800}', '\u{3164}', '\u{FE0F}', '\u{FEFF}', '\u{FFA0}',
    '\u{FFF9}', '\u{FFFB}', '\u{1D159}', '\u{1D173}', '\u{E0041}', '\u{E0100}', '\u{E01EF}',
];

type Field = (&'static str, fn(&str) -> pb::Event);

fn giant(alter: impl FnOnce(&mut pb::Event, &mut pb::Designated)) -> pb::Event {
    let mut event = little_giant(A, "1", "2019-06-05");
    let Some(Fact::Designated(mut fact)) = event.fact.take() else { unreachable!() };
    alter(&mut event, &mut fact);
    event.fact = Some(Fact::Designated(fact));
    event
}

fn frame(fact: Fact) -> pb::Event {
    event("100000", "", "2024-01-01", fact)
}

fn measures(alter: impl FnOnce(&mut pb::MeasuresIssued)) -> pb::Event {
    let mut fact = pb::MeasuresIssued {
        instrument: pb::Instrument::Measures.into(),
        title: "示例管理办法".to_owned(),
        ..Default::default()
    };
    alter(&mut fact);
    frame(Fact::MeasuresIssued(fact))
}

fn assessed(assessor: &str, name: &str, unit: &str) -> pb::Event {
    let (name, unit) = (name.to_owned(), unit.to_owned());
    frame(Fact::EnvironmentAssessed(pb::EnvironmentAssessed {
        region: "440100".to_owned(),
        year: 2023,
        assessor: assessor.to_owned(),
        indicators: vec![pb::Indicator { name, value: "1".to_owned(), unit }],
    }))
}

/// Texts that are kept as they are stated, each with an event that has one.
const FREE: [Field; 13] = [
    ("designated.profile.name", |text| {
        giant(|_, fact| fact.profile.get_or_insert_default().name = text.to_owned())
    }),
    ("designated.profile.name_en", |text| {
        giant(|_, fact| fact.profile.get_or_insert_default().name_en = text.to_owned())
    }),
    ("designated.item", |text| giant(|_, fact| fact.item = text.to_owned())),
    ("designee", |text| giant(|event, _| event.designee = format!("provisional:440000/{text}"))),
    ("evidence.document_number", |text| {
        giant(|event, _| {
            event.evidence.get_or_insert_default().document_number = format!("{text}〔2019〕1号");
        })
    }),
    ("evidence.url", |text| {
        giant(|event, _| {
            event.evidence.get_or_insert_default().url = format!("https://example.org/{text}");
        })
    }),
    ("measures_issued.title", |text| measures(|fact| fact.title = text.to_owned())),
    ("measures_issued.issuer_name", |text| measures(|fact| fact.issuer_name = text.to_owned())),
    ("environment_assessed.assessor", |text| assessed(text, "指标", "")),
    ("environment_assessed.indicators[0].name", |text| assessed("示例机构", text, "")),
    ("environment_assessed.indicators[0].unit", |text| assessed("示例机构", "指标", text)),
    ("renamed.new_name", |text| {
        let (old_name, new_name) = ("某旧名".to_owned(), text.to_owned());
        ministry(A, "2024-01-01", Fact::Renamed(pb::Renamed { old_name, new_name, simple: true }))
    }),
    ("annulled.reason", |text| {
        let mut event = annulled(0);
        let Some(Fact::Annulled(fact)) = &mut event.fact else { unreachable!() };
        fact.reason = text.to_owned();
        event
    }),
];

/// Short words, which have letters, digits and a few signs only.
const WORDS: [Field; 3] = [
    ("designated.batch", |text| giant(|_, fact| fact.batch = text.to_owned())),
    ("rule_version", |text| giant(|event, _| event.rule_version = text.to_owned())),
    ("pool_entered.pool", |text| {
        let fact = pb::PoolEntered { pool: text.to_owned(), profile: None };
        event("440000", A, "2020-01-01", Fact::PoolEntered(fact))
    }),
];

/// The rejections of one event in a trial.
async fn rejections(client: &mut Client, event: pb::Event) -> Vec<pb::Rejection> {
    let request =
        pb::AppendRequest { events: vec![event], validate_only: true, ..Default::default() };
    client.append(request).await.unwrap().rejections
}

#[tokio::test]
async fn texts_with_unseen_characters_are_refused_everywhere() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    for unseen in UNSEEN {
        let character = format!("U+{:04X}", u32::from(unseen));
        assert!(is_hidden(unseen), "{character}");
        for (field, with) in FREE {
            let found = rejections(&mut client, with(&format!("甲{unseen}乙"))).await;
            let context = format!("{field} with {character}: {found:?}");
            let [fault, ..] = found.as_slice() else { panic!("{context}") };
            assert_eq!(fault.field, format!("events[0].{field}"), "{context}");
            assert_eq!(fault.reason, "FIELD_INVALID", "{context}");
            assert_eq!(fault.metadata["character"], character, "{context}");
            assert!(fault.message.contains(&character), "{context}");
        }
        for (field, with) in WORDS {
            let found = rejections(&mut client, with(&format!("a{unseen}b"))).await;
            let fault = found.first().unwrap_or_else(|| panic!("{field} with {character}"));
            assert_eq!(fault.field, format!("events[0].{field}"), "{character}");
            assert_eq!(fault.reason, "IDENTIFIER_INVALID", "{field} with {character}");
        }
    }
    assert_eq!(client.status().await.log_size, 0);
}

#[tokio::test]
async fn a_refusal_has_the_character_in_its_metadata() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let (_, with) = FREE[0];
    let error = client.record(vec![with("甲\u{3164}乙")]).await.unwrap_err();
    assert_eq!((error.code(), reason(&error).as_str()), (Code::InvalidArgument, "FIELD_INVALID"));
    let metadata = error.get_details_error_info().unwrap().metadata;
    assert_eq!(metadata["character"], "U+3164");
    assert_eq!(metadata["field"], "events[0].designated.profile.name");
    assert_eq!(metadata["rule_id"], "character-not-allowed");
}

#[tokio::test]
async fn texts_that_a_reader_sees_are_taken() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let seen = ["示例有限公司", "Ａé ß", "𠮷野家（北京）", "㈱示例", "“小巨人”·甲", "甲\u{3000}乙"];
    for text in seen {
        for (field, with) in FREE {
            // The issuer of a document number has letters only.
            let text = if field.ends_with("document_number") { "工信部企业函" } else { text };
            let found = rejections(&mut client, with(text)).await;
            let about_field = |fault: &&pb::Rejection| fault.field.ends_with(field);
            assert_eq!(found.iter().find(about_field), None, "{field}: {text}");
        }
    }
    for url in ["https://example.org", "HTTP://示例.中国/附件 1.pdf?a=b", "http://[::1]:80/x"]
    {
        let event = giant(|event, _| event.evidence.get_or_insert_default().url = url.to_owned());
        assert_eq!(rejections(&mut client, event).await, [], "{url}");
    }
    for url in ["javascript:1", "ftp://example.org", "//example.org", "https://", "http:///x", "x"]
    {
        let event = giant(|event, _| event.evidence.get_or_insert_default().url = url.to_owned());
        let found = rejections(&mut client, event).await;
        assert_eq!(found.first().map(|fault| fault.rule_id.as_str()), Some("url-form"), "{url}");
    }
}

#[test]
fn names_of_published_lists_are_taken() {
    let sample = include_str!("../../../examples/data/little-giants-sample.csv");
    let mut names: Vec<String> =
        sample.lines().flat_map(|line| line.split(',')).map(str::to_owned).collect();
    names.extend(made_up(1, 10_000).into_iter().map(|enterprise| enterprise.name));
    let of_register = ["authorities.csv", "regions.csv", "industry.csv"];
    for file in of_register {
        let table = std::fs::read_to_string(format!("data/{file}")).unwrap();
        names.extend(table.lines().flat_map(|line| line.split(',')).map(str::to_owned));
    }
    let names: Vec<_> = names.iter().map(|name| name.trim_matches(['"', ' '])).collect();
    assert!(names.len() > 10_000, "{} names", names.len());
    for name in names.into_iter().filter(|name| !name.is_empty()) {
        let taken = Name::parse(name).unwrap_or_else(|breach| panic!("{name:?}: {breach}"));
        assert_eq!(taken.as_str(), name.split_whitespace().collect::<Vec<_>>().join(" "));
    }
}
