//! Who is meant by a name or a code, and who may state what.

use super::*;

#[tokio::test]
async fn case_25_names_alone_are_unverified_until_a_code_is_known() {
    let book = Book::new();
    let by_name = "provisional:110000/示例旧名有限公司";
    let mut first = giant(by_name, "1", "2019-06-05");
    if let Some(Fact::Designated(fact)) = &mut first.fact {
        fact.profile = profile("示例旧名有限公司", "");
    }
    book.say(first).await;
    assert!(
        book.title(by_name, GIANT, "2020-01-01").unwrap().flags.contains(Flag::IdentityUnverified)
    );
    book.say(linked(by_name, A, "2020-06-01", Why::Identified)).await;
    let title = book.title(A, GIANT, "2020-01-01").unwrap();
    assert!(!title.flags.contains(Flag::IdentityUnverified));
    // The review's list carries the code and a new name: matched by code.
    book.say(passed(A, GIANT, "2022", "2022-06-05")).await;
    let title = book.title(by_name, GIANT, "2023-01-01").unwrap();
    assert_eq!((title.status, title.batch.as_str()), (Status::Active, "1"));
    assert_eq!(
        book.refused(linked(A, by_name, "2023-01-01", Why::Identified)).await,
        ["IdentifierLinkInvalid"]
    );
}

#[tokio::test]
async fn case_26_brackets_of_any_width_name_the_same_enterprise() {
    let book = Book::new();
    let mut first = giant(A, "1", "2019-06-05");
    if let Some(Fact::Designated(fact)) = &mut first.fact {
        fact.profile = profile("示例(天津)生物有限公司", "");
    }
    book.say(first).await;
    let register = book.ledger.register();
    let found = register.find_by_name("示例（天津）生物有限公司", 1);
    assert_eq!((found.subjects.len(), found.is_cut), (1, false));
    let shown = view(&register, found.subjects[0], day("2020-01-01"), 1);
    assert_eq!(shown.names[0].name, "示例(天津)生物有限公司", "the original is kept");
}

#[tokio::test]
async fn cases_27_and_28_a_code_says_nothing_of_the_region() {
    let book = Book::new();
    // Head-office codes carry 100000, old ones abolished divisions.
    for code in ["91100000100003962T", "914403001922038216"] {
        book.say(designated(LIAONING, code, SPECIALISED, "2022-1", "2022-01-01")).await;
        let shown = book.shown(code, "2022-01-01");
        assert_eq!(
            (shown.region.unwrap().to_string().as_str(), shown.region_inferred),
            (LIAONING, true)
        );
        assert_eq!(book.shown(code, "2022-01-01").responsible.unwrap().as_str(), LIAONING);
    }
}

#[test]
fn case_29_neighbours_in_name_are_told_apart() {
    let named = |name| AuthorityCode::from_name(name).map(AuthorityCode::as_str);
    assert_eq!((named("山西省"), named("陕西省")), (Some("140000"), Some("610000")));
    let provinces = ["河南省", "湖北省", "湖南省", "海南省", "河北省", "黑龙江省"]
        .map(|name| named(name).unwrap());
    assert_eq!(provinces, ["410000", "420000", "430000", "460000", "130000", "230000"]);
}

#[tokio::test]
async fn case_30_who_is_not_entitled_states_nothing() {
    let book = Book::new();
    let mut shenzhen = designated(GUANGDONG, A, SPECIALISED, "2022-1", "2022-01-01");
    if let Some(Fact::Designated(fact)) = &mut shenzhen.fact {
        fact.profile = profile("示例有限公司", "440305");
    }
    assert_eq!(book.refused(shenzhen).await, ["IssuerNotEntitled"]);
    assert_eq!(
        book.refused(designated(GUANGDONG, A, GIANT, "4", "2022-09-01")).await,
        ["IssuerNotEntitled"]
    );
    assert_eq!(
        book.refused(designated(MINISTRY, A, SPECIALISED, "1", "2022-09-01")).await,
        ["IssuerNotEntitled"]
    );
    // A province recommends a little giant, proposes its revocation, and decides neither.
    let mut recommends = notice(GUANGDONG, A, GIANT, "4", "2022-06-06", "2022-06-10");
    assert_eq!(book.refused(recommends.clone()).await, ["IssuerNotEntitled"]);
    if let Some(Fact::NoticeOpened(fact)) = &mut recommends.fact {
        fact.scope = pb::NoticeScope::Recommendation.into();
    }
    book.say(recommends).await;
    book.say(giant(A, "4", "2022-09-01")).await;
    assert_eq!(
        book.refused(revoked(GUANGDONG, A, GIANT, "2023-01-01", None)).await,
        ["IssuerNotEntitled"]
    );
    let proposed = pb::RevocationProposed {
        programme: GIANT.to_owned(),
        ground: pb::RevocationGround::Falsification.into(),
        ..Default::default()
    };
    book.say(event(GUANGDONG, A, "2023-01-01", Fact::RevocationProposed(proposed))).await;
    let title = book.title(A, GIANT, "2023-01-01").unwrap();
    assert_eq!(title.status, Status::Active);
    assert!(title.flags.contains(Flag::RevocationProposed));
    // Hong Kong has no authority that could state anything.
    let hong_kong = std::panic::catch_unwind(|| {
        commit(vec![designated("810000", A, GIANT, "1", "2022-01-01")])
    });
    assert!(hong_kong.is_err());
}

#[tokio::test]
async fn case_32_an_authority_keeps_its_code_when_it_is_reorganised() {
    let book = Book::new();
    book.say(designated("340000", A, SPECIALISED, "2020-1", "2020-01-01")).await;
    book.say(revoked("340000", A, SPECIALISED, "2022-01-01", None)).await;
    assert_eq!(book.stands(A, SPECIALISED, "2022-01-01"), Some(Status::Revoked));
    let code = |name| AuthorityCode::from_name(name).map(AuthorityCode::as_str);
    assert_eq!(code("安徽省"), Some("340000"));
}

#[tokio::test]
async fn two_identifiers_with_the_same_title_are_flagged() {
    let book = Book::new();
    book.record(vec![giant(A, "3", "2021-08-01"), giant(B, "4", "2022-08-01")]).await.unwrap();
    assert_eq!(
        book.warned(linked(A, B, "2023-01-01", Why::Duplicate)).await,
        ["IdentityCollision"]
    );
    let title = book.title(A, GIANT, "2023-06-01").unwrap();
    assert!(title.flags.contains(Flag::IdentityCollision));
    assert_eq!((title.batch.as_str(), title.superseded), ("3", vec![1]));
}
