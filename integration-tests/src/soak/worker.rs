//! A worker of the soak, in a process of its own: it does no work, but does all that a worker does with its lease, right
//! and wrong, and writes down what it sees.
//!
//! It keeps the rules but for what it does on purpose: it walks away from leases, reports a second, different end, and
//! goes on with leases that it has lost.

use super::{Note, job_number, now_us};
use crate::{QueueClient, acquire_request};
use codeimport_core::Outcome;
use codeimport_proto::{
    common::ErrorReason,
    convert::outcome_to_wire,
    queue::{FinishRunRequest, HeartbeatItem, HeartbeatRequest, HeartbeatVerdict, Lease, ReleaseLeaseRequest},
};
use futures_util::future::join_all;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use std::{
    collections::VecDeque,
    io::Write as _,
    net::{SocketAddr, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::signal::unix::{SignalKind, signal};
use tonic::{Code, Status, transport::Endpoint};
use tonic_types::StatusExt as _;

/// Tasks that lease for themselves.
const LANES: u64 = 4;
/// Leases asked for at once.
const SLOTS: i32 = 25;
/// How long a call is tried again before its lease is given up.
const PATIENCE: Duration = Duration::from_secs(10);
/// Tokens of ended leases that are still tried.
const KEEPSAKES: usize = 8;

/// What a worker is told.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// Unique.
    pub name: String,
    /// The replicas.
    pub queues: Vec<String>,
    /// Where to say what it sees.
    pub ledger: SocketAddr,
    /// So that it can hold leases for about as long as they last.
    pub lease_ttl: Duration,
    /// What it does with which lease.
    pub seed: u64,
}

/// Works until SIGTERM, then ends what it has.
///
/// # Errors
///
/// If it cannot start.
pub async fn run(options: WorkerOptions) -> anyhow::Result<()> {
    let pen = Pen(Arc::new(Mutex::new(TcpStream::connect(options.ledger)?)));
    let draining = AtomicBool::new(false);
    let mut terminate = signal(SignalKind::terminate())?;
    let lanes = (0..LANES).map(|lane| Lane::new(&options, lane, pen.clone())).collect::<anyhow::Result<Vec<_>>>()?;
    let wait = async {
        terminate.recv().await;
        draining.store(true, Ordering::SeqCst);
    };
    tokio::join!(wait, join_all(lanes.into_iter().map(|lane| lane.work(&draining))));
    Ok(())
}

/// Writes notes: out of this process when it returns.
#[derive(Clone)]
struct Pen(Arc<Mutex<TcpStream>>);

impl Pen {
    fn note(&self, note: &Note) {
        let Ok(mut line) = serde_json::to_vec(note) else { return };
        line.push(b'\n');
        // Nobody who hears: then the soak is over.
        let _ = self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line);
    }
}

/// What a call came to.
enum Came<T> {
    Through(T),
    /// The queue says that the lease is lost.
    Lost,
    /// No answer within reason, or a strange one, which is noted.
    ToNothing,
}

/// What is done with a lease.
#[derive(Clone, Copy)]
enum Conduct {
    Finish,
    /// With heartbeats, for longer than the lease lasts without.
    HoldAndFinish,
    /// Without heartbeats, until it may or may not be too late.
    Dawdle,
    FinishTwice,
    Release,
    WalkAway,
}

impl Conduct {
    fn any(rng: &mut StdRng) -> Self {
        match rng.random_range(0..1_000) {
            0..20 => Self::HoldAndFinish,
            20..30 => Self::Dawdle,
            30..80 => Self::FinishTwice,
            80..130 => Self::Release,
            130..135 => Self::WalkAway,
            _ => Self::Finish,
        }
    }
}

/// One task that leases, and all its leases.
struct Lane {
    worker_id: String,
    callers: Vec<QueueClient>,
    pen: Pen,
    rng: StdRng,
    lease_ttl: Duration,
    /// Ended or lost: whoever still comes with one of these must be refused.
    keepsakes: VecDeque<Lease>,
}

impl Lane {
    fn new(options: &WorkerOptions, lane: u64, pen: Pen) -> anyhow::Result<Self> {
        let mut callers = Vec::new();
        for url in &options.queues {
            let endpoint = Endpoint::from_shared(url.clone())?.connect_timeout(Duration::from_secs(1));
            callers.push(QueueClient::new(endpoint.timeout(Duration::from_secs(5)).connect_lazy()));
        }
        let rng = StdRng::seed_from_u64(options.seed.wrapping_mul(LANES).wrapping_add(lane));
        let worker_id = format!("{}-{lane}", options.name);
        Ok(Self { worker_id, callers, pen, rng, lease_ttl: options.lease_ttl, keepsakes: VecDeque::new() })
    }

    async fn work(mut self, draining: &AtomicBool) {
        while !draining.load(Ordering::SeqCst) {
            let leases = self.acquire().await;
            let conducts: Vec<_> = leases.iter().map(|_| (Conduct::any(&mut self.rng), self.rng.random())).collect();
            join_all(leases.iter().zip(conducts).map(|(lease, (conduct, seed))| self.conduct(lease, conduct, seed)))
                .await;
            self.try_keepsakes().await;
            self.keepsakes.extend(leases);
            let surplus = self.keepsakes.len().saturating_sub(KEEPSAKES);
            self.keepsakes.drain(..surplus);
        }
    }

    async fn acquire(&mut self) -> Vec<Lease> {
        // The same request after a broken connection: what it was granted is not lost.
        let request = acquire_request(&self.worker_id, SLOTS, 1);
        let came = self.call(async |client| client.acquire(request.clone()).await).await;
        let Came::Through(leases) = came else { return Vec::new() };
        let at = now_us();
        for lease in &leases {
            let job = job_number(&lease.job_id).unwrap_or(u32::MAX);
            self.pen.note(&Note::Granted { job, run_id: lease.run_id, token: lease.fencing_token, at });
        }
        leases
    }

    async fn conduct(&self, lease: &Lease, conduct: Conduct, seed: u64) {
        let mut rng = StdRng::seed_from_u64(seed);
        let outcome =
            *[Outcome::Success, Outcome::NoChange, Outcome::Partial].choose(&mut rng).unwrap_or(&Outcome::Success);
        match conduct {
            Conduct::Finish => self.finish(lease, outcome).await,
            Conduct::HoldAndFinish => {
                self.hold(lease).await;
                self.finish(lease, outcome).await;
            }
            Conduct::Dawdle => {
                tokio::time::sleep(self.lease_ttl.mul_f64(rng.random_range(0.5..2.0))).await;
                self.finish(lease, outcome).await;
            }
            Conduct::FinishTwice => {
                self.finish(lease, outcome).await;
                self.finish(lease, Outcome::Failure).await;
            }
            Conduct::Release => self.release(lease).await,
            Conduct::WalkAway => {}
        }
    }

    /// Heartbeats for one and a half TTL, or until the lease is lost.
    async fn hold(&self, lease: &Lease) {
        let end = Instant::now() + self.lease_ttl * 3 / 2;
        let mut tick = tokio::time::interval(self.lease_ttl / 8);
        while Instant::now() < end {
            tick.tick().await;
            self.heartbeat(std::slice::from_ref(lease)).await;
        }
    }

    async fn try_keepsakes(&self) {
        let keepsakes: Vec<_> = self.keepsakes.iter().cloned().collect();
        if !keepsakes.is_empty() {
            self.heartbeat(&keepsakes).await;
        }
    }

    /// Once, and not again if the answer is lost: the next heartbeat comes by itself.
    async fn heartbeat(&self, leases: &[Lease]) {
        let item = |lease: &Lease| HeartbeatItem { lease_token: lease.lease_token.clone(), ..Default::default() };
        let items = leases.iter().map(item).collect();
        let request = HeartbeatRequest { worker_id: self.worker_id.clone(), items, ..Default::default() };
        let sent_at = now_us();
        let Some(mut client) = self.callers.first().cloned() else { return };
        let Ok(answer) = client.leases.heartbeat(request).await else { return };
        for (lease, result) in leases.iter().zip(answer.into_inner().results) {
            let run_id = lease.run_id;
            self.pen.note(&match result.verdict() {
                HeartbeatVerdict::Extended | HeartbeatVerdict::Cancel => Note::Extended { run_id, sent_at },
                HeartbeatVerdict::Lost | HeartbeatVerdict::Unspecified => Note::Refused { run_id },
            });
        }
    }

    async fn finish(&self, lease: &Lease, outcome: Outcome) {
        let request = FinishRunRequest {
            lease_token: lease.lease_token.clone(),
            outcome: outcome_to_wire(outcome).into(),
            ..Default::default()
        };
        let call = async |client: &mut QueueClient| client.leases.finish_run(request.clone()).await.map(drop);
        self.end(lease, outcome, call).await;
    }

    async fn release(&self, lease: &Lease) {
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
        for client in self.callers.iter().cycle() {
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
