//! `git daemon` on loopback: a real server for a real source.

use codeimport_subprocess::{Command, Daemon};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;

use crate::{GitRepo, eventually};

/// Serves a folder's repositories over `git://`. Dropping it ends the server.
pub struct GitDaemon {
    daemon: Daemon,
    port: u16,
}

impl GitDaemon {
    /// Serves a repository and waits until connections are accepted.
    ///
    /// # Panics
    ///
    /// If git is missing or no port is free.
    pub async fn serve(repo: &GitRepo) -> Self {
        Self::serve_dir(repo.base()).await
    }

    /// Serves all repositories below a folder.
    ///
    /// # Panics
    ///
    /// As [`Self::serve`].
    pub async fn serve_dir(dir: &Path) -> Self {
        let port = free_port();
        let daemon = Self::launch(dir, port);
        eventually("git daemon listens", async || {
            assert!(daemon.is_running(), "git daemon ended early:\n{}", daemon.log_tail());
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()
        })
        .await;
        Self { daemon, port }
    }

    fn launch(dir: &Path, port: u16) -> Daemon {
        let command = Command::new("git").args(["daemon", "--listen=127.0.0.1", "--export-all", "--reuseaddr"]);
        let command = command.arg(format!("--port={port}")).arg(format!("--base-path={}", dir.display())).arg(dir);
        command.start().expect("git daemon can be started")
    }

    /// Address of the served repository of a [`GitRepo`].
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of("source.git")
    }

    /// Address of a repository below the served folder.
    #[must_use]
    pub fn url_of(&self, name: &str) -> String {
        assert!(self.daemon.is_running(), "git daemon ended:\n{}", self.daemon.log_tail());
        format!("git://127.0.0.1:{}/{name}", self.port)
    }
}

/// A port that was free a moment ago. Somebody may take it in between; the story then fails with that message.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has free ports");
    listener.local_addr().expect("a bound socket has an address").port()
}
