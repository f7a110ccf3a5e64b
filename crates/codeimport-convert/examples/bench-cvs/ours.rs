//! This converter.

use crate::conversion;
use crate::peers::commits_in;
use crate::report::Conversion;
use codeimport_convert::{CvsOptions, SourceOptions};
use codeimport_core::{RcsType, SourceUrl};
use std::path::Path;
use std::time::Duration;

fn options() -> SourceOptions {
    let cvs = CvsOptions { settle_window: Duration::ZERO, ..CvsOptions::default() };
    SourceOptions { cvs, ..SourceOptions::default() }
}

fn source(url: &str) -> anyhow::Result<SourceUrl> {
    Ok(SourceUrl::parse_on_own_machine(RcsType::Cvs, url)?)
}

/// Converts in a process of its own.
pub(crate) fn convert(url: &str) -> anyhow::Result<Conversion> {
    let dir = tempfile::tempdir()?;
    let made = conversion::convert(url, dir.path())?;
    let commits = commits_in(&conversion::target(dir.path()));
    Ok(Conversion { commits, seconds: made.seconds, peak_bytes: made.peak_bytes })
}

/// The converting process.
pub(crate) fn convert_here(url: &str, dir: &Path) -> anyhow::Result<conversion::Conversion> {
    conversion::convert_here(&source(url)?, &options(), dir)
}

/// Asks as often as told whether there is anything new; the times in seconds.
pub(crate) fn poll(url: &str, times: usize) -> anyhow::Result<Vec<f64>> {
    conversion::poll(&source(url)?, &options(), times)
}
