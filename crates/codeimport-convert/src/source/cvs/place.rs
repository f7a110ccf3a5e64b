//! Where each revision of a file belongs: to the trunk, to a branch, to both or to neither. Pure.
//!
//! A *line* is a branch of the whole repository; CVS only knows branches of files, and the names that they have in each. What
//! the trunk shows follows CVS's own rule for dates (`cvs export -D`): after an import the revisions of the vendor's branch,
//! until somebody commits to the trunk.

use super::history::{FileHistory, Revision};
use super::interner::{Names, Symbol};
use super::rcs::Number;
use std::collections::{HashMap, HashSet};
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

/// The lines that a revision is on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Placed {
    /// The line that it was committed to; none if no line ever shows it.
    pub(super) line: Option<LineName>,
    /// Whether the trunk shows it, too, though it was committed to a vendor's branch.
    pub(super) is_on_trunk: bool,
    /// The places of those that must come first.
    pub(super) after: [Option<usize>; 2],
}

/// Places all revisions of a file, in their order. `branches`: those of its own that have a name; `names`: theirs.
pub(super) fn place(file: &FileHistory, revisions: &[Revision], branches: &[Symbol], names: &Names) -> Vec<Placed> {
    let trunk = trunk(file, revisions);
    let before_on_trunk: HashMap<_, _> = trunk.windows(2).map(|pair| (pair[1], pair[0])).collect();
    let on_trunk: HashSet<_> = trunk.iter().copied().collect();
    // The newest so far of each branch, and of the trunk; numbers rise.
    let mut newest: HashMap<Option<Number>, usize> = HashMap::new();
    let place_one = |(at, number): (usize, &Number)| {
        let branch = number.branch();
        let before = newest.insert(branch.clone(), at);
        let before = before.or_else(|| file.find(&number.branchpoint()?));
        let shown_before = before_on_trunk.get(&at).copied().filter(|shown| before != Some(*shown));
        let is_on_trunk = on_trunk.contains(&at);
        let line = match branch {
            None => is_on_trunk.then_some(LineName::Trunk),
            Some(branch) => Some(line_of(branch, branches, names)),
        };
        Placed { line, is_on_trunk, after: [before, shown_before] }
    };
    file.numbers.iter().enumerate().map(place_one).collect()
}

/// What the trunk shows, one after the other, by their places.
pub(super) fn trunk(file: &FileHistory, revisions: &[Revision]) -> Vec<usize> {
    let seconds = |at: &usize| revisions[*at].seconds;
    let trunk: Vec<_> = file.on_trunk().collect();
    if let Some(branch) = file.default_branch.as_ref().filter(|branch| branch.parts().len() > 2) {
        let vendor: Vec<_> = file.on_branch(branch).collect();
        if let Some(first) = vendor.first() {
            let shown = trunk.into_iter().filter(|at| seconds(at) < seconds(first));
            return shown.chain(vendor.iter().copied()).collect();
        }
    }
    let vendor = imported(file, revisions);
    if vendor.is_empty() {
        return trunk;
    }
    let rest = trunk.get(1..).unwrap_or_default();
    let own = rest.first().map(seconds);
    let shown = vendor.into_iter().filter(|at| own.is_none_or(|own| seconds(at) < own));
    shown.chain(rest.iter().copied()).collect()
}

/// The revisions of the vendor's branch if the file came by `cvs import`: then its first one is as old as 1.1.
fn imported(file: &FileHistory, revisions: &[Revision]) -> Vec<usize> {
    let (Some(first), Some(branch)) = (Number::parse(b"1.1"), Number::parse(b"1.1.1")) else { return Vec::new() };
    let vendor: Vec<_> = file.on_branch(&branch).collect();
    let first = file.on_trunk().next().filter(|oldest| file.numbers[*oldest] == first);
    let is_import = vendor.first().zip(first).is_some_and(|(vendor, first)| {
        file.numbers[*vendor].parts().last() == Some(&1) && revisions[*vendor].seconds == revisions[first].seconds
    });
    if is_import { vendor } else { Vec::new() }
}

/// Of a file's symbols the branches, in order of their numbers. Of two names for the same number the first in order
/// counts; the other one stands for no line of its own in this file.
pub(super) fn named_branches(symbols: &[Symbol], names: &Names) -> Vec<Symbol> {
    let is_branch = |symbol: &&Symbol| {
        let number = names.number(**symbol);
        !number.is_revision() && number.parts().len() > 2
    };
    let mut branches: Vec<_> = symbols.iter().filter(is_branch).copied().collect();
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
    use super::super::interner::Interner;
    use super::*;
    use std::collections::BTreeMap;

    fn number(text: &str) -> Number {
        Number::parse(text.as_bytes()).expect(text)
    }

    /// `1.1@10 1.2@20`: revisions with their dates; `v=1.1.1`: symbols; `default=1.1.1`.
    fn file(words: &str) -> (FileHistory, Vec<Revision>, Vec<Symbol>, Names) {
        let (mut file, mut symbols, mut revisions) = (FileHistory::default(), Vec::new(), BTreeMap::new());
        for word in words.split(' ') {
            if let Some((name, value)) = word.split_once('=') {
                match name {
                    "default" => file.default_branch = Some(number(value)),
                    _ => symbols.push((name.as_bytes(), number(value))),
                }
            } else {
                let (revision, seconds) = word.split_once('@').expect("a date");
                let (number, seconds) = (number(revision), seconds.parse().expect("a number"));
                let revision = Revision { seconds, author: 0, log: 0, commitid: None, is_dead: false };
                revisions.insert(number, revision);
            }
        }
        let revisions: (Vec<_>, Vec<_>) = revisions.into_iter().unzip();
        file.numbers = revisions.0.into();
        let mut interner = Interner::default();
        let symbols = interner.symbols(symbols.into_iter());
        (file, revisions.1, symbols, interner.finish().0)
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
            let (file, revisions, ..) = file(words);
            let shown: Vec<_> = trunk(&file, &revisions).iter().map(|at| file.numbers[*at].to_string()).collect();
            assert_eq!(shown.join(" "), expected, "{words}");
        }
    }

    #[test]
    fn each_revision_has_a_line_and_those_before_it() {
        let (file, revisions, symbols, names) =
            file("v=1.1.1 b=1.2.0.2 also=1.2.0.2 1.1@10 1.1.1.1@10 1.2@20 1.2.2.1@30 1.2.2.2@40 1.2.4.1@50");
        let number = |at: usize| file.numbers[at].to_string();
        let placed: Vec<_> = place(&file, &revisions, &named_branches(&symbols, &names), &names)
            .into_iter()
            .enumerate()
            .map(|(at, placed)| {
                let line = match placed.line {
                    None => "-".to_owned(),
                    Some(LineName::Trunk) => "trunk".to_owned(),
                    Some(LineName::Branch(name)) => String::from_utf8_lossy(&name).into_owned(),
                    Some(LineName::Unlabelled(number)) => format!("?{number}"),
                };
                let after: Vec<_> = placed.after.into_iter().flatten().map(number).collect();
                format!("{} {line} {} < {}", number(at), placed.is_on_trunk, after.join(","))
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
