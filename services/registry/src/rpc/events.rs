//! `ListImportEvents` and `WatchImportEvents`: the audit trail, asked and followed.

use super::{Page, PageBounds, convert, labels};
use crate::{
    error::RegistryError,
    event_filter::EventFilter,
    run_log_url::RunLogUrl,
    store::{Store, StoredEvent},
};
use codeimport_core::ImportId;
use codeimport_kit::{Shutdown, Violations};
use codeimport_proto::convert::event_type_from_wire;
use codeimport_proto::registry::{
    self as wire, ListImportEventsRequest, ListImportEventsResponse, WatchImportEventsRequest,
    WatchImportEventsResponse,
};
use futures_util::{Stream, stream};
use std::time::Duration;
use tonic::Status;

const PAGE: PageBounds = PageBounds { default: 50, max: 500 };
/// Entries that are looked at together; an answer has at most as many.
const BATCH: i64 = 500;
/// Other replicas' entries are found by looking.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// A page of the trail, newest first.
pub(super) async fn list(
    store: &Store,
    log_url: &RunLogUrl,
    request: ListImportEventsRequest,
) -> Result<ListImportEventsResponse, RegistryError> {
    let mut violations = Violations::new();
    if !request.import_id.is_empty() {
        violations.check("import_id", request.import_id.parse::<ImportId>());
    }
    let bound_to = format!("events {}", request.import_id);
    let page = Page::read(request.page_size, &request.page_token, PAGE, &bound_to, &mut violations);
    let page = violations.finish_with(page)?;
    let before = page.position.as_deref().and_then(|id| id.parse().ok()).unwrap_or(i64::MAX);
    let mut events = store.list_events(&request.import_id, before, page.limit()).await?;
    let next_page_token = page.cut(&mut events, &bound_to, |event| event.event_id.to_string());
    let events = events.into_iter().map(|event| convert::event(event, log_url)).collect();
    Ok(ListImportEventsResponse { events, next_page_token })
}

/// Somebody who follows the trail.
pub(super) struct Follower {
    store: Store,
    shutdown: Shutdown,
    log_url: RunLogUrl,
    filter: EventFilter,
    cursor: i64,
}

impl Follower {
    /// Begins where the request says.
    pub(super) async fn begin(
        store: Store,
        shutdown: Shutdown,
        log_url: RunLogUrl,
        request: WatchImportEventsRequest,
    ) -> Result<Self, RegistryError> {
        let mut violations = Violations::new();
        let filter = filter("filter", request.filter.unwrap_or_default(), &mut violations);
        if request.after_event_id.is_some_and(i64::is_negative) {
            violations.add("after_event_id", "is negative");
        }
        violations.finish()?;
        let cursor = match request.after_event_id {
            Some(cursor) => cursor,
            None => store.event_bounds().await?.newest,
        };
        let follower = Self { store, shutdown, log_url, filter, cursor };
        follower.check_kept().await?;
        Ok(follower)
    }

    /// Tells what comes, until the service stops.
    pub(super) fn follow(self) -> impl Stream<Item = Result<WatchImportEventsResponse, Status>> {
        stream::unfold(Some(self), |follower| async move {
            let mut follower = follower?;
            match follower.next().await {
                Ok(answer) => answer.map(|answer| (Ok(answer), Some(follower))),
                Err(error) => Some((Err(error.into()), None)),
            }
        })
    }

    /// Waits for the next answer. None if the service stops.
    async fn next(&mut self) -> Result<Option<WatchImportEventsResponse>, RegistryError> {
        loop {
            let batch = self.store.events_after(self.cursor, BATCH).await?;
            if let Some(last) = batch.last() {
                // After the look, so that nothing was taken away in between.
                self.check_kept().await?;
                self.cursor = last.event_id;
                return Ok(Some(self.answer(batch)));
            }
            tokio::select! {
                () = self.shutdown.drained() => return Ok(None),
                () = self.store.events_added() => {}
                () = tokio::time::sleep(POLL_INTERVAL) => {}
            }
        }
    }

    async fn check_kept(&self) -> Result<(), RegistryError> {
        let kept_after = self.store.event_bounds().await?.pruned_up_to;
        if self.cursor < kept_after { Err(RegistryError::EventsGone(kept_after)) } else { Ok(()) }
    }

    fn answer(&self, batch: Vec<StoredEvent>) -> WatchImportEventsResponse {
        let passing = batch.into_iter().filter(|event| self.filter.lets_through(event));
        let events = passing.map(|event| convert::event(event, &self.log_url)).collect();
        WatchImportEventsResponse { events, cursor: self.cursor }
    }
}

/// A filter of a request.
pub(super) fn filter(field: &str, wanted: wire::ImportEventFilter, violations: &mut Violations) -> EventFilter {
    if !wanted.import_id.is_empty() {
        violations.check(format_args!("{field}.import_id"), wanted.import_id.parse::<ImportId>());
    }
    let mut filter = EventFilter { import_id: wanted.import_id, owner: wanted.owner, ..EventFilter::default() };
    for (i, number) in wanted.types.iter().enumerate() {
        let known = event_type_from_wire(*number).ok_or("is no type that is known here");
        filter.types.extend(violations.check(format_args!("{field}.types[{i}]"), known));
    }
    filter.labels = labels::wanted(&format!("{field}.labels"), &wanted.labels, violations);
    filter
}
