//! What a million imports cost, one run each in six hours; and whether the tables grow in a week of that.
//!
//! No clock is turned: a second stands for six hours, so that 28 seconds are a week. In the first of these days the tables
//! fill, as nobody vacuums before that is over: so the end of a week is compared with the end of the week before.

use crate::{
    Args,
    drive::{Done, Drive},
    many_schedules::{HOSTS, Many, put_many},
    report::Figure,
    stage::{Server, Stage},
};
use codeimport_pg::Db;
use std::time::Duration;

/// A million in six hours.
const RUNS_PER_SECOND: u32 = 46;
/// Runs of one import in a week.
const CYCLES: u32 = 28;
/// So many imports live through the week.
const IMPORTS: u32 = 1_000;
const FEW: Drive = Drive { workers: 8, connections: 2, batch: 10 };

pub(crate) async fn measure(args: &Args, server: &Server) -> anyhow::Result<Vec<Figure>> {
    Ok(vec![cost(args, server).await?, growth(args, server).await?])
}

async fn cost(args: &Args, server: &Server) -> anyhow::Result<Figure> {
    let stage = Stage::set(args, server, "cost", &[]).await?;
    put_many(
        &stage,
        Many { hosts: HOSTS, schedules: RUNS_PER_SECOND, due: RUNS_PER_SECOND, spread_seconds: 0, interval_seconds: 1 },
    )
    .await?;
    let done = Done::default();
    let watch = async {
        done.rate(Duration::from_secs(3)).await;
        done.warm_cost(server, &stage, args.measured_for() * 4).await
    };
    let cost = FEW.while_watched(&stage, &done, watch).await?;
    let percent = cost.database_percent + cost.queue_percent;
    let figure = Figure::new("cost", "core of queue and database at 46 runs/s", percent, "%");
    let figure = figure.goal("< 15 % for a million imports", percent < 15.0).detail("runs /s", cost.rate);
    Ok(figure.detail("database %", cost.database_percent).detail("queue %", cost.queue_percent))
}

async fn growth(args: &Args, server: &Server) -> anyhow::Result<Figure> {
    let stage = Stage::set(args, server, "growth", &[]).await?;
    put_many(&stage, Many { hosts: HOSTS, schedules: IMPORTS, due: IMPORTS, spread_seconds: 0, interval_seconds: 1 })
        .await?;
    let done = Done::default();
    let watch = async {
        wait_for(&done, u64::from(IMPORTS * CYCLES)).await;
        let first = size(&stage.db).await?;
        wait_for(&done, u64::from(IMPORTS * CYCLES * 2)).await;
        Ok((first, size(&stage.db).await?))
    };
    let (first, second) = FEW.while_watched(&stage, &done, watch).await?;
    let figure = Figure::new("growth", "tables and indexes: after the second week to the first", second / first, "x");
    let figure = figure.goal("flat, but for the history", second / first <= 1.1);
    Ok(figure.detail("first MB", first / 1e6).detail("second MB", second / 1e6))
}

async fn wait_for(done: &Done, cycles: u64) {
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    while done.cycles() < cycles {
        tick.tick().await;
    }
}

/// Bytes of all tables with their indexes but those that grow until their retention ends: the run history, and which
/// request was granted what, which is kept for an hour and would be for ever in these seconds.
async fn size(db: &Db) -> anyhow::Result<f64> {
    let sum = "SELECT sum(pg_total_relation_size(relid))::float8 FROM pg_stat_user_tables
                WHERE schemaname = 'queue' AND relname NOT IN ('run', 'run_log_line', 'lease_request')";
    Ok(db.client().await?.query_one(sum, &[]).await?.get(0))
}
