//! The figures, for people and as JSON.

use crate::figures::{count, median};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// All figures of one run of the bench.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) cores: usize,
    /// Rows of the table, by name.
    pub(crate) rows: Vec<Row>,
    pub(crate) poll: Poll,
    /// None with a branch that was given.
    pub(crate) increment: Option<Increment>,
}

/// One way to convert.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// Why there is nothing more, if there is nothing more.
    pub(crate) note: Option<String>,
    pub(crate) commits: u64,
    pub(crate) seconds: f64,
    pub(crate) commits_per_second: f64,
    /// How many times `brz push --lossy`.
    pub(crate) ratio: f64,
    /// Commits with a tree that ours never has.
    pub(crate) other_trees: usize,
    /// Largest peak of any process of a name, in bytes.
    pub(crate) peak_bytes: BTreeMap<String, u64>,
}

/// To ask whether there is anything new; medians.
#[derive(Debug, Serialize)]
pub(crate) struct Poll {
    pub(crate) ours_seconds: f64,
    pub(crate) revno_seconds: f64,
    pub(crate) ratio: f64,
}

/// Ten new revisions over `bzr://`; medians.
#[derive(Debug, Serialize)]
pub(crate) struct Increment {
    pub(crate) with_cache_seconds: f64,
    pub(crate) without_cache_seconds: f64,
}

/// One conversion.
#[derive(Debug)]
pub(crate) struct Conversion {
    trees: Vec<String>,
    seconds: f64,
    peak_bytes: BTreeMap<String, u64>,
}

/// A conversion that was ended before it was complete.
#[derive(Debug)]
pub(crate) struct CutOff {
    /// None if it has told of none.
    pub(crate) revisions: Option<u64>,
    pub(crate) seconds: f64,
}

impl Conversion {
    /// By the trees of its commits.
    pub(crate) fn new(trees: Vec<String>, seconds: f64, peak_bytes: BTreeMap<String, u64>) -> Self {
        Self { trees, seconds, peak_bytes }
    }

    /// The trees of its commits.
    pub(crate) fn trees(&self) -> BTreeSet<String> {
        self.trees.iter().cloned().collect()
    }
}

impl Row {
    /// Of conversions of the same history; their median counts.
    pub(crate) fn of(name: &'static str, runs: &[Conversion], ours: &BTreeSet<String>) -> Self {
        let mut row = Self::none(name, None);
        let trees = runs.first().map_or(&[][..], |run| &run.trees);
        row.commits = trees.len() as u64;
        row.seconds = median(runs.iter().map(|run| run.seconds).collect());
        row.commits_per_second = count(row.commits) / row.seconds;
        row.other_trees = trees.iter().filter(|tree| !ours.contains(*tree)).count();
        for (program, peak) in runs.iter().flat_map(|run| &run.peak_bytes) {
            let known = row.peak_bytes.entry(program.clone()).or_default();
            *known = *peak.max(known);
        }
        row
    }

    /// Of one that came as far as this.
    pub(crate) fn cut_off(name: &'static str, cut_off: &CutOff) -> Self {
        let seconds = cut_off.seconds;
        let Some(commits) = cut_off.revisions else {
            return Self::none(name, Some(format!("ended after {seconds:.0} s, before it had counted any revision")));
        };
        let note = format!("ended after {seconds:.0} s, by its own count");
        Self { commits, seconds, commits_per_second: count(commits) / seconds, ..Self::none(name, Some(note)) }
    }

    /// Of none.
    pub(crate) fn none(name: &'static str, note: Option<String>) -> Self {
        let (seconds, commits_per_second, ratio) = (f64::NAN, f64::NAN, f64::NAN);
        Self { name, note, commits: 0, seconds, commits_per_second, ratio, other_trees: 0, peak_bytes: BTreeMap::new() }
    }

    fn line(&self) -> String {
        // Programs that only start others, and processes that were about to become another program, are left out.
        let large = self.peak_bytes.iter().filter(|(_, peak)| **peak > 10_000_000);
        let peaks = large.map(|(name, peak)| format!("{name} {:.0} MB", count(*peak) / 1e6));
        let notes = peaks.chain(self.note.clone()).collect::<Vec<_>>().join(", ");
        let (commits, trees) = (self.commits, self.other_trees);
        let figures = format!("{commits:>8}{:>9.2}{:>11.1}", self.seconds, self.commits_per_second);
        format!("  {:<22}{figures}{:>8.1}{trees:>13}  {notes}\n", self.name, self.ratio)
    }
}

impl Report {
    /// A table.
    pub(crate) fn table(&self) -> String {
        let head = ["commits", "seconds", "commits/s", "ratio", "other trees"];
        let head = format!("{:>8}{:>9}{:>11}{:>8}{:>13}  peaks", head[0], head[1], head[2], head[3], head[4]);
        let mut text = format!("{} cores\n  {:<22}{head}\n", self.cores, "");
        self.rows.iter().for_each(|row| text += &row.line());
        let Poll { ours_seconds, revno_seconds, ratio } = self.poll;
        let (ours, revno) = (ours_seconds * 1e3, revno_seconds * 1e3);
        text += &format!("  poll: ours {ours:.2} ms, brz revno {revno:.1} ms, ratio {ratio:.0}\n");
        if let Some(Increment { with_cache_seconds, without_cache_seconds }) = &self.increment {
            let (with, without) = (with_cache_seconds * 1e3, without_cache_seconds * 1e3);
            text += &format!("  ten new revisions: {with:.0} ms, with an empty cache {without:.0} ms\n");
        }
        text
    }
}
