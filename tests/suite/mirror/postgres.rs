//! Copies in PostgreSQL, in a cluster of its own. `tests/mirror/run.sh` installs the server where
//! it is missing, and runs these; elsewhere they pass over.

use std::time::Duration;

use tidu::mirror::schema::{COPIED, STATE};
use tokio_postgres::NoTls;

use super::{
    cluster::Cluster,
    compared::compare,
    copies::{follow, kill, mirror, once},
    tables::Kept,
    told::tell,
};
use crate::support::{Fresh, done, seed};

/// Kills of a run.
const KILLS: &str = "TIDU_MIRROR_KILLS";
const SEED: &str = "TIDU_MIRROR_SEED";

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_in_postgres_survives_kills_of_both_sides() {
    let Some(mut cluster) = Cluster::start().await else { return };
    let mut random = seed::random(SEED);
    let fresh = Fresh::start();
    let (server, mut client) = (fresh.server.address.clone(), fresh.client().await);
    let to = cluster.address();
    let kills = seed::count(KILLS, 12);
    let (mut of_mirrors, mut of_databases, mut compared) = (0, 0, 0);
    let mut running = follow(&server, &to);
    while of_mirrors + of_databases < kills {
        let moment = Duration::from_millis(random.u64(0..400));
        let telling = tell(&mut client, &mut random, 20);
        tokio::join!(telling, tokio::time::sleep(moment));
        if random.bool() {
            kill(running);
            of_mirrors += 1;
            running = follow(&server, &to);
        } else {
            cluster.stop(if random.bool() { "-KILL" } else { "-QUIT" });
            of_databases += 1;
            cluster.open().await;
        }
        if random.u8(0..10) == 0 {
            kill(running);
            of_mirrors += 1;
            done(&once(&server, &to));
            compare(&Kept::Postgres(&to), &mut client, &mut random).await;
            compared += 1;
            running = follow(&server, &to);
        }
    }
    kill(running);
    done(&once(&server, &to));
    let last = compare(&Kept::Postgres(&to), &mut client, &mut random).await;
    println!(
        "{of_mirrors} mirrors and {of_databases} databases killed, {} comparisons, {last:?}",
        compared + 1
    );
    // Both databases hold the same rows.
    let path = fresh.dir.path().join("copy.db");
    done(&once(&server, &format!("sqlite:{}", path.display())));
    for table in COPIED {
        let (mut one, mut other) =
            (Kept::Postgres(&to).rows(table).await, Kept::Sqlite(&path).rows(table).await);
        for row in one.iter_mut().chain(&mut other) {
            // Its form differs, and the groups of the two differed.
            row.remove("event");
            row.remove("known_at");
            row.remove("recorded_time");
        }
        assert_eq!(one, other, "{}", table.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_schemas_are_refused_and_two_mirrors_exclude_others() {
    let Some(cluster) = Cluster::start().await else { return };
    let fresh = Fresh::start();
    let (server, to) = (fresh.server.address.clone(), cluster.address());
    let (sql, connection) = tokio_postgres::connect(&to, NoTls).await.unwrap();
    tokio::spawn(async move { drop(connection.await) });
    sql.batch_execute("CREATE SCHEMA other; CREATE TABLE other.titles (a int)").await.unwrap();
    let refused = mirror(&server, &to, &["--once", "--schema", "other"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(5), "{refused:?}");
    let missing = to.replace("/postgres?", "/none?");
    let refused = once(&server, &missing);
    assert_eq!(refused.status.code(), Some(5), "{refused:?}");
    done(&once(&server, &to));
    let locked = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted";
    let locks = async |wanted: i64| {
        while sql.query_one(locked, &[]).await.unwrap().get::<_, i64>(0) != wanted {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    // The session of a mirror that has ended lives on for a moment.
    locks(0).await;
    let first = follow(&server, &to);
    locks(1).await;
    let second = once(&server, &to);
    assert_eq!(second.status.code(), Some(5), "{second:?}");
    kill(first);
    done(&once(&server, &to));
    sql.batch_execute("UPDATE tidu.mirror_state SET schema_version = 2").await.unwrap();
    assert_eq!(once(&server, &to).status.code(), Some(5));
    assert_eq!(Kept::Postgres(&to).rows(&STATE).await.len(), 1);
}
