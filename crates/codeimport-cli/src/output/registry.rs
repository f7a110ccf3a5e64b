//! Events, notes, credentials and lists of definitions as text.

use super::Output;
use super::stdout::outln;
use crate::view::{ChangeView, CredentialView, EventView, LoadedView, NoteView, OwnedEventView};

impl Output {
    /// One note.
    pub(crate) fn note(self, note: &NoteView) {
        if self.json {
            return Self::json(note);
        }
        let time = note.time.map(|t| t.strftime("%F %H:%M").to_string()).unwrap_or_default();
        outln!("{time}  {}", note.author);
        note.text.lines().for_each(|line| outln!("  {line}"));
    }

    /// What happened to an import: a line, and one for each thing that changed.
    pub(crate) fn event(self, event: &EventView) {
        if self.json {
            return Self::json(event);
        }
        let time = event.time.map(|t| t.strftime("%F %T").to_string()).unwrap_or_default();
        let run = event.run_id.map(|run| format!(", run {run}")).unwrap_or_default();
        outln!("{time}  {}  {} by {}{run}", event.import_id, event.event_type.replace('_', " "), event.actor);
        for line in [&event.reason, &event.log_url].into_iter().filter(|line| !line.is_empty()) {
            outln!("  {line}");
        }
        print_changes(&event.changes);
        if event.omitted_change_count > 0 {
            outln!("  and {} more", event.omitted_change_count);
        }
    }

    /// What was done to a credential or webhook: a line, and one for each thing that changed.
    pub(crate) fn owned_event(self, event: &OwnedEventView) {
        if self.json {
            return Self::json(event);
        }
        let time = event.time.map(|t| t.strftime("%F %T").to_string()).unwrap_or_default();
        outln!("{time}  {}  {} by {}", event.owned_id, event.event_type, event.actor);
        print_changes(&event.changes);
    }

    /// One credential, a line.
    pub(crate) fn credential(self, credential: &CredentialView) {
        if self.json {
            return Self::json(credential);
        }
        let rotated = credential.rotate_time.map(|t| t.strftime("%F").to_string()).unwrap_or_default();
        outln!(
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
            outln!("line {}: {}", line.line, line.message);
        }
    }

    /// A line of a file that is written to standard output.
    pub(crate) fn raw(self, line: &str) {
        outln!("{line}");
    }
}

fn print_changes(changes: &[ChangeView]) {
    for change in changes {
        outln!("  {}: {} -> {}", change.path, or_dash(&change.before), or_dash(&change.after));
    }
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}
