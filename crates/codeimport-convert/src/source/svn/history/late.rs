//! Messages, authors and dates that are changed in the source after they were converted. Pure.
//!
//! Subversion lets a revision's properties be edited at any time, and keeps no record of it. So a fingerprint of those of
//! the newest revisions is kept, and compared with the log at the next run. Commits that are published stay as they are.

use crate::source::svn::records::LogEntry;
use ring::digest::{SHA256, digest};
use std::collections::BTreeMap;

/// Revisions that are looked at again: who mends a message does so soon.
const LOOKED_BACK: usize = 100;

/// The newest revisions, with fingerprints of what their commits say.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Recent(BTreeMap<u64, u64>);

impl Recent {
    /// Notes what a revision says as it is converted.
    pub(crate) fn note(&mut self, entry: &LogEntry) {
        let Some(fingerprint) = fingerprint(entry) else { return };
        self.0.insert(entry.revision, fingerprint);
        while self.0.len() > LOOKED_BACK {
            self.0.pop_first();
        }
    }

    /// First and last of the revisions; none if there are none yet.
    pub(crate) fn range(&self) -> Option<(u64, u64)> {
        Some((*self.0.first_key_value()?.0, *self.0.last_key_value()?.0))
    }

    /// Compares with what the log says now; gives the revisions that say something else, and keeps what they say now, so that each change is
    /// told once.
    pub(crate) fn compare(&mut self, log: &[LogEntry]) -> Vec<u64> {
        let mut changed = Vec::new();
        for entry in log {
            let (Some(before), Some(now)) = (self.0.get_mut(&entry.revision), fingerprint(entry)) else { continue };
            if *before != now {
                *before = now;
                changed.push(entry.revision);
            }
        }
        changed
    }

    /// All of it as lines: revision and fingerprint.
    pub(crate) fn encode(&self) -> Vec<u8> {
        self.0
            .iter()
            .map(|(revision, fingerprint)| format!("{revision}\t{fingerprint:016x}\n"))
            .collect::<String>()
            .into()
    }

    /// Reads what [`Self::encode`] wrote; lines that are something else are passed over: what is not known is not compared.
    pub(crate) fn decode(lines: &[u8]) -> Self {
        let line = |line: &str| {
            let (revision, fingerprint) = line.split_once('\t')?;
            Some((revision.parse().ok()?, u64::from_str_radix(fingerprint, 16).ok()?))
        };
        Self(String::from_utf8_lossy(lines).lines().filter_map(line).collect())
    }
}

/// What can be compared of a revision: nothing if it says nothing (the account may not read it), or something that the ways
/// to ask for it do not tell alike.
fn fingerprint(entry: &LogEntry) -> Option<u64> {
    let fields = [&entry.author, &entry.date, &entry.message].map(|field| field.as_deref().unwrap_or_default());
    let is_odd = |c: char| (c.is_control() && c != '\n' && c != '\t') || c == char::REPLACEMENT_CHARACTER;
    if fields.iter().all(|field| field.is_empty()) || fields.iter().any(|field| field.contains(is_odd)) {
        return None;
    }
    // NUL is a control character, so it is in none of them.
    let sum = digest(&SHA256, fields.join("\0").as_bytes());
    sum.as_ref().first_chunk().map(|bytes| u64::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(revision: u64, message: &str) -> LogEntry {
        LogEntry { revision, message: Some(message.to_owned()), author: Some("ada".to_owned()), ..LogEntry::default() }
    }

    #[test]
    fn a_change_is_told_once_and_only_of_the_newest() {
        let mut recent = Recent::default();
        (1..=150).for_each(|revision| recent.note(&entry(revision, "first")));
        assert_eq!(recent.range(), Some((51, 150)));
        let mut read = Recent::decode(&recent.encode());
        assert_eq!(read, recent);
        let log = [entry(3, "late"), entry(60, "late"), entry(61, "first"), entry(151, "new")];
        assert_eq!(read.compare(&log), [60]);
        assert!(read.compare(&log).is_empty(), "told already");
    }

    #[test]
    fn what_cannot_be_compared_is_no_change() {
        let mut recent = Recent::default();
        recent.note(&entry(1, "first"));
        recent.note(&entry(2, "bell \u{7}"));
        let unreadable = LogEntry { revision: 1, ..LogEntry::default() };
        assert!(recent.compare(&[unreadable, entry(1, "a\r\n"), entry(2, "?\\007")]).is_empty());
        assert_eq!(Recent::decode(b"odd\nx\ty\n"), Recent::default());
    }
}
