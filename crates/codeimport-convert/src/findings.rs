//! What a conversion could not show, or found odd: counted, with a few examples, for the people who asked for it.
//!
//! Memory is bounded: beyond [`MOST`] names of a kind only their number is known.

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};

/// Names of a kind that are told apart.
const MOST: usize = 1_000;

/// Names of a kind that are told.
const EXAMPLES: usize = 5;

/// What may be found.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum FindingKind {
    /// A directory without any file: Git has none such.
    EmptyDirectory,
    /// A revision that changed no branch.
    RevisionWithoutCommit,
    /// A changed path that lies in no branch.
    OutsideOfBranches,
    /// An account that is not in the author map.
    UnknownAuthor,
    /// A directory whose `svn:ignore` or `svn:global-ignores` is not shown.
    IgnoresNotConverted,
    /// A directory whose `svn:externals` are not shown.
    ExternalsNotKept,
    /// A revision of which the account may not read all.
    UnreadableRevision,
    /// A path that is changed but was never told of, since the account may not read where it comes from.
    UnreadablePath,
    /// A revision whose message, author or date is not what it was when it was converted.
    LateChange,
    /// A parent of a revision that is not in the repository.
    Ghost,
    /// A tree of another repository inside of this one.
    NestedTree,
    /// A revision that more than one person wrote.
    FurtherAuthors,
    /// A tag that names a revision which is not in the repository.
    TagWithoutRevision,
    /// A branch that does not contain what it was before.
    RewrittenHistory,
    /// A branch or tag that names revisions of which no commit has just these.
    MixedSymbol,
    /// A symbol that Git does not take as the name of a branch or tag.
    RespelledSymbol,
    /// A branch that has commits, but no symbol names it any more.
    UnlabelledBranch,
    /// A file revision whose message is no UTF-8.
    ForeignMessage,
    /// A path that is no UTF-8.
    ForeignPath,
    /// A date that Git cannot show as it is: before 1970, or in a time zone that has seconds or is days away.
    OddDate,
    /// A message or user that is not UTF-8, and was taken for Windows-1252.
    UnknownCharset,
    /// A branch all of whose heads are closed. Git has no such mark, so it is shown as any other.
    ClosedBranch,
    /// A changeset that was converted, and that the source has no longer. Its commit is kept.
    LostChangeset,
}

impl FindingKind {
    /// The one word for it, wherever it is shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::EmptyDirectory => "empty_directory",
            Self::RevisionWithoutCommit => "revision_without_commit",
            Self::OutsideOfBranches => "outside_of_branches",
            Self::UnknownAuthor => "unknown_author",
            Self::IgnoresNotConverted => "ignores_not_converted",
            Self::ExternalsNotKept => "externals_not_kept",
            Self::UnreadableRevision => "unreadable_revision",
            Self::UnreadablePath => "unreadable_path",
            Self::LateChange => "late_change",
            Self::Ghost => "ghost",
            Self::NestedTree => "nested_tree",
            Self::FurtherAuthors => "further_authors",
            Self::TagWithoutRevision => "tag_without_revision",
            Self::RewrittenHistory => "rewritten_history",
            Self::MixedSymbol => "mixed_symbol",
            Self::RespelledSymbol => "respelled_symbol",
            Self::UnlabelledBranch => "unlabelled_branch",
            Self::ForeignMessage => "foreign_message",
            Self::ForeignPath => "foreign_path",
            Self::OddDate => "odd_date",
            Self::UnknownCharset => "unknown_charset",
            Self::ClosedBranch => "closed_branch",
            Self::LostChangeset => "lost_changeset",
        }
    }

    /// What it means, behind a number.
    fn words(self) -> &'static str {
        match self {
            Self::EmptyDirectory => "empty directories, which Git does not have",
            Self::RevisionWithoutCommit => "revisions that changed no branch have no commit",
            Self::OutsideOfBranches => "changed paths lie in no branch and are not shown",
            Self::UnknownAuthor => "accounts are not in the author map and keep their names",
            Self::IgnoresNotConverted => "directories have ignored names that are not shown as .gitignore",
            Self::ExternalsNotKept => "directories have svn:externals that are not shown",
            Self::UnreadableRevision => {
                "revisions may not be read as a whole by this account: what it may not read is left out"
            }
            Self::UnreadablePath => "changed paths come from where this account may not read, and are left out",
            Self::OddDate => "changesets have a date that Git cannot show as it is",
            Self::UnknownCharset => "changesets are not in UTF-8, and were taken for Windows-1252",
            Self::ClosedBranch => "branches are closed, which Git does not have, and are shown as others",
            Self::LostChangeset => "converted changesets are no longer in the source; their commits are kept",
            Self::LateChange => {
                "revisions got another message, author or date after they were converted; their commits stay"
            }
            Self::Ghost => "parents are not in the repository and are left out",
            Self::NestedTree => "trees of other repositories lie in this one and are left out",
            Self::FurtherAuthors => "revisions have several authors, of which commits tell only the first",
            Self::TagWithoutRevision => "tags name revisions that are not in the repository and are left out",
            Self::RewrittenHistory => "branches do not contain what they were before; the copy follows them",
            Self::MixedSymbol => {
                "branches and tags name revisions of which no commit has just these: each got a commit for it"
            }
            Self::RespelledSymbol => {
                "symbols have characters that Git takes in no name, and are spelled with % and digits"
            }
            Self::UnlabelledBranch => "branches have commits but no name any more, and are named by their numbers",
            Self::ForeignMessage => "messages are not UTF-8, and were read in the charset of the options",
            Self::ForeignPath => "paths are not UTF-8, and are kept byte for byte",
        }
    }

    /// Whether the same name is never found twice, so that all that are found can be counted.
    fn is_distinct(self) -> bool {
        matches!(
            self,
            Self::RevisionWithoutCommit
                | Self::UnreadableRevision
                | Self::LateChange
                | Self::FurtherAuthors
                | Self::OddDate
                | Self::UnknownCharset
                | Self::LostChangeset
        )
    }
}

/// All that was found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Findings(BTreeMap<FindingKind, Seen>);

/// What was found of one kind.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Seen {
    names: BTreeSet<String>,
    examples: Vec<String>,
    beyond: u64,
}

/// What was found of one kind, to be shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// What it is.
    pub kind: FindingKind,
    /// How many, or, if `is_more`, how many at least.
    pub count: u64,
    /// Whether there are more than were counted.
    pub is_more: bool,
    /// The first few.
    pub examples: Vec<String>,
}

impl Findings {
    /// Notes something: a path, revision or account. What was noted before is not counted twice.
    pub(crate) fn note(&mut self, kind: FindingKind, name: &str) {
        let seen = self.0.entry(kind).or_default();
        if seen.names.contains(name) {
            return;
        }
        if seen.names.len() == MOST {
            seen.beyond += 1;
            return;
        }
        if seen.examples.len() < EXAMPLES {
            seen.examples.push(name.to_owned());
        }
        seen.names.insert(name.to_owned());
    }

    /// Adds what another part of the same conversion found.
    pub fn add(&mut self, other: &Self) {
        for (kind, theirs) in &other.0 {
            match self.0.entry(*kind) {
                Entry::Vacant(entry) => drop(entry.insert(theirs.clone())),
                Entry::Occupied(_) => {
                    // In the order in which they were found, as far as that is known.
                    theirs.examples.iter().chain(&theirs.names).for_each(|name| self.note(*kind, name));
                    self.0.entry(*kind).or_default().beyond += theirs.beyond;
                }
            }
        }
    }

    /// What was found, a kind each.
    pub fn iter(&self) -> impl Iterator<Item = Finding> {
        self.0.iter().map(|(kind, seen)| Finding {
            kind: *kind,
            count: seen.names.len() as u64 + if kind.is_distinct() { seen.beyond } else { 0 },
            is_more: seen.beyond > 0 && !kind.is_distinct(),
            examples: seen.examples.clone(),
        })
    }
}

impl Finding {
    /// In one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let more = if self.is_more { "More than " } else { "" };
        let others = if self.count > self.examples.len() as u64 { ", …" } else { "" };
        format!("{more}{} {}: {}{others}", self.count, self.kind.words(), self.examples.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_twice_counts_once_and_what_is_too_much_is_said_to_be_more() {
        let (mut findings, mut later) = (Findings::default(), Findings::default());
        for number in 0..1_500 {
            findings.note(FindingKind::RevisionWithoutCommit, &format!("r{number}"));
            findings.note(FindingKind::EmptyDirectory, &format!("d{}", number % 1_200));
        }
        findings.note(FindingKind::UnknownAuthor, "ada");
        later.note(FindingKind::UnknownAuthor, "bob");
        later.note(FindingKind::UnknownAuthor, "ada");
        findings.add(&later);
        let found: Vec<_> = findings.iter().collect();
        assert_eq!((found[0].count, found[0].is_more), (1_000, true));
        assert!(found[0].sentence().starts_with("More than 1000 empty directories"), "{}", found[0].sentence());
        assert_eq!((found[1].count, found[1].is_more), (1_500, false));
        assert!(found[1].sentence().ends_with("have no commit: r0, r1, r2, r3, r4, …"), "{}", found[1].sentence());
        assert_eq!((found[2].count, found[2].examples.join(" ").as_str()), (2, "ada bob"));
    }
}
