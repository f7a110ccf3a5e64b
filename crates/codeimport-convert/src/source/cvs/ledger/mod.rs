//! What was converted: file revisions, commits, and what each line showed after each of them. Nothing in it ever changes;
//! it only grows. That is what keeps published commits as they are, whatever is committed late, tagged anew or moved.
//!
//! It is written as it grows, an entry a line, and read back by doing the same again. Whoever stores it takes what is full
//! ([`Ledger::take_full`]), so that its text is not in memory a second time. What revisions and commits are is on the disk (`known`);
//! in memory is which of them lines show, since that is asked for all files of each symbol.

mod known;
mod read;
mod shown;
mod shows;
mod sight;
mod text;

pub(super) use known::{Content, KnownCommit, KnownRevision};
pub(super) use read::LedgerReader;
pub(super) use shown::Shown;

use super::long_list::LongList;
use super::place::LineName;
use super::rcs::Number;
use crate::rows::Rows;
use gix::ObjectId;
use shows::{ShowId, Shows};
use sight::Sight;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::path::Path;

/// Index of a file.
pub(super) type FileId = u32;
/// Index of a revision of a file.
pub(super) type RevId = u32;
/// Index of a line.
pub(super) type LineId = u32;
/// Index of a commit.
pub(super) type CommitIndex = u32;

/// What a commit changes: files with the revision shown from then on, or none.
pub(super) type Changes = Vec<(FileId, Option<RevId>)>;

/// What a line shows: which revision of each file.
pub(super) type Manifest = BTreeMap<FileId, RevId>;

/// One line and its past.
#[derive(Default)]
pub(super) struct Line {
    /// The commit of another line that it began as; until its own commits say otherwise it shows the same.
    from: Option<CommitIndex>,
    /// The files that its own commits changed, each with what they say of it.
    touched: HashMap<FileId, Vec<ShowId>>,
    /// Commit -> files shown, rising.
    sizes: Vec<(CommitIndex, u32)>,
    /// Where it began, then its newest commit.
    tip: Option<CommitIndex>,
    /// Files shown.
    size: u32,
}

/// All that was converted.
pub(super) struct Ledger {
    paths: Vec<Vec<u8>>,
    files: HashMap<Vec<u8>, FileId>,
    revisions: LongList<{ KnownRevision::NUMBERS }>,
    /// Of each revision whether the file is there.
    there: Rows<bool>,
    sight: Sight,
    /// Files with a revision.
    known_files: HashSet<FileId>,
    commits: LongList<{ KnownCommit::NUMBERS }>,
    /// Of each commit the line.
    lines_of: Rows<LineId>,
    shows: Shows,
    names: Vec<LineName>,
    lines: Vec<Line>,
    by_name: BTreeMap<LineName, LineId>,
    /// Full pieces of the text, where they were stored.
    pub(super) stored: Vec<ObjectId>,
    /// What was added after these, an entry a line.
    pub(super) text: Vec<u8>,
}

impl Ledger {
    /// An empty one. `scratch`: a folder for what memory has no room for.
    pub(super) fn new(scratch: &Path) -> Self {
        Self {
            paths: Vec::new(),
            files: HashMap::new(),
            revisions: LongList::new(scratch),
            there: Rows::default(),
            sight: Sight::default(),
            known_files: HashSet::new(),
            commits: LongList::new(scratch),
            lines_of: Rows::default(),
            shows: Shows::default(),
            names: Vec::new(),
            lines: Vec::new(),
            by_name: BTreeMap::new(),
            stored: Vec::new(),
            text: Vec::new(),
        }
    }

    /// The file at a path, which is new if need be.
    pub(super) fn file(&mut self, path: &[u8]) -> FileId {
        if let Some(file) = self.files.get(path) {
            return *file;
        }
        let file = index(self.paths.len());
        self.files.insert(path.to_vec(), file);
        self.paths.push(path.to_vec());
        self.note("file", "", path);
        file
    }

    /// The path of a file.
    pub(super) fn path(&self, file: FileId) -> &[u8] {
        self.paths.get(file as usize).map_or(&[], Vec::as_slice)
    }

    /// From now on the revisions of files are asked for by their places among these numbers.
    pub(super) fn see<'n, N: Iterator<Item = &'n Number>>(&mut self, files: impl Iterator<Item = (FileId, N)>) {
        self.sight.see(files);
    }

    /// The revision of a file at a place in the history that the run sees, if it was converted.
    pub(super) fn revision(&self, file: FileId, at: usize) -> Option<RevId> {
        self.sight.get(file, at)
    }

    /// A revision that was converted and is in no history any more.
    pub(super) fn unseen_revision(&self, file: FileId, number: &Number) -> Option<RevId> {
        self.sight.get_unseen(file, number)
    }

    /// Whether any revision of a file is known.
    pub(super) fn has_revisions(&self, file: FileId) -> bool {
        self.known_files.contains(&file)
    }

    /// Adds the revision at a place in its file's history.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub(super) fn add_revision(
        &mut self,
        at: usize,
        number: &Number,
        known: KnownRevision,
        like: Option<RevId>,
    ) -> io::Result<RevId> {
        let revision = self.push_revision(number, known, like)?;
        self.sight.put(known.file, at, revision);
        Ok(revision)
    }

    /// Adds a revision that nobody asks for yet. One that shows the same as `like`, another one of the file, is that one from now
    /// on.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub(super) fn push_revision(
        &mut self,
        number: &Number,
        known: KnownRevision,
        like: Option<RevId>,
    ) -> io::Result<RevId> {
        let content = known.content.map_or("-".to_owned(), |content| {
            format!("{}{}", if content.is_executable { "x" } else { "" }, content.blob)
        });
        let same = match like {
            Some(like) => (self.known(like)?.content == known.content).then_some(like),
            None => None,
        };
        let revision = same.unwrap_or(index(self.revisions.len()));
        if same.is_none() {
            self.revisions.push(known)?;
            self.there.push(known.content.is_some());
            self.shows.add_revision();
            self.note("rev", &format!("{} {number} {} {content}", known.file, known.seconds), b"");
        } else {
            self.note("like", &format!("{} {number} {revision}", known.file), b"");
        }
        self.known_files.insert(known.file);
        Ok(revision)
    }

    /// A line that has begun.
    pub(super) fn line(&self, name: &LineName) -> Option<(LineId, &Line)> {
        let id = *self.by_name.get(name)?;
        Some((id, &self.lines[id as usize]))
    }

    /// All lines that have begun, in order of their names.
    pub(super) fn lines(&self) -> impl Iterator<Item = (&LineName, LineId, &Line)> {
        self.by_name.iter().map(|(name, id)| (name, *id, &self.lines[*id as usize]))
    }

    /// All lines that have begun, in the order in which they did.
    pub(super) fn line_ids(&self) -> impl Iterator<Item = LineId> {
        (0..).take(self.lines.len())
    }

    /// The name of a line.
    pub(super) fn name(&self, line: LineId) -> &LineName {
        &self.names[line as usize]
    }

    /// Begins a line: with nothing, or as a commit was.
    pub(super) fn begin_line(&mut self, name: LineName, from: Option<CommitIndex>) -> LineId {
        let id = index(self.lines.len());
        let text = from.map_or("-".to_owned(), |from| from.to_string());
        let (kind, rest) = match &name {
            LineName::Trunk => ("trunk", Vec::new()),
            LineName::Branch(name) => ("branch", name.to_vec()),
            LineName::Unlabelled(number) => ("unlabelled", number.to_string().into_bytes()),
        };
        self.note(kind, &text, &rest);
        let mut line = Line { from, tip: from, ..Line::default() };
        if let Some(from) = from {
            line.size = index(self.size_at(from));
            line.sizes.push((from, line.size));
        }
        self.names.push(name.clone());
        self.by_name.insert(name, id);
        self.lines.push(line);
        id
    }

    /// Adds a commit to a line, with what it changes there: files with the revision shown from now on, or none.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub(super) fn add_commit(
        &mut self,
        commit: KnownCommit,
        changes: &[(FileId, Option<RevId>)],
    ) -> io::Result<CommitIndex> {
        let at = index(self.commits.len());
        self.note("commit", &format!("{} {} {} {}", commit.line, commit.seconds, commit.id, commit.tree), b"");
        for (file, revision) in changes {
            let text = revision.map_or("-".to_owned(), |revision| revision.to_string());
            self.note("show", &format!("{file} {text}"), b"");
        }
        self.commits.push(commit)?;
        self.lines_of.push(commit.line);
        self.apply(at, changes);
        Ok(at)
    }

    fn apply(&mut self, at: CommitIndex, changes: &[(FileId, Option<RevId>)]) {
        let id = self.line_of(at);
        for (file, revision) in changes {
            let had = self.shows(id, *file).is_some();
            let line = &mut self.lines[id as usize];
            line.touched.entry(*file).or_default().push(self.shows.add(at, *file, *revision));
            line.size = line.size + u32::from(revision.is_some()) - u32::from(had);
        }
        let line = &mut self.lines[id as usize];
        line.sizes.push((at, line.size));
        line.tip = Some(at);
    }

    /// The newest commit of a line, or the one that it began from.
    pub(super) fn tip(&self, line: LineId) -> Option<CommitIndex> {
        self.lines[line as usize].tip
    }
}

/// An index as it is stored. CVS repositories have millions of revisions, not billions.
fn index(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
