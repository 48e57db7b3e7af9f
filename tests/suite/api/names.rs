//! Searches by name: pages, days and log sizes, filters, and refused searches.

use tidu::{
    limits::NAME_CHARS_MAX,
    protocol::pb::{self, as_of::Known, event::Fact},
};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::support::{Client, Fresh, date, event, reason, valid_on};

const A: &str = "91110000MA00000152";
const B: &str = "91440300MA0000023W";
const PROVISIONAL: &str = "provisional:440000/甲乙精密科技有限公司";

fn named(issuer: &str, designee: &str, programme: &str, name: &str) -> pb::Event {
    let fact = pb::Designated {
        programme: programme.to_owned(),
        batch: "2024-1".to_owned(),
        profile: Some(pb::Profile { name: name.to_owned(), ..Default::default() }),
        ..Default::default()
    };
    event(issuer, designee, "2024-01-01", Fact::Designated(fact))
}

fn renamed(designee: &str, on: &str, old: &str, new: &str) -> pb::Event {
    let (old_name, new_name) = (old.to_owned(), new.to_owned());
    let fact = pb::Renamed { old_name, new_name, simple: true };
    event("310000", designee, on, Fact::Renamed(fact))
}

async fn find(
    client: &mut Client,
    request: pb::FindDesigneesRequest,
) -> Result<pb::FindDesigneesResponse, Status> {
    client.register.find_designees(request).await.map(tonic::Response::into_inner)
}

async fn suspects(
    client: &mut Client,
    request: pb::ListSuspectsRequest,
) -> Result<pb::ListSuspectsResponse, Status> {
    client.register.list_suspects(request).await.map(tonic::Response::into_inner)
}

fn asked(text: &str) -> pb::FindDesigneesRequest {
    let as_of = valid_on("2024-06-01");
    pb::FindDesigneesRequest { text: text.to_owned(), as_of, ..Default::default() }
}

/// Three bearers of one name, of which one has another one since.
async fn recorded() -> (Fresh, Client) {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    for event in [
        named("440000", PROVISIONAL, "specialised-sme", "甲乙精密科技有限公司"),
        named("440000", A, "specialised-sme", "甲乙精密科技（集团）有限公司"),
        named("310000", B, "innovative-sme", "甲乙精密科技 有限公司"),
        renamed(B, "2024-05-01", "甲乙精密科技 有限公司", "丙丁ABC公司"),
    ] {
        client.record(vec![event]).await.unwrap();
    }
    (fresh, client)
}

fn ids(answer: &pb::FindDesigneesResponse) -> Vec<&str> {
    answer.designees.iter().map(|found| &*found.bearer.as_ref().unwrap().designee).collect()
}

#[tokio::test]
async fn a_part_of_a_name_finds_who_bears_or_bore_it() {
    let (_fresh, mut client) = recorded().await;
    let found = find(&mut client, asked("精密 科技")).await.unwrap();
    assert_eq!(ids(&found), [PROVISIONAL, A, B]);
    assert_eq!(found.as_of.as_ref().unwrap().known_at(), 4);
    let old = &found.designees[2];
    assert_eq!((old.position, &*old.matched_name), (2, "甲乙精密科技 有限公司"));
    let bearer = old.bearer.as_ref().unwrap();
    assert_eq!((&*bearer.name, bearer.titles_in_force_count), ("丙丁ABC公司", 1));
    assert_eq!((&*bearer.region, bearer.region_inferred), ("310000", true));
    assert_eq!(bearer.responsible_authority, "310000");
    assert_eq!(ids(&find(&mut client, asked("(集团)有")).await.unwrap()), [A]);
    assert_eq!(ids(&find(&mut client, asked("ｂc公")).await.unwrap()), [B]);
    assert_eq!(ids(&find(&mut client, asked("精密机床")).await.unwrap()), [] as [&str; 0]);
    let whole =
        pb::FindDesigneesRequest { whole_name: true, ..asked("甲乙精密科技有限公司") };
    assert_eq!(ids(&find(&mut client, whole).await.unwrap()), [PROVISIONAL, B]);
    // The name borne is that of the day; a name that is recorded later is not found.
    let before = find(
        &mut client,
        pb::FindDesigneesRequest { as_of: valid_on("2024-04-30"), ..asked("abc") },
    );
    let before = before.await.unwrap();
    assert_eq!(before.designees[0].bearer.as_ref().unwrap().name, "甲乙精密科技 有限公司");
    assert_eq!(before.designees[0].matched_name, "丙丁ABC公司");
    let known = Some(Known::KnownAt(3));
    let as_of = Some(pb::AsOf { valid_on: date("2024-06-01"), known });
    let earlier = pb::FindDesigneesRequest { as_of, ..asked("abc") };
    assert_eq!(ids(&find(&mut client, earlier).await.unwrap()), [] as [&str; 0]);
}

#[tokio::test]
async fn pages_of_a_search_give_each_designee_once() {
    let (_fresh, mut client) = recorded().await;
    for page_size in 1..4 {
        let (mut seen, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = pb::FindDesigneesRequest { page_size, page_token, ..asked("精密") };
            let page = find(&mut client, request).await.unwrap();
            assert!(
                !page.designees.is_empty()
                    && ids(&page).len() <= usize::try_from(page_size).unwrap()
            );
            seen.extend(ids(&page).into_iter().map(str::to_owned));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
            let other =
                pb::FindDesigneesRequest { page_token: page_token.clone(), ..asked("甲乙") };
            let refused = find(&mut client, other).await.unwrap_err();
            assert_eq!(reason(&refused), "PAGE_TOKEN_INVALID");
        }
        assert_eq!(seen, [PROVISIONAL, A, B], "in pages of {page_size}");
    }
}

#[tokio::test]
async fn a_text_that_is_no_part_of_a_name_is_refused() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let long = "甲".repeat(NAME_CHARS_MAX + 1);
    for (text, says) in [
        ("", "has 0 characters"),
        ("甲", "a search needs 2"),
        ("（甲）", "has 1 characters"),
        ("“”", "has 0 characters"),
        ("、。", "has no letter or digit"),
        (&*long, "128 are allowed"),
        (&*"甲".repeat(2_000), "allowed"),
    ] {
        let refused = find(&mut client, asked(text)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{says}");
        assert!(refused.message().contains(says), "{}", refused.message());
        let violations = refused.get_details_bad_request().unwrap().field_violations;
        assert_eq!(violations[0].field, "text");
    }
    let request = pb::FindDesigneesRequest { page_size: -1, ..asked("甲乙") };
    assert_eq!(find(&mut client, request).await.unwrap_err().code(), Code::InvalidArgument);
    let empty = find(&mut client, asked("甲乙")).await.unwrap();
    assert_eq!((empty.designees.len(), empty.next_page_token.len()), (0, 0));
}

#[tokio::test]
async fn suspects_are_told_with_filters_and_in_pages() {
    let (_fresh, mut client) = recorded().await;
    client
        .record(vec![named("440000", "local:440000/7", "specialised-sme", "丙丁abc公司")])
        .await
        .unwrap();
    let as_of = valid_on("2024-06-01");
    let all = pb::ListSuspectsRequest { as_of, ..Default::default() };
    let names = |answer: &pb::ListSuspectsResponse| {
        answer.names.iter().map(|shared| shared.name.clone()).collect::<Vec<_>>()
    };
    let answer = suspects(&mut client, all.clone()).await.unwrap();
    assert_eq!(names(&answer), ["甲乙精密科技有限公司", "丙丁ABC公司"]);
    let bearers = |shared: &pb::SharedName| {
        shared.bearers.iter().map(|bearer| bearer.designee.clone()).collect::<Vec<_>>()
    };
    assert_eq!(bearers(&answer.names[0]), [PROVISIONAL, B]);
    assert_eq!(bearers(&answer.names[1]), [B, "local:440000/7"]);
    assert!(!answer.names[0].has_more_bearers);
    let (mut seen, mut page_token) = (Vec::new(), String::new());
    loop {
        let page = pb::ListSuspectsRequest { page_size: 1, page_token, ..all.clone() };
        let page = suspects(&mut client, page).await.unwrap();
        seen.extend(names(&page));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, names(&answer));
    let only = async |client: &mut Client, change: fn(&mut pb::ListSuspectsRequest)| {
        let mut request = all.clone();
        change(&mut request);
        suspects(client, request).await.map(|answer| answer.names.len())
    };
    // A name is told if one of its bearers fits; B, of Shanghai, bears both.
    for (wanted, count) in [
        ((|r| r.authorities = vec!["440000".into()]) as fn(&mut pb::ListSuspectsRequest), 2),
        (|r| r.authorities = vec!["310000".into()], 2),
        (|r| r.authorities = vec!["110000".into()], 0),
        (|r| r.region_under = "310000".into(), 2),
        (|r| r.region_under = "320000".into(), 0),
        (|r| r.programmes = vec!["innovative-sme".into()], 2),
        (|r| r.programmes = vec!["little-giant".into()], 0),
        (
            |r| {
                r.programmes = vec!["innovative-sme".into()];
                r.authorities = vec!["440000".into()];
            },
            0,
        ),
    ] {
        assert_eq!(only(&mut client, wanted).await.unwrap(), count);
    }
    let no = only(&mut client, |r| r.authorities = vec!["999999".into()]).await.unwrap_err();
    assert_eq!(no.code(), Code::InvalidArgument);
    // A link makes two of the bearers one subject: the name is no longer shared.
    let fact = pb::IdentifierChanged {
        new_designee: B.to_owned(),
        reason: pb::IdentifierChangeReason::Identified.into(),
    };
    let link = event("440000", PROVISIONAL, "2024-02-01", Fact::IdentifierChanged(fact));
    client.record(vec![link]).await.unwrap();
    let answer = suspects(&mut client, all.clone()).await.unwrap();
    assert_eq!(names(&answer), ["丙丁ABC公司"]);
    let found = find(&mut client, asked("精密")).await.unwrap();
    assert_eq!(ids(&found), [B, A], "both identifiers are one subject, shown by its code");
}
