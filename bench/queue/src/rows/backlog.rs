//! Whether leasing gets slower with the number of schedules: one lease at a time from a large table and from a small one.

use crate::{
    Args,
    latency::Latencies,
    many_schedules::{HOSTS, Many, put_many},
    report::Figure,
    stage::{Server, Stage},
};
use anyhow::Context as _;
use std::time::Instant;

/// The small table; the share of due jobs, a fifth, is that of the large one.
const SMALL: u32 = 10_000;
const LEASES: u32 = 1_500;
/// The first ones fill caches.
const WARM_UP: u32 = 100;

pub(crate) async fn measure(args: &Args, server: &Server) -> anyhow::Result<Vec<Figure>> {
    let small = lease_latencies(args, server, "backlog_small", SMALL).await?;
    let large = lease_latencies(args, server, "backlog_large", args.schedules()).await?;
    let ratio = large.percentile_ms(50) / small.percentile_ms(50);
    let what = format!("lease p50: {} schedules to {SMALL}", args.schedules());
    let met = (args.schedules() >= 5_000_000).then_some(ratio <= 1.1);
    let figure = Figure::new("backlog", what, ratio, "x").goal("<= 1.1 at 5,000,000, 1,000,000 due", met);
    let figure = figure.detail("small p50 ms", small.percentile_ms(50)).detail("large p50 ms", large.percentile_ms(50));
    Ok(vec![figure.detail("small p99 ms", small.percentile_ms(99)).detail("large p99 ms", large.percentile_ms(99))])
}

async fn lease_latencies(args: &Args, server: &Server, name: &str, schedules: u32) -> anyhow::Result<Latencies> {
    let stage = Stage::set(args, server, name, &[]).await?;
    put_many(
        &stage,
        Many { hosts: HOSTS, schedules, due: schedules / 5, spread_seconds: 0, interval_seconds: 6 * 3_600 },
    )
    .await?;
    let mut client = stage.client()?;
    let mut latencies = Latencies::default();
    for number in 0..WARM_UP + LEASES {
        let began = Instant::now();
        let leases = client.acquire("one", 1, 0).await?;
        if number >= WARM_UP {
            latencies.add(began.elapsed());
        }
        let lease = leases.first().with_context(|| format!("nothing is due after {number} leases"))?;
        client.finish(lease).await?;
    }
    Ok(latencies)
}
