//! Who is asked, and by which way.

use super::connection::{Connection, Tunnel};
use crate::source::cvs::address::{Access, Address};
use crate::source::ssh::{complaint, no_way_to};
use crate::source::wire::Wire;
use crate::{ConvertError, Login, SourceOptions, Ssh, Watch};
use codeimport_core::{Outcome, Stage};
use codeimport_subprocess::{Output, Signal, SubprocessError};
use std::time::Duration;

/// Longest time for a connection by ssh.
const LONG: Duration = Duration::from_secs(12 * 3600);

/// What the shell of the other side says where there is no such program (POSIX).
const NO_SUCH_PROGRAM: u32 = 127;

/// A server, and by what right it is asked.
pub(super) struct Peer {
    pub(super) address: Address,
    /// By what name and password a `pserver` is asked; by none where everybody may read.
    pub(super) login: Option<Login>,
    ssh: Ssh,
    connect_timeout: Duration,
    /// Longest silence.
    pub(super) idle_timeout: Duration,
}

impl Peer {
    pub(super) fn new(address: Address, options: &SourceOptions) -> Self {
        let (connect_timeout, idle_timeout) = (options.connect_timeout, options.idle_timeout);
        Self { address, login: options.login.clone(), ssh: options.ssh.clone(), connect_timeout, idle_timeout }
    }

    /// Opens the way to it.
    pub(super) fn connect(&self, stage: Stage, watch: &Watch) -> Result<Connection, ConvertError> {
        match self.address.access {
            Access::Ssh => self.start_ssh(stage, watch),
            _ => self.connect_tcp(stage, watch),
        }
    }

    fn connect_tcp(&self, stage: Stage, watch: &Watch) -> Result<Connection, ConvertError> {
        let place = (self.address.host.as_str(), self.address.server_port());
        let opened = Wire::open(place, self.connect_timeout, self.idle_timeout, watch.cancel());
        let (wire, writer) = opened.map_err(|error| {
            let text = format!("The CVS server {}:{} cannot be reached.", place.0, place.1);
            ConvertError::new(Outcome::Unavailable, stage, text).caused_by(error)
        })?;
        Ok(Connection::Tcp { wire, writer })
    }

    fn start_ssh(&self, stage: Stage, watch: &Watch) -> Result<Connection, ConvertError> {
        let Some(ssh) = self.ssh.command(self.address.port, self.connect_timeout) else {
            return Err(no_way_to(&self.address.url, stage));
        };
        let command = ssh.arg(self.address.account()).arg("cvs server").timeout(LONG).cancel(watch.cancel().clone());
        let started = command.end_signal(Signal::KILL).converse(self.idle_timeout);
        let started = started.map_err(|error| ConvertError::program(stage, error))?;
        Ok(Connection::Ssh(Box::new(Tunnel::new(started))))
    }

    /// What the end of ssh says of why nothing more comes; none if it says nothing of that.
    pub(super) fn explain(&self, ended: Result<Output, SubprocessError>, stage: Stage) -> Option<ConvertError> {
        let url = &self.address.url;
        let output = match ended {
            Ok(output) => output,
            // The reader knows for how long nothing came.
            Err(SubprocessError::TimedOut { .. }) => return None,
            Err(error) => return Some(ConvertError::program(stage, error)),
        };
        let is_missing = output.code == Some(NO_SUCH_PROGRAM) || output.stderr.contains("ommand not found");
        let no_program = (Outcome::Invalid, "is on a host that has no program cvs, or none that this account finds");
        let (outcome, words) = complaint(&output.stderr).or(is_missing.then_some(no_program))?;
        Some(ConvertError::new(outcome, stage, format!("The CVS source {url} {words}.")).caused_by(output.stderr))
    }
}
