//! `svn+ssh://`: Subversion's programs run ssh, and get told how by a variable. They do not know ports in such addresses.

use crate::source::ssh::{no_way_to, with_agent};
use crate::{ConvertError, SourceOptions};
use codeimport_core::Stage;
use codeimport_subprocess::Command;
use url::Url;

/// The way to a host by SSH, or none that is needed.
#[derive(Clone, Debug)]
pub(crate) struct Tunnel {
    /// What `SVN_SSH` says; none if there is no SSH here, or none is needed.
    command_line: Option<String>,
    is_needed: bool,
}

impl Tunnel {
    /// The way to an address; and the address as Subversion's programs take it.
    pub(crate) fn to(url: &str, options: &SourceOptions) -> (Self, String) {
        let Some(mut address) = Url::parse(url).ok().filter(|url| url.scheme() == "svn+ssh") else {
            return (Self { command_line: None, is_needed: false }, url.to_owned());
        };
        let command_line = options.ssh.command_line(address.port(), options.connect_timeout);
        // It has a host, so it can have no port.
        let _ = address.set_port(None);
        (Self { command_line, is_needed: true }, address.into())
    }

    /// Tells a program the way.
    pub(crate) fn through(&self, command: Command) -> Command {
        let Some(line) = &self.command_line else { return command };
        with_agent(command.env("SVN_SSH", line))
    }

    /// Refuses an address to which there is no way here.
    pub(crate) fn check(&self, url: &str, stage: Stage) -> Result<(), ConvertError> {
        if self.is_needed && self.command_line.is_none() { Err(no_way_to(url, stage)) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Ssh;
    use codeimport_core::Outcome;

    #[test]
    fn a_port_is_told_to_ssh_and_not_to_subversion() {
        let options = SourceOptions { ssh: Ssh::Own, ..SourceOptions::default() };
        let (tunnel, url) = Tunnel::to("svn+ssh://ada@host:2222/r/trunk", &options);
        assert_eq!(url, "svn+ssh://ada@host/r/trunk");
        assert!(tunnel.command_line.as_ref().is_some_and(|line| line.ends_with("-o Port=2222 --")), "{tunnel:?}");
        assert!(tunnel.check(&url, Stage::Probe).is_ok());
    }

    #[test]
    fn only_svn_over_ssh_needs_it() {
        let (tunnel, url) = Tunnel::to("svn://host:2222/r", &SourceOptions::default());
        assert!(tunnel.check(&url, Stage::Probe).is_ok() && url == "svn://host:2222/r");
        let (tunnel, url) = Tunnel::to("svn+ssh://host/r", &SourceOptions::default());
        let refused = tunnel.check(&url, Stage::Probe).expect_err("there is no key");
        assert_eq!(refused.outcome, Outcome::Forbidden);
    }
}
