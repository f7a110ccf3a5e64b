//! The figures, for people and as JSON, with what was hoped for beside them.

use crate::machine::Machine;
use serde::Serialize;
use std::{collections::BTreeMap, fmt};

/// What was measured in one row.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    /// Names it in JSON.
    key: &'static str,
    /// For people.
    what: String,
    /// What was hoped for; empty for peers.
    goal: &'static str,
    /// The figure that counts, with its unit.
    value: f64,
    unit: &'static str,
    /// Whether the goal is met; none if there is none, or if it was measured smaller than the goal says.
    met: Option<bool>,
    /// Everything else that was seen.
    details: BTreeMap<&'static str, f64>,
}

impl Figure {
    pub(crate) fn new(key: &'static str, what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { key, what: what.into(), goal: "", value, unit, met: None, details: BTreeMap::new() }
    }

    pub(crate) fn goal(mut self, goal: &'static str, met: impl Into<Option<bool>>) -> Self {
        (self.goal, self.met) = (goal, met.into());
        self
    }

    pub(crate) fn detail(mut self, name: &'static str, value: f64) -> Self {
        self.details.insert(name, value);
        self
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let met = self.met.map_or("", |met| if met { "yes" } else { "NO" });
        let value = format!("{} {}", number(self.value), self.unit);
        write!(f, "  {:<52}{:>14}  {:<36}{:<4}", self.what, value, self.goal, met)?;
        self.details.iter().try_for_each(|(name, value)| write!(f, "{name} {}; ", number(*value)))
    }
}

/// So many digits as mean something.
fn number(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn middle(mut kind: Vec<Figure>) -> Figure {
    kind.sort_by(|one, other| one.value.total_cmp(&other.value));
    let (lowest, highest) = (kind[0].value, kind[kind.len() - 1].value);
    let middle = kind.swap_remove(kind.len() / 2);
    if lowest == highest { middle } else { middle.detail("lowest", lowest).detail("highest", highest) }
}

/// All of it.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    machine: Machine,
    figures: Vec<Figure>,
}

/// Queues that somebody could use instead.
const PEERS: [&str; 2] = ["graphile_worker_rust", "graphile_worker_node"];

impl Report {
    pub(crate) fn new(machine: Machine) -> Self {
        Self { machine, figures: Vec::new() }
    }

    pub(crate) fn add(&mut self, figure: Figure) {
        self.figures.push(figure);
    }

    /// Of several figures of one kind the one in the middle stays, with the range of all.
    pub(crate) fn keep_the_middle_ones(&mut self) {
        let mut kinds: Vec<Vec<Figure>> = Vec::new();
        for figure in self.figures.drain(..) {
            match kinds.iter_mut().find(|kind| kind[0].key == figure.key) {
                Some(kind) => kind.push(figure),
                None => kinds.push(vec![figure]),
            }
        }
        self.figures = kinds.into_iter().map(middle).collect();
    }

    fn value(&self, key: &str) -> Option<f64> {
        self.figures.iter().find(|figure| figure.key == key).map(|figure| figure.value)
    }

    /// Adds what follows from several figures of this run.
    pub(crate) fn compare(&mut self) {
        let Some(ours) = self.value("batch") else { return };
        if let Some(fastest) = PEERS.iter().filter_map(|peer| self.value(peer)).max_by(f64::total_cmp) {
            let ratio = ours / fastest;
            let figure = Figure::new("batch_to_fastest_peer", "batches: ours to the fastest peer", ratio, "x");
            self.add(figure.goal(">= 1.2; moonshot 2", ratio >= 1.2));
        }
        if let Some(ceiling) = self.value("pgbench_batch") {
            self.add(Figure::new("batch_to_pgbench", "batches: ours to pgbench without a hop", ours / ceiling, "x"));
        }
    }

    pub(crate) fn table(&self) -> String {
        let lines: Vec<String> = self.figures.iter().map(ToString::to_string).collect();
        format!("{}\n{}\n", self.machine, lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_rounds_the_middle_one_counts() {
        let figure = |value| Figure::new("batch", "batches", value, "/s");
        let middle = middle(vec![figure(3.0), figure(1.0), figure(2.0)]);
        assert_eq!((middle.value, middle.details["lowest"], middle.details["highest"]), (2.0, 1.0, 3.0));
    }
}
