//! Conversions that are killed while they write: the next one goes on and makes the same commits.

use crate::convert::long_dump;
use crate::hg_import::hg;
use crate::svn_import::SvnServer;
use codeimport_integration_tests::{eventually, git, program, published_refs};
use codeimport_subprocess::{Command, Signal};
use rustix::process::{Pid, kill_process};
use std::collections::BTreeSet;
use std::path::Path;

/// Makes history by Mercurial itself; the engine's own tests do the same.
const GENERATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/codeimport-convert/tests/it/hg/generate.py");

/// Revisions between two kills, and how many kills there are.
const STEP: &str = "60";
const KILLS: usize = 4;

/// Claims that a source gives the same refs and the same map, killed over and over or not.
pub(crate) async fn assert_nothing_is_lost(url: &str, rcs: &str) {
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let (whole, killed) = (dir.path().join("whole.git"), dir.path().join("killed.git"));
    convert(url, rcs, &whole, &[]);
    for _ in 0..KILLS {
        kill_as_it_writes(url, rcs, &killed).await;
        // What was cut off is done again, and a piece more: so each kill comes at another point of history.
        convert(url, rcs, &killed, &["--limit", STEP]);
    }
    convert(url, rcs, &killed, &[]);
    assert_eq!(published_refs(&killed), published_refs(&whole));
    git(&killed, &["fsck", "--strict", "--no-dangling"]);
    assert_eq!(map(&killed), map(&whole));
}

/// Which commit shows which revision, in no order.
fn map(repository: &Path) -> BTreeSet<String> {
    let output = Command::new(program("codeimport")).args(["--json", "map"]).arg(repository).run();
    output.expect("it can be run").stdout_text().lines().map(str::to_owned).collect()
}

/// Converts what there is, or as far as it is let.
fn convert(url: &str, rcs: &str, into: &Path, words: &[&str]) {
    let command = Command::new(program("codeimport")).args(["convert", "--rcs", rcs, url]).arg(into).args(words);
    let output = command.run().expect("it can be run");
    assert!(output.success() || output.code == Some(3), "{}", output.stderr);
}

/// Starts a conversion and kills it as soon as it writes a pack.
async fn kill_as_it_writes(url: &str, rcs: &str, into: &Path) {
    let packs = count(into);
    let command = Command::new(program("codeimport")).args(["convert", "--rcs", rcs, url]).arg(into);
    let running = command.start().expect("it starts");
    eventually("it writes a pack, or is done", async || (count(into) > packs || !running.is_running()).then_some(()))
        .await;
    let pid = i32::try_from(running.pid()).ok().and_then(Pid::from_raw).expect("a pid is a positive number");
    // Done already is as good: then there is nothing to kill.
    let _ = kill_process(pid, Signal::KILL);
    eventually("it is gone", async || (!running.is_running()).then_some(())).await;
}

/// Files in a repository's folder of packs, finished or not.
fn count(repository: &Path) -> usize {
    std::fs::read_dir(repository.join("objects/pack")).map_or(0, |files| files.count())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversion_of_subversion_that_was_killed_goes_on_and_makes_the_same() {
    let svn = SvnServer::start().await;
    svn.load("r", long_dump(600));
    assert_nothing_is_lost(&svn.url("r"), "svn").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversion_of_mercurial_that_was_killed_goes_on_and_makes_the_same() {
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    hg(&dir, &["init"]);
    let made = Command::new("/usr/bin/python3").arg(GENERATE).arg(dir.path()).args(["5", "300"]).env("HGRCPATH", "");
    let made = made.run().expect("Mercurial's Python is there");
    assert!(made.success(), "{}", made.stderr);
    assert_nothing_is_lost(&format!("file://{}", dir.path().display()), "hg").await;
}
