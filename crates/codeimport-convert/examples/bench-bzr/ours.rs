//! This converter.

use crate::memory::MemoryWatch;
use crate::peak::peak_of;
use crate::peers::trees_in;
use crate::report::Conversion;
use anyhow::{Context as _, ensure};
use codeimport_convert::{
    Cache, Holder, ImportState, LocalTarget, SourceOptions, Target, Watch, open_source, options_digest,
};
use codeimport_core::{FencingToken, ImportId, Outcome, RcsType, RefFilter, RunId, SourceUrl, TargetUrl};
use codeimport_subprocess::Command;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

/// Longest time of a conversion.
const LONG: Duration = Duration::from_secs(3_600);

/// Converts in a process of its own, so that its memory can be told from that of the bench.
pub(crate) fn convert(url: &str) -> anyhow::Result<Conversion> {
    let dir = tempfile::tempdir()?;
    let began = Instant::now();
    let command = Command::new(std::env::current_exe()?).arg("--convert-into").arg(dir.path()).args(["--url", url]);
    let output = command.timeout(LONG).run()?;
    ensure!(output.success(), "conversion of {url}: {}", output.stderr);
    let seconds = began.elapsed().as_secs_f64();
    let peak_bytes = serde_json::from_slice(&output.stdout).context("the converting process gave no figures")?;
    Ok(Conversion::new(trees_in(&dir.path().join("target.git"))?, seconds, peak_bytes))
}

/// The converting process: the peaks of its own and of what it starts.
pub(crate) fn convert_here(url: &str, dir: &Path) -> anyhow::Result<BTreeMap<String, u64>> {
    let (memory, watch) = (MemoryWatch::start(Vec::new()), Watch::none());
    let url = SourceUrl::parse_on_own_machine(RcsType::Bazaar, url)?;
    let target = LocalTarget::open(&dir.join("target.git"), &watch)?;
    while target.run(&url, SourceOptions::default(), &watch)?.outcome == Outcome::Partial {}
    let mut peaks = memory.stop();
    peaks.extend(peak_of("self"));
    Ok(peaks)
}

/// Brings a target up to date as a worker does, with the cache in `dir/cache`; the seconds it took.
pub(crate) fn update(url: &str, dir: &Path) -> anyhow::Result<f64> {
    let began = Instant::now();
    let (watch, options, filter) = (Watch::none(), SourceOptions::default(), RefFilter::default());
    let url = SourceUrl::parse_on_own_machine(RcsType::Bazaar, url)?;
    let id: ImportId = "bench".parse()?;
    let cache = Cache::open(&dir.join("cache"), &id, &watch)?;
    let target = Target::new(TargetUrl::local(&dir.join("target.git"))?);
    let seen = target.read(&filter, &cache, &watch)?;
    let carried = seen.carried.map(|carried| carried.tree);
    let wanted = open_source(&url, options.clone()).fetch(&cache, carried, &watch)?;
    let holder = Holder { fencing_token: FencingToken(1), run_id: RunId(1) };
    let begin = ImportState::begin(&url, options_digest(&url, &options), holder);
    target.publish(&begin, &seen, &wanted, &filter, &cache, &watch)?;
    Ok(began.elapsed().as_secs_f64())
}

/// Asks as often as told whether there is anything new; the times in seconds.
pub(crate) fn poll(url: &str, times: usize) -> anyhow::Result<Vec<f64>> {
    let url = SourceUrl::parse_on_own_machine(RcsType::Bazaar, url)?;
    let mut seconds = Vec::new();
    for _ in 0..times {
        let began = Instant::now();
        open_source(&url, SourceOptions::default()).probe(&Watch::none())?;
        seconds.push(began.elapsed().as_secs_f64());
    }
    Ok(seconds)
}
