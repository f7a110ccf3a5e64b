//! A thousand revisions that never change again: texts in the repository, of which only the names are in memory.
//!
//! ```text
//!   roots   root trees of the revisions, a line each
//!   map     revision TAB commit TAB branch root, a line each, in the order of conversion
//! ```

use super::MapEntry;
use crate::objects::ObjectStore;
use crate::shadow::ShadowError;
use gix::ObjectId;
use gix::objs::Kind;

/// Revisions in a segment. So much is written anew by each increment, at most.
pub(super) const SEGMENT: u64 = 1_000;

/// Digits of a root, and the end of its line.
const LINE: usize = 41;

/// A full segment.
pub(super) struct Segment {
    pub(super) roots: ObjectId,
    pub(super) map: ObjectId,
}

impl Segment {
    /// The root of the nth of its revisions.
    pub(super) fn root(&self, number: u64, store: &mut ObjectStore) -> Result<ObjectId, ShadowError> {
        let text = store.read(self.roots, Kind::Blob)?;
        let line = text.as_chunks::<LINE>().0.get(usize::try_from(number).unwrap_or(usize::MAX));
        let root = line.and_then(|line| ObjectId::from_hex(&line[..LINE - 1]).ok());
        root.ok_or(ShadowError::Damaged { id: self.roots })
    }

    /// Its part of the map.
    pub(super) fn map(&self, store: &mut ObjectStore) -> Result<Vec<MapEntry>, ShadowError> {
        let text = store.read(self.map, Kind::Blob)?;
        let entries = lines(&text).map(|line| line.map(Line::entry)).collect::<Option<_>>();
        entries.ok_or(ShadowError::Damaged { id: self.map })
    }

    /// The commits of a branch, rising.
    pub(super) fn commits_of(
        &self,
        branch: &[u8],
        store: &mut ObjectStore,
    ) -> Result<Vec<(u64, ObjectId)>, ShadowError> {
        let text = store.read(self.map, Kind::Blob)?;
        let mut commits = Vec::new();
        for line in lines(&text) {
            let line = line.ok_or(ShadowError::Damaged { id: self.map })?;
            if line.branch == branch {
                commits.push((line.revision, line.commit));
            }
        }
        Ok(commits)
    }
}

/// A line of a map.
pub(super) struct Line<'t> {
    pub(super) revision: u64,
    pub(super) commit: ObjectId,
    pub(super) branch: &'t [u8],
}

impl Line<'_> {
    pub(super) fn entry(self) -> MapEntry {
        MapEntry { revision: self.revision, commit: self.commit, branch: self.branch.to_vec() }
    }
}

/// The lines of a map; none for one that is something else.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = Option<Line<'_>>> {
    text.split(|b| *b == b'\n').filter(|line| !line.is_empty()).map(line)
}

fn line(line: &[u8]) -> Option<Line<'_>> {
    let mut fields = line.splitn(3, |b| *b == b'\t');
    let (revision, commit, branch) = (fields.next()?, fields.next()?, fields.next()?);
    Some(Line { revision: number(revision)?, commit: ObjectId::from_hex(commit).ok()?, branch })
}

/// A number in decimal digits.
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The texts of some revisions: roots, and map.
pub(super) fn encode(roots: &[ObjectId], map: &[MapEntry]) -> [Vec<u8>; 2] {
    let roots: String = roots.iter().map(|root| format!("{root}\n")).collect();
    let mut lines = Vec::new();
    for entry in map {
        lines.extend_from_slice(format!("{}\t{}\t", entry.revision, entry.commit).as_bytes());
        lines.extend_from_slice(&entry.branch);
        lines.push(b'\n');
    }
    [roots.into_bytes(), lines]
}
