//! The conversion as `codeimport convert` does it, straight into a bare repository, in a process of its own: so its memory
//! can be told from that of the bench.

use crate::memory;
use anyhow::{Context as _, ensure};
use codeimport_convert::{LocalTarget, SourceOptions, Watch, open_source, refs_digest};
use codeimport_core::{Outcome, RcsType, SourceUrl};
use codeimport_subprocess::Command;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::{Duration, Instant};

/// Longest time of a conversion.
const LONG: Duration = Duration::from_secs(3_600);

/// What a conversion took.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ours {
    /// From the start of the process to its end.
    pub(crate) seconds: f64,
    /// The process' own peak.
    pub(crate) peak_bytes: u64,
    /// Digest of all refs: the same in every run.
    pub(crate) refs: String,
}

/// Converts in a process of its own. `dir` holds the target; called again it brings what is new.
pub(crate) fn convert(url: &str, dir: &Path) -> anyhow::Result<Ours> {
    let began = Instant::now();
    let command = Command::new(std::env::current_exe()?).args(["--convert-into"]).arg(dir).args(["--repository", url]);
    let output = command.timeout(LONG).run()?;
    ensure!(output.success(), "conversion of {url}: {}", output.stderr);
    let ours: Ours = serde_json::from_slice(&output.stdout).context("the converting process gave no figures")?;
    Ok(Ours { seconds: began.elapsed().as_secs_f64(), ..ours })
}

/// The converting process.
pub(crate) fn convert_here(url: &str, dir: &Path) -> anyhow::Result<Ours> {
    let began = Instant::now();
    let watch = Watch::none();
    let url = SourceUrl::parse(RcsType::Subversion, url)?;
    let target = LocalTarget::open(&dir.join("target.git"), &watch)?;
    loop {
        let run = target.run(&url, SourceOptions::default(), &watch)?;
        if run.outcome != Outcome::Partial {
            let peak_bytes = memory::peak_of("self").map_or(0, |(_, peak)| peak);
            let digest = refs_digest(&run.snapshot.refs, None);
            let refs = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            return Ok(Ours { seconds: began.elapsed().as_secs_f64(), peak_bytes, refs });
        }
    }
}

/// Asks for the newest revision as often as told; the times in seconds, sorted.
pub(crate) fn poll(url: &str, times: usize) -> anyhow::Result<Vec<f64>> {
    let url = SourceUrl::parse(RcsType::Subversion, url)?;
    let mut seconds = Vec::new();
    for _ in 0..times {
        let source = open_source(&url, SourceOptions::default())?;
        let began = Instant::now();
        source.probe(&Watch::none())?;
        seconds.push(began.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    Ok(seconds)
}
