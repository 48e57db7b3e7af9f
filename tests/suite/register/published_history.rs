//! The published history of the gradient, replayed: the register gives the published totals.
//!
//! Counts and days in `history.csv` and `history-instruments.csv` were published, or are marked as
//! derived or assumed. The enterprises are made up, because no complete list of the real ones is
//! public; as many of them belong to each authority as was published. The questions and the
//! published answers are in `history-questions.csv`.

use std::collections::HashMap;

use tidu::{domain::AuthorityCode, limits::COMMIT_EVENTS_MAX, protocol::pb};

use crate::support::{
    Client, Fresh, PARTS_OF_BATCH_3, Server, catalogues::other, little_giants_by_authority,
    published_chapters, published_date,
};

const QUESTIONS: &str = include_str!("../../fixtures/history-questions.csv");

#[tokio::test]
async fn history_replays_to_the_published_numbers() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    for (title, events) in published_chapters() {
        for commit in events.chunks(COMMIT_EVENTS_MAX) {
            let request = pb::AppendRequest { events: commit.to_vec(), ..Default::default() };
            let outcome = client.ledger.append(request).await;
            outcome.unwrap_or_else(|status| panic!("{title}: {status}"));
        }
    }
    assert_published(&mut client, None).await;
    assert_spread(&mut client).await;
    assert_amended(&mut client).await;
    // Another catalogue changes none of them, known before its adoption or after.
    let known = client.status().await.log_size;
    let path = fresh.dir.path().join("other.toml");
    std::fs::write(&path, other()).unwrap();
    let data = fresh.data();
    let Fresh { server, dir: _dir } = fresh;
    assert_eq!(server.terminate(), Some(0));
    let server = Server::start_with(&data, &["--catalogue", path.to_str().unwrap()]);
    let mut client = server.client().await;
    assert_eq!(client.status().await.log_size, known + 1);
    assert_published(&mut client, Some(known)).await;
    assert_published(&mut client, None).await;
}

async fn assert_published(client: &mut Client, known_at: Option<u64>) {
    let mut asked = Vec::new();
    for line in QUESTIONS.lines().skip(1) {
        let cells: Vec<_> = line.splitn(7, ',').collect();
        let [as_of, question, programme, stage, compare, published, source] = cells[..] else {
            panic!("not a question: {line}");
        };
        let (valid_on, known) =
            (Some(published_date(as_of)), known_at.map(pb::as_of::Known::KnownAt));
        let both = Some(pb::AsOf { valid_on, known });
        let answer = answer(client, both, question, programme, stage).await;
        let number: u64 = published.parse().unwrap();
        let holds = if compare == ">" { answer > number } else { answer == number };
        assert!(holds, "{as_of}, {programme} {question}: {answer}; published ({source}): {line}");
        asked.push(published);
    }
    for number in ["248", "657", "329", "101", "4762", "8997", "14675", "17590"] {
        assert!(asked.contains(&number), "{number} was not asked for");
    }
}

/// The little giants of an authority are as many as was published.
async fn assert_spread(client: &mut Client) {
    let in_table = little_giants_by_authority().into_iter().map(|(authority, ..)| authority);
    let provincial = AuthorityCode::all().filter(|authority| !authority.is_ministry());
    assert!(in_table.eq(provincial.map(AuthorityCode::as_str)), "all authorities, in their order");
    let both = by_authority(client, "2021-06-11", "").await;
    let mut sum = 0;
    for (authority, published, _) in little_giants_by_authority() {
        let counted = both.get(authority).copied().unwrap_or_default();
        assert_eq!(counted, published as u64, "{authority}");
        sum += counted;
    }
    assert_eq!(sum, 1_832);
    let third = by_authority(client, "2021-08-31", "3").await;
    for (wanted, published) in PARTS_OF_BATCH_3 {
        let table = little_giants_by_authority().into_iter();
        let in_part = table.filter(|(_, _, part)| *part == wanted);
        let counted: u64 = in_part.filter_map(|(authority, ..)| third.get(authority)).sum();
        assert_eq!(counted, published as u64, "{wanted}");
    }
}

/// Numbers of little giants in force, of a batch or of all, by recommending authority.
async fn by_authority(client: &mut Client, on: &str, batch: &str) -> HashMap<String, u64> {
    let batches = (!batch.is_empty()).then(|| batch.to_owned()).into_iter().collect();
    let filter = pb::TitleFilter {
        programmes: vec!["little-giant".to_owned()],
        batches,
        ..Default::default()
    };
    let request = pb::CountTitlesRequest {
        filter: Some(filter),
        as_of: Some(pb::AsOf { valid_on: Some(published_date(on)), known: None }),
        group_by: vec![pb::CountGroup::RecommendedBy.into()],
        ..Default::default()
    };
    let answer = client.register.count_titles(request).await.unwrap().into_inner();
    let group = |group: pb::CountedGroup| (group.keys[0].clone(), group.count);
    answer.groups.into_iter().map(group).collect()
}

/// The law and the regulation are in force as they were revised, and the guideline of 2020 has its
/// 17 departments.
async fn assert_amended(client: &mut Client) {
    let ask = async |client: &mut Client, bodies: &[&str]| {
        let bodies = bodies.iter().map(|body| (*body).to_owned()).collect();
        let as_of = Some(pb::AsOf { valid_on: Some(published_date("2026-01-01")), known: None });
        let request = pb::ListMeasuresRequest { bodies, as_of, ..Default::default() };
        client.register.list_measures(request).await.unwrap().into_inner().measures
    };
    for body in ["npc-standing-committee", "state-council"] {
        let [old, new] = &ask(client, &[body]).await[..] else { panic!("two texts of {body}") };
        assert_eq!((new.amends.as_str(), old.amends.as_str()), (old.document_number.as_str(), ""));
        assert_eq!(old.amended_by_positions, [new.position]);
        assert_eq!((old.in_force, new.in_force), (false, true));
    }
    let [joint] = &ask(client, &["cbirc"]).await[..] else { panic!("one of the regulator") };
    assert_eq!(joint.document_number, "工信部联企业〔2020〕108号");
    assert_eq!(joint.issuing_bodies.len(), 17);
}

async fn answer(
    client: &mut Client,
    as_of: Option<pb::AsOf>,
    question: &str,
    programme: &str,
    stage: &str,
) -> u64 {
    if question == "authorities with measures in force" {
        let request = pb::ListMeasuresRequest { as_of, in_force_only: true, ..Default::default() };
        let answer = client.register.list_measures(request).await.unwrap().into_inner();
        return answer.provincial_authority_count.into();
    }
    let instrument = match question {
        "laws in force" => Some(pb::Instrument::Law),
        "regulations in force" => Some(pb::Instrument::Regulation),
        "guidelines in force" => Some(pb::Instrument::Guideline),
        "authorities without measures in force" => Some(pb::Instrument::Measures),
        _ => None,
    };
    if let Some(instrument) = instrument {
        let instruments = vec![instrument.into()];
        let request = pb::ListMeasuresRequest {
            as_of,
            in_force_only: true,
            instruments,
            ..Default::default()
        };
        let answer = client.register.list_measures(request).await.unwrap().into_inner();
        let is_about_authorities = question.starts_with("authorities");
        let without = answer.authorities_without.len() as u64;
        return if is_about_authorities { without } else { answer.total_size.into() };
    }
    if question == "assessments" {
        let request = pb::ListAssessmentsRequest { as_of, ..Default::default() };
        let answer = client.register.list_assessments(request).await.unwrap().into_inner();
        return answer.assessments.len() as u64;
    }
    if question.ends_with("cultivation pools") {
        let request = pb::ListPoolsRequest { as_of, ..Default::default() };
        let answer = client.register.list_pools(request).await.unwrap().into_inner();
        let entries = question.starts_with("entries");
        return if entries { answer.entry_count } else { answer.authority_count.into() };
    }
    let batch = question.strip_prefix("titles of batch ");
    let filter = pb::TitleFilter {
        programmes: vec![programme.to_owned()],
        batches: batch.map(str::to_owned).into_iter().collect(),
        ..Default::default()
    };
    let stage = match stage {
        "noticed" => pb::CountStage::Noticed,
        "ever designated" => pb::CountStage::EverDesignated,
        "reviewed" => pb::CountStage::Reviewed,
        _ => pb::CountStage::Active,
    };
    let request = pb::CountTitlesRequest {
        filter: Some(filter),
        as_of,
        stage: stage.into(),
        ..Default::default()
    };
    client.register.count_titles(request).await.unwrap().into_inner().total_count
}
