//! The register under rights, as it is served: what each reader is shown, and that nothing else can
//! be told from what was never recorded.

use std::collections::BTreeMap;

use tidu::{
    domain::{
        RegionCode,
        access::{Reach, Rights, Role},
        catalogue::Catalogue,
        kind::Kind,
    },
    protocol::pb::{self, event::Fact},
};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::support::{
    A, B, DESIGNEES, Governed, MemoryLog, date, encoded, event,
    principals::{Caller, of_authorities},
    reason, record, rights, valid_on,
};

const GIANT: &str = "little-giant";
const DAY: &str = "2024-06-01";

/// A reader with one reach.
fn reader(reach: Reach) -> Rights {
    Rights { read: vec![reach], ..rights(Role::Reader, None) }
}

fn in_region(code: &str) -> Reach {
    Reach { region: Some(RegionCode::parse(code).unwrap()), ..Reach::default() }
}

fn profile(name: &str, region: &str) -> Option<pb::Profile> {
    let (name, registered_region) = (name.to_owned(), region.to_owned());
    Some(pb::Profile { name, registered_region, ..Default::default() })
}

/// A little giant of a province.
fn giant(designee: &str, of: &str, region: &str, name: &str) -> pb::Event {
    let fact = pb::Designated {
        programme: GIANT.to_owned(),
        batch: "5".to_owned(),
        sublist: of.to_owned(),
        recommended_by: of.to_owned(),
        valid_to: date("2030-01-01"),
        profile: profile(name, region),
        ..Default::default()
    };
    event("100000", designee, "2023-07-01", Fact::Designated(fact))
}

fn governed(events: &[pb::Event], principals: &[(&str, Rights)]) -> Governed {
    let log = MemoryLog::default();
    record(&log, &encoded(events));
    Governed::over(log, principals, Vec::new())
}

async fn shown(caller: &mut Caller, designee: &str) -> Result<pb::Designee, Status> {
    let request = pb::GetDesigneeRequest { designee: designee.to_owned(), as_of: valid_on(DAY) };
    let answer = caller.register.get_designee(request).await?.into_inner();
    Ok(answer.designee.unwrap())
}

async fn titles(caller: &mut Caller, day: &str) -> Vec<pb::DesigneeTitle> {
    let mut request = pb::ListTitlesRequest { as_of: valid_on(day), ..Default::default() };
    (request.page_size, request.page_token) = (1, String::new());
    let mut all = Vec::new();
    loop {
        let page = caller.register.list_titles(request.clone()).await.unwrap().into_inner();
        all.extend(page.titles);
        if page.next_page_token.is_empty() {
            return all;
        }
        request.page_token = page.next_page_token;
    }
}

async fn holders(caller: &mut Caller, day: &str) -> Vec<String> {
    titles(caller, day).await.into_iter().map(|title| title.designee).collect()
}

/// A status without the text that was asked for.
fn told(status: &Status, asked: &str) -> (Code, String, BTreeMap<String, String>) {
    let metadata = status.get_details_error_info().unwrap().metadata.into_iter();
    let mut metadata: BTreeMap<_, _> =
        metadata.map(|(key, value)| (key, value.replace(asked, "…"))).collect();
    metadata.insert("reason".to_owned(), reason(status));
    (status.code(), status.message().replace(asked, "…"), metadata)
}

#[tokio::test]
async fn an_objection_changes_titles_only_for_those_who_may_read_it() {
    let notice = pb::NoticeOpened {
        programme: GIANT.to_owned(),
        batch: "6".to_owned(),
        purpose: pb::NoticePurpose::New.into(),
        scope: pb::NoticeScope::Recommendation.into(),
        recommended_by: "440000".to_owned(),
        profile: profile("示例甲有限公司", "440305"),
        ..Default::default()
    };
    let objection = pb::ObjectionRaised {
        programme: GIANT.to_owned(),
        batch: "6".to_owned(),
        scope: pb::NoticeScope::Recommendation.into(),
        ..Default::default()
    };
    let events = [
        event("440000", A, "2024-05-01", Fact::NoticeOpened(notice)),
        event("440000", A, "2024-05-02", Fact::ObjectionRaised(objection)),
    ];
    let own = rights(Role::Reader, Some("440000"));
    let foreign = rights(Role::Reader, Some("330000"));
    let governed = governed(&events, &[("own", own), ("foreign", foreign)]);
    let contested = i32::from(pb::TitleFlag::NoticeContested);
    for (name, flags, positions) in
        [("own", vec![contested], vec![0, 1]), ("foreign", vec![], vec![0])]
    {
        let mut caller = governed.as_principal(name);
        let designee = shown(&mut caller, A).await.unwrap();
        assert_eq!(designee.titles[0].flags, flags, "{name}");
        assert_eq!(
            (designee.positions, designee.version),
            (positions.clone(), positions.len() as u64)
        );
        assert_eq!(designee.titles[0].positions, positions, "{name}");
        let request = pb::ExplainTitleRequest {
            designee: A.to_owned(),
            programme: GIANT.to_owned(),
            as_of: valid_on(DAY),
            ..Default::default()
        };
        let explained = caller.register.explain_title(request).await.unwrap().into_inner();
        let steps: Vec<u64> = explained.explanations[0].steps.iter().map(|s| s.position).collect();
        assert_eq!(steps, positions, "{name}");
    }
}

#[tokio::test]
async fn a_title_is_shown_where_its_holder_is_on_the_day() {
    let moved = pb::Relocated {
        to_region: "330106".to_owned(),
        from_authority: "440000".to_owned(),
        to_authority: "330000".to_owned(),
        stage: pb::RelocationStage::Confirmed.into(),
        ..Default::default()
    };
    let events = [
        giant(A, "440000", "440305", "示例甲有限公司"),
        giant(B, "440000", "440305", "示例乙有限公司"),
        event("440000", A, "2024-03-01", Fact::Relocated(moved)),
    ];
    let principals = [
        ("shenzhen", reader(in_region("440300"))),
        ("zhejiang", reader(in_region("330000"))),
        ("guangdong", reader(of_authorities(&["440000"]))),
    ];
    let governed = governed(&events, &principals);
    for (name, day, expected) in [
        ("shenzhen", "2024-02-01", vec![A, B]),
        ("shenzhen", DAY, vec![B]),
        ("zhejiang", "2024-02-01", vec![]),
        ("zhejiang", DAY, vec![A]),
        // It has recommended both.
        ("guangdong", DAY, vec![A, B]),
    ] {
        let mut caller = governed.as_principal(name);
        assert_eq!(holders(&mut caller, day).await, expected, "{name} on {day}");
        let request = pb::CountTitlesRequest {
            group_by: vec![pb::CountGroup::Region.into()],
            as_of: valid_on(day),
            ..Default::default()
        };
        let counted = caller.register.count_titles(request).await.unwrap().into_inner();
        assert_eq!(counted.total_count, expected.len() as u64, "{name} on {day}");
        assert!(counted.groups.iter().all(|group| group.count > 0));
    }
}

#[tokio::test]
async fn a_designee_that_is_not_shown_is_as_one_that_is_not_there() {
    let [_, _, c, absent] = DESIGNEES;
    let (own, foreign) = ("示例甲有限公司", "示例丙有限公司");
    let events = [
        giant(A, "440000", "440305", own),
        giant(B, "330000", "330106", own),
        giant(c, "330000", "330106", foreign),
    ];
    let governed = governed(&events, &[("guangdong", reader(of_authorities(&["440000"])))]);
    let mut caller = governed.as_principal("guangdong");
    for (hidden, unknown) in [(B, absent), (foreign, "示例丁有限公司")] {
        let refused = shown(&mut caller, hidden).await.unwrap_err();
        let never = shown(&mut caller, unknown).await.unwrap_err();
        assert_eq!(refused.code(), Code::NotFound);
        assert_eq!(told(&refused, hidden), told(&never, unknown));
        let explain = |designee: &str| pb::ExplainTitleRequest {
            designee: designee.to_owned(),
            programme: GIANT.to_owned(),
            ..Default::default()
        };
        let refused = caller.register.explain_title(explain(hidden)).await.unwrap_err();
        let never = caller.register.explain_title(explain(unknown)).await.unwrap_err();
        assert_eq!(told(&refused, hidden), told(&never, unknown));
    }
    // The name has another bearer, of whom the caller learns nothing.
    assert_eq!(shown(&mut caller, own).await.unwrap().designee, A);
    let find = pb::FindDesigneesRequest { text: "示例".to_owned(), ..Default::default() };
    let found = caller.register.find_designees(find).await.unwrap().into_inner().designees;
    let ids: Vec<String> = found.into_iter().map(|one| one.bearer.unwrap().designee).collect();
    assert_eq!(ids, [A]);
    let suspects = pb::ListSuspectsRequest::default();
    let names = caller.register.list_suspects(suspects).await.unwrap().into_inner().names;
    assert!(names.is_empty(), "{names:?}");
}

#[tokio::test]
async fn of_a_national_batch_a_province_is_shown_its_own_list() {
    let seal = pb::BatchSealed {
        programme: GIANT.to_owned(),
        batch: "5".to_owned(),
        declared: Some(pb::DeclaredCounts { designated: Some(2), reviewed: None }),
        ..Default::default()
    };
    let foreign = pb::BatchOpened {
        programme: "specialised-sme".to_owned(),
        batch: "2023-1".to_owned(),
        ..Default::default()
    };
    let events = [
        giant(A, "440000", "440305", "示例甲有限公司"),
        giant(B, "330000", "330106", "示例乙有限公司"),
        event("100000", "", "2023-08-01", Fact::BatchSealed(seal)),
        event("330000", "", "2023-08-01", Fact::BatchOpened(foreign)),
    ];
    let public = ("public", reader(Reach::default()));
    let bounded = ("guangdong", reader(of_authorities(&["440000"])));
    let governed = governed(&events, &[public, bounded]);
    for (name, lists, designated, is_whole) in [("public", 37, 2, true), ("guangdong", 1, 1, false)]
    {
        let mut caller = governed.as_principal(name);
        let batch = |programme: &str, authority: &str, batch: &str| pb::GetBatchRequest {
            programme: programme.to_owned(),
            authority: authority.to_owned(),
            batch: batch.to_owned(),
            as_of: valid_on(DAY),
        };
        let answer = caller.register.get_batch(batch(GIANT, "", "5")).await.unwrap().into_inner();
        assert_eq!(answer.sublists.len(), lists, "{name}");
        let own = answer.sublists.iter().find(|list| list.sublist == "440000").unwrap();
        assert_eq!(own.counts.as_ref().unwrap().designated, 1);
        assert_eq!(own.digest.len(), 32, "all of its own list is known");
        let whole = answer.batch.unwrap();
        assert_eq!(whole.counts.unwrap().designated, designated, "{name}");
        assert_eq!((whole.declared.is_some(), whole.digest.len() == 32), (is_whole, is_whole));
        let request = pb::ListBatchesRequest { as_of: valid_on(DAY), ..Default::default() };
        let listed = caller.register.list_batches(request).await;
        let listed = listed.unwrap().into_inner().batches;
        assert_eq!(listed.len(), if is_whole { 2 } else { 1 }, "{name}");
        let foreign = batch("specialised-sme", "330000", "2023-1");
        assert_eq!(caller.register.get_batch(foreign).await.is_ok(), is_whole);
        let never = caller.register.get_batch(batch("specialised-sme", "330000", "2023-9")).await;
        let never = never.unwrap_err();
        if !is_whole {
            let hidden = caller.register.get_batch(batch("specialised-sme", "330000", "2023-1"));
            assert_eq!(told(&hidden.await.unwrap_err(), "2023-1"), told(&never, "2023-9"));
        }
    }
}

#[tokio::test]
async fn pools_and_instruments_are_those_of_reached_authorities() {
    let entered = |authority: &str, who: &str| {
        let profile = profile("示例有限公司", "");
        let fact = pb::PoolEntered { pool: "2024".to_owned(), profile };
        event(authority, who, "2024-01-01", Fact::PoolEntered(fact))
    };
    let measures = |authority: &str, number: &str| {
        let fact = pb::MeasuresIssued {
            instrument: pb::Instrument::Measures.into(),
            title: "示例办法".to_owned(),
            in_force_from: date("2024-01-01"),
            ..Default::default()
        };
        let mut event = event(authority, "", "2024-01-01", Fact::MeasuresIssued(fact));
        let document_number = number.to_owned();
        event.evidence = Some(pb::Evidence { document_number, ..Default::default() });
        event
    };
    let events = [
        entered("440000", A),
        entered("330000", B),
        measures("440000", "粤工信〔2024〕1号"),
        measures("330000", "浙经信〔2024〕1号"),
    ];
    let governed = governed(&events, &[("guangdong", reader(of_authorities(&["440000"])))]);
    let register = &mut governed.as_principal("guangdong").register;
    let request = pb::ListPoolsRequest { as_of: valid_on(DAY), ..Default::default() };
    let pools = register.list_pools(request).await.unwrap().into_inner();
    assert_eq!((pools.pools.len(), pools.entry_count, pools.authority_count), (1, 1, 1));
    assert_eq!(pools.pools[0].authority, "440000");
    let members = |authority: &str| pb::ListPoolMembersRequest {
        authority: authority.to_owned(),
        pool: "2024".to_owned(),
        as_of: valid_on(DAY),
        ..Default::default()
    };
    let own = register.list_pool_members(members("440000")).await.unwrap().into_inner().members;
    assert_eq!(own.len(), 1);
    let hidden = register.list_pool_members(members("330000")).await.unwrap_err();
    let never = register.list_pool_members(members("110000")).await.unwrap_err();
    assert_eq!(told(&hidden, "330000"), told(&never, "110000"));
    let request = pb::ListMeasuresRequest { as_of: valid_on(DAY), ..Default::default() };
    let measures = register.list_measures(request).await.unwrap().into_inner();
    assert_eq!((measures.total_size, measures.measures[0].authority.as_str()), (1, "440000"));
    assert_eq!(measures.authorities_without, Vec::<String>::new(), "of others nothing is said");
}

#[tokio::test]
async fn a_reader_without_rights_is_told_which_it_needs() {
    let catalogue = Catalogue::built_in();
    let kinds = [Kind::Designated].into_iter().collect();
    let programmes = [catalogue.find(GIANT).unwrap()].into_iter().collect();
    let principals = [
        ("kinds", reader(Reach { kinds, ..Reach::default() })),
        ("programme", reader(Reach { programmes, ..Reach::default() })),
        ("auditor", rights(Role::Auditor, None)),
    ];
    let governed = governed(&[giant(A, "440000", "440305", "示例甲有限公司")], &principals);
    let mut kinds = governed.as_principal("kinds");
    let refused = shown(&mut kinds, A).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::PermissionDenied, "NOT_ENTITLED")
    );
    let absent = shown(&mut kinds, B).await.unwrap_err();
    assert_eq!(told(&refused, A), told(&absent, B), "the right is judged before the designee");
    let mut programme = governed.as_principal("programme");
    assert_eq!(holders(&mut programme, DAY).await, [A]);
    let differences = pb::DiffRulesRequest::default();
    let refused = programme.register.diff_rules(differences.clone()).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_ENTITLED");
    assert!(refused.message().contains("read"), "{}", refused.message());
    let mut auditor = governed.as_principal("auditor");
    assert!(auditor.register.diff_rules(differences).await.is_ok());
    // The catalogues are for every reader.
    let regions = kinds.register.list_regions(pb::ListRegionsRequest {}).await.unwrap();
    assert!(!regions.into_inner().regions.is_empty());
}
