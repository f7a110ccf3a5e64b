//! Notes, credentials and lists of definitions as text.

#![expect(clippy::print_stdout, reason = "a part of the command's one door to standard output")]

use super::Output;
use crate::view::{CredentialView, LoadedView, NoteView};

impl Output {
    /// One note.
    pub(crate) fn note(self, note: &NoteView) {
        if self.json {
            return Self::json(note);
        }
        let time = note.time.map(|t| t.strftime("%F %H:%M").to_string()).unwrap_or_default();
        println!("{time}  {}", note.author);
        note.text.lines().for_each(|line| println!("  {line}"));
    }

    /// One credential, a line.
    pub(crate) fn credential(self, credential: &CredentialView) {
        if self.json {
            return Self::json(credential);
        }
        let rotated = credential.rotate_time.map(|t| t.strftime("%F").to_string()).unwrap_or_default();
        println!(
            "{}  version {} of {rotated}, for {}, of {}  {}",
            credential.credential_id,
            credential.version,
            credential.url_prefix,
            credential.owner,
            credential.description
        );
    }

    /// What became of a line: told to people only where they have to do something.
    pub(crate) fn loaded(self, line: &LoadedView) {
        if self.json {
            return Self::json(line);
        }
        if line.result == "refused" {
            println!("line {}: {}", line.line, line.message);
        }
    }

    /// A line of a file that is written to standard output.
    pub(crate) fn raw(self, line: &str) {
        println!("{line}");
    }
}
