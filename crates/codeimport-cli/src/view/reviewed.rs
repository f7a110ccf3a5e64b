//! What is shown of notes, credentials and lists of definitions.

use super::time;
use codeimport_proto::registry;
use jiff::Timestamp;
use serde::Serialize;

/// One note.
#[derive(Serialize)]
pub(crate) struct NoteView {
    pub(crate) note_id: i64,
    pub(crate) author: String,
    pub(crate) time: Option<Timestamp>,
    pub(crate) text: String,
}

impl NoteView {
    /// From what the registry says.
    pub(crate) fn new(note: registry::ImportNote) -> Self {
        Self { note_id: note.note_id, author: note.author, time: time(note.time), text: note.text }
    }
}

/// One credential, without its secret.
#[derive(Serialize)]
pub(crate) struct CredentialView {
    pub(crate) credential_id: String,
    pub(crate) description: String,
    pub(crate) owner: String,
    pub(crate) url_prefix: String,
    pub(crate) version: i32,
    pub(crate) create_time: Option<Timestamp>,
    pub(crate) rotate_time: Option<Timestamp>,
    pub(crate) is_implicit: bool,
}

impl CredentialView {
    /// From what the registry says.
    pub(crate) fn new(credential: registry::Credential) -> Self {
        Self {
            credential_id: credential.credential_id,
            description: credential.description,
            owner: credential.owner,
            url_prefix: credential.url_prefix,
            version: credential.version,
            create_time: time(credential.create_time),
            rotate_time: time(credential.rotate_time),
            is_implicit: credential.is_implicit,
        }
    }
}

/// What became of one line of a list.
#[derive(Serialize)]
pub(crate) struct LoadedView {
    pub(crate) line: usize,
    /// `created`, `exists`, `refused`.
    pub(crate) result: &'static str,
    /// Of the import that was made, or that was there.
    pub(crate) import_id: String,
    pub(crate) message: String,
}
