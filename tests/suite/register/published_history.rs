//! The published history of the gradient, replayed: the register gives the published totals.
//!
//! Counts and days in `history.csv` were published, or are marked as derived or assumed. The
//! enterprises are made up, because no complete list of the real ones is public. The questions and
//! the published answers are in `history-questions.csv`.

use tidu::{limits::COMMIT_EVENTS_MAX, protocol::pb};

use crate::support::{
    Client, Fresh, Server, catalogues::other, published_chapters, published_date,
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
