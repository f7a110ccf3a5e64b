//! What a worker of the soak says to the queue, to one replica or the other until there is an answer, and writes down.

use super::{Pen, WorkerOptions};
use crate::{
    QueueClient, acquire_request,
    soak::{Note, job_number, now_us},
};
use codeimport_core::Outcome;
use codeimport_proto::{
    common::ErrorReason,
    convert::outcome_to_wire,
    queue::{FinishRunRequest, HeartbeatItem, HeartbeatRequest, HeartbeatVerdict, Lease, ReleaseLeaseRequest},
};
use std::time::{Duration, Instant};
use tonic::{Code, Status, transport::Endpoint};
use tonic_types::StatusExt as _;

/// How long a call is tried again before its lease is given up.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a call came to.
enum Came<T> {
    Through(T),
    /// The queue says that the lease is lost.
    Lost,
    /// No answer within reason, or a strange one, which is noted.
    ToNothing,
}

/// For all tasks of one lane.
pub(super) struct Caller {
    worker_id: String,
    replicas: Vec<QueueClient>,
    pen: Pen,
}

impl Caller {
    pub(super) fn new(options: &WorkerOptions, lane: u64, pen: Pen) -> anyhow::Result<Self> {
        let mut replicas = Vec::new();
        for url in &options.queues {
            let endpoint = Endpoint::from_shared(url.clone())?.connect_timeout(Duration::from_secs(1));
            replicas.push(QueueClient::new(endpoint.timeout(Duration::from_secs(5)).connect_lazy()));
        }
        Ok(Self { worker_id: format!("{}-{lane}", options.name), replicas, pen })
    }

    pub(super) async fn acquire(&self, slots: usize) -> Vec<Lease> {
        // The same request after a broken connection: what it was granted is not lost.
        let slots = i32::try_from(slots).unwrap_or(i32::MAX);
        let request = acquire_request(&self.worker_id, slots, 1);
        let came = self.call(async |client| client.acquire(request.clone()).await).await;
        let Came::Through(leases) = came else { return Vec::new() };
        let at = now_us();
        for lease in &leases {
            let job = job_number(&lease.job_id).unwrap_or(u32::MAX);
            self.pen.note(&Note::Granted { job, run_id: lease.run_id, token: lease.fencing_token, at });
        }
        leases
    }

    /// Once, and not again if the answer is lost: the next heartbeat comes by itself.
    pub(super) async fn heartbeat(&self, leases: &[Lease]) {
        let item = |lease: &Lease| HeartbeatItem { lease_token: lease.lease_token.clone(), ..Default::default() };
        let items = leases.iter().map(item).collect();
        let request = HeartbeatRequest { worker_id: self.worker_id.clone(), items, ..Default::default() };
        let sent_at = now_us();
        let Some(mut client) = self.replicas.first().cloned() else { return };
        let Ok(answer) = client.leases.heartbeat(request).await else { return };
        for (lease, result) in leases.iter().zip(answer.into_inner().results) {
            let run_id = lease.run_id;
            self.pen.note(&match result.verdict() {
                HeartbeatVerdict::Extended | HeartbeatVerdict::Cancel => Note::Extended { run_id, sent_at },
                HeartbeatVerdict::Lost | HeartbeatVerdict::Unspecified => Note::Refused { run_id },
            });
        }
    }

    pub(super) async fn finish(&self, lease: &Lease, outcome: Outcome) {
        let request = FinishRunRequest {
            lease_token: lease.lease_token.clone(),
            outcome: outcome_to_wire(outcome).into(),
            ..Default::default()
        };
        let call = async |client: &mut QueueClient| client.leases.finish_run(request.clone()).await.map(drop);
        self.end(lease, outcome, call).await;
    }

    pub(super) async fn release(&self, lease: &Lease) {
        let request = ReleaseLeaseRequest { lease_token: lease.lease_token.clone(), ..Default::default() };
        let call = async |client: &mut QueueClient| client.leases.release_lease(request.clone()).await.map(drop);
        self.end(lease, Outcome::Released, call).await;
    }

    async fn end(
        &self,
        lease: &Lease,
        outcome: Outcome,
        call: impl AsyncFnMut(&mut QueueClient) -> Result<(), Status>,
    ) {
        let (run_id, outcome) = (lease.run_id, outcome.name().to_owned());
        self.pen.note(&Note::Ending { run_id, outcome: outcome.clone() });
        // Of the first try: a later one may only repeat what that has done already.
        let sent_at = now_us();
        match self.call(call).await {
            Came::Through(()) => self.pen.note(&Note::Accepted { run_id, outcome, sent_at, at: now_us() }),
            Came::Lost => self.pen.note(&Note::Refused { run_id }),
            Came::ToNothing => {}
        }
    }

    /// Calls one replica after the other until there is an answer.
    async fn call<T>(&self, mut call: impl AsyncFnMut(&mut QueueClient) -> Result<T, Status>) -> Came<T> {
        let deadline = Instant::now() + PATIENCE;
        let mut tick = tokio::time::interval(Duration::from_millis(30));
        for client in self.replicas.iter().cycle() {
            tick.tick().await;
            match call(&mut client.clone()).await {
                Ok(answer) => return Came::Through(answer),
                Err(status) if is_lost(&status) => return Came::Lost,
                Err(status) if !is_passing(&status) => {
                    self.pen.note(&Note::Strange { what: format!("{status:?}") });
                    return Came::ToNothing;
                }
                Err(_) if Instant::now() > deadline => break,
                Err(_) => {}
            }
        }
        Came::ToNothing
    }
}

fn reason(status: &Status) -> Option<ErrorReason> {
    ErrorReason::from_str_name(&format!("ERROR_REASON_{}", status.get_details_error_info()?.reason))
}

fn is_lost(status: &Status) -> bool {
    reason(status) == Some(ErrorReason::LeaseLost)
}

/// Whether the queue, or the wire to it, may be well again in a moment.
fn is_passing(status: &Status) -> bool {
    match reason(status) {
        // Not from the queue but from the wire.
        None => true,
        Some(_) => matches!(status.code(), Code::Unavailable | Code::Aborted | Code::DeadlineExceeded),
    }
}
