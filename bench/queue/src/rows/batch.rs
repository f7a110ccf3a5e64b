//! Due, leased, finished: workers that ask for a hundred jobs per call, and report their ends as they come.

use crate::{
    Args,
    drive::{Done, Drive},
    many_schedules::{Many, put_many},
    report::Figure,
    stage::{Server, Stage},
};

/// Due again a second after each run: more than any queue here finishes in that time.
const JOBS: u32 = 100_000;

pub(crate) async fn measure(args: &Args, server: &Server) -> anyhow::Result<Vec<Figure>> {
    let stage = Stage::set(args, server, "batch", &[]).await?;
    put_many(&stage, Many { schedules: JOBS, due: JOBS, interval_seconds: 1 }).await?;
    let done = Done::default();
    let drive = Drive { workers: 8, connections: 4, batch: 100 };
    let rate = drive.while_watched(&stage, &done, async { Ok(done.warm_rate(args.measured_for()).await) }).await?;
    Ok(vec![Figure::new("batch", "cycles, 100 leases per call", rate, "/s")])
}
