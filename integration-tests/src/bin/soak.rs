//! `soak`: treats the queue as badly as we know how, for a while, and draws up the account. `make soak`.
//!
//! Exits with 0 if nothing happened that must not, with 1 otherwise. `soak work` is one of its own workers.

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use codeimport_integration_tests::soak::{self, Options, worker, worker::WorkerOptions};
use std::{net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

#[derive(Parser)]
#[command(about = "Kills, stops and cuts off workers, queue and PostgreSQL, and proves that no lease broke")]
struct Cli {
    #[command(subcommand)]
    role: Option<Role>,
    #[command(flatten)]
    soak: SoakArgs,
}

#[derive(Subcommand)]
enum Role {
    /// One worker process. Started by the soak itself.
    #[command(hide = true)]
    Work(WorkArgs),
}

#[derive(Args)]
struct SoakArgs {
    /// How long damage is done.
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// Worker processes, of 100 leases each.
    #[arg(long, default_value_t = 4)]
    workers: usize,
    /// Jobs, each due every second.
    #[arg(long, default_value_t = 3_000)]
    jobs: u32,
    /// How long a lease lasts without a heartbeat.
    #[arg(long, default_value_t = 2_000)]
    lease_ttl_ms: u64,
    /// Repeats the damage of an earlier soak, as far as timing allows.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Writes the account as JSON, too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Args)]
struct WorkArgs {
    #[arg(long)]
    name: String,
    #[arg(long = "queue", required = true)]
    queues: Vec<String>,
    #[arg(long)]
    ledger: SocketAddr,
    #[arg(long)]
    lease_ttl_ms: u64,
    #[arg(long)]
    seed: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    match cli.role {
        Some(Role::Work(args)) => work(args).await,
        None => run(cli.soak).await,
    }
}

async fn work(args: WorkArgs) -> anyhow::Result<ExitCode> {
    let WorkArgs { name, queues, ledger, lease_ttl_ms, seed } = args;
    let lease_ttl = Duration::from_millis(lease_ttl_ms);
    worker::run(WorkerOptions { name, queues, ledger, lease_ttl, seed }).await?;
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "a command tells its user")]
async fn run(args: SoakArgs) -> anyhow::Result<ExitCode> {
    let SoakArgs { seconds, workers, jobs, lease_ttl_ms, seed, json } = args;
    let (chaos, lease_ttl) = (Duration::from_secs(seconds), Duration::from_millis(lease_ttl_ms));
    let account = soak::run(Options { chaos, workers, jobs, lease_ttl, seed }).await?;
    println!("{}", account.table());
    if let Some(path) = json {
        std::fs::write(&path, serde_json::to_vec_pretty(&account)?).with_context(|| path.display().to_string())?;
    }
    Ok(if account.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
