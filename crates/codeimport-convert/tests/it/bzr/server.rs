//! Real servers: `brz serve`.

use super::repository::command;
use codeimport_subprocess::Daemon;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct BzrServer {
    port: u16,
    _daemon: Daemon,
    _home: TempDir,
}

impl BzrServer {
    /// Serves all branches below a folder to anybody, read only.
    pub(super) fn start(folder: &Path) -> Self {
        let home = tempfile::tempdir().expect("temporary folder");
        let port = free_port();
        let (port_text, folder) = (port.to_string(), folder.to_str().expect("text"));
        let words = ["brz", "serve", "--listen", "127.0.0.1", "--port", &port_text, "--directory", folder];
        let daemon = command(home.path(), &words).start().expect("brz is installed");
        wait_for(port, &daemon);
        Self { port, _daemon: daemon, _home: home }
    }

    /// The address of a branch.
    pub(super) fn url(&self, branch: &str) -> String {
        format!("bzr://127.0.0.1:{}/{branch}", self.port)
    }
}

/// A port that nobody listens on just now.
pub(super) fn free_port() -> u16 {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    socket.local_addr().expect("bound").port()
}

/// Waits until something listens.
pub(super) fn wait_for(port: u16, daemon: &Daemon) {
    let began = Instant::now();
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        assert!(daemon.is_running() && began.elapsed() < PATIENCE, "{}", daemon.log_tail());
        std::thread::yield_now();
    }
}

/// A web server that knows nothing of Bazaar, only files.
pub(super) struct WebServer {
    port: u16,
    _daemon: Daemon,
}

impl WebServer {
    pub(super) fn start(folder: &Path) -> Self {
        let port = free_port();
        let (port_text, folder_text) = (port.to_string(), folder.to_str().expect("text"));
        let words = ["python3", "-m", "http.server", "--bind", "127.0.0.1", "--directory", folder_text, &port_text];
        let daemon = command(folder, &words).start().expect("python3 is installed");
        wait_for(port, &daemon);
        Self { port, _daemon: daemon }
    }

    /// The address of a branch.
    pub(super) fn url(&self, branch: &str) -> String {
        format!("http://127.0.0.1:{}/{branch}", self.port)
    }
}
