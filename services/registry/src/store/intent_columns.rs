//! The columns of an import that people decide about, in one order for all statements that write them.
//!
//! A statement lists [`intent_columns`], gives them [`intent_parameters`], and numbers its own parameters from `$17` on.

use super::rows::to_milliseconds;
use crate::import::Intent;
use codeimport_pg::ToSql;

/// Names of the columns.
macro_rules! intent_columns {
    () => {
        "display_name, rcs_type, source_url, source_host, target_url, include_patterns, exclude_patterns, \
         update_interval_ms, svn_layout, svn_git_svn_id_trailers, svn_convert_ignores, svn_keep_externals, \
         svn_normalize_line_ends, author_map, review_status, review_reason"
    };
}
pub(super) use intent_columns;

/// Their parameters.
macro_rules! intent_parameters {
    () => {
        "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16"
    };
}
pub(super) use intent_parameters;

/// The values of an intent as the database takes them.
pub(super) struct IntentRow<'a> {
    intent: &'a Intent,
    rcs_type: &'static str,
    update_interval_ms: Option<i64>,
    status: &'static str,
}

impl<'a> IntentRow<'a> {
    pub(super) fn of(intent: &'a Intent) -> Self {
        Self {
            intent,
            rcs_type: intent.definition.source.rcs_type.name(),
            update_interval_ms: intent.definition.update_interval.map(to_milliseconds),
            status: intent.status.name(),
        }
    }

    /// The values in the order of the columns, and those of the statement's own parameters behind them.
    pub(super) fn values<'v>(&'v self, own: &[&'v (dyn ToSql + Sync)]) -> Vec<&'v (dyn ToSql + Sync)> {
        let definition = &self.intent.definition;
        let (source, subversion) = (&definition.source, &definition.source.subversion);
        let values: [&'v (dyn ToSql + Sync); 16] = [
            &definition.display_name,
            &self.rcs_type,
            &source.url,
            &source.host,
            &definition.target_url,
            &definition.ref_patterns.include,
            &definition.ref_patterns.exclude,
            &self.update_interval_ms,
            &subversion.layout,
            &subversion.git_svn_id_trailers,
            &subversion.convert_ignores,
            &subversion.keep_externals,
            &subversion.normalize_line_ends,
            &source.author_map,
            &self.status,
            &self.intent.review_reason,
        ];
        [&values[..], own].concat()
    }
}
