//! `import note`: the thread about an import.

use crate::api::Api;
use crate::args::Note;
use crate::exit::{Done, Failure};
use crate::output::Output;
use crate::view::NoteView;
use codeimport_proto::registry::{AddImportNoteRequest, ListImportNotesRequest};
use std::process::ExitCode;

/// Adds a note, or lists all of them.
pub(crate) async fn run(api: &mut Api, output: Output, note: Note) -> Done {
    let import_id = note.import.import_id;
    let Some(text) = note.text else { return list(api, output, import_id).await };
    let answer = api.imports.add_import_note(AddImportNoteRequest { import_id, text }).await;
    let answer = answer.map_err(|s| Failure::status("cannot add the note", &s))?.into_inner();
    output.note(&NoteView::new(answer.note.unwrap_or_default()));
    Ok(ExitCode::SUCCESS)
}

async fn list(api: &mut Api, output: Output, import_id: String) -> Done {
    let mut request = ListImportNotesRequest { import_id, ..Default::default() };
    loop {
        let page = api.imports.list_import_notes(request.clone()).await;
        let page = page.map_err(|s| Failure::status("cannot list the notes", &s))?.into_inner();
        page.notes.into_iter().for_each(|note| output.note(&NoteView::new(note)));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
    }
}
