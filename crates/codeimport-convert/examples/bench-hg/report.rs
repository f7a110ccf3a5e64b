//! The figures, for people and as JSON.

use crate::conversion::Conversion;
use crate::figures::{count, median};
use crate::peers::First;
use serde::Serialize;

/// All figures of one run of the bench.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) cores: usize,
    /// Load of the machine over the last minute, before and after.
    pub(crate) load: [f64; 2],
    pub(crate) changesets: u64,
    pub(crate) ours: Ours,
    pub(crate) peers: Vec<Theirs>,
    /// A poll by `hg id URL`.
    pub(crate) hg_id_seconds: f64,
    /// `hg id URL` over ours.
    pub(crate) poll_ratio: f64,
}

/// This converter.
#[derive(Debug, Serialize)]
pub(crate) struct Ours {
    /// Every conversion, in order.
    pub(crate) runs: Vec<Conversion>,
    pub(crate) changesets_per_second: f64,
    pub(crate) poll_seconds: f64,
    pub(crate) increment_seconds: Option<f64>,
}

/// Another converter.
#[derive(Debug, Serialize)]
pub(crate) struct Theirs {
    pub(crate) name: &'static str,
    pub(crate) first: First,
    pub(crate) changesets_per_second: f64,
    pub(crate) increment_seconds: Option<f64>,
    /// Our rate over its.
    pub(crate) ratio: f64,
    /// Its increment over ours.
    pub(crate) increment_ratio: Option<f64>,
}

impl Ours {
    pub(crate) fn new(changesets: u64, runs: Vec<Conversion>, polls: Vec<f64>, increments: Vec<f64>) -> Self {
        let seconds = median(runs.iter().map(|run| run.seconds).collect());
        let increment_seconds = (!increments.is_empty()).then(|| median(increments));
        Self {
            runs,
            changesets_per_second: count(changesets) / seconds,
            poll_seconds: median(polls),
            increment_seconds,
        }
    }

    fn peak_bytes(&self) -> u64 {
        self.runs.iter().map(|run| run.peak_bytes).max().unwrap_or_default()
    }
}

impl Theirs {
    pub(crate) fn new(name: &'static str, first: First, increments: Vec<f64>, ours: &Ours) -> Self {
        let changesets_per_second = count(first.changesets) / first.seconds;
        let increment_seconds = (!increments.is_empty()).then(|| median(increments));
        Self {
            name,
            first,
            changesets_per_second,
            increment_seconds,
            ratio: ours.changesets_per_second / changesets_per_second,
            increment_ratio: increment_seconds.zip(ours.increment_seconds).map(|(theirs, ours)| theirs / ours),
        }
    }

    fn row(&self) -> String {
        let peak = self.first.peak_bytes.values().copied().max().unwrap_or_default();
        row([
            self.name,
            &rate(self.changesets_per_second),
            &times(self.ratio),
            &megabytes(peak),
            &self.increment_seconds.map_or_else(none, milliseconds),
            &self.increment_ratio.map_or_else(none, times),
        ])
    }

    fn remark(&self) -> String {
        let First { seconds, changesets, complete, .. } = self.first;
        let text = format!("  ({} was ended after {seconds:.0} s, at {changesets} changesets)\n", self.name);
        if complete { String::new() } else { text }
    }
}

impl Report {
    /// A table.
    pub(crate) fn table(&self) -> String {
        let [before, after] = self.load;
        let ours = &self.ours;
        let mut lines = vec![
            format!("{} changesets, {} cores, load {before} before and {after} after", self.changesets, self.cores),
            row(["", "changesets/s", "ours is", "peak", "ten changesets", "ours is"]),
            row([
                "codeimport",
                &rate(ours.changesets_per_second),
                "",
                &megabytes(ours.peak_bytes()),
                &ours.increment_seconds.map_or_else(none, milliseconds),
                "",
            ]),
        ];
        lines.extend(self.peers.iter().map(Theirs::row));
        let (poll, hg_id) = (milliseconds(ours.poll_seconds), milliseconds(self.hg_id_seconds));
        lines.push(format!("  poll: {poll}, hg id {hg_id}: {}", times(self.poll_ratio)));
        lines.join("\n") + "\n" + &self.peers.iter().map(Theirs::remark).collect::<String>()
    }
}

fn row(cells: [&str; 6]) -> String {
    let [name, rate, rate_ratio, peak, increment, increment_ratio] = cells;
    format!("  {name:<14}{rate:>14}{rate_ratio:>10}{peak:>10}{increment:>16}{increment_ratio:>10}")
}

fn none() -> String {
    "-".to_owned()
}

fn rate(per_second: f64) -> String {
    format!("{per_second:.1}")
}

fn times(ratio: f64) -> String {
    format!("{ratio:.1} x")
}

fn milliseconds(seconds: f64) -> String {
    format!("{:.1} ms", seconds * 1e3)
}

fn megabytes(bytes: u64) -> String {
    format!("{:.0} MB", count(bytes) / 1e6)
}
