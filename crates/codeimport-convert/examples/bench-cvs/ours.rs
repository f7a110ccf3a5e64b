//! This converter, in this process.

use codeimport_convert::{CvsOptions, LocalTarget, SourceOptions, Watch, open_source};
use codeimport_core::{RcsType, SourceUrl};
use std::time::{Duration, Instant};

fn options() -> SourceOptions {
    let cvs = CvsOptions { settle_window: Duration::ZERO, ..CvsOptions::default() };
    SourceOptions { cvs, ..SourceOptions::default() }
}

/// Commits made, and the median of the seconds that it took.
pub(super) fn convert(url: &str, runs: usize) -> anyhow::Result<(f64, f64)> {
    let url = SourceUrl::parse_on_own_machine(RcsType::Cvs, url)?;
    let (mut times, mut commits) = (Vec::new(), 0.0);
    for _ in 0..runs {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("copy.git");
        let began = Instant::now();
        LocalTarget::open(&path, &Watch::none())?.run(&url, options(), &Watch::none())?;
        times.push(began.elapsed());
        commits = super::peers::commits_in(&path);
    }
    Ok((commits, median(times)))
}

/// The median of the seconds of a poll.
pub(super) fn poll(url: &str, runs: usize) -> anyhow::Result<f64> {
    let url = SourceUrl::parse_on_own_machine(RcsType::Cvs, url)?;
    let mut times = Vec::new();
    for _ in 0..runs {
        let began = Instant::now();
        open_source(&url, options())?.probe(&Watch::none())?;
        times.push(began.elapsed());
    }
    Ok(median(times))
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(f64::NAN, Duration::as_secs_f64)
}
