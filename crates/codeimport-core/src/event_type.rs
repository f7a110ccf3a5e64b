//! What can happen to an import: the types of the audit trail's entries.

use crate::outcome::{UnknownName, named_enum};

named_enum! {
    /// What happened to an import.
    pub enum EventType {
        /// Defined.
        Created = "created",
        /// Definition changed.
        Updated = "updated",
        /// Review status changed.
        Reviewed = "reviewed",
        /// Tried again.
        Retried = "retried",
        /// Deleted.
        Deleted = "deleted",
        /// Somebody left a note.
        Noted = "noted",
        /// A run finished.
        RunFinished = "run_finished",
        /// Source and target were in step for the first time.
        FirstSuccess = "first_success",
        /// They are again, after failures.
        Recovered = "recovered",
        /// A run changed refs of the target.
        RefsChanged = "refs_changed",
    }
}
