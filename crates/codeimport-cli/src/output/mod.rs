//! Everything that goes to standard output.
//!
//! With `--json` each item is one object on one line; without, it is text for people.

mod local;
mod notify;
mod queue;
mod registry;
mod stdout;

use crate::view::{ImportView, LogLineView, RefView, RevisionView, RunView};
use crate::words;
use jiff::Timestamp;
use serde::Serialize;
use stdout::outln;

/// How to print.
#[derive(Clone, Copy)]
pub(crate) struct Output {
    /// JSON lines instead of text.
    pub(crate) json: bool,
}

impl Output {
    /// A line for people; nothing with `--json`.
    pub(crate) fn say(self, line: &str) {
        if !self.json {
            outln!("{line}");
        }
    }

    /// An object of docs/cli-json.md that has no text of its own; nothing without `--json`.
    pub(crate) fn object(self, item: &impl Serialize) {
        if self.json {
            Self::json(item);
        }
    }

    /// Any object of docs/cli-json.md.
    fn json(item: &impl Serialize) {
        // Views hold only strings, numbers and times: serialising them cannot fail.
        outln!("{}", serde_json::to_string(item).unwrap_or_default());
    }

    /// One import, in full.
    pub(crate) fn import(self, import: &ImportView) {
        if self.json {
            return Self::json(import);
        }
        let now = Timestamp::now();
        outln!("{}", import.import_id);
        let field = |name: &str, value: &str| {
            if !value.is_empty() {
                outln!("  {name:<13} {value}");
            }
        };
        field("source", &format!("{} ({})", import.source_url, import.rcs_type));
        field("target", &import.target_url);
        field("status", &status_words(import));
        field("now", &job_words(import, now));
        field("last run", &last_run_words(import));
        field("", &import.last_message);
        field("last success", &import.last_success_time.map(|t| words::relative(t, now)).unwrap_or_default());
    }

    /// Many imports, a line each.
    pub(crate) fn imports(self, imports: &[ImportView]) {
        if self.json {
            return imports.iter().for_each(Self::json);
        }
        if imports.is_empty() {
            return outln!("No imports yet. Define one: codeimport import create URL --wait");
        }
        let width = imports.iter().map(|i| i.import_id.len()).max().unwrap_or_default();
        for import in imports {
            let outcome = import.last_outcome.as_deref().unwrap_or("-");
            outln!(
                "{:<width$}  {:<9}  {:<12}  {} {}",
                import.import_id,
                import.review_status,
                outcome,
                import.rcs_type,
                import.source_url
            );
        }
    }

    /// Many runs, a line each.
    pub(crate) fn runs(self, runs: &[RunView]) {
        if self.json {
            return runs.iter().for_each(Self::json);
        }
        if runs.is_empty() {
            outln!("No runs yet.");
        }
        let now = Timestamp::now();
        for run in runs {
            let start = run.start_time.map(|t| words::relative(t, now)).unwrap_or_default();
            outln!("{:>6}  {:<12}  {:>14}  {}", run.run_id, run_word(run), start, run_words(run));
        }
    }

    /// How a run that was waited for ended.
    pub(crate) fn run_end(self, run: &RunView) {
        if self.json {
            return Self::json(run);
        }
        outln!("run {}: {}  {}", run.run_id, run_word(run), run_words(run));
    }

    /// One line of a log.
    pub(crate) fn log_line(self, line: &LogLineView) {
        if self.json {
            return Self::json(line);
        }
        let time = line.time.map(|t| t.strftime("%H:%M:%S").to_string()).unwrap_or_default();
        outln!("{time}  {:<8} {}", line.stage.as_deref().unwrap_or(""), line.text);
    }

    /// One ref.
    pub(crate) fn reference(self, reference: &RefView) {
        if self.json {
            return Self::json(reference);
        }
        let mark = if reference.is_default_branch { "  (default)" } else { "" };
        outln!("{}  {}{mark}", reference.object_id, reference.name);
    }

    /// One revision.
    pub(crate) fn revision(self, revision: &RevisionView) {
        if self.json {
            return Self::json(revision);
        }
        let date = revision.author_time.map(|t| t.strftime("%Y-%m-%d").to_string()).unwrap_or_default();
        let id = revision.commit_id.get(..10).unwrap_or_default();
        let subject = revision.message.lines().next().unwrap_or_default();
        outln!("{id}  {date}  {}  {subject}", revision.author_name);
    }
}

fn status_words(import: &ImportView) -> String {
    if import.review_reason.is_empty() {
        import.review_status.clone()
    } else {
        format!("{}: {}", import.review_status, import.review_reason)
    }
}

fn job_words(import: &ImportView, now: Timestamp) -> String {
    match (import.job_state.as_deref(), import.next_due_time) {
        (Some("waiting"), Some(due)) if due <= now => "due, waits for a free worker".to_owned(),
        (Some("waiting"), Some(due)) => {
            format!("next run {} ({})", words::relative(due, now), due.strftime("%F %T UTC"))
        }
        (Some("running"), _) => format!("run {} is under way", import.running_run_id.unwrap_or_default()),
        (Some("stopped"), _) => "does not run".to_owned(),
        _ => String::new(),
    }
}

fn last_run_words(import: &ImportView) -> String {
    match (import.last_run_id, &import.last_outcome) {
        (Some(run), Some(outcome)) => format!("{run}: {outcome}"),
        _ => String::new(),
    }
}

fn run_word(run: &RunView) -> &str {
    run.outcome.as_deref().unwrap_or(&run.state)
}

fn run_words(run: &RunView) -> String {
    let mut parts = vec![format!("in {}", words::span(run.elapsed()))];
    if run.refs_changed_count > 0 {
        parts.push(format!("{} refs changed", words::count(run.refs_changed_count)));
    }
    if run.new_revision_count > 0 {
        parts.push(format!("{} new revisions", words::count(run.new_revision_count)));
    }
    if run.received_bytes > 0 {
        parts.push(format!("{} received", words::bytes(run.received_bytes)));
    }
    let mut text = parts.join(", ");
    if !run.message.is_empty() {
        text.push_str("\n        ");
        text.push_str(&run.message);
    }
    text
}
