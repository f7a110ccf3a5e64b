//! A target, the runs that fill it, and its comparison with what Mercurial says.

use super::repository::{HgRepository, Truth, run};
use codeimport_convert::{
    Cache, Carried, ConvertError, Holder, ImportState, MapEntry, PublishError, Scope, Source, SourceOptions,
    SourceState, Target, Verification, Watch, open_source, options_digest, read_map, verify,
};
use codeimport_core::{FencingToken, ImportId, RcsType, RunId, SourceUrl, TargetUrl};
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
        let (watch, url, source) = (Watch::none(), self.url(), self.source());
        let name = if forget { format!("cache-{}", self.runs) } else { "cache".to_owned() };
        let id: ImportId = name.parse().expect("valid");
        let cache = Cache::open(&self.dir.path().join("caches"), &id, &watch).expect("cache opens");
        let target = Target::new(TargetUrl::local(&self.path()).expect("valid"));
        let filter = &self.options.filter;
        let seen = target.read(filter, &cache, &watch)?;
        let wanted = source.fetch(&cache, seen.carried.map(|Carried { tree, .. }| tree), &watch)?;
        let holder = Holder { fencing_token: FencingToken(self.runs), run_id: RunId(self.runs) };
        let begin = ImportState::begin(&url, options_digest(&url, &self.options), holder);
        match target.publish(&begin, &seen, &wanted, filter, &cache, &watch) {
            Ok(_) => Ok(wanted),
            Err(PublishError::Failed(error)) => Err(error),
            Err(other) => panic!("{other}"),
        }
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

    /// Claims that each changeset is a commit with the same files, author, date, parents and message, and that each tag and
    /// head has its ref; gives how many changesets there are.
    pub(super) fn assert_faithful(&self, repository: &HgRepository) -> usize {
        let (truth, tags) = repository.truth();
        let map = self.map();
        let commits: BTreeMap<_, _> =
            map.iter().map(|entry| (entry.revision.clone(), entry.commit.to_string())).collect();
        assert_eq!(map.len(), truth.len());
        let input: String = truth.iter().map(|changeset| format!("{}\n", commits[&changeset.node])).collect();
        let format = "--format=%H%x02%T %P%n%an <%ae>%n%at %ad%n%B%x01";
        let show = ["log", "--no-walk=unsorted", "--stdin", format, "--date=format:%z"];
        let show = codeimport_subprocess::Command::new("git").args(show).cwd(self.path());
        let shown = show.stdin(input.into_bytes()).run().expect("git runs").stdout_text();
        // Two changesets may be one commit, which is shown once.
        let shown: BTreeMap<_, _> =
            shown.split('\x01').filter_map(|text| text.trim_start().split_once('\x02')).collect();
        for changeset in &truth {
            let commit = commits[&changeset.node].as_str();
            assert_eq!(shown[commit].trim_end(), expected(changeset, &commits).trim_end(), "{}", changeset.node);
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

/// How git shows the commit of a changeset, but for the newlines at its end.
fn expected(changeset: &Truth, commits: &BTreeMap<String, String>) -> String {
    let parents: Vec<_> = changeset.parents.iter().map(|node| commits[node].as_str()).collect();
    // Git stops at times before 1970, be it only there.
    let minutes = if changeset.seconds < changeset.offset { 0 } else { -changeset.offset / 60 };
    let zone = format!("{}{:02}{:02}", if minutes < 0 { '-' } else { '+' }, minutes.abs() / 60, minutes.abs() % 60);
    let Truth { tree, seconds, .. } = changeset;
    let message = &changeset.message;
    format!("{tree} {}\n{}\n{seconds} {zone}\n{message}", parents.join(" "), author(&changeset.user))
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
