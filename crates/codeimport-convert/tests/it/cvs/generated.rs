//! Histories made by dice with the real `cvs`: whatever it takes, the engine has to follow.

use super::copy::Copy;
use super::repository::CvsRoot;
use codeimport_convert::Scope;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A small generator of numbers: the same seed, the same history.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // Numerical Recipes' 64-bit LCG: enough to choose, nothing more is asked of it.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % (sides as u64)).expect("small")
    }

    fn pick<'c>(&mut self, choices: &[&'c str]) -> &'c str {
        choices[self.roll(choices.len())]
    }
}

/// A working copy that changes at random.
struct Worker<'a> {
    root: &'a CvsRoot,
    work: PathBuf,
    dice: Dice,
    branches: usize,
    tags: usize,
}

impl<'a> Worker<'a> {
    fn begin(root: &'a CvsRoot, seed: u64) -> Self {
        let import = root.dir.path().join("import");
        fs::create_dir_all(import.join("d")).expect("ours");
        fs::write(import.join("f0"), "$Id$\nfirst\n").expect("writable");
        fs::write(import.join("d/f1"), "one\n").expect("writable");
        root.cvs(&import, &["import", "-m", "imported", "m", "vendor", "v0"]);
        root.cvs(root.dir.path(), &["checkout", "m"]);
        Self { root, work: root.dir.path().join("m"), dice: Dice(seed), branches: 0, tags: 0 }
    }

    fn cvs(&self, words: &[&str]) -> bool {
        self.root.try_cvs(&self.work, words).is_ok()
    }

    /// One step; commits have messages of their own.
    fn step(&mut self, number: usize) {
        match self.dice.roll(10) {
            0 => {
                self.branches += 1;
                self.cvs(&["tag", "-b", &format!("b{}", self.branches)]);
            }
            1 | 2 => {
                self.tags += 1;
                self.cvs(&["tag", &format!("t{}", self.tags)]);
            }
            3 => {
                // Some files only, so that no commit is like it.
                self.tags += 1;
                self.cvs(&["tag", &format!("t{}", self.tags), "d"]);
            }
            4 | 5 if self.branches > 0 => {
                let branch = format!("b{}", 1 + self.dice.roll(self.branches));
                self.cvs(&["update", "-d", "-r", &branch]);
                self.change(number);
                self.cvs(&["update", "-d", "-A"]);
            }
            6 => {
                self.cvs(&["tag", "-F", "moving"]);
            }
            _ => self.change(number),
        }
    }

    /// Changes, adds, removes a few files and commits.
    fn change(&mut self, number: usize) {
        for _ in 0..=self.dice.roll(3) {
            let file = self.dice.pick(&["f0", "d/f1", "f2", "d/f3", "f4"]);
            let path = self.work.join(file);
            if path.exists() && self.dice.roll(4) == 0 {
                fs::remove_file(&path).expect("ours");
                self.cvs(&["remove", file]);
            } else {
                let is_new = !path.exists();
                let lines = "line\n".repeat(self.dice.roll(20));
                fs::write(&path, format!("$Id$ $Log$\n{lines}{number}\n")).expect("writable");
                if is_new {
                    self.cvs(&["add", file]);
                }
            }
        }
        self.cvs(&["commit", "-m", &format!("change {number}")]);
    }
}

/// Takes away what later servers say of commits.
fn forget_commitids(root: &Path) {
    let mut folders = vec![root.join("m")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("readable").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read_to_string(&path).expect("text");
                let kept: Vec<_> = text.lines().filter(|line| !line.starts_with("commitid\t")).collect();
                fs::remove_file(&path).expect("ours");
                fs::write(&path, kept.join("\n") + "\n").expect("writable");
            }
        }
    }
}

fn check(seed: u64, steps: usize) {
    let root = CvsRoot::create();
    let mut worker = Worker::begin(&root, seed);
    let mut grown = Copy::of(&root, "m");
    // Within a second nobody can tell what came first.
    grown.options.cvs.settle_window = Duration::from_secs(1);
    for number in 0..steps {
        worker.step(number);
        if number % 4 == 0 {
            grown.run().expect("converted");
        }
    }
    grown.options.cvs.settle_window = Duration::ZERO;
    grown.run().expect("converted");
    let at_once = Copy::of(&root, "m");
    at_once.run().expect("converted");
    let (count, differences) = at_once.compare_refs();
    assert!(differences.is_empty() && count > 2, "seed {seed}: {}", differences.join("\n"));
    assert_eq!(grown.log(), at_once.log(), "seed {seed}: grown");
    assert_eq!(grown.refs(), at_once.refs(), "seed {seed}: grown");
    assert!(at_once.compare_dates(Scope::All) > 3, "seed {seed}");
    let mut in_pieces = Copy::of(&root, "m");
    in_pieces.options.max_revisions = 3;
    while !in_pieces.run().expect("converted") {}
    assert_eq!(in_pieces.refs(), at_once.refs(), "seed {seed}: in pieces");
    forget_commitids(&root.path());
    let without_ids = Copy::of(&root, "m");
    without_ids.run().expect("converted");
    let (_, differences) = without_ids.compare_refs();
    assert!(differences.is_empty(), "seed {seed}, without commit ids: {}", differences.join("\n"));
}

#[test]
fn generated_histories_are_faithful_and_the_same_in_one_go_in_pieces_and_as_they_grow() {
    // CVS waits for the next second after each commit: side by side they take no longer than one.
    std::thread::scope(|scope| {
        for seed in 1..=6 {
            scope.spawn(move || check(seed, 24));
        }
    });
}
