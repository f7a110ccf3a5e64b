//! What else there is.

use super::repository::{command, run};
use codeimport_subprocess::Command;
use std::path::Path;
use std::time::{Duration, Instant};

/// Commits that can be reached from branches and tags.
pub(super) fn commits_in(repository: &Path) -> f64 {
    run(repository, &["git", "rev-list", "--count", "--branches", "--tags"]).parse().unwrap_or(0.0)
}

pub(super) fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(f64::NAN, Duration::as_secs_f64)
}

/// The median of the seconds of `brz revno`.
pub(super) fn revno(url: &str, runs: usize) -> anyhow::Result<f64> {
    let dir = tempfile::tempdir()?;
    let mut times = Vec::new();
    for _ in 0..runs {
        let began = Instant::now();
        run(dir.path(), &["brz", "revno", url]);
        times.push(began.elapsed());
    }
    Ok(median(times))
}

/// `brz push --lossy` into a Git repository, for so long: commits and seconds.
pub(super) fn push_lossy(branch: &Path, limit: Duration) -> anyhow::Result<(f64, f64)> {
    let dir = tempfile::tempdir()?;
    run(dir.path(), &["brz", "init", "-q", "--git", "copy"]);
    let from = branch.to_string_lossy();
    let began = Instant::now();
    // What it made until it was ended would be nothing: it publishes at the end.
    let output = command(dir.path(), &["brz", "push", "-q", "--lossy", "-d", &from, "copy"]).timeout(limit).run()?;
    anyhow::ensure!(output.success(), "brz push --lossy: {}", output.stderr);
    Ok((commits_in(&dir.path().join("copy")), began.elapsed().as_secs_f64()))
}

/// `brz fast-export` into `git fast-import`: commits and seconds; else why there are none. Its trees may be wrong.
pub(super) fn fast_export(branch: &Path) -> anyhow::Result<Result<(f64, f64), String>> {
    let dir = tempfile::tempdir()?;
    run(dir.path(), &["git", "init", "-q", "--bare", "."]);
    let began = Instant::now();
    let pipe = format!("brz fast-export --plain -q '{}' | git fast-import --quiet", branch.display());
    let output = Command::new("bash").args(["-o", "pipefail", "-c", &pipe]).cwd(dir.path()).env("BRZ_HOME", dir.path());
    let output = output.env("BRZ_LOG", "/dev/null").run()?;
    let seconds = began.elapsed().as_secs_f64();
    Ok(if output.success() { Ok((commits_in(dir.path()), seconds)) } else { Err(output.stderr) })
}
