//! Reads a page of the imports that a filter lets through.
//!
//! A page begins at the place where the one before ended, by an index: the last costs what the first does.

use super::{
    Store,
    rows::{self, import_columns},
};
use crate::import::Import;
use codeimport_core::{RcsType, ReviewStatus};
use codeimport_pg::{DbError, ToSql};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Which imports to list. Empty lists and texts let everything through.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ImportFilter {
    /// Only with one of these statuses.
    pub review_statuses: Vec<ReviewStatus>,
    /// Only of these types.
    pub rcs_types: Vec<RcsType>,
    /// Only where id, display name or source URL contain this, whatever the case of its letters.
    pub text: String,
    /// Only of sources on one of these hosts.
    pub hosts: Vec<String>,
    /// Only of this owner.
    pub owner: String,
    /// Only with all of these labels.
    pub labels: BTreeMap<String, String>,
    /// Only with labels of all these keys.
    pub label_keys: Vec<String>,
    /// Only where runs have failed since then or longer.
    pub failing_since: Option<Timestamp>,
}

/// What a list is ordered by; ids decide between equals.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ImportOrder {
    /// The id.
    ImportId,
    /// The time of definition.
    Created,
    /// The end of the last success; never is earliest.
    LastSuccess,
}

/// The last import of the page before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImportPosition {
    /// Its id.
    pub import_id: String,
    /// Its time, where the order is one of times.
    pub time: Timestamp,
}

impl ImportOrder {
    /// The place of an import in this order.
    #[must_use]
    pub fn position(self, import: &Import) -> ImportPosition {
        let time = match self {
            Self::ImportId => Timestamp::UNIX_EPOCH,
            Self::Created => import.created_at,
            Self::LastSuccess => import.history.last_success_at.unwrap_or(Timestamp::UNIX_EPOCH),
        };
        ImportPosition { import_id: import.import_id.to_string(), time }
    }
}

/// One statement for each order: an index belongs to it.
macro_rules! list_sql {
    ($before:literal, $after:literal, $order:literal) => {
        concat!(
            "-- registry.list_imports\n",
            "SELECT ",
            import_columns!(without author_map),
            " FROM import
             WHERE ($1::text IS NULL OR (", $before, ") ", $after, ")
               AND (cardinality($2::text[]) = 0 OR review_status = ANY ($2))
               AND (cardinality($3::text[]) = 0 OR rcs_type = ANY ($3))
               -- position and not LIKE: the text is no pattern
               AND ($4 = '' OR position(lower($4) IN lower(concat_ws(E'\\n', import_id, display_name, source_url))) > 0)
               AND (cardinality($5::text[]) = 0 OR source_host = ANY ($5))
               AND ($6 = '' OR owner = $6)
               AND ($7::jsonb = '{}' OR labels @> $7)
               AND (cardinality($8::text[]) = 0 OR labels ?& $8)
               AND ($9::timestamptz IS NULL OR failing_since <= $9)
             ORDER BY ", $order, "
             LIMIT $10"
        )
    };
}

fn statement(order: ImportOrder, descending: bool) -> &'static str {
    match (order, descending) {
        (ImportOrder::ImportId, false) => list_sql!("import_id", "> $1", "import_id"),
        (ImportOrder::ImportId, true) => list_sql!("import_id", "< $1", "import_id DESC"),
        (ImportOrder::Created, false) => list_sql!("created_at, import_id", "> ($11, $1)", "created_at, import_id"),
        (ImportOrder::Created, true) => {
            list_sql!("created_at, import_id", "< ($11, $1)", "created_at DESC, import_id DESC")
        }
        (ImportOrder::LastSuccess, false) => list_sql!(
            "coalesce(last_success_at, 'epoch'), import_id",
            "> ($11, $1)",
            "coalesce(last_success_at, 'epoch'), import_id"
        ),
        (ImportOrder::LastSuccess, true) => list_sql!(
            "coalesce(last_success_at, 'epoch'), import_id",
            "< ($11, $1)",
            "coalesce(last_success_at, 'epoch') DESC, import_id DESC"
        ),
    }
}

impl Store {
    /// At most `limit` imports in an order, those after a position; without their author maps.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn list_imports(
        &self,
        filter: &ImportFilter,
        (order, descending): (ImportOrder, bool),
        after: Option<&ImportPosition>,
        limit: u32,
    ) -> Result<Vec<Import>, DbError> {
        let statuses: Vec<_> = filter.review_statuses.iter().map(|status| status.name()).collect();
        let types: Vec<_> = filter.rcs_types.iter().map(|rcs_type| rcs_type.name()).collect();
        let labels = serde_json::to_value(&filter.labels).map_err(|error| DbError::decode("labels", &error))?;
        let (after_id, after_time) = (after.map(|a| &a.import_id), after.map(|a| a.time));
        let values: [&(dyn ToSql + Sync); 11] = [
            &after_id,
            &statuses,
            &types,
            &filter.text,
            &filter.hosts,
            &filter.owner,
            &labels,
            &filter.label_keys,
            &filter.failing_since,
            &i64::from(limit),
            &after_time,
        ];
        let used = if order == ImportOrder::ImportId { values.len() - 1 } else { values.len() };
        let client = self.db.client().await?;
        let rows = client.query(statement(order, descending), &values[..used]).await?;
        rows.iter().map(rows::import).collect()
    }
}
