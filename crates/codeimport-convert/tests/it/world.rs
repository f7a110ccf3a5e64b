//! A source that is served, a target on disk, and runs between them.

use codeimport_convert::{
    Cache, ConvertError, Holder, ImportState, PublishError, Published, Source, SourceOptions, SourceState, Target,
    TargetSnapshot, Watch, open_source, options_digest,
};
use codeimport_core::{FencingToken, ImportId, RcsType, RefFilter, RunId, SourceUrl, TargetUrl};
use codeimport_subprocess::{Command, Daemon};
use std::{
    ffi::OsString,
    fs,
    net::{TcpListener, TcpStream},
    os::unix::ffi::OsStringExt as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tempfile::TempDir;

pub(crate) struct World {
    pub(crate) dir: TempDir,
    pub(crate) filter: RefFilter,
    port: u16,
    _daemon: Daemon,
}

/// What a run did.
#[derive(Debug)]
pub(crate) enum Ran {
    NoChange,
    Published(Box<Published>),
}

impl World {
    /// An empty source, served by `git daemon`, and no target yet.
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("temporary folder");
        let served = dir.path().join("served");
        git(dir.path(), ["init", "-q", "-b", "main", "work"]);
        git(dir.path(), ["init", "-q", "--bare", "-b", "main", "served/source.git"]);
        let (port, daemon) = serve(&served);
        Self { dir, filter: RefFilter::default(), port, _daemon: daemon }
    }

    /// A new world with one commit on `main`.
    pub(crate) fn with_history() -> Self {
        let world = Self::new();
        world.commit("first");
        world.push(["main"]);
        world
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    pub(crate) fn source(&self) -> PathBuf {
        self.dir.path().join("served/source.git")
    }

    pub(crate) fn target_path(&self) -> PathBuf {
        self.dir.path().join("target.git")
    }

    pub(crate) fn source_url(&self) -> SourceUrl {
        self.url("source.git")
    }

    pub(crate) fn url(&self, name: &str) -> SourceUrl {
        SourceUrl::parse(RcsType::Git, &format!("git://127.0.0.1:{}/{name}", self.port)).expect("valid")
    }

    pub(crate) fn target(&self) -> Target {
        Target::new(TargetUrl::local(&self.target_path()).expect("valid"))
    }

    /// Commits a change of one file in the work tree; returns the new commit.
    pub(crate) fn commit(&self, text: &str) -> String {
        fs::write(self.work().join("file.txt"), text).expect("writable");
        self.git(["add", "-A"]);
        self.git(["commit", "-q", "--allow-empty", "-m", text]);
        self.git(["rev-parse", "HEAD"])
    }

    /// Runs git in the work tree.
    pub(crate) fn git<const N: usize>(&self, args: [&str; N]) -> String {
        git(&self.work(), args)
    }

    /// Runs git in the served repository.
    pub(crate) fn git_source<const N: usize>(&self, args: [&str; N]) -> String {
        git(&self.source(), args)
    }

    /// Runs git in the target.
    pub(crate) fn git_target<const N: usize>(&self, args: [&str; N]) -> String {
        git(&self.target_path(), args)
    }

    /// Pushes from the work tree to the served repository, by force.
    pub(crate) fn push<const N: usize>(&self, refspecs: [&str; N]) {
        let source = self.source();
        let mut args = vec!["push", "-q", "--force", source.to_str().expect("text")];
        args.extend(refspecs);
        run_git(&self.work(), args.iter().map(OsString::from).collect());
    }

    pub(crate) fn cache(&self) -> Cache {
        let id: ImportId = "example".parse().expect("valid");
        Cache::open(&self.dir.path().join("cache"), &id, &Watch::none()).expect("cache opens")
    }

    pub(crate) fn open(&self, url: &SourceUrl) -> Box<dyn Source> {
        open_source(url, self.options())
    }

    fn options(&self) -> SourceOptions {
        SourceOptions {
            filter: self.filter.clone(),
            connect_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(5),
            ..SourceOptions::default()
        }
    }

    pub(crate) fn digest(&self) -> [u8; 32] {
        options_digest(&self.source_url(), &self.options())
    }

    pub(crate) fn begin(&self, token: i64) -> ImportState {
        let url = self.source_url();
        ImportState::begin(&url, self.digest(), Holder { fencing_token: FencingToken(token), run_id: RunId(token) })
    }

    pub(crate) fn fetch(&self, cache: &Cache) -> Result<SourceState, ConvertError> {
        self.open(&self.source_url()).fetch(cache, None, &Watch::none())
    }

    pub(crate) fn read(&self, cache: &Cache) -> TargetSnapshot {
        self.target().read(&self.filter, cache, &Watch::none()).expect("target can be read")
    }

    pub(crate) fn publish(
        &self,
        token: i64,
        seen: &TargetSnapshot,
        wanted: &SourceState,
        cache: &Cache,
    ) -> Result<Published, PublishError> {
        self.target().publish(&self.begin(token), seen, wanted, &self.filter, cache, &Watch::none())
    }

    /// One whole run, as a worker does it.
    pub(crate) fn run(&self, token: i64) -> Result<Ran, PublishError> {
        let cache = self.cache();
        let watermark = self.open(&self.source_url()).probe(&Watch::none())?;
        let seen = self.read(&cache);
        if seen.is_current(&watermark, self.digest()) {
            return Ok(Ran::NoChange);
        }
        let wanted = self.fetch(&cache)?;
        self.publish(token, &seen, &wanted, &cache).map(|published| Ran::Published(Box::new(published)))
    }

    /// A run that has to publish.
    pub(crate) fn run_published(&self, token: i64) -> Published {
        match self.run(token).expect("run succeeds") {
            Ran::Published(published) => *published,
            Ran::NoChange => panic!("nothing was published"),
        }
    }

    /// A run that has to find nothing new.
    pub(crate) fn run_no_change(&self, token: i64) {
        let ran = self.run(token).expect("run succeeds");
        assert!(matches!(ran, Ran::NoChange), "{ran:?}");
    }

    /// Asserts that the target has exactly the source's refs after the filter, the same HEAD, and sound objects.
    pub(crate) fn assert_in_step(&self) {
        let list = ["for-each-ref", "--format=%(objectname) %(refname)"];
        let taken = |text: String| -> Vec<String> {
            let name = |line: &str| line.split(' ').nth(1).unwrap_or_default().to_owned();
            text.lines().filter(|line| self.filter.takes(name(line).as_bytes())).map(str::to_owned).collect()
        };
        assert_eq!(taken(self.git_target(list)), taken(self.git_source(list)));
        assert_eq!(self.git_target(["symbolic-ref", "HEAD"]), self.git_source(["symbolic-ref", "HEAD"]));
        self.git_target(["fsck", "--strict", "--no-progress"]);
    }

    /// Everything in the target's folder, with the time of its last change.
    pub(crate) fn target_files(&self) -> Vec<(PathBuf, std::time::SystemTime, u64)> {
        let mut files = Vec::new();
        let mut folders = vec![self.target_path()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("readable").flatten() {
                let meta = entry.metadata().expect("there");
                files.push((entry.path(), meta.modified().expect("known"), meta.len()));
                if meta.is_dir() {
                    folders.push(entry.path());
                }
            }
        }
        files.sort();
        files
    }
}

/// Starts `git daemon` on a free port and waits until it answers.
pub(crate) fn serve(root: &Path) -> (u16, Daemon) {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
    let daemon = Command::new("git")
        .args([
            "daemon",
            "--export-all",
            "--enable=receive-pack",
            "--reuseaddr",
            "--listen=127.0.0.1",
            &format!("--port={port}"),
        ])
        .arg(format!("--base-path={}", root.display()))
        .arg(root)
        .start()
        .expect("git daemon starts");
    let deadline = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "git daemon does not answer");
        std::thread::yield_now();
    }
    (port, daemon)
}

pub(crate) fn git<const N: usize>(dir: &Path, args: [&str; N]) -> String {
    run_git(dir, args.iter().map(OsString::from).collect())
}

/// Runs git with a person's name and a fixed date; returns its output, trimmed.
pub(crate) fn run_git(dir: &Path, args: Vec<OsString>) -> String {
    let output = git_command(dir, args).run().expect("git runs");
    assert!(output.success(), "{}", output.stderr);
    output.stdout_text().trim_end().to_owned()
}

pub(crate) fn git_command(dir: &Path, args: Vec<OsString>) -> Command {
    let mut command = Command::new("git").cwd(dir).args(["-c", "safe.directory=*"]).args(args);
    for role in ["AUTHOR", "COMMITTER"] {
        command = command
            .env(format!("GIT_{role}_NAME"), "A U Thor")
            .env(format!("GIT_{role}_EMAIL"), "author@example.org")
            .env(format!("GIT_{role}_DATE"), "1700000000 +0130");
    }
    command
}

/// Bytes as an argument.
pub(crate) fn os(bytes: &[u8]) -> OsString {
    OsString::from_vec(bytes.to_vec())
}
