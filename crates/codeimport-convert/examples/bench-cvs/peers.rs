//! What else there is.

use crate::report::Conversion;
use crate::repository::{run, try_run};
use codeimport_subprocess::Command;
use std::path::Path;
use std::time::{Duration, Instant};

/// Commits that can be reached from branches and tags.
pub(crate) fn commits_in(repository: &Path) -> u64 {
    let count = try_run(repository, &["git", "rev-list", "--count", "--branches", "--tags", "--remotes"]);
    count.ok().and_then(|count| count.parse().ok()).unwrap_or(0)
}

/// `cvs-fast-export` into `git fast-import`; none where it fails or is not there.
pub(crate) fn fast_export(module: &Path) -> anyhow::Result<Option<Conversion>> {
    let dir = tempfile::tempdir()?;
    run(dir.path(), &["git", "init", "-q", "--bare", "."]);
    let began = Instant::now();
    let pipe = format!("find {} -name '*,v' | cvs-fast-export | git fast-import --quiet", module.display());
    let output = Command::new("bash").args(["-o", "pipefail", "-c", &pipe]).cwd(dir.path()).run()?;
    let seconds = began.elapsed().as_secs_f64();
    Ok(output.success().then(|| Conversion { commits: commits_in(dir.path()), seconds, peak_bytes: 0 }))
}

/// `git cvsimport` of a module of a `CVSROOT`, for so long: what it made until then. None if it made nothing, or is not
/// there.
pub(crate) fn cvsimport(cvs_root: &str, module: &str, limit: Duration) -> anyhow::Result<Option<Conversion>> {
    let dir = tempfile::tempdir()?;
    let copy = dir.path().join("copy");
    // What `cvs login` would have written: the empty password, scrambled.
    std::fs::write(dir.path().join(".cvspass"), format!("/1 {cvs_root} A\n"))?;
    let began = Instant::now();
    let command =
        Command::new("git").args(["cvsimport", "-a", "-R", "-d"]).arg(cvs_root).arg("-C").arg(&copy).arg(module);
    // Ended by its time, it has made something all the same.
    drop(command.env("HOME", dir.path()).env("LOGNAME", "ada").timeout(limit).cwd(dir.path()).run());
    let seconds = began.elapsed().as_secs_f64();
    let commits = if copy.exists() { commits_in(&copy) } else { 0 };
    Ok((commits > 0).then_some(Conversion { commits, seconds, peak_bytes: 0 }))
}
