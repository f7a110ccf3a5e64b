//! `LeaseService`: the right to do a job, for workers.

use super::{LeaseRpc, Queue, convert, worker_service::registration};
use crate::{
    error,
    store::{Acquire, Beat, End, Finish, GrantedLease, NextDue, Release, Renewal, StoreError, Verdict},
};
use codeimport_core::Outcome;
use codeimport_kit::{ApiError, Violations};
use codeimport_proto::{
    convert::{duration_to_wire, rcs_type_to_wire, timestamp_to_wire},
    queue::{
        AcquireLeasesRequest, AcquireLeasesResponse, FinishRunRequest, FinishRunResponse, FinishRunResult,
        FinishRunsRequest, FinishRunsResponse, HeartbeatRequest, HeartbeatResponse, HeartbeatResult, HeartbeatVerdict,
        Lease, RegisterWorkerRequest, RegisterWorkerResponse, ReleaseLeaseRequest, ReleaseLeaseResponse,
        lease_service_server::LeaseService,
    },
};
use std::time::Duration;
use tokio::time::Instant;
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl LeaseService for LeaseRpc {
    async fn register_worker(
        &self,
        request: Request<RegisterWorkerRequest>,
    ) -> Result<Response<RegisterWorkerResponse>, Status> {
        let Self(queue) = self;
        let worker = registration(request.into_inner())?;
        let drain = queue.store.register_worker(&worker).await.map_err(|error| queue.refuse(error))?;
        queue.workers.set_drained(&worker.worker_id, drain);
        tracing::info!(worker.id = worker.worker_id, worker.version = worker.version, "worker registered");
        Ok(Response::new(RegisterWorkerResponse { drain }))
    }

    async fn acquire_leases(
        &self,
        request: Request<AcquireLeasesRequest>,
    ) -> Result<Response<AcquireLeasesResponse>, Status> {
        let Self(queue) = self;
        let (acquire, wait) = convert::acquire(request.into_inner())?;
        if queue.shutdown.is_draining() {
            return Err(error::draining().into());
        }
        queue.workers.heard_asking(&acquire.worker_id, &acquire.worker_version, &acquire.rcs_types);
        let granted = queue.acquire_unless_drained(&acquire, wait).await.map_err(|error| queue.refuse(error))?;
        granted.iter().for_each(|lease| queue.report_granted(lease, &acquire.worker_id));
        let leases = granted.iter().map(|lease| queue.lease_to_wire(lease)).collect();
        let drain = queue.workers.is_drained(&acquire.worker_id);
        Ok(Response::new(AcquireLeasesResponse { leases, drain }))
    }

    async fn heartbeat(&self, request: Request<HeartbeatRequest>) -> Result<Response<HeartbeatResponse>, Status> {
        let Self(queue) = self;
        let request = request.into_inner();
        let worker_id = request.worker_id.clone();
        let reports = convert::heartbeat(request)?;
        queue.workers.heard_alive(&worker_id);
        // A token that is none of ours is no error of the whole call: its item is answered LOST.
        let beats: Vec<Option<Beat>> = reports
            .into_iter()
            .map(|report| {
                let lease = queue.lease_of(&report.lease_token).ok()?;
                Some(Beat { lease, progress: report.progress, log_lines: report.log_lines })
            })
            .collect();
        let known: Vec<Beat> = beats.iter().flatten().cloned().collect();
        let verdicts = queue.batches.heartbeat(known.clone()).await.map_err(|error| queue.refuse(error))?;
        queue.wakeups.wake_for_run();
        let mut answered = known.iter().zip(verdicts);
        let results = beats
            .iter()
            .map(|beat| match beat.as_ref().and_then(|_| answered.next()) {
                Some((beat, verdict)) => queue.result_of(beat, verdict),
                None => lost("the lease token was not signed by this queue"),
            })
            .collect();
        Ok(Response::new(HeartbeatResponse { results, drain: queue.workers.is_drained(&worker_id) }))
    }

    async fn finish_run(&self, request: Request<FinishRunRequest>) -> Result<Response<FinishRunResponse>, Status> {
        let Self(queue) = self;
        let finish = queue.finish_from_wire(request.into_inner())?;
        let next_due = queue.end_one(End::Finish(finish)).await?;
        Ok(Response::new(FinishRunResponse { next_due_time: next_due.map(timestamp_to_wire) }))
    }

    async fn finish_runs(&self, request: Request<FinishRunsRequest>) -> Result<Response<FinishRunsResponse>, Status> {
        let Self(queue) = self;
        let finishes = queue.finishes_from_wire(request.into_inner())?;
        let are_ours: Vec<bool> = finishes.iter().map(Option::is_some).collect();
        let mut answers = queue.end(finishes.into_iter().flatten().map(End::Finish).collect()).await?.into_iter();
        let mut results = Vec::with_capacity(are_ours.len());
        for is_ours in are_ours {
            // A token that is none of ours is no error of the whole call.
            let answer = if is_ours { answers.next() } else { None };
            results.push(match answer.unwrap_or(Err(StoreError::LeaseLost)) {
                Ok(next_due) => FinishRunResult { finished: true, next_due_time: next_due.map(timestamp_to_wire) },
                Err(StoreError::LeaseLost) => FinishRunResult::default(),
                Err(error) => return Err(queue.refuse(error).into()),
            });
        }
        Ok(Response::new(FinishRunsResponse { results }))
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
        queue.end_one(End::Release(release)).await?;
        Ok(Response::new(ReleaseLeaseResponse {}))
    }
}

impl Queue {
    /// Nothing new for a worker that is drained, before or while it waits; but what a repeated request was granted the
    /// first time.
    async fn acquire_unless_drained(&self, acquire: &Acquire, wait: Duration) -> Result<Vec<GrantedLease>, StoreError> {
        tokio::select! {
            biased;
            () = self.workers.drained(&acquire.worker_id) => {}
            granted = self.acquire(acquire, wait) => return granted,
        }
        self.acquire(&Acquire { rcs_types: Vec::new(), ..acquire.clone() }, Duration::ZERO).await
    }

    /// Ends leases, and answers each for itself.
    async fn end(&self, ends: Vec<End>) -> Result<Vec<Result<NextDue, StoreError>>, ApiError> {
        let answers = self.batches.end(ends.clone()).await.map_err(|error| self.refuse(error))?;
        ends.iter().zip(&answers).filter(|(_, answer)| answer.is_ok()).for_each(|(end, _)| report_ended(end));
        Ok(answers)
    }

    async fn end_one(&self, end: End) -> Result<NextDue, ApiError> {
        let answer = self.end(vec![end]).await?.pop().unwrap_or(Err(StoreError::LeaseLost));
        answer.map_err(|error| self.refuse(error))
    }

    fn report_granted(&self, granted: &GrantedLease, worker_id: &str) {
        self.lags.record(granted.waited, Instant::now());
        metrics::histogram!("codeimport_queue_lease_lag_seconds").record(granted.waited);
        metrics::counter!("codeimport_queue_leases_total", "rcs_type" => granted.rcs_type.name()).increment(1);
        tracing::debug!(
            job.id = %granted.lease.job_id,
            run.id = %granted.lease.run_id,
            worker.id = worker_id,
            lease.fencing_token = granted.lease.fencing_token.0,
            "job leased"
        );
    }

    fn lease_to_wire(&self, granted: &GrantedLease) -> Lease {
        Lease {
            job_id: granted.lease.job_id.as_str().to_owned(),
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
            Verdict::Cancel(renewal, reason) => self.renewed(beat, renewal, HeartbeatVerdict::Cancel, &reason),
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
        let lease_token = request.lease_token.clone();
        let report = convert::finish(&mut v, "", request);
        let report = v.finish_with(report)?;
        Ok(report.of(self.lease_of(&lease_token)?))
    }

    /// None where the token was not signed by this queue.
    fn finishes_from_wire(&self, request: FinishRunsRequest) -> Result<Vec<Option<Finish>>, ApiError> {
        let mut v = Violations::new();
        if request.items.len() > convert::MAX_ITEMS {
            v.add("items", "are more than 500");
        }
        let mut finishes = Some(Vec::with_capacity(request.items.len()));
        for (at, item) in request.items.into_iter().enumerate() {
            let lease = self.lease_of(&item.lease_token).ok();
            let report = convert::finish(&mut v, format_args!("items[{at}]."), item);
            finishes = finishes.zip(report).map(|(mut finishes, report)| {
                finishes.push(lease.map(|lease| report.of(lease)));
                finishes
            });
        }
        v.finish_with(finishes)
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

fn report_ended(end: &End) {
    match end {
        End::Finish(finish) => report_finished(finish),
        End::Release(release) => {
            tracing::debug!(job.id = %release.lease.job_id, run.id = %release.lease.run_id, "job released unfinished");
        }
    }
}

fn report_finished(finish: &Finish) {
    metrics::counter!("codeimport_queue_runs_finished_total", "outcome" => finish.outcome.name()).increment(1);
    tracing::debug!(
        job.id = %finish.lease.job_id,
        run.id = %finish.lease.run_id,
        run.outcome = Outcome::name(finish.outcome),
        "run finished"
    );
}
