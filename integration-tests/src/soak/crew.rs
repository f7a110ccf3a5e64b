//! The worker processes, and the ear that hears what they see. A note is out of its process before the next call is made:
//! whoever is killed takes nothing along.

use super::{Note, Options, SharedLedger, wait_at_most};
use crate::{process::send_signal, program};
use codeimport_subprocess::{Command, Daemon, Signal};
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// All workers of a soak.
pub(crate) struct Crew {
    hands: Vec<Hand>,
    command: Command,
    hired: u64,
    seed: u64,
    /// Connections on which somebody may still say something.
    open: Arc<AtomicUsize>,
    _ear: JoinSet<()>,
}

/// One worker process.
struct Hand {
    process: Daemon,
    stopped_until: Option<Instant>,
}

impl Crew {
    pub(crate) async fn hire(options: &Options, urls: Vec<String>, ledger: SharedLedger) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let command = worker_command(options, &urls, listener.local_addr()?);
        let open = Arc::new(AtomicUsize::new(0));
        let mut ear = JoinSet::new();
        ear.spawn(listen(listener, ledger, open.clone()));
        let mut crew = Self { hands: Vec::new(), command, hired: 0, seed: options.seed, open, _ear: ear };
        for _ in 0..options.workers {
            let hand = crew.start_one()?;
            crew.hands.push(hand);
        }
        Ok(crew)
    }

    fn start_one(&mut self) -> anyhow::Result<Hand> {
        self.hired += 1;
        let seed = self.seed.wrapping_mul(1_000).wrapping_add(self.hired);
        let command = self.command.clone().arg("--name").arg(format!("worker-{}", self.hired));
        let process = command.arg("--seed").arg(seed.to_string()).start()?;
        Ok(Hand { process, stopped_until: None })
    }

    /// `kill -9`, and another one takes its place.
    pub(crate) fn kill(&mut self, index: usize) -> anyhow::Result<()> {
        let hand = self.start_one()?;
        let index = index % self.hands.len();
        let killed = std::mem::replace(&mut self.hands[index], hand);
        send_signal(&killed.process, Signal::KILL);
        Ok(())
    }

    /// SIGSTOP for a while.
    pub(crate) fn stop(&mut self, index: usize, stopped_for: Duration) {
        let index = index % self.hands.len();
        let hand = &mut self.hands[index];
        send_signal(&hand.process, Signal::STOP);
        hand.stopped_until = Some(Instant::now() + stopped_for);
    }

    /// SIGCONT for those whose time is over.
    pub(crate) fn resume_due(&mut self, now: Instant) {
        for hand in &mut self.hands {
            if hand.stopped_until.is_some_and(|until| until <= now) {
                hand.stopped_until = None;
                send_signal(&hand.process, Signal::CONT);
            }
        }
    }

    /// Lets all of them end what they do, and hears all that they have said.
    pub(crate) async fn dismiss(self) {
        let Self { hands, open, .. } = self;
        let processes = hands.into_iter().map(|hand| hand.process);
        let stops: JoinSet<_> = processes.map(|process| tokio::task::spawn_blocking(move || process.stop())).collect();
        stops.join_all().await;
        wait_at_most(Duration::from_secs(10), async || open.load(Ordering::SeqCst) == 0).await;
    }
}

fn worker_command(options: &Options, urls: &[String], ledger: SocketAddr) -> Command {
    let mut command = Command::new(program("soak")).arg("work").grace(Duration::from_secs(15));
    for url in urls {
        command = command.arg("--queue").arg(url);
    }
    let ttl = options.lease_ttl.as_millis().to_string();
    command.arg("--ledger").arg(ledger.to_string()).arg("--lease-ttl-ms").arg(ttl)
}

async fn listen(listener: TcpListener, ledger: SharedLedger, open: Arc<AtomicUsize>) {
    let mut talks = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        open.fetch_add(1, Ordering::SeqCst);
        let (ledger, open) = (ledger.clone(), open.clone());
        talks.spawn(async move {
            hear(stream, &ledger).await;
            open.fetch_sub(1, Ordering::SeqCst);
        });
        while talks.try_join_next().is_some() {}
    }
}

/// One note a line. A line without an end is the last word of a worker that was killed while it wrote.
async fn hear(stream: TcpStream, ledger: &SharedLedger) {
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if let Ok(note) = serde_json::from_str::<Note>(&line) {
            ledger.lock().note(note);
        }
    }
}
