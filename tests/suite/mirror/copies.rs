//! Copies in SQLite: killed at any moment, under other rules, and after a redaction.

use std::{
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use fastrand::Rng;
use rusqlite::Connection;
use tidu::{
    mirror::schema::{EVENTS, STATE, TITLES},
    protocol::pb,
    register::RulesBook,
    server::{
        Server as InProcess,
        config::{Config, OperationsListen},
    },
};

use super::{
    compared::{Compared, compare},
    tables::Kept,
    told::tell,
};
use crate::support::{
    A, BOTH_RULES, Client, Fresh, PATIENCE, Server, TIDU, annulled, directory, done, little_giant,
    passed, seed,
};

/// Rounds of a story, each with a kill.
const ROUNDS: &str = "TIDU_MIRROR_ROUNDS";
const SEED: &str = "TIDU_MIRROR_SEED";

pub fn mirror(server: &str, to: &str, more: &[&str]) -> Command {
    let mut command = Command::new(TIDU);
    command.args(["mirror", "--server", server, "--to", to]).args(more);
    command
}

pub fn once(server: &str, to: &str) -> Output {
    mirror(server, to, &["--once"]).output().unwrap()
}

/// A mirror that follows the log; what it says is thrown away.
pub fn follow(server: &str, to: &str) -> Child {
    let mut command = mirror(server, to, &[]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Ends a process without warning.
pub fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_the_register_on_every_day() {
    let mut random = seed::random(SEED);
    let (fresh, mut all) = (Fresh::start(), Compared::default());
    let path = fresh.dir.path().join("copy.db");
    let to = format!("sqlite:{}", path.display());
    let (server, mut client) = (fresh.server.address.clone(), fresh.client().await);
    let rounds = seed::count(ROUNDS, 6);
    for _ in 0..rounds {
        let running = follow(&server, &to);
        let moment = Duration::from_millis(random.u64(0..250));
        let telling = tell(&mut client, &mut random, 60);
        tokio::join!(telling, tokio::time::sleep(moment));
        kill(running);
        if random.bool() {
            done(&once(&server, &to));
            let compared = compare(&Kept::Sqlite(&path), &mut client, &mut random).await;
            all.titles += compared.titles;
            all.batches += compared.batches;
        }
    }
    done(&once(&server, &to));
    let compared = compare(&Kept::Sqlite(&path), &mut client, &mut random).await;
    assert!(compared.events >= rounds * 60, "{compared:?}");
    assert!(all.titles + compared.titles > rounds * 20 && compared.batches > 2, "{all:?}");
}

/// A server in this process that knows these rules.
async fn with_rules<T>(
    data: &Path,
    rules: RulesBook,
    play: impl AsyncFnOnce(Client, String) -> T,
) -> T {
    let (listen, operations_listen) = (([127, 0, 0, 1], 0).into(), OperationsListen::Off);
    let data_dir = data.to_owned();
    let config = Config { listen, operations_listen, data_dir, ..Config::default() };
    let server = InProcess::open(&config, rules, |why| panic!("{why}")).await.unwrap();
    let address = format!("http://{}", server.address());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(server.serve(async move { drop(stopped.await) }));
    let outcome = play(Client::connect(&address).await, address).await;
    drop(stop);
    serving.await.unwrap().unwrap();
    outcome
}

#[tokio::test(flavor = "multi_thread")]
async fn adopted_rules_make_every_title_anew() {
    let dir = directory();
    let path = dir.path().join("copy.db");
    let to = format!("sqlite:{}", path.display());
    let data = dir.path().join("data");
    let mut random = Rng::with_seed(7);
    with_rules(&data, RulesBook::RELEASED, async |mut client, address| {
        // The second version does not renew by a late review.
        client.record(vec![little_giant(A, "1", "2016-01-15")]).await.unwrap();
        client.record(vec![passed(A, "2021-05-01")]).await.unwrap();
        tell(&mut client, &mut random, 120).await;
        done(&once(&address, &to));
        compare(&Kept::Sqlite(&path), &mut client, &mut random).await;
    })
    .await;
    let before = Kept::Sqlite(&path).rows(&TITLES).await;
    with_rules(&data, BOTH_RULES, async |mut client, address| {
        let request = pb::AdoptRulesRequest { version: Some(2), ..Default::default() };
        client.admin.adopt_rules(request).await.unwrap();
        let said = once(&address, &to);
        done(&said);
        let said = String::from_utf8(said.stderr).unwrap();
        assert!(said.contains("asking for all titles again"), "{said}");
        compare(&Kept::Sqlite(&path), &mut client, &mut random).await;
        let after = Kept::Sqlite(&path).rows(&TITLES).await;
        assert_ne!(before, after, "the versions differ in this history");
        // Interrupted in the middle, the next start goes on, even with a token of no use.
        let connection = Connection::open(&path).unwrap();
        let size = client.status().await.log_size;
        let interrupted = "UPDATE mirror_state SET loading_at = ?1, loading_token = 'cut'";
        connection.execute(interrupted, [size]).unwrap();
        connection.execute("DELETE FROM titles", []).unwrap();
        drop(connection);
        done(&once(&address, &to));
        compare(&Kept::Sqlite(&path), &mut client, &mut random).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redacted_event_leaves_the_copy() {
    let Fresh { server, dir } = Fresh::start();
    let data = dir.path().join("data");
    let path = dir.path().join("copy.db");
    let to = format!("sqlite:{}", path.display());
    let mut client = server.client().await;
    client.record(vec![little_giant(A, "1", "2019-06-05")]).await.unwrap();
    client.record(vec![annulled(0)]).await.unwrap();
    done(&once(&server.address, &to));
    let kept = Kept::Sqlite(&path).rows(&EVENTS).await;
    assert!(kept[0]["event"].contains(A), "{kept:?}");
    assert_eq!(server.terminate(), Some(0));
    let redact = ["redact", "--reason", "示例", "--yes", "--data-dir"];
    let redacted = Command::new(TIDU).args(redact).arg(&data).arg("0").output().unwrap();
    done(&redacted);
    let server = Server::start(&data);
    let said = once(&server.address, &to);
    done(&said);
    assert!(String::from_utf8_lossy(&said.stderr).contains("erased"), "{said:?}");
    let kept = Kept::Sqlite(&path).rows(&EVENTS).await;
    assert_eq!((kept[0]["event"].as_str(), kept[0]["withheld"].as_str()), ("-", "1"));
    let mut client = server.client().await;
    compare(&Kept::Sqlite(&path), &mut client, &mut Rng::with_seed(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_ends_by_itself_and_outlives_its_server() {
    let dir = directory();
    let (data, path) = (dir.path().join("data"), dir.path().join("copy.db"));
    let to = format!("sqlite:{}", path.display());
    let server = Server::start(&data);
    let (address, mut client) = (server.address.clone(), server.client().await);
    let listen = address.trim_start_matches("http://").to_owned();
    client.record(vec![little_giant(A, "1", "2019-06-05")]).await.unwrap();
    done(&once(&address, &to));
    let mut running = follow(&address, &to);
    drop(client);
    server.kill();
    let server = Server::start_at(&data, &listen);
    let mut client = server.client().await;
    client.record(vec![passed(A, "2021-05-01")]).await.unwrap();
    let caught_up = async {
        loop {
            let state = Kept::Sqlite(&path).rows(&STATE).await;
            if state.first().is_some_and(|row| row["next_position"] == "2") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, caught_up).await.unwrap();
    let pid = running.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert_eq!(running.wait().unwrap().code(), Some(0));
    compare(&Kept::Sqlite(&path), &mut client, &mut Rng::with_seed(2)).await;
}

/// The views are those of today, without a write at midnight.
#[tokio::test(flavor = "multi_thread")]
async fn the_view_of_today_is_the_list_of_today() {
    let fresh = Fresh::start();
    let path = fresh.dir.path().join("copy.db");
    let to = format!("sqlite:{}", path.display());
    let mut client = fresh.client().await;
    tell(&mut client, &mut seed::random(SEED), 60).await;
    done(&once(&fresh.server.address, &to));
    let listed = async |client: &mut Client| {
        let request = pb::ListTitlesRequest { page_size: 1_000, ..Default::default() };
        let page = client.register.list_titles(request).await.unwrap().into_inner();
        let mut titles: Vec<_> = page
            .titles
            .into_iter()
            .map(|row| {
                let title = row.title.unwrap();
                format!("{} {} {} {}", row.designee, title.programme, title.authority, row.name)
            })
            .collect();
        titles.sort();
        (titles, page.as_of.unwrap().valid_on)
    };
    loop {
        let (titles, today) = listed(&mut client).await;
        let connection = Connection::open(&path).unwrap();
        let statement = "SELECT designee || ' ' || programme || ' ' || authority || ' ' || name \
                         FROM titles_today";
        let mut statement = connection.prepare(statement).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        let mut viewed: Vec<String> = rows.map(Result::unwrap).collect();
        viewed.sort();
        // Between the two questions it may have become midnight.
        if listed(&mut client).await.1 == today {
            assert_eq!(viewed, titles);
            assert!(!titles.is_empty());
            return;
        }
    }
}
