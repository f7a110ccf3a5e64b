//! Notes: rows are added, never changed; they go with their import. Each is told in the audit trail, which stays.

use super::{Store, change_import, events, fence};
use crate::{audit::NewEvent, error::RegistryError};
use codeimport_core::ImportId;
use codeimport_pg::{DbError, Row, row::get};
use jiff::Timestamp;
use scoped_futures::ScopedFutureExt as _;

/// What somebody had to say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Note {
    /// Rises over all notes.
    pub note_id: i64,
    /// Who wrote it.
    pub author: String,
    /// When.
    pub written_at: Timestamp,
    /// As it was written.
    pub text: String,
}

impl Store {
    /// Adds a note.
    ///
    /// # Errors
    ///
    /// `ImportNotFound`.
    pub async fn add_note(&self, import_id: &ImportId, author: &str, text: &str) -> Result<Note, RegistryError> {
        const SQL: &str = "-- registry.add_note
            INSERT INTO import_note (import_id, author, text) VALUES ($1, $2, $3)
            RETURNING note_id, author, written_at, text";
        let event = NewEvent::of_note(author, text);
        let added = self.db.run_tx("registry.add_note", |tx| {
            let event = &event;
            async move {
                fence::keep_import(tx, import_id).await?;
                let added = note(&tx.query_one(SQL, &[&import_id.as_str(), &author, &text]).await?)?;
                events::insert(tx, &[(import_id, event)]).await?;
                Ok::<_, RegistryError>(added)
            }
            .scope_boxed()
        });
        let added = added.await?;
        self.events_added.notify_waiters();
        Ok(added)
    }

    /// At most `limit` notes, oldest first, those after a number.
    ///
    /// # Errors
    ///
    /// `ImportNotFound`.
    pub async fn list_notes(&self, import_id: &ImportId, after: i64, limit: u32) -> Result<Vec<Note>, RegistryError> {
        const SQL: &str = "-- registry.list_notes
            SELECT note_id, author, written_at, text
              FROM import_note WHERE import_id = $1 AND note_id > $2 ORDER BY note_id LIMIT $3";
        const EXISTS: &str = "-- registry.has_import\nSELECT import_id FROM import WHERE import_id = $1";
        let client = self.db.client().await?;
        let rows = client.query(SQL, &[&import_id.as_str(), &after, &i64::from(limit)]).await?;
        if rows.is_empty() && client.query_opt(EXISTS, &[&import_id.as_str()]).await?.is_none() {
            return Err(change_import::not_found(import_id));
        }
        Ok(rows.iter().map(note).collect::<Result<_, _>>()?)
    }
}

fn note(row: &Row) -> Result<Note, DbError> {
    Ok(Note {
        note_id: get(row, "note_id")?,
        author: get(row, "author")?,
        written_at: get(row, "written_at")?,
        text: get(row, "text")?,
    })
}
