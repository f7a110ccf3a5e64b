//! Where a module of CVS is: what its URL says. Pure.

use crate::ConvertError;
use codeimport_core::{Outcome, SourceUrl, Stage, cvs_root_and_module};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

/// The port that CVS has of old.
const PORT: u16 = 2401;

/// Where a module is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Address {
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
        let rest = url.as_str().split_once("://").map_or("", |(_, rest)| rest);
        let authority = &rest[..rest.find('/').unwrap_or(rest.len())];
        let port = authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        let host = url.host().to_ascii_lowercase().trim_matches(['[', ']']).to_owned();
        let (root, module) = cvs_root_and_module(url.as_str());
        Self { host, port, root, module }
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

    /// The repository as `cvs` itself calls it, on a server that lets this user read without password.
    pub(super) fn cvs_root(&self) -> String {
        format!(":pserver:anonymous:@{}:{}{}", self.host, self.server_port(), self.root)
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
            ("pserver://Host/cvsroot/ikvm", "host", None, "/cvsroot", "ikvm"),
            ("pserver://host:2402/cvsroot//a/b/", "host", Some(2402), "/cvsroot", "a/b"),
            ("pserver://host/cvsroot/p//", "host", None, "/cvsroot/p", "."),
            ("pserver://[::1]/r/a%20b%0Ac", "::1", None, "/r", "a%20b%0Ac"),
        ];
        for (text, host, port, root, module) in cases {
            let url = SourceUrl::parse(RcsType::Cvs, text).expect(text);
            let (host, root) = (host.to_owned(), root.to_owned());
            assert_eq!(Address::of(&url), Address { host, port, root, module: module.to_owned() }, "{text}");
        }
    }
}
