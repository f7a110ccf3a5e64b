//! The conversion as a worker does it: probe, read the target, fetch, publish, until all is there. In a process of its
//! own, so that its memory can be told from that of the bench.

use crate::memory;
use anyhow::{Context as _, ensure};
use codeimport_convert::{
    Cache, Carried, Holder, ImportState, SourceOptions, Target, Watch, open_source, options_digest,
};
use codeimport_core::{FencingToken, RcsType, RefFilter, RunId, SourceUrl, TargetUrl};
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
    /// Of it: reading and converting.
    pub(crate) fetch_seconds: f64,
    /// Of it: the push into the target.
    pub(crate) publish_seconds: f64,
    /// The process' own peak.
    pub(crate) peak_bytes: u64,
    /// Digest of all refs: the same in every run.
    pub(crate) refs: String,
}

/// Converts in a process of its own. `dir` holds target and cache; called again it brings what is new.
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
    let (mut fetch_seconds, mut publish_seconds) = (0.0, 0.0);
    let began = Instant::now();
    let watch = Watch::none();
    let url = SourceUrl::parse(RcsType::Subversion, url)?;
    let source = open_source(&url, SourceOptions::default())?;
    let cache = Cache::open(&dir.join("caches"), &"bench".parse()?, &watch)?;
    let target = Target::new(TargetUrl::local(&dir.join("target.git"))?);
    let filter = RefFilter::default();
    for run in 1.. {
        let seen = target.read(&filter, &cache, &watch)?;
        let fetch = Instant::now();
        let carried = seen.carried.map(|Carried { tree, .. }| tree);
        let wanted = source.fetch(&cache, carried, &watch)?;
        let publish = Instant::now();
        fetch_seconds += (publish - fetch).as_secs_f64();
        let holder = Holder { fencing_token: FencingToken(run), run_id: RunId(run) };
        let begin = ImportState::begin(&url, options_digest(&url, &filter), holder);
        target.publish(&begin, &seen, &wanted, &filter, &cache, &watch)?;
        publish_seconds += publish.elapsed().as_secs_f64();
        if wanted.complete {
            let peak_bytes = memory::peak_of("self").map_or(0, |(_, peak)| peak);
            let digest = codeimport_convert::refs_digest(&wanted.refs, None);
            let refs = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            let seconds = began.elapsed().as_secs_f64();
            return Ok(Ours { seconds, fetch_seconds, publish_seconds, peak_bytes, refs });
        }
    }
    anyhow::bail!("a conversion has an end")
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
