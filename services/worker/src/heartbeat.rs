//! Keeps all leases alive, in one call for all of them; takes progress and log lines along, and brings the verdicts.
//!
//! [`judge`] decides and is pure. The loop beats at the interval that the queue asks for, and earlier when a run asks
//! for it (its stage changed, or it needs to know), but at most once a second.

use crate::drained::Drained;
use crate::lease::LeaseEnded;
use crate::roster::{ActiveRun, Roster};
use codeimport_kit::{Shutdown, client::OutboundChannel};
use codeimport_proto::{
    convert::duration_from_wire,
    queue::{
        HeartbeatItem, HeartbeatRequest, HeartbeatResponse, HeartbeatResult, HeartbeatVerdict,
        lease_service_client::LeaseServiceClient,
    },
};
use std::{sync::Arc, time::Duration};
use tokio::{sync::Mutex, time::Instant};
use tonic::{Request, Status};

/// Shortest time between two heartbeats.
const MIN_PAUSE: Duration = Duration::from_secs(1);

/// Pause while there is nothing to keep alive, and if the queue does not name one.
const DEFAULT_PAUSE: Duration = Duration::from_secs(10);

/// A heartbeat that takes longer than this is given up and sent again.
const DEADLINE: Duration = Duration::from_secs(8);

/// Most log lines of one run in one heartbeat; the others go with the next.
const MAX_LINES: usize = 200;

/// Most bytes of log lines in one heartbeat, shared by its runs. gRPC servers take messages of 4 MiB, and a heartbeat that
/// is too large would cost all leases.
const MAX_LOG_BYTES: usize = 2 << 20;

/// What an answer means for a run.
#[derive(PartialEq, Eq, Debug)]
enum Answer {
    Extended(Extension),
    /// The lease goes on, so that the run can clean up.
    Cancel(Extension, String),
    Lost(String),
    /// A verdict of a later version: neither good news nor bad. The lease runs on as it was.
    Unknown,
}

/// The lease from now on.
#[derive(PartialEq, Eq, Debug)]
struct Extension {
    lease_token: Vec<u8>,
    duration: Duration,
    interval: Duration,
}

/// The heart of this process.
pub(crate) struct Heartbeat {
    queue: LeaseServiceClient<OutboundChannel>,
    worker_id: String,
    roster: Arc<Roster>,
    drained: Drained,
    /// Held during a beat.
    beating: Mutex<()>,
}

impl Heartbeat {
    pub(crate) fn new(
        queue: LeaseServiceClient<OutboundChannel>,
        worker_id: String,
        roster: Arc<Roster>,
        drained: Drained,
    ) -> Self {
        Self { queue, worker_id, roster, drained, beating: Mutex::new(()) }
    }

    /// Beats until `stopped`.
    pub(crate) async fn run(self: Arc<Self>, stopped: Shutdown) -> anyhow::Result<()> {
        let mut last_beat = Instant::now();
        let mut pause = DEFAULT_PAUSE;
        loop {
            tokio::select! {
                () = stopped.drained() => return Ok(()),
                () = tokio::time::sleep_until(last_beat + pause) => {}
                () = self.roster.nudge().notified() => tokio::time::sleep_until(last_beat + MIN_PAUSE).await,
            }
            last_beat = Instant::now();
            pause = self.beat().await.max(MIN_PAUSE);
        }
    }

    /// Waits for a beat that is under way: afterwards nothing about a run that was taken off the roster is in flight.
    pub(crate) async fn quiesce(&self) {
        drop(self.beating.lock().await);
    }

    /// One heartbeat for all runs. Returns how long to wait until the next.
    async fn beat(&self) -> Duration {
        let _beating = self.beating.lock().await;
        let runs = self.roster.snapshot();
        if runs.is_empty() {
            return DEFAULT_PAUSE;
        }
        let sent_at = Instant::now();
        if let Err(error) = self.send(&runs).await {
            tracing::warn!(error.code = ?error.code(), error.message = error.message(), "heartbeat failed");
            // Sooner than asked for: the leases are running out.
            return MIN_PAUSE;
        }
        tracing::debug!(run.count = runs.len(), elapsed = ?sent_at.elapsed(), "heartbeat");
        runs.iter().map(|run| run.lease.heartbeat_interval()).min().unwrap_or(DEFAULT_PAUSE)
    }

    async fn send(&self, runs: &[Arc<ActiveRun>]) -> Result<(), Status> {
        let log_bytes = MAX_LOG_BYTES / runs.len().max(1);
        let items: Vec<_> = runs.iter().map(|run| item(run, log_bytes)).collect();
        let newest_lines: Vec<_> =
            items.iter().map(|item| item.log_lines.last().map(|line| line.line_number)).collect();
        let mut request = Request::new(HeartbeatRequest { worker_id: self.worker_id.clone(), items });
        request.set_timeout(DEADLINE);
        let sent_at = Instant::now();
        let HeartbeatResponse { results, drain } = self.queue.clone().heartbeat(request).await?.into_inner();
        self.drained.set(drain);
        if results.len() != runs.len() {
            return Err(Status::internal("the queue answered for another number of leases"));
        }
        for ((run, result), newest_line) in runs.iter().zip(results).zip(newest_lines) {
            if let Some(number) = newest_line {
                run.log.acknowledge(number);
            }
            apply(run, result, sent_at);
        }
        Ok(())
    }
}

fn item(run: &ActiveRun, log_bytes: usize) -> HeartbeatItem {
    HeartbeatItem {
        lease_token: run.lease.lease_token(),
        progress: Some(run.progress_to_wire()),
        log_lines: run.log.waiting(MAX_LINES, log_bytes),
    }
}

fn apply(run: &ActiveRun, result: HeartbeatResult, sent_at: Instant) {
    let extend = |e: Extension| run.lease.extend(e.lease_token, e.duration, e.interval, sent_at);
    let ended = match judge(result) {
        Answer::Extended(extension) => return extend(extension),
        Answer::Unknown => return,
        Answer::Lost(reason) => LeaseEnded::Lost(reason),
        Answer::Cancel(extension, reason) => {
            extend(extension);
            LeaseEnded::Cancelled(reason)
        }
    };
    if run.lease.ended().as_ref() != Some(&ended) {
        tracing::warn!(job.id = run.lease.job_id(), run.id = run.lease.run_id().0, "the run has to stop: {ended}");
    }
    run.end(ended);
}

/// Reads an answer.
fn judge(result: HeartbeatResult) -> Answer {
    let verdict = result.verdict();
    let span = |span: Option<prost_types::Duration>| span.as_ref().and_then(duration_from_wire);
    let extension = Extension {
        lease_token: result.lease_token,
        duration: span(result.lease_duration).unwrap_or_default(),
        interval: span(result.heartbeat_interval).unwrap_or(DEFAULT_PAUSE),
    };
    match verdict {
        HeartbeatVerdict::Extended => Answer::Extended(extension),
        HeartbeatVerdict::Cancel => Answer::Cancel(extension, result.reason),
        HeartbeatVerdict::Lost => Answer::Lost(result.reason),
        HeartbeatVerdict::Unspecified => Answer::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use codeimport_proto::convert::duration_to_wire;

    fn result(verdict: HeartbeatVerdict) -> HeartbeatResult {
        HeartbeatResult {
            verdict: verdict.into(),
            lease_token: vec![7],
            lease_duration: Some(duration_to_wire(Duration::from_secs(30))),
            heartbeat_interval: None,
            reason: "why".to_owned(),
        }
    }

    fn extension() -> Extension {
        Extension { lease_token: vec![7], duration: Duration::from_secs(30), interval: DEFAULT_PAUSE }
    }

    #[test]
    fn each_verdict_is_told_apart() {
        assert_eq!(judge(result(HeartbeatVerdict::Extended)), Answer::Extended(extension()));
        assert_eq!(judge(result(HeartbeatVerdict::Cancel)), Answer::Cancel(extension(), "why".to_owned()));
        assert_eq!(judge(result(HeartbeatVerdict::Lost)), Answer::Lost("why".to_owned()));
    }

    #[test]
    fn a_verdict_of_a_later_version_neither_extends_nor_ends_a_lease() {
        assert_eq!(judge(HeartbeatResult { verdict: 99, ..result(HeartbeatVerdict::Lost) }), Answer::Unknown);
    }
}
