//! The answers to requests for texts.

use super::session::Session;
use crate::ConvertError;
use crate::source::cvs::address::Address;
use crate::source::cvs::rcs::Number;
use crate::source::cvs::transport::{Take, Text, Wanted, without_attic};
use codeimport_core::Stage;
use std::collections::{HashMap, HashSet};

/// What was asked for.
pub(super) struct Asked<'a> {
    address: &'a Address,
    directory: Vec<u8>,
    files: HashMap<&'a [u8], &'a Wanted<'a>>,
}

/// A file as a server sends it.
pub(super) struct Sent {
    path: Vec<u8>,
    number: Option<Number>,
    is_executable: bool,
    length: u64,
}

impl<'a> Asked<'a> {
    pub(super) fn new(address: &'a Address, wanted: &'a [Wanted<'a>]) -> Self {
        let files = wanted.iter().map(|wanted| (wanted.path, wanted)).collect();
        Self { address, directory: address.directory(), files }
    }

    /// The key of what was sent, if it was asked for.
    fn find(&self, sent: &Sent) -> Option<(u32, u32)> {
        // Some servers leave the root out.
        let relative = self.directory.strip_prefix(self.address.root.as_bytes()).unwrap_or_default();
        let below = sent.path.strip_prefix(&self.directory[..]);
        let below = below.or_else(|| sent.path.strip_prefix(relative.strip_prefix(b"/")?))?;
        let (path, _) = without_attic(below);
        self.files.get(&path[..])?.key(sent.number.as_ref()?)
    }
}

/// Reads the answers to so many requests.
pub(super) fn read_texts(
    session: &mut Session<'_>,
    asked: &Asked<'_>,
    requests: usize,
    take: &mut Take<'_>,
) -> Result<(), ConvertError> {
    let mut open: HashSet<_> = asked.files.values().flat_map(|wanted| wanted.keys).collect();
    let mut done = 0;
    while done < requests {
        session.watch().check(Stage::Fetch)?;
        let line = session.line()?;
        if line == b"ok" {
            done += 1;
        } else if is_file(&line) {
            let head = [session.line()?, session.line()?, session.line()?, session.line()?];
            let sent = read_head(&head).ok_or_else(|| asked.address.broken(Stage::Fetch, &"a file without length"))?;
            let bytes = session.bytes(sent.length)?;
            let Some(key) = asked.find(&sent) else { continue };
            if open.remove(&key) {
                take(Text { key, is_executable: sent.is_executable, bytes })?;
            }
        } else if !line.starts_with(b"M ") && !line.starts_with(b"MT ") {
            session.other(&line)?;
        }
    }
    let Some(missing) = open.into_iter().min() else { return Ok(()) };
    let file = asked.files.values().find(|wanted| wanted.keys.contains(missing));
    let name = |wanted: &&Wanted<'_>| {
        format!("{} of {}", wanted.known[missing.1 as usize], String::from_utf8_lossy(wanted.path))
    };
    let name = file.map(name).unwrap_or_default();
    Err(asked.address.broken(Stage::Fetch, &format!("revision {name} is spoken of and not sent")))
}

/// Whether a file follows.
fn is_file(line: &[u8]) -> bool {
    [&b"Created "[..], b"Updated ", b"Update-existing ", b"Merged "].iter().any(|word| line.starts_with(word))
}

/// The lines in front of a file: its path on the server, `/name/number/…`, `u=rwx,…`, its length.
fn read_head([path, entry, mode, length]: &[Vec<u8>; 4]) -> Option<Sent> {
    let number = entry.split(|b| *b == b'/').nth(2).and_then(Number::parse);
    let is_executable =
        mode.split(|b| *b == b',').next().is_some_and(|user| user.starts_with(b"u=") && user.contains(&b'x'));
    let length = std::str::from_utf8(length).ok()?.parse().ok()?;
    Some(Sent { path: path.clone(), number, is_executable, length })
}
