//! A real PostgreSQL server of one's own, from what the machine has installed.
//!
//! ```text
//!   <data_dir>/lock       held while a process uses the folder; two never do
//!   <data_dir>/cluster    the server's data (a link, where the server's user cannot enter <data_dir>)
//!   <data_dir>/socket     the only door: mode 0700 (below /tmp, where the path would be too long)
//! ```
//!
//! The server listens on a Unix socket only, so whoever may enter the folder may enter the database: roles have no
//! passwords. It never runs as root: for root it drops to `postgres` or `nobody`. It ends with the [`Embedded`] handle, and by
//! a signal from the kernel if this process is killed; one that was left behind all the same is ended by the next
//! start.

mod binaries;
mod cluster;
mod leftover;
mod provision;
mod socket;

use crate::DbError;
#[cfg(feature = "test-util")]
pub(crate) use provision::connect as connect_admin;

use cluster::Cluster;
use codeimport_subprocess::{Command, Daemon, Signal, SubprocessError};
use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Longest start, with recovery after a crash.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// Longest orderly end; it writes a checkpoint.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// A running server. Dropping it ends the server and waits for that; the data stays.
pub struct Embedded {
    server: Option<Daemon>,
    socket_dir: PathBuf,
    /// Released last, when the server is gone.
    _lock: File,
}

/// No server could be had.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// PostgreSQL is not installed, or not in this version.
    #[error("{0}")]
    NotInstalled(String),
    /// Another living process has started a server on this folder.
    #[error("{} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// The folder cannot be used.
    #[error("cannot prepare {}", path.display())]
    Folder {
        /// The path at fault.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A program of PostgreSQL could not be run.
    #[error(transparent)]
    Program(#[from] SubprocessError),
    /// A program of PostgreSQL failed.
    #[error("{program} failed: {message}")]
    Failed {
        /// The program.
        program: &'static str,
        /// Its last words.
        message: String,
    },
    /// The server runs but cannot be set up.
    #[error("cannot set up the embedded database")]
    Provision(#[from] DbError),
}

impl EmbeddedError {
    /// What a call on this path says if it fails.
    fn folder(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Folder { path, source }
    }
}

/// What a server is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    /// Data to keep: as durable as any PostgreSQL.
    Keep,
    /// Data for one test run: emptied at the start, and never waits for the disk.
    Throwaway,
}

impl Embedded {
    /// Starts a server on this folder, which is created if it is missing; `initdb` runs the first time.
    ///
    /// When this returns, database, roles and schemas of all services are there (`migrations/roles.sql`).
    ///
    /// # Errors
    ///
    /// [`EmbeddedError`]; its message says what a person can do.
    pub async fn start(data_dir: &Path) -> Result<Self, EmbeddedError> {
        Self::start_for(Purpose::Keep, data_dir, &[]).await
    }

    /// Starts a server with further settings of PostgreSQL, names and values, which win over our own.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub async fn start_with(data_dir: &Path, settings: &[(&str, &str)]) -> Result<Self, EmbeddedError> {
        Self::start_for(Purpose::Keep, data_dir, settings).await
    }

    /// Starts a server for a test run: whatever the folder holds is thrown away, and a power cut may break it.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub async fn start_throwaway(data_dir: &Path) -> Result<Self, EmbeddedError> {
        Self::start_for(Purpose::Throwaway, data_dir, &[]).await
    }

    async fn start_for(purpose: Purpose, data_dir: &Path, more: &[(&str, &str)]) -> Result<Self, EmbeddedError> {
        let data_dir = data_dir.to_owned();
        let more = more.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let launched = tokio::task::spawn_blocking(move || launch(purpose, &data_dir, more)).await;
        let embedded = launched.unwrap_or_else(|_| {
            Err(EmbeddedError::Failed { program: "postgres", message: "start panicked".to_owned() })
        })?;
        embedded.wait_ready().await?;
        provision::provision(&embedded).await?;
        Ok(embedded)
    }

    /// URL of the database `codeimport` as superuser. For operators and tests; services use
    /// [`service_url`](Self::service_url).
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of("postgres", "codeimport")
    }

    /// URL of the database `codeimport` for a service: its own role, which owns its own schema and nothing else.
    #[must_use]
    pub fn service_url(&self, service: &str) -> String {
        self.url_of(&format!("codeimport_{service}"), "codeimport")
    }

    /// The server's process id.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().map(Daemon::pid)
    }

    /// Ends the server in good order.
    ///
    /// # Errors
    ///
    /// If it had to be killed, or its end was not seen.
    pub async fn stop(mut self) -> Result<(), EmbeddedError> {
        let Some(server) = self.server.take() else { return Ok(()) };
        let ended = tokio::task::spawn_blocking(move || server.stop()).await;
        let failed = |message: String| EmbeddedError::Failed { program: "postgres", message };
        let output = ended.map_err(|error| failed(error.to_string()))?.map_err(|error| failed(error.to_string()))?;
        if output.success() { Ok(()) } else { Err(failed(format!("{}: {}", output.status_text(), output.stderr))) }
    }

    pub(crate) fn url_of(&self, role: &str, database: &str) -> String {
        format!("postgresql://{role}@{}/{database}", percent_encode(&self.socket_dir))
    }

    async fn wait_ready(&self) -> Result<(), EmbeddedError> {
        const PAUSE: Duration = Duration::from_millis(20);
        let deadline = Instant::now() + START_TIMEOUT;
        let url = self.url_of("postgres", "postgres");
        loop {
            match provision::connect(&url).await {
                Ok(_client) => return Ok(()),
                Err(error) if !self.is_running() || Instant::now() > deadline => {
                    let log = self.server.as_ref().map(Daemon::log_tail).unwrap_or_default();
                    return Err(EmbeddedError::Failed { program: "postgres", message: format!("{error}: {log}") });
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    fn is_running(&self) -> bool {
        self.server.as_ref().is_some_and(Daemon::is_running)
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        drop(self.server.take());
        // Only tidiness: the next start makes do with it as well.
        let _ = std::fs::remove_dir(&self.socket_dir);
    }
}

/// Everything up to the started process. Blocks.
fn launch(purpose: Purpose, data_dir: &Path, more: Vec<String>) -> Result<Embedded, EmbeddedError> {
    let user = cluster::server_user()?;
    let lock = cluster::lock(data_dir)?;
    let cluster = Cluster::prepare(purpose, data_dir, user)?;
    leftover::end(&cluster.dir)?;
    let socket_dir = socket::prepare(data_dir, cluster.user.as_ref())?;
    let mut command = Command::new(cluster.binaries.join("postgres"))
        .arg("-D")
        .arg(&cluster.dir)
        .args(settings(purpose, &socket_dir, more))
        // SIGINT is "fast shutdown": sessions are cut, data is written (PostgreSQL manual, 19.5).
        .end_signal(Signal::INT)
        .orphan_signal(Signal::INT)
        .grace(STOP_TIMEOUT)
        .cwd("/");
    if let Some(user) = cluster.user {
        command = command.run_as(user);
    }
    Ok(Embedded { server: Some(command.start()?), socket_dir, _lock: lock })
}

fn settings(purpose: Purpose, socket_dir: &Path, more: Vec<String>) -> Vec<String> {
    let socket_dir = socket_dir.display();
    let mut settings = vec![
        "listen_addresses=".to_owned(),
        format!("unix_socket_directories={socket_dir}"),
        "unix_socket_permissions=0700".to_owned(),
        "shared_buffers=64MB".to_owned(),
        "log_min_messages=warning".to_owned(),
    ];
    match purpose {
        Purpose::Keep => settings.push("max_connections=100".to_owned()),
        Purpose::Throwaway => settings.extend(
            ["max_connections=400", "fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off"]
                .map(str::to_owned),
        ),
    }
    // The last one of a name counts.
    settings.extend(more);
    settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]).collect()
}

/// For the host part of a URL, where a socket's folder stands for the host.
fn percent_encode(path: &Path) -> String {
    use std::{fmt::Write as _, os::unix::ffi::OsStrExt as _};
    path.as_os_str().as_bytes().iter().fold(String::new(), |mut text, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => text.push(char::from(*byte)),
            // Writing to a String cannot fail.
            _ => drop(write!(text, "%{byte:02X}")),
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_folder_becomes_the_host_of_a_url() {
        assert_eq!(percent_encode(Path::new("/tmp/a b")), "%2Ftmp%2Fa%20b");
    }
}
