//! What a conversion could not show, or found odd, noted while it goes on.

use super::converter::Converter;
use crate::findings::FindingKind;
use crate::source::svn::records::{LogEntry, RevisionRecord};

impl Converter {
    /// A server that keeps paths of a revision from an account keeps its message, too. All others have one, if an empty one.
    pub(super) fn note_unreadable(&mut self, head: &RevisionRecord) {
        if head.number > 0 && head.props.set("svn:log").is_none() {
            self.history.is_partial = true;
            self.findings.note(FindingKind::UnreadableRevision, &format!("r{}", head.number));
        }
    }

    /// Notes what of a revision no commit shows.
    pub(super) fn note_losses(&mut self, head: &RevisionRecord, touched: &[Vec<u8>], commits_before: u64) {
        if head.number == 0 {
            return;
        }
        if self.history.commit_count() == commits_before {
            self.findings.note(FindingKind::RevisionWithoutCommit, &format!("r{}", head.number));
        }
        let account = head.props.set("svn:author");
        // Without a map nobody is missing from it.
        if !self.options.authors.is_empty() && !self.options.authors.knows(account) {
            let name = account.map_or("(no author)".into(), String::from_utf8_lossy);
            self.findings.note(FindingKind::UnknownAuthor, &name);
        }
        for path in touched.iter().filter(|path| self.options.places.is_outside(path)) {
            self.findings.note(FindingKind::OutsideOfBranches, &String::from_utf8_lossy(path));
        }
    }

    /// Notes what the log says otherwise than it was converted.
    pub(crate) fn note_late_changes(&mut self, log: &[LogEntry]) {
        for revision in self.history.recent.compare(log) {
            self.findings.note(FindingKind::LateChange, &format!("r{revision}"));
        }
    }
}
