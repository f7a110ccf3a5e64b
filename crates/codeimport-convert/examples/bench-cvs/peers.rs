//! What else there is.

use super::repository::{CvsRoot, run};
use codeimport_subprocess::Command;
use std::path::Path;
use std::time::{Duration, Instant};

/// Commits that can be reached from branches and tags.
pub(super) fn commits_in(repository: &Path) -> f64 {
    run(repository, &["git", "rev-list", "--count", "--branches", "--tags", "--remotes"]).parse().unwrap_or(0.0)
}

/// `cvs-fast-export` into `git fast-import`: commits and seconds; none where it fails.
pub(super) fn fast_export(module: &Path) -> anyhow::Result<Option<(f64, f64)>> {
    let dir = tempfile::tempdir()?;
    run(dir.path(), &["git", "init", "-q", "--bare", "."]);
    let began = Instant::now();
    let pipe = format!("find {} -name '*,v' | cvs-fast-export | git fast-import --quiet", module.display());
    let output = Command::new("bash").args(["-o", "pipefail", "-c", &pipe]).cwd(dir.path()).run()?;
    let seconds = began.elapsed().as_secs_f64();
    Ok(output.success().then(|| (commits_in(dir.path()), seconds)))
}

/// `git cvsimport`, for so long: commits and seconds.
pub(super) fn cvsimport(root: &CvsRoot, module: &str, limit: Duration) -> anyhow::Result<(f64, f64)> {
    let dir = tempfile::tempdir()?;
    let copy = dir.path().join("copy");
    let began = Instant::now();
    let command =
        Command::new("git").args(["cvsimport", "-a", "-R", "-d"]).arg(root.path()).arg("-C").arg(&copy).arg(module);
    // What it made until it was ended counts.
    drop(command.env("HOME", dir.path()).timeout(limit).cwd(dir.path()).run());
    let seconds = began.elapsed().as_secs_f64();
    Ok((if copy.exists() { commits_in(&copy) } else { 0.0 }, seconds))
}
