//! `import load`: defines what a list says, and tells what became of each line.
//!
//! A line that was loaded before is found to exist, so the same list may be loaded again.

use super::{csv, entry::Entry};
use crate::api::Api;
use crate::args::{Format, Load};
use crate::exit::{Done, Failure};
use crate::output::Output;
use crate::view::LoadedView;
use codeimport_proto::common::ErrorReason;
use codeimport_proto::registry::{
    BatchCreateImportsRequest, CreateImportRequest, CreateImportResult, create_import_result::Result as Shown,
};
use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

/// Most that the registry takes at once.
const BATCH: usize = 500;

/// A line of the list: what it asks for, or what is wrong with it.
type Line = (usize, Result<CreateImportRequest, String>);

/// How many lines came to what.
#[derive(Default)]
struct Tally {
    created: usize,
    exists: usize,
    refused: usize,
}

/// Loads a list.
pub(crate) async fn run(api: &mut Api, output: Output, load: &Load) -> Done {
    let text =
        read(&load.file).map_err(|error| Failure::usage(format!("cannot read {}: {error}", load.file.display())))?;
    let is_csv = load.file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
    let format = load.format.unwrap_or(if is_csv { Format::Csv } else { Format::Jsonl });
    let lines = lines(&text, format, load.allow_duplicates);
    let mut tally = Tally::default();
    for batch in lines.chunks(BATCH) {
        for view in send(api, batch).await? {
            tally.count(&view);
            output.loaded(&view);
        }
    }
    let Tally { created, exists, refused } = tally;
    output.say(&format!("{created} defined, {exists} there already, {refused} refused"));
    if refused > 0 { Err(Failure::refused(format!("{refused} lines were refused"))) } else { Ok(ExitCode::SUCCESS) }
}

fn read(file: &Path) -> std::io::Result<String> {
    if file != Path::new("-") {
        return std::fs::read_to_string(file);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    Ok(text)
}

fn lines(text: &str, format: Format, allow_duplicates: bool) -> Vec<Line> {
    let entries: Vec<(usize, Result<Entry, String>)> = match format {
        Format::Jsonl => {
            let numbered = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
            numbered.map(|(i, line)| (i + 1, Entry::from_json(line))).collect()
        }
        Format::Csv => {
            let mut records = csv::parse(text).into_iter();
            let names: Vec<_> = records.next().map(|names| names.fields).unwrap_or_default();
            records.map(|record| (record.line, Entry::from_csv(&names, &record))).collect()
        }
    };
    entries.into_iter().map(|(line, entry)| (line, entry.and_then(|entry| entry.request(allow_duplicates)))).collect()
}

/// Sends what can be sent, and gives the lines back in their order.
async fn send(api: &mut Api, batch: &[Line]) -> Result<Vec<LoadedView>, Failure> {
    let requests: Vec<_> = batch.iter().filter_map(|(_, request)| request.clone().ok()).collect();
    let answer = api.imports.batch_create_imports(BatchCreateImportsRequest { requests }).await;
    let mut results =
        answer.map_err(|s| Failure::status("cannot define the imports", &s))?.into_inner().results.into_iter();
    let views = batch.iter().map(|(line, request)| match request {
        Ok(_) => view(*line, results.next().unwrap_or_default()),
        Err(message) => refused(*line, message.clone()),
    });
    Ok(views.collect())
}

fn view(line: usize, result: CreateImportResult) -> LoadedView {
    let refusal = match result.result {
        Some(Shown::Import(import)) => {
            return LoadedView { line, result: "created", import_id: import.import_id, message: String::new() };
        }
        Some(Shown::Refusal(refusal)) => refusal,
        None => return refused(line, "the registry did not say what became of it".to_owned()),
    };
    match refusal.reason() {
        ErrorReason::ImportAlreadyExists | ErrorReason::SourceAlreadyImported => {
            let import_id = refusal.metadata.get("import_id").cloned().unwrap_or_default();
            LoadedView { line, result: "exists", import_id, message: refusal.message }
        }
        _ => refused(line, refusal.message),
    }
}

fn refused(line: usize, message: String) -> LoadedView {
    LoadedView { line, result: "refused", import_id: String::new(), message }
}

impl Tally {
    fn count(&mut self, view: &LoadedView) {
        match view.result {
            "created" => self.created += 1,
            "exists" => self.exists += 1,
            _ => self.refused += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_numbers_and_bad_ones_their_faults() {
        let read = |text, format| {
            let lines = lines(text, format, false);
            lines.into_iter().map(|(line, request)| (line, request.is_ok())).collect::<Vec<_>>()
        };
        let json = "{\"url\":\"https://host/a\"}\n\nno json\n{\"url\":\"https://host/b\"}\n";
        assert_eq!(read(json, Format::Jsonl), [(1, true), (3, false), (4, true)]);
        assert_eq!(read("url,rcs\nhttps://host/a,git\nx,y\n", Format::Csv), [(2, true), (3, false)]);
    }
}
