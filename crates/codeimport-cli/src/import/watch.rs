//! `import watch`: what happens to imports, as it happens.

use crate::api::Api;
use crate::args::{EventFilter, EventType, Watch};
use crate::exit::{Done, Failure};
use crate::output::Output;
use crate::view::EventView;
use codeimport_proto::registry::{ImportEventFilter, ImportEventType, WatchImportEventsRequest};
use std::process::ExitCode;

/// Follows until the registry stops, or somebody presses Ctrl-C.
pub(crate) async fn run(api: &mut Api, output: Output, watch: Watch) -> Done {
    let failed = |s| Failure::status("cannot watch the imports", &s);
    let filter = Some(filter(watch.import_id, watch.filter));
    let request = WatchImportEventsRequest { after_event_id: watch.after, filter };
    let mut answers = api.imports.watch_import_events(request).await.map_err(failed)?.into_inner();
    while let Some(answer) = answers.message().await.map_err(failed)? {
        answer.events.into_iter().map(EventView::new).for_each(|event| output.event(&event));
    }
    Ok(ExitCode::SUCCESS)
}

/// A filter as the registry has it.
pub(crate) fn filter(import_id: String, filter: EventFilter) -> ImportEventFilter {
    let types = filter.types.into_iter().map(|event_type| wire(event_type).into()).collect();
    ImportEventFilter { import_id, owner: filter.owner, labels: filter.label, types }
}

fn wire(event_type: EventType) -> ImportEventType {
    match event_type {
        EventType::Created => ImportEventType::Created,
        EventType::Updated => ImportEventType::Updated,
        EventType::Reviewed => ImportEventType::Reviewed,
        EventType::Retried => ImportEventType::Retried,
        EventType::Deleted => ImportEventType::Deleted,
        EventType::RunFinished => ImportEventType::RunFinished,
        EventType::FirstSuccess => ImportEventType::FirstSuccess,
        EventType::Recovered => ImportEventType::Recovered,
        EventType::RefsChanged => ImportEventType::RefsChanged,
    }
}
