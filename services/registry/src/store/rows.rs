//! Rows to structs, one function for each type of row.

use crate::import::{Definition, Import, Intent, RefPatterns, RunHistory, Source};
use codeimport_core::{ImportId, ReviewStatus};
use codeimport_pg::{DbError, Row};
use std::{str::FromStr, time::Duration};

/// The columns that [`import`] reads.
macro_rules! import_columns {
    () => {
        "import.import_id, import.display_name, import.rcs_type, import.source_url, import.source_host, \
         import.target_url, import.include_patterns, import.exclude_patterns, import.update_interval_ms, \
         import.review_status, import.review_reason, import.generation, import.created_generation, \
         import.resumed_generation, \
         import.stopped_by_queue, import.registrant, import.created_at, import.updated_at, import.last_run_id, \
         import.last_outcome, import.last_message, import.last_success_at, import.consecutive_failure_count"
    };
}
pub(super) use import_columns;

/// An import from its columns.
pub(super) fn import(row: &Row) -> Result<Import, DbError> {
    Ok(Import {
        import_id: parse::<ImportId>(row, "import_id")?,
        intent: intent(row)?,
        generation: row.get("generation"),
        created_generation: row.get("created_generation"),
        resumed_generation: row.get("resumed_generation"),
        stopped_by_queue: row.get("stopped_by_queue"),
        registrant: row.get("registrant"),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
        history: run_history(row)?,
    })
}

fn intent(row: &Row) -> Result<Intent, DbError> {
    let ref_patterns = RefPatterns { include: row.get("include_patterns"), exclude: row.get("exclude_patterns") };
    let source = Source { rcs_type: parse(row, "rcs_type")?, url: row.get("source_url"), host: row.get("source_host") };
    let definition = Definition {
        display_name: row.get("display_name"),
        source,
        target_url: row.get("target_url"),
        ref_patterns,
        update_interval: row.get::<_, Option<i64>>("update_interval_ms").map(milliseconds).transpose()?,
    };
    let status = parse::<ReviewStatus>(row, "review_status")?;
    Ok(Intent { definition, status, review_reason: row.get("review_reason") })
}

fn run_history(row: &Row) -> Result<RunHistory, DbError> {
    let outcome: Option<&str> = row.get("last_outcome");
    Ok(RunHistory {
        last_run_id: row.get("last_run_id"),
        last_outcome: outcome.map(str::parse).transpose().map_err(|error| DbError::decode("last_outcome", &error))?,
        last_message: row.get("last_message"),
        last_success_at: row.get("last_success_at"),
        consecutive_failure_count: row.get("consecutive_failure_count"),
    })
}

/// A text column that holds the name of a value.
pub(super) fn parse<T>(row: &Row, column: &'static str) -> Result<T, DbError>
where
    T: FromStr<Err: ToString>,
{
    row.get::<_, &str>(column).parse().map_err(|error| DbError::decode(column, &error))
}

/// A span from a column of milliseconds.
pub(super) fn milliseconds(span: i64) -> Result<Duration, DbError> {
    u64::try_from(span).map(Duration::from_millis).map_err(|error| DbError::decode("update_interval_ms", &error))
}

/// A span as a column of milliseconds.
pub(super) fn to_milliseconds(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// The 20 bytes of an object id.
pub(super) fn object_id(bytes: &[u8], column: &'static str) -> Result<[u8; 20], DbError> {
    bytes.try_into().map_err(|_| DbError::decode(column, &"is not 20 bytes long"))
}
