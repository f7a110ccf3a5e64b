//! `CompareTips` and `WatchRefs`: what runs changed, asked and followed.

use super::{Page, PageBounds, convert, import_id};
use crate::{
    error::RegistryError,
    store::{Store, Swap},
};
use codeimport_core::ImportId;
use codeimport_kit::{Shutdown, Violations};
use codeimport_proto::{
    convert::timestamp_to_wire,
    registry::{CompareTipsRequest, CompareTipsResponse, WatchRefsResponse},
};
use futures_util::{Stream, stream};
use std::time::Duration;
use tonic::Status;

const BOUNDS: PageBounds = PageBounds { default: 500, max: 5_000 };
/// Changes told of one swap to who follows.
const TOLD: u32 = 1_000;
/// Other replicas' swaps are found by looking.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// A page of what a run changed.
pub(super) async fn of_run(store: &Store, request: &CompareTipsRequest) -> Result<CompareTipsResponse, RegistryError> {
    let id = import_id(&request.import_id)?;
    let bound_to = format!("tips {id} {}", request.run_id);
    let mut violations = Violations::new();
    let page = Page::read(request.page_size, &request.page_token, BOUNDS, &bound_to, &mut violations);
    let page = violations.finish_with(page)?;
    let Some(swap) = store.swap_of_run(&id, request.run_id).await? else { return Ok(CompareTipsResponse::default()) };
    let after = page.position.clone().unwrap_or_default();
    let mut changes = store.ref_changes(&id, swap.number, &after, page.limit()).await?;
    let next_page_token = page.cut(&mut changes, &bound_to, |change| change.name.clone());
    let changes = changes.into_iter().map(convert::ref_change).collect();
    Ok(CompareTipsResponse { changes, next_page_token, new_revision_count: swap.commit_count })
}

/// Tells every swap after this one, until the service stops or the import is gone.
pub(super) fn watch(
    store: Store,
    shutdown: Shutdown,
    id: ImportId,
    after: i64,
) -> impl Stream<Item = Result<WatchRefsResponse, Status>> {
    stream::unfold(Some(after), move |after| {
        let (store, shutdown, id) = (store.clone(), shutdown.clone(), id.clone());
        async move {
            match next(&store, &shutdown, &id, after?).await {
                Ok(told) => told.map(|told| (Ok(told.clone()), Some(told.swap_number))),
                Err(error) => Some((Err(error.into()), None)),
            }
        }
    })
}

/// Waits for the next swap. None if the service stops.
async fn next(
    store: &Store,
    shutdown: &Shutdown,
    id: &ImportId,
    after: i64,
) -> Result<Option<WatchRefsResponse>, RegistryError> {
    loop {
        if let Some(swap) = store.next_swap(id, after).await? {
            return told(store, id, swap).await.map(Some);
        }
        tokio::select! {
            () = shutdown.drained() => return Ok(None),
            () = store.refs_swapped() => {}
            () = tokio::time::sleep(POLL_INTERVAL) => {}
        }
    }
}

async fn told(store: &Store, id: &ImportId, swap: Swap) -> Result<WatchRefsResponse, RegistryError> {
    let changes = store.ref_changes(id, swap.number, "", TOLD).await?;
    Ok(WatchRefsResponse {
        swap_number: swap.number,
        run_id: swap.run_id,
        time: Some(timestamp_to_wire(swap.time)),
        changes: changes.into_iter().map(convert::ref_change).collect(),
        change_count: swap.change_count,
    })
}
