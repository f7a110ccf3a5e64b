//! `import update`: changes what was typed, and leaves the rest of the definition as it is.

use super::print_import;
use crate::api::Api;
use crate::args::Update;
use crate::exit::{Done, Failure};
use crate::output::Output;
use codeimport_proto::convert::rcs_type_to_wire;
use codeimport_proto::registry::{GetImportRequest, Import, RefFilter, UpdateImportRequest, source::Options};
use std::process::ExitCode;

/// Reads the definition, changes it and sends it back; refused if somebody else has changed it meanwhile.
pub(crate) async fn run(api: &mut Api, output: Output, update: Update) -> Done {
    let failed = |s| Failure::status("cannot update the import", &s);
    let request = GetImportRequest { import_id: update.import.import_id.clone() };
    let import = api.imports.get_import(request).await.map_err(failed)?.into_inner().import.unwrap_or_default();
    let request = change(update, import)?;
    let answer = api.imports.update_import(request).await.map_err(failed)?;
    print_import(api, output, answer.into_inner().import.unwrap_or_default()).await;
    Ok(ExitCode::SUCCESS)
}

fn change(update: Update, mut import: Import) -> Result<UpdateImportRequest, Failure> {
    let mut paths = Vec::new();
    let source = import.source.get_or_insert_default();
    let has_options = update.svn.has_options() || update.cvs.has_options() || update.distributed.has_options();
    if update.url.is_some() || update.rcs.is_some() || has_options {
        paths.push("source");
    }
    if update.svn.has_author_map() {
        paths.push("source.author_map");
    }
    if let Some(rcs) = update.rcs {
        source.rcs_type = rcs_type_to_wire(rcs).into();
        // Those of another type would be refused.
        source.options = None;
    }
    if let Some(url) = update.url {
        source.url = url;
        if let Some(Options::Cvs(options)) = &mut source.options {
            // Of the address before.
            options.module.clear();
        }
    }
    update.svn.change(source)?;
    update.cvs.change(source);
    update.distributed.change(source)?;
    if !update.refs.is_empty() {
        paths.push("ref_filter");
        import.ref_filter = Some(RefFilter { include: update.refs, ..import.ref_filter.unwrap_or_default() });
    }
    if paths.is_empty() {
        return Err(Failure::usage("nothing to change was given: see codeimport import update --help"));
    }
    Ok(UpdateImportRequest {
        import_id: update.import.import_id,
        etag: import.etag.clone(),
        import: Some(import),
        update_paths: paths.into_iter().map(str::to_owned).collect(),
        ..Default::default()
    })
}
