//! Where each revision of a file belongs: to the trunk, to a branch, to both or to neither. Pure.
//!
//! A *line* is a branch of the whole repository; CVS only knows branches of files, and the names that they have in each. What
//! the trunk shows follows CVS's own rule for dates (`cvs export -D`): after an import the revisions of the vendor's branch,
//! until somebody commits to the trunk.

use super::history::FileHistory;
use super::interner::{Names, Symbol};
use super::rcs::Number;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// A branch of the whole repository.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum LineName {
    Trunk,
    /// By its symbol.
    Branch(Arc<[u8]>),
    /// Of files whose branch of this number has no name any more.
    Unlabelled(Number),
}

/// A revision and the lines that it is on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Placed {
    pub(super) number: Number,
    /// The line that it was committed to; none if no line ever shows it.
    pub(super) line: Option<LineName>,
    /// Whether the trunk shows it, too, though it was committed to a vendor's branch.
    pub(super) is_on_trunk: bool,
    /// What must come first.
    pub(super) after: [Option<Number>; 2],
}

/// Places all revisions of a file, in order of their numbers. `branches`: those of its own that have a name; `names`: theirs.
pub(super) fn place(file: &FileHistory, branches: &[Symbol], names: &Names) -> Vec<Placed> {
    let trunk = trunk(file);
    let before_on_trunk: BTreeMap<_, _> = trunk.windows(2).map(|pair| (&pair[1], &pair[0])).collect();
    let on_trunk: BTreeSet<_> = trunk.iter().collect();
    // The newest so far of each branch, and of the trunk; numbers rise.
    let mut newest: HashMap<Option<Number>, &Number> = HashMap::new();
    let place_one = |number| {
        let branch: Option<Number> = Number::branch(number);
        let before = newest.insert(branch.clone(), number).cloned();
        let before = before.or_else(|| number.branchpoint()).filter(|before| file.revisions.contains_key(before));
        let shown_before = before_on_trunk.get(number).copied().filter(|shown| before.as_ref() != Some(shown)).cloned();
        let is_on_trunk = on_trunk.contains(number);
        let line = match branch {
            None => is_on_trunk.then_some(LineName::Trunk),
            Some(branch) => Some(line_of(branch, branches, names)),
        };
        Placed { number: number.clone(), line, is_on_trunk, after: [before, shown_before] }
    };
    file.revisions.keys().map(place_one).collect()
}

/// What the trunk shows, one after the other.
pub(super) fn trunk(file: &FileHistory) -> Vec<Number> {
    let seconds = |number: &Number| file.revisions.get(number).map_or(0, |revision| revision.seconds);
    let trunk: Vec<_> = file.on_trunk().cloned().collect();
    if let Some(branch) = file.default_branch.as_ref().filter(|branch| branch.parts().len() > 2) {
        let vendor: Vec<_> = file.on_branch(branch).cloned().collect();
        if let Some(first) = vendor.first() {
            let shown = trunk.into_iter().filter(|number| seconds(number) < seconds(first));
            return shown.chain(vendor.iter().cloned()).collect();
        }
    }
    let vendor = imported(file);
    if vendor.is_empty() {
        return trunk;
    }
    let rest = trunk.get(1..).unwrap_or_default();
    let own = rest.first().map(seconds);
    let shown = vendor.into_iter().filter(|number| own.is_none_or(|own| seconds(number) < own));
    shown.chain(rest.iter().cloned()).collect()
}

/// The revisions of the vendor's branch if the file came by `cvs import`: then its first one is as old as 1.1.
fn imported(file: &FileHistory) -> Vec<Number> {
    let (Some(first), Some(branch)) = (Number::parse(b"1.1"), Number::parse(b"1.1.1")) else { return Vec::new() };
    let vendor: Vec<_> = file.on_branch(&branch).cloned().collect();
    let seconds = |number: &Number| file.revisions.get(number).map(|revision| revision.seconds);
    let is_import = vendor.first().is_some_and(|vendor| {
        vendor.parts().last() == Some(&1)
            && file.on_trunk().next() == Some(&first)
            && seconds(vendor) == seconds(&first)
    });
    if is_import { vendor } else { Vec::new() }
}

/// The branches of a file that have a name, in order of their numbers. Of two names for the same number the first in order
/// counts; the other one stands for no line of its own in this file.
pub(super) fn named_branches(file: &FileHistory, names: &Names) -> Vec<Symbol> {
    let is_branch = |symbol: &&Symbol| {
        let number = names.number(**symbol);
        !number.is_revision() && number.parts().len() > 2
    };
    let mut branches: Vec<_> = file.symbols.iter().filter(is_branch).copied().collect();
    branches.sort_by_key(|symbol| (names.number(*symbol), names.text(*symbol)));
    branches.dedup_by_key(|symbol| symbol.number);
    branches
}

/// The line that a branch of a file is of.
fn line_of(branch: Number, branches: &[Symbol], names: &Names) -> LineName {
    match branches.binary_search_by(|symbol| names.number(*symbol).cmp(&branch)) {
        Ok(at) => LineName::Branch(names.text(branches[at]).clone()),
        Err(_) => LineName::Unlabelled(branch),
    }
}

#[cfg(test)]
mod tests {
    use super::super::history::Revision;
    use super::super::interner::Interner;
    use super::*;

    fn number(text: &str) -> Number {
        Number::parse(text.as_bytes()).expect(text)
    }

    /// `1.1@10 1.2@20`: revisions with their dates; `v=1.1.1`: symbols; `default=1.1.1`.
    fn file(words: &str) -> (FileHistory, Names) {
        let mut file = FileHistory::default();
        let mut symbols = Vec::new();
        for word in words.split(' ') {
            if let Some((name, value)) = word.split_once('=') {
                match name {
                    "default" => file.default_branch = Some(number(value)),
                    _ => symbols.push((name.as_bytes(), number(value))),
                }
            } else {
                let (revision, seconds) = word.split_once('@').expect("a date");
                let empty: Arc<[u8]> = Arc::from(*b"");
                let (author, log) = (empty.clone(), empty);
                let seconds = seconds.parse().expect("a number");
                let revision_of = Revision { seconds, author, is_dead: false, commitid: None, log };
                file.revisions.insert(number(revision), revision_of);
            }
        }
        let mut interner = Interner::default();
        file.symbols = interner.symbols(symbols.into_iter());
        (file, interner.into_names())
    }

    #[test]
    fn the_trunk_shows_the_vendor_until_the_first_own_change() {
        let cases = [
            ("1.1@10 1.2@20", "1.1 1.2"),
            ("1.1@10 1.1.1.1@10", "1.1.1.1"),
            ("1.1@10 1.1.1.1@10 1.1.1.2@20 1.2@30 1.1.1.3@40", "1.1.1.1 1.1.1.2 1.2"),
            ("1.1@10 1.1.1.1@15 1.2@20", "1.1 1.2"),
            ("default=1.1.1 1.1@10 1.1.1.1@10 1.1.1.2@20", "1.1.1.1 1.1.1.2"),
            ("default=1.1.1 1.1@10 1.1.1.1@15 1.2@12 1.3@50", "1.1 1.2 1.1.1.1"),
            ("default=1.1.1 1.1@10 1.2@20", "1.1 1.2"),
        ];
        for (words, expected) in cases {
            let shown: Vec<_> = trunk(&file(words).0).iter().map(ToString::to_string).collect();
            assert_eq!(shown.join(" "), expected, "{words}");
        }
    }

    #[test]
    fn each_revision_has_a_line_and_those_before_it() {
        let (file, names) =
            file("v=1.1.1 b=1.2.0.2 also=1.2.0.2 1.1@10 1.1.1.1@10 1.2@20 1.2.2.1@30 1.2.2.2@40 1.2.4.1@50");
        let placed: Vec<_> = place(&file, &named_branches(&file, &names), &names)
            .into_iter()
            .map(|placed| {
                let line = match placed.line {
                    None => "-".to_owned(),
                    Some(LineName::Trunk) => "trunk".to_owned(),
                    Some(LineName::Branch(name)) => String::from_utf8_lossy(&name).into_owned(),
                    Some(LineName::Unlabelled(number)) => format!("?{number}"),
                };
                let after: Vec<_> = placed.after.iter().flatten().map(ToString::to_string).collect();
                format!("{} {line} {} < {}", placed.number, placed.is_on_trunk, after.join(","))
            })
            .collect();
        let expected = [
            "1.1 - false < ",
            "1.1.1.1 v true < 1.1",
            "1.2 trunk true < 1.1,1.1.1.1",
            "1.2.2.1 also false < 1.2",
            "1.2.2.2 also false < 1.2.2.1",
            "1.2.4.1 ?1.2.4 false < 1.2",
        ];
        assert_eq!(placed, expected);
    }
}
