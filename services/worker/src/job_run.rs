//! One run, from its lease to its end.
//!
//! ```text
//!   lease --> on the roster (heartbeats begin) --> pipeline --> off the roster --> finish | release | nothing
//! ```
//!
//! Heartbeats stop before the finish: afterwards there is nothing to keep alive. What is said at the end is decided in
//! [`farewell`](crate::farewell).

use crate::{
    Config,
    clients::{Clients, call_backoff},
    farewell::{Farewell, Report, farewell},
    heartbeat::Heartbeat,
    lease::{Granted, HeldLease, LeaseEnded},
    pipeline::{Done, Pipeline},
    roster::{ActiveRun, Roster},
    run_log::cut,
    stop::{self, Refusal, Stop},
};
use codeimport_convert::{ConvertError, Ssh};
use codeimport_core::Outcome;
use codeimport_kit::{config::ConfigError, failpoint, tasks};
use codeimport_proto::{
    convert::{duration_to_wire, outcome_to_wire, stage_to_wire},
    queue::{FinishRunRequest, ReleaseLeaseRequest},
};
use std::{future::Future, path::PathBuf, sync::Arc, time::Duration};
use tokio::time::Instant;
use tonic::Status;

/// Longest message of a run; the contract's limit.
const MAX_MESSAGE_LEN: usize = 4_000;

/// Log lines sent with the last word, at most, and their bytes: gRPC servers take messages of 4 MiB.
const MAX_LINES: usize = 1_000;
const MAX_LOG_BYTES: usize = 3 << 20;

/// Where runs are done: all that they share.
pub(crate) struct Workshop {
    clients: Clients,
    roster: Arc<Roster>,
    heartbeat: Arc<Heartbeat>,
    cache_dir: PathBuf,
    ssh: Ssh,
    margin: Duration,
}

impl Workshop {
    pub(crate) fn new(
        config: &Config,
        clients: Clients,
        roster: Arc<Roster>,
        heartbeat: Arc<Heartbeat>,
    ) -> Result<Self, ConfigError> {
        let (cache_dir, margin) = (config.cache_dir(), config.lease_safety_margin.get());
        Ok(Self { clients, roster, heartbeat, cache_dir, ssh: config.ssh()?, margin })
    }

    /// Makes all runs stop and give their jobs back.
    pub(crate) fn release_all(&self) {
        for run in self.roster.snapshot() {
            run.end(LeaseEnded::Released);
        }
    }

    /// Gives back a lease that no run was begun for.
    pub(crate) async fn give_back(&self, granted: &Granted) {
        let request = ReleaseLeaseRequest {
            lease_token: granted.lease_token.clone(),
            reason: "the worker drains".to_owned(),
            log_lines: Vec::new(),
        };
        if let Err(status) = self.clients.leases().release_lease(request).await {
            tracing::warn!(job.id = granted.job_id, error.message = status.message(), "lease could not be released");
        }
    }

    /// Does one run to its end.
    pub(crate) async fn carry_out(&self, granted: Granted, received_at: Instant) {
        let nudge = self.roster.nudge();
        let lease = HeldLease::new(&granted, received_at, self.margin, Arc::clone(nudge));
        let run = Arc::new(ActiveRun::new(lease, received_at, Arc::clone(nudge)));
        tracing::info!(job.id = granted.job_id, run.id = granted.run_id.0, "run begins");
        self.roster.add(Arc::clone(&run));
        let result = self.work(&run, granted.after_reclaim).await;
        failpoint("worker.finish.before").await;
        self.roster.remove(&run);
        self.heartbeat.quiesce().await;
        let farewell = farewell(run.lease.ended(), result, run.stage());
        measure(&farewell, run.started_at.elapsed());
        match farewell {
            Farewell::Finish(report) => self.finish(&run, &report).await,
            Farewell::Release => self.release(&run).await,
            Farewell::Nothing => {
                tracing::warn!(
                    job.id = granted.job_id,
                    run.id = granted.run_id.0,
                    "run ends without a word: lease lost"
                );
            }
        }
    }

    /// The work itself, in a task of its own: what it does to itself does not reach the lease. `None`: it panicked.
    async fn work(&self, run: &Arc<ActiveRun>, after_reclaim: bool) -> Option<Result<Done, Stop>> {
        let pipeline = Pipeline {
            clients: self.clients.clone(),
            run: Arc::clone(run),
            cache_dir: self.cache_dir.clone(),
            ssh: self.ssh.clone(),
            after_reclaim,
        };
        let result = tasks::spawn("worker.pipeline", pipeline.run()).await.ok();
        if let Some(Err(Stop::Failed(error))) = &result {
            log_failure(&run.lease, error);
        }
        result
    }

    async fn finish(&self, run: &ActiveRun, report: &Report) {
        run.log.push(report.stage, &report.closing_line(), jiff::Timestamp::now());
        let call = || {
            let request = FinishRunRequest {
                lease_token: run.lease.lease_token(),
                outcome: outcome_to_wire(report.outcome).into(),
                stage: stage_to_wire(report.stage).into(),
                message: cut(report.message.clone(), MAX_MESSAGE_LEN),
                stats: Some(report.stats),
                log_lines: run.log.waiting(MAX_LINES, MAX_LOG_BYTES),
                retry_after: report.retry_after.map(duration_to_wire),
            };
            let mut client = self.clients.leases();
            async move { client.finish_run(request).await.map(drop) }
        };
        insist(run, "finish", call).await;
        tracing::info!(
            job.id = run.lease.job_id(),
            run.id = run.lease.run_id().0,
            run.outcome = report.outcome.name(),
            elapsed = ?run.started_at.elapsed(),
            "run ends"
        );
    }

    async fn release(&self, run: &ActiveRun) {
        run.log.push(run.stage(), "The worker drains; the job is given back.", jiff::Timestamp::now());
        let call = || {
            let request = ReleaseLeaseRequest {
                lease_token: run.lease.lease_token(),
                reason: "the worker drains".to_owned(),
                log_lines: run.log.waiting(MAX_LINES, MAX_LOG_BYTES),
            };
            let mut client = self.clients.leases();
            async move { client.release_lease(request).await.map(drop) }
        };
        insist(run, "release", call).await;
        tracing::info!(job.id = run.lease.job_id(), run.id = run.lease.run_id().0, "run is given back");
    }
}

/// Repeats a last word until the queue has heard it, or will not hear it. Ends by itself: once the lease has expired and
/// the job was reclaimed, the answer is LEASE_LOST.
async fn insist<F, Fut>(run: &ActiveRun, verb: &'static str, mut call: F)
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<(), Status>>,
{
    let mut backoff = call_backoff();
    while let Err(status) = call().await {
        let (job, code) = (run.lease.job_id(), status.code());
        if stop::judge(&status) != Refusal::Transient {
            tracing::warn!(job.id = job, error.code = ?code, error.message = status.message(), "the queue refuses to {verb}");
            return;
        }
        tracing::warn!(job.id = job, error.code = ?code, error.message = status.message(), "the queue is away; {verb} again");
        tokio::time::sleep(backoff.next_delay()).await;
    }
}

/// A source that is down is a worker that works: only our own failures are a warning.
fn log_failure(lease: &HeldLease, error: &ConvertError) {
    let (job, run) = (lease.job_id(), lease.run_id().0);
    let (stage, outcome, chain) = (error.stage.name(), error.outcome.name(), error.chain());
    if error.outcome == Outcome::Failure {
        tracing::warn!(
            job.id = job,
            run.id = run,
            run.stage = stage,
            run.outcome = outcome,
            error.chain = chain,
            "a stage failed"
        );
    } else {
        tracing::info!(
            job.id = job,
            run.id = run,
            run.stage = stage,
            run.outcome = outcome,
            error.chain = chain,
            "a stage did not reach its end"
        );
    }
}

fn measure(farewell: &Farewell, elapsed: Duration) {
    let outcome = match farewell {
        Farewell::Finish(report) => report.outcome.name(),
        Farewell::Release => Outcome::Released.name(),
        Farewell::Nothing => "lost",
    };
    metrics::counter!("codeimport_worker_runs_total", "outcome" => outcome).increment(1);
    metrics::histogram!("codeimport_worker_run_seconds", "outcome" => outcome).record(elapsed);
}
