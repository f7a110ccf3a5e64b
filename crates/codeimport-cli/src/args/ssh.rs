//! How hosts are reached over SSH, as it is typed.

use crate::exit::Failure;
use clap::Args;
use codeimport_convert::Ssh;
use std::path::PathBuf;

/// Options of all commands that read a source on this machine.
#[derive(Args)]
pub(crate) struct SshArgs {
    /// Private key for svn+ssh://, together with --ssh-known-hosts.
    #[arg(long, env = "CODEIMPORT_SSH_KEY", value_name = "FILE", requires = "ssh_known_hosts")]
    ssh_key: Option<PathBuf>,
    /// Hosts that may be reached by SSH, and their keys, in the form of known_hosts.
    #[arg(long, env = "CODEIMPORT_SSH_KNOWN_HOSTS", value_name = "FILE", requires = "ssh_key")]
    ssh_known_hosts: Option<PathBuf>,
}

impl SshArgs {
    /// Key and known hosts by their absolute paths; none if none were typed.
    pub(crate) fn files(&self) -> Option<(PathBuf, PathBuf)> {
        let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        self.ssh_key.as_ref().map(absolute).zip(self.ssh_known_hosts.as_ref().map(absolute))
    }

    /// With the files as typed, else as the person does who types: own keys, agent, configuration and known hosts.
    pub(crate) fn ssh(&self) -> Result<Ssh, Failure> {
        let Some((key, known_hosts)) = self.files() else { return Ok(Ssh::Own) };
        Ssh::pinned(key, known_hosts).map_err(|error| Failure::usage(format!("--ssh-key or --ssh-known-hosts {error}")))
    }
}
