//! What of a repository is not as people may expect it in Git.

use super::changeset::Changeset;
use super::look::Look;
use super::names::{in_cvs, line_ref, tag_ref};
use super::place::LineName;
use super::symbols::Symbols;
use crate::findings::{FindingKind, Findings};
use codeimport_core::AuthorMap;
use gix::bstr::BString;
use std::io;

/// Notes what is odd about a changeset that is converted now.
///
/// # Errors
///
/// The disk's.
pub(super) fn note_changeset(
    changeset: &Changeset,
    look: &Look,
    authors: &AuthorMap,
    findings: &mut Findings,
) -> io::Result<()> {
    for unit in &*changeset.units {
        let path = &look.files[unit.file as usize].path;
        if std::str::from_utf8(path).is_err() {
            findings.note(FindingKind::ForeignPath, &String::from_utf8_lossy(path));
        }
    }
    let (author, log) = look.told(changeset)?;
    // Without a map nobody is missing from it.
    if !authors.is_empty() && !authors.knows(Some(author)) {
        findings.note(FindingKind::UnknownAuthor, &String::from_utf8_lossy(author));
    }
    if std::str::from_utf8(log).is_err() {
        let unit = &changeset.units[0];
        let path = String::from_utf8_lossy(&look.files[unit.file as usize].path);
        findings.note(FindingKind::ForeignMessage, &format!("{path} {}", look.number(unit)));
    }
    Ok(())
}

/// Notes what is odd about the names of branches and tags.
pub(super) fn note_names(symbols: &Symbols<'_>, findings: &mut Findings) {
    for line in symbols.lines() {
        match &line {
            LineName::Trunk => {}
            LineName::Branch(name) => note_name(name, &line_ref(&line), findings),
            LineName::Unlabelled(_) => {
                findings.note(FindingKind::UnlabelledBranch, &String::from_utf8_lossy(&in_cvs(&line)));
            }
        }
    }
    symbols.tags().for_each(|name| note_name(name, &tag_ref(name), findings));
}

fn note_name(name: &[u8], full: &BString, findings: &mut Findings) {
    let is_spelled_so = full.rsplit(|b| *b == b'/').next() == Some(name);
    if !is_spelled_so {
        findings.note(FindingKind::RespelledSymbol, &String::from_utf8_lossy(name));
    }
}

/// Notes a branch or tag that got a commit of its own.
pub(super) fn note_mixed(name: &[u8], findings: &mut Findings) {
    findings.note(FindingKind::MixedSymbol, &String::from_utf8_lossy(name));
}
