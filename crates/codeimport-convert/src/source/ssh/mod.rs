//! How hosts are reached over SSH: with which key, and by which hosts are known.
//!
//! Never a question to anybody, and never a host key that is trusted because it is new.

mod complaint;

pub(super) use complaint::complaint;

use crate::ConvertError;
use codeimport_core::{Outcome, Stage};
use codeimport_subprocess::Command;
use std::{path::PathBuf, time::Duration};

/// By what right.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Ssh {
    /// By none: sources that need SSH are refused.
    #[default]
    Off,
    /// As the person does who runs this: own configuration, keys, agent, and known hosts.
    Own,
    /// With one key, and with hosts that an operator has written down. Nothing of the machine's configuration counts.
    Pinned {
        /// File of the private key; without a passphrase.
        key: PathBuf,
        /// File of the hosts' keys, in the form of `known_hosts`.
        known_hosts: PathBuf,
    },
}

/// Why a path cannot be handed to ssh.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("is no absolute path without white space, quotes, `\\` and `%`, to which ssh would give a meaning")]
pub struct InvalidSshPath;

impl Ssh {
    /// One key and some hosts.
    ///
    /// # Errors
    ///
    /// [`InvalidSshPath`]; which of the two it is, the order tells: the key is looked at first.
    pub fn pinned(key: PathBuf, known_hosts: PathBuf) -> Result<Self, InvalidSshPath> {
        let is_plain = |path: &PathBuf| {
            let text = path.to_str().unwrap_or(" ");
            path.is_absolute() && !text.contains(|c: char| c.is_whitespace() || c.is_control() || "\"'\\%".contains(c))
        };
        if is_plain(&key) && is_plain(&known_hosts) {
            Ok(Self::Pinned { key, known_hosts })
        } else {
            Err(InvalidSshPath)
        }
    }

    /// The command that programs put a host and a command behind, as one text; none if there is no SSH here.
    pub(super) fn command_line(&self, port: Option<u16>, connect_timeout: Duration) -> Option<String> {
        let seconds = connect_timeout.as_secs().max(1);
        let mut words = vec!["ssh".to_owned()];
        match self {
            Self::Off => return None,
            Self::Own => {}
            Self::Pinned { key, known_hosts } => {
                words
                    .extend(["-F none -o IdentitiesOnly=yes -o IdentityAgent=none -o GlobalKnownHostsFile=/dev/null"
                        .to_owned()]);
                words.push(format!("-o UserKnownHostsFile={} -i {}", known_hosts.display(), key.display()));
            }
        }
        words.push(format!(
            "-o BatchMode=yes -o StrictHostKeyChecking=yes -o UpdateHostKeys=no -o ConnectTimeout={seconds}"
        ));
        words.push("-o ClearAllForwardings=yes -o ForwardAgent=no".to_owned());
        words.extend(port.map(|port| format!("-o Port={port}")));
        words.push("--".to_owned());
        Some(words.join(" "))
    }

    /// The same as a command, which lacks the host and what to run there.
    pub(super) fn command(&self, port: Option<u16>, connect_timeout: Duration) -> Option<Command> {
        let line = self.command_line(port, connect_timeout)?;
        let mut words = line.split(' ');
        Some(with_agent(Command::new(words.next()?).args(words)))
    }
}

/// Lets a program find the agent of the person who runs this; the pinned way is told not to ask there.
pub(super) fn with_agent(command: Command) -> Command {
    match std::env::var_os("SSH_AUTH_SOCK") {
        Some(agent) => command.env("SSH_AUTH_SOCK", agent),
        None => command,
    }
}

/// The failure where there is no SSH, and an address needs it.
pub(super) fn no_way_to(url: &str, stage: Stage) -> ConvertError {
    let text =
        format!("{url} needs SSH, and this worker has no key for it: an operator can set ssh_key and ssh_known_hosts.");
    ConvertError::new(Outcome::Forbidden, stage, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_asked_and_no_new_host_is_trusted() {
        let time = Duration::from_secs(15);
        assert_eq!(Ssh::Off.command_line(None, time), None);
        let pinned = Ssh::pinned("/etc/key".into(), "/etc/known".into()).expect("plain paths");
        for ssh in [Ssh::Own, pinned.clone()] {
            let line = ssh.command_line(Some(22_022), time).expect("a command");
            for word in ["BatchMode=yes", "StrictHostKeyChecking=yes", "ConnectTimeout=15", "Port=22022 --"] {
                assert!(line.contains(word), "{line}");
            }
        }
        let line = pinned.command_line(None, time).expect("a command");
        assert!(line.contains("-F none") && line.contains("-i /etc/key") && line.ends_with(" --"), "{line}");
    }

    #[test]
    fn paths_that_mean_something_to_ssh_are_refused() {
        for odd in ["key", "/a b", "/a\"b", "/%h", "/a\nb"] {
            assert_eq!(Ssh::pinned(odd.into(), "/known".into()), Err(InvalidSshPath), "{odd}");
            assert_eq!(Ssh::pinned("/key".into(), odd.into()), Err(InvalidSshPath), "{odd}");
        }
    }
}
