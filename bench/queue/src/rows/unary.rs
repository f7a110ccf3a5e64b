//! One job per call, 64 workers: what a fleet of small workers sees.

use crate::{
    Args,
    drive::{Done, Drive},
    many_schedules::{Many, put_many},
    report::Figure,
    stage::{Server, Stage},
};

const JOBS: u32 = 50_000;

pub(crate) async fn measure(args: &Args, server: &Server) -> anyhow::Result<Vec<Figure>> {
    let stage = Stage::set(args, server, "unary", &[]).await?;
    put_many(&stage, Many { schedules: JOBS, due: JOBS, interval_seconds: 1 }).await?;
    let done = Done::default();
    let drive = Drive { workers: 64, connections: 4, batch: 1 };
    let rate = drive.while_watched(&stage, &done, async { Ok(done.warm_rate(args.measured_for()).await) }).await?;
    let figure = Figure::new("unary", "cycles, one job per call, 64 workers", rate, "/s");
    Ok(vec![figure.goal(">= 6,000/s; moonshot 10,000", rate >= 6_000.0)])
}
