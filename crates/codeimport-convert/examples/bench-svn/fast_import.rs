//! `git fast-import`, which most converters write with: how long it takes for commits that are ready in memory.

use anyhow::ensure;
use codeimport_subprocess::Command;
use std::path::Path;
use std::time::{Duration, Instant};

/// Longest time to write what was converted in less.
const LONG: Duration = Duration::from_secs(3_600);

/// Most bytes of the stream that describes all commits.
const MAX_STREAM: usize = 8 << 30;

/// Seconds to write the branches and tags of a repository once more, into `dir`. Nothing is read from a source, nothing is
/// converted: no converter that writes this way can be faster.
pub(crate) fn seconds(repository: &Path, dir: &Path) -> anyhow::Result<f64> {
    let export = ["fast-export", "--branches", "--tags", "--reencode=no"];
    let exported = Command::new("git").args(export).cwd(repository).timeout(LONG).stdout_limit(MAX_STREAM).run()?;
    ensure!(exported.success(), "git fast-export: {}", exported.stderr);
    ensure!(Command::new("git").args(["init", "--quiet", "--bare"]).arg(dir).run()?.success(), "git init");
    let began = Instant::now();
    let import = Command::new("git").args(["fast-import", "--quiet"]).cwd(dir);
    let imported = import.stdin(exported.stdout).timeout(LONG).run()?;
    ensure!(imported.success(), "git fast-import: {}", imported.stderr);
    Ok(began.elapsed().as_secs_f64())
}
