//! `import dump`: every definition on a line.
//!
//! Those that share their source with another one come last: loaded in this order, each finds the other there.

use super::{
    csv,
    entry::{Entry, column_names},
};
use crate::api::Api;
use crate::args::{Dump, Format};
use crate::exit::{Done, Failure};
use crate::import::next_page;
use crate::output::Output;
use codeimport_proto::common::RcsType;
use codeimport_proto::registry::{GetImportRequest, Import, ListImportsRequest};
use std::process::ExitCode;

/// Writes all definitions to standard output.
pub(crate) async fn run(api: &mut Api, output: Output, dump: &Dump) -> Done {
    if dump.format == Format::Csv {
        output.raw(&csv::write(&column_names()));
    }
    let (mut request, mut duplicates) = (ListImportsRequest::default(), Vec::new());
    loop {
        for import in next_page(api, &mut request).await? {
            let import = with_author_map(api, import).await?;
            match import.is_duplicate {
                true => duplicates.push(import),
                false => output.raw(&line(&import.into(), dump.format)),
            }
        }
        if request.page_token.is_empty() {
            break;
        }
    }
    duplicates.into_iter().for_each(|import| output.raw(&line(&import.into(), dump.format)));
    Ok(ExitCode::SUCCESS)
}

/// Lists leave author maps out; only some types of sources have any.
async fn with_author_map(api: &mut Api, import: Import) -> Result<Import, Failure> {
    let rcs_type = import.source.as_ref().map(|source| source.rcs_type());
    if !matches!(rcs_type, Some(RcsType::Subversion | RcsType::Cvs)) {
        return Ok(import);
    }
    let answer = api.imports.get_import(GetImportRequest { import_id: import.import_id.clone() }).await;
    let answer = answer.map_err(|s| Failure::status("cannot read the import", &s))?;
    Ok(answer.into_inner().import.unwrap_or(import))
}

fn line(entry: &Entry, format: Format) -> String {
    match format {
        Format::Csv => csv::write(&entry.to_csv()),
        Format::Jsonl => entry.to_json(),
    }
}
