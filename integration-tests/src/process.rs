//! One of the real programs, started, watched, and treated badly.

use codeimport_subprocess::{Command, Daemon, Signal};
use rustix::process::{Pid, kill_process};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::{eventually, program};

/// A running service. Dropping it kills it: a story that is over waits for nobody, and while it drops things it could
/// not even answer a server that closes its connections in order.
pub struct Process {
    name: String,
    daemon: Option<Daemon>,
    command: Command,
    port_file: PathBuf,
    address: SocketAddr,
}

impl Process {
    /// Starts a program and waits until it has written down the address it listens on.
    ///
    /// `env` must make it write `port_file`.
    ///
    /// # Panics
    ///
    /// If it ends before that; its last words are in the message.
    pub async fn start(name: &str, env: &[(String, String)], port_file: &Path) -> Self {
        let mut command = Command::new(program(name));
        for (key, value) in env {
            command = command.env(key, value);
        }
        let mut process = Self {
            name: name.to_owned(),
            daemon: None,
            command,
            port_file: port_file.to_owned(),
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        process.launch().await;
        process
    }

    async fn launch(&mut self) {
        let _ = std::fs::remove_file(&self.port_file);
        let daemon = self.command.clone().start().expect("the program can be started");
        let address = eventually(&format!("{} listens", self.name), async || {
            assert!(daemon.is_running(), "{} ended early:\n{}", self.name, daemon.log_tail());
            std::fs::read_to_string(&self.port_file).ok()?.trim().parse().ok()
        })
        .await;
        self.daemon = Some(daemon);
        self.address = address;
    }

    /// The address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address as clients want it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its last words.
    #[must_use]
    pub fn log_tail(&self) -> String {
        self.daemon.as_ref().map(Daemon::log_tail).unwrap_or_default()
    }

    /// Whether it still runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.daemon.as_ref().is_some_and(Daemon::is_running)
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.daemon = None;
    }

    /// SIGSTOP: it stands still, as on a machine that swaps or a virtual machine that moves.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// SIGCONT.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// SIGTERM, without waiting.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// SIGTERM, and waits for the end.
    pub async fn stop(&mut self) {
        self.terminate();
        eventually(&format!("{} ends", self.name), async || (!self.is_running()).then_some(())).await;
        self.daemon = None;
    }

    /// Starts it again on the same address, after [`Self::kill`] or [`Self::stop`].
    pub async fn restart(&mut self) {
        let listen = format!("{}_LISTEN", self.name.to_uppercase().replace('-', "_"));
        self.command = self.command.clone().env(listen, self.address.to_string());
        self.launch().await;
    }

    fn signal(&self, signal: Signal) {
        if let Some(daemon) = &self.daemon {
            send_signal(daemon, signal);
        }
    }
}

/// Sends a signal to a program that was started.
pub(crate) fn send_signal(daemon: &Daemon, signal: Signal) {
    let pid = i32::try_from(daemon.pid()).ok().and_then(Pid::from_raw).expect("a pid is a positive number");
    // Gone already is what a killed process is.
    let _ = kill_process(pid, signal);
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
