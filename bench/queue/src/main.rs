//! `make bench-queue`: what the queue does on this machine, over loopback gRPC, on a real PostgreSQL with fsync on; and
//! what others do on the same server in the same run.
//!
//! Each row of the table is a file in [`rows`], each peer one in [`peers`]. A row has a database and a queue process of
//! its own. Figures are printed and asserted nowhere; ratios are of figures of the same run.

mod clients;
mod cpu;
mod drive;
mod latency;
mod machine;
mod many_schedules;
mod peers;
mod report;
mod rows;
mod stage;

use anyhow::Context as _;
use clap::{Parser, ValueEnum};
use machine::Machine;
use report::Report;
use rows::Row;
use stage::Server;
use std::{path::PathBuf, time::Duration};

#[derive(Parser, Debug)]
#[command(about = "Measures the queue over gRPC beside its peers")]
pub(crate) struct Args {
    /// Only these rows.
    #[arg(long, value_delimiter = ',', value_enum)]
    only: Vec<Row>,
    /// Sizes and times of the goals: 5,000,000 schedules, 100,000 leases, a snapshot held for ten minutes.
    #[arg(long)]
    full: bool,
    /// How long each rate is measured.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How often all rows are measured, in turns: of each figure the middle one counts.
    #[arg(long, default_value_t = 1)]
    rounds: u32,
    /// Schedules of the large table.
    #[arg(long)]
    schedules: Option<u32>,
    /// Live leases that heartbeat.
    #[arg(long)]
    leases: Option<u32>,
    /// How long a snapshot is held.
    #[arg(long)]
    hold_seconds: Option<u64>,
    /// The queue's program.
    #[arg(long, default_value = "target/release/codeimport-queue")]
    queue: PathBuf,
    /// Writes all figures as JSON, too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Args {
    pub(crate) fn measured_for(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    pub(crate) fn schedules(&self) -> u32 {
        self.schedules.unwrap_or(if self.full { 5_000_000 } else { 200_000 })
    }

    pub(crate) fn leases(&self) -> u32 {
        self.leases.unwrap_or(if self.full { 100_000 } else { 20_000 })
    }

    pub(crate) fn hold(&self) -> Duration {
        Duration::from_secs(self.hold_seconds.unwrap_or(if self.full { 600 } else { 20 }))
    }

    fn rows(&self) -> Vec<Row> {
        if self.only.is_empty() { Row::value_variants().to_vec() } else { self.only.clone() }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    anyhow::ensure!(args.queue.exists(), "{} is not built: run `make bench-queue`", args.queue.display());
    let server = Server::start().await?;
    let mut report = Report::new(Machine::look(&server).await?);
    for row in (0..args.rounds).flat_map(|_| args.rows()) {
        eprintln!("measuring: {row:?}");
        for figure in rows::measure(row, &args, &server).await.with_context(|| format!("row {row:?}"))? {
            eprintln!("{figure}");
            report.add(figure);
        }
    }
    report.keep_the_middle_ones();
    report.compare();
    println!("{}", report.table());
    if let Some(path) = &args.json {
        std::fs::write(path, serde_json::to_vec_pretty(&report)?).with_context(|| path.display().to_string())?;
    }
    server.stop().await
}
