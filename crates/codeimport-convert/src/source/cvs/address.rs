//! Addresses of CVS sources: `pserver://host[:port]/cvsroot//module/directory`, in the same way `rsync://` and `file://`. Two slashes stand where the root ends and the
//! module begins; without them the last part is the module, and with nothing behind them the whole repository is meant. Pure.

use crate::ConvertError;
use codeimport_core::{Outcome, SourceUrl, Stage};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

/// The port that CVS has of old.
const PORT: u16 = 2401;

/// Where a module is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
    /// Path of the repository on its host.
    pub(super) root: String,
    /// Directory in the repository; `.` for all of it.
    pub(super) module: String,
}

impl Address {
    /// From an address that is well-formed.
    pub(super) fn of(url: &SourceUrl) -> Self {
        let rest = url.as_str().split_once("://").map_or("", |(_, rest)| rest);
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let port = authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or(PORT);
        let (root, module) = split(&decode(path));
        Self { host: url.host().to_ascii_lowercase().trim_matches(['[', ']']).to_owned(), port, root, module }
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
        let port = if self.port == PORT { String::new() } else { format!(":{}", self.port) };
        format!("rsync://{host}{port}{}", String::from_utf8_lossy(&self.directory()))
    }

    /// The repository as `cvs` itself calls it.
    pub(super) fn cvs_root(&self) -> String {
        format!(":pserver:anonymous:@{}:{}{}", self.host, self.port, self.root)
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

/// Root and module of a path.
fn split(path: &str) -> (String, String) {
    let plain = path.trim_end_matches('/');
    let (root, module) = match path.split_once("//") {
        Some((root, module)) => (root, module.trim_matches('/')),
        None => plain.rsplit_once('/').unwrap_or((plain, "")),
    };
    let module = if module.is_empty() { "." } else { module };
    (if root.is_empty() { "/" } else { root }.to_owned(), module.to_owned())
}

/// Without the escapes of URLs; what is no text then stays as it was.
fn decode(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match (first, hex) {
            // A line end would begin another request.
            (b'%', Some(byte)) if !byte.is_ascii_control() => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use codeimport_core::RcsType;

    #[test]
    fn an_address_tells_root_and_module() {
        let cases = [
            ("pserver://Host/cvsroot/ikvm", "host", 2401, "/cvsroot", "ikvm"),
            ("pserver://host:2402/cvsroot//a/b/", "host", 2402, "/cvsroot", "a/b"),
            ("pserver://host/cvsroot/p//", "host", 2401, "/cvsroot/p", "."),
            ("pserver://[::1]/r/a%20b%0Ac", "::1", 2401, "/r", "a b%0Ac"),
        ];
        for (text, host, port, root, module) in cases {
            let url = SourceUrl::parse(RcsType::Cvs, text).expect(text);
            let expected = Address { host: host.to_owned(), port, root: root.to_owned(), module: module.to_owned() };
            assert_eq!(Address::of(&url), expected, "{text}");
        }
    }
}
