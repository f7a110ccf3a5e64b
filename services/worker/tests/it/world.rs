//! A worker, the fakes it talks to, and a repository to import.

use crate::fakes::Fakes;
use codeimport_kit::{Ready, Shutdown, config::ConfigDuration, tasks};
use codeimport_proto::{
    queue::lease_service_server::LeaseServiceServer,
    registry::{run_support_service_server::RunSupportServiceServer, scan_service_server::ScanServiceServer},
};
use codeimport_subprocess::{Command, Daemon};
use codeimport_worker::Config;
use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;

pub(crate) struct World {
    pub(crate) dir: TempDir,
    pub(crate) fakes: Fakes,
    pub(crate) shutdown: Shutdown,
    pub(crate) address: SocketAddr,
    pub(crate) worker: JoinHandle<anyhow::Result<()>>,
    _daemon: Daemon,
}

impl World {
    /// A worker with two slots, and a source with one commit.
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().expect("temporary folder");
        git(dir.path(), &["init", "-q", "-b", "main", "work"]);
        git(dir.path(), &["init", "-q", "--bare", "-b", "main", "served/source.git"]);
        let (port, daemon) = serve_git(&dir.path().join("served"));
        let fakes = Fakes::new();
        {
            let mut seen = fakes.seen();
            seen.source_url = format!("git://127.0.0.1:{port}/source.git");
            seen.target_url = format!("file://{}", dir.path().join("target.git").display());
        }
        let url = serve_fakes(fakes.clone()).await;
        let config = Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            queue_url: url.clone(),
            registry_url: url,
            worker_id: Some("worker".to_owned()),
            data_dir: dir.path().join("data"),
            shutdown_grace: ConfigDuration::from_secs(0),
            ..Config::default()
        };
        let shutdown = Shutdown::new();
        let (ready, address) = Ready::channel();
        let worker = tasks::spawn("test.worker", codeimport_worker::run(config, shutdown.clone(), ready));
        let address = address.await.expect("the worker starts");
        let world = Self { dir, fakes, shutdown, address, worker, _daemon: daemon };
        world.commit("first");
        world
    }

    pub(crate) fn target(&self) -> PathBuf {
        self.dir.path().join("target.git")
    }

    /// Commits something and pushes it to the source.
    pub(crate) fn commit(&self, message: &str) {
        let work = self.dir.path().join("work");
        git(&work, &["commit", "-q", "--allow-empty", "-m", message]);
        git(&work, &["push", "-q", "../served/source.git", "main"]);
    }

    /// Makes the source a server that accepts and says nothing. It hangs as long as the listener lives.
    pub(crate) fn hang_source(&self) -> TcpListener {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        self.fakes.seen().source_url = format!("git://{address}/x");
        listener
    }
}

/// Runs git with a person's name; returns its output, trimmed.
pub(crate) fn git(dir: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git").cwd(dir).args(["-c", "safe.directory=*"]).args(args);
    for role in ["AUTHOR", "COMMITTER"] {
        command =
            command.env(format!("GIT_{role}_NAME"), "A U Thor").env(format!("GIT_{role}_EMAIL"), "author@example.org");
    }
    let output = command.run().expect("git runs");
    assert!(output.success(), "{}", output.stderr);
    output.stdout_text().trim_end().to_owned()
}

fn serve_git(root: &Path) -> (u16, Daemon) {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
    let daemon = Command::new("git")
        .args(["daemon", "--export-all", "--reuseaddr", "--listen=127.0.0.1", &format!("--port={port}")])
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

async fn serve_fakes(fakes: Fakes) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let server = tonic::transport::Server::builder()
        .add_service(LeaseServiceServer::new(fakes.clone()))
        .add_service(RunSupportServiceServer::new(fakes.clone()))
        .add_service(ScanServiceServer::new(fakes));
    tasks::spawn("test.fakes", server.serve_with_incoming(TcpListenerStream::new(listener)));
    format!("http://{address}")
}
