//! CreateImport: the only call that has to find a free name.

use super::convert;
use crate::{
    definition,
    error::RegistryError,
    import::{Definition, Import, RunHistory},
    policy::Policy,
    store::{NewImport, Store},
    workflow,
};
use codeimport_core::{ImportId, SourceUrl};
use codeimport_kit::Violations;
use codeimport_proto::registry as wire;
use jiff::Timestamp;
use uuid::Uuid;

/// How many made-up ids are tried. Each is taken with a chance of one in millions.
const MAX_ATTEMPTS: u32 = 5;

/// A request in which nothing is wrong.
struct Wanted {
    import: wire::Import,
    /// The id that the caller wants; none means any.
    import_id: Option<ImportId>,
    request_id: Option<Uuid>,
    url: SourceUrl,
}

/// Defines an import, or returns the one that the same request has defined before.
pub(super) async fn create(
    store: &Store,
    policy: &Policy,
    actor: String,
    request: wire::CreateImportRequest,
) -> Result<wire::Import, RegistryError> {
    let validate_only = request.validate_only;
    let wanted = check(policy, request)?;
    if let Some(made) = made_before(store, wanted.request_id).await? {
        return Ok(convert::import(&made));
    }
    if validate_only {
        return preview(store, wanted.attempt(policy, &actor)?).await;
    }
    let made = store_under_a_free_id(store, policy, &actor, &wanted).await?;
    Ok(convert::import(&made))
}

/// Tries other ids where the caller does not insist on one.
async fn store_under_a_free_id(
    store: &Store,
    policy: &Policy,
    actor: &str,
    wanted: &Wanted,
) -> Result<Import, RegistryError> {
    let mut attempts = 1;
    loop {
        let taken = match store.create_import(&wanted.attempt(policy, actor)?).await {
            Err(RegistryError::ImportAlreadyExists(id)) => id,
            created => return created.inspect(log),
        };
        // Perhaps by another attempt of the same request, a moment ago.
        if let Some(made) = made_before(store, wanted.request_id).await? {
            return Ok(made);
        }
        if wanted.import_id.is_some() || attempts == MAX_ATTEMPTS {
            return Err(RegistryError::ImportAlreadyExists(taken));
        }
        attempts += 1;
    }
}

fn log(import: &Import) {
    tracing::info!(import.id = %import.import_id, import.review_status = %import.intent.status, "import defined");
}

/// Checks everything before it complains about anything.
fn check(policy: &Policy, request: wire::CreateImportRequest) -> Result<Wanted, RegistryError> {
    let mut violations = Violations::new();
    let import_id = optional("import_id", &request.import_id, str::parse::<ImportId>, &mut violations);
    let request_id = optional("request_id", &request.request_id, parse_request_id, &mut violations);
    let import = violations.require("import", request.import).unwrap_or_default();
    let url = definition::source_url(&import, &mut violations);
    // With any valid id: the real one may not be known yet, and nothing that can be wrong depends on it.
    let any_id = import_id.clone().flatten().or_else(|| "any".parse().ok());
    let checked = definition::definition(policy, any_id.as_ref(), &import, url.as_ref(), &mut violations);
    let wanted = import_id.zip(request_id).zip(url).zip(checked);
    let (((import_id, request_id), url), _) = violations.finish_with(wanted)?;
    Ok(Wanted { import, import_id, request_id, url })
}

/// A field that may be left empty. The outer none is a violation.
fn optional<T, E: std::fmt::Display>(
    field: &str,
    text: &str,
    parse: impl Fn(&str) -> Result<T, E>,
    violations: &mut Violations,
) -> Option<Option<T>> {
    if text.is_empty() { Some(None) } else { violations.check(field, parse(text)).map(Some) }
}

fn parse_request_id(text: &str) -> Result<Uuid, &'static str> {
    Uuid::try_parse(text).map_err(|_| "is not a UUID")
}

async fn made_before(store: &Store, request_id: Option<Uuid>) -> Result<Option<Import>, RegistryError> {
    match request_id {
        Some(id) => Ok(store.import_of_request(id).await?),
        None => Ok(None),
    }
}

impl Wanted {
    /// The import under the id wanted, or under a new one.
    fn attempt(&self, policy: &Policy, actor: &str) -> Result<NewImport, RegistryError> {
        let import_id = self.import_id.clone().unwrap_or_else(|| ImportId::generate(self.url.name()));
        let decision = workflow::create(self.definition(policy, &import_id)?, policy, actor);
        Ok(NewImport { import_id, decision, registrant: actor.to_owned(), request_id: self.request_id })
    }

    fn definition(&self, policy: &Policy, import_id: &ImportId) -> Result<Definition, RegistryError> {
        let mut violations = Violations::new();
        let made = definition::definition(policy, Some(import_id), &self.import, Some(&self.url), &mut violations);
        Ok(violations.finish_with(made)?)
    }
}

/// What would be stored, without storing it: no time and no etag yet, which come with the storing.
async fn preview(store: &Store, new: NewImport) -> Result<wire::Import, RegistryError> {
    match store.import(&new.import_id).await {
        Ok(_) => return Err(RegistryError::ImportAlreadyExists(new.import_id)),
        Err(RegistryError::ImportNotFound(_)) => {}
        Err(error) => return Err(error),
    }
    let import = Import {
        import_id: new.import_id,
        intent: new.decision.intent,
        generation: 0,
        created_generation: 0,
        resumed_generation: 0,
        stopped_by_queue: false,
        registrant: new.registrant,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
        history: RunHistory::default(),
    };
    let shown = convert::import(&import);
    Ok(wire::Import { etag: String::new(), create_time: None, update_time: None, ..shown })
}
