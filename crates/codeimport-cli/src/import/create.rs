//! `import create`.

use super::print_import;
use crate::api::Api;
use crate::args::Create;
use crate::exit::{Done, Failure};
use crate::output::Output;
use crate::recognize;
use crate::wait;
use codeimport_convert::Watch;
use codeimport_core::RcsType;
use codeimport_proto::convert::rcs_type_to_wire;
use codeimport_proto::registry::{CreateImportRequest, Import, RefFilter, ReviewStatus, Source, Target};
use std::process::ExitCode;

/// Defines an import, and with `--wait` follows its first run.
pub(crate) async fn run(api: &mut Api, output: Output, create: Create) -> Done {
    let wait = create.wait;
    let rcs = rcs(&create, output).await?;
    let answer = api.imports.create_import(request(create, rcs)?).await;
    let answer = answer.map_err(|s| Failure::status("cannot create the import", &s))?;
    let import = answer.into_inner().import.unwrap_or_default();
    let import_id = import.import_id.clone();
    if import.review_status() == ReviewStatus::New {
        print_import(api, output, import).await;
        output.say(&format!("It waits for approval: codeimport import approve {import_id}"));
        return if wait {
            Err(Failure::refused("cannot wait for an import that is not approved"))
        } else {
            Ok(ExitCode::SUCCESS)
        };
    }
    if !wait {
        print_import(api, output, import).await;
        return Ok(ExitCode::SUCCESS);
    }
    output.say(&format!("{import_id} -> {}", import.target.unwrap_or_default().url));
    wait::for_run(api, output, &import_id, 0).await
}

/// Asked from here, should the address not tell: the person who types knows the address to work here.
async fn rcs(create: &Create, output: Output) -> Result<RcsType, Failure> {
    let (typed, url) = (create.rcs.or(create.cvs.rcs_type()), create.url.clone());
    let asked =
        tokio::task::spawn_blocking(move || recognize::rcs(typed, &url, &Watch::none(), |text| output.say(text)));
    let asked = asked.await.map_err(|error| Failure::other("cannot ask what the source is", error))?;
    asked.map_err(|error| Failure::refused(error.chain()))
}

fn request(create: Create, rcs_type: RcsType) -> Result<CreateImportRequest, Failure> {
    let mut source = Source { rcs_type: rcs_type_to_wire(rcs_type).into(), url: create.url, ..Default::default() };
    create.svn.change(&mut source)?;
    create.cvs.change(&mut source);
    create.distributed.change(&mut source)?;
    Ok(CreateImportRequest {
        import: Some(Import {
            source: Some(source),
            target: create.target.map(|url| Target { url }),
            ref_filter: (!create.refs.is_empty()).then(|| RefFilter { include: create.refs, exclude: Vec::new() }),
            ..Default::default()
        }),
        import_id: create.id.unwrap_or_default(),
        // Should the answer get lost, repeating must not make a second import.
        request_id: uuid::Uuid::new_v4().to_string(),
        ..Default::default()
    })
}
