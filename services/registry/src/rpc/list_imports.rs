//! ListImports: a filter, an order, a page.

use super::{MAX_ALTERNATIVES, Page, PageBounds, convert, labels, storable};
use crate::{
    error::RegistryError,
    store::{ImportFilter, ImportOrder, ImportPosition, Store},
};
use codeimport_kit::Violations;
use codeimport_proto::{
    convert::{rcs_type_from_wire, review_status_from_wire, timestamp_from_wire},
    registry::{self as wire, ListImportsRequest, ListImportsResponse},
};

const PAGE: PageBounds = PageBounds { default: 50, max: 500 };

/// Lists what was asked for.
pub(super) async fn list(store: &Store, request: ListImportsRequest) -> Result<ListImportsResponse, RegistryError> {
    let mut violations = Violations::new();
    let filter = filter(&request, &mut violations);
    let order = order(&request, &mut violations);
    let bound_to = format!("imports {filter:?} {order:?}");
    let page = Page::read(request.page_size, &request.page_token, PAGE, &bound_to, &mut violations);
    let (order, page) = violations.finish_with(order.zip(page))?;
    let after = page.position.as_deref().and_then(position);
    let mut imports = store.list_imports(&filter, order, after.as_ref(), page.limit()).await?;
    let next_page_token = page.cut(&mut imports, &bound_to, |import| position_text(&order.0.position(import)));
    Ok(ListImportsResponse { imports: imports.iter().map(convert::import).collect(), next_page_token })
}

fn filter(request: &ListImportsRequest, violations: &mut Violations) -> ImportFilter {
    let mut filter = ImportFilter {
        text: storable(request.text.trim()),
        owner: storable(request.owner.trim()),
        hosts: request.hosts.iter().map(|host| storable(&host.trim().to_lowercase())).collect(),
        ..ImportFilter::default()
    };
    for (i, status) in request.review_statuses.iter().enumerate() {
        let status = review_status_from_wire(*status).ok_or("is no status that is known here");
        filter.review_statuses.extend(violations.check(format_args!("review_statuses[{i}]"), status));
    }
    for (i, rcs_type) in request.rcs_types.iter().enumerate() {
        let rcs_type = rcs_type_from_wire(*rcs_type).ok_or("is no type that is known here");
        filter.rcs_types.extend(violations.check(format_args!("rcs_types[{i}]"), rcs_type));
    }
    if request.hosts.len() > MAX_ALTERNATIVES {
        violations.add("hosts", "has more than 32 items");
    }
    for (key, value) in labels::wanted("labels", &request.labels, violations) {
        match value {
            Some(value) => drop(filter.labels.insert(key, value)),
            None => filter.label_keys.push(key),
        }
    }
    filter.failing_since = request
        .failing_since
        .as_ref()
        .and_then(|time| violations.check("failing_since", timestamp_from_wire(time).ok_or("is out of range")));
    filter
}

fn order(request: &ListImportsRequest, violations: &mut Violations) -> Option<(ImportOrder, bool)> {
    let order = match wire::ImportOrder::try_from(request.order_by) {
        Ok(wire::ImportOrder::Unspecified | wire::ImportOrder::ImportId) => Ok(ImportOrder::ImportId),
        Ok(wire::ImportOrder::CreateTime) => Ok(ImportOrder::Created),
        Ok(wire::ImportOrder::LastSuccessTime) => Ok(ImportOrder::LastSuccess),
        Err(_) => Err("is no order that is known here"),
    };
    Some((violations.check("order_by", order)?, request.descending))
}

fn position_text(position: &ImportPosition) -> String {
    format!("{} {}", position.import_id, position.time)
}

fn position(text: &str) -> Option<ImportPosition> {
    let (import_id, time) = text.split_once(' ')?;
    Some(ImportPosition { import_id: import_id.to_owned(), time: time.parse().ok()? })
}
