//! Many leases that live: what their heartbeats cost the database.

use crate::{
    Args,
    cpu::CpuWatch,
    drive::count,
    many_schedules::{HOSTS, Many, put_many},
    report::Figure,
    stage::{Server, Stage},
};
use codeimport_proto::queue::Lease;
use std::time::{Duration, Instant};

/// How often each lease is extended.
const INTERVAL: Duration = Duration::from_secs(10);
/// Longer than it takes to grant all leases one after the other.
const SETTINGS: [(&str, &str); 2] =
    [("CODEIMPORT_QUEUE_LEASE_TTL", "300s"), ("CODEIMPORT_QUEUE_HEARTBEAT_INTERVAL", "10s")];
/// Most leases of one heartbeat.
const ITEMS: usize = 500;
const ROUNDS: u32 = 3;

pub(crate) async fn measure(args: &Args, server: &Server) -> anyhow::Result<Vec<Figure>> {
    let stage = Stage::set(args, server, "heartbeats", &SETTINGS).await?;
    let wanted = args.leases();
    put_many(&stage, Many { hosts: HOSTS, schedules: wanted, due: wanted, spread_seconds: 0, interval_seconds: 3_600 })
        .await?;
    let leases = acquire(&stage, wanted as usize).await?;
    let (database, queue) = (CpuWatch::start(server.pid()?)?, CpuWatch::start(stage.queue_pid())?);
    let kept = beat(&stage, &leases).await?;
    let (database, queue) = (database.percent()?, queue.percent()?);
    let what = format!("core of the database for {} live leases", leases.len());
    let met = (leases.len() >= 100_000).then_some(database <= 10.0);
    let figure = Figure::new("heartbeats", what, database, "%").goal("<= 10 % for 100,000", met);
    Ok(vec![figure.detail("core of the queue %", queue).detail("leases kept", count(kept as u64))])
}

async fn acquire(stage: &Stage, wanted: usize) -> anyhow::Result<Vec<Lease>> {
    let mut client = stage.client()?;
    let mut leases = Vec::with_capacity(wanted);
    while leases.len() < wanted {
        let more = client.acquire("keeper", 100, 1).await?;
        anyhow::ensure!(!more.is_empty(), "only {} leases were granted", leases.len());
        leases.extend(more);
    }
    Ok(leases)
}

/// A few rounds, each lease once in a round, heartbeats evenly spread. How many leases went on in the last one.
async fn beat(stage: &Stage, leases: &[Lease]) -> anyhow::Result<usize> {
    let mut client = stage.client()?;
    let messages: Vec<&[Lease]> = leases.chunks(ITEMS).collect();
    let mut tick = tokio::time::interval(INTERVAL / u32::try_from(messages.len())?);
    let mut kept = 0;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        kept = 0;
        for message in &messages {
            tick.tick().await;
            kept += client.heartbeat("keeper", message).await?;
        }
        anyhow::ensure!(began.elapsed() < INTERVAL * 2, "heartbeats take longer than their interval");
    }
    Ok(kept)
}
