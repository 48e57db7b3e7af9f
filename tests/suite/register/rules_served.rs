//! Rules by position through the whole server: the published history is compared, adopted and
//! restarted under a version of the rules that only tests have. The program itself refuses it.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use bytes::Bytes;
use tidu::{
    limits::COMMIT_EVENTS_MAX,
    log::LogError,
    protocol::pb::{self, event::Fact},
    register::RulesBook,
    server::{
        Server, StartError,
        config::{Config, OperationsListen},
    },
};
use tonic::Code;

use crate::support::{
    BOTH_RULES, Client, TIDU, annulled, catalogues::other, corrected, directory,
    published_chapters, published_date, reason, rules_adopted,
};

/// The first chapters have the reviews of two batches.
const CHAPTERS: usize = 11;
const NEWER: &str = "the log has adopted the newer rules version 2, this version knows up to 1; \
                     use a newer version of tidu";
const DAYS: [&str; 3] = ["2022-06-05", "2023-12-31", "2024-06-30"];

/// A free port, and a catalogue beside the data if there is one.
fn config(data: &Path) -> Config {
    let listen = ([127, 0, 0, 1], 0).into();
    let catalogue = Some(data.with_extension("toml")).filter(|path| path.exists());
    let operations_listen = OperationsListen::Off;
    Config { listen, operations_listen, data_dir: data.to_owned(), catalogue, ..Config::default() }
}

/// Runs `play` against a server in this process that knows these rules. When it returns, the
/// server has closed its log.
fn with_server<T>(
    data: &Path,
    rules: RulesBook,
    play: impl AsyncFnOnce(Client, String) -> T,
) -> Result<T, StartError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let server = Server::open(&config(data), rules, |why| panic!("{why}")).await?;
        let address = format!("http://{}", server.address());
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let serving = tokio::spawn(server.serve(async move { drop(stopped.await) }));
        let outcome = play(Client::connect(&address).await, address).await;
        drop(stop);
        serving.await.unwrap().unwrap();
        Ok(outcome)
    })
}

fn as_of(day: &str, known_at: Option<u64>) -> Option<pb::AsOf> {
    let known = known_at.map(pb::as_of::Known::KnownAt);
    Some(pb::AsOf { valid_on: Some(published_date(day)), known })
}

/// Titles by day, holder, programme and authority. Each holder has one in a programme here.
type Titles = BTreeMap<(&'static str, String, String), pb::Title>;

/// All titles on the days, and the version of the rules that shows them.
async fn titles(client: &mut Client, known_at: Option<u64>) -> (Titles, u32) {
    let (mut all, mut rules) = (Titles::new(), 0);
    for day in DAYS {
        let request =
            pb::ExportRegisterRequest { as_of: as_of(day, known_at), ..Default::default() };
        let mut stream = client.register.export_register(request).await.unwrap().into_inner();
        while let Some(message) = stream.message().await.unwrap() {
            rules = message.as_of.unwrap().rules_version;
            for row in message.titles {
                let title = row.title.unwrap();
                all.insert((day, row.designee, title.programme.clone()), title);
            }
        }
    }
    (all, rules)
}

/// The titles as the comparison says that they will be; and how many differ.
async fn foretold(client: &mut Client, before: &Titles) -> (Titles, usize) {
    let (mut all, mut count) = (before.clone(), 0);
    for day in DAYS {
        let mut request =
            pb::DiffRulesRequest { as_of: as_of(day, None), page_size: 700, ..Default::default() };
        loop {
            let page = client.register.diff_rules(request.clone()).await.unwrap().into_inner();
            assert_eq!((page.version, page.as_of.unwrap().rules_version), (2, 1));
            count += page.differences.len();
            for pb::TitleDifference { designee, before: old, after, .. } in page.differences {
                let key = (day, designee, after.as_ref().unwrap().programme.clone());
                assert_eq!(all.insert(key, after.unwrap()), old);
            }
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
        }
    }
    (all, count)
}

/// The digest that subscribers of an authority compare, over the events below a size.
async fn digest(client: &mut Client, size: u64) -> (Bytes, u64) {
    let filter = pb::EventFilter { authorities: vec!["440000".to_owned()], ..Default::default() };
    let request = pb::GetDigestRequest {
        filter: Some(filter),
        to_position: Some(size),
        ..Default::default()
    };
    let answer = client.proof.get_digest(request).await.unwrap().into_inner();
    (answer.digest, answer.event_count)
}

async fn adopt(
    client: &mut Client,
    version: Option<u32>,
    log_size: Option<u64>,
) -> Result<pb::AdoptRulesResponse, tonic::Status> {
    let request = pb::AdoptRulesRequest { version, log_size };
    client.admin.adopt_rules(request).await.map(tonic::Response::into_inner)
}

/// Neither an unknown version, nor one that the caller did not look at, nor a caller's own event.
async fn require_refusals(client: &mut Client, size: u64) {
    let unknown = adopt(client, Some(3), None).await.unwrap_err();
    assert_eq!((unknown.code(), &*reason(&unknown)), (Code::InvalidArgument, "RULES_UNKNOWN"));
    let request = pb::DiffRulesRequest { version: Some(3), ..Default::default() };
    let unknown = client.register.diff_rules(request).await.unwrap_err();
    assert_eq!(reason(&unknown), "RULES_UNKNOWN");
    let moved = adopt(client, Some(2), Some(size - 1)).await.unwrap_err();
    assert_eq!((moved.code(), &*reason(&moved)), (Code::Aborted, "PRECONDITION_MOVED"));
    let stated = client.record(vec![rules_adopted(2)]).await.unwrap_err();
    assert_eq!(reason(&stated), "ISSUER_NOT_ENTITLED");
    assert_eq!(client.status().await.log_size, size, "nothing was recorded");
}

async fn require_final(client: &mut Client, position: u64) {
    let older = adopt(client, Some(1), None).await.unwrap_err();
    assert_eq!((older.code(), &*reason(&older)), (Code::FailedPrecondition, "ALREADY_RECORDED"));
    for repair in [annulled(position), corrected(position, rules_adopted(2))] {
        let refused = client.record(vec![repair]).await.unwrap_err();
        assert!(["REPAIR_NOT_ALLOWED", "ISSUER_NOT_ENTITLED"].contains(&&*reason(&refused)));
    }
    let again = adopt(client, None, Some(0)).await.unwrap();
    let expected = pb::AdoptRulesResponse { version: 2, position: Some(position), recorded: false };
    assert_eq!(again, expected, "a repeat wins over a condition that has moved");
}

#[test]
fn the_published_history_is_adopted_as_it_was_compared() {
    let dir = directory();
    let data = dir.path().join("data");
    with_server(&data, RulesBook::RELEASED, async |mut client, _| {
        for (title, events) in published_chapters().into_iter().take(CHAPTERS) {
            for commit in events.chunks(COMMIT_EVENTS_MAX) {
                let recorded = client.record(commit.to_vec()).await;
                recorded.unwrap_or_else(|status| panic!("{title}: {status}"));
            }
        }
        let status = client.status().await;
        assert_eq!((status.rules_version, status.newest_rules_version), (1, 1));
    })
    .unwrap();

    let (before, after, size) = with_server(&data, BOTH_RULES, async |mut client, _| {
        let status = client.status().await;
        assert_eq!((status.rules_version, status.newest_rules_version), (1, 2));
        let size = status.log_size;
        let (before, rules) = titles(&mut client, None).await;
        assert_eq!(rules, 1, "a log with events adopts nothing by itself");
        let digested = digest(&mut client, size).await;
        assert!(digested.1 > 100, "{digested:?}");
        let (foretold, count) = foretold(&mut client, &before).await;
        assert!(count > 1_000, "{count}");
        require_refusals(&mut client, size).await;
        let mut request = pb::ListTitlesRequest { page_size: 5, ..Default::default() };
        let first = client.register.list_titles(request.clone()).await.unwrap().into_inner();

        // Of calls at the same time one records it, and all say where.
        let (mut one, mut two) = (client.clone(), client.clone());
        let (one, two) = tokio::join!(adopt(&mut one, None, None), adopt(&mut two, Some(2), None));
        let (one, two) = (one.unwrap(), two.unwrap());
        assert_ne!(one.recorded, two.recorded);
        for answer in [one, two] {
            assert_eq!((answer.version, answer.position), (2, Some(size)));
        }
        require_final(&mut client, size).await;
        assert_eq!(titles(&mut client, Some(size)).await, (before.clone(), 1));
        assert_eq!(titles(&mut client, None).await, (foretold.clone(), 2));
        assert_eq!(digest(&mut client, size).await, digested);
        request.page_token = first.next_page_token;
        let next = client.register.list_titles(request).await.unwrap().into_inner();
        assert_eq!((next.as_of, next.titles.len()), (first.as_of, 5), "a token keeps its rules");
        (before, foretold, size)
    })
    .unwrap();

    with_server(&data, BOTH_RULES, async |mut client, _| {
        let status = client.status().await;
        assert_eq!((status.log_size, status.rules_version), (size + 1, 2));
        assert_eq!(titles(&mut client, Some(size)).await, (before, 1));
        assert_eq!(titles(&mut client, None).await, (after, 2));
    })
    .unwrap();
    require_refused_by_the_program(&data, size);
}

/// A program that lacks the version says so, does not speak of damage, and changes nothing.
fn require_refused_by_the_program(data: &Path, size: u64) {
    let refused = with_server(data, RulesBook::RELEASED, async |_, _| ()).unwrap_err();
    let newer = |error: &StartError| {
        matches!(error, StartError::Log(LogError::NewerRules { found: 2, known: 1 }))
    };
    assert!(newer(&refused), "{refused}");
    for command in ["serve", "verify"] {
        let mut tidu = Command::new(TIDU);
        tidu.arg(command).current_dir(data.parent().unwrap());
        if command == "serve" {
            tidu.args(["--listen", "127.0.0.1:0", "--operations-listen", "off", "--data-dir"]);
        }
        let output = tidu.arg(data).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && error.contains(NEWER), "{command}: {error}");
    }
    with_server(data, BOTH_RULES, async |mut client, _| {
        assert_eq!(client.status().await.log_size, size + 1);
    })
    .unwrap();
}

#[test]
fn an_empty_log_adopts_the_newest_rules() {
    let dir = directory();
    let (data, archive) = (dir.path().join("data"), dir.path().join("log.tidu"));
    with_server(&data, RulesBook::RELEASED, async |mut client, _| {
        assert_eq!(client.status().await.log_size, 0, "version 1 needs no event");
    })
    .unwrap();
    let root = with_server(&data, BOTH_RULES, async |mut client, address| {
        let status = client.status().await;
        assert_eq!((status.log_size, status.rules_version), (1, 2));
        let request = pb::GetEventRequest { position: Some(0), raw: false };
        let recorded = client.ledger.get_event(request).await.unwrap().into_inner();
        let adopted = recorded.event.unwrap().event.unwrap();
        assert_eq!(adopted.authority, "service");
        assert_eq!(adopted.fact, Some(Fact::RulesAdopted(pb::RulesAdopted { version: 2 })));
        let mut export = Command::new(TIDU);
        export.args(["export", "--format", "raw", "--server", &address]).arg(&archive);
        assert!(export.status().unwrap().success());
        status.root_hash
    })
    .unwrap();
    with_server(&data, BOTH_RULES, async |mut client, _| {
        assert_eq!(client.status().await.root_hash, root, "it adopts once");
    })
    .unwrap();
    let imported = dir.path().join("imported");
    let mut import = Command::new(TIDU);
    let output = import.arg("import").arg(&archive).arg("--data-dir").arg(&imported);
    let output = output.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && error.contains(NEWER), "{error}");
    assert!(!imported.exists());
}

#[test]
fn an_empty_log_adopts_catalogue_and_rules_together() {
    let dir = directory();
    let data = dir.path().join("data");
    fs::write(data.with_extension("toml"), other()).unwrap();
    for start in ["first", "second"] {
        with_server(&data, BOTH_RULES, async |mut client, _| {
            let status = client.status().await;
            assert_eq!((status.log_size, status.rules_version), (2, 2), "{start} start");
            let request = pb::GetEventRequest { position: Some(1), raw: false };
            let recorded = client.ledger.get_event(request).await.unwrap().into_inner();
            let commit = recorded.event.unwrap().commit.unwrap();
            assert_eq!((commit.first_position, commit.size), (Some(0), 2), "one commit");
        })
        .unwrap();
    }
}
