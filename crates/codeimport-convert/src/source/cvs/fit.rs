//! Where a symbol's revisions fit best: the commit whose files are most like those that the symbol names. Pure.
//!
//! CVS does not tell when a symbol was set, only which revision of each file it names. So only commits that brought one of these
//! revisions are looked at: what was committed afterwards must not change the answer.

use super::ledger::{CommitIndex, Ledger, LineId, Manifest, Shown};
use std::collections::BTreeMap;

/// A commit, and how far it is from what was looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Fit {
    pub(super) commit: CommitIndex,
    /// Files that only one of the two has, and those of which they have different revisions.
    pub(super) distance: usize,
}

/// At which commits of a line it begins (more) and ends (less) to show how many of the revisions.
type Turns = Vec<(CommitIndex, isize)>;

/// The earliest of those commits that are nearest to a manifest; none if no commit has anything of it.
pub(super) fn best_fit(ledger: &Ledger, manifest: &Manifest) -> Option<Fit> {
    let mut own = own_turns(ledger, manifest);
    // Of each line, from which commit on it shows how many of the revisions.
    let mut matches: Vec<Vec<(CommitIndex, usize)>> = Vec::new();
    let mut found: Option<Fit> = None;
    // A line comes after the one that it began from.
    for line in ledger.line_ids() {
        let mut turns = own.remove(&line).unwrap_or_default();
        inherited_turns(ledger, manifest, line, &matches, &mut turns);
        turns.sort_unstable_by_key(|(at, _)| *at);
        let (mut matched, mut matches_here) = (0, Vec::new());
        for here in turns.chunk_by(|a, b| a.0 == b.0) {
            let commit = here[0].0;
            matched += here.iter().map(|(_, change)| change).sum::<isize>();
            let common = usize::try_from(matched).unwrap_or_default();
            matches_here.push((commit, common));
            if here.iter().any(|(_, change)| *change > 0) {
                let distance = manifest.len() + ledger.size_at(commit) - 2 * common;
                let is_better = |found: &Fit| (distance, commit) < (found.distance, found.commit);
                if found.as_ref().is_none_or(is_better) {
                    found = Some(Fit { commit, distance });
                }
            }
        }
        matches.push(matches_here);
    }
    found
}

/// What the lines' own commits do.
fn own_turns(ledger: &Ledger, manifest: &Manifest) -> BTreeMap<LineId, Turns> {
    let mut turns: BTreeMap<LineId, Turns> = BTreeMap::new();
    for Shown { line, from, until } in manifest.values().flat_map(|revision| ledger.shown_by(*revision)) {
        let turns = turns.entry(line).or_default();
        turns.push((from, 1));
        turns.extend(until.map(|until| (until, -1)));
    }
    turns
}

/// What a line shows because it began as another one's commit: its first own commit brings that, but for what it changes.
fn inherited_turns(
    ledger: &Ledger,
    manifest: &Manifest,
    line: LineId,
    matches: &[Vec<(CommitIndex, usize)>],
    turns: &mut Turns,
) {
    let (Some(from), Some(first)) = ledger.begin(line) else { return };
    let before = &matches[ledger.line_of(from) as usize];
    let inherited = before.partition_point(|(at, _)| *at <= from).checked_sub(1).map_or(0, |at| before[at].1);
    if inherited == 0 {
        return;
    }
    let is_inherited = |file: &u32| manifest.get(file).is_some_and(|it| ledger.shows_at(from, *file) == Some(*it));
    let mut brought = isize::try_from(inherited).unwrap_or(isize::MAX);
    for (_, at) in ledger.first_changes(line).filter(|(file, _)| is_inherited(file)) {
        if at == first {
            brought -= 1;
        } else {
            turns.push((at, -1));
        }
    }
    if brought > 0 {
        turns.push((first, brought));
    }
}

#[cfg(test)]
mod tests {
    use super::super::ledger::{Content, KnownCommit, KnownRevision, RevId};
    use super::super::place::LineName;
    use super::super::rcs::Number;
    use super::*;
    use gix::ObjectId;
    use std::path::Path;

    const FILES: u32 = 4;

    /// Numbers that look like chance, the same each time.
    struct Chance(u64);

    impl Chance {
        fn below(&mut self, end: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(self.0 >> 33).expect("31 bits") % end
        }
    }

    fn number(text: &str) -> Number {
        Number::parse(text.as_bytes()).expect(text)
    }

    /// Lines that begin somewhere on others, and commits that show, remove and show again.
    fn grown(chance: &mut Chance) -> (Ledger, Vec<RevId>) {
        // Few enough for memory.
        let (mut ledger, mut revisions) = (Ledger::new(Path::new("/nowhere")), Vec::new());
        let blob = ObjectId::null(gix::hash::Kind::Sha1);
        for file in 0..FILES {
            assert_eq!(ledger.file(file.to_string().as_bytes()), file);
            for at in 1..=4 {
                let known = KnownRevision { file, seconds: 0, content: Some(Content { blob, is_executable: false }) };
                let revision = ledger.push_revision(&number(&format!("1.{at}")), known, None);
                revisions.push(revision.expect("no disk"));
            }
        }
        ledger.begin_line(LineName::Trunk, None);
        for step in 0..20 {
            if chance.below(4) == 0 && ledger.commit_count() > 0 {
                let from = u32::try_from(chance.below(ledger.commit_count())).expect("few");
                ledger.begin_line(LineName::Unlabelled(number(&format!("1.1.{}", step + 1))), Some(from));
            }
            let line = u32::try_from(chance.below(ledger.line_ids().count())).expect("few");
            let file = chance.below(FILES as usize);
            let shown = (chance.below(5) > 0).then(|| revisions[file * 4 + chance.below(4)]);
            let file = u32::try_from(file).expect("few");
            if ledger.shows(line, file) != shown {
                let commit = KnownCommit { id: blob, tree: blob, line, seconds: 0 };
                ledger.add_commit(commit, &[(file, shown)]).expect("no disk");
            }
        }
        (ledger, revisions)
    }

    /// By looking at every commit.
    fn looked_up(ledger: &Ledger, manifest: &Manifest) -> Option<Fit> {
        let fits = (0..).take(ledger.commit_count()).filter_map(|commit| {
            let shown = ledger.manifest_at(commit);
            let line = ledger.line_of(commit);
            let is_first = ledger.begin(line).1 == Some(commit);
            let brings = |(file, revision): (&u32, &RevId)| {
                let changes = ledger.changes(commit).any(|(changed, _)| changed == *file);
                shown.get(file) == Some(revision) && (changes || is_first)
            };
            let common = manifest.iter().filter(|(file, revision)| shown.get(file) == Some(revision)).count();
            let distance = manifest.len() + shown.len() - 2 * common;
            manifest.iter().any(brings).then_some(Fit { commit, distance })
        });
        fits.min_by_key(|fit| (fit.distance, fit.commit))
    }

    #[test]
    fn the_nearest_commit_is_found_without_looking_at_each() {
        let mut chance = Chance(7);
        for _ in 0..300 {
            let (ledger, revisions) = grown(&mut chance);
            let mut manifest = Manifest::new();
            for file in 0..FILES {
                if chance.below(4) > 0 {
                    manifest.insert(file, revisions[file as usize * 4 + chance.below(4)]);
                }
            }
            assert_eq!(best_fit(&ledger, &manifest), looked_up(&ledger, &manifest), "{manifest:?}");
        }
    }
}
