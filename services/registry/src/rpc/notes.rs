//! AddImportNote and ListImportNotes.

use super::{Page, PageBounds, convert, import_id};
use crate::{caller::Caller, error::RegistryError, store::Store, workflow};
use codeimport_kit::Violations;
use codeimport_proto::registry::{
    AddImportNoteRequest, AddImportNoteResponse, ListImportNotesRequest, ListImportNotesResponse,
};

const PAGE: PageBounds = PageBounds { default: 50, max: 500 };
const MAX_NOTE_CHARS: usize = 4_000;

pub(super) async fn add(
    store: &Store,
    caller: &Caller,
    request: AddImportNoteRequest,
) -> Result<AddImportNoteResponse, RegistryError> {
    let id = import_id(&request.import_id)?;
    let mut violations = Violations::new();
    let text = violations.check("text", note_text(&request.text));
    let text = violations.finish_with(text)?;
    workflow::note(&store.import(&id).await?, caller)?;
    let note = store.add_note(&id, &caller.actor, text).await?;
    Ok(AddImportNoteResponse { note: Some(convert::note(note)) })
}

pub(super) async fn list(
    store: &Store,
    request: ListImportNotesRequest,
) -> Result<ListImportNotesResponse, RegistryError> {
    let id = import_id(&request.import_id)?;
    let bound_to = format!("notes {id}");
    let mut violations = Violations::new();
    let page = Page::read(request.page_size, &request.page_token, PAGE, &bound_to, &mut violations);
    let page = violations.finish_with(page)?;
    let after = page.position.as_deref().and_then(|id| id.parse().ok()).unwrap_or_default();
    let mut notes = store.list_notes(&id, after, page.limit()).await?;
    let next_page_token = page.cut(&mut notes, &bound_to, |note| note.note_id.to_string());
    Ok(ListImportNotesResponse { notes: notes.into_iter().map(convert::note).collect(), next_page_token })
}

fn note_text(text: &str) -> Result<&str, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        Err("is empty")
    } else if text.chars().count() > MAX_NOTE_CHARS {
        Err("is longer than 4,000 characters")
    } else if text.chars().any(|c| c.is_control() && !"\n\t".contains(c)) {
        Err("contains a control character")
    } else {
        Ok(text)
    }
}
