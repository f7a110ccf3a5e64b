//! `import events` and `import watch`: what has happened to imports, and what happens.

use crate::api::Api;
use crate::args::{EventFilter, PastEvents, Watch};
use crate::exit::{Done, Failure};
use crate::output::Output;
use crate::pages::{Wanted, show_first};
use crate::view::EventView;
use codeimport_proto::convert::event_type_to_wire;
use codeimport_proto::registry::{ImportEventFilter, ListImportEventsRequest, WatchImportEventsRequest};
use std::process::ExitCode;

/// Lists the newest, at most as many as were asked for.
pub(crate) async fn list(api: &mut Api, output: Output, wanted: PastEvents) -> Done {
    let ask = async |Wanted { page_size, page_token }| {
        let request = ListImportEventsRequest { import_id: wanted.id.clone(), page_size, page_token };
        let page = api.imports.list_import_events(request).await;
        let page = page.map_err(|s| Failure::status("cannot list the imports' events", &s))?.into_inner();
        Ok((page.events, page.next_page_token))
    };
    show_first(wanted.limit, ask, |event| output.event(&EventView::new(event))).await
}

/// Follows until the registry stops, or somebody presses Ctrl-C.
pub(crate) async fn watch(api: &mut Api, output: Output, watch: Watch) -> Done {
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
    let types = filter.types.into_iter().map(|event_type| event_type_to_wire(event_type).into()).collect();
    ImportEventFilter { import_id, owner: filter.owner, labels: filter.label, types }
}
