//! Subversion repositories that are served by a real svnserve, and changed by real Subversion programs.

use codeimport_subprocess::{Command, Daemon};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Runs a program that must succeed; gives what it prints.
pub(crate) fn run(dir: &Path, words: &[&str]) -> String {
    let output = Command::new(words[0]).args(&words[1..]).cwd(dir).run().expect("the program is installed");
    assert!(output.success(), "{words:?}: {}", output.stderr);
    output.stdout_text().trim_end().to_owned()
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|l| l.local_addr()).expect("a free port").port()
}

/// Waits for a server that was just started.
pub(crate) fn until_it_listens(port: u16, daemon: &Daemon) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        assert!(daemon.is_running() && Instant::now() < deadline, "{}", daemon.log_tail());
        std::thread::yield_now();
    }
}

/// A folder of Subversion repositories, served by svnserve.
pub(super) struct SvnServer {
    dir: TempDir,
    port: u16,
    daemon: Daemon,
}

impl SvnServer {
    pub(super) fn start() -> Self {
        let dir = tempfile::tempdir().expect("temporary folder");
        let served = dir.path().join("served");
        std::fs::create_dir(&served).expect("the folder is ours");
        let port = free_port();
        let daemon = Command::new("svnserve")
            .args(["--daemon", "--foreground", "--listen-host", "127.0.0.1", "--listen-port", &port.to_string()])
            .arg("--root")
            .arg(&served)
            .start()
            .expect("svnserve is installed");
        until_it_listens(port, &daemon);
        Self { dir, port, daemon }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Process group of svnserve and of those that it has started for its connections.
    pub(super) fn process_group(&self) -> u32 {
        self.daemon.pid()
    }

    /// The folder with all repositories.
    pub(super) fn root(&self) -> PathBuf {
        self.dir.path().join("served")
    }

    /// Where a repository lies, for those that need no server.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    pub(super) fn create(&self, name: &str) {
        run(self.dir.path(), &["svnadmin", "create", self.path(name).to_str().expect("text")]);
    }

    /// Loads a dump into a new repository; false if Subversion itself refuses it.
    pub(super) fn load(&self, name: &str, dump: &Path) -> bool {
        self.create(name);
        let bytes = std::fs::read(dump).expect("the dump can be read");
        let load = ["load", "-q", "--no-flush-to-disk", "--bypass-prop-validation", "--ignore-dates"];
        let loaded = Command::new("svnadmin").args(load).arg(self.path(name)).stdin(bytes).run();
        loaded.expect("svnadmin is installed").success()
    }

    pub(super) fn url(&self, name: &str) -> String {
        format!("svn://127.0.0.1:{}/{name}", self.port)
    }

    /// A file with this text, to be put into a repository.
    pub(super) fn file(&self, text: &str) -> String {
        let path = self.dir.path().join("text");
        std::fs::write(&path, text).expect("writable");
        path.to_str().expect("text").to_owned()
    }

    /// Makes a commit without a working copy; false if Subversion refuses it.
    pub(super) fn try_mucc(&self, name: &str, words: &[&str]) -> bool {
        let url = format!("file://{}", self.path(name).display());
        let base = ["-m", "a change", "-u", "ada", "-U", &url];
        Command::new("svnmucc").args(base).args(words).run().expect("svnmucc is installed").success()
    }

    /// Makes a commit that must succeed.
    pub(super) fn mucc(&self, name: &str, words: &[&str]) {
        assert!(self.try_mucc(name, words), "{words:?}");
    }
}
