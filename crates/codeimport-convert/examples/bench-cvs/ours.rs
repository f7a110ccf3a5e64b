//! This converter, in a process of its own: so its memory can be told from that of the bench.

use crate::memory;
use crate::report::Conversion;
use anyhow::{Context as _, ensure};
use codeimport_convert::{CvsOptions, LocalTarget, SourceOptions, Watch, open_source};
use codeimport_core::{Outcome, RcsType, SourceUrl};
use codeimport_subprocess::Command;
use std::path::Path;
use std::time::{Duration, Instant};

/// Longest time of a conversion.
const LONG: Duration = Duration::from_secs(3_600);

fn options() -> SourceOptions {
    let cvs = CvsOptions { settle_window: Duration::ZERO, ..CvsOptions::default() };
    SourceOptions { cvs, ..SourceOptions::default() }
}

/// Converts in a process of its own.
pub(crate) fn convert(url: &str) -> anyhow::Result<Conversion> {
    let dir = tempfile::tempdir()?;
    let began = Instant::now();
    let command = Command::new(std::env::current_exe()?).arg("--convert-into").arg(dir.path()).args(["--url", url]);
    let output = command.timeout(LONG).run()?;
    ensure!(output.success(), "conversion of {url}: {}", output.stderr);
    let seconds = began.elapsed().as_secs_f64();
    let ours: Conversion = serde_json::from_slice(&output.stdout).context("the converting process gave no figures")?;
    Ok(Conversion { seconds, ..ours })
}

/// The converting process.
pub(crate) fn convert_here(url: &str, dir: &Path) -> anyhow::Result<Conversion> {
    let watch = Watch::none();
    let url = SourceUrl::parse_on_own_machine(RcsType::Cvs, url)?;
    let path = dir.join("target.git");
    let target = LocalTarget::open(&path, &watch)?;
    while target.run(&url, options(), &watch)?.outcome == Outcome::Partial {}
    let peak_bytes = memory::peak_of("self").map_or(0, |(_, peak)| peak);
    Ok(Conversion { commits: crate::peers::commits_in(&path), seconds: 0.0, peak_bytes })
}

/// Asks as often as told whether there is anything new; the times in seconds.
pub(crate) fn poll(url: &str, times: usize) -> anyhow::Result<Vec<f64>> {
    let url = SourceUrl::parse_on_own_machine(RcsType::Cvs, url)?;
    let mut seconds = Vec::new();
    for _ in 0..times {
        let began = Instant::now();
        open_source(&url, options())?.probe(&Watch::none())?;
        seconds.push(began.elapsed().as_secs_f64());
    }
    Ok(seconds)
}
