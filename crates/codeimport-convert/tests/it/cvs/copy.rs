//! A target on disk, made from a module's files, and compared with what CVS exports.

use super::repository::{CvsRoot, run};
use codeimport_convert::{
    CvsOptions, Finding, LocalTarget, MapEntry, Scope, Source, SourceOptions, Verdict, Watch, open_source, read_map,
    verify,
};
use codeimport_core::{Outcome, RcsType, SourceUrl};
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

pub(super) struct Copy<'a> {
    root: &'a CvsRoot,
    module: String,
    url: String,
    dir: TempDir,
    pub(super) options: SourceOptions,
}

impl<'a> Copy<'a> {
    /// Of a module, by its `,v` files; nothing has to settle.
    pub(super) fn of(root: &'a CvsRoot, module: &str) -> Self {
        Self::at(root, module, &format!("file://{}//{module}", root.path().display()))
    }

    /// Of a module, by an address.
    pub(super) fn at(root: &'a CvsRoot, module: &str, url: &str) -> Self {
        let cvs = CvsOptions { settle_window: Duration::ZERO, ..CvsOptions::default() };
        let options = SourceOptions { cvs, ..SourceOptions::default() };
        let dir = tempfile::tempdir().expect("temporary folder");
        Self { root, module: module.to_owned(), url: url.to_owned(), dir, options }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.dir.path().join("copy.git")
    }

    fn url(&self) -> SourceUrl {
        SourceUrl::parse_on_own_machine(RcsType::Cvs, &self.url).expect("valid")
    }

    /// One run; whether all is converted.
    pub(super) fn run(&self) -> Result<bool, String> {
        let target = LocalTarget::open(&self.path(), &Watch::none()).expect("made");
        let run = target.run(&self.url(), self.options.clone(), &Watch::none());
        run.map(|run| run.outcome.is_success()).map_err(|error| match error {
            codeimport_convert::PublishError::Failed(error) => format!("{:?} {}", error.outcome, error.chain()),
            other => other.to_string(),
        })
    }

    /// The source itself.
    pub(super) fn source(&self) -> Box<dyn Source> {
        open_source(&self.url(), self.options.clone())
    }

    /// One run, and what it found.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let target = LocalTarget::open(&self.path(), &Watch::none()).expect("made");
        let run = target.run(&self.url(), self.options.clone(), &Watch::none()).expect("converted");
        run.findings.iter().collect()
    }

    /// How one more run ends.
    pub(super) fn run_outcome(&self) -> Outcome {
        let target = LocalTarget::open(&self.path(), &Watch::none()).expect("made");
        target.run(&self.url(), self.options.clone(), &Watch::none()).expect("asked").outcome
    }

    pub(super) fn git(&self, args: &[&str]) -> String {
        run(&self.path(), &[&["git"], args].concat())
    }

    pub(super) fn refs(&self) -> String {
        self.git(&["for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags"])
    }

    /// All that is reachable from branches, for people.
    pub(super) fn log(&self) -> String {
        self.git(&["log", "--branches", "--date-order", "--name-status", "--format=%h %T %p %ct %an %d %s"])
    }

    pub(super) fn map(&self) -> Vec<MapEntry> {
        read_map(&self.path()).expect("a target of ours")
    }

    /// Compares commits that CVS has a name for, by their dates, by the verification that users have; gives how many.
    pub(super) fn compare_dates(&self, scope: Scope) -> usize {
        let found = verify(&self.url(), self.options.clone(), &self.path(), scope, &Watch::none()).expect("compared");
        assert_eq!(found.verdict(), Verdict::Verified, "{}: {found:?}", self.module);
        found.compared
    }

    /// Compares the tree of every ref with CVS's export; gives how many, and what differs.
    pub(super) fn compare_refs(&self) -> (usize, Vec<String>) {
        self.git(&["fsck", "--strict", "--no-dangling", "--no-progress"]);
        let refs = self.git(&["for-each-ref", "--format=%(tree) %(refname)", "refs/heads", "refs/tags"]);
        let mut differences = Vec::new();
        for line in refs.lines() {
            let (tree, name) = line.split_once(' ').expect("two words");
            let symbol = symbol_of(name);
            let which = if symbol == "trunk" { vec!["-D", "now"] } else { vec!["-r", &symbol] };
            let exported = self.root.exported(&self.module, &which);
            if exported.as_ref().is_err_and(|error| NO_NAMES.iter().any(|words| error.contains(words))) {
                continue;
            }
            if exported.as_deref() != Ok(tree) {
                let listed = self.git(&["ls-tree", "-r", tree]).replace(" blob ", " ").replace('\t', " 0\t");
                let expected = self.root.listing(&self.module, &which);
                let only = |a: &str, b: &str| {
                    a.lines()
                        .filter(|line| !b.lines().any(|other| other == *line))
                        .map(str::to_owned)
                        .collect::<Vec<_>>()
                        .join("\n  ")
                };
                let (wanted, got) = (only(&expected, &listed), only(&listed, &expected));
                differences.push(format!("{} {name}:\n  cvs has\n  {wanted}\n  we have\n  {got}", self.module));
            }
        }
        (refs.lines().count(), differences)
    }
}

/// Why CVS exports no branch or tag of a name that it did not give itself.
const NO_NAMES: [&str; 3] = ["must be a symbolic tag", "must start with a letter", "must not contain the characters"];

/// The name that CVS has for a ref.
fn symbol_of(name: &str) -> String {
    let part = name.rsplit('/').next().expect("a part");
    let plain = part.strip_prefix("unlabelled%3A").unwrap_or(part);
    let mut symbol = Vec::new();
    let mut bytes = plain.bytes();
    while let Some(byte) = bytes.next() {
        let hex: Vec<u8> = if byte == b'%' { bytes.by_ref().take(2).collect() } else { Vec::new() };
        let text = String::from_utf8(hex).expect("digits");
        symbol.push(if text.is_empty() { byte } else { u8::from_str_radix(&text, 16).expect("digits") });
    }
    String::from_utf8(symbol).expect("text")
}
