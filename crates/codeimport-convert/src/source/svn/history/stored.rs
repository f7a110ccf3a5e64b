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

use super::History;
use super::ancestry::Ancestry;
use super::late::Recent;
use super::segment::{self, SEGMENT, Segment, number};
use crate::objects::ObjectStore;
use crate::shadow::{Entry, EntryKind, ShadowError, ShadowTree};
use crate::source::keeper::keeper;
use crate::source::svn::paths::join;
use gix::ObjectId;
use gix::objs::Kind;

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
        for number in 0.. {
            let [roots, map] = full_paths(number);
            let Some(roots) = tree.get(&roots, store)? else { break };
            let Some(map) = tree.get(&map, store)? else { return Ok(None) };
            let segment = Segment { roots: roots.id, map: map.id };
            let Some(()) = history.add_full(segment, number, store)? else { return Ok(None) };
        }
        let roots = read_text(&mut tree, b"shadow", store)?.unwrap_or_default();
        let map = read_text(&mut tree, b"map", store)?.unwrap_or_default();
        let Some(()) = history.add_lines(&roots, &map) else { return Ok(None) };
        history.keeper = read_id(&mut tree, b"keeper", store)?;
        let ancestry = read_text(&mut tree, b"ancestry", store)?.unwrap_or_default();
        let Some(ancestry) = Ancestry::decode(&ancestry) else { return Ok(None) };
        history.ancestry = ancestry;
        history.chain = read_id(&mut tree, b"chain", store)?;
        history.is_partial = read_text(&mut tree, b"partial", store)?.is_some();
        history.recent = Recent::decode(&read_text(&mut tree, b"recent", store)?.unwrap_or_default());
        let date = read_text(&mut tree, b"date", store)?.unwrap_or_default();
        history.last_seconds = number(&date).and_then(|seconds| i64::try_from(seconds).ok()).unwrap_or_default();
        Ok(history.youngest().is_some().then_some(history))
    }

    /// Takes in a full segment; none if it is something else.
    fn add_full(&mut self, segment: Segment, number: u64, store: &mut ObjectStore) -> Result<Option<()>, ShadowError> {
        let Ok(newest) = segment.root(SEGMENT - 1, store) else { return Ok(None) };
        let map = store.read(segment.map, Kind::Blob)?;
        for line in segment::lines(&map) {
            let Some(line) = line else { return Ok(None) };
            self.note_tip(line.branch, (line.revision, line.commit)).is_in(number);
        }
        self.full.push(segment);
        self.youngest_root = Some(newest);
        Ok(Some(()))
    }

    /// Takes in the segment under way as it was written; none if it is something else.
    fn add_lines(&mut self, roots: &[u8], map: &[u8]) -> Option<()> {
        for line in roots.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            self.push_root(ObjectId::from_hex(line).ok()?);
        }
        for line in segment::lines(map) {
            self.push_commit(line?.entry());
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
        self.write_full_segments(&mut tree, store)?;
        let [roots, map] = segment::encode(&self.roots, &self.map);
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

    /// Writes the segments that are full since the last time, and lets them go.
    fn write_full_segments(&mut self, tree: &mut ShadowTree, store: &mut ObjectStore) -> Result<(), ShadowError> {
        let mut full = match tree.get(FULL, store)? {
            Some(entry) => ShadowTree::stored(entry.id),
            None => empty_segments(store)?,
        };
        while let Some(segment) = self.take_full_segment(store)? {
            for (path, id) in segment_paths(self.full.len() as u64).iter().zip([segment.roots, segment.map]) {
                full.put(path, Entry { kind: EntryKind::File, id }, store)?;
            }
            self.full.push(segment);
            let id = full.write(store)?;
            self.keeper = Some(keeper(id, self.keeper.into_iter(), "Full segments\n", store)?);
        }
        let id = full.write(store)?;
        tree.put(FULL, Entry { kind: EntryKind::Dir, id }, store)
    }

    /// Takes the next segment out of memory, and writes its texts; none if it is not full.
    fn take_full_segment(&mut self, store: &mut ObjectStore) -> Result<Option<Segment>, ShadowError> {
        let (number, end) = (self.full.len() as u64, self.first_in_memory() + SEGMENT);
        let len = usize::try_from(SEGMENT).unwrap_or(usize::MAX);
        if self.roots.len() < len {
            return Ok(None);
        }
        let roots: Vec<_> = self.roots.drain(..len).collect();
        let commits = self.map.partition_point(|entry| entry.revision < end);
        let commits: Vec<_> = self.map.drain(..commits).collect();
        for entry in &commits {
            if let Some(branch) = self.branches.get_mut(&entry.branch) {
                branch.is_in(number);
            }
        }
        let [roots, map] = segment::encode(&roots, &commits);
        Ok(Some(Segment { roots: store.write(Kind::Blob, roots)?, map: store.write(Kind::Blob, map)? }))
    }
}

fn empty_segments(store: &mut ObjectStore) -> Result<ShadowTree, ShadowError> {
    let mut tree = ShadowTree::empty();
    tree.make_dir(b"shadow", store)?;
    tree.make_dir(b"map", store)?;
    Ok(tree)
}

/// Paths of a full segment's roots and map, below [`FULL`].
fn segment_paths(segment: u64) -> [Vec<u8>; 2] {
    ["shadow", "map"].map(|folder| format!("{folder}/{segment:07}").into_bytes())
}

fn full_paths(segment: u64) -> [Vec<u8>; 2] {
    segment_paths(segment).map(|path| join(FULL, &path))
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
    use super::super::MapEntry;
    use super::*;

    fn store() -> (tempfile::TempDir, ObjectStore) {
        let dir = tempfile::tempdir().expect("temporary folder");
        gix::init_bare(dir.path()).expect("an empty repository");
        let store = ObjectStore::open(dir.path()).expect("it opens");
        (dir, store)
    }

    fn branch_of(revision: u64) -> Vec<u8> {
        format!("b{}", revision % 3).into()
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
            history.push_commit(MapEntry { revision, commit: blob, branch: branch_of(revision) });
        }
        history.chain = history.youngest_root();
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
        let s = &mut store;
        assert_eq!((read.youngest(), read.youngest_root()), (Some(2_499), at_once.youngest_root()));
        assert_eq!((read.commit_count(), read.chain), (2_500, at_once.chain));
        assert_eq!((read.keeper.is_some(), read.keeper), (true, at_once.keeper));
        assert_eq!(read.ancestry.contained(b"b1", 9).up_to(b"b2"), 7);
        for history in [&read, &at_once] {
            let map = history.map(s).expect("readable");
            assert!(map.iter().map(|entry| entry.revision).eq(0..2_500));
            assert!(map.iter().all(|entry| entry.branch == branch_of(entry.revision)));
        }
    }

    #[test]
    fn the_past_is_found_wherever_it_lies() {
        let (_dir, mut store) = store();
        let s = &mut store;
        let (mut history, mut in_memory) = (History::default(), History::default());
        grow(&mut history, 0..2_500, s);
        grow(&mut in_memory, 0..2_500, s);
        history.write(None, s).expect("written");
        assert_eq!((history.full.len(), history.roots.len(), in_memory.roots.len()), (2, 500, 2_500));
        for revision in [0, 1, 2, 998, 999, 1_000, 1_001, 1_999, 2_000, 2_001, 2_499, 2_500, 9_999] {
            let (root, expected) = (history.root(revision, s), in_memory.root(revision, s));
            assert_eq!(root.expect("readable"), expected.expect("readable"), "{revision}");
            for branch in [&b"b0"[..], b"b1", b"b2", b"b3"] {
                let (found, expected) =
                    (history.commit_at(branch, revision, s), in_memory.commit_at(branch, revision, s));
                let expected = expected.expect("readable");
                assert_eq!(found.expect("readable"), expected, "{revision}");
                let made = (0..=revision.min(2_499)).rev().find(|made| branch_of(*made) == branch);
                assert_eq!(expected.map(|(made, _)| made), made, "{revision}");
                let later = history.later_commits(branch, revision..revision + 700, s).expect("readable");
                let expected =
                    (revision..revision + 700).filter(|made| branch_of(*made) == branch && (3..2_500).contains(made));
                assert!(later.iter().map(|(made, _)| *made).eq(expected), "{revision}");
            }
        }
    }
}
