//! A schema changes while the previous binary goes on serving.

use codeimport_integration_tests::{
    QueueClient, QueueOptions, Queues, acquire_request, eventually, put_request, workspace_root,
};
use codeimport_pg::{Db, DbError, Migration, Runner};
use codeimport_proto::common::Outcome;
use codeimport_proto::queue::HeartbeatItem;
use scoped_futures::ScopedFutureExt as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::sync::Notify;

const JOBS: i64 = 20;

/// The present migrations, and the next ones: a column on the table that everything goes through, and an index on it.
fn next_migrations() -> Runner {
    let folder = workspace_root().join("migrations/queue");
    let mut migrations = Vec::new();
    for file in std::fs::read_dir(folder).expect("the queue has migrations") {
        let path = file.expect("the folder can be read").path();
        let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        let sql = std::fs::read_to_string(&path).expect("a migration can be read");
        migrations.push(migration(&name, &sql));
    }
    migrations.push(migration("V9001__add_note", "ALTER TABLE job ADD COLUMN note text"));
    let index = "-- migrate: outside a transaction\nDROP INDEX CONCURRENTLY IF EXISTS job_by_note;\n\
                 CREATE INDEX CONCURRENTLY job_by_note ON job (note);\n";
    migrations.push(migration("V9002__index_note", index));
    Runner::new(&migrations)
}

fn migration(name: &str, sql: &str) -> Migration {
    Migration::unapplied(name, sql).expect("the name is that of a migration")
}

/// What the workers have done so far, and whether they may stop.
#[derive(Default)]
struct Load {
    runs: AtomicU64,
    over: AtomicBool,
}

impl Load {
    /// One worker: leases, heartbeats, finishes, and asks for more. Any error ends the story.
    async fn work(&self, mut client: QueueClient, name: &str) {
        while !self.over.load(Ordering::SeqCst) {
            let leases = client.acquire(acquire_request(name, 3, 1)).await.expect("leases are granted");
            for lease in leases {
                let item = HeartbeatItem { lease_token: lease.lease_token.clone(), ..Default::default() };
                client.beat(item).await.expect("heartbeats are answered");
                client.finish(&lease, Outcome::Partial).await.expect("runs can be finished");
                self.runs.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    /// Waits until the workers have done so many runs more.
    async fn goes_on(&self, more: u64) {
        let goal = self.runs.load(Ordering::SeqCst) + more;
        eventually("runs go on", async || (self.runs.load(Ordering::SeqCst) >= goal).then_some(())).await;
    }
}

/// Holds the table, as a report that somebody runs does, until it may end. Tells when it has it.
async fn hold_the_table(db: &Db, has_it: &Notify, may_end: &Notify) -> Result<(), DbError> {
    db.run_tx("test.read_for_long", |tx| {
        async move {
            tx.query("SELECT count(*) FROM job", &[]).await?;
            has_it.notify_one();
            may_end.notified().await;
            Ok(())
        }
        .scope_boxed()
    })
    .await
}

/// Waits until a migration stands before a table that somebody holds.
async fn migration_waits(db: &Db) {
    let waits = "SELECT FROM pg_stat_activity
                  WHERE application_name = 'codeimport-migrate-queue' AND wait_event_type = 'Lock'";
    eventually("the migration waits for the table", async || {
        let client = db.client().await.ok()?;
        client.query_opt(waits, &[]).await.ok()?.map(drop)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_migration_is_applied_under_load_and_the_previous_binary_notices_nothing() {
    let queues = Queues::start(QueueOptions { replicas: 2, ..Default::default() }).await;
    let mut client = queues.client(0);
    for number in 0..JOBS {
        client.put(put_request(&format!("job-{number}"), 1, 3600)).await.expect("the schedule is valid");
    }
    let (db, load) = (queues.database(), Load::default());
    let (held, may_end) = (Notify::new(), Notify::new());
    let change = async {
        load.goes_on(50).await;
        let overlap = async {
            migration_waits(&db).await;
            load.goes_on(50).await;
            may_end.notify_one();
        };
        let migration = async {
            held.notified().await;
            db.migrate("queue", next_migrations()).await
        };
        let (read, migrated, ()) = tokio::join!(hold_the_table(&db, &held, &may_end), migration, overlap);
        read.expect("the table can be read");
        migrated.expect("the migration is applied in the end");
        load.goes_on(50).await;
        load.over.store(true, Ordering::SeqCst);
    };
    let workers = async { tokio::join!(load.work(queues.client(0), "first"), load.work(queues.client(1), "second")) };
    tokio::join!(change, workers);
    let column = "SELECT FROM pg_indexes WHERE schemaname = 'queue' AND indexname = 'job_by_note'";
    let found = db.client().await.expect("the database is up").query_opt(column, &[]).await;
    assert!(found.expect("the catalogue can be read").is_some(), "the index is there");
}
