//! Rows to structs, one function for each type of row.

use crate::import::{
    AdaptiveInterval, BazaarOptions, Care, CvsOptions, Definition, Import, Intent, MercurialOptions, RefPatterns,
    RunHistory, Source, SubversionOptions,
};
use crate::reach::Spans;
use codeimport_pg::{
    DbError, Row,
    row::{get, millis_opt, parsed, parsed_opt},
};
use serde::de::DeserializeOwned;
use std::time::Duration;

/// The columns that [`import`] reads. A list leaves the author maps out: they are large.
macro_rules! import_columns {
    () => {
        import_columns!("import.author_map")
    };
    (without author_map) => {
        import_columns!("'' AS author_map")
    };
    ($author_map:literal) => {
        concat!(
            $author_map,
            ", ",
            "import.import_id, import.display_name, import.rcs_type, import.source_url, import.source_host, \
         import.target_url, import.include_patterns, import.exclude_patterns, import.update_interval_ms, \
         import.svn_layout, import.svn_git_svn_id_trailers, import.svn_convert_ignores, import.svn_keep_externals, \
         import.svn_normalize_line_ends, import.cvs_raw_keywords, import.cvs_charset, \
         import.hg_keep_subrepos, import.hg_freeze_rewritten, import.bzr_trailers, import.bzr_freeze_rewritten, \
         import.credential_id, import.shortest_interval_ms, \
         import.longest_interval_ms, import.owner, import.assignee, import.labels, import.is_duplicate, \
         import.review_status, import.review_reason, import.generation, import.created_generation, \
         import.resumed_generation, import.stopped_by_queue, import.registrant, import.created_at, \
         import.updated_at, import.reviewed_at, import.last_run_id, import.last_outcome, import.last_message, import.last_success_at, \
         import.consecutive_failure_count, import.failing_since"
        )
    };
}
pub(super) use import_columns;

/// An import from its columns.
pub(super) fn import(row: &Row) -> Result<Import, DbError> {
    Ok(Import {
        import_id: parsed(row, "import_id")?,
        intent: intent(row)?,
        generation: get(row, "generation")?,
        created_generation: get(row, "created_generation")?,
        resumed_generation: get(row, "resumed_generation")?,
        stopped_by_queue: get(row, "stopped_by_queue")?,
        registrant: get(row, "registrant")?,
        created_at: get(row, "created_at")?,
        updated_at: get(row, "updated_at")?,
        reviewed_at: get(row, "reviewed_at")?,
        history: run_history(row)?,
    })
}

fn intent(row: &Row) -> Result<Intent, DbError> {
    let ref_patterns = RefPatterns { include: get(row, "include_patterns")?, exclude: get(row, "exclude_patterns")? };
    let definition = Definition {
        display_name: get(row, "display_name")?,
        source: source(row)?,
        target_url: get(row, "target_url")?,
        ref_patterns,
        update_interval: millis_opt(row, "update_interval_ms")?,
        adaptive_interval: adaptive_interval(row)?,
        care: care(row)?,
        is_duplicate: get(row, "is_duplicate")?,
    };
    let status = parsed(row, "review_status")?;
    Ok(Intent { definition, status, review_reason: get(row, "review_reason")? })
}

/// The bounds of an interval; none if it is fixed.
pub(super) fn adaptive_interval(row: &Row) -> Result<Option<AdaptiveInterval>, DbError> {
    let bounds = millis_opt(row, "shortest_interval_ms")?.zip(millis_opt(row, "longest_interval_ms")?);
    Ok(bounds.map(|(shortest, longest)| AdaptiveInterval { shortest, longest }))
}

fn care(row: &Row) -> Result<Care, DbError> {
    Ok(Care { owner: get(row, "owner")?, assignee: get(row, "assignee")?, labels: json(row, "labels")? })
}

fn source(row: &Row) -> Result<Source, DbError> {
    Ok(Source {
        rcs_type: parsed(row, "rcs_type")?,
        url: get(row, "source_url")?,
        host: get(row, "source_host")?,
        subversion: SubversionOptions {
            layout: get(row, "svn_layout")?,
            git_svn_id_trailers: get(row, "svn_git_svn_id_trailers")?,
            convert_ignores: get(row, "svn_convert_ignores")?,
            keep_externals: get(row, "svn_keep_externals")?,
            normalize_line_ends: get(row, "svn_normalize_line_ends")?,
        },
        cvs: CvsOptions { raw_keywords: get(row, "cvs_raw_keywords")?, charset: get(row, "cvs_charset")? },
        mercurial: MercurialOptions {
            keep_subrepos: get(row, "hg_keep_subrepos")?,
            freeze_rewritten: get(row, "hg_freeze_rewritten")?,
        },
        bazaar: BazaarOptions {
            trailers: get(row, "bzr_trailers")?,
            freeze_rewritten: get(row, "bzr_freeze_rewritten")?,
        },
        author_map: get(row, "author_map")?,
        credential_id: get::<Option<String>>(row, "credential_id")?.unwrap_or_default(),
    })
}

fn run_history(row: &Row) -> Result<RunHistory, DbError> {
    Ok(RunHistory {
        last_run_id: get(row, "last_run_id")?,
        last_outcome: parsed_opt(row, "last_outcome")?,
        last_message: get(row, "last_message")?,
        last_success_at: get(row, "last_success_at")?,
        consecutive_failure_count: get(row, "consecutive_failure_count")?,
        failing_since: get(row, "failing_since")?,
    })
}

/// A column of JSON.
pub(super) fn json<T: DeserializeOwned>(row: &Row, column: &'static str) -> Result<T, DbError> {
    serde_json::from_value(get(row, column)?).map_err(|error| DbError::decode(column, &error))
}

/// A span as a column of milliseconds.
pub(super) fn to_milliseconds(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// An object id.
pub(super) fn object_id(row: &Row, column: &'static str) -> Result<[u8; 20], DbError> {
    to_object_id(get(row, column)?, column)
}

/// An object id of a nullable column.
pub(super) fn object_id_opt(row: &Row, column: &'static str) -> Result<Option<[u8; 20]>, DbError> {
    get::<Option<Vec<u8>>>(row, column)?.map(|bytes| to_object_id(bytes, column)).transpose()
}

/// A set of commit numbers.
pub(super) fn spans(row: &Row, column: &'static str) -> Result<Spans, DbError> {
    Spans::decode(&get::<Vec<u8>>(row, column)?).ok_or_else(|| DbError::decode(column, &"is no set of commit numbers"))
}

/// A column of many object ids, one behind the other.
pub(super) fn object_ids(row: &Row, column: &'static str) -> Result<Vec<[u8; 20]>, DbError> {
    match get::<Vec<u8>>(row, column)?.as_chunks() {
        (ids, []) => Ok(ids.to_vec()),
        _ => Err(DbError::decode(column, &"is not a multiple of 20 bytes long")),
    }
}

fn to_object_id(bytes: Vec<u8>, column: &'static str) -> Result<[u8; 20], DbError> {
    bytes.try_into().map_err(|_| DbError::decode(column, &"is not 20 bytes long"))
}
