//! The registry's services: convert, decide, store, convert. What is decided stands in `workflow` and `definition`.

mod convert;
mod create_import;
mod credential_service;
mod credentials;
mod events;
mod get_import;
mod import_service;
mod labels;
mod list_imports;
mod notes;
mod owned;
mod ref_changes;
mod revisions;
mod run_support_service;
mod scan_service;
mod trigger_service;
mod update_import;
mod webhook_convert;
mod webhook_service;

pub use credential_service::CredentialApi;
pub use import_service::ImportApi;
pub use run_support_service::RunSupportApi;
pub use scan_service::ScanApi;
pub use trigger_service::TriggerApi;
pub use webhook_service::WebhookApi;

use crate::error::RegistryError;
use codeimport_core::{ImportId, InvalidImportId};
use codeimport_kit::{ApiError, Violations, page_token};
use codeimport_proto::common::ErrorReason;

/// An id in a request. Under a text that is none, there is no import.
fn import_id(text: &str) -> Result<ImportId, RegistryError> {
    text.parse::<ImportId>().map_err(|_| {
        let shown: String = text.chars().take(ImportId::MAX_LEN).collect();
        let message = format!("import {shown:?} does not exist: an id {InvalidImportId}");
        ApiError::new(ErrorReason::ImportNotFound, message).with("import_id", shown).into()
    })
}

/// So many hosts, and so many labels, may be asked for.
const MAX_ALTERNATIVES: usize = 32;

/// PostgreSQL has no NUL in text, so nothing that is stored contains one.
fn storable(text: &str) -> String {
    text.replace('\0', "")
}

/// Bounds of a list: items on a page if the caller does not say, and at most.
#[derive(Clone, Copy, Debug)]
struct PageBounds {
    default: u32,
    max: u32,
}

/// Which page is wanted.
#[derive(Debug)]
struct Page {
    /// Items on it.
    size: u32,
    /// Position that it follows; none for the first page.
    position: Option<String>,
}

impl Page {
    /// Reads the page fields of a request; `filter` is what its token is bound to.
    fn read(size: i32, token: &str, bounds: PageBounds, filter: &str, violations: &mut Violations) -> Option<Self> {
        let size = violations.check("page_size", page_token::page_size(size, bounds.default, bounds.max));
        let position = violations.check("page_token", page_token::decode(filter, token));
        Some(Self { size: size?, position: position? })
    }

    /// So many are read: one more than is shown tells whether there is a next page.
    fn limit(&self) -> u32 {
        self.size.saturating_add(1)
    }

    /// Items on it, as a number of them.
    fn len(&self) -> usize {
        usize::try_from(self.size).unwrap_or(usize::MAX)
    }

    /// Cuts what was read to the page, and returns the token of the next one; empty if this is the last.
    fn cut<T>(&self, items: &mut Vec<T>, filter: &str, position: impl Fn(&T) -> String) -> String {
        let size = self.len();
        if items.len() <= size {
            return String::new();
        }
        items.truncate(size);
        items.last().map(|last| page_token::encode(filter, &position(last))).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_page_leads_to_the_next_and_the_last_to_none() {
        let page = Page { size: 2, position: None };
        let mut items = vec![1, 2, 3];
        let token = page.cut(&mut items, "list", ToString::to_string);
        assert_eq!((items, page_token::decode("list", &token)), (vec![1, 2], Ok(Some("2".to_owned()))));
        let mut items = vec![1, 2];
        assert_eq!(page.cut(&mut items, "list", ToString::to_string), "");
    }
}
