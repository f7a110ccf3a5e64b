//! What else there is.

use crate::branch::Branch;
use crate::memory::MemoryWatch;
use crate::report::{Conversion, CutOff};
use crate::repository::{command, run};
use anyhow::{bail, ensure};
use codeimport_subprocess::SubprocessError;
use std::path::Path;
use std::time::{Duration, Instant};

/// Longest time of an export.
const LONG: Duration = Duration::from_secs(3_600);

/// The tree of each commit that can be reached from branches and tags.
pub(crate) fn trees_in(repository: &Path) -> anyhow::Result<Vec<String>> {
    let output = command(repository, &["git", "log", "--format=%T", "--branches", "--tags"]).run()?;
    ensure!(output.success(), "git log: {}", output.stderr);
    Ok(output.stdout_text().lines().map(str::to_owned).collect())
}

/// `brz revno` as often as told; the times in seconds.
pub(crate) fn revno(url: &str, times: usize) -> anyhow::Result<Vec<f64>> {
    let home = tempfile::tempdir()?;
    let timed = |_| {
        let began = Instant::now();
        run(home.path(), &["brz", "revno", url]);
        began.elapsed().as_secs_f64()
    };
    Ok((0..times).map(timed).collect())
}

/// `brz push --lossy` into a new Git repository; what it had done if it took longer than it was given.
pub(crate) fn push_lossy(branch: &Branch, limit: Duration) -> anyhow::Result<Result<Conversion, CutOff>> {
    // What it finds out it keeps in the branch, and knows it the next time.
    let from = branch.copy("pushed")?;
    let dir = tempfile::tempdir()?;
    run(dir.path(), &["git", "init", "-q", "--bare", "copy.git"]);
    let script = format!("brz push --lossy -d '{}' copy.git 2> progress", from.display());
    let command = command(dir.path(), &["bash", "-c", &script]).env("BRZ_PROGRESS_BAR", "text").env("COLUMNS", "80");
    let (watch, began) = (MemoryWatch::start(Vec::new()), Instant::now());
    let pushed = command.timeout(limit).run();
    let (seconds, peaks) = (began.elapsed().as_secs_f64(), watch.stop());
    std::fs::remove_dir_all(from)?;
    let progress = std::fs::read_to_string(dir.path().join("progress"))?;
    match pushed {
        Ok(output) if output.success() => {
            Ok(Ok(Conversion::new(trees_in(&dir.path().join("copy.git"))?, seconds, peaks)))
        }
        Ok(_) => bail!("brz push --lossy: {progress}"),
        // Nothing is written before all is converted, so its own word has to do.
        Err(SubprocessError::TimedOut { .. }) => Ok(Err(CutOff { revisions: counted(&progress), seconds })),
        Err(error) => Err(error.into()),
    }
}

/// How many revisions a progress bar has counted; none if it has not begun to.
fn counted(progress: &str) -> Option<u64> {
    let numbers = progress.split(['\r', '\n']).rev().find_map(|line| line.split_once("pushing revisions "));
    numbers.and_then(|(_, numbers)| numbers.split_once('/')?.0.parse().ok()).filter(|count| *count > 0)
}

/// `brz fast-export` into `git fast-import`; else what it says.
pub(crate) fn fast_export(branch: &Branch) -> anyhow::Result<Result<Conversion, String>> {
    let dir = tempfile::tempdir()?;
    run(dir.path(), &["git", "init", "-q", "--bare", "copy.git"]);
    let from = branch.path().display();
    let script = format!("brz fast-export --plain -q '{from}' | git -C copy.git fast-import --quiet");
    let command = command(dir.path(), &["bash", "-o", "pipefail", "-c", &script]);
    let (watch, began) = (MemoryWatch::start(Vec::new()), Instant::now());
    let output = command.timeout(LONG).run()?;
    let (seconds, peaks) = (began.elapsed().as_secs_f64(), watch.stop());
    if !output.success() {
        let needs =
            if output.stderr.contains("import library") { "; it needs Debian's python3-fastimport" } else { "" };
        return Ok(Err(format!("fails: {}{needs}", output.stderr.lines().next().unwrap_or_default())));
    }
    Ok(Ok(Conversion::new(trees_in(&dir.path().join("copy.git"))?, seconds, peaks)))
}
