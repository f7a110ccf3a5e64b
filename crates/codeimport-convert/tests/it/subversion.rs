//! Subversion: every tree of every branch is what Subversion itself exports, however the conversion was cut up.

use codeimport_convert::{
    Cache, Carried, Layout, MapEntry, Source, SourceOptions, SourceState, Target, Watch, open_source, options_digest,
    read_map,
};
use codeimport_convert::{Holder, ImportState};
use codeimport_core::{FencingToken, ImportId, Outcome, RcsType, RefFilter, RunId, SourceUrl, TargetUrl};
use codeimport_subprocess::{Command, Daemon};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// Runs a program that must succeed; gives what it prints.
fn run(dir: &Path, words: &[&str]) -> String {
    let output = Command::new(words[0]).args(&words[1..]).cwd(dir).run().expect("the program is installed");
    assert!(output.success(), "{words:?}: {}", output.stderr);
    output.stdout_text().trim_end().to_owned()
}

/// A folder of Subversion repositories, served by svnserve.
struct SvnServer {
    dir: TempDir,
    port: u16,
    _daemon: Daemon,
}

impl SvnServer {
    fn start() -> Self {
        let dir = tempfile::tempdir().expect("temporary folder");
        std::fs::create_dir(dir.path().join("served")).expect("the folder is ours");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has free ports");
        let port = listener.local_addr().expect("bound").port();
        drop(listener);
        let served = dir.path().join("served");
        let daemon = Command::new("svnserve")
            .args([
                "--daemon",
                "--foreground",
                "--listen-host",
                "127.0.0.1",
                "--listen-port",
                &port.to_string(),
                "--root",
            ])
            .arg(&served)
            .start()
            .expect("svnserve is installed");
        let deadline = std::time::Instant::now() + Duration::from_secs(30);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(daemon.is_running() && std::time::Instant::now() < deadline, "{}", daemon.log_tail());
            std::thread::yield_now();
        }
        Self { dir, port, _daemon: daemon }
    }

    fn create(&self, name: &str) -> PathBuf {
        let path = self.dir.path().join("served").join(name);
        run(self.dir.path(), &["svnadmin", "create", path.to_str().expect("text")]);
        path
    }

    /// Loads a dump into a new repository; false if Subversion itself refuses it.
    fn load(&self, name: &str, dump: &Path) -> bool {
        let path = self.create(name);
        let bytes = std::fs::read(dump).expect("the dump can be read");
        let load = ["load", "-q", "--bypass-prop-validation", "--ignore-dates"];
        Command::new("svnadmin").args(load).arg(path).stdin(bytes).run().expect("svnadmin is installed").success()
    }

    fn url(&self, name: &str) -> String {
        format!("svn://127.0.0.1:{}/{name}", self.port)
    }

    /// Makes a commit without a working copy.
    fn mucc(&self, name: &str, words: &[&str]) {
        let url = format!("file://{}", self.dir.path().join("served").join(name).display());
        let base = ["svnmucc", "-q", "-m", "a change", "-u", "ada", "-U", &url];
        run(self.dir.path(), &[&base, words].concat());
    }
}

/// A target and the runs that fill it.
struct Conversion {
    dir: TempDir,
    url: String,
    options: SourceOptions,
    runs: i64,
}

impl Conversion {
    fn of(url: String) -> Self {
        let dir = tempfile::tempdir().expect("temporary folder");
        Self { dir, url, options: SourceOptions::default(), runs: 0 }
    }

    fn target(&self) -> PathBuf {
        self.dir.path().join("target.git")
    }

    /// One run, as a worker does it; `forget` is another worker, whose cache is empty.
    fn run(&mut self, forget: bool) -> Result<SourceState, codeimport_convert::ConvertError> {
        self.runs += 1;
        let watch = Watch::none();
        let url = SourceUrl::parse(RcsType::Subversion, &self.url).expect("valid");
        let source: Box<dyn Source> = open_source(&url, self.options.clone()).expect("supported");
        let id: ImportId =
            if forget { format!("cache-{}", self.runs) } else { "cache".to_owned() }.parse().expect("valid");
        let cache = Cache::open(&self.dir.path().join("caches"), &id, &watch).expect("cache opens");
        let target = Target::new(TargetUrl::local(&self.target()).expect("valid"));
        let filter = RefFilter::default();
        let seen = target.read(&filter, &cache, &watch)?;
        let wanted = source.fetch(&cache, seen.carried.map(|Carried { tree, .. }| tree), &watch)?;
        let holder = Holder { fencing_token: FencingToken(self.runs), run_id: RunId(self.runs) };
        let begin = ImportState::begin(&url, options_digest(&url, &filter), holder);
        target.publish(&begin, &seen, &wanted, &filter, &cache, &watch).expect("published");
        Ok(wanted)
    }

    /// Runs until all is converted.
    fn run_to_the_end(&mut self, forget: bool) {
        while !self.run(forget).expect("converted").complete {}
    }

    fn refs(&self) -> String {
        run(&self.target(), &["git", "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags"])
    }

    fn map(&self) -> Vec<MapEntry> {
        read_map(&self.target()).expect("a target of ours")
    }

    /// Compares every commit's tree with Subversion's own export; gives how many were compared.
    fn assert_faithful(&self, exceptions: &[&str]) -> usize {
        let map = self.map();
        for entry in &map {
            let branch = String::from_utf8_lossy(&entry.branch).into_owned();
            let expected = self.exported_tree(&branch, &entry.revision);
            let got = run(&self.target(), &["git", "rev-parse", &format!("{}^{{tree}}", entry.commit)]);
            let same = got == expected || exceptions.iter().any(|name| self.url.ends_with(name));
            assert!(same, "{} {branch}@{}: {}", self.url, entry.revision, self.difference(&expected, &got));
        }
        run(&self.target(), &["git", "fsck", "--strict", "--no-dangling", "--no-progress"]);
        map.len()
    }

    fn exported_tree(&self, branch: &str, revision: &str) -> String {
        let folder = tempfile::tempdir_in(self.dir.path()).expect("temporary folder");
        let files = folder.path().join("files");
        let path: String = branch
            .bytes()
            .map(|b| {
                if b.is_ascii_alphanumeric() || b"/-_.".contains(&b) {
                    char::from(b).to_string()
                } else {
                    format!("%{b:02X}")
                }
            })
            .collect();
        let root = self.url.split("/sub").next().unwrap_or_default();
        let export = ["svn", "export", "-q", "--ignore-keywords", "--ignore-externals", "-r", revision];
        let from = format!("{root}/{path}@{revision}");
        run(folder.path(), &[&export[..], &[&from, files.to_str().expect("text")]].concat());
        let index = folder.path().join("index");
        let git = |args: &[&str]| {
            let command = Command::new("git").args(["-c", "core.autocrlf=false"]).args(args).cwd(&files);
            let command =
                command.env("GIT_DIR", self.target()).env("GIT_WORK_TREE", &files).env("GIT_INDEX_FILE", &index);
            let output = command.run().expect("git runs");
            assert!(output.success(), "{}", output.stderr);
            output.stdout_text().trim_end().to_owned()
        };
        git(&["add", "--all", "--force", "."]);
        git(&["write-tree"])
    }

    fn difference(&self, expected: &str, got: &str) -> String {
        run(&self.target(), &["git", "diff-tree", "-r", "--stat", expected, got])
    }
}

#[test]
fn branches_tags_and_copies_become_what_they_are() {
    let server = SvnServer::start();
    server.create("r");
    let text = server.dir.path().join("text");
    std::fs::write(&text, "hello\n").expect("writable");
    let text = text.to_str().expect("text");
    server.mucc("r", &["mkdir", "trunk", "mkdir", "branches", "mkdir", "tags", "mkdir", "trunk/empty"]);
    server.mucc("r", &["mkdir", "trunk/d", "put", text, "trunk/d/f", "propset", "svn:executable", "*", "trunk/d/f"]);
    server.mucc("r", &["cp", "2", "trunk", "branches/b", "put", text, "branches/b/new"]);
    server.mucc("r", &["cp", "2", "trunk/d", "trunk/e"]);
    server.mucc("r", &["cp", "4", "trunk", "tags/v 1"]);
    server.mucc("r", &["rm", "branches/b"]);
    server.mucc("r", &["cp", "3", "branches/b", "branches/b"]);
    server.mucc("r", &["mv", "branches", "old", "mkdir", "branches"]);
    server.mucc("r", &["cp", "8", "old/b", "branches/again"]);
    let mut conversion = Conversion::of(server.url("r"));
    conversion.run_to_the_end(false);
    assert_eq!(conversion.assert_faithful(&[]), 7);
    let subjects = |reference: &str| run(&conversion.target(), &["git", "rev-list", "--count", reference]);
    assert_eq!(
        conversion.refs().lines().map(|l| l.split(' ').nth(1).expect("a name")).collect::<Vec<_>>(),
        ["refs/heads/again", "refs/heads/trunk", "refs/tags/v%201"]
    );
    assert_eq!((subjects("refs/heads/trunk").as_str(), subjects("refs/tags/v%201").as_str()), ("3", "4"));
    assert_eq!(run(&conversion.target(), &["git", "symbolic-ref", "HEAD"]), "refs/heads/trunk");
    let author = run(&conversion.target(), &["git", "log", "-1", "--format=%an", "refs/heads/trunk"]);
    assert_eq!(author, "ada");
}

#[test]
fn a_whole_merge_has_two_parents_and_a_cherry_pick_one() {
    let server = SvnServer::start();
    server.create("r");
    let file = |text: &str| {
        let path = server.dir.path().join(text);
        std::fs::write(&path, text).expect("writable");
        path.to_str().expect("text").to_owned()
    };
    let (a, b) = (file("a"), file("b"));
    server.mucc("r", &["mkdir", "trunk", "mkdir", "branches", "put", &a, "trunk/f"]);
    server.mucc("r", &["cp", "1", "trunk", "branches/b"]);
    server.mucc("r", &["put", &b, "branches/b/one"]);
    server.mucc("r", &["put", &b, "branches/b/two"]);
    server.mucc("r", &["put", &b, "trunk/two", "propset", "svn:mergeinfo", "/branches/b:4", "trunk"]);
    server.mucc("r", &["put", &b, "trunk/one", "propset", "svn:mergeinfo", "/branches/b:2-4", "trunk"]);
    let mut conversion = Conversion::of(server.url("r"));
    conversion.run_to_the_end(false);
    let parents = run(&conversion.target(), &["git", "log", "--first-parent", "--format=%p", "refs/heads/trunk"]);
    let counts: Vec<_> = parents.lines().map(|line| line.split_whitespace().count()).collect();
    assert_eq!(counts, [2, 1, 0], "r6 merges all of the branch, r5 picked its second change");
    conversion.assert_faithful(&[]);
}

#[test]
fn a_directory_of_a_larger_repository_is_a_source_of_its_own() {
    let server = SvnServer::start();
    server.create("r");
    let text = server.dir.path().join("text");
    std::fs::write(&text, "hello\n").expect("writable");
    let text = text.to_str().expect("text");
    server.mucc("r", &["mkdir", "other", "put", text, "other/secret"]);
    server.mucc("r", &["mkdir", "subs", "mkdir", "subs/a", "mkdir", "subs/a/trunk", "put", text, "subs/a/trunk/f"]);
    server.mucc("r", &["cp", "1", "other", "subs/a/trunk/copied"]);
    server.mucc("r", &["mkdir", "subs/a/tags", "cp", "3", "subs/a/trunk", "subs/a/tags/v1"]);
    let mut conversion = Conversion::of(format!("{}/subs/a", server.url("r")));
    conversion.run_to_the_end(false);
    assert_eq!(conversion.assert_faithful(&[]), 3);
}

/// A small generator of numbers: the same seed, the same history.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // Numerical Recipes' 64-bit LCG: enough to choose, nothing more is asked of it.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % (sides as u64)).expect("small")
    }
}

/// Makes a history of random changes; what svnmucc refuses (a copy onto itself, a path that is gone) is no change.
fn random_history(server: &SvnServer, name: &str, seed: u64, changes: usize) {
    let mut dice = Dice(seed);
    server.create(name);
    server.mucc(
        name,
        &["mkdir", "trunk", "mkdir", "branches", "mkdir", "tags", "mkdir", "trunk/d0", "mkdir", "trunk/d1"],
    );
    let url = format!("file://{}", server.dir.path().join("served").join(name).display());
    let mut revision = 1;
    for change in 0..changes {
        let root =
            |dice: &mut Dice| ["trunk", "trunk", "branches/b0", "branches/b1", "tags/t0"][dice.roll(5)].to_owned();
        let path = |dice: &mut Dice| {
            let root = root(dice);
            let below = ["d0", "d1", "d0/x", "d1/x", "f0", "d0/f1", "d1/f2", "d0/x/f3"][dice.roll(8)];
            format!("{root}/{below}")
        };
        let old = (1 + dice.roll(revision)).to_string();
        let (from, to) = (path(&mut dice), path(&mut dice));
        let text = server.dir.path().join("text");
        std::fs::write(&text, format!("{}\n", "line\n".repeat(dice.roll(50)) + &change.to_string())).expect("writable");
        let text = text.to_str().expect("text").to_owned();
        let words: Vec<String> = match dice.roll(12) {
            0..4 => vec!["put".into(), text, to],
            4 => vec!["mkdir".into(), to],
            5 => vec!["rm".into(), to],
            6 => vec!["cp".into(), old, from, to],
            7 => vec!["cp".into(), old, root(&mut dice), format!("branches/b{}", dice.roll(2))],
            8 => vec!["cp".into(), old, "trunk".into(), "tags/t0".into()],
            9 => vec!["rm".into(), root(&mut dice)],
            10 => vec!["mv".into(), from, to],
            _ => vec!["rm".into(), to.clone(), "cp".into(), old, from, to],
        };
        let base = ["-q", "-m", "change", "-u", "ada", "-U", &url];
        let done = Command::new("svnmucc").args(base).args(&words).run().expect("svnmucc is installed");
        revision += usize::from(done.success());
    }
    assert!(revision > changes / 4, "only {revision} revisions of {changes} changes");
}

#[test]
fn generated_histories_are_faithful_and_the_same_in_one_go_in_pieces_and_from_other_workers() {
    let server = SvnServer::start();
    for seed in 1..=3 {
        let name = format!("random-{seed}");
        random_history(&server, &name, seed, 120);
        let mut whole = Conversion::of(server.url(&name));
        whole.run_to_the_end(false);
        assert!(whole.assert_faithful(&[]) > 20, "seed {seed}");

        for (pieces, forget) in [(7, false), (13, true)] {
            let mut cut = Conversion::of(server.url(&name));
            cut.options.max_revisions = pieces;
            cut.run_to_the_end(forget);
            assert!(cut.runs > 2, "it was cut up");
            assert_eq!(cut.refs(), whole.refs(), "seed {seed}, pieces of {pieces}, forgetful: {forget}");
            assert_eq!(cut.map(), whole.map(), "seed {seed}");
        }
    }
}

/// What Subversion's export shows differently from the text that is stored, by its own rules.
const POLICY: [&str; 1] = [
    // svn:eol-style=native on a text stored with CRLF: export converts it, we keep what is stored.
    "asf-checkout_broken_eol",
];

#[test]
fn the_corpora_are_faithful_in_two_layouts() {
    let Some(corpora) = std::env::var_os("CODEIMPORT_CORPORA") else { return };
    let server = SvnServer::start();
    let mut compared = 0;
    let mut folder: Vec<_> =
        std::fs::read_dir(Path::new(&corpora).join("svn")).expect("corpora").flatten().map(|e| e.path()).collect();
    folder.sort();
    for dump in folder.iter().filter(|path| path.extension().is_some_and(|e| e == "dump")) {
        let name = dump.file_stem().expect("a name").to_str().expect("text");
        if !server.load(name, dump) {
            // Partial by design: Subversion cannot load it either.
            continue;
        }
        for layout in [Layout::standard(""), Layout::single("")] {
            let mut conversion = Conversion::of(server.url(name));
            conversion.options.layout = Some(layout);
            conversion.run_to_the_end(false);
            compared += conversion.assert_faithful(&POLICY);
        }
    }
    assert!(compared > 500, "{compared} trees");
}

#[test]
fn each_kind_of_trouble_has_its_outcome_and_leaves_the_target_alone() {
    let server = SvnServer::start();
    server.create("r");
    server.mucc("r", &["mkdir", "trunk"]);
    let mut conversion = Conversion::of(server.url("r"));
    conversion.run_to_the_end(false);
    let before = conversion.refs();

    let outcome = |conversion: &mut Conversion, url: String| {
        conversion.url = url;
        conversion.run(false).expect_err("it fails").outcome
    };
    assert_eq!(outcome(&mut conversion, server.url("missing")), Outcome::Invalid);
    assert_eq!(outcome(&mut conversion, "svn://127.0.0.1:1/r".to_owned()), Outcome::Unavailable);
    // Another repository under the same address.
    server.create("other");
    server.mucc("other", &["mkdir", "trunk"]);
    server.mucc("other", &["mkdir", "trunk/x"]);
    assert_eq!(outcome(&mut conversion, server.url("other")), Outcome::RemoteBroken);
    assert_eq!(conversion.refs(), before);
}
