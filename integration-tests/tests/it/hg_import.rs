//! A Mercurial repository goes through the services, and any worker goes on where another one stopped.

use super::svn_import::codeimport;
use codeimport_integration_tests::{Cluster, eventually, git, published_refs};
use codeimport_subprocess::{Command, Daemon};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use tempfile::TempDir;

/// A repository behind a real `hg serve`.
pub(crate) struct HgServer {
    pub(crate) dir: TempDir,
    pub(crate) port: u16,
    _daemon: Daemon,
}

impl HgServer {
    async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With further words for `hg serve`.
    pub(crate) async fn with(words: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder can be made");
        let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        let port = bound.expect("loopback has free ports").port();
        hg(&dir, &["init"]);
        let command = Command::new("hg").args(["serve", "--address", "127.0.0.1", "--port", &port.to_string()]);
        let command = command.args(words);
        let daemon = command.env("HGRCPATH", "").cwd(dir.path()).start().expect("hg can be started");
        eventually("hg listens", async || {
            assert!(daemon.is_running(), "hg ended early:\n{}", daemon.log_tail());
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()
        })
        .await;
        Self { dir, port, _daemon: daemon }
    }

    pub(crate) fn commit(&self, text: &str) {
        std::fs::write(self.dir.path().join("f"), text).expect("the folder is ours");
        hg(&self.dir, &["commit", "--addremove", "--user", "Ada <ada@example.org>", "--message", text]);
    }
}

pub(crate) fn hg(dir: &TempDir, args: &[&str]) {
    let output = Command::new("hg").args(args).env("HGRCPATH", "").cwd(dir.path()).run().expect("hg is installed");
    assert!(output.success(), "{args:?}: {}", output.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn any_worker_goes_on_and_makes_what_a_conversion_by_hand_makes() {
    let server = HgServer::start().await;
    server.commit("one");
    hg(&server.dir, &["branch", "b"]);
    server.commit("two");
    hg(&server.dir, &["tag", "--user", "ada", "v1"]);
    let url = format!("http://127.0.0.1:{}/", server.port);
    let mut cluster = Cluster::start().await;
    let create = ["import", "create", &url, "--rcs", "hg", "--id", "it", "--wait"];
    let run = codeimport(&cluster, &create).remove(0);
    assert_eq!((&run["outcome"], &run["new_revision_count"]), (&"success".into(), &3.into()), "{run}");

    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let by_hand = folder.path().join("by-hand.git");
    let by_hand_path = by_hand.to_str().expect("a temporary folder's name is text").to_owned();
    // Without being told what it is: the server says so.
    codeimport(&cluster, &["convert", &url, &by_hand_path]);
    assert_eq!(cluster.target_refs("it"), published_refs(&by_hand));

    // Another worker, whose cache is empty.
    cluster.workers[0].process.kill();
    server.commit("three");
    hg(&server.dir, &["bookmark", "mark"]);
    cluster.add_worker().await;
    let run = codeimport(&cluster, &["import", "now", "it", "--wait"]).remove(0);
    assert_eq!(run["outcome"], "success", "{run}");
    codeimport(&cluster, &["convert", &url, &by_hand_path]);
    assert_eq!(cluster.target_refs("it"), published_refs(&by_hand));
    assert!(cluster.target_refs("it").contains("refs/heads/mark"));

    let target = cluster.target("it");
    git(&target, &["fsck", "--strict", "--no-dangling"]);
    let found =
        codeimport(&cluster, &["verify", "--rcs", "hg", &url, target.to_str().expect("text"), "--all"]).remove(0);
    assert_eq!(found["verdict"], "VERIFIED", "{found}");
    assert_eq!(codeimport(&cluster, &["import", "now", "it", "--wait"])[0]["outcome"], "no_change");
}
