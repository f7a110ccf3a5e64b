//! A worker of the soak, in a process of its own: it does no work, but does all that a worker does with its lease, right
//! and wrong, and writes down what it sees.
//!
//! It keeps the rules but for what it does on purpose: it walks away from leases, reports a second, different end, and
//! goes on with leases that it has lost.

mod caller;

use super::Note;
use caller::Caller;
use codeimport_core::Outcome;
use codeimport_proto::queue::Lease;
use futures_util::future::join_all;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use std::{
    collections::VecDeque,
    io::Write as _,
    net::{SocketAddr, TcpStream},
    rc::Rc,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    signal::unix::{SignalKind, signal},
    task::{JoinSet, LocalSet},
};

/// Tasks that lease for themselves.
const LANES: u64 = 4;
/// Leases of one of them at once. It asks for more when half of them have ended: most end at once, some last for seconds.
const SLOTS: usize = 25;
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
    let work = join_all(lanes.into_iter().map(|lane| lane.work(&draining)));
    let thread = LocalSet::new();
    tokio::join!(wait, thread.run_until(work));
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

    async fn carry_out(self, caller: &Caller, lease: &Lease, lease_ttl: Duration, seed: u64) {
        let mut rng = StdRng::seed_from_u64(seed);
        let outcomes = [Outcome::Success, Outcome::NoChange, Outcome::Partial];
        let outcome = *outcomes.choose(&mut rng).unwrap_or(&Outcome::Success);
        match self {
            Self::Finish => caller.finish(lease, outcome).await,
            Self::HoldAndFinish => {
                hold(caller, lease, lease_ttl).await;
                caller.finish(lease, outcome).await;
            }
            Self::Dawdle => {
                tokio::time::sleep(lease_ttl.mul_f64(rng.random_range(0.5..2.0))).await;
                caller.finish(lease, outcome).await;
            }
            Self::FinishTwice => {
                caller.finish(lease, outcome).await;
                caller.finish(lease, Outcome::Failure).await;
            }
            Self::Release => caller.release(lease).await,
            Self::WalkAway => {}
        }
    }
}

/// Heartbeats for one and a half TTL, or until the lease is lost.
async fn hold(caller: &Caller, lease: &Lease, lease_ttl: Duration) {
    let end = Instant::now() + lease_ttl * 3 / 2;
    let mut tick = tokio::time::interval(lease_ttl / 8);
    while Instant::now() < end {
        tick.tick().await;
        caller.heartbeat(std::slice::from_ref(lease)).await;
    }
}

/// One task that leases.
struct Lane {
    caller: Rc<Caller>,
    rng: StdRng,
    lease_ttl: Duration,
    /// Each gives its lease back when it has ended, or lost it.
    under_way: JoinSet<Lease>,
    /// Ended or lost: whoever still comes with one of these must be refused.
    keepsakes: VecDeque<Lease>,
}

impl Lane {
    fn new(options: &WorkerOptions, lane: u64, pen: Pen) -> anyhow::Result<Self> {
        let caller = Rc::new(Caller::new(options, lane, pen)?);
        let rng = StdRng::seed_from_u64(options.seed.wrapping_mul(LANES).wrapping_add(lane));
        let (under_way, keepsakes) = (JoinSet::new(), VecDeque::new());
        Ok(Self { caller, rng, lease_ttl: options.lease_ttl, under_way, keepsakes })
    }

    async fn work(mut self, draining: &AtomicBool) {
        while !draining.load(Ordering::SeqCst) {
            for lease in self.caller.acquire(SLOTS - self.under_way.len()).await {
                self.take_up(lease);
            }
            self.wait_until(SLOTS / 2).await;
            self.try_keepsakes().await;
        }
        self.wait_until(0).await;
    }

    fn take_up(&mut self, lease: Lease) {
        let (conduct, seed) = (Conduct::any(&mut self.rng), self.rng.random());
        let (caller, lease_ttl) = (Rc::clone(&self.caller), self.lease_ttl);
        self.under_way.spawn_local(async move {
            conduct.carry_out(&caller, &lease, lease_ttl, seed).await;
            lease
        });
    }

    /// Until no more than so many are under way.
    async fn wait_until(&mut self, few: usize) {
        while self.under_way.len() > few {
            let ended = self.under_way.join_next().await;
            self.keepsakes.extend(ended.and_then(Result::ok));
        }
        let surplus = self.keepsakes.len().saturating_sub(KEEPSAKES);
        self.keepsakes.drain(..surplus);
    }

    async fn try_keepsakes(&self) {
        let keepsakes: Vec<_> = self.keepsakes.iter().cloned().collect();
        if !keepsakes.is_empty() {
            self.caller.heartbeat(&keepsakes).await;
        }
    }
}
