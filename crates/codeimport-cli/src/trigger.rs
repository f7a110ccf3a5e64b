//! `codeimport trigger …`: which sources may start runs.

use crate::api::Api;
use crate::args::{Global, Trigger};
use crate::exit::{Done, Failure};
use crate::output::Output;
use crate::view::TriggerView;
use codeimport_proto::registry::{
    CreateTriggerRequest, DeleteTriggerRequest, GetTriggerRequest, RotateTriggerSecretRequest,
};
use std::process::ExitCode;

/// Runs one subcommand.
pub(crate) async fn run(global: &Global, command: Trigger) -> Done {
    let output = Output { json: global.json };
    let mut api = Api::connect(global).await?;
    match command {
        Trigger::Create(import) => create(&mut api, output, import.import_id).await,
        Trigger::Show(import) => show(&mut api, output, import.import_id).await,
        Trigger::Rotate(import) => rotate(&mut api, output, import.import_id).await,
        Trigger::Delete(import) => delete(&mut api, output, import.import_id).await,
    }
}

async fn create(api: &mut Api, output: Output, import_id: String) -> Done {
    let answer = api.triggers.create_trigger(CreateTriggerRequest { import_id }).await;
    let answer = answer.map_err(|s| Failure::status("cannot create the trigger", &s))?.into_inner();
    output.trigger(&TriggerView::new(answer.trigger.unwrap_or_default(), Some(answer.secret)));
    Ok(ExitCode::SUCCESS)
}

async fn show(api: &mut Api, output: Output, import_id: String) -> Done {
    let answer = api.triggers.get_trigger(GetTriggerRequest { import_id }).await;
    let answer = answer.map_err(|s| Failure::status("cannot show the trigger", &s))?.into_inner();
    output.trigger(&TriggerView::new(answer.trigger.unwrap_or_default(), None));
    Ok(ExitCode::SUCCESS)
}

async fn rotate(api: &mut Api, output: Output, import_id: String) -> Done {
    let answer = api.triggers.rotate_trigger_secret(RotateTriggerSecretRequest { import_id: import_id.clone() }).await;
    let secret = answer.map_err(|s| Failure::status("cannot rotate the secret", &s))?.into_inner().secret;
    output.say(&format!("secret: {secret}\nIt is not shown again."));
    output.object(&serde_json::json!({ "import_id": import_id, "secret": secret }));
    Ok(ExitCode::SUCCESS)
}

async fn delete(api: &mut Api, output: Output, import_id: String) -> Done {
    let deleted = api.triggers.delete_trigger(DeleteTriggerRequest { import_id: import_id.clone() }).await;
    deleted.map_err(|s| Failure::status("cannot delete the trigger", &s))?;
    output.say(&format!("pushes start no more runs of {import_id}"));
    output.object(&serde_json::json!({ "import_id": import_id, "deleted": true }));
    Ok(ExitCode::SUCCESS)
}
