//! Somebody holds a snapshot (a report, a backup), so that nothing deleted can be cleaned up: whether the queue keeps
//! its rate.

use crate::{
    Args,
    drive::{Done, Drive},
    many_schedules::{HOSTS, Many, put_many},
    report::Figure,
    stage::{Server, Stage},
};
use codeimport_pg::{Db, DbError};
use scoped_futures::ScopedFutureExt as _;
use std::time::Duration;
use tokio::sync::Notify;

/// The schedule itself offers a thousand runs a second: so many jobs, each due again after so many seconds. An import runs
/// every few hours; what counts is that hardly any runs again and again under one snapshot.
const JOBS: u32 = 100_000;
const INTERVAL_SECONDS: u32 = 100;
/// So long the rate is looked at before the snapshot, and at its end.
const LOOK: Duration = Duration::from_secs(10);

pub(crate) async fn measure(args: &Args, server: &Server) -> anyhow::Result<Vec<Figure>> {
    let stage = Stage::set(args, server, "snapshot", &[]).await?;
    let many = Many {
        hosts: HOSTS,
        schedules: JOBS,
        due: JOBS,
        spread_seconds: INTERVAL_SECONDS,
        interval_seconds: INTERVAL_SECONDS.into(),
    };
    put_many(&stage, many).await?;
    let done = Done::default();
    let drive = Drive { workers: 16, connections: 4, batch: 20 };
    let watch = async {
        let before = done.warm_rate(LOOK).await;
        let may_end = Notify::new();
        let look = async {
            tokio::time::sleep(args.hold().saturating_sub(LOOK)).await;
            let at_the_end = done.rate(LOOK).await;
            let dead = dead_rows(&stage.db).await;
            may_end.notify_one();
            Ok::<_, anyhow::Error>((at_the_end, dead?))
        };
        let (held, seen) = tokio::join!(hold_snapshot(&stage.db, &may_end), look);
        held?;
        Ok((before, seen?))
    };
    let (before, (at_the_end, dead)) = drive.while_watched(&stage, &done, watch).await?;
    let percent = at_the_end / before * 100.0;
    let what = format!("rate after a snapshot was held for {} s", args.hold().as_secs());
    let met = (args.hold() >= Duration::from_secs(600)).then_some(percent >= 95.0);
    let figure = Figure::new("snapshot", what, percent, "%").goal(">= 95 % after 10 min at 1,000/s", met);
    Ok(vec![figure.detail("before /s", before).detail("at the end /s", at_the_end).detail("dead rows", dead)])
}

async fn hold_snapshot(db: &Db, may_end: &Notify) -> Result<(), DbError> {
    db.run_tx("bench.hold_snapshot", |tx| {
        async move {
            tx.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", &[]).await?;
            tx.query("SELECT 1", &[]).await?;
            may_end.notified().await;
            Ok(())
        }
        .scope_boxed()
    })
    .await
}

async fn dead_rows(db: &Db) -> anyhow::Result<f64> {
    let sum = "SELECT coalesce(sum(n_dead_tup), 0)::float8 FROM pg_stat_user_tables WHERE schemaname = 'queue'";
    Ok(db.client().await?.query_one(sum, &[]).await?.get(0))
}
