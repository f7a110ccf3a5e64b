//! `codeimport import …`: one function per subcommand; each asks the API and prints the answer.

mod create;
mod events;
mod history;
mod list;
mod note;
mod review;
mod runs;
mod update;

pub(crate) use events::filter;
pub(crate) use list::next_page;

use crate::api::Api;
use crate::args::{Global, Import};
use crate::bulk;
use crate::exit::{Done, Failure};
use crate::operate;
use crate::output::Output;
use crate::view::ImportView;
use codeimport_proto::queue::{GetScheduleRequest, Job};
use codeimport_proto::registry::{self, DeleteImportRequest, GetImportRequest};
use std::process::ExitCode;

/// Runs one subcommand.
pub(crate) async fn run(global: &Global, command: Import) -> Done {
    let output = Output { json: global.json };
    let mut api = Api::connect(global).await?;
    match command {
        Import::Create(create) => create::run(&mut api, output, create).await,
        Import::Update(update) => update::run(&mut api, output, update).await,
        Import::List(list) => list::run(&mut api, output, &list).await,
        Import::Show(import) => show(&mut api, output, &import.import_id).await,
        Import::Explain(import) => operate::explain(&mut api, output, import.import_id).await,
        Import::Approve(review) => review::approve(&mut api, output, review).await,
        Import::Suspend(review) => review::suspend(&mut api, output, review).await,
        Import::Retry(retry) => review::retry(&mut api, output, &retry).await,
        Import::Now(now) => runs::now(&mut api, output, &now).await,
        Import::Runs(import) => runs::list(&mut api, output, &import.import_id).await,
        Import::Log(log) => runs::log(&mut api, output, &log).await,
        Import::Refs(import) => history::refs(&mut api, output, &import.import_id).await,
        Import::Revisions(revisions) => history::revisions(&mut api, output, &revisions).await,
        Import::Rescan(import) => history::rescan(&mut api, output, &import.import_id).await,
        Import::Map(map) => history::map(&mut api, output, map).await,
        Import::Events(wanted) => events::list(&mut api, output, wanted).await,
        Import::Watch(watch) => events::watch(&mut api, output, watch).await,
        Import::Note(note) => note::run(&mut api, output, note).await,
        Import::Load(load) => bulk::load(&mut api, output, &load).await,
        Import::Dump(dump) => bulk::dump(&mut api, output, &dump).await,
        Import::Delete(import) => delete(&mut api, output, &import.import_id).await,
    }
}

async fn show(api: &mut Api, output: Output, import_id: &str) -> Done {
    let request = GetImportRequest { import_id: import_id.to_owned() };
    let answer = api.imports.get_import(request).await.map_err(|s| Failure::status("cannot show the import", &s))?;
    print_import(api, output, answer.into_inner().import.unwrap_or_default()).await;
    Ok(ExitCode::SUCCESS)
}

async fn delete(api: &mut Api, output: Output, import_id: &str) -> Done {
    let request = DeleteImportRequest { import_id: import_id.to_owned(), ..Default::default() };
    api.imports.delete_import(request).await.map_err(|s| Failure::status("cannot delete the import", &s))?;
    output.say(&format!("{import_id} is deleted; its target repository stays as it is"));
    output.object(&serde_json::json!({ "import_id": import_id, "deleted": true }));
    Ok(ExitCode::SUCCESS)
}

/// Prints an import together with what the queue says of it, if it says anything.
async fn print_import(api: &mut Api, output: Output, import: registry::Import) {
    let job = job_of(api, &import.import_id).await;
    output.import(&ImportView::new(import, job.as_ref()));
}

/// The import's job. What the queue does not know yet, or cannot say now, is left out of the answer.
async fn job_of(api: &mut Api, import_id: &str) -> Option<Job> {
    let request = GetScheduleRequest { job_id: import_id.to_owned() };
    api.schedules.get_schedule(request).await.ok()?.into_inner().job
}
