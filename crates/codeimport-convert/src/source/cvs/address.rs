//! Where a module of CVS is: what its URL says. Pure.

use crate::ConvertError;
use codeimport_core::{Outcome, SourceUrl, Stage, cvs_root_and_module};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

/// The port that CVS has of old.
const PORT: u16 = 2401;

/// By which way a repository is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Access {
    /// Files on this machine.
    Folder,
    /// Files of an rsync server.
    Rsync,
    /// `:pserver:`
    Password,
    /// `:ext:`
    Ssh,
}

/// Where a module is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Address {
    /// For people.
    pub(super) url: String,
    pub(super) access: Access,
    /// Whom ssh logs in as; none for whom it says itself.
    pub(super) user: Option<String>,
    pub(super) host: String,
    /// None for the usual one.
    pub(super) port: Option<u16>,
    /// Path of the repository on its host.
    pub(super) root: String,
    /// Directory in the repository; `.` for all of it.
    pub(super) module: String,
}

impl Address {
    /// From an address that is well-formed.
    pub(super) fn of(url: &SourceUrl) -> Self {
        let (scheme, rest) = url.as_str().split_once("://").unwrap_or_default();
        let access = match scheme {
            "file" => Access::Folder,
            "rsync" => Access::Rsync,
            "cvs+ssh" => Access::Ssh,
            _ => Access::Password,
        };
        let authority = &rest[..rest.find('/').unwrap_or(rest.len())];
        let port = authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        let user = authority.split_once('@').map(|(user, _)| user.to_owned());
        let host = url.host().to_ascii_lowercase().trim_matches(['[', ']']).to_owned();
        let (root, module) = cvs_root_and_module(url.as_str());
        Self { url: url.to_string(), access, user, host, port, root, module }
    }

    /// Whom ssh logs in to.
    pub(super) fn account(&self) -> String {
        let user = self.user.as_ref().map_or(String::new(), |user| format!("{user}@"));
        format!("{user}{}", self.host)
    }

    /// The port of a `cvs pserver`.
    pub(super) fn server_port(&self) -> u16 {
        self.port.unwrap_or(PORT)
    }

    /// The path of the module on its host, with a slash at its end.
    pub(super) fn directory(&self) -> Vec<u8> {
        let root = self.root.trim_end_matches('/');
        let text = if self.is_whole() { format!("{root}/") } else { format!("{root}/{}/", self.module) };
        text.into_bytes()
    }

    /// The same as a folder of this machine.
    pub(super) fn path(&self) -> PathBuf {
        OsString::from_vec(self.directory()).into()
    }

    /// The same as rsync takes it.
    pub(super) fn rsync_url(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let port = self.port.map_or(String::new(), |port| format!(":{port}"));
        format!("rsync://{host}{port}{}", String::from_utf8_lossy(&self.directory()))
    }

    /// The repository as `cvs` itself calls it: a `pserver` if it lets anybody read. None if it has no way there.
    pub(super) fn cvs_root(&self) -> Option<String> {
        match self.access {
            Access::Folder => Some(self.root.clone()),
            Access::Rsync => None,
            Access::Password => Some(format!(":pserver:anonymous:@{}:{}{}", self.host, self.server_port(), self.root)),
            Access::Ssh => Some(format!(":ext:{}:{}", self.account(), self.root)),
        }
    }

    /// Whether the whole repository is meant. Its own configuration, in CVSROOT, is no part of it.
    pub(super) fn is_whole(&self) -> bool {
        self.module == "."
    }

    /// A server that does not make sense.
    pub(super) fn broken(&self, stage: Stage, error: &dyn std::fmt::Display) -> ConvertError {
        let text = format!("The CVS server {} says what makes no sense: {error}.", self.host);
        ConvertError::new(Outcome::RemoteBroken, stage, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use codeimport_core::RcsType;

    #[test]
    fn an_address_tells_host_port_root_and_module() {
        let cases = [
            ("pserver://Host/cvsroot/ikvm", Access::Password, "host", None, "/cvsroot", "ikvm"),
            ("pserver://host:2402/cvsroot//a/b/", Access::Password, "host", Some(2402), "/cvsroot", "a/b"),
            ("pserver://host/cvsroot/p//", Access::Password, "host", None, "/cvsroot/p", "."),
            ("pserver://[::1]/r/a%20b%0Ac", Access::Password, "::1", None, "/r", "a%20b%0Ac"),
            ("cvs+ssh://ada@host:22/r//m", Access::Ssh, "ada@host", Some(22), "/r", "m"),
            ("rsync://host/r//m", Access::Rsync, "host", None, "/r", "m"),
        ];
        for (text, access, account, port, root, module) in cases {
            let url = SourceUrl::parse(RcsType::Cvs, text).expect(text);
            let address = Address::of(&url);
            assert_eq!((address.access, address.account().as_str(), address.port), (access, account, port), "{text}");
            assert_eq!((address.root.as_str(), address.module.as_str()), (root, module), "{text}");
        }
    }
}
