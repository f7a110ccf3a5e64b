//! Workers, hosts, explanations and figures of the queue as text.

use super::Output;
use super::stdout::outln;
use crate::view::{ExplanationView, HostView, LoadView, StatsView, WorkerView};
use crate::words;
use jiff::{SignedDuration, Timestamp};

impl Output {
    /// One worker: a line, one for each thing that it can do, and why it is drained.
    pub(crate) fn worker(self, worker: &WorkerView) {
        if self.json {
            return Self::json(worker);
        }
        let seen = worker.seen_time.map(|seen| words::relative(seen, Timestamp::now())).unwrap_or_default();
        outln!(
            "{}  {}  {} of {} slots  {}  seen {seen}",
            worker.worker_id,
            worker.state,
            worker.running_count,
            worker.slot_count,
            worker.version
        );
        for (rcs_type, tools) in &worker.capabilities {
            outln!("  {rcs_type:<4} {tools}");
        }
        if worker.state == "draining" {
            outln!("  drained by {}: {}", worker.state_set_by, worker.state_reason);
        }
    }

    /// One host, a line.
    pub(crate) fn host(self, host: &HostView) {
        if self.json {
            return Self::json(host);
        }
        let limit = |limit: Option<i32>| limit.map_or_else(|| "any".to_owned(), |limit| limit.to_string());
        let name = if host.name.is_empty() { "(no host)" } else { &host.name };
        outln!("{name}  {}", host_words(host, Timestamp::now()));
        outln!(
            "  {} running, at most {}; at most {} starts a minute",
            host.running_count,
            limit(host.max_running),
            limit(host.starts_per_minute)
        );
        if host.limits_set_time.is_some() {
            outln!("  limits set by {}: {}", host.limits_set_by, host.limits_reason);
        }
    }

    /// What an import waits for.
    pub(crate) fn explanation(self, explanation: &ExplanationView) {
        if self.json {
            return Self::json(explanation);
        }
        outln!("{}", explanation.sentence);
    }

    /// The figures of the queue.
    pub(crate) fn stats(self, stats: &StatsView) {
        if self.json {
            return Self::json(stats);
        }
        let oldest = span(stats.oldest_due_age_s);
        outln!(
            "{} due (the oldest for {oldest}), {} running, {} wait",
            words::count(stats.due_count),
            words::count(stats.leased_count),
            words::count(stats.waiting_count)
        );
        if let (Some(p50), Some(p99)) = (stats.lag_p50_s, stats.lag_p99_s) {
            outln!("from due to running: half within {}, 99 of 100 within {}", span(p50), span(p99));
        }
        for (reason, count) in &stats.waiting {
            outln!("  {reason:<13} {}", words::count(*count));
        }
        stats.rcs_types.iter().chain(&stats.hosts).for_each(load);
    }
}

fn load(load: &LoadView) {
    let workers = load.worker_count.map(|count| format!(", {count} workers")).unwrap_or_default();
    let name = if load.name.is_empty() { "(no host)" } else { &load.name };
    outln!("{name}: {} due, {} running{workers}", words::count(load.due_count), words::count(load.leased_count));
}

fn host_words(host: &HostView, now: Timestamp) -> String {
    if host.down {
        return "may be gone for good".to_owned();
    }
    match (host.breaker, host.open_time.filter(|open| *open > now)) {
        ("half_open", _) => "is looked at by one run".to_owned(),
        ("open", Some(open)) => format!("in trouble, left alone; next try {}", words::relative(open, now)),
        (_, Some(open)) => format!("has a pause; next start {}", words::relative(open, now)),
        _ => "well".to_owned(),
    }
}

fn span(seconds: f64) -> String {
    words::span(SignedDuration::try_from_secs_f64(seconds).unwrap_or_default())
}
