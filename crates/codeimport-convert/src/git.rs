//! The one way in which this crate runs `git`: with everything pinned that a configuration could change.
//!
//! Needed for what gix cannot do yet: pushing, and talking to a target. Options stand in front of every call, so that
//! no hook runs, no credential helper or prompt is asked, and no transport is used that starts other programs.

use crate::{ConvertError, Watch};
use codeimport_core::{Outcome, Stage};
use codeimport_subprocess::{Command, Output};
use std::{path::Path, time::Duration};

/// What holds for every call. Transports not named here (`ext`, `fd`, `ssh`) stay shut.
const PINNED: [&str; 12] = [
    "core.hooksPath=/dev/null",
    "credential.helper=",
    "core.askPass=",
    "protocol.allow=never",
    "protocol.file.allow=always",
    "protocol.git.allow=always",
    "protocol.http.allow=always",
    "protocol.https.allow=always",
    // A redirect could lead to where no policy has looked.
    "http.followRedirects=false",
    // A server that trickles is a server that hangs. Ten minutes, because one that checks a large push is silent too.
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=600",
    // Housekeeping of the cache has its own time, see `Cache::tidy`.
    "maintenance.auto=false",
];

/// A `git` call in a repository, or in none.
pub(crate) fn command(git_dir: Option<&Path>) -> Command {
    let mut command = Command::new("git");
    for setting in PINNED {
        command = command.args(["-c", setting]);
    }
    match git_dir {
        Some(dir) => command.arg("--git-dir").arg(dir),
        None => command,
    }
}

/// Runs a call that has to succeed.
pub(crate) fn run(command: Command, stage: Stage, watch: &Watch) -> Result<Output, ConvertError> {
    let output = attempt(command, stage, watch)?;
    if output.success() {
        return Ok(output);
    }
    let message = format!("git failed in a way that codeimport does not expect ({}).", output.status_text());
    Err(ConvertError::new(Outcome::Failure, stage, message).caused_by(output.stderr))
}

/// Runs a call that may fail; how is in the output.
pub(crate) fn attempt(command: Command, stage: Stage, watch: &Watch) -> Result<Output, ConvertError> {
    command.cancel(watch.cancel().clone()).run().map_err(|error| ConvertError::program(stage, error))
}

/// Longest time for calls that move no history.
pub(crate) const SHORT: Duration = Duration::from_secs(120);

/// Longest time for calls that do. Long on purpose: a large first push may take hours, and a lease that is lost stops
/// it anyway.
pub(crate) const LONG: Duration = Duration::from_secs(12 * 3600);
