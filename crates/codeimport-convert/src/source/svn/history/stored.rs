//! History as a Git tree, which travels with the target.
//!
//! In segments of a thousand revisions: a full segment never changes, so an increment writes the last one only, and it hangs
//! in a commit of its own, so that no push sends it again.
//!
//! ```text
//!   full/shadow/0000003   blob:  root trees of revisions 3000 .. 3999, a line each
//!   full/map/0000003      blob:  revision TAB commit TAB branch root, a line each, in the order of conversion
//!   shadow, map           blob:  the same of the segment under way
//!   keeper                blob:  commit of the tree `full`, behind that of one segment less, and so on; once there is one
//!   ancestry              blob:  what each branch took in, a line for each copy and merge
//!   chain                 blob:  commit of the newest revision's root tree, behind that of the revision before, and so on
//!   partial               blob:  there if the server keeps something of the history from the account
//!   recent                blob:  fingerprints of what the newest revisions say, to see what is changed later
//!   date                  blob:  date of the newest revision that has one, in seconds since 1970
//! ```
//!
//! The shadow trees themselves are reachable through the chain, which also holds the commits of deleted branches.

use super::ancestry::Ancestry;
use super::late::Recent;
use super::{History, MapEntry};
use crate::objects::ObjectStore;
use crate::shadow::{Entry, EntryKind, ShadowError, ShadowTree};
use crate::source::keeper::keeper;
use crate::source::svn::paths::join;
use gix::ObjectId;
use gix::objs::Kind;

/// Revisions in a segment. A root tree's line is 41 bytes: so much is written anew by each increment, at most.
const SEGMENT: u64 = 1_000;

/// Where the full segments are.
const FULL: &[u8] = b"full";

impl History {
    /// Reads what [`Self::write`] wrote. `Ok(None)`: it is something else, or damaged.
    ///
    /// # Errors
    ///
    /// If the repository cannot be read.
    pub(crate) fn read(state: ObjectId, store: &mut ObjectStore) -> Result<Option<Self>, ShadowError> {
        let mut tree = ShadowTree::stored(state);
        let mut history = Self::default();
        for segment in 0.. {
            let [shadow, map] = full_paths(segment);
            let Some(roots) = read_text(&mut tree, &shadow, store)? else { break };
            let Some(map) = read_text(&mut tree, &map, store)? else { return Ok(None) };
            let Some(()) = history.add_segment(&roots, &map) else { return Ok(None) };
        }
        let roots = read_text(&mut tree, b"shadow", store)?.unwrap_or_default();
        let map = read_text(&mut tree, b"map", store)?.unwrap_or_default();
        let Some(()) = history.add_segment(&roots, &map) else { return Ok(None) };
        history.keeper = read_id(&mut tree, b"keeper", store)?;
        let ancestry = read_text(&mut tree, b"ancestry", store)?.unwrap_or_default();
        let Some(ancestry) = Ancestry::decode(&ancestry) else { return Ok(None) };
        history.ancestry = ancestry;
        history.chain = read_id(&mut tree, b"chain", store)?;
        history.is_partial = read_text(&mut tree, b"partial", store)?.is_some();
        history.recent = Recent::decode(&read_text(&mut tree, b"recent", store)?.unwrap_or_default());
        let date = read_text(&mut tree, b"date", store)?.unwrap_or_default();
        history.last_seconds = number(&date).and_then(|seconds| i64::try_from(seconds).ok()).unwrap_or_default();
        Ok((!history.roots.is_empty()).then_some(history))
    }

    /// Takes in a segment as it was written; none if it is something else.
    fn add_segment(&mut self, roots: &[u8], map: &[u8]) -> Option<()> {
        for line in roots.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            self.push_root(ObjectId::from_hex(line).ok()?);
        }
        for line in map.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            self.push_commit(parse_map_line(line)?);
        }
        Some(())
    }

    /// Writes all that the next run needs, on top of the state that this history was read from, and gives the tree's id.
    ///
    /// # Errors
    ///
    /// If the repository cannot be written.
    pub(crate) fn write(&mut self, before: Option<ObjectId>, store: &mut ObjectStore) -> Result<ObjectId, ShadowError> {
        let mut tree = before.map_or_else(ShadowTree::empty, ShadowTree::stored);
        let under_way = self.write_full_segments(&mut tree, store)?;
        let (roots, map) = self.segment(under_way);
        write_text(&mut tree, b"shadow", roots, store)?;
        write_text(&mut tree, b"map", map, store)?;
        write_text(&mut tree, b"ancestry", self.ancestry.encode(), store)?;
        write_text(&mut tree, b"date", self.last_seconds.to_string().into_bytes(), store)?;
        if self.is_partial {
            write_text(&mut tree, b"partial", Vec::new(), store)?;
        }
        write_text(&mut tree, b"recent", self.recent.encode(), store)?;
        for (name, commit) in [(&b"chain"[..], self.chain), (b"keeper", self.keeper)] {
            if let Some(commit) = commit {
                write_text(&mut tree, name, commit.to_string().into_bytes(), store)?;
            }
        }
        tree.write(store)
    }

    /// Writes the segments that are full since the last time, and gives the number of the one that is not.
    fn write_full_segments(&mut self, tree: &mut ShadowTree, store: &mut ObjectStore) -> Result<u64, ShadowError> {
        let mut full = match tree.get(FULL, store)? {
            Some(entry) => ShadowTree::stored(entry.id),
            None => empty_segments(store)?,
        };
        let written = full.get(b"shadow", store)?.map_or(Ok(0), |shadow| count_entries(shadow.id, store))?;
        let end = u64::try_from(self.roots.len()).unwrap_or_default() / SEGMENT;
        for segment in written..end {
            let ([shadow, map], (roots, lines)) = (segment_paths(segment), self.segment(segment));
            write_text(&mut full, &shadow, roots, store)?;
            write_text(&mut full, &map, lines, store)?;
            let id = full.write(store)?;
            self.keeper = Some(keeper(id, self.keeper.into_iter(), "Full segments\n", store)?);
        }
        let id = full.write(store)?;
        tree.put(FULL, Entry { kind: EntryKind::Dir, id }, store)?;
        Ok(end)
    }

    /// The texts of a segment: roots, and map.
    fn segment(&self, segment: u64) -> (Vec<u8>, Vec<u8>) {
        let range = segment * SEGMENT..(segment + 1) * SEGMENT;
        let roots = range.clone().map_while(|revision| self.root(revision));
        let roots: String = roots.map(|root| format!("{root}\n")).collect();
        let from = self.map.partition_point(|entry| entry.revision < range.start);
        let mut map = Vec::new();
        for entry in self.map[from..].iter().take_while(|entry| entry.revision < range.end) {
            map.extend_from_slice(format!("{}\t{}\t", entry.revision, entry.commit).as_bytes());
            map.extend_from_slice(&entry.branch);
            map.push(b'\n');
        }
        (roots.into_bytes(), map)
    }
}

fn empty_segments(store: &mut ObjectStore) -> Result<ShadowTree, ShadowError> {
    let mut tree = ShadowTree::empty();
    tree.make_dir(b"shadow", store)?;
    tree.make_dir(b"map", store)?;
    Ok(tree)
}

fn count_entries(tree: ObjectId, store: &mut ObjectStore) -> Result<u64, ShadowError> {
    Ok(u64::try_from(ShadowTree::stored(tree).list(store)?.len()).unwrap_or_default())
}

/// Paths of a full segment's roots and map, below [`FULL`].
fn segment_paths(segment: u64) -> [Vec<u8>; 2] {
    ["shadow", "map"].map(|folder| format!("{folder}/{segment:07}").into_bytes())
}

fn full_paths(segment: u64) -> [Vec<u8>; 2] {
    segment_paths(segment).map(|path| join(FULL, &path))
}

fn parse_map_line(line: &[u8]) -> Option<MapEntry> {
    let mut fields = line.splitn(3, |b| *b == b'\t');
    let (revision, commit, branch) = (fields.next()?, fields.next()?, fields.next()?);
    Some(MapEntry { revision: number(revision)?, commit: ObjectId::from_hex(commit).ok()?, branch: branch.to_vec() })
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn read_text(tree: &mut ShadowTree, path: &[u8], store: &mut ObjectStore) -> Result<Option<Vec<u8>>, ShadowError> {
    let Some(entry) = tree.get(path, store)? else { return Ok(None) };
    Ok(Some(store.read(entry.id, Kind::Blob)?.to_vec()))
}

fn read_id(tree: &mut ShadowTree, path: &[u8], store: &mut ObjectStore) -> Result<Option<ObjectId>, ShadowError> {
    let text = read_text(tree, path, store)?;
    Ok(text.and_then(|text| ObjectId::from_hex(&text).ok()))
}

fn write_text(tree: &mut ShadowTree, path: &[u8], text: Vec<u8>, store: &mut ObjectStore) -> Result<(), ShadowError> {
    let id = store.write(Kind::Blob, text)?;
    tree.put(path, Entry { kind: EntryKind::File, id }, store)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, ObjectStore) {
        let dir = tempfile::tempdir().expect("temporary folder");
        gix::init_bare(dir.path()).expect("an empty repository");
        let store = ObjectStore::open(dir.path()).expect("it opens");
        (dir, store)
    }

    fn grow(history: &mut History, revisions: std::ops::Range<u64>, store: &mut ObjectStore) {
        for revision in revisions {
            if revision == 8 {
                history.ancestry.contain(b"b1", b"b2", 7, revision);
            }
            let blob = store.write(Kind::Blob, revision.to_string().into_bytes()).expect("written");
            let mut tree = ShadowTree::empty();
            tree.put(b"f", Entry { kind: EntryKind::File, id: blob }, store).expect("parent exists");
            history.push_root(tree.write(store).expect("written"));
            history.push_commit(MapEntry { revision, commit: blob, branch: format!("b{}", revision % 3).into() });
        }
        history.chain = history.root(1);
    }

    #[test]
    fn what_was_written_in_steps_is_what_would_be_written_at_once() {
        let (_dir, mut store) = store();
        let mut at_once = History::default();
        grow(&mut at_once, 0..2_500, &mut store);
        let whole = at_once.write(None, &mut store).expect("written");

        let mut state = None;
        let mut from = 0;
        for to in [1, 999, 1_000, 1_001, 2_500] {
            let read = state.map(|state| History::read(state, &mut store).expect("readable").expect("a history"));
            let mut history = read.unwrap_or_default();
            grow(&mut history, from..to, &mut store);
            state = Some(history.write(state, &mut store).expect("written"));
            from = to;
        }
        assert_eq!(state, Some(whole));
        let read = History::read(whole, &mut store).expect("readable").expect("a history");
        assert_eq!((read.youngest(), read.map(), read.chain), (Some(2_499), at_once.map(), at_once.chain));
        assert_eq!((read.keeper.is_some(), read.keeper), (true, at_once.keeper));
        assert_eq!((read.ancestry.contained(b"b1", 9).up_to(b"b2"), read.root(1_234)), (7, at_once.root(1_234)));
        assert_eq!(read.commit_at(b"b1", 9).map(|(revision, _)| revision), Some(7));
    }
}
