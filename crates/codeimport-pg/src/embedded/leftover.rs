//! Ends a server that an earlier process left behind.
//!
//! Only called while the data folder's lock is held: whoever started that server is dead. The process number in
//! `postmaster.pid` may meanwhile be anybody's, so it is believed only if the process has our folder in its argv.

use super::EmbeddedError;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs, io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// How long a server may take to end in good order, and again after it was killed.
const PATIENCE: Duration = Duration::from_secs(15);

/// When this returns, no server runs on this cluster and nothing says that one does.
pub(super) fn end(cluster: &Path) -> Result<(), EmbeddedError> {
    let pid_file = cluster.join("postmaster.pid");
    let Ok(text) = fs::read_to_string(&pid_file) else { return Ok(()) };
    if let Some(pid) = text.lines().next().and_then(|line| line.trim().parse().ok()).and_then(Pid::from_raw)
        && is_server_of(pid, cluster)
    {
        tracing::warn!(process.pid = pid.as_raw_nonzero(), "ending a database server that was left behind");
        for signal in [Signal::INT, Signal::KILL] {
            // It may have ended in between: then the wait below is short.
            let _ = kill_process(pid, signal);
            if wait_gone(pid, cluster) {
                break;
            }
        }
    }
    match fs::remove_file(&pid_file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(EmbeddedError::folder(&pid_file)(error)),
        _ => Ok(()),
    }
}

fn is_server_of(pid: Pid, cluster: &Path) -> bool {
    let argv = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
    argv.split(|byte| *byte == 0).any(|word| word == cluster.as_os_str().as_encoded_bytes())
}

fn wait_gone(pid: Pid, cluster: &Path) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if !is_server_of(pid, cluster) {
            return true;
        }
        thread::sleep(Duration::from_millis(20));
    }
    false
}
