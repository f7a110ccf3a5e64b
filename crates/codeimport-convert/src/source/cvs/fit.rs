//! Where a symbol's revisions fit best: the commit whose files are most like those that the symbol names. Pure.
//!
//! CVS does not tell when a symbol was set, only which revision of each file it names. So only commits that brought one of these
//! revisions are looked at: what was committed afterwards must not change the answer.

use super::ledger::{CommitIndex, Ledger, LineId, Manifest};
use std::collections::BTreeMap;

/// A commit, and how far it is from what was looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Fit {
    pub(super) commit: CommitIndex,
    /// Files that only one of the two has, and those of which they have different revisions.
    pub(super) distance: usize,
}

/// The earliest of those commits that are nearest to a manifest; none if no commit has anything of it.
pub(super) fn best_fit(ledger: &Ledger, manifest: &Manifest) -> Option<Fit> {
    let mut found: Option<Fit> = None;
    for (line, mut changes) in changes_by_line(ledger, manifest) {
        changes.sort_unstable_by_key(|(at, _)| *at);
        let mut matched = 0;
        let mut rest = changes.as_slice();
        while let Some((commit, _)) = rest.first().copied() {
            let here = rest.partition_point(|(at, _)| *at == commit);
            let gained: isize = rest[..here].iter().map(|(_, change)| change).sum();
            let brings = rest[..here].iter().any(|(_, change)| *change > 0);
            matched += gained;
            rest = &rest[here..];
            if brings {
                let common = usize::try_from(matched).unwrap_or_default();
                let distance = manifest.len() + size_at(ledger, line, commit) - 2 * common;
                let is_better = |found: &Fit| (distance, commit) < (found.distance, found.commit);
                if found.as_ref().is_none_or(is_better) {
                    found = Some(Fit { commit, distance });
                }
            }
        }
    }
    found
}

/// For each line: at which commit it begins (+1) and ends (-1) to show one of the revisions.
fn changes_by_line(ledger: &Ledger, manifest: &Manifest) -> BTreeMap<LineId, Vec<(CommitIndex, isize)>> {
    let mut changes: BTreeMap<LineId, Vec<(CommitIndex, isize)>> = BTreeMap::new();
    for (file, revision) in manifest {
        for (line, from) in &ledger.places[*revision as usize] {
            let changes = changes.entry(*line).or_default();
            changes.push((*from, 1));
            if let Some(until) = shown_until(ledger, *line, *file, *from) {
                changes.push((until, -1));
            }
        }
    }
    changes
}

/// The next commit that changes a file of a line.
fn shown_until(ledger: &Ledger, line: LineId, file: u32, from: CommitIndex) -> Option<CommitIndex> {
    let shown = ledger.shown(line, file);
    shown.get(shown.partition_point(|(at, _)| *at <= from)).map(|(at, _)| *at)
}

fn size_at(ledger: &Ledger, line: LineId, commit: CommitIndex) -> usize {
    let sizes = ledger.sizes(line);
    let after = sizes.partition_point(|(at, _)| *at <= commit);
    after.checked_sub(1).map_or(0, |at| sizes[at].1)
}
