//! A made-up history that is the same every time: a few hundred files of source code; mostly small edits, on trunk and
//! on about a dozen branches at a time; merges both ways with `svn:mergeinfo`; tags.

mod chance;
mod dump;
mod text;

use chance::Chance;
use dump::Dump;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::rc::Rc;
use text::Text;

/// Revisions in which trunk gets its first files, and files that each brings.
const FIRST_REVISIONS: u64 = 50;
const FIRST_FILES: usize = 6;

/// Branches that live at the same time, at most.
const LIVE_BRANCHES: usize = 12;

const AUTHORS: [&str; 8] = ["ada", "bob", "carol", "dmitri", "eve", "françois", "grace", "heidi"];

/// Trunk or a branch.
#[derive(Clone)]
struct Line {
    path: String,
    files: BTreeMap<String, Text>,
    /// Files changed since it was made, or merged.
    changed: BTreeSet<String>,
    /// Revision at which it was made, and path of a line -> revision up to which it was merged.
    born: u64,
    merged: BTreeMap<String, (u64, u64)>,
}

/// A history being made.
pub(crate) struct History<W> {
    dump: Dump<W>,
    chance: Chance,
    revision: u64,
    trunk: Line,
    /// Folders of trunk, which stay when they become empty.
    dirs: BTreeSet<String>,
    branches: Vec<Line>,
}

impl<W: Write> History<W> {
    /// A history whose dump goes to `out`.
    pub(crate) fn new(out: W) -> Self {
        let (files, changed, merged) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        let trunk = Line { path: "trunk".to_owned(), files, changed, born: 1, merged };
        Self { dump: Dump(out), chance: Chance(1), revision: 0, trunk, dirs: BTreeSet::new(), branches: Vec::new() }
    }

    /// Writes the dump's beginning and revisions 1 to `last`.
    pub(crate) fn write(&mut self, last: u64) -> io::Result<()> {
        self.dump.begin()?;
        self.begin_revision("Begin")?;
        ["trunk", "branches", "tags"].iter().try_for_each(|path| self.dump.make_dir(path))?;
        while self.revision < last {
            if self.revision <= FIRST_REVISIONS { self.first_files()? } else { self.step()? }
        }
        self.dump.0.flush()
    }

    /// Writes the beginning of another dump to another place, and some more revisions of trunk.
    pub(crate) fn more<V: Write>(self, out: V, count: u64) -> io::Result<()> {
        let Self { chance, revision, trunk, dirs, branches, .. } = self;
        let mut next = History { dump: Dump(out), chance, revision, trunk, dirs, branches };
        next.dump.begin()?;
        (0..count).try_for_each(|_| next.edit_trunk())?;
        next.dump.0.flush()
    }

    fn begin_revision(&mut self, what: &str) -> io::Result<()> {
        self.revision += 1;
        let author = self.chance.pick(&AUTHORS);
        let log = format!("{what}: {} in {}", text::name(&mut self.chance), text::name(&mut self.chance));
        self.dump.revision(self.revision, author, &log)
    }

    fn first_files(&mut self) -> io::Result<()> {
        self.begin_revision("Add")?;
        (0..FIRST_FILES).try_for_each(|_| self.add_file())
    }

    fn step(&mut self) -> io::Result<()> {
        match self.chance.below(100) {
            0..4 if self.branches.len() < LIVE_BRANCHES => self.branch(),
            4..7 if !self.branches.is_empty() => self.merge_and_delete(),
            7..10 if !self.branches.is_empty() => self.catch_up(),
            10..12 => self.tag(),
            12..16 => {
                self.begin_revision("Add")?;
                self.add_file()
            }
            16..19 => self.rename_file(),
            19..21 if self.trunk.files.len() > 250 => self.delete_file(),
            21..55 if !self.branches.is_empty() => self.edit_branch(),
            _ => self.edit_trunk(),
        }
    }

    fn add_file(&mut self) -> io::Result<()> {
        let (number, stem) = (self.chance.below(12), text::name(&mut self.chance));
        let folder = format!("src/module_{number}");
        let name = format!("{folder}/{stem}_{}.c", self.chance.below(1_000_000));
        for dir in ["src", &folder] {
            if self.dirs.insert(dir.to_owned()) {
                self.dump.make_dir(&format!("trunk/{dir}"))?;
            }
        }
        let text = text::new_file(&mut self.chance);
        let executable = [("svn:executable", "*")];
        let props = if self.chance.below(20) == 0 { &executable[..] } else { &[] };
        self.dump.add_file(&format!("trunk/{name}"), &text, props)?;
        self.trunk.files.insert(name, text);
        Ok(())
    }

    fn any_file(&mut self) -> (String, Text) {
        let at = self.chance.below(self.trunk.files.len());
        // There are hundreds of files from the first revisions on.
        self.trunk.files.iter().nth(at).map(|(name, text)| (name.clone(), text.clone())).unwrap_or_default()
    }

    fn rename_file(&mut self) -> io::Result<()> {
        let before = self.revision;
        self.begin_revision("Rename")?;
        let (old, text) = self.any_file();
        let new = format!("src/module_0/renamed_{}.c", self.revision);
        self.dump.copy_file(&format!("trunk/{new}"), &format!("trunk/{old}"), before)?;
        self.dump.delete(&format!("trunk/{old}"))?;
        self.trunk.files.remove(&old);
        self.trunk.files.insert(new, text);
        Ok(())
    }

    fn delete_file(&mut self) -> io::Result<()> {
        self.begin_revision("Remove")?;
        let (name, _) = self.any_file();
        self.trunk.files.remove(&name);
        self.dump.delete(&format!("trunk/{name}"))
    }

    fn branch(&mut self) -> io::Result<()> {
        let before = self.revision;
        self.begin_revision("Branch")?;
        let path = format!("branches/{}-{}", text::name(&mut self.chance), self.revision);
        self.dump.copy_dir(&path, "trunk", before)?;
        let branch = Line { path, changed: BTreeSet::new(), born: self.revision, ..self.trunk.clone() };
        self.branches.push(branch);
        Ok(())
    }

    fn tag(&mut self) -> io::Result<()> {
        let before = self.revision;
        self.begin_revision("Tag")?;
        self.dump.copy_dir(&format!("tags/v{}", self.revision), "trunk", before)
    }

    fn edit_trunk(&mut self) -> io::Result<()> {
        self.begin_revision("Change")?;
        edit_files(&mut self.trunk, &mut self.chance, &mut self.dump)
    }

    fn edit_branch(&mut self) -> io::Result<()> {
        self.begin_revision("Work")?;
        let at = self.chance.below(self.branches.len());
        edit_files(&mut self.branches[at], &mut self.chance, &mut self.dump)
    }

    /// Brings trunk's changes to a branch.
    fn catch_up(&mut self) -> io::Result<()> {
        let before = self.revision;
        self.begin_revision("Catch up")?;
        let at = self.chance.below(self.branches.len());
        let branch = &mut self.branches[at];
        let since = branch.born;
        branch.merged.insert("trunk".to_owned(), (since, before));
        self.dump.set_dir_props(&branch.path, &[("svn:mergeinfo", &mergeinfo(&branch.merged))])?;
        edit_files(branch, &mut self.chance, &mut self.dump)
    }

    /// Brings all changes of a branch to trunk; the branch goes in the same revision or lives on.
    fn merge_and_delete(&mut self) -> io::Result<()> {
        let before = self.revision;
        self.begin_revision("Merge")?;
        let at = self.chance.below(self.branches.len());
        let branch = self.branches.swap_remove(at);
        self.trunk.merged.insert(branch.path.clone(), (branch.born, before));
        self.dump.set_dir_props("trunk", &[("svn:mergeinfo", &mergeinfo(&self.trunk.merged))])?;
        for name in &branch.changed {
            if let Some(text) = self.trunk.files.get_mut(name) {
                *text = text::edit(text, &mut self.chance);
                self.dump.change_file(&format!("trunk/{name}"), text)?;
            }
        }
        if self.chance.below(4) == 0 {
            self.branches.push(branch);
        } else {
            self.dump.delete(&branch.path)?;
        }
        Ok(())
    }
}

fn mergeinfo(merged: &BTreeMap<String, (u64, u64)>) -> String {
    let line = |(path, (from, to)): (&String, &(u64, u64))| match from == to {
        true => format!("/{path}:{from}"),
        false => format!("/{path}:{from}-{to}"),
    };
    merged.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A few lines in one to five files.
fn edit_files<W: Write>(line: &mut Line, chance: &mut Chance, dump: &mut Dump<W>) -> io::Result<()> {
    let names: Vec<_> = line.files.keys().cloned().collect();
    let chosen: BTreeSet<_> = (0..chance.between(1, 6)).map(|_| &names[chance.below(names.len())]).collect();
    for name in chosen {
        let Some(text) = line.files.get_mut(name) else { continue };
        *text = text::edit(text, chance);
        line.changed.insert(name.clone());
        dump.change_file(&format!("{}/{name}", line.path), &Rc::clone(text))?;
    }
    Ok(())
}
