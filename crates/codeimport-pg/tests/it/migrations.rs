//! Migrations: applied once, by one replica, and without stopping those who use the tables.

use crate::{numbers, runner};
use codeimport_pg::{Db, DbError, Migration, Runner, test_util::TestDb};
use scoped_futures::ScopedFutureExt as _;

#[tokio::test]
async fn replicas_that_start_together_migrate_once() {
    let test_db = TestDb::new(&[]).await;
    let sql = "CREATE TABLE once (n int); INSERT INTO once VALUES (1)";
    let replicas: Vec<_> = (0..6).map(|_| test_db.db("together")).collect();
    let started = replicas.iter().map(|db| db.migrate("together", runner(sql)));
    for result in futures_util::future::join_all(started).await {
        result.unwrap();
    }
    let row = replicas[0].client().await.unwrap().query_one("SELECT count(*) FROM once", &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 1);
}

#[tokio::test]
async fn a_schema_that_a_newer_program_made_is_refused() {
    let test_db = TestDb::new(&[("numbers", runner("CREATE TABLE number (id int)"))]).await;
    let db = test_db.db("numbers");
    let other = db.migrate("numbers", runner("CREATE TABLE number (id bigint)")).await.unwrap_err();
    let none = db.migrate("numbers", Runner::new(&[])).await.unwrap_err();
    assert!(matches!((other, none), (DbError::Migrate(_), DbError::Migrate(_))));
}

/// Waits until the migration of `numbers` stands in a queue for a lock.
async fn migration_waits_for_a_lock(db: &Db) {
    let waits = "SELECT FROM pg_stat_activity
                  WHERE application_name = 'codeimport-migrate-numbers' AND wait_event_type = 'Lock'";
    while db.client().await.unwrap().query(waits, &[]).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_migration_that_has_to_wait_lets_others_pass() {
    let (_test_db, db) = numbers().await;
    let next = Runner::new(&[
        Migration::unapplied("V1__numbers", "CREATE TABLE number (id int PRIMARY KEY, n int NOT NULL)").unwrap(),
        Migration::unapplied("V2__note", "ALTER TABLE number ADD COLUMN note text").unwrap(),
    ]);
    let migrated = db.run_tx("test.read_for_long", |tx| {
        let (db, next) = (&db, Runner::new(next.get_migrations()));
        async move {
            tx.query("SELECT n FROM number", &[]).await?;
            let mut migration = Box::pin(db.migrate("numbers", next));
            for _ in 0..2 {
                tokio::select! {
                    ended = &mut migration => panic!("it ended although the table is held: {ended:?}"),
                    () = migration_waits_for_a_lock(db) => {}
                }
                // Queued up behind the migration; answered once that gives way, long before its own limit.
                let other = db.client().await?;
                tokio::select! {
                    ended = &mut migration => panic!("it ended although the table is held: {ended:?}"),
                    passed = other.execute("UPDATE number SET n = n + 1", &[]) => passed?,
                };
            }
            Ok::<_, DbError>(())
        }
        .scope_boxed()
    });
    migrated.await.unwrap();
    db.migrate("numbers", next).await.unwrap();
    db.client().await.unwrap().query("SELECT note FROM number", &[]).await.unwrap();
}

#[tokio::test]
async fn replicas_build_an_index_concurrently_and_do_not_wait_for_each_other() {
    let (test_db, _) = numbers().await;
    let index = "-- migrate: outside a transaction\nDROP INDEX CONCURRENTLY IF EXISTS number_n;\n\
                 CREATE INDEX CONCURRENTLY number_n ON number (n);\n";
    let sql = "CREATE TABLE number (id int PRIMARY KEY, n int NOT NULL)";
    let migrations = [("V1__numbers", sql), ("V2__index", index)];
    let migrations = migrations.map(|(name, sql)| Migration::unapplied(name, sql).unwrap());
    let replicas: Vec<_> = (0..3).map(|_| test_db.db("numbers")).collect();
    let started = replicas.iter().map(|db| db.migrate("numbers", Runner::new(&migrations)));
    for result in futures_util::future::join_all(started).await {
        result.unwrap();
    }
    let valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'number_n'::regclass";
    assert!(replicas[0].client().await.unwrap().query_one(valid, &[]).await.unwrap().get::<_, bool>(0));
}
