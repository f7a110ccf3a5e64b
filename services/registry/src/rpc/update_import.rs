//! UpdateImport: parts of a definition, changed together.

use crate::{
    caller::Caller,
    definition,
    error::RegistryError,
    import::{Definition, Import},
    policy::{Policy, source_key},
    store::Store,
    workflow::{self, Decision},
};
use codeimport_core::ImportId;
use codeimport_kit::Violations;
use codeimport_proto::registry::{self as wire, UpdateImportRequest};
use std::collections::BTreeSet;

/// A change of one import, by one caller.
pub(super) struct Update<'a> {
    policy: &'a Policy,
    caller: &'a Caller,
    id: &'a ImportId,
    wanted: wire::Import,
    parts: BTreeSet<definition::Part>,
}

/// Changes an import, or tells what it would become.
pub(super) async fn update(
    store: &Store,
    policy: &Policy,
    caller: &Caller,
    id: &ImportId,
    request: UpdateImportRequest,
) -> Result<Import, RegistryError> {
    let mut violations = Violations::new();
    let parts = definition::parts(&request.update_paths, &mut violations);
    let wanted = violations.require("import", request.import).unwrap_or_default();
    violations.finish()?;
    let update = Update { policy, caller, id, wanted, parts };
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
        let mut new = definition::changed(self.policy, self.id, old, &self.wanted, &self.parts, &mut violations);
        violations.finish()?;
        if key_of(&new) != key_of(old) {
            new.is_duplicate = is_duplicate;
        }
        Ok(workflow::update(import, new, self.policy, self.caller)?)
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
