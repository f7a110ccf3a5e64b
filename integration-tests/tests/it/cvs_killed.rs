//! A conversion of CVS that is killed, wherever it is, goes on and makes what one makes that was left alone.

#[path = "../../../crates/codeimport-convert/examples/bench-cvs/history.rs"]
mod history;

use codeimport_integration_tests::{git, program, published_refs};
use codeimport_subprocess::Command;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::{Path, PathBuf};

/// Commits of the module, and how many of them a run converts.
const COMMITS: usize = 400;
const PIECE: &str = "150";

/// Bytes of packs, half ones too, that have been added when a conversion is killed: from the first on, to most of them.
const KILLED_AFTER: [u64; 4] = [1, 40_000, 120_000, 240_000];

fn convert(module: &Path, target: &Path, more: &[&str]) -> Command {
    let url = format!("file://{}//m", module.display());
    Command::new(program("codeimport")).args(["convert", "--rcs", "cvs", &url]).arg(target).args(more)
}

fn bytes_of_packs(target: &Path) -> u64 {
    let files = fs::read_dir(target.join("objects/pack")).into_iter().flatten().flatten();
    files.filter_map(|file| file.metadata().ok()).map(|meta| meta.len()).sum()
}

/// Kills a conversion once it has written so much; whether it was still under way.
fn kill_after(bytes: u64, module: &Path, target: &Path) -> bool {
    let before = bytes_of_packs(target);
    let running = convert(module, target, &[]).start().expect("it starts");
    while running.is_running() && bytes_of_packs(target) < before + bytes {
        std::thread::yield_now();
    }
    let pid = i32::try_from(running.pid()).ok().and_then(Pid::from_raw).expect("a pid is a positive number");
    running.is_running() && kill_process(pid, Signal::KILL).is_ok()
}

#[test]
fn a_conversion_that_was_killed_goes_on_and_makes_the_same() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    history::write(&dir.path().join("m"), COMMITS).expect("the folder is ours");
    let [whole, pieces, killed] = ["whole", "pieces", "killed"].map(|name| dir.path().join(format!("{name}.git")));
    let run = |target: &PathBuf, more: &[&str]| {
        let output = convert(dir.path(), target, more).run().expect("it runs");
        // Exit code 3: so far.
        assert!(matches!(output.code, Some(0 | 3)), "{}", output.stderr);
    };
    run(&whole, &[]);
    (0..=COMMITS / 150).for_each(|_| run(&pieces, &["--limit", PIECE]));
    let interrupted = KILLED_AFTER.into_iter().filter(|bytes| kill_after(*bytes, dir.path(), &killed)).count();
    assert!(interrupted > 1, "it was under way: {interrupted}");
    run(&killed, &["--limit", PIECE]);
    // From here on it goes on from what was published, not from the start.
    for bytes in KILLED_AFTER {
        kill_after(bytes, dir.path(), &killed);
    }
    run(&killed, &[]);
    for other in [&pieces, &killed] {
        assert_eq!(published_refs(other), published_refs(&whole), "{}", other.display());
        git(other, &["fsck", "--strict", "--no-dangling"]);
    }
}
