//! What is shown by the commands that need no service.

use codeimport_convert::{
    Difference, Finding, Findings, LocalRun, MapEntry, Mismatch, Preview, Verification, Watermark,
};
use codeimport_core::{Outcome, SourceUrl};
use codeimport_proto::registry::SourceRevision;
use serde::Serialize;
use std::path::Path;

/// What `convert` did.
#[derive(Serialize)]
pub(crate) struct ConversionView {
    pub(crate) outcome: String,
    pub(crate) source_url: String,
    pub(crate) target_dir: String,
    /// Where the source's history is taken over to; empty if nothing was.
    pub(crate) position: String,
    pub(crate) refs_changed_count: usize,
    pub(crate) received_bytes: u64,
    pub(crate) elapsed_s: f64,
    /// What could not be shown, or is odd.
    pub(crate) findings: Vec<FindingView>,
    pub(crate) message: String,
    #[serde(skip)]
    found: Findings,
}

/// What was found of one kind.
#[derive(Serialize)]
pub(crate) struct FindingView {
    pub(crate) kind: &'static str,
    pub(crate) count: u64,
    /// Whether there are more than were counted.
    pub(crate) is_more: bool,
    /// The first few paths, revisions or accounts.
    pub(crate) examples: Vec<String>,
}

impl From<Finding> for FindingView {
    fn from(finding: Finding) -> Self {
        let Finding { kind, count, is_more, examples } = finding;
        Self { kind: kind.name(), count, is_more, examples }
    }
}

impl ConversionView {
    /// Before the first piece.
    pub(crate) fn new(url: &SourceUrl, dir: &Path) -> Self {
        Self {
            outcome: Outcome::NoChange.to_string(),
            source_url: url.to_string(),
            target_dir: dir.display().to_string(),
            position: String::new(),
            refs_changed_count: 0,
            received_bytes: 0,
            elapsed_s: 0.0,
            findings: Vec::new(),
            message: String::new(),
            found: Findings::default(),
        }
    }

    /// Adds what one piece did.
    pub(crate) fn add(&mut self, run: &LocalRun) {
        self.outcome = run.outcome.to_string();
        self.position.clone_from(&run.watermark.0);
        self.refs_changed_count += run.changed_count;
        self.received_bytes += run.received_bytes;
        self.found.add(&run.findings);
        self.findings = self.found.iter().map(FindingView::from).collect();
    }
}

/// One line of the map.
#[derive(Serialize)]
pub(crate) struct MapView {
    /// Path of the branch in the source, without slashes at the ends.
    pub(crate) branch: String,
    pub(crate) revision: String,
    pub(crate) commit_id: String,
}

impl MapView {
    pub(crate) fn new(entry: &MapEntry) -> Self {
        Self {
            branch: String::from_utf8_lossy(&entry.branch).into_owned(),
            revision: entry.revision.clone(),
            commit_id: entry.commit.to_string(),
        }
    }
}

impl From<SourceRevision> for MapView {
    fn from(entry: SourceRevision) -> Self {
        Self { branch: entry.branch_path, revision: entry.revision, commit_id: entry.commit_id }
    }
}

/// Where a source stands.
#[derive(Serialize)]
pub(crate) struct PositionView {
    pub(crate) source_url: String,
    pub(crate) rcs_type: String,
    pub(crate) position: String,
}

impl PositionView {
    pub(crate) fn new(url: &SourceUrl, position: &Watermark) -> Self {
        Self { source_url: url.to_string(), rcs_type: url.rcs_type().to_string(), position: position.0.clone() }
    }
}

/// What a comparison found.
#[derive(Serialize)]
pub(crate) struct VerificationView {
    /// `VERIFIED`, `PARTIAL` or `MISMATCH`.
    pub(crate) verdict: String,
    pub(crate) compared_count: usize,
    pub(crate) commit_count: usize,
    pub(crate) reasons: Vec<String>,
    pub(crate) faults: Vec<String>,
    pub(crate) mismatches: Vec<MismatchView>,
}

/// The first commit of a branch that is not what the source has.
#[derive(Serialize)]
pub(crate) struct MismatchView {
    #[serde(flatten)]
    pub(crate) entry: MapView,
    pub(crate) differences: Vec<DifferenceView>,
}

/// One path of it.
#[derive(Serialize)]
pub(crate) struct DifferenceView {
    pub(crate) path: String,
    /// Mode and blob as the source exports it; `null` if it has nothing there.
    pub(crate) expected: Option<String>,
    /// Mode and blob as the commit has it; `null` if it has nothing there.
    pub(crate) got: Option<String>,
}

impl VerificationView {
    pub(crate) fn new(found: &Verification) -> Self {
        Self {
            verdict: found.verdict().name().to_owned(),
            compared_count: found.compared,
            commit_count: found.total,
            reasons: found.reasons.clone(),
            faults: found.faults.clone(),
            mismatches: found.mismatches.iter().map(MismatchView::new).collect(),
        }
    }
}

impl MismatchView {
    fn new(mismatch: &Mismatch) -> Self {
        let entry = MapView::new(&mismatch.entry);
        Self { entry, differences: mismatch.differences.iter().map(DifferenceView::new).collect() }
    }
}

impl DifferenceView {
    fn new(difference: &Difference) -> Self {
        let (expected, got) = (difference.expected.clone(), difference.got.clone());
        Self { path: difference.path.to_string(), expected, got }
    }
}

/// What a source has.
#[derive(Serialize)]
pub(crate) struct PreviewView {
    pub(crate) source_url: String,
    pub(crate) rcs_type: String,
    pub(crate) position: String,
    pub(crate) layout: String,
    /// How sure it is that the layout is meant, in percent; `null` if it was not found out.
    pub(crate) layout_confidence: Option<u8>,
    pub(crate) layout_reasons: Vec<String>,
    pub(crate) branches: Vec<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) revision_count: Option<u64>,
    pub(crate) authors: Vec<AuthorView>,
    pub(crate) odd: Vec<String>,
    /// How long a first conversion takes at least, and probably at most.
    pub(crate) estimated_s: Option<u64>,
    pub(crate) estimated_max_s: Option<u64>,
}

/// One account.
#[derive(Serialize)]
pub(crate) struct AuthorView {
    pub(crate) account: String,
    pub(crate) revision_count: u64,
}

impl PreviewView {
    pub(crate) fn new(url: &SourceUrl, preview: Preview) -> Self {
        let author = |(account, revision_count)| AuthorView { account, revision_count };
        Self {
            source_url: url.to_string(),
            rcs_type: url.rcs_type().to_string(),
            position: preview.position,
            layout: preview.layout,
            layout_confidence: preview.layout_confidence,
            layout_reasons: preview.layout_reasons,
            branches: preview.branches,
            tags: preview.tags,
            revision_count: preview.revision_count,
            authors: preview.authors.into_iter().map(author).collect(),
            odd: preview.odd,
            estimated_s: preview.estimated.as_ref().map(|range| range.start().as_secs()),
            estimated_max_s: preview.estimated.as_ref().map(|range| range.end().as_secs()),
        }
    }
}
