//! A target, the runs that fill it, and its comparison with what Mercurial says.

use super::repository::{HgRepository, Truth, run};
use crate::worker;
use codeimport_convert::{
    ConvertError, MapEntry, Scope, Source, SourceOptions, SourceState, Verification, Watch, open_source, read_map,
    verify,
};
use codeimport_core::{RcsType, SourceUrl};
use std::collections::BTreeMap;
use std::path::PathBuf;
use tempfile::TempDir;

pub(super) struct Copy {
    dir: TempDir,
    pub(super) url: String,
    pub(super) options: SourceOptions,
    runs: i64,
}

impl Copy {
    pub(super) fn of(url: &str) -> Self {
        let dir = tempfile::tempdir().expect("temporary folder");
        Self { dir, url: url.to_owned(), options: SourceOptions::default(), runs: 0 }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.dir.path().join("target.git")
    }

    fn url(&self) -> SourceUrl {
        SourceUrl::parse_on_own_machine(RcsType::Mercurial, &self.url).expect("valid")
    }

    pub(super) fn source(&self) -> Box<dyn Source> {
        open_source(&self.url(), self.options.clone())
    }

    /// One run, as a worker does it; `forget` is another worker, whose cache is empty.
    pub(super) fn try_run(&mut self, forget: bool) -> Result<SourceState, ConvertError> {
        self.runs += 1;
        let name = if forget { format!("cache-{}", self.runs) } else { "cache".to_owned() };
        worker::run(self.dir.path(), &name, self.runs, &self.url(), &self.options)
    }

    /// Runs until all is converted; gives how many runs that took.
    pub(super) fn run(&mut self, forget: bool) -> usize {
        (1..).find(|_| self.try_run(forget).unwrap_or_else(|error| panic!("{}", error.chain())).complete).expect("ends")
    }

    pub(super) fn git(&self, args: &[&str]) -> String {
        run(&self.path(), &[&["git"], args].concat())
    }

    pub(super) fn refs(&self) -> String {
        self.git(&["for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags"])
    }

    pub(super) fn map(&self) -> Vec<MapEntry> {
        read_map(&self.path()).expect("a target of ours")
    }

    /// What the engine's own comparison says.
    pub(super) fn verify(&self) -> Verification {
        verify(&self.url(), self.options.clone(), &self.path(), Scope::All, &Watch::none()).expect("compared")
    }

    /// Commits as Git stores them, by their ids.
    fn commits<'a>(&self, ids: impl Iterator<Item = &'a String>) -> BTreeMap<String, String> {
        let input: String = ids.map(|id| format!("{id}\n")).collect();
        let ask = codeimport_subprocess::Command::new("git").args(["cat-file", "--batch"]).cwd(self.path());
        let told = ask.stdin(input.into_bytes()).stdout_limit(1 << 30).run().expect("git runs").stdout;
        let (mut commits, mut rest) = (BTreeMap::new(), &told[..]);
        while let Some(end) = rest.iter().position(|b| *b == b'\n') {
            let head = String::from_utf8_lossy(&rest[..end]);
            let (id, len) = head.split_once(" commit ").expect("a commit");
            let len: usize = len.parse().expect("a length");
            let text = &rest[end + 1..][..len];
            commits.insert(id.to_owned(), String::from_utf8_lossy(text).into_owned());
            rest = &rest[end + len + 2..];
        }
        commits
    }

    /// Claims that each changeset is a commit with the same files, author, date, parents and message, and that each tag and
    /// head has its ref; gives how many changesets there are.
    pub(super) fn assert_faithful(&self, repository: &HgRepository) -> usize {
        let (truth, tags) = repository.truth();
        let map = self.map();
        let commits: BTreeMap<_, _> =
            map.iter().map(|entry| (entry.revision.clone(), entry.commit.to_string())).collect();
        assert_eq!(map.len(), truth.len());
        let stored = self.commits(commits.values());
        for changeset in &truth {
            assert_eq!(stored[&commits[&changeset.node]], expected(changeset, &commits), "{}", changeset.node);
        }
        let refs = self.refs();
        for (tag, node) in tags {
            assert!(refs.contains(&format!("{} refs/tags/{tag}", commits[&node])), "{tag} {refs}");
        }
        for line in repository.hg(&["heads", "--closed", "--template", "{node}\n"]).lines() {
            assert!(refs.contains(&format!("{} refs/heads/", commits[line])), "{line} {refs}");
        }
        self.git(&["fsck", "--strict", "--no-dangling", "--no-progress"]);
        truth.len()
    }
}

/// The commit of a changeset, byte for byte.
fn expected(changeset: &Truth, commits: &BTreeMap<String, String>) -> String {
    let Truth { tree, seconds, offset, message, .. } = changeset;
    let parents: String = changeset.parents.iter().map(|node| format!("parent {}\n", commits[node])).collect();
    // Git stops at times before 1970, be it only there.
    let minutes = if seconds < offset { 0 } else { -offset / 60 };
    let zone = format!("{}{:02}{:02}", if minutes < 0 { '-' } else { '+' }, minutes.abs() / 60, minutes.abs() % 60);
    let who = format!("{} {seconds} {zone}", author(&changeset.user));
    // Git's own commits end with a newline; one that is there already is not doubled, and no message stays none.
    let end = if message.is_empty() || message.ends_with('\n') { "" } else { "\n" };
    format!("tree {tree}\n{parents}author {who}\ncommitter {who}\n\n{message}{end}")
}

/// Who that is, for the users that the tests' repositories have.
fn author(user: &str) -> String {
    match user {
        "odd <a <b>" => "odd <ab>".to_owned(),
        user if user.contains('<') => user.replace('<', " <").replace("  ", " "),
        user if user.contains('@') => format!("{} <{user}>", user.split('@').next().unwrap_or_default()),
        user => format!("{user} <>"),
    }
}
