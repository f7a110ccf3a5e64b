//! A made-up module, written as `,v` files at once: CVS itself takes more than a second for each commit.
//!
//! The same number of commits gives the same files. Each commit changes a line in one to three files, on the trunk or, each tenth,
//! on the newest branch; there is a branch every 100 commits and a tag every 40.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

/// Files for as many commits.
const COMMITS_PER_FILE: usize = 10;

/// Lines of each file, of some thirty bytes.
const LINES: usize = 200;

/// When it begins, in seconds since 1970, and the time between two commits.
const BEGIN: i64 = 1_000_000_000;
const STEP: i64 = 1_200;

/// One file.
#[derive(Default)]
struct File {
    /// Commits of the trunk's revisions, from 1.1.
    trunk: Vec<usize>,
    branches: Vec<Branch>,
    /// Names with what they name.
    symbols: Vec<String>,
}

/// A branch of a file, if it has revisions.
struct Branch {
    /// The trunk's revision that it begins from, counted from 1.
    from: usize,
    number: usize,
    commits: Vec<usize>,
}

/// Writes a module of so many commits into a new folder.
pub(crate) fn write(folder: &Path, commits: usize) -> io::Result<()> {
    let mut files: Vec<File> = std::iter::repeat_with(File::default).take(commits.div_ceil(COMMITS_PER_FILE)).collect();
    // The first commit adds all files.
    files.iter_mut().for_each(|file| file.trunk.push(0));
    let mut branches = 0;
    for commit in 1..commits {
        if commit % 100 == 50 {
            branches += 1;
            files.iter_mut().for_each(|file| file.begin_branch(branches));
        }
        if commit % 40 == 0 {
            files.iter_mut().for_each(|file| file.tag(commit));
        }
        let count = files.len();
        for index in (0..=commit % 3).map(|nth| (commit * 7 + nth * 13) % count) {
            files[index].commit(commit, branches > 0 && commit % 10 == 9);
        }
    }
    for (index, file) in files.iter().enumerate() {
        let dir = folder.join(format!("d{}", index % 17));
        fs::create_dir_all(&dir)?;
        fs::write(dir.join(format!("f{index}.c,v")), file.text())?;
    }
    Ok(())
}

impl File {
    fn begin_branch(&mut self, name: usize) {
        let (from, number) = (self.trunk.len(), 2 * name);
        self.symbols.push(format!("b{name}:1.{from}.0.{number}"));
        self.branches.push(Branch { from, number, commits: Vec::new() });
    }

    fn tag(&mut self, name: usize) {
        self.symbols.push(format!("t{name}:1.{}", self.trunk.len()));
    }

    fn commit(&mut self, commit: usize, on_branch: bool) {
        match self.branches.last_mut().filter(|_| on_branch) {
            // Each file only once in a commit.
            Some(branch) if branch.commits.last() != Some(&commit) => branch.commits.push(commit),
            None if self.trunk.last() != Some(&commit) => self.trunk.push(commit),
            _ => {}
        }
    }

    /// The line that a commit changes, counted from 1.
    fn line_of(commit: usize) -> usize {
        1 + commit * 31 % LINES
    }

    /// A line of the trunk's revision, as the newest commit up to there left it.
    fn trunk_line(&self, revision: usize, line: usize) -> String {
        let changed = self.trunk[1..revision].iter().rev().find(|commit| Self::line_of(**commit) == line);
        Self::words(line, changed.copied().unwrap_or_default())
    }

    fn words(line: usize, commit: usize) -> String {
        format!("line {line} says {commit} and no more;\n")
    }

    /// All of it in the form of RCS.
    fn text(&self) -> String {
        let head = self.trunk.len();
        let mut text = format!("head\t1.{head};\naccess;\nsymbols");
        self.symbols.iter().for_each(|symbol| _ = write!(text, "\n\t{symbol}"));
        text += ";\nlocks; strict;\ncomment\t@# @;\n\n";
        for revision in (1..=head).rev() {
            let begun = self.branches.iter().filter(|branch| branch.from == revision && !branch.commits.is_empty());
            let begun: String = begun.map(|branch| format!("\n\t1.{revision}.{}.1", branch.number)).collect();
            let next = if revision > 1 { format!("1.{}", revision - 1) } else { String::new() };
            text += &delta(&format!("1.{revision}"), self.trunk[revision - 1], &begun, &next);
        }
        for branch in &self.branches {
            for (nth, commit) in branch.commits.iter().enumerate() {
                let next = if nth + 1 < branch.commits.len() { branch.revision(nth + 1) } else { String::new() };
                text += &delta(&branch.revision(nth), *commit, "", &next);
            }
        }
        text += "\n\ndesc\n@@\n\n";
        for revision in (1..=head).rev() {
            text += &delta_text(&format!("1.{revision}"), self.trunk[revision - 1], &self.trunk_text(revision, head));
        }
        for branch in &self.branches {
            for (nth, commit) in branch.commits.iter().enumerate() {
                let line = Self::line_of(*commit);
                let edit = replace(line, &Self::words(line, *commit));
                text += &delta_text(&branch.revision(nth), *commit, &edit);
            }
        }
        text
    }

    /// The newest revision as a whole, each other one as what has to be undone of the one behind it.
    fn trunk_text(&self, revision: usize, head: usize) -> String {
        if revision == head {
            return (1..=LINES).map(|line| self.trunk_line(head, line)).collect();
        }
        let line = Self::line_of(self.trunk[revision]);
        replace(line, &self.trunk_line(revision, line))
    }
}

impl Branch {
    fn revision(&self, nth: usize) -> String {
        format!("1.{}.{}.{}", self.from, self.number, nth + 1)
    }
}

fn replace(line: usize, by: &str) -> String {
    format!("d{line} 1\na{line} 1\n{by}")
}

fn delta(number: &str, commit: usize, branches: &str, next: &str) -> String {
    let seconds = BEGIN + STEP * i64::try_from(commit).unwrap_or_default();
    let date = jiff::Timestamp::from_second(seconds).unwrap_or_default().strftime("%Y.%m.%d.%H.%M.%S");
    format!(
        "\n{number}\ndate\t{date};\tauthor a{};\tstate Exp;\nbranches{branches};\nnext\t{next};\ncommitid\tc{commit};\n",
        commit % 5
    )
}

fn delta_text(number: &str, commit: usize, text: &str) -> String {
    format!("\n{number}\nlog\n@change {commit}\n@\ntext\n@{text}@\n\n")
}
