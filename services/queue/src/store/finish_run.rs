//! The holder ends its lease: with an outcome, or by giving the job back.

use super::{
    LeaseName, LogLine, Store, StoreError,
    end_run::{Ending, end_run, lock_held},
    run_log,
};
use crate::run::RunStats;
use codeimport_core::{Outcome, Stage};
use codeimport_pg::{Tx, row::get};
use jiff::Timestamp;
use scoped_futures::ScopedFutureExt as _;
use std::time::Duration;

/// How a run went, by its worker's word.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finish {
    /// The lease.
    pub lease: LeaseName,
    /// How it ended.
    pub outcome: Outcome,
    /// In which stage.
    pub stage: Option<Stage>,
    /// What happened and what to do, for people. Cut to 4,000 bytes.
    pub message: String,
    /// What was done.
    pub stats: RunStats,
    /// Lines that no heartbeat has brought.
    pub log_lines: Vec<LogLine>,
    /// The host asked not to be called earlier.
    pub retry_after: Option<Duration>,
}

/// A job given back unfinished.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Release {
    /// The lease.
    pub lease: LeaseName,
    /// Why, for the record.
    pub reason: String,
    /// Lines that no heartbeat has brought.
    pub log_lines: Vec<LogLine>,
}

impl Store {
    /// Ends the lease, records how the run went, and says when the job runs next (none: not by itself). The same
    /// finish again gets the same answer.
    ///
    /// # Errors
    ///
    /// [`StoreError::LeaseLost`]: nothing was recorded.
    pub async fn finish_run(&self, finish: &Finish) -> Result<Option<Timestamp>, StoreError> {
        let ending = Ending {
            outcome: finish.outcome,
            stage: finish.stage,
            message: &finish.message,
            stats: Some(finish.stats),
            retry_after: finish.retry_after,
        };
        self.end_held("queue.finish_run", &finish.lease, &ending, &finish.log_lines).await
    }

    /// Gives the job back: due at once in its old place, nothing counted. Again is the same as once.
    ///
    /// # Errors
    ///
    /// [`StoreError::LeaseLost`].
    pub async fn release_lease(&self, release: &Release) -> Result<(), StoreError> {
        let ending = Ending {
            outcome: Outcome::Released,
            stage: None,
            message: &release.reason,
            stats: None,
            retry_after: None,
        };
        self.end_held("queue.release_lease", &release.lease, &ending, &release.log_lines).await.map(drop)
    }

    async fn end_held(
        &self,
        name: &'static str,
        lease: &LeaseName,
        ending: &Ending<'_>,
        log_lines: &[LogLine],
    ) -> Result<Option<Timestamp>, StoreError> {
        let (limits, chance) = (&self.limits, rand::random());
        self.db
            .run_tx(name, |tx| {
                async move {
                    let Some(held) = lock_held(tx, lease).await? else {
                        return ended_before(tx, lease, ending.outcome).await;
                    };
                    let lines: Vec<_> = log_lines.iter().map(|line| (lease.run_id, line)).collect();
                    run_log::append_lines(tx, &lines).await?;
                    let next = end_run(tx, &held, ending, limits, chance).await?;
                    Ok(next.then.due_at())
                }
                .scope_boxed()
            })
            .await
    }
}

/// The answer of a run that ended with the same outcome: the call is a repeat. Anything else is a lost lease.
async fn ended_before(tx: &Tx<'_>, lease: &LeaseName, outcome: Outcome) -> Result<Option<Timestamp>, StoreError> {
    let row = tx
        .query_opt(
            "-- queue.ended_before
             SELECT next_due_at
               FROM run
              WHERE job_id = $1 AND run_id = $2 AND fencing_token = $3 AND state = 'finished' AND outcome = $4",
            &[&lease.job_id.as_str(), &lease.run_id.0, &lease.fencing_token.0, &outcome.name()],
        )
        .await?;
    let row = row.ok_or(StoreError::LeaseLost)?;
    Ok(get(&row, "next_due_at")?)
}
