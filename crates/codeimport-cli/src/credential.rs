//! `codeimport credential …`: passwords go in by standard input, and never come out.

use crate::api::Api;
use crate::args::{CreateCredential, Credential, Global, PastEvents, RotateCredential};
use crate::exit::{Done, Failure};
use crate::output::Output;
use crate::pages::{Wanted, show_first};
use crate::view::{CredentialView, OwnedEventView};
use codeimport_proto::registry::{
    self, CreateCredentialRequest, DeleteCredentialRequest, ListCredentialEventsRequest, ListCredentialsRequest, Login,
    RotateCredentialRequest,
};
use std::process::ExitCode;

/// Runs one subcommand.
pub(crate) async fn run(global: &Global, command: Credential) -> Done {
    let output = Output { json: global.json };
    let mut api = Api::connect(global).await?;
    match command {
        Credential::Create(create) => self::create(&mut api, output, create).await,
        Credential::Rotate(rotate) => self::rotate(&mut api, output, rotate).await,
        Credential::List => list(&mut api, output).await,
        Credential::Events(wanted) => events(&mut api, output, wanted).await,
        Credential::Delete(credential) => delete(&mut api, output, credential.credential_id).await,
    }
}

async fn create(api: &mut Api, output: Output, create: CreateCredential) -> Done {
    let request = CreateCredentialRequest {
        credential_id: create.id,
        credential: Some(registry::Credential {
            description: create.description,
            owner: create.owner,
            url_prefix: create.url_prefix,
            ..Default::default()
        }),
        login: Some(login(create.username)?),
    };
    let answer = api.credentials.create_credential(request).await;
    let answer = answer.map_err(|s| Failure::status("cannot store the credential", &s))?.into_inner();
    output.credential(&CredentialView::new(answer.credential.unwrap_or_default()));
    Ok(ExitCode::SUCCESS)
}

async fn rotate(api: &mut Api, output: Output, rotate: RotateCredential) -> Done {
    let credential_id = rotate.credential.credential_id;
    let request = RotateCredentialRequest { credential_id, login: Some(login(rotate.username)?), ..Default::default() };
    let answer = api.credentials.rotate_credential(request).await;
    let answer = answer.map_err(|s| Failure::status("cannot rotate the credential", &s))?.into_inner();
    output.credential(&CredentialView::new(answer.credential.unwrap_or_default()));
    Ok(ExitCode::SUCCESS)
}

/// The password comes by standard input: a command line is seen by everybody on the machine.
fn login(username: String) -> Result<Login, Failure> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).map_err(|error| Failure::other("cannot read the password", error))?;
    let password = line.trim_end_matches(['\r', '\n']).to_owned();
    if password.is_empty() {
        return Err(Failure::usage("no password came by standard input: `… < file`, or type it and press Enter"));
    }
    Ok(Login { username, password })
}

async fn list(api: &mut Api, output: Output) -> Done {
    let mut request = ListCredentialsRequest::default();
    loop {
        let page = api.credentials.list_credentials(request.clone()).await;
        let page = page.map_err(|s| Failure::status("cannot list the credentials", &s))?.into_inner();
        page.credentials.into_iter().for_each(|one| output.credential(&CredentialView::new(one)));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
    }
}

async fn events(api: &mut Api, output: Output, wanted: PastEvents) -> Done {
    let ask = async |Wanted { page_size, page_token }| {
        let credential_id = wanted.id.clone();
        let request = ListCredentialEventsRequest { credential_id, page_size, page_token };
        let page = api.credentials.list_credential_events(request).await;
        let page = page.map_err(|s| Failure::status("cannot list the credentials' events", &s))?.into_inner();
        Ok((page.events, page.next_page_token))
    };
    show_first(wanted.limit, ask, |event| output.owned_event(&OwnedEventView::new(event))).await
}

async fn delete(api: &mut Api, output: Output, credential_id: String) -> Done {
    let request = DeleteCredentialRequest { credential_id: credential_id.clone(), ..Default::default() };
    let deleted = api.credentials.delete_credential(request).await;
    deleted.map_err(|s| Failure::status("cannot delete the credential", &s))?;
    output.say(&format!("{credential_id} is deleted"));
    output.object(&serde_json::json!({ "credential_id": credential_id, "deleted": true }));
    Ok(ExitCode::SUCCESS)
}
