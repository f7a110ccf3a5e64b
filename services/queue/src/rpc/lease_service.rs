//! `LeaseService`: the right to do a job, for workers.

use super::{LeaseRpc, Queue, convert};
use crate::{
    error,
    store::{Beat, Finish, GrantedLease, Release, Renewal, Verdict},
};
use codeimport_core::Outcome;
use codeimport_kit::{ApiError, Violations};
use codeimport_proto::{
    convert::{
        duration_from_wire, duration_to_wire, outcome_from_wire, rcs_type_to_wire, stage_from_wire, timestamp_to_wire,
    },
    queue::{
        AcquireLeasesRequest, AcquireLeasesResponse, FinishRunRequest, FinishRunResponse, HeartbeatRequest,
        HeartbeatResponse, HeartbeatResult, HeartbeatVerdict, Lease, ReleaseLeaseRequest, ReleaseLeaseResponse,
        lease_service_server::LeaseService,
    },
};
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl LeaseService for LeaseRpc {
    async fn acquire_leases(
        &self,
        request: Request<AcquireLeasesRequest>,
    ) -> Result<Response<AcquireLeasesResponse>, Status> {
        let Self(queue) = self;
        let (acquire, wait) = convert::acquire(request.into_inner())?;
        if queue.shutdown.is_draining() {
            return Err(error::draining().into());
        }
        let granted = queue.acquire(&acquire, wait).await.map_err(|error| queue.refuse(error))?;
        granted.iter().for_each(|lease| report_granted(lease, &acquire.worker_id));
        let leases = granted.iter().map(|lease| queue.lease_to_wire(lease)).collect();
        Ok(Response::new(AcquireLeasesResponse { leases }))
    }

    async fn heartbeat(&self, request: Request<HeartbeatRequest>) -> Result<Response<HeartbeatResponse>, Status> {
        let Self(queue) = self;
        let reports = convert::heartbeat(request.into_inner())?;
        // A token that is none of ours is no error of the whole call: its item is answered LOST.
        let beats: Vec<Option<Beat>> = reports
            .into_iter()
            .map(|report| {
                let lease = queue.lease_of(&report.lease_token).ok()?;
                Some(Beat { lease, progress: report.progress, log_lines: report.log_lines })
            })
            .collect();
        let known: Vec<Beat> = beats.iter().flatten().cloned().collect();
        let verdicts = queue.store.heartbeat(&known).await.map_err(|error| queue.refuse(error))?;
        queue.wakeups.wake_for_run();
        let mut answered = known.iter().zip(verdicts);
        let results = beats
            .iter()
            .map(|beat| match beat.as_ref().and_then(|_| answered.next()) {
                Some((beat, verdict)) => queue.result_of(beat, verdict),
                None => lost("the lease token was not signed by this queue"),
            })
            .collect();
        Ok(Response::new(HeartbeatResponse { results }))
    }

    async fn finish_run(&self, request: Request<FinishRunRequest>) -> Result<Response<FinishRunResponse>, Status> {
        let Self(queue) = self;
        let finish = queue.finish_from_wire(request.into_inner())?;
        let next_due = queue.store.finish_run(&finish).await.map_err(|error| queue.refuse(error))?;
        queue.wake_after_end();
        report_finished(&finish);
        Ok(Response::new(FinishRunResponse { next_due_time: next_due.map(timestamp_to_wire) }))
    }

    async fn release_lease(
        &self,
        request: Request<ReleaseLeaseRequest>,
    ) -> Result<Response<ReleaseLeaseResponse>, Status> {
        let Self(queue) = self;
        let request = request.into_inner();
        let mut v = Violations::new();
        let log_lines = convert::log_lines(&mut v, "", request.log_lines);
        let log_lines = v.finish_with(log_lines)?;
        let lease = queue.lease_of(&request.lease_token)?;
        let release = Release { lease, reason: request.reason, log_lines };
        queue.store.release_lease(&release).await.map_err(|error| queue.refuse(error))?;
        queue.wake_after_end();
        tracing::info!(job.id = %release.lease.job_id, run.id = %release.lease.run_id, "job released unfinished");
        Ok(Response::new(ReleaseLeaseResponse {}))
    }
}

impl Queue {
    fn wake_after_end(&self) {
        self.wakeups.wake_for_job();
        self.wakeups.wake_for_run();
    }

    fn lease_to_wire(&self, granted: &GrantedLease) -> Lease {
        Lease {
            job_id: granted.lease.job_id.to_string(),
            run_id: granted.lease.run_id.0,
            fencing_token: granted.lease.fencing_token.0,
            lease_token: self.sign(&granted.lease, granted.expires_at),
            lease_duration: Some(duration_to_wire(self.store.lease_ttl)),
            lease_expire_time: Some(timestamp_to_wire(granted.expires_at)),
            heartbeat_interval: Some(duration_to_wire(self.heartbeat_interval)),
            rcs_type: rcs_type_to_wire(granted.rcs_type).into(),
            after_reclaim: granted.after_reclaim,
            requested: granted.requested,
        }
    }

    fn result_of(&self, beat: &Beat, verdict: Verdict) -> HeartbeatResult {
        match verdict {
            Verdict::Extended(renewal) => self.renewed(beat, renewal, HeartbeatVerdict::Extended, ""),
            Verdict::Cancel(renewal) => self.renewed(beat, renewal, HeartbeatVerdict::Cancel, "the import was deleted"),
            Verdict::Lost => lost("the queue took the job back, or the run has ended"),
        }
    }

    fn renewed(&self, beat: &Beat, renewal: Renewal, verdict: HeartbeatVerdict, reason: &str) -> HeartbeatResult {
        count_verdict(verdict);
        HeartbeatResult {
            verdict: verdict.into(),
            lease_token: self.sign(&beat.lease, renewal.expires_at),
            lease_duration: Some(duration_to_wire(self.store.lease_ttl)),
            heartbeat_interval: Some(duration_to_wire(self.heartbeat_interval)),
            reason: reason.to_owned(),
        }
    }

    fn finish_from_wire(&self, request: FinishRunRequest) -> Result<Finish, ApiError> {
        let mut v = Violations::new();
        let outcome = v.require("outcome", outcome_from_wire(request.outcome));
        if outcome.is_some_and(|outcome| !outcome.is_reportable()) {
            v.add("outcome", "is not for workers to report");
        }
        let log_lines = convert::log_lines(&mut v, "", request.log_lines);
        let retry_after = request.retry_after.as_ref().map(|span| duration_from_wire(span).ok_or("is negative"));
        let retry_after = v.check("retry_after", retry_after.transpose());
        let values = v.finish_with(outcome.zip(log_lines).zip(retry_after))?;
        let ((outcome, log_lines), retry_after) = values;
        Ok(Finish {
            lease: self.lease_of(&request.lease_token)?,
            outcome,
            stage: stage_from_wire(request.stage),
            message: request.message,
            stats: convert::stats(request.stats),
            log_lines,
            retry_after,
        })
    }
}

fn lost(reason: &str) -> HeartbeatResult {
    let verdict = HeartbeatVerdict::Lost;
    count_verdict(verdict);
    HeartbeatResult { verdict: verdict.into(), reason: reason.to_owned(), ..Default::default() }
}

fn count_verdict(verdict: HeartbeatVerdict) {
    let name = verdict.as_str_name().trim_start_matches("HEARTBEAT_VERDICT_");
    metrics::counter!("codeimport_queue_heartbeats_total", "verdict" => name).increment(1);
}

fn report_granted(granted: &GrantedLease, worker_id: &str) {
    metrics::counter!("codeimport_queue_leases_total", "rcs_type" => granted.rcs_type.name()).increment(1);
    tracing::info!(
        job.id = %granted.lease.job_id,
        run.id = %granted.lease.run_id,
        worker.id = worker_id,
        lease.fencing_token = granted.lease.fencing_token.0,
        "job leased"
    );
}

fn report_finished(finish: &Finish) {
    metrics::counter!("codeimport_queue_runs_finished_total", "outcome" => finish.outcome.name()).increment(1);
    tracing::info!(
        job.id = %finish.lease.job_id,
        run.id = %finish.lease.run_id,
        run.outcome = Outcome::name(finish.outcome),
        "run finished"
    );
}
