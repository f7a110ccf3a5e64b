//! `import dump`: every definition on a line.

use super::{
    csv,
    entry::{COLUMNS, Entry},
};
use crate::api::Api;
use crate::args::{Dump, Format};
use crate::exit::Done;
use crate::import::each_page;
use crate::output::Output;
use codeimport_proto::registry::ListImportsRequest;
use std::process::ExitCode;

/// Writes all definitions to standard output.
pub(crate) async fn run(api: &mut Api, output: Output, dump: &Dump) -> Done {
    if dump.format == Format::Csv {
        output.raw(&csv::write(&COLUMNS.map(str::to_owned)));
    }
    each_page(api, ListImportsRequest::default(), |imports| {
        imports.into_iter().for_each(|import| output.raw(&line(&import.into(), dump.format)));
        true
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}

fn line(entry: &Entry, format: Format) -> String {
    match format {
        Format::Csv => csv::write(&entry.to_csv()),
        // Texts, lists and maps of texts: writing them cannot fail.
        Format::Jsonl => serde_json::to_string(entry).unwrap_or_default(),
    }
}
