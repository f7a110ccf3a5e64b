//! UpdateImport: parts of a definition, changed together.

use super::{create_import::Creator, credentials};
use crate::{
    credential::Login,
    definition,
    error::RegistryError,
    import::{Definition, Import},
    policy::source_key,
    store::Store,
    workflow::{self, Decision},
};
use codeimport_core::ImportId;
use codeimport_kit::Violations;
use codeimport_proto::registry::{self as wire, UpdateImportRequest};
use std::collections::BTreeSet;

/// A change of one import, by one caller.
struct Update<'a> {
    by: &'a Creator<'a>,
    id: &'a ImportId,
    wanted: wire::Import,
    /// What the new address held.
    login: Option<Login>,
    parts: BTreeSet<definition::Part>,
}

/// Changes an import, or tells what it would become.
pub(super) async fn update(
    by: &Creator<'_>,
    id: &ImportId,
    request: UpdateImportRequest,
) -> Result<Import, RegistryError> {
    let mut violations = Violations::new();
    let parts = definition::parts(&request.update_paths, &mut violations);
    let mut wanted = violations.require("import", request.import).unwrap_or_default();
    violations.finish()?;
    let login = credentials::take_login(&mut wanted).filter(|_| parts.contains(&definition::Part::Source));
    let (update, store) = (Update { by, id, wanted, login, parts }, by.store);
    update.check_credential().await?;
    if request.validate_only {
        return update.preview(store, &request.etag).await;
    }
    let first = store.change_import("registry.update_import", id, &request.etag, |import| update.decide(import, false));
    match first.await {
        Err(error) if is_same_source(&error) => {}
        done => return done,
    }
    // Only now, so that an import is called a duplicate only where there is another one.
    if request.allow_duplicate {
        let again = |import: &Import| update.decide(import, true);
        return store.change_import("registry.update_import", id, &request.etag, again).await;
    }
    Err(update.first_of_source(store).await?)
}

impl Update<'_> {
    fn decide(&self, import: &Import, is_duplicate: bool) -> Result<Option<Decision>, RegistryError> {
        let old = &import.intent.definition;
        let mut violations = Violations::new();
        let mut new = definition::changed(self.by.policy, self.id, old, &self.wanted, &self.parts, &mut violations);
        violations.finish()?;
        if key_of(&new) != key_of(old) {
            new.is_duplicate = is_duplicate;
        }
        let credential = credentials::implicit(self.by.keys, self.login.as_ref(), &new.source.url, &new.care.owner)?;
        if let Some(made) = &credential {
            new.source.credential_id = made.credential_id.to_string();
        }
        let decision = workflow::update(import, new, self.by.policy, self.by.caller)?;
        Ok(decision.map(|decision| Decision { credential, ..decision }))
    }

    /// One that is named has to be there, and to fit the address that it will be used for.
    async fn check_credential(&self) -> Result<(), RegistryError> {
        if self.login.is_some() {
            return Ok(());
        }
        let before = self.by.store.import(self.id).await?;
        match self.decide(&before, false)? {
            Some(decision) if decision.intent.definition.source != before.intent.definition.source => {
                credentials::check_use(self.by.store, self.by.caller, &decision.intent.definition.source).await
            }
            _ => Ok(()),
        }
    }

    async fn preview(&self, store: &Store, etag: &str) -> Result<Import, RegistryError> {
        let import = store.import(self.id).await?;
        if !etag.is_empty() && etag != import.etag() {
            return Err(RegistryError::EtagMismatch(self.id.clone()));
        }
        Ok(match self.decide(&import, false)? {
            Some(decision) => Import { intent: decision.intent, ..import },
            None => import,
        })
    }

    /// The error that names the import which reads the new source already.
    async fn first_of_source(&self, store: &Store) -> Result<RegistryError, RegistryError> {
        let import = store.import(self.id).await?;
        let Some(decision) = self.decide(&import, false)? else {
            return Ok(RegistryError::EtagMismatch(self.id.clone()));
        };
        let first = store.import_of_source(&key_of(&decision.intent.definition)).await?;
        // Gone meanwhile: reading again and deciding anew helps.
        Ok(first.map_or_else(|| RegistryError::EtagMismatch(self.id.clone()), RegistryError::SourceAlreadyImported))
    }
}

fn key_of(definition: &Definition) -> String {
    source_key(definition.source.rcs_type, &definition.source.url)
}

fn is_same_source(error: &RegistryError) -> bool {
    matches!(error, RegistryError::Db(error) if error.unique_violation() == Some("import_source_key_key"))
}
