//! A target, the runs that fill it, and the comparison with Subversion's own export.

use super::export::{Exported, export};
use super::server::{SvnServer, run};
use codeimport_convert::{
    Cache, Carried, Holder, ImportState, LocalTarget, MapEntry, PublishError, Scope, Source, SourceOptions,
    SourceState, Target, Verification, Watch, open_source, options_digest, read_map, verify,
};
use codeimport_core::{FencingToken, ImportId, RcsType, RunId, SourceUrl, TargetUrl};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;

/// Exports at the same time: they are separate processes that mostly start and end.
const EXPORTERS: usize = 4;

pub(super) struct Conversion {
    dir: TempDir,
    /// Address of the source: the repository, or a directory in it.
    pub(super) url: String,
    repository: PathBuf,
    pub(super) options: SourceOptions,
    pub(super) runs: i64,
}

impl Conversion {
    /// Of a whole repository.
    pub(super) fn of(server: &SvnServer, name: &str) -> Self {
        Self::below(server, name, "")
    }

    /// Of a directory of a repository; `path` begins with a slash or is empty.
    pub(super) fn below(server: &SvnServer, name: &str, path: &str) -> Self {
        let dir = tempfile::tempdir().expect("temporary folder");
        let url = server.url(name) + path;
        Self { dir, url, repository: server.path(name), options: SourceOptions::default(), runs: 0 }
    }

    pub(super) fn target(&self) -> PathBuf {
        self.dir.path().join("target.git")
    }

    /// One run, as a worker does it; `forget` is another worker, whose cache is empty.
    pub(super) fn try_run(&mut self, forget: bool) -> Result<SourceState, PublishError> {
        self.runs += 1;
        let watch = Watch::none();
        let url = SourceUrl::parse(RcsType::Subversion, &self.url).expect("valid");
        let source: Box<dyn Source> = open_source(&url, self.options.clone());
        let name = if forget { format!("cache-{}", self.runs) } else { "cache".to_owned() };
        let id: ImportId = name.parse().expect("valid");
        let cache = Cache::open(&self.dir.path().join("caches"), &id, &watch).expect("cache opens");
        let target = Target::new(TargetUrl::local(&self.target()).expect("valid"));
        let filter = &self.options.filter;
        let seen = target.read(filter, &cache, &watch)?;
        let wanted = source.fetch(&cache, seen.carried.map(|Carried { tree, .. }| tree), &watch)?;
        let holder = Holder { fencing_token: FencingToken(self.runs), run_id: RunId(self.runs) };
        let begin = ImportState::begin(&url, options_digest(&url, &self.options), holder);
        target.publish(&begin, &seen, &wanted, filter, &cache, &watch)?;
        Ok(wanted)
    }

    /// All of it into the target directly: the same commits by fewer processes.
    pub(super) fn run_in_place(&self) {
        let url = SourceUrl::parse(RcsType::Subversion, &self.url).expect("valid");
        let target = LocalTarget::open(&self.target(), &Watch::none()).expect("made");
        let run = target.run(&url, self.options.clone(), &Watch::none()).expect("converted");
        assert!(run.outcome.is_success());
    }

    /// What the engine's own comparison says, with no options given: those of the target count.
    pub(super) fn verify(&self) -> Verification {
        let url = SourceUrl::parse(RcsType::Subversion, &self.url).expect("valid");
        verify(&url, SourceOptions::default(), &self.target(), Scope::All, &Watch::none()).expect("compared")
    }

    /// Runs until all is converted.
    pub(super) fn run_to_the_end(&mut self, forget: bool) {
        while !self.try_run(forget).expect("converted").complete {}
    }

    /// Runs git in the target.
    pub(super) fn git(&self, args: &[&str]) -> String {
        run(&self.target(), &[&["git"], args].concat())
    }

    pub(super) fn refs(&self) -> String {
        self.git(&["for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags"])
    }

    pub(super) fn ref_names(&self) -> Vec<String> {
        self.refs().lines().map(|line| line.split(' ').nth(1).expect("a name").to_owned()).collect()
    }

    pub(super) fn map(&self) -> Vec<MapEntry> {
        read_map(&self.target()).expect("a target of ours")
    }

    /// Compares every commit's tree with Subversion's own export; gives how many were compared.
    pub(super) fn assert_faithful(&self) -> usize {
        let map = self.map();
        if let Some((entry, exported)) = self.differences(&map).first() {
            let listed = self.git(&["ls-tree", "-r", "-t", &entry.commit.to_string()]);
            let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
            let (expected, got) = (lines(&exported.listing), lines(&listed));
            let only = |a: &BTreeSet<String>, b| a.difference(b).cloned().collect::<Vec<_>>().join("\n");
            let place = format!("{} {}@{}", self.url, String::from_utf8_lossy(&entry.branch), entry.revision);
            panic!("{place}\nexpected:\n{}\ngot:\n{}", only(&expected, &got), only(&got, &expected));
        }
        self.assert_sound();
        map.len()
    }

    /// Claims that git finds nothing wrong with the target.
    pub(super) fn assert_sound(&self) {
        self.git(&["fsck", "--strict", "--no-dangling", "--no-progress"]);
    }

    /// As [`Self::assert_faithful`], by exports of the whole repository, one for each revision from 0.
    pub(super) fn assert_faithful_to(&self, exports: &[Exported]) -> usize {
        let map = self.map();
        let is_exported = |(entry, got): &(&MapEntry, String)| {
            let revision: usize = entry.revision.parse().expect("a number");
            let branch = String::from_utf8_lossy(&entry.branch).into_owned();
            exports[revision].directories.get(&branch) == Some(got)
        };
        if !map.iter().zip(self.trees(&map)).all(|pair| is_exported(&pair)) {
            self.assert_faithful();
            panic!("{}: exports of branches and of the whole repository differ", self.url);
        }
        self.assert_sound();
        map.len()
    }

    /// Ids of the commits' trees.
    fn trees(&self, map: &[MapEntry]) -> Vec<String> {
        let input: String = map.iter().map(|entry| format!("{}^{{tree}}\n", entry.commit)).collect();
        let check = codeimport_subprocess::Command::new("git").args(["cat-file", "--batch-check=%(objectname)"]);
        let trees = check.cwd(self.target()).stdin(input.into_bytes()).run().expect("git runs").stdout_text();
        assert_eq!(trees.lines().count(), map.len());
        trees.lines().map(str::to_owned).collect()
    }

    /// The commits whose trees are not what Subversion exports, with what it does.
    pub(super) fn differences<'m>(&self, map: &'m [MapEntry]) -> Vec<(&'m MapEntry, Exported)> {
        let pairs: Vec<_> = map.iter().zip(self.trees(map)).collect();
        let next = AtomicUsize::new(0);
        let compare = || {
            let mut found = Vec::new();
            while let Some((entry, got)) = pairs.get(next.fetch_add(1, Ordering::Relaxed)) {
                let exported = export(&self.repository, entry);
                if exported.tree != *got {
                    found.push((*entry, exported));
                }
            }
            found
        };
        std::thread::scope(|scope| {
            let exporters: Vec<_> = (0..EXPORTERS).map(|_| scope.spawn(compare)).collect();
            exporters.into_iter().flat_map(|exporter| exporter.join().expect("it does not panic")).collect()
        })
    }
}
