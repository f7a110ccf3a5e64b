//! Pool, transactions and servers of one's own, for real.

#![allow(clippy::unwrap_used, reason = "a test may stop where it cannot go on")]

mod migrations;

use codeimport_pg::{Db, DbError, Embedded, Migration, PoolConfig, Runner, Statement, test_util::TestDb};
use scoped_futures::ScopedFutureExt as _;
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::sync::Barrier;

fn runner(sql: &str) -> Runner {
    Runner::new(&[Migration::unapplied("V1__numbers", sql).unwrap()])
}

async fn numbers() -> (TestDb, Db) {
    let test_db = TestDb::new(&[("numbers", runner("CREATE TABLE number (id int PRIMARY KEY, n int NOT NULL)"))]).await;
    let db = test_db.db("numbers");
    let client = db.client().await.unwrap();
    client.execute("INSERT INTO number (id, n) VALUES (1, 0), (2, 0)", &[]).await.unwrap();
    (test_db, db)
}

async fn add_one(db: &Db, id: i32, other: i32, met: &Barrier, attempts: &AtomicU32) -> Result<(), DbError> {
    db.run_tx("test.add_one", |tx| {
        async move {
            let first = attempts.fetch_add(1, Ordering::SeqCst) < 2;
            tx.execute("UPDATE number SET n = n + 1 WHERE id = $1", &[&id]).await?;
            if first {
                met.wait().await;
            }
            tx.execute("UPDATE number SET n = n + 1 WHERE id = $1", &[&other]).await?;
            Ok(())
        }
        .scope_boxed()
    })
    .await
}

#[tokio::test]
async fn deadlocked_transactions_are_tried_again_and_both_commit() {
    let (_test_db, db) = numbers().await;
    let (met, attempts) = (Barrier::new(2), AtomicU32::new(0));
    let (a, b) = tokio::join!(add_one(&db, 1, 2, &met, &attempts), add_one(&db, 2, 1, &met, &attempts));
    a.unwrap();
    b.unwrap();
    assert_eq!(attempts.load(Ordering::SeqCst), 3, "the victim of the deadlock was tried once more");
    let row = db.client().await.unwrap().query_one("SELECT min(n), max(n) FROM number", &[]).await.unwrap();
    assert_eq!((row.get::<_, i32>(0), row.get::<_, i32>(1)), (2, 2));
}

#[tokio::test]
async fn an_error_of_the_body_rolls_back() {
    let (_test_db, db) = numbers().await;
    let result: Result<(), DbError> = db
        .run_tx("test.fail", |tx| {
            async move {
                tx.execute("UPDATE number SET n = 9", &[]).await?;
                Err(DbError::decode("n", &"made up"))
            }
            .scope_boxed()
        })
        .await;
    assert!(matches!(result, Err(DbError::Decode { .. })));
    let row = db.client().await.unwrap().query_one("SELECT max(n) FROM number", &[]).await.unwrap();
    assert_eq!(row.get::<_, i32>(0), 0);
}

async fn add(db: &Db, first: i32, last: i32) -> Result<(), DbError> {
    const ADD: &str = "UPDATE number SET n = n + 1 WHERE 1 / $1::int = 1";
    db.run_tx("test.add", |tx| {
        async move {
            tx.begin_with(&[Statement::new("SELECT 1"), Statement::new(ADD).bind(first)]).await?;
            tx.commit_with(&[Statement::new(ADD).bind(last)]).await.map(drop)
        }
        .scope_boxed()
    })
    .await
}

#[tokio::test]
async fn what_travels_with_begin_and_commit_is_one_transaction() {
    let (_test_db, db) = numbers().await;
    let sum = async || db.client().await.unwrap().query_one("SELECT max(n) FROM number", &[]).await.unwrap();
    add(&db, 1, 1).await.unwrap();
    assert_eq!(sum().await.get::<_, i32>(0), 2);
    assert!(add(&db, 1, 0).await.is_err(), "divides by zero");
    assert!(add(&db, 0, 1).await.is_err());
    assert_eq!(sum().await.get::<_, i32>(0), 2, "neither left anything");
}

#[tokio::test]
async fn a_transaction_that_is_given_up_rolls_back_at_once() {
    let test_db = TestDb::new(&[("numbers", runner("CREATE TABLE number (id int PRIMARY KEY)"))]).await;
    let db = test_db.db("numbers");
    let (waits, entered) = (Barrier::new(2), Barrier::new(2));
    let body = db.run_tx::<(), DbError, _>("test.given_up", |tx| {
        let (waits, entered) = (&waits, &entered);
        async move {
            tx.execute("INSERT INTO number (id) VALUES (1)", &[]).await?;
            entered.wait().await;
            waits.wait().await;
            Ok(())
        }
        .scope_boxed()
    });
    tokio::select! {
        _ = body => unreachable!("it waits"),
        _ = entered.wait() => {}
    }
    let client = db.client().await.unwrap();
    client.execute("INSERT INTO number (id) VALUES (1)", &[]).await.unwrap();
    assert_eq!(client.query_one("SELECT count(*) FROM number", &[]).await.unwrap().get::<_, i64>(0), 1);
}

#[tokio::test]
async fn a_broken_unique_constraint_is_named() {
    let (_test_db, db) = numbers().await;
    let error = db.client().await.unwrap().execute("INSERT INTO number (id, n) VALUES (1, 1)", &[]).await.unwrap_err();
    assert_eq!(error.unique_violation(), Some("number_pkey"));
    assert!(!error.is_unavailable() && !error.is_contention());
}

#[tokio::test]
async fn each_connection_has_bounded_times_and_a_name() {
    let (_test_db, db) = numbers().await;
    let client = db.client().await.unwrap();
    let row = client
        .query_one(
            "SELECT current_setting('statement_timeout'), current_setting('lock_timeout'), \
             current_setting('application_name'), current_setting('search_path')",
            &[],
        )
        .await
        .unwrap();
    let settings: Vec<String> = (0..4).map(|at| row.get(at)).collect();
    assert_eq!(settings, ["15s", "5s", "codeimport-numbers", "numbers"]);
}

#[tokio::test]
async fn a_database_that_is_not_there_is_unavailable_and_not_a_hang() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().display().to_string().replace('/', "%2F");
    let db = Db::connect(&format!("postgresql://nobody@{socket}/none"), PoolConfig::for_service("none")).unwrap();
    let error = db.ping().await.unwrap_err();
    assert!(error.is_unavailable(), "{error:?}");
}

/// Below /tmp and open to be entered, because for root the server is another user.
fn server_dir() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

async fn count(db: &Db) -> Result<i64, DbError> {
    Ok(db.client().await?.query_one("SELECT count(*) FROM kept", &[]).await?.get(0))
}

async fn create_kept(server: &Embedded) -> Db {
    let db = Db::connect(&server.service_url("queue"), PoolConfig::for_service("queue")).unwrap();
    let client = db.client().await.unwrap();
    client.execute("CREATE TABLE kept (n int)", &[]).await.unwrap();
    client.execute("INSERT INTO kept VALUES (1)", &[]).await.unwrap();
    db
}

#[tokio::test]
async fn an_embedded_server_keeps_its_data_and_a_pool_survives_its_restart() {
    let dir = server_dir();
    let server = Embedded::start(dir.path()).await.unwrap();
    let db = create_kept(&server).await;
    server.stop().await.unwrap();
    let away = count(&db).await.unwrap_err();
    assert!(away.is_unavailable(), "{away:?}");
    let server = Embedded::start(dir.path()).await.unwrap();
    assert_eq!(count(&db).await.unwrap(), 1);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn two_processes_never_share_a_data_folder() {
    let dir = server_dir();
    let _server = Embedded::start(dir.path()).await.unwrap();
    let error = Embedded::start(dir.path()).await.map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("in use by another process"), "{error}");
}

#[tokio::test]
async fn a_killed_server_is_recovered_by_the_next_start() {
    let dir = server_dir();
    let server = Embedded::start(dir.path()).await.unwrap();
    let db = create_kept(&server).await;
    let pid = server.pid().unwrap();
    kill(pid);
    drop(server);
    let _server = Embedded::start(dir.path()).await.unwrap();
    assert_eq!(count(&db).await.unwrap(), 1);
}

#[tokio::test]
async fn a_server_left_behind_is_ended_by_the_next_start() {
    let dir = server_dir();
    let server = Embedded::start(dir.path()).await.unwrap();
    let program = std::fs::read_link(format!("/proc/{}/exe", server.pid().unwrap())).unwrap();
    server.stop().await.unwrap();
    // A server whose parent does not hold the folder's lock is what a killed parent leaves.
    let orphan = tokio::task::spawn_blocking({
        let cluster = dir.path().join("cluster");
        move || {
            let socket = format!("unix_socket_directories={}", cluster.display());
            let mut command = codeimport_subprocess::Command::new(program).arg("-D").arg(cluster);
            command = command.args(["-c", "listen_addresses=", "-c", &socket]).cwd("/");
            if codeimport_subprocess::current_user_is_root() {
                command = command.run_as(codeimport_subprocess::User::find("postgres").unwrap());
            }
            command.start().unwrap()
        }
    })
    .await
    .unwrap();
    let pid_file = dir.path().join("cluster/postmaster.pid");
    while !std::fs::read_to_string(&pid_file).is_ok_and(|text| text.contains("ready")) {
        assert!(orphan.is_running(), "{}", orphan.log_tail());
        tokio::task::yield_now().await;
    }
    let server = Embedded::start(dir.path()).await.unwrap();
    assert!(!orphan.is_running());
    server.stop().await.unwrap();
    tokio::task::spawn_blocking(|| drop(orphan)).await.unwrap();
}

fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

#[tokio::test]
async fn a_number_in_an_old_pid_file_that_is_somebody_elses_is_left_alone() {
    let dir = server_dir();
    Embedded::start(dir.path()).await.unwrap().stop().await.unwrap();
    let ours = std::process::id();
    std::fs::write(dir.path().join("cluster/postmaster.pid"), format!("{ours}\n{}\n", dir.path().display())).unwrap();
    Embedded::start(dir.path()).await.unwrap().stop().await.unwrap();
}

#[tokio::test]
async fn a_folder_too_deep_for_a_socket_works_all_the_same() {
    let dir = server_dir();
    let deep = dir.path().join("d".repeat(60)).join("e".repeat(60));
    let server = Embedded::start(&deep).await.unwrap();
    assert!(deep.join("cluster/PG_VERSION").exists());
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_service_cannot_look_into_anothers_schema() {
    let dir = server_dir();
    let server = Embedded::start(dir.path()).await.unwrap();
    create_kept(&server).await;
    let registry = Db::connect(&server.service_url("registry"), PoolConfig::for_service("registry")).unwrap();
    let error = registry.client().await.unwrap().query("SELECT n FROM queue.kept", &[]).await.unwrap_err();
    assert!(!error.is_unavailable(), "refused, not away: {error:?}");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn with_postgres_hands_on_a_server_and_the_exit_code() {
    let program = Path::new(env!("CARGO_BIN_EXE_with-postgres"));
    let script = "case $CODEIMPORT_TEST_DATABASE_URL in postgresql:*) exit 42;; esac";
    let command = codeimport_subprocess::Command::new(program).args(["sh", "-c", script]);
    let output = tokio::task::spawn_blocking(move || command.timeout(Duration::from_secs(60)).run()).await.unwrap();
    let output = Arc::new(output.unwrap());
    assert_eq!(output.code, Some(42), "{}", output.stderr);
}
