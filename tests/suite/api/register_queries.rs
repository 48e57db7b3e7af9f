//! Questions that go over the whole register: pages, counts, batches, pools, measures, assessments,
//! and what they refuse.

use sha2::Digest as _;
use tidu::protocol::pb::{self, as_of::Known, event::Fact};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::support::{
    Client, Fresh, Server, date, designated, directory, event, list, little_giant, made_up, reason,
    valid_on,
};

async fn titles(
    client: &mut Client,
    request: pb::ListTitlesRequest,
) -> Result<pb::ListTitlesResponse, Status> {
    client.register.list_titles(request).await.map(tonic::Response::into_inner)
}

async fn count(
    client: &mut Client,
    request: pb::CountTitlesRequest,
) -> Result<pb::CountTitlesResponse, Status> {
    client.register.count_titles(request).await.map(tonic::Response::into_inner)
}

fn filter(change: impl FnOnce(&mut pb::TitleFilter)) -> Option<pb::TitleFilter> {
    let mut filter = pb::TitleFilter::default();
    change(&mut filter);
    Some(filter)
}

#[tokio::test]
async fn pages_stay_consistent_while_the_log_grows() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let enterprises = made_up(3, 60);
    client.record(enterprises[..25].iter().map(designated).collect()).await.unwrap();
    let (mut seen, mut page_token, mut pages) = (Vec::new(), String::new(), 0);
    let mut rest = enterprises[25..].iter();
    loop {
        let as_of = valid_on("2024-06-01");
        let request =
            pb::ListTitlesRequest { as_of, page_size: 7, page_token, ..Default::default() };
        let page = titles(&mut client, request).await.unwrap();
        assert_eq!(
            page.as_of.unwrap().known_at(),
            25,
            "every page stands on the first one's log size"
        );
        assert!(page.titles.len() <= 7);
        seen.extend(page.titles.into_iter().map(|title| title.designee));
        pages += 1;
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
        client.record(rest.by_ref().take(5).map(designated).collect()).await.unwrap();
    }
    let expected: Vec<_> = enterprises[..25].iter().map(|e| e.uscc.to_string()).collect();
    assert_eq!((seen, pages), (expected, 4));

    // The token belongs to its request.
    let first = pb::ListTitlesRequest { page_size: 7, ..Default::default() };
    let page_token = titles(&mut client, first).await.unwrap().next_page_token;
    let other = pb::ListTitlesRequest {
        filter: filter(|f| f.programmes.push("little-giant".to_owned())),
        page_token,
        ..Default::default()
    };
    assert_eq!(reason(&titles(&mut client, other).await.unwrap_err()), "PAGE_TOKEN_INVALID");
}

#[tokio::test]
async fn a_designee_with_many_titles_is_paged_without_loss() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let who = &list(4, 1)[0].designee;
    let items: Vec<_> = (0..9).map(|i| format!("product-{i}")).collect();
    let champion = |item: &String| {
        let (programme, batch) = ("single-item-champion".to_owned(), "1".to_owned());
        let fact = pb::Designated { programme, batch, item: item.clone(), ..Default::default() };
        event("100000", who, "2024-01-01", Fact::Designated(fact))
    };
    client.record(items.iter().map(champion).collect()).await.unwrap();
    let (mut seen, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = pb::ListTitlesRequest { page_size: 4, page_token, ..Default::default() };
        let page = titles(&mut client, request).await.unwrap();
        seen.extend(page.titles.into_iter().map(|listed| listed.title.unwrap().item));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, items);
}

#[tokio::test]
async fn a_count_names_its_stage_and_agrees_with_the_list() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    client.record(list(5, 40)).await.unwrap();
    let who = list(5, 40)[0].designee.clone();
    client.record(vec![little_giant(&who, "6", "2024-09-01")]).await.unwrap();
    let as_of = valid_on("2024-12-31");
    let all =
        count(&mut client, pb::CountTitlesRequest { as_of, ..Default::default() }).await.unwrap();
    assert_eq!(
        (all.total_count, all.stage(), all.unit()),
        (41, pb::CountStage::Active, pb::CountUnit::Titles)
    );
    let request = pb::CountTitlesRequest {
        as_of,
        unit: pb::CountUnit::Designees.into(),
        ..Default::default()
    };
    assert_eq!(count(&mut client, request).await.unwrap().total_count, 40);
    let group_by = vec![pb::CountGroup::Programme.into(), pb::CountGroup::Status.into()];
    let request = pb::CountTitlesRequest { as_of, group_by, ..Default::default() };
    let grouped = count(&mut client, request.clone()).await.unwrap();
    let rows: Vec<_> = grouped.groups.iter().map(|g| (g.keys.join(" "), g.count)).collect();
    assert_eq!(rows, [("little-giant active".into(), 1), ("specialised-sme active".into(), 40)]);
    let listed = pb::ListTitlesRequest {
        filter: filter(|f| f.statuses.push(pb::TitleStatus::Active.into())),
        as_of,
        page_size: 1_000,
        ..Default::default()
    };
    assert_eq!(titles(&mut client, listed).await.unwrap().titles.len(), 41);
    // Before anything was in force, and as known before anything was recorded.
    let before = pb::CountTitlesRequest { as_of: valid_on("2023-12-31"), ..request.clone() };
    assert_eq!(count(&mut client, before).await.unwrap().total_count, 0);
    let nothing_known = pb::AsOf { valid_on: None, known: Some(Known::KnownAt(0)) };
    let unknown = pb::CountTitlesRequest { as_of: Some(nothing_known), ..request };
    assert_eq!(count(&mut client, unknown).await.unwrap().total_count, 0);
}

#[tokio::test]
async fn filters_find_by_name_document_region_industry_and_seal() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let enterprises = made_up(6, 12);
    client.record(enterprises.iter().map(designated).collect()).await.unwrap();
    let as_of = valid_on("2024-06-01");
    let found = async |filter: Option<pb::TitleFilter>| {
        let request =
            pb::ListTitlesRequest { filter, as_of, page_size: 1_000, ..Default::default() };
        let mut client = client.clone();
        titles(&mut client, request).await.unwrap().titles.len()
    };
    let first = &enterprises[0];
    let prefix: String = first.name.chars().take(6).collect();
    let named = enterprises.iter().filter(|e| e.name.starts_with(&prefix)).count();
    assert_eq!(found(filter(|f| f.name_prefix = format!(" {prefix}"))).await, named);
    assert_eq!(found(filter(|f| f.document_number = "粤工信函[2024]1号".into())).await, 12);
    assert_eq!(found(filter(|f| f.document_number = "粤工信函〔2024〕2号".into())).await, 0);
    assert_eq!(found(filter(|f| f.region_under = "440000".into())).await, 12);
    assert_eq!(found(filter(|f| f.region_under = "440300".into())).await, 0);
    let same = enterprises.iter().filter(|e| e.industry == first.industry).count();
    assert_eq!(found(filter(|f| f.industries.push(first.industry.into()))).await, same);
    assert_eq!(found(filter(|f| f.responsible_authorities.push("440000".into()))).await, 12);
    assert_eq!(found(filter(|f| f.batches.push("2024-1".into()))).await, 12);
    assert_eq!(found(filter(|f| f.batches.push("never".into()))).await, 0);
    assert_eq!(found(filter(|f| f.sealed_only = true)).await, 0);
    let seal = pb::BatchSealed {
        programme: "specialised-sme".to_owned(),
        batch: "2024-1".to_owned(),
        ..Default::default()
    };
    client.record(vec![event("440000", "", "2024-01-02", Fact::BatchSealed(seal))]).await.unwrap();
    let request = pb::ListTitlesRequest {
        filter: filter(|f| f.sealed_only = true),
        as_of,
        page_size: 1_000,
        ..Default::default()
    };
    assert_eq!(titles(&mut client, request).await.unwrap().titles.len(), 12);
}

#[tokio::test]
async fn known_at_stands_on_commit_ends_and_may_be_an_instant() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let first = client.record(list(7, 3)).await.unwrap();
    let second = client.record(made_up(7, 10)[3..].iter().map(designated).collect()).await.unwrap();
    let counted = async |known| {
        let as_of = Some(pb::AsOf { valid_on: date("2024-06-01"), known: Some(known) });
        let request = pb::CountTitlesRequest { as_of, ..Default::default() };
        let answer = count(&mut client.clone(), request).await.unwrap();
        let at = answer.as_of.unwrap();
        assert_eq!((at.valid_on, at.rules_version), (date("2024-06-01"), 1));
        assert_eq!(at.redacted_positions, Vec::<u64>::new());
        (answer.total_count, at.known_at())
    };
    let time = |answer: pb::AppendResponse| Known::KnownAtTime(answer.recorded_time.unwrap());
    assert_eq!(counted(Known::KnownAt(3)).await, (3, 3));
    assert_eq!(counted(Known::KnownAt(7)).await, (3, 3), "inside a commit: its beginning");
    assert_eq!(counted(time(first)).await, (3, 3));
    assert_eq!(counted(time(second)).await, (10, 10));
    let long_ago = prost_types::Timestamp { seconds: 0, nanos: 0 };
    assert_eq!(counted(Known::KnownAtTime(long_ago)).await, (0, 0));
}

#[tokio::test]
async fn a_bad_as_of_is_an_error_that_names_its_field() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    client.record(list(7, 3)).await.unwrap();
    let day = |month, day| pb::AsOf {
        valid_on: Some(pb::Date { year: 2023, month, day }),
        ..Default::default()
    };
    let beyond = pb::AsOf { valid_on: None, known: Some(Known::KnownAt(4)) };
    for (as_of, code, expected, field, value) in [
        (day(2, 30), Code::InvalidArgument, "DATE_INVALID", "as_of.valid_on", "2023-02-30"),
        (day(0, 7), Code::InvalidArgument, "DATE_INVALID", "as_of.valid_on", "2023-00-07"),
        (beyond, Code::OutOfRange, "POSITION_BEYOND_LOG", "as_of.known_at", "4"),
    ] {
        let request = pb::CountTitlesRequest { as_of: Some(as_of), ..Default::default() };
        let error = count(&mut client, request).await.unwrap_err();
        assert_eq!((error.code(), reason(&error).as_str()), (code, expected));
        let info = error.get_details_error_info().unwrap();
        assert_eq!(info.metadata["field"], field, "{error:?}");
        assert_eq!(info.metadata["value"], value, "{error:?}");
    }
}

#[tokio::test]
async fn unknown_values_in_questions_are_errors_with_their_fields() {
    let fresh = Fresh::start();
    let client = fresh.client().await;
    type Change = fn(&mut pb::TitleFilter);
    let bad: [(&str, Change); 9] = [
        ("PROGRAMME_UNKNOWN", |f| f.programmes.push("little-gaint".into())),
        ("AUTHORITY_UNKNOWN", |f| f.authorities.push("810000".into())),
        ("AUTHORITY_UNKNOWN", |f| f.recommended_by.push("1".into())),
        ("REGION_UNKNOWN", |f| f.region_under = "660000".into()),
        ("ENUM_UNKNOWN", |f| f.statuses.push(77)),
        ("ENUM_UNKNOWN", |f| f.flags.push(0)),
        ("INDUSTRY_UNKNOWN", |f| f.industries.push("00".into())),
        ("DOCUMENT_NUMBER_INVALID", |f| f.document_number = "153号".into()),
        ("LIMIT_EXCEEDED", |f| f.batches = vec!["1".into(); 65]),
    ];
    for (expected, change) in bad {
        let mut client = client.clone();
        let request = pb::ListTitlesRequest { filter: filter(change), ..Default::default() };
        let error = titles(&mut client, request).await.unwrap_err();
        assert_eq!(reason(&error), expected, "{error:?}");
        let request = pb::CountTitlesRequest { filter: filter(change), ..Default::default() };
        assert_eq!(reason(&count(&mut client, request).await.unwrap_err()), expected);
    }
    let mut client = client.clone();
    let group =
        |numbers: Vec<i32>| pb::CountTitlesRequest { group_by: numbers, ..Default::default() };
    for (numbers, expected) in [
        (vec![99], "ENUM_UNKNOWN"),
        (vec![1, 1], "FIELD_INVALID"),
        (vec![1, 2, 3, 4], "LIMIT_EXCEEDED"),
    ] {
        assert_eq!(reason(&count(&mut client, group(numbers)).await.unwrap_err()), expected);
    }
    let no_batch = pb::GetBatchRequest {
        programme: "little-giant".into(),
        batch: "9".into(),
        ..Default::default()
    };
    let error = client.register.get_batch(no_batch).await.unwrap_err();
    assert_eq!((error.code(), reason(&error).as_str()), (Code::NotFound, "BATCH_NOT_FOUND"));
    client.record(list(8, 1)).await.unwrap();
    let designee = list(8, 1)[0].designee.clone();
    let no_title = pb::ExplainTitleRequest {
        designee,
        programme: "little-giant".into(),
        ..Default::default()
    };
    let error = client.register.explain_title(no_title).await.unwrap_err();
    assert_eq!((error.code(), reason(&error).as_str()), (Code::NotFound, "TITLE_NOT_FOUND"));
}

#[tokio::test]
async fn measures_assessments_and_pools_are_listed_as_of_a_day() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let issued = |authority: &str, programme: &str, from: &str| {
        let fact = pb::MeasuresIssued {
            programme: programme.to_owned(),
            instrument: pb::Instrument::Measures.into(),
            title: "示例管理办法".to_owned(),
            ..Default::default()
        };
        event(authority, "", from, Fact::MeasuresIssued(fact))
    };
    let law = pb::MeasuresIssued {
        instrument: pb::Instrument::Law.into(),
        title: "中华人民共和国中小企业促进法".to_owned(),
        issuer_name: "全国人民代表大会常务委员会".to_owned(),
        ..Default::default()
    };
    let indicator =
        pb::Indicator { name: "综合".into(), value: "87.04".into(), unit: "分".into() };
    let assessed = pb::EnvironmentAssessed {
        region: "440100".to_owned(),
        year: 2023,
        assessor: "示例研究院".to_owned(),
        indicators: vec![indicator],
    };
    let entered = |who: &str| {
        let pool = "2020".to_owned();
        event(
            "440000",
            who,
            "2020-01-01",
            Fact::PoolEntered(pb::PoolEntered { pool, profile: None }),
        )
    };
    let repealed = pb::MeasuresRepealed { position: Some(0), ..Default::default() };
    let codes = list(9, 2);
    client
        .record(vec![
            issued("440000", "specialised-sme", "2019-01-01"),
            issued("210000", "little-giant", "2020-01-01"),
            event("100000", "", "2018-01-01", Fact::MeasuresIssued(law)),
            event("440000", "", "2021-01-01", Fact::MeasuresRepealed(repealed)),
            event("100000", "", "2024-01-01", Fact::EnvironmentAssessed(assessed)),
            entered(&codes[0].designee),
            entered(&codes[1].designee),
        ])
        .await
        .unwrap();
    let mut in_force = async |on: &str, programmes: Vec<String>| {
        let request = pb::ListMeasuresRequest {
            as_of: valid_on(on),
            in_force_only: true,
            programmes,
            ..Default::default()
        };
        let answer = client.register.list_measures(request).await.unwrap().into_inner();
        (answer.total_size, answer.provincial_authority_count)
    };
    assert_eq!(in_force("2020-06-01", vec![]).await, (3, 2));
    assert_eq!(in_force("2020-12-31", vec!["specialised-sme".into()]).await, (2, 1), "and the law");
    assert_eq!(in_force("2021-01-01", vec![]).await, (2, 1), "repealed");
    let request = pb::ListMeasuresRequest { as_of: valid_on("2021-06-01"), ..Default::default() };
    let all = client.register.list_measures(request).await.unwrap().into_inner();
    assert_eq!(all.measures[0].repeal_position, Some(3));
    assert_eq!(date("2020-12-31"), all.measures[0].in_force_to);
    let request =
        pb::ListAssessmentsRequest { region_under: "440000".into(), ..Default::default() };
    let assessments =
        client.register.list_assessments(request).await.unwrap().into_inner().assessments;
    assert_eq!(assessments[0].assessment.as_ref().unwrap().indicators[0].value, "87.04");
    let request = pb::ListPoolsRequest { as_of: valid_on("2020-06-01"), ..Default::default() };
    let pools = client.register.list_pools(request).await.unwrap().into_inner();
    assert_eq!((pools.entry_count, pools.authority_count, pools.pools.len()), (2, 1, 1));
    // Pages list parts; each tells the totals of all.
    let fact = Fact::PoolEntered(pb::PoolEntered { pool: "2021".to_owned(), profile: None });
    let again = event("440000", &codes[0].designee, "2020-02-01", fact);
    client.record(vec![again]).await.unwrap();
    let mut page_token = String::new();
    for (name, entries) in [("2020", 2), ("2021", 1)] {
        let request = pb::ListPoolsRequest { page_size: 1, page_token, ..Default::default() };
        let page = client.register.list_pools(request).await.unwrap().into_inner();
        assert_eq!((page.pools[0].pool.as_str(), page.pools[0].entry_count), (name, entries));
        assert_eq!((page.pools.len(), page.entry_count, page.authority_count), (1, 3, 1));
        page_token = page.next_page_token;
    }
    assert_eq!(page_token, "");
}

#[tokio::test]
async fn an_operators_catalogue_decides_and_a_broken_one_is_refused() {
    let dir = directory();
    let built_in = include_str!("../../../data/catalogue.toml");
    let path = dir.path().join("catalogue.toml");
    // Specialised SMEs for two years, and only after a notice of ten working days.
    let stricter = built_in.replace(
        "decided_by = \"provincial\", validity_years = 3, renewal = \"review\", \
         unrenewed = \"lapses\", holders = [\"enterprise\"], prerequisites",
        "decided_by = \"provincial\", validity_years = 2, renewal = \"review\", \
         unrenewed = \"lapses\", holders = [\"park\"], prerequisites",
    );
    assert_ne!(stricter, built_in);
    std::fs::write(&path, &stricter).unwrap();
    let server =
        Server::start_with(&dir.path().join("data"), &["--catalogue", path.to_str().unwrap()]);
    let mut client = server.client().await;
    // The catalogue in use is on record, once.
    assert_eq!(client.status().await.log_size, 1);
    let first =
        client.collect(pb::SubscribeRequest { stop_position: Some(1), ..Default::default() }).await;
    let Some(Fact::CatalogueAdopted(adopted)) = first[0].event.clone().unwrap().fact else {
        panic!()
    };
    assert_eq!(adopted.sha256, sha2::Sha256::digest(&stricter).to_vec());
    let mut events = list(10, 1);
    client.record(events.clone()).await.unwrap();
    let designee = events[0].designee.clone();
    let request = pb::GetDesigneeRequest { designee, as_of: valid_on("2025-12-31") };
    let shown = client.register.get_designee(request).await.unwrap().into_inner().designee.unwrap();
    assert_eq!(shown.titles[0].valid_to, date("2025-12-31"));
    if let Some(Fact::Designated(fact)) = &mut events[0].fact {
        fact.profile.as_mut().unwrap().kind = pb::DesigneeKind::Enterprise.into();
    }
    events[0].designee = made_up(10, 2)[1].uscc.to_string();
    assert_eq!(reason(&client.record(events).await.unwrap_err()), "HOLDER_NOT_ELIGIBLE");
    drop(server);
    // Again the same: nothing new. Back to the built-in one: that is on record too.
    let data = dir.path().join("data");
    let again = Server::start_with(&data, &["--catalogue", path.to_str().unwrap()]);
    assert_eq!(again.client().await.status().await.log_size, 2);
    drop(again);
    let back = Server::start(&data);
    let mut client = back.client().await;
    assert_eq!(client.status().await.log_size, 3);
    let mut validity_known_at = async |size| {
        let as_of = Some(pb::AsOf { valid_on: None, known: Some(Known::KnownAt(size)) });
        let request = pb::ListProgrammesRequest { as_of };
        let answer = client.register.list_programmes(request).await.unwrap().into_inner();
        assert_eq!(answer.as_of.unwrap().known_at, Some(size));
        let all = answer.programmes;
        let programme = all.iter().find(|programme| programme.id == "specialised-sme").unwrap();
        programme.rule_versions.last().unwrap().validity_years
    };
    assert_eq!((validity_known_at(2).await, validity_known_at(3).await), (2, 3));
    drop(back);

    std::fs::write(&path, built_in.replace("\"provincial\", valid", "\"nobody\", valid")).unwrap();
    let refused = std::process::Command::new(crate::support::TIDU)
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--operations-listen",
            "off",
            "--catalogue",
            path.to_str().unwrap(),
            "--data-dir",
        ])
        .arg(dir.path().join("other"))
        .output()
        .unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success());
    assert!(said.contains("line") && said.contains("nobody"), "{said}");
}
