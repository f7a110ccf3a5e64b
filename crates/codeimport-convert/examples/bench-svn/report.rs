//! The figures, for people and as JSON.

use crate::conversion::Conversion;
use crate::figures::{count, median};
use crate::git_svn::Bounded;
use serde::Serialize;
use std::collections::BTreeMap;

/// All figures of one run of the bench.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) cores: usize,
    pub(crate) revisions: u64,
    pub(crate) transports: Vec<Transport>,
    /// Conversions of other sizes.
    pub(crate) large: Vec<Large>,
}

/// One way to the repository.
#[derive(Debug, Serialize)]
pub(crate) struct Transport {
    pub(crate) name: String,
    /// Every conversion, in order.
    pub(crate) ours: Vec<Conversion>,
    pub(crate) ours_revisions_per_second: f64,
    /// Largest peak of any process of a name, in bytes: helpers too.
    pub(crate) ours_peak_bytes: BTreeMap<String, u64>,
    /// What `git fast-import` takes for the same commits, ready in memory.
    pub(crate) fast_import_seconds: f64,
    pub(crate) ours_poll_seconds: f64,
    pub(crate) ours_increment_seconds: Option<f64>,
    pub(crate) git_svn: Option<GitSvnFigures>,
}

/// What `git svn` did.
#[derive(Debug, Serialize)]
pub(crate) struct GitSvnFigures {
    pub(crate) first: Bounded,
    pub(crate) peak_bytes: BTreeMap<String, u64>,
    pub(crate) poll_seconds: Option<f64>,
    pub(crate) increment_seconds: Option<f64>,
}

/// A conversion of another size.
#[derive(Debug, Serialize)]
pub(crate) struct Large {
    pub(crate) transport: &'static str,
    pub(crate) revisions: u64,
    pub(crate) ours: Conversion,
}

impl Report {
    /// A table.
    pub(crate) fn table(&self) -> String {
        let mut text = format!("{} revisions, {} cores\n", self.revisions, self.cores);
        for transport in &self.transports {
            text += &transport.table();
        }
        for Large { transport, revisions, ours } in &self.large {
            let (rate, peak) = (count(*revisions) / ours.seconds, megabytes(ours.peak_bytes));
            text += &format!("\n{revisions} revisions, {transport}: {rate:.0} revisions/s, peak {peak}");
        }
        text + "\n"
    }
}

impl Transport {
    fn table(&self) -> String {
        let theirs = self.git_svn.as_ref();
        let rate = theirs.map(|svn| count(svn.first.revisions) / svn.first.seconds);
        let peak = |peaks: &BTreeMap<String, u64>| megabytes(peaks.values().copied().max().unwrap_or_default());
        let own_peak = megabytes(self.ours.iter().map(|ours| ours.peak_bytes).max().unwrap_or_default());
        let mut lines = vec![
            row(&["", "codeimport", "git svn", "ratio"].map(str::to_owned)),
            row(&[
                "revisions/s".to_owned(),
                format!("{:.0}", self.ours_revisions_per_second),
                rate.map_or_else(none, |rate| format!("{rate:.1}")),
                ratio(Some(self.ours_revisions_per_second), rate),
            ]),
            row(&["peak memory".to_owned(), own_peak, theirs.map_or_else(none, |svn| peak(&svn.peak_bytes)), none()]),
        ];
        let times = [
            ("poll", Some(self.ours_poll_seconds), theirs.and_then(|svn| svn.poll_seconds)),
            ("ten revisions", self.ours_increment_seconds, theirs.and_then(|svn| svn.increment_seconds)),
        ];
        for (name, ours, theirs) in times {
            lines.push(row(&[name.to_owned(), milliseconds(ours), milliseconds(theirs), ratio(theirs, ours)]));
        }
        let whole = median(self.ours.iter().map(|ours| ours.seconds).collect());
        let fast_import = format!(
            "  (the whole conversion {whole:.2} s; git fast-import of its commits alone {:.2} s)\n",
            self.fast_import_seconds
        );
        let bounded = theirs.filter(|svn| !svn.first.complete);
        let bounded = bounded.map(|svn| format!("  (git svn: its first {} revisions)\n", svn.first.revisions));
        format!("\n{}\n{}\n{fast_import}{}", self.name, lines.join("\n"), bounded.unwrap_or_default())
    }
}

fn row(cells: &[String; 4]) -> String {
    format!("  {:<14}{:>14}{:>14}{:>10}", cells[0], cells[1], cells[2], cells[3])
}

fn none() -> String {
    "-".to_owned()
}

fn milliseconds(seconds: Option<f64>) -> String {
    seconds.map_or_else(none, |seconds| format!("{:.1} ms", seconds * 1e3))
}

fn megabytes(bytes: u64) -> String {
    format!("{:.0} MB", count(bytes) / 1e6)
}

fn ratio(numerator: Option<f64>, denominator: Option<f64>) -> String {
    numerator.zip(denominator).map_or_else(none, |(numerator, denominator)| format!("{:.0} x", numerator / denominator))
}
