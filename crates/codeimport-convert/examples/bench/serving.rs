//! Servers on loopback.

use anyhow::{Context as _, bail};
use codeimport_subprocess::{Command, Daemon};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// How long a server may take to listen.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running server. Dropping it ends it.
pub(crate) struct Server {
    daemon: Daemon,
    base: String,
}

impl Server {
    /// Starts one that serves what is below the address `base` on a port.
    pub(crate) fn start(command: Command, port: u16, base: String) -> anyhow::Result<Self> {
        let server = Self { daemon: command.start()?, base };
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if !server.daemon.is_running() || Instant::now() > deadline {
                bail!("the server for {} does not listen: {}", server.base, server.daemon.log_tail());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(server)
    }

    /// Address of a repository.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("{}/{name}", self.base)
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.daemon.pid()
    }
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("loopback has no free port")?;
    Ok(listener.local_addr()?.port())
}
