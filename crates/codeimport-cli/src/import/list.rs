//! `import list`.

use crate::api::Api;
use crate::args::{List, Order};
use crate::exit::{Done, Failure};
use crate::output::Output;
use crate::view::ImportView;
use codeimport_proto::convert::{rcs_type_to_wire, review_status_to_wire, timestamp_to_wire};
use codeimport_proto::registry::{Import, ImportOrder, ListImportsRequest};
use std::process::ExitCode;

/// Most that the registry answers at once.
const PAGE: usize = 500;

/// Lists what was asked for.
pub(crate) async fn run(api: &mut Api, output: Output, list: &List) -> Done {
    let (mut request, mut views) = (request(list), Vec::new());
    let limit = list.limit.unwrap_or(usize::MAX);
    while views.len() < limit {
        views.extend(next_page(api, &mut request).await?.into_iter().map(|import| ImportView::new(import, None)));
        if request.page_token.is_empty() {
            break;
        }
    }
    views.truncate(limit);
    output.imports(&views);
    Ok(ExitCode::SUCCESS)
}

/// Reads a page of a list. The request is then that for the next one; without a token there is none.
pub(crate) async fn next_page(api: &mut Api, request: &mut ListImportsRequest) -> Result<Vec<Import>, Failure> {
    request.page_size = i32::try_from(PAGE).unwrap_or_default();
    let page = api.imports.list_imports(request.clone()).await;
    let page = page.map_err(|s| Failure::status("cannot list the imports", &s))?.into_inner();
    request.page_token = page.next_page_token;
    Ok(page.imports)
}

fn request(list: &List) -> ListImportsRequest {
    let order = match list.order {
        Order::Id => ImportOrder::ImportId,
        Order::Created => ImportOrder::CreateTime,
        Order::LastSuccess => ImportOrder::LastSuccessTime,
    };
    ListImportsRequest {
        review_statuses: list.status.iter().map(|status| review_status_to_wire(*status).into()).collect(),
        rcs_types: list.rcs.iter().map(|rcs| rcs_type_to_wire(*rcs).into()).collect(),
        text: list.text.clone(),
        hosts: list.host.clone(),
        owner: list.owner.clone(),
        labels: list.label.clone(),
        failing_since: list.failing_since.map(timestamp_to_wire),
        order_by: order.into(),
        descending: list.reverse,
        ..Default::default()
    }
}
