//! The figures, for people and as JSON.

use crate::figures::{count, median};
use serde::Serialize;

/// All figures of one run of the bench.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) cores: usize,
    pub(crate) modules: Vec<Module>,
    /// Conversions of other sizes, from files.
    pub(crate) memory: Vec<Conversion>,
}

/// One module of CVS.
#[derive(Debug, Serialize)]
pub(crate) struct Module {
    pub(crate) name: String,
    pub(crate) ways: Vec<Way>,
    /// From files, which it always needs.
    pub(crate) fast_export: Option<Vec<Conversion>>,
}

/// One way to the module.
#[derive(Debug, Serialize)]
pub(crate) struct Way {
    pub(crate) name: &'static str,
    pub(crate) runs: Vec<Conversion>,
    pub(crate) poll_seconds: f64,
    /// `git cvsimport` by the same way, as far as it came.
    pub(crate) cvsimport: Option<Conversion>,
}

/// One conversion.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Conversion {
    pub(crate) commits: u64,
    pub(crate) seconds: f64,
    /// Of the process that converts; 0 where it was not looked at.
    pub(crate) peak_bytes: u64,
}

impl Report {
    /// A table for each module.
    pub(crate) fn table(&self) -> String {
        let mut text = format!("{} cores\n", self.cores);
        for module in &self.modules {
            text += &module.table();
        }
        for conversion in &self.memory {
            text += &format!(
                "\n{} commits from files: {:.2} s, {:.0} MB\n",
                conversion.commits,
                conversion.seconds,
                count(conversion.peak_bytes) / 1e6
            );
        }
        text
    }
}

impl Module {
    fn table(&self) -> String {
        let mut lines = vec![format!("\n{}", self.name), row(["", "commits", "seconds", "commits/s", "x cvsimport"])];
        for way in &self.ways {
            let cvsimport = way.cvsimport.as_ref().map(rate);
            lines.push(conversion_row(&format!("ours, {}", way.name), &way.runs, cvsimport));
            match &way.cvsimport {
                Some(one) => lines.push(conversion_row("git cvsimport", std::slice::from_ref(one), cvsimport)),
                None => lines.push("  git cvsimport made nothing, or is not installed".to_owned()),
            }
        }
        match &self.fast_export {
            Some(runs) => lines.push(conversion_row("cvs-fast-export", runs, None)),
            None => lines.push("  cvs-fast-export fails, or is not installed".to_owned()),
        }
        for way in &self.ways {
            let peak = way.runs.iter().map(|run| run.peak_bytes).max().unwrap_or_default();
            let peak = count(peak) / 1e6;
            lines.push(format!("  {}: poll {:.1} ms, peak {peak:.0} MB", way.name, way.poll_seconds * 1e3));
        }
        lines.join("\n") + "\n"
    }
}

fn conversion_row(name: &str, runs: &[Conversion], cvsimport: Option<f64>) -> String {
    let rate = median(runs.iter().map(rate).collect());
    let seconds = median(runs.iter().map(|run| run.seconds).collect());
    let commits = runs.last().map_or(0, |run| run.commits);
    let ratio = cvsimport.map_or_else(|| "-".to_owned(), |cvsimport| format!("{:.1}", rate / cvsimport));
    row([name, &commits.to_string(), &format!("{seconds:.2}"), &format!("{rate:.0}"), &ratio])
}

fn row(cells: [&str; 5]) -> String {
    format!("  {:<18}{:>10}{:>10}{:>12}{:>14}", cells[0], cells[1], cells[2], cells[3], cells[4])
}

fn rate(conversion: &Conversion) -> f64 {
    count(conversion.commits) / conversion.seconds
}
