//! What the commands that need no service print.

use super::Output;
use super::stdout::outln;
use crate::view::{ConversionView, MapView, MismatchView, PositionView, PreviewView, VerificationView};
use crate::words;
use jiff::SignedDuration;

/// Names of a list that are shown; the rest is counted.
const SHOWN: usize = 12;

impl Output {
    /// What `convert` did.
    pub(crate) fn conversion(self, view: &ConversionView) {
        if self.json {
            return Self::json(view);
        }
        if !view.message.is_empty() {
            // The failure itself is told where all failures are.
            return;
        }
        let span = words::span(SignedDuration::try_from_secs_f64(view.elapsed_s).unwrap_or_default());
        let refs = words::count(i64::try_from(view.refs_changed_count).unwrap_or(i64::MAX));
        outln!("{}: {}, {refs} refs changed, in {span}", view.target_dir, view.outcome);
        outln!("  {}", view.position);
    }

    /// One line of the map.
    pub(crate) fn map_entry(self, view: &MapView) {
        if self.json {
            return Self::json(view);
        }
        outln!("{}\t{}\t{}", view.branch, view.revision, view.commit_id);
    }

    /// Where a source stands.
    pub(crate) fn position(self, view: &PositionView) {
        if self.json {
            return Self::json(view);
        }
        outln!("{}", view.position);
    }

    /// What a comparison found.
    pub(crate) fn verification(self, view: &VerificationView) {
        if self.json {
            return Self::json(view);
        }
        outln!("{}: {} of {} commits compared", view.verdict, view.compared_count, view.commit_count);
        view.reasons.iter().chain(&view.faults).for_each(|line| outln!("  {line}"));
        view.mismatches.iter().for_each(mismatch);
    }

    /// What a source has.
    pub(crate) fn preview(self, view: &PreviewView) {
        if self.json {
            return Self::json(view);
        }
        outln!("{} ({})", view.source_url, view.rcs_type);
        let field = |name: &str, value: &str| outln!("  {name:<10} {value}");
        field("position", &view.position);
        // Some systems have none to find out.
        if !view.layout.is_empty() {
            let confidence = view.layout_confidence.map(|sure| format!("  ({sure} % sure)")).unwrap_or_default();
            field("layout", &format!("{}{confidence}", view.layout));
        }
        view.layout_reasons.iter().for_each(|reason| field("", reason));
        field("branches", &some_of(&view.branches));
        field("tags", &some_of(&view.tags));
        if let Some(count) = view.revision_count {
            field("revisions", &words::count(i64::try_from(count).unwrap_or(i64::MAX)));
        }
        if !view.authors.is_empty() {
            let names: Vec<_> = view.authors.iter().map(|a| format!("{} ({})", a.account, a.revision_count)).collect();
            field("authors", &some_of(&names));
        }
        view.odd.iter().for_each(|line| field("odd", line));
        let span = |seconds| words::span(SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX)));
        if let (Some(least), Some(most)) = (view.estimated_s, view.estimated_max_s) {
            let text = "large files or a slow network add to it";
            field("estimate", &format!("at least {}, probably up to {}; {text}", span(least), span(most)));
        }
    }
}

fn mismatch(view: &MismatchView) {
    outln!("  first wrong: {}@{}, commit {}", view.entry.branch, view.entry.revision, view.entry.commit_id);
    for difference in view.differences.iter().take(SHOWN) {
        let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing".to_owned());
        outln!("    {}", difference.path);
        outln!("      expected {}", side(&difference.expected));
        outln!("      got      {}", side(&difference.got));
    }
    if view.differences.len() > SHOWN {
        outln!("    and {} more", view.differences.len() - SHOWN);
    }
}

/// How many, and the first of them.
fn some_of(names: &[String]) -> String {
    let shown = names[..names.len().min(SHOWN)].join(", ");
    let more = if names.len() > SHOWN { ", …" } else { "" };
    if names.is_empty() { "0".to_owned() } else { format!("{}: {shown}{more}", names.len()) }
}
