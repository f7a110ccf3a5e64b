//! All SQL of the registry: one file for each thing that is done.
//!
//! Every change of an import happens in one transaction that locks its row first, and writes the row, the audit event
//! and the wish for the queue. The order of locks is import, fence, the rest, and last the event lock; whoever keeps to
//! it cannot deadlock.

mod authors;
mod change_import;
mod create_imports;
mod credentials;
mod delete_import;
mod deliveries;
mod duties;
mod events;
mod fence;
mod history;
mod intent_row;
mod list_imports;
mod list_refs;
mod notes;
mod outbox;
mod owned_events;
mod prune_events;
mod put_revisions;
mod reachable;
mod read_import;
mod read_revisions;
mod ref_change;
mod reseal;
mod rows;
mod run_events;
mod run_spec;
mod scan_totals;
mod secrets;
mod source_revisions;
mod swap_refs;
mod swaps;
mod triggers;
mod webhooks;

pub use create_imports::{Conflict, NewImport};
pub use events::{EventBounds, StoredEvent};
pub use fence::Holder;
pub use list_imports::{ImportFilter, ImportOrder, ImportPosition};
pub use list_refs::RefPage;
pub use notes::Note;
pub use outbox::ScheduleWish;
pub use prune_events::Pruned;
pub use put_revisions::{Revision, Signature, Told};
pub use read_revisions::{RevisionFilter, RevisionList};
pub use reseal::SealedPlace;
pub use run_spec::RunSpec;
pub use scan_totals::ScanTotals;
pub use source_revisions::{MapKey, MapPosition, SourceRevision};
pub use swap_refs::{Ref, Scan};
pub use swaps::{ChangedRef, Swap};

use codeimport_pg::{Db, Runner};
use std::sync::Arc;
use tokio::sync::Notify;

mod embedded {
    refinery::embed_migrations!("../../migrations/registry");
}

/// The migrations of the schema `registry`.
#[must_use]
pub fn migrations() -> Runner {
    embedded::migrations::runner()
}

/// The registry's database.
#[derive(Clone)]
pub struct Store {
    db: Db,
    author_ids: authors::AuthorIds,
    refs_swapped: Arc<Notify>,
    outbox_filled: Arc<Notify>,
    events_added: Arc<Notify>,
    pushed: Arc<Notify>,
}

impl Store {
    /// The store in a database whose schema is up to date.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self {
            db,
            author_ids: authors::AuthorIds::default(),
            refs_swapped: Arc::new(Notify::new()),
            outbox_filled: Arc::new(Notify::new()),
            events_added: Arc::new(Notify::new()),
            pushed: Arc::new(Notify::new()),
        }
    }

    /// Completes when refs of any import are swapped by this process. Other replicas' swaps are found by looking.
    pub async fn refs_swapped(&self) {
        self.refs_swapped.notified().await;
    }

    /// Completes when this process has written a wish for the queue since the last time; one waiter only. Other
    /// replicas' wishes are found by looking.
    pub async fn outbox_filled(&self) {
        self.outbox_filled.notified().await;
    }

    /// Completes when this process adds to the audit trail. Other replicas' entries are found by looking.
    pub async fn events_added(&self) {
        self.events_added.notified().await;
    }

    /// Completes when this process has noted a push since the last time; one waiter only.
    pub async fn pushed(&self) {
        self.pushed.notified().await;
    }

    /// An import was changed: there is a wish for the queue, and an entry of the trail.
    fn import_changed(&self) {
        self.outbox_filled.notify_one();
        self.events_added.notify_waiters();
    }
}
