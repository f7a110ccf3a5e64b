//! Due, leased, finished, waiting again: 64 workers that ask for a hundred jobs per call, and report a hundred ends per call.

use crate::{
    Args,
    drive::{Done, Drive},
    many_schedules::{Many, put_many},
    report::Figure,
    stage::{Server, Stage},
};

/// More than any queue here finishes in a second.
const DUE_PER_SECOND: u32 = 75_000;

pub(crate) async fn measure(args: &Args, server: &Server) -> anyhow::Result<Vec<Figure>> {
    let many = on_hosts(args, server, "batch", "cycles, 100 per call, 100 hosts", 100).await?;
    let one = on_hosts(args, server, "batch_one_host", "cycles, 100 per call, one host", 1).await?;
    Ok(vec![many, one])
}

async fn on_hosts(args: &Args, server: &Server, key: &'static str, what: &str, hosts: u32) -> anyhow::Result<Figure> {
    let stage = Stage::set(args, server, key, &[]).await?;
    put_many(&stage, Many::backlog(hosts, DUE_PER_SECOND, args.measured_for())).await?;
    let done = Done::default();
    let drive = Drive { workers: 64, connections: 4, batch: 100 };
    let cost = drive.while_watched(&stage, &done, done.warm_cost(server, &stage, args.measured_for())).await?;
    Ok(cost.detail(Figure::new(key, what, cost.rate, "/s")))
}
