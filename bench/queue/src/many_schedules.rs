//! Millions of schedules: the ONE place that writes into the queue's schema past the queue.
//!
//! A million calls of `PutSchedule` would take longer than all rows together. A job on each host is made by the real call;
//! its copies, which differ from it in nothing but their names and due times, are made by [`COPY`]. Whoever changes
//! `migrations/queue` changes that statement.

use crate::stage::Stage;
use futures_util::future::try_join_all;
use std::time::Duration;
use tonic::Status;

/// Hosts over which the jobs are spread where a row has no reason for another number.
pub(crate) const HOSTS: u32 = 500;

/// Copies of each job that is there: `$1` of them, of which `$2` are due within `$3` seconds and the others in some hours. Hosts and
/// lines are there already, and the queue finds the copies when it looks for what others have written.
const COPY: &str = "\
-- bench.copy_schedules
WITH copied AS (
    INSERT INTO job (job_id, generation, wanted, update_interval_ms, rcs_type, host_id, owner, line_id)
    SELECT job_id || '-' || copy, generation, wanted, update_interval_ms, rcs_type, host_id, owner, line_id
      FROM job, generate_series(1, $1::bigint) AS copy
     ORDER BY copy, job_id
 RETURNING job_no, job_id, line_id
)
INSERT INTO waiting (job_no, line_id, due_at, ready_at)
SELECT job_no, line_id, due_at, due_at
  FROM (SELECT job_no, line_id,
               now() + CASE WHEN substring(job_id FROM '[0-9]+$')::bigint <= $2::bigint THEN interval '1 second' * (random() * $3::bigint)
                            ELSE interval '6 hours' * (1 + random()) END AS due_at
          FROM copied) AS copied";

/// How many schedules a row wants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Many {
    /// Over so many hosts the jobs are spread.
    pub(crate) hosts: u32,
    /// All.
    pub(crate) schedules: u32,
    /// Of those, due now, or spread over this time.
    pub(crate) due: u32,
    pub(crate) spread_seconds: u32,
    /// From start to start.
    pub(crate) interval_seconds: i64,
}

impl Many {
    /// A backlog: all due now, and not again while anybody looks. Enough for so many a second, warming up included.
    pub(crate) fn backlog(hosts: u32, per_second: u32, measured_for: Duration) -> Self {
        let seconds = u32::try_from(measured_for.as_secs()).unwrap_or(u32::MAX).saturating_add(2);
        let schedules = per_second.saturating_mul(seconds);
        Self { hosts, schedules, due: schedules, spread_seconds: 0, interval_seconds: 6 * 3600 }
    }
}

/// Makes them: one per host, and copies of those where that is not enough.
pub(crate) async fn put_many(stage: &Stage, many: Many) -> anyhow::Result<()> {
    let hosts = many.schedules.min(many.hosts);
    put_one_per_host(stage, hosts, many.interval_seconds).await?;
    let copies = i64::from(many.schedules / hosts) - 1;
    let due = (i64::from(many.due / hosts) - 1).max(0);
    if copies > 0 {
        stage.db.client().await?.execute(COPY, &[&copies, &due, &i64::from(many.spread_seconds)]).await?;
        stage.db.client().await?.execute("VACUUM ANALYZE", &[]).await?;
    }
    // What the server has to do about it afterwards is not the row's.
    tokio::time::sleep(Duration::from_millis(500)).await;
    Ok(())
}

async fn put_one_per_host(stage: &Stage, hosts: u32, interval_seconds: i64) -> anyhow::Result<()> {
    const AT_ONCE: u32 = 16;
    let client = stage.client()?;
    let each = (0..AT_ONCE).map(|first| {
        let mut client = client.clone();
        async move {
            for number in (first..hosts).step_by(AT_ONCE as usize) {
                client.put(&format!("job-{number}"), &format!("host-{number}.example"), interval_seconds).await?;
            }
            Ok::<_, Status>(())
        }
    });
    try_join_all(each).await?;
    Ok(())
}
