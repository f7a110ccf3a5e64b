//! A Subversion repository goes through the services, and any worker goes on where another one stopped.

use codeimport_core::Outcome;
use codeimport_integration_tests::{Cluster, eventually, git, program, published_refs};
use codeimport_subprocess::{Command, Daemon, Output};
use serde_json::Value;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use tempfile::TempDir;

/// Subversion repositories behind a real svnserve.
pub(crate) struct SvnServer {
    pub(crate) dir: TempDir,
    port: u16,
    _daemon: Daemon,
}

impl SvnServer {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder can be made");
        let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        let port = bound.expect("loopback has free ports").port();
        let command = Command::new("svnserve").args(["--daemon", "--foreground", "--listen-host", "127.0.0.1"]);
        let command = command.arg(format!("--listen-port={port}")).arg("--root").arg(dir.path());
        let daemon = command.start().expect("svnserve can be started");
        eventually("svnserve listens", async || {
            assert!(daemon.is_running(), "svnserve ended early:\n{}", daemon.log_tail());
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()
        })
        .await;
        Self { dir, port, _daemon: daemon }
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("svn://127.0.0.1:{}/{name}", self.port)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A new repository from a dump.
    pub(crate) fn load(&self, name: &str, dump: String) {
        let path = self.path(name);
        done(Command::new("svnadmin").arg("create").arg(&path));
        done(Command::new("svnadmin").args(["load", "-q", "--no-flush-to-disk"]).arg(&path).stdin(dump.into_bytes()));
    }

    /// A repository with a trunk, a branch, a tag and a merge.
    pub(crate) fn with_history(&self, name: &str) {
        done(Command::new("svnadmin").arg("create").arg(self.path(name)));
        let text = self.dir.path().join("text");
        std::fs::write(&text, "text\n").expect("the folder is ours");
        let text = text.to_str().expect("a temporary folder's name is text");
        self.commit(name, &["mkdir", "trunk", "mkdir", "branches", "mkdir", "tags", "put", text, "trunk/f"]);
        self.commit(name, &["cp", "1", "trunk", "branches/b"]);
        self.commit(name, &["put", text, "branches/b/g"]);
        self.commit(name, &["put", text, "trunk/g", "propset", "svn:mergeinfo", "/branches/b:2-3", "trunk"]);
        self.commit(name, &["cp", "4", "trunk", "tags/v1"]);
    }

    /// Makes a commit, in the words of svnmucc.
    pub(crate) fn commit(&self, name: &str, words: &[&str]) {
        let url = format!("file://{}", self.path(name).display());
        done(Command::new("svnmucc").args(["-m", "a change", "-u", "ada", "-U", &url]).args(words));
    }
}

fn done(command: Command) {
    let output = command.run().expect("Subversion is installed");
    assert!(output.success(), "{}", output.stderr);
}

/// Runs `codeimport --json …` against a cluster.
pub(crate) fn run(cluster: &Cluster, args: &[&str]) -> Output {
    let (registry, queue) = (cluster.registry.url(), cluster.queue.url());
    let command = Command::new(program("codeimport")).args(["--json", "--registry", &registry, "--queue", &queue]);
    command.args(args).run().expect("the program can be run")
}

/// The same, where it must succeed; gives the objects that it prints.
pub(crate) fn codeimport(cluster: &Cluster, args: &[&str]) -> Vec<Value> {
    let output = run(cluster, args);
    assert!(output.success(), "{args:?}: {}{}", output.stdout_text(), output.stderr);
    let text = output.stdout_text();
    text.lines().map(|line| serde_json::from_str(line).expect("each line is one object")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn any_worker_goes_on_and_makes_what_a_conversion_by_hand_makes() {
    let svn = SvnServer::start().await;
    svn.with_history("r");
    let url = svn.url("r");
    let mut cluster = Cluster::start().await;
    let run = codeimport(&cluster, &["import", "create", &url, "--id", "it", "--wait"]).remove(0);
    assert_eq!((&run["outcome"], &run["new_revision_count"]), (&"success".into(), &5.into()), "{run}");

    let by_hand = svn.dir.path().join("by-hand.git");
    let by_hand_path = by_hand.to_str().expect("a temporary folder's name is text").to_owned();
    codeimport(&cluster, &["convert", &url, &by_hand_path]);
    assert_eq!(cluster.target_refs("it"), published_refs(&by_hand));

    // Another worker, whose cache is empty.
    cluster.workers[0].process.kill();
    svn.commit("r", &["cp", "2", "branches/b", "branches/c"]);
    svn.commit("r", &["rm", "branches/b"]);
    cluster.add_worker().await;
    let run = codeimport(&cluster, &["import", "now", "it", "--wait"]).remove(0);
    assert_eq!(run["outcome"], "success", "{run}");
    codeimport(&cluster, &["convert", &url, &by_hand_path]);
    assert_eq!(cluster.target_refs("it"), published_refs(&by_hand));
    assert!(cluster.target_refs("it").contains("refs/heads/c") && !cluster.target_refs("it").contains("refs/heads/b"));

    let target = cluster.target("it");
    git(&target, &["fsck", "--strict", "--no-dangling"]);
    let found = codeimport(&cluster, &["verify", &url, target.to_str().expect("text"), "--all"]).remove(0);
    assert_eq!(found["verdict"], "VERIFIED", "{found}");
    assert_eq!(codeimport(&cluster, &["import", "now", "it", "--wait"])[0]["outcome"], "no_change");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_on_the_workers_disk_is_refused() {
    let svn = SvnServer::start().await;
    svn.with_history("r");
    let cluster = Cluster::start().await;
    let url = format!("file://{}", svn.path("r").display());
    let output = run(&cluster, &["import", "create", &url, "--rcs", "svn"]);
    assert_eq!(output.code, Some(3), "{}", output.stderr);
    assert!(output.stderr.contains("file"), "{}", output.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_fails_is_told_with_its_outcome_and_its_copy_stays() {
    let svn = SvnServer::start().await;
    svn.with_history("r");
    let mut cluster = Cluster::start().await;
    codeimport(&cluster, &["import", "create", &svn.url("r"), "--id", "it", "--wait"]);
    let before = cluster.target_refs("it");
    svn.commit("r", &["mkdir", "trunk/new"]);
    // The repository is replaced by another one.
    done(Command::new("svnadmin").arg("setuuid").arg(svn.path("r")));
    let replaced = cluster.run_now("it").await;
    assert_eq!(replaced.domain_outcome(), Some(Outcome::RemoteBroken), "{}", replaced.message);
    assert!(replaced.message.contains("UUID"), "{}", replaced.message);
    // It is gone.
    std::fs::remove_dir_all(svn.path("r")).expect("the folder is ours");
    let gone = cluster.run_now("it").await;
    assert_eq!(gone.domain_outcome(), Some(Outcome::Invalid), "{}", gone.message);
    assert_eq!(cluster.target_refs("it"), before);
}
