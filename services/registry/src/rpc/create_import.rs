//! CreateImport and BatchCreateImports: checked, decided, stored; and what becomes of conflicts.

use super::{convert, credentials};
use crate::{
    caller::Caller,
    credential::Login,
    definition,
    error::RegistryError,
    import::{Definition, Import, RunHistory},
    key_ring::KeyRing,
    policy::{Policy, source_key},
    store::{Conflict, NewImport, Store},
    workflow,
};
use codeimport_core::{ImportId, SourceUrl};
use codeimport_kit::{ApiError, Violations};
use codeimport_proto::registry as wire;
use jiff::Timestamp;
use uuid::Uuid;

/// How often an import is offered with another id. Each made-up one is taken with a chance of one in millions.
const MAX_ATTEMPTS: u32 = 5;

/// A request in which nothing is wrong.
pub(super) struct Wanted {
    import: wire::Import,
    /// The id that the caller wants; none means any.
    import_id: Option<ImportId>,
    request_id: Option<Uuid>,
    url: SourceUrl,
    /// What its address held.
    login: Option<Login>,
    allow_duplicate: bool,
}

/// What is done about a conflict.
enum Next {
    Offer(Box<NewImport>),
    Answer(Box<Result<Import, RegistryError>>),
}

impl Next {
    fn refuse(error: RegistryError) -> Self {
        Self::Answer(Box::new(Err(error)))
    }
}

/// Where imports are defined, and by whom.
pub(super) struct Creator<'a> {
    pub(super) store: &'a Store,
    pub(super) policy: &'a Policy,
    pub(super) keys: &'a KeyRing,
    pub(super) caller: &'a Caller,
}

impl Creator<'_> {
    /// Defines an import, or returns the one that the same request has defined before.
    pub(super) async fn create(&self, request: wire::CreateImportRequest) -> Result<Import, RegistryError> {
        let validate_only = request.validate_only;
        let wanted = self.check(request)?;
        if let Some(made) = self.made_before(&wanted).await? {
            return Ok(made);
        }
        let new = self.offer(&wanted)?;
        self.check_credential(&new).await?;
        if validate_only {
            return self.preview(&wanted, new).await;
        }
        let result = self.store.create_imports(std::slice::from_ref(&new)).await?.pop();
        self.settle(&wanted, new, result).await
    }

    /// Defines what can be defined at once, and says of each what became of it.
    pub(super) async fn create_all(
        &self,
        requests: Vec<wire::CreateImportRequest>,
    ) -> Result<Vec<Result<Import, RegistryError>>, RegistryError> {
        let mut checked = Vec::with_capacity(requests.len());
        for request in requests {
            checked.push(self.check_one_of_many(request).await);
        }
        let offers: Vec<_> = checked.iter().flatten().map(|(_, new)| new.clone()).collect();
        let mut stored = self.store.create_imports(&offers).await?.into_iter();
        let mut results = Vec::with_capacity(checked.len());
        for one in checked {
            results.push(match one {
                Ok((wanted, new)) => self.settle(&wanted, new, stored.next()).await,
                Err(error) => Err(error),
            });
        }
        Ok(results)
    }

    async fn check_one_of_many(
        &self,
        request: wire::CreateImportRequest,
    ) -> Result<(Wanted, NewImport), RegistryError> {
        if request.validate_only {
            return Err(Violations::one("validate_only", "is not for one of many").into());
        }
        let wanted = self.check(request)?;
        let new = self.offer(&wanted)?;
        self.check_credential(&new).await?;
        Ok((wanted, new))
    }

    /// One that is named has to be there; one that is new comes with the import.
    async fn check_credential(&self, new: &NewImport) -> Result<(), RegistryError> {
        match new.decision.credential {
            Some(_) => Ok(()),
            None => credentials::check_use(self.store, self.caller, &new.decision.intent.definition.source).await,
        }
    }

    /// Offers an import again, in another way, for as long as that can help.
    async fn settle(
        &self,
        wanted: &Wanted,
        mut new: NewImport,
        mut result: Option<Result<Import, Conflict>>,
    ) -> Result<Import, RegistryError> {
        for _ in 0..MAX_ATTEMPTS {
            match result {
                Some(Ok(import)) => {
                    log(&import);
                    return Ok(import);
                }
                Some(Err(conflict)) => match wanted.next(conflict, new) {
                    Next::Offer(other) => new = *other,
                    Next::Answer(answer) => return *answer,
                },
                None => return Err(ApiError::internal(anyhow::anyhow!("an import was neither stored nor not")).into()),
            }
            result = self.store.create_imports(std::slice::from_ref(&new)).await?.pop();
        }
        Err(RegistryError::ImportAlreadyExists(new.import_id))
    }

    /// Checks everything before it complains about anything.
    fn check(&self, request: wire::CreateImportRequest) -> Result<Wanted, RegistryError> {
        let mut violations = Violations::new();
        let import_id = optional("import_id", &request.import_id, str::parse::<ImportId>, &mut violations);
        let request_id = optional("request_id", &request.request_id, parse_request_id, &mut violations);
        let mut import = violations.require("import", request.import).unwrap_or_default();
        let login = credentials::take_login(&mut import);
        let url = definition::source_url(self.policy, &import, &mut violations);
        // With any valid id: the real one may not be known yet, and nothing that can be wrong depends on it.
        let any_id = import_id.clone().flatten().or_else(|| "any".parse().ok());
        let checked = definition::definition(self.policy, any_id.as_ref(), &import, url.as_ref(), &mut violations);
        let wanted = import_id.zip(request_id).zip(url).zip(checked);
        let (((import_id, request_id), url), _) = violations.finish_with(wanted)?;
        Ok(Wanted { import, import_id, request_id, url, login, allow_duplicate: request.allow_duplicate })
    }

    async fn made_before(&self, wanted: &Wanted) -> Result<Option<Import>, RegistryError> {
        match wanted.request_id {
            Some(id) => Ok(self.store.import_of_request(id).await?),
            None => Ok(None),
        }
    }

    /// The import under the id wanted, or under a new one.
    fn offer(&self, wanted: &Wanted) -> Result<NewImport, RegistryError> {
        let import_id = wanted.import_id.clone().unwrap_or_else(|| wanted.new_id());
        let mut decision = workflow::create(self.definition(wanted, &import_id)?, self.policy, self.caller)?;
        let definition = &mut decision.intent.definition;
        let owner = &definition.care.owner;
        let credential = credentials::implicit(self.keys, wanted.login.as_ref(), &definition.source.url, owner)?;
        if let Some(new) = &credential {
            definition.source.credential_id = new.credential_id.to_string();
        }
        decision.credential = credential;
        Ok(NewImport { import_id, decision, registrant: self.caller.actor.clone(), request_id: wanted.request_id })
    }

    fn definition(&self, wanted: &Wanted, import_id: &ImportId) -> Result<Definition, RegistryError> {
        let mut violations = Violations::new();
        let url = Some(&wanted.url);
        let made = definition::definition(self.policy, Some(import_id), &wanted.import, url, &mut violations);
        Ok(violations.finish_with(made)?)
    }

    /// What would be stored, without storing it.
    async fn preview(&self, wanted: &Wanted, new: NewImport) -> Result<Import, RegistryError> {
        match self.store.import(&new.import_id).await {
            Ok(_) => return Err(RegistryError::ImportAlreadyExists(new.import_id)),
            Err(RegistryError::ImportNotFound(_)) => {}
            Err(error) => return Err(error),
        }
        let key = source_key(wanted.url.rcs_type(), wanted.url.as_str());
        match self.store.import_of_source(&key).await? {
            Some(first) if !wanted.allow_duplicate => Err(RegistryError::SourceAlreadyImported(first)),
            _ => Ok(as_if_stored(new)),
        }
    }
}

impl Wanted {
    fn new_id(&self) -> ImportId {
        ImportId::generate(self.url.name())
    }

    /// What is done about a conflict. Pure but for made-up ids.
    fn next(&self, conflict: Conflict, mut new: NewImport) -> Next {
        match conflict {
            Conflict::Repeated(import) => Next::Answer(Box::new(Ok(*import))),
            Conflict::Source(_) if self.allow_duplicate && !new.decision.intent.definition.is_duplicate => {
                new.decision.intent.definition.is_duplicate = true;
                Next::Offer(Box::new(new))
            }
            Conflict::Source(first) => Next::refuse(RegistryError::SourceAlreadyImported(first)),
            Conflict::Target => Next::refuse(target_taken()),
            Conflict::Id if self.import_id.is_none() => {
                new.import_id = self.new_id();
                Next::Offer(Box::new(new))
            }
            Conflict::Id => Next::refuse(RegistryError::ImportAlreadyExists(new.import_id)),
        }
    }
}

fn target_taken() -> RegistryError {
    Violations::one("import.target.url", "is the target of another import already").into()
}

fn log(import: &Import) {
    tracing::info!(import.id = %import.import_id, import.review_status = %import.intent.status, "import defined");
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

fn as_if_stored(new: NewImport) -> Import {
    Import {
        import_id: new.import_id,
        intent: new.decision.intent,
        generation: 0,
        created_generation: 0,
        resumed_generation: 0,
        stopped_by_queue: false,
        registrant: new.registrant,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
        reviewed_at: Timestamp::UNIX_EPOCH,
        history: RunHistory::default(),
    }
}

/// As an answer shows it. What was not stored has no times and no etag, which come with the storing.
pub(super) fn shown(import: &Import) -> wire::Import {
    let shown = convert::import(import);
    if import.generation > 0 {
        return shown;
    }
    wire::Import { etag: String::new(), create_time: None, update_time: None, review_time: None, ..shown }
}

/// As one of many results shows it.
pub(super) fn result(result: Result<Import, RegistryError>) -> wire::CreateImportResult {
    use wire::create_import_result::Result as Shown;
    let result = match result {
        Ok(import) => {
            let mut import = convert::import(&import);
            import.source.get_or_insert_default().author_map.clear();
            Shown::Import(import)
        }
        Err(error) => Shown::Refusal(refusal(&error.into())),
    };
    wire::CreateImportResult { result: Some(result) }
}

fn refusal(error: &ApiError) -> wire::Refusal {
    wire::Refusal {
        reason: error.reason().into(),
        message: error.message().to_owned(),
        metadata: error.metadata().clone(),
    }
}
