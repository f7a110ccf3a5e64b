//! Compares a converted repository with what its source exports.
//!
//! The engine has no part in what is expected: the source's own program writes the files, and their tree is worked out
//! anew. So a mistake of the engine cannot hide behind itself.
//!
//! ```text
//!   choose    which commits are compared                     pure
//!   exported  a folder as a Git tree
//!   compare   that tree and the commit's; what differs, and whether by the source's own rules
//!   bisect    the first commit of a branch that differs      pure
//! ```

mod bisect;
mod choose;
mod compare;
mod exported;

use crate::map::read_svn_options;
use crate::{
    Cache, ConvertError, LocalTarget, MapEntry, Progress, Source, SourceOptions, TargetSnapshot, Watch, open_source,
    read_map,
};
use codeimport_core::{Outcome, RcsType, SourceUrl, Stage};
use compare::{Compared, compare};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

pub use choose::Scope;
pub use compare::Difference;

/// Exports at the same time: most of an export is waiting for the server.
const EXPORTERS: usize = 4;

/// How the comparison ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// All that was compared is equal, and the copy is as new as its source.
    Verified,
    /// Nothing is wrong, but not all could be said; the reasons tell what.
    Partial,
    /// Something is not as the source has it.
    Mismatch,
}

impl Verdict {
    /// The one word for it, wherever it is shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Verified => "VERIFIED",
            Self::Partial => "PARTIAL",
            Self::Mismatch => "MISMATCH",
        }
    }
}

/// A branch that is not what the source has: its first commit that differs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mismatch {
    /// The commit, and what it should show.
    pub entry: MapEntry,
    /// What differs, in order of paths.
    pub differences: Vec<Difference>,
}

/// What a comparison found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Verification {
    /// Commits compared.
    pub compared: usize,
    /// Commits there are.
    pub total: usize,
    /// Why the verdict is not VERIFIED although nothing is wrong.
    pub reasons: Vec<String>,
    /// What is wrong with refs or objects.
    pub faults: Vec<String>,
    /// What is wrong with content, a branch each.
    pub mismatches: Vec<Mismatch>,
}

impl Verification {
    /// All of it in one word.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if !self.faults.is_empty() || !self.mismatches.is_empty() {
            Verdict::Mismatch
        } else if !self.reasons.is_empty() {
            Verdict::Partial
        } else {
            Verdict::Verified
        }
    }
}

/// Compares a local target with its source.
///
/// # Errors
///
/// [`Outcome::Invalid`] if the repository was not made by codeimport; those of the source.
pub fn verify(
    url: &SourceUrl,
    options: SourceOptions,
    repository: &Path,
    scope: Scope,
    watch: &Watch,
) -> Result<Verification, ConvertError> {
    let filter = options.filter.clone();
    let map = read_map(repository)?;
    let target = LocalTarget::open(repository, watch)?;
    let seen = target.snapshot(&filter, watch)?;
    // Those that it was made with decide what it should be.
    let svn = seen.carried.and_then(|carried| read_svn_options(repository, carried.tree)).unwrap_or(options.svn);
    let source = open_source(url, SourceOptions { svn, ..options });
    let mut found = Verification { total: map.len(), ..Verification::default() };
    let now = source.probe(watch)?;
    if !seen.is_at(&now) {
        found.look_at_refs(&seen, &now.0);
    }
    if url.rcs_type() == RcsType::Git {
        found.look_at_objects(&seen, target.cache(), watch)?;
        return Ok(found);
    }
    let known: BTreeSet<_> = map.iter().map(|entry| entry.commit).collect();
    let strange = seen.refs.iter().filter(|(_, id)| !known.contains(*id));
    found
        .faults
        .extend(strange.map(|(name, id)| format!("{name} is at {id}, which no source revision was made into.")));
    let mut chosen = choose::choose(&map, &seen.refs.values().copied().collect(), scope);
    chosen.retain(|index| source.can_export(&map[*index].revision));
    Comparison { source: &*source, repository, map: &map, watch }.run(&chosen, &mut found)?;
    Ok(found)
}

impl Verification {
    fn look_at_refs(&mut self, seen: &TargetSnapshot, now: &str) {
        let state = seen.state.as_ref();
        match state.and_then(|state| state.watermark.as_ref()).map(|watermark| watermark.0.as_str()) {
            Some(converted) if converted != now => {
                self.reasons.push(format!("The source is at {now}, the copy at {converted}."));
            }
            Some(_) if !seen.has_recorded_refs() => {
                self.faults.push("The refs are not those that the last conversion left.".to_owned());
            }
            Some(_) => self.reasons.push("The copy's HEAD was moved.".to_owned()),
            None => self.reasons.push("The last conversion did not reach its end.".to_owned()),
        }
    }

    /// Git names content by itself: equal refs with all their objects are equal content.
    fn look_at_objects(&mut self, seen: &TargetSnapshot, cache: &Cache, watch: &Watch) -> Result<(), ConvertError> {
        (self.compared, self.total) = (seen.refs.len(), seen.refs.len());
        if !cache.is_complete(&seen.refs.values().copied().collect(), watch)? {
            self.faults.push("Objects are missing: see what `git fsck` says.".to_owned());
        }
        Ok(())
    }
}

/// A comparison under way.
struct Comparison<'a> {
    source: &'a dyn Source,
    repository: &'a Path,
    map: &'a [MapEntry],
    watch: &'a Watch,
}

impl Comparison<'_> {
    /// Compares the chosen commits; where one differs, finds the first of its branch that does.
    fn run(&self, chosen: &[usize], found: &mut Verification) -> Result<(), ConvertError> {
        let compared = self.compare_all(chosen)?;
        found.compared = compared.len();
        let mut differing = BTreeMap::new();
        let mut by_rule = BTreeSet::new();
        for (index, compared) in compared {
            match compared {
                Compared::Same => {}
                Compared::ByRule(paths) => by_rule.extend(paths),
                // In order of conversion: the first of a branch stays.
                Compared::Differs(_) => drop(differing.entry(self.map[index].branch.as_slice()).or_insert(index)),
            }
        }
        if let Some(path) = by_rule.first() {
            let path = String::from_utf8_lossy(path);
            found.reasons.push(format!(
                "{} paths ({path}, …) have svn:eol-style: the source's export converts their line ends, the copy keeps them as stored.",
                by_rule.len()
            ));
        }
        for index in differing.into_values() {
            found.mismatches.push(self.first_mismatch(index)?);
        }
        Ok(())
    }

    /// Compares commits in several threads; gives the results in order of conversion.
    fn compare_all(&self, chosen: &[usize]) -> Result<BTreeMap<usize, Compared>, ConvertError> {
        let (next, done) = (AtomicUsize::new(0), AtomicU64::new(0));
        let compare_some = || {
            let mut results = Vec::new();
            while let Some(index) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                results.push((*index, self.compare_one(*index)?));
                let mut progress = Progress::begin(Stage::Scan, "commits");
                progress.done = done.fetch_add(1, Ordering::Relaxed) + 1;
                progress.total = u64::try_from(chosen.len()).ok();
                self.watch.progress(&progress);
            }
            Ok::<_, ConvertError>(results)
        };
        let results = std::thread::scope(|scope| {
            let exporters: Vec<_> = (0..EXPORTERS).map(|_| scope.spawn(compare_some)).collect();
            exporters
                .into_iter()
                .map(|exporter| exporter.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect::<Result<Vec<_>, _>>()
        })?;
        Ok(results.into_iter().flatten().collect())
    }

    fn compare_one(&self, index: usize) -> Result<Compared, ConvertError> {
        self.watch.check(Stage::Scan)?;
        compare(self.source, self.repository, &self.map[index], self.watch)
    }

    fn first_mismatch(&self, index: usize) -> Result<Mismatch, ConvertError> {
        let branch = &self.map[index].branch;
        let can_be = |at: &usize| self.map[*at].branch == *branch && self.source.can_export(&self.map[*at].revision);
        let line: Vec<_> = (0..=index).filter(can_be).collect();
        let is_bad = |at: usize| Ok(matches!(self.compare_one(line[at])?, Compared::Differs(_)));
        let first = line[bisect::first_bad(line.len() - 1, is_bad)?];
        let differences = match self.compare_one(first)? {
            Compared::Differs(differences) => differences,
            Compared::Same | Compared::ByRule(_) => {
                let text = "The source exports something else each time it is asked.";
                return Err(ConvertError::new(Outcome::RemoteBroken, Stage::Scan, text));
            }
        };
        Ok(Mismatch { entry: self.map[first].clone(), differences })
    }
}
