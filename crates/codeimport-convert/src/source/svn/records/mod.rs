//! What a server tells of its history, whatever the wire: revisions, changes to paths, logs. Form only, nothing is applied.

mod error;
mod log;
mod properties;
mod record;

pub(super) use error::StreamError;
pub(super) use log::{LogEntry, LogPath};
pub(super) use properties::{PropChanges, PropValue};
pub(super) use record::{Action, CopyFrom, NodeKind, NodeRecord, Record, RecordSource, RevisionRecord, Text};
