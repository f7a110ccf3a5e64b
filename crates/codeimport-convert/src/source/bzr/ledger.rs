//! Which revisions were converted, to which commits. Nothing in it ever changes; it only grows.
//!
//! It is written as it grows, a revision a line, and read back from the same lines ([`super::state`]).

use gix::ObjectId;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Index of a revision: the order of conversion, parents first.
pub(super) type Index = u32;

/// One converted revision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Converted {
    /// What Bazaar calls it.
    pub(super) id: Arc<[u8]>,
    /// Its commit.
    pub(super) commit: ObjectId,
    /// Its tree with empty directories: what the next revision's changes apply to.
    pub(super) shadow: ObjectId,
    /// Whether that tree is not the commit's, so that it has to be kept besides.
    pub(super) is_kept: bool,
    /// Those that it comes after and that there are.
    pub(super) parents: Vec<Index>,
}

/// All that was converted.
#[derive(Clone, Default, Debug)]
pub(super) struct Ledger {
    revisions: Vec<Converted>,
    by_id: HashMap<Arc<[u8]>, Index>,
}

impl Ledger {
    /// A revision by its name.
    pub(super) fn find(&self, id: &[u8]) -> Option<(Index, &Converted)> {
        let index = *self.by_id.get(id)?;
        Some((index, &self.revisions[index as usize]))
    }

    /// All, in order of conversion.
    pub(super) fn revisions(&self) -> &[Converted] {
        &self.revisions
    }

    /// Adds a revision behind its parents. What is there stays.
    pub(super) fn add(&mut self, revision: Converted) {
        // Bazaar repositories have hundreds of thousands of revisions, not billions.
        let index = Index::try_from(self.revisions.len()).unwrap_or(Index::MAX);
        if !self.by_id.contains_key(&revision.id) {
            self.by_id.insert(revision.id.clone(), index);
            self.revisions.push(revision);
        }
    }

    /// Commits that no other one comes after.
    pub(super) fn heads(&self) -> BTreeSet<ObjectId> {
        let parents: BTreeSet<_> = self.revisions.iter().flat_map(|revision| &revision.parents).copied().collect();
        let heads = (0..).zip(&self.revisions).filter(|(index, _)| !parents.contains(index));
        heads.map(|(_, revision)| revision.commit).collect()
    }

    /// Whether a revision is among those that another one comes after, or is that one.
    pub(super) fn is_ancestor(&self, ancestor: Index, of: Index) -> bool {
        let mut seen = BTreeSet::from([of]);
        // Parents have lower numbers: the highest first visits each once.
        while let Some(index) = seen.pop_last() {
            if index <= ancestor {
                return index == ancestor;
            }
            seen.extend(&self.revisions[index as usize].parents);
        }
        false
    }

    /// The line of a revision: all but its kept tree.
    pub(super) fn line(revision: &Converted) -> Vec<u8> {
        let parents: Vec<_> = revision.parents.iter().map(Index::to_string).collect();
        let mark = if revision.is_kept { "kept" } else { "same" };
        let parents = if parents.is_empty() { "-".to_owned() } else { parents.join(",") };
        let head = format!("{} {} {mark} {parents} ", revision.commit, revision.shadow);
        [head.as_bytes(), &revision.id, b"\n"].concat()
    }

    /// Reads a line, and adds the revision. None if it is none.
    pub(super) fn add_line(&mut self, line: &[u8]) -> Option<()> {
        let mut fields = line.splitn(5, |b| *b == b' ');
        let mut field = || fields.next();
        let (commit, shadow) = (ObjectId::from_hex(field()?).ok()?, ObjectId::from_hex(field()?).ok()?);
        let is_kept = match field()? {
            b"kept" => true,
            b"same" => false,
            _ => return None,
        };
        let parents = self.parse_parents(std::str::from_utf8(field()?).ok()?)?;
        self.add(Converted { id: field()?.into(), commit, shadow, is_kept, parents });
        Some(())
    }

    fn parse_parents(&self, text: &str) -> Option<Vec<Index>> {
        if text == "-" {
            return Some(Vec::new());
        }
        let parents = text.split(',').map(|parent| parent.parse().ok().filter(|parent| self.has(*parent)));
        parents.collect()
    }

    fn has(&self, index: Index) -> bool {
        (index as usize) < self.revisions.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(digit: char) -> ObjectId {
        ObjectId::from_hex(digit.to_string().repeat(40).as_bytes()).expect("hex")
    }

    fn revision(name: &str, digit: char, parents: &[Index]) -> Converted {
        Converted {
            id: name.as_bytes().into(),
            commit: id(digit),
            shadow: id('f'),
            is_kept: digit == '2',
            parents: parents.to_vec(),
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut ledger = Ledger::default();
        for added in
            [revision("a", '1', &[]), revision("b c", '2', &[0]), revision("d", '3', &[0]), revision("e", '4', &[1, 2])]
        {
            ledger.add(added);
        }
        let mut read = Ledger::default();
        ledger.revisions().iter().for_each(|revision| {
            let line = Ledger::line(revision);
            read.add_line(line.strip_suffix(b"\n").expect("a line")).expect("a revision");
        });
        assert_eq!(read.revisions(), ledger.revisions());
        assert_eq!(read.heads(), BTreeSet::from([id('4')]));
        assert!(read.is_ancestor(0, 3) && read.is_ancestor(3, 3) && !read.is_ancestor(2, 1) && !read.is_ancestor(3, 0));
    }

    #[test]
    fn lines_that_are_none_are_refused() {
        let zeros = "0".repeat(40);
        for line in [
            "",
            "x",
            &format!("{zeros} {zeros} same"),
            &format!("{zeros} {zeros} odd - a"),
            &format!("{zeros} {zeros} same 7 a"),
        ] {
            assert_eq!(Ledger::default().add_line(line.as_bytes()), None, "{line}");
        }
    }
}
