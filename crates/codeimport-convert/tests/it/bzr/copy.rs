//! A target on disk, made from a branch, and compared with what Bazaar exports and says.

use super::repository::run;
use codeimport_convert::{
    LocalRun, LocalTarget, MapEntry, PublishError, Scope, SourceOptions, Verdict, Watch, read_map, verify,
};
use codeimport_core::{Outcome, RcsType, SourceUrl};
use std::path::PathBuf;
use tempfile::TempDir;

pub(super) struct Copy {
    url: String,
    dir: TempDir,
    pub(super) options: SourceOptions,
}

impl Copy {
    pub(super) fn of(url: &str) -> Self {
        let dir = tempfile::tempdir().expect("temporary folder");
        Self { url: url.to_owned(), dir, options: SourceOptions::default() }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.dir.path().join("copy.git")
    }

    pub(super) fn url(&self) -> SourceUrl {
        SourceUrl::parse_on_own_machine(RcsType::Bazaar, &self.url).expect("valid")
    }

    /// One run.
    pub(super) fn try_run(&self) -> Result<LocalRun, PublishError> {
        let target = LocalTarget::open(&self.path(), &Watch::none()).expect("made");
        target.run(&self.url(), self.options.clone(), &Watch::none())
    }

    /// One run, which must succeed.
    pub(super) fn run(&self) -> LocalRun {
        self.try_run().unwrap_or_else(|error| panic!("{}: {}", self.url, told(&error)))
    }

    /// How a run fails, and with which words.
    pub(super) fn failure(&self) -> (Outcome, String) {
        match self.try_run().expect_err("it fails") {
            PublishError::Failed(error) => (error.outcome, error.chain()),
            other => panic!("{other}"),
        }
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

    /// Compares the tree of every commit with `brz export`, by the verification that users have; gives how many.
    pub(super) fn compare_all(&self) -> usize {
        self.git(&["fsck", "--strict", "--no-dangling", "--no-progress"]);
        let found = verify(&self.url(), self.options.clone(), &self.path(), Scope::All, &Watch::none());
        let found = found.unwrap_or_else(|error| panic!("{}", error.chain()));
        assert_eq!(found.verdict(), Verdict::Verified, "{}: {found:?}", self.url);
        found.compared
    }
}

fn told(error: &PublishError) -> String {
    match error {
        PublishError::Failed(error) => format!("{:?} {}", error.outcome, error.chain()),
        other => other.to_string(),
    }
}
