//! The ceiling: the plainest table that leases and finishes in the same order of statements, driven by pgbench.
//!
//! It has a fence, a due time and nothing else: no hosts, no history, no events, no second service.

use crate::{Args, report::Figure, stage::Server};
use anyhow::Context as _;
use codeimport_subprocess::Command;
use std::path::{Path, PathBuf};

const SETUP: &str = include_str!("pgbench/setup.sql");
const CYCLE: &str = include_str!("pgbench/cycle.sql");

pub(crate) async fn measure(args: &Args, server: &Server) -> anyhow::Result<Vec<Figure>> {
    let url = server.create_database("pgbench").await?;
    let (dir, seconds) = (server.dir().to_owned(), args.seconds);
    tokio::task::spawn_blocking(move || {
        let batches = rate(&dir, &url, 100, 4, seconds)?;
        let ones = rate(&dir, &url, 1, 16, seconds)?;
        Ok(vec![
            Figure::new("pgbench_batch", "pgbench: cycles of 100, 4 connections", batches * 100.0, "/s"),
            Figure::new("pgbench_unary", "pgbench: cycles of 1, 16 connections", ones, "/s"),
        ])
    })
    .await?
}

/// Cycles of a batch a second.
fn rate(dir: &Path, url: &str, batch: u32, clients: u32, seconds: u64) -> anyhow::Result<f64> {
    let setup = write(dir, "setup.sql", SETUP)?;
    succeed(Command::new("psql").args([url, "-q", "-v", "ON_ERROR_STOP=1", "-f"]).arg(setup))?;
    let (batch, clients, seconds) = (format!("batch={batch}"), clients.to_string(), seconds.to_string());
    let bench = Command::new("pgbench").args(["-n", "-M", "prepared", "-D", &batch, "-c", &clients, "-T", &seconds]);
    let text = succeed(bench.arg("-f").arg(write(dir, "cycle.sql", CYCLE)?).arg(url))?;
    let line = text.lines().find_map(|line| line.strip_prefix("tps = "));
    let number = line.and_then(|line| line.split(' ').next()).context("pgbench tells its rate")?;
    Ok(number.parse()?)
}

fn write(dir: &Path, name: &str, text: &str) -> anyhow::Result<PathBuf> {
    let path = dir.join(name);
    std::fs::write(&path, text)?;
    Ok(path)
}

fn succeed(command: Command) -> anyhow::Result<String> {
    let output = command.run()?;
    anyhow::ensure!(output.success(), "{}: {}", output.status_text(), output.stderr);
    Ok(output.stdout_text())
}
