//! Questions about titles through the service: filters, counts, members of pools; and the errors of
//! those that contradict themselves.

use std::collections::BTreeMap;

use tidu::protocol::pb::{self, event::Fact};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::support::{A, B, Client, DESIGNEES, Fresh, date, event, little_giant, reason, valid_on};

const GUANGDONG: &str = "440000";

/// A designation by an authority, with what a test alters in it.
pub(super) fn designated(
    authority: &str,
    who: &str,
    (programme, batch): (&str, &str),
    from: &str,
    alter: impl FnOnce(&mut pb::Designated),
) -> pb::Event {
    let mut fact = pb::Designated {
        programme: programme.to_owned(),
        batch: batch.to_owned(),
        ..Default::default()
    };
    alter(&mut fact);
    event(authority, who, from, Fact::Designated(fact))
}

pub(super) fn filter(alter: impl FnOnce(&mut pb::TitleFilter)) -> Option<pb::TitleFilter> {
    let mut filter = pb::TitleFilter::default();
    alter(&mut filter);
    Some(filter)
}

/// The holders of the titles that a filter gives on a day.
async fn holders(client: &mut Client, day: &str, filter: Option<pb::TitleFilter>) -> Vec<String> {
    let request = pb::ListTitlesRequest { filter, as_of: valid_on(day), ..Default::default() };
    let answer = client.register.list_titles(request).await.unwrap().into_inner();
    answer.titles.into_iter().map(|title| title.designee).collect()
}

/// The groups of a count on a day, each with its number and the number of inferred regions.
async fn groups(
    client: &mut Client,
    day: &str,
    (stage, by): (pb::CountStage, pb::CountGroup),
) -> BTreeMap<String, (u64, u64)> {
    let request = pb::CountTitlesRequest {
        as_of: valid_on(day),
        stage: stage.into(),
        group_by: vec![by.into()],
        ..Default::default()
    };
    let answer = client.register.count_titles(request).await.unwrap().into_inner();
    let group =
        |group: pb::CountedGroup| (group.keys.concat(), (group.count, group.region_inferred_count));
    answer.groups.into_iter().map(group).collect()
}

pub(super) fn field_of(status: &Status) -> String {
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let info = status.get_details_error_info().unwrap();
    info.metadata.get("field").cloned().unwrap_or_default()
}

#[tokio::test]
async fn a_region_not_stated_is_that_of_the_responsible_authority() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let [stated, unstated, corps, nobody] = DESIGNEES;
    let located = |fact: &mut pb::Designated| {
        fact.profile.get_or_insert_default().registered_region = "440300".to_owned();
    };
    let of_corps = |fact: &mut pb::Designated| fact.recommended_by = "660000".to_owned();
    let own = ("innovative-sme", "2024-1");
    client
        .record(vec![
            designated("440300", stated, own, "2024-01-01", located),
            designated(GUANGDONG, unstated, own, "2024-01-01", |_| {}),
            designated("100000", corps, ("little-giant", "6"), "2024-01-01", of_corps),
            designated("100000", nobody, ("little-giant", "6"), "2024-01-01", |_| {}),
        ])
        .await
        .unwrap();
    let day = "2024-06-01";
    for (region, expected) in [
        ("440000", vec![stated, unstated]),
        ("440300", vec![stated]),
        ("650000", vec![corps]),
        ("110000", vec![]),
    ] {
        let wanted = filter(|filter| filter.region_under = region.to_owned());
        assert_eq!(holders(&mut client, day, wanted).await, expected, "{region}");
        // Deliveries agree.
        let filter = pb::EventFilter { region_under: region.to_owned(), ..Default::default() };
        let request = pb::ListEventsRequest { filter: Some(filter), ..Default::default() };
        let events = client.ledger.list_events(request).await.unwrap().into_inner().events;
        let about = |event: pb::RecordedEvent| event.event.unwrap().designee;
        assert_eq!(events.into_iter().map(about).collect::<Vec<_>>(), expected, "{region}");
    }
    let by_region = (pb::CountStage::Active, pb::CountGroup::Region);
    let counted = groups(&mut client, day, by_region).await;
    let expected = [("", (1, 0)), ("440000", (2, 1)), ("650000", (1, 1))];
    assert_eq!(counted, expected.map(|(key, numbers)| (key.to_owned(), numbers)).into());

    let request = pb::GetDesigneeRequest { designee: corps.into(), as_of: valid_on(day) };
    let designee = client.register.get_designee(request).await.unwrap().into_inner();
    let designee = designee.designee.unwrap();
    assert_eq!((designee.region.as_str(), designee.region_inferred), ("650000", true));
    assert!(designee.titles[0].region_inferred);
    let request = pb::ListTitlesRequest { as_of: valid_on(day), ..Default::default() };
    let titles = client.register.list_titles(request).await.unwrap().into_inner().titles;
    let shown: Vec<_> = titles
        .iter()
        .map(|row| (row.region.as_str(), row.title.as_ref().unwrap().region_inferred))
        .collect();
    assert_eq!(shown, [("440300", false), ("440000", true), ("650000", true), ("", false)]);
}

#[tokio::test]
async fn titles_are_chosen_by_last_day_item_cause_and_list() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let [a, b, c, d] = DESIGNEES;
    let to = |day: &'static str| move |fact: &mut pb::Designated| fact.valid_to = date(day);
    let of = |item: &'static str, day: &'static str| {
        move |fact: &mut pb::Designated| {
            (fact.item, fact.valid_to) = (item.to_owned(), date(day));
        }
    };
    let giant = ("little-giant", "5");
    let platform = ("national-platform", "1");
    let passed = pb::ReviewPassed {
        programme: "little-giant".to_owned(),
        round: "6".to_owned(),
        valid_to: date("2030-06-30"),
        ..Default::default()
    };
    let surrendered = pb::Surrendered { programme: "little-giant".into(), ..Default::default() };
    client
        .record(vec![
            designated("100000", a, giant, "2023-07-01", to("2026-03-30")),
            designated("100000", b, giant, "2023-07-01", to("2026-03-31")),
            designated("100000", c, giant, "2023-07-01", to("2026-04-01")),
            designated("100000", d, platform, "2023-07-01", of("融资", "2027-01-01")),
            event("100000", c, "2024-07-01", Fact::ReviewPassed(passed)),
            event("100000", b, "2025-01-01", Fact::Surrendered(surrendered)),
        ])
        .await
        .unwrap();

    let last = |from: Option<&str>, to: Option<&str>| {
        filter(|filter| {
            filter.valid_to_from = from.and_then(date);
            filter.valid_to_to = to.and_then(date);
        })
    };
    let day = "2024-01-01";
    for (from, to, expected) in [
        (Some("2026-03-31"), Some("2026-04-01"), vec![b, c]),
        (Some("2026-03-30"), Some("2026-03-30"), vec![a]),
        (None, Some("2026-03-31"), vec![a, b]),
        (Some("2026-04-01"), None, vec![c, d]),
    ] {
        assert_eq!(holders(&mut client, day, last(from, to)).await, expected, "{from:?} {to:?}");
    }
    let items = filter(|filter| filter.items = vec!["融资".to_owned(), "培训".to_owned()]);
    assert_eq!(holders(&mut client, day, items).await, [d]);
    // A list has those that were designated in it, and those whose review it passed.
    for (list, expected) in [("5", vec![a, b, c]), ("6", vec![c]), ("1", vec![d]), ("9", vec![])] {
        let listed = filter(|filter| filter.listed_in = vec![list.to_owned()]);
        assert_eq!(holders(&mut client, "2025-06-01", listed).await, expected, "list {list}");
    }
    let cause = |cause: pb::EndCause| filter(|filter| filter.end_causes = vec![cause.into()]);
    let ended = cause(pb::EndCause::Surrendered);
    assert_eq!(holders(&mut client, "2025-06-01", ended).await, [b]);
    let lapsed = cause(pb::EndCause::Lapsed);
    assert_eq!(holders(&mut client, "2026-03-30", lapsed.clone()).await, Vec::<String>::new());
    assert_eq!(holders(&mut client, "2026-03-31", lapsed).await, [a]);

    use pb::{CountGroup as Group, CountStage as Stage};
    for (day, by, expected) in [
        ("2024-01-01", Group::ValidToMonth, vec![("2026-03", 2), ("2026-04", 1), ("2027-01", 1)]),
        ("2024-01-01", Group::ValidToYear, vec![("2026", 3), ("2027", 1)]),
        ("2024-01-01", Group::Item, vec![("", 3), ("融资", 1)]),
        ("2024-01-01", Group::EndCause, vec![("", 4)]),
        ("2026-06-01", Group::EndCause, vec![("", 2), ("lapsed", 1), ("surrendered", 1)]),
    ] {
        let counted = groups(&mut client, day, (Stage::Any, by)).await;
        let expected = expected.into_iter().map(|(key, count)| (key.to_owned(), (count, 0)));
        assert_eq!(counted, expected.collect(), "{day} {by:?}");
    }
}

/// A title of which only facts are on record that cannot apply is shown to whoever names its
/// status, and counted at the stage of all.
#[tokio::test]
async fn a_title_that_is_not_on_record_is_shown_on_request_only() {
    use pb::{CountStage as Stage, TitleStatus as State};
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let opened = pb::ReviewOpened {
        programme: "little-giant".to_owned(),
        round: "2022".to_owned(),
        ..Default::default()
    };
    let opened = event("100000", A, "2022-05-01", Fact::ReviewOpened(opened));
    client.record(vec![opened, little_giant(B, "5", "2021-07-01")]).await.unwrap();
    let day = "2022-06-01";
    let of = |statuses: &[State]| {
        filter(|filter| filter.statuses = statuses.iter().map(|s| (*s).into()).collect())
    };
    for (statuses, expected) in [
        (&[][..], vec![B]),
        (&[State::NotOnRecord], vec![A]),
        (&[State::NotOnRecord, State::Active], vec![A, B]),
    ] {
        assert_eq!(holders(&mut client, day, of(statuses)).await, expected, "{statuses:?}");
        let (filter, as_of) = (of(statuses), valid_on(day));
        let stage = Stage::Any.into();
        let request = pb::CountTitlesRequest { filter, as_of, stage, ..Default::default() };
        let counted = client.register.count_titles(request).await.unwrap().into_inner();
        assert_eq!(counted.total_count, expected.len() as u64, "{statuses:?}");
    }
    let request = pb::ExportRegisterRequest { as_of: valid_on(day), ..Default::default() };
    let mut stream = client.register.export_register(request).await.unwrap().into_inner();
    assert_eq!(stream.message().await.unwrap().unwrap().title_count, 1);
    let request = pb::GetDesigneeRequest { designee: A.into(), as_of: valid_on(day) };
    let shown = client.register.get_designee(request).await.unwrap().into_inner();
    assert_eq!(shown.designee.unwrap().titles[0].status(), State::NotOnRecord);
}

#[tokio::test]
async fn questions_that_contradict_themselves_are_errors() {
    use pb::{CountStage as Stage, EndCause, TitleStatus as State};
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    client.record(vec![little_giant(A, "5", "2023-07-01")]).await.unwrap();
    // Every stage, with the statuses that its titles never have.
    let statuses = (1..=10).map(|number| State::try_from(number).unwrap());
    let statuses: Vec<State> = statuses.collect();
    for (stage, impossible) in [
        (Stage::Unspecified, statuses.iter().filter(|s| **s != State::Active).copied().collect()),
        (Stage::Active, statuses.iter().filter(|s| **s != State::Active).copied().collect()),
        (Stage::Recommended, vec![State::NotOnRecord]),
        (Stage::Noticed, vec![State::NotOnRecord]),
        (Stage::EverDesignated, vec![State::NotDesignated, State::NotOnRecord]),
        (Stage::Reviewed, vec![State::NotDesignated, State::NotOnRecord]),
        (Stage::Any, vec![]),
    ] {
        for status in &statuses {
            let request = pb::CountTitlesRequest {
                filter: filter(|filter| filter.statuses = vec![(*status).into()]),
                stage: stage.into(),
                ..Default::default()
            };
            let refused = client.register.count_titles(request).await.err();
            assert_eq!(refused.is_some(), impossible.contains(status), "{stage:?} {status:?}");
            if let Some(refused) = refused {
                assert_eq!(field_of(&refused), "filter.statuses[0]");
                assert_eq!(reason(&refused), "FIELD_INVALID");
            }
        }
    }
    // The default stage is in force, where nothing has ended.
    let ended = filter(|filter| filter.end_causes = vec![EndCause::Revoked.into()]);
    let request = pb::CountTitlesRequest { filter: ended, ..Default::default() };
    let refused = client.register.count_titles(request).await.unwrap_err();
    assert_eq!(field_of(&refused), "filter.end_causes[0]");
    // The last day of a title in force may be the day itself.
    let in_force = |last: &str| {
        filter(|filter| {
            filter.statuses = vec![State::Active.into(), State::Pending.into()];
            filter.valid_to_to = date(last);
        })
    };
    assert!(holders(&mut client, "2024-06-01", in_force("2024-06-01")).await.is_empty());
    let (filter, as_of) = (in_force("2024-05-31"), valid_on("2024-06-01"));
    let request = pb::ListDesigneesRequest { filter, as_of, ..Default::default() };
    let refused = client.register.list_designees(request).await.unwrap_err();
    assert_eq!(field_of(&refused), "filter.valid_to_to");
}

#[tokio::test]
async fn the_members_of_a_pool_are_listed_with_their_days() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let entered = |who: &str, day: &str| {
        let name = format!("示例{}有限公司", &who[..2]);
        let profile = Some(pb::Profile { name, ..Default::default() });
        let fact = pb::PoolEntered { pool: "2024".to_owned(), profile };
        event(GUANGDONG, who, day, Fact::PoolEntered(fact))
    };
    let left = |who: &str, day: &str| {
        let fact = pb::PoolLeft { pool: "2024".to_owned(), ..Default::default() };
        event(GUANGDONG, who, day, Fact::PoolLeft(fact))
    };
    let [a, b, c, d] = DESIGNEES;
    client
        .record(vec![
            entered(a, "2024-01-01"),
            entered(b, "2024-01-01"),
            entered(c, "2024-02-01"),
            entered(d, "2025-01-01"),
            left(b, "2024-03-01"),
            left(a, "2024-03-01"),
            entered(a, "2024-05-01"),
        ])
        .await
        .unwrap();
    let members = async |client: &mut Client, day: &str, include_left: bool| {
        let (mut all, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = pb::ListPoolMembersRequest {
                authority: GUANGDONG.to_owned(),
                pool: "2024".to_owned(),
                include_left,
                as_of: valid_on(day),
                page_size: 2,
                page_token,
            };
            let page = client.register.list_pool_members(request).await.unwrap().into_inner();
            assert!(page.members.len() <= 2);
            all.extend(page.members);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        let shown = |member: pb::PoolMember| {
            assert!(member.name.starts_with("示例"));
            (member.designee, member.entered_on, member.left_on)
        };
        all.into_iter().map(shown).collect::<Vec<_>>()
    };
    let row = |who: &str, from: &str, to: &str| {
        let left = Some(to).filter(|to| !to.is_empty()).and_then(date);
        (who.to_owned(), date(from), left)
    };
    let (a_in, c_in) = (row(a, "2024-05-01", ""), row(c, "2024-02-01", ""));
    assert_eq!(members(&mut client, "2024-06-01", false).await, [a_in.clone(), c_in.clone()]);
    let b_left = row(b, "2024-01-01", "2024-03-01");
    assert_eq!(members(&mut client, "2024-06-01", true).await, [a_in, b_left, c_in]);
    let then = [row(a, "2024-01-01", ""), row(b, "2024-01-01", ""), row(c, "2024-02-01", "")];
    assert_eq!(members(&mut client, "2024-02-29", true).await, then);
    // The number of members is that of the list of pools.
    let request = pb::ListPoolsRequest { as_of: valid_on("2024-06-01"), ..Default::default() };
    let pools = client.register.list_pools(request).await.unwrap().into_inner();
    assert_eq!(pools.entry_count, 2);

    let request = pb::ListPoolMembersRequest { pool: "2024".to_owned(), ..Default::default() };
    let refused = client.register.list_pool_members(request).await.unwrap_err();
    assert_eq!(field_of(&refused), "authority");
    let authority = "330000".to_owned();
    let pool = "2024".to_owned();
    let request = pb::ListPoolMembersRequest { authority, pool, ..Default::default() };
    let refused = client.register.list_pool_members(request).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "POOL_NOT_FOUND"));
}

#[tokio::test]
async fn batches_are_listed_by_their_name() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let own = |authority: &str, who: &str, batch: &str| {
        designated(authority, who, ("innovative-sme", batch), "2024-01-01", |_| {})
    };
    client
        .record(vec![
            own(GUANGDONG, DESIGNEES[2], "2024-1"),
            own("330000", B, "2024-1"),
            own("330000", DESIGNEES[3], "2024-2"),
        ])
        .await
        .unwrap();
    let mut owners = async |batch: &str| {
        let batches = vec![batch.to_owned()];
        let request = pb::ListBatchesRequest { batches, ..Default::default() };
        let answer = client.register.list_batches(request).await.unwrap().into_inner();
        answer.batches.into_iter().map(|batch| batch.authority).collect::<Vec<_>>()
    };
    assert_eq!(owners("2024-1").await, [GUANGDONG, "330000"]);
    assert_eq!(owners("2024-2").await, ["330000"]);
    assert!(owners("2024-3").await.is_empty());
}
