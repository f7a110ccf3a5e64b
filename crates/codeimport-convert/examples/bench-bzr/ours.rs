//! This converter, in this process.

use super::peers::{commits_in, median};
use codeimport_convert::{LocalTarget, SourceOptions, Watch, open_source};
use codeimport_core::{RcsType, SourceUrl};
use std::time::Instant;

/// Commits made, and the median of the seconds that it took.
pub(super) fn convert(url: &str, runs: usize) -> anyhow::Result<(f64, f64)> {
    let url = SourceUrl::parse_on_own_machine(RcsType::Bazaar, url)?;
    let (mut times, mut commits) = (Vec::new(), 0.0);
    for _ in 0..runs {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("copy.git");
        let began = Instant::now();
        LocalTarget::open(&path, &Watch::none())?.run(&url, SourceOptions::default(), &Watch::none())?;
        times.push(began.elapsed());
        commits = commits_in(&path);
    }
    Ok((commits, median(times)))
}

/// The median of the seconds of a poll.
pub(super) fn poll(url: &str, runs: usize) -> anyhow::Result<f64> {
    let url = SourceUrl::parse_on_own_machine(RcsType::Bazaar, url)?;
    let mut times = Vec::new();
    for _ in 0..runs {
        let began = Instant::now();
        open_source(&url, SourceOptions::default())?.probe(&Watch::none())?;
        times.push(began.elapsed());
    }
    Ok(median(times))
}
