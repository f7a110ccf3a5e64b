//! The columns of an import that people decide about: one struct, written as JSON that the database reads as a row.
//!
//! So a statement names [`intent_columns`] and has one parameter for all of them, however many imports it writes.

use super::rows::to_milliseconds;
use crate::{import::Intent, policy::source_key};
use serde::Serialize;
use std::collections::BTreeMap;

/// Names of the columns.
macro_rules! intent_columns {
    () => {
        "display_name, rcs_type, source_url, source_host, source_key, is_duplicate, target_url, include_patterns, \
         exclude_patterns, update_interval_ms, shortest_interval_ms, longest_interval_ms, svn_layout, \
         svn_git_svn_id_trailers, svn_convert_ignores, svn_keep_externals, svn_normalize_line_ends, \
         cvs_raw_keywords, cvs_charset, hg_keep_subrepos, hg_freeze_rewritten, bzr_trailers, bzr_freeze_rewritten, \
         author_map, credential_id, owner, assignee, labels, review_status, review_reason"
    };
}
pub(super) use intent_columns;

/// The values of an intent, each under the name of its column.
#[derive(Serialize)]
pub(super) struct IntentRow<'a> {
    display_name: &'a str,
    rcs_type: &'static str,
    source_url: &'a str,
    source_host: &'a str,
    source_key: String,
    is_duplicate: bool,
    target_url: &'a str,
    include_patterns: &'a [String],
    exclude_patterns: &'a [String],
    update_interval_ms: Option<i64>,
    shortest_interval_ms: Option<i64>,
    longest_interval_ms: Option<i64>,
    svn_layout: &'a str,
    svn_git_svn_id_trailers: bool,
    svn_convert_ignores: bool,
    svn_keep_externals: bool,
    svn_normalize_line_ends: bool,
    cvs_raw_keywords: bool,
    cvs_charset: &'a str,
    hg_keep_subrepos: bool,
    hg_freeze_rewritten: bool,
    bzr_trailers: bool,
    bzr_freeze_rewritten: bool,
    author_map: &'a str,
    credential_id: Option<&'a str>,
    owner: &'a str,
    assignee: &'a str,
    labels: &'a BTreeMap<String, String>,
    review_status: &'static str,
    review_reason: &'a str,
}

impl<'a> IntentRow<'a> {
    pub(super) fn of(intent: &'a Intent) -> Self {
        let definition = &intent.definition;
        let (source, care) = (&definition.source, &definition.care);
        let adaptive = definition.adaptive_interval;
        Self {
            display_name: &definition.display_name,
            rcs_type: source.rcs_type.name(),
            source_url: &source.url,
            source_host: &source.host,
            source_key: source_key(source.rcs_type, &source.url),
            is_duplicate: definition.is_duplicate,
            target_url: &definition.target_url,
            include_patterns: &definition.ref_patterns.include,
            exclude_patterns: &definition.ref_patterns.exclude,
            update_interval_ms: definition.update_interval.map(to_milliseconds),
            shortest_interval_ms: adaptive.map(|bounds| to_milliseconds(bounds.shortest)),
            longest_interval_ms: adaptive.map(|bounds| to_milliseconds(bounds.longest)),
            svn_layout: &source.subversion.layout,
            svn_git_svn_id_trailers: source.subversion.git_svn_id_trailers,
            svn_convert_ignores: source.subversion.convert_ignores,
            svn_keep_externals: source.subversion.keep_externals,
            svn_normalize_line_ends: source.subversion.normalize_line_ends,
            cvs_raw_keywords: source.cvs.raw_keywords,
            cvs_charset: &source.cvs.charset,
            hg_keep_subrepos: source.mercurial.keep_subrepos,
            hg_freeze_rewritten: source.mercurial.freeze_rewritten,
            bzr_trailers: source.bazaar.trailers,
            bzr_freeze_rewritten: source.bazaar.freeze_rewritten,
            author_map: &source.author_map,
            credential_id: Some(source.credential_id.as_str()).filter(|id| !id.is_empty()),
            owner: &care.owner,
            assignee: &care.assignee,
            labels: &care.labels,
            review_status: intent.status.name(),
            review_reason: &intent.review_reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::tests::intent;
    use codeimport_core::ReviewStatus;

    #[test]
    fn every_column_has_a_value_and_every_value_a_column() {
        let intent = intent(ReviewStatus::New);
        let row = serde_json::to_value(IntentRow::of(&intent)).expect("plain values");
        let mut fields: Vec<_> = row.as_object().expect("an object").keys().map(String::as_str).collect();
        let mut columns: Vec<_> = intent_columns!().split(", ").collect();
        fields.sort_unstable();
        columns.sort_unstable();
        assert_eq!(fields, columns);
    }
}
