//! Graphile Worker, the original on Node: installed into the run's folder, left out where there is no npm.

use super::{JOBS, PATIENCE};
use crate::{report::Figure, stage::Server};
use codeimport_subprocess::Command;
use std::path::Path;

const VERSION: &str = "0.18.0";
const SCRIPT: &str = include_str!("graphile_worker.mjs");

pub(crate) async fn measure(server: &Server) -> anyhow::Result<Vec<Figure>> {
    let url = server.create_database("graphile_node").await?;
    let dir = server.dir().join("graphile-worker");
    tokio::task::spawn_blocking(move || {
        if !install(&dir)? {
            eprintln!("Graphile Worker is left out: there is no npm, or it cannot install it");
            return Ok(Vec::new());
        }
        let rate = run(&dir, &url)?;
        let what = format!("Graphile Worker {VERSION} (Node {}), in process", node_version()?);
        Ok(vec![Figure::new("graphile_worker_node", what, rate, "/s")])
    })
    .await?
}

fn install(dir: &Path) -> anyhow::Result<bool> {
    std::fs::create_dir_all(dir)?;
    std::fs::write(dir.join("package.json"), r#"{"private": true, "type": "module"}"#)?;
    let package = format!("graphile-worker@{VERSION}");
    let install = Command::new("npm").args(["install", "--no-fund", "--no-audit", "--ignore-scripts", &package]);
    Ok(install.cwd(dir).env("HOME", dir).run().is_ok_and(|output| output.success()))
}

fn run(dir: &Path, url: &str) -> anyhow::Result<f64> {
    std::fs::write(dir.join("bench.mjs"), SCRIPT)?;
    let node = Command::new("node").args(["bench.mjs", url, &JOBS.to_string()]).cwd(dir).timeout(PATIENCE);
    let output = node.env("NO_LOG_SUCCESS", "1").run()?;
    anyhow::ensure!(output.success(), "{}: {}", output.status_text(), output.stderr);
    let text = output.stdout_text();
    Ok(text.lines().last().unwrap_or_default().trim().parse()?)
}

fn node_version() -> anyhow::Result<String> {
    Ok(Command::new("node").arg("--version").run()?.stdout_text().trim().to_owned())
}
