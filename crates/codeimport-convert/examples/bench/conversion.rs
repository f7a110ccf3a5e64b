//! The conversion as `codeimport convert` does it, straight into a bare repository, in a process of its own: so its memory
//! can be told from that of the bench. That process is the bench itself, with `--convert-into DIR --url URL`.

use crate::peak::peak_of;
use anyhow::{Context as _, ensure};
use codeimport_convert::{LocalTarget, SourceOptions, Watch, open_source, refs_digest};
use codeimport_core::{Outcome, SourceUrl};
use codeimport_subprocess::Command;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Longest time of a conversion.
const LONG: Duration = Duration::from_secs(3_600);

/// What a conversion took.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Conversion {
    /// From the start of the process to its end.
    pub(crate) seconds: f64,
    /// The process' own peak.
    pub(crate) peak_bytes: u64,
    /// Digest of all refs: the same in every run.
    pub(crate) refs: String,
}

/// Where the repository lies that a conversion into `dir` made.
pub(crate) fn target(dir: &Path) -> PathBuf {
    dir.join("target.git")
}

/// Converts in a process of its own. `dir` holds the target; called again it brings what is new.
pub(crate) fn convert(url: &str, dir: &Path) -> anyhow::Result<Conversion> {
    let began = Instant::now();
    let command = Command::new(std::env::current_exe()?).arg("--convert-into").arg(dir).args(["--url", url]);
    let output = command.timeout(LONG).run()?;
    ensure!(output.success(), "conversion of {url}: {}", output.stderr);
    let made: Conversion = serde_json::from_slice(&output.stdout).context("the converting process gave no figures")?;
    Ok(Conversion { seconds: began.elapsed().as_secs_f64(), ..made })
}

/// The converting process.
pub(crate) fn convert_here(url: &SourceUrl, options: &SourceOptions, dir: &Path) -> anyhow::Result<Conversion> {
    let began = Instant::now();
    let watch = Watch::none();
    let target = LocalTarget::open(&target(dir), &watch)?;
    loop {
        let run = target.run(url, options.clone(), &watch)?;
        if run.outcome != Outcome::Partial {
            let peak_bytes = peak_of("self").map_or(0, |(_, peak)| peak);
            let digest = refs_digest(&run.snapshot.refs, None);
            let refs = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            return Ok(Conversion { seconds: began.elapsed().as_secs_f64(), peak_bytes, refs });
        }
    }
}

/// Asks as often as told whether there is anything new; the times in seconds.
pub(crate) fn poll(url: &SourceUrl, options: &SourceOptions, times: usize) -> anyhow::Result<Vec<f64>> {
    let mut seconds = Vec::new();
    for _ in 0..times {
        let source = open_source(url, options.clone());
        let began = Instant::now();
        source.probe(&Watch::none())?;
        seconds.push(began.elapsed().as_secs_f64());
    }
    Ok(seconds)
}
