//! The credential of an import that is defined or changed: the one that is named, or a new one made of what its address
//! holds. Whoever uses a credential has to be one of those it belongs to.

use crate::{
    caller::Caller,
    credential::{Credential, CredentialId, Login, NewCredential, take_userinfo},
    definition,
    error::RegistryError,
    import::Source,
    key_ring::KeyRing,
    policy::begins_with,
    store::Store,
    workflow::Role,
};
use codeimport_kit::Violations;
use codeimport_proto::registry as wire;
use url::Url;

const URL_FIELD: &str = "import.source.url";
const ID_FIELD: &str = "import.source.credential_id";

/// Takes user name and password out of a definition's address, which is a URL from then on.
pub(super) fn take_login(import: &mut wire::Import) -> Option<Login> {
    let source = import.source.as_mut()?;
    definition::write_as_url(source);
    let (url, login) = take_userinfo(&source.url);
    source.url = url;
    login
}

/// What is sealed for an import of this owner; none if its address held nothing.
pub(super) fn implicit(
    keys: &KeyRing,
    login: Option<&Login>,
    url: &str,
    owner: &str,
) -> Result<Option<NewCredential>, RegistryError> {
    let Some(login) = login else { return Ok(None) };
    let credential_id = CredentialId::generate(&host_of(url));
    let sealed = login.seal(keys, &credential_id, 1).ok_or_else(|| {
        Violations::one(URL_FIELD, "contains a user name or password, and there is no key here to keep it sealed")
    })?;
    Ok(Some(NewCredential {
        credential_id,
        description: "from the address of an import".to_owned(),
        owner: owner.to_owned(),
        url_prefix: url.to_owned(),
        is_implicit: true,
        sealed,
    }))
}

/// Whether the caller may let a source be read with the credential that it names.
pub(super) async fn check_use(store: &Store, caller: &Caller, source: &Source) -> Result<(), RegistryError> {
    if source.credential_id.is_empty() {
        return Ok(());
    }
    let credential = usable(store, caller, &source.credential_id).await?;
    if fits(&credential, source) {
        return Ok(());
    }
    let text = format!("is only for addresses that begin with {}", credential.url_prefix);
    Err(Violations::one(ID_FIELD, text).into())
}

/// A credential that belongs to the caller. One of somebody else is not there.
pub(super) async fn usable(store: &Store, caller: &Caller, id: &str) -> Result<Credential, RegistryError> {
    let not_found = || RegistryError::CredentialNotFound(id.to_owned());
    let credential = store.credential(&id.parse().map_err(|_| not_found())?).await?;
    match caller.role_towards(&credential.owner) {
        Role::Owner | Role::Operator => Ok(credential),
        Role::Requester | Role::System => Err(not_found()),
    }
}

/// Whether a credential may be handed out for a source.
pub(super) fn fits(credential: &Credential, source: &Source) -> bool {
    begins_with(&source.url, &credential.url_prefix)
}

/// The host of an address, for naming things after it.
pub(super) fn host_of(url: &str) -> String {
    Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}
