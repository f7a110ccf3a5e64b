//! What runs say: stored once per line number, bounded per run.

use super::{Store, StoreError, locked_hosts::column, storable_text};
use codeimport_core::{RunId, Stage};
use codeimport_pg::{
    DbError, Row, Statement,
    row::{get, parsed_opt},
};
use jiff::Timestamp;

/// Lines kept per run. A worker that says more has lost its thread; what follows is dropped.
pub const MAX_LOG_LINES: i64 = 10_000;

/// Longest line, in bytes.
pub const MAX_LINE_BYTES: usize = 4_000;

/// Lines read at once.
const READ_BATCH: i64 = 500;

/// One line of a run's log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogLine {
    /// From 1.
    pub line_number: i64,
    /// By the worker's clock.
    pub logged_at: Timestamp,
    /// The stage it belongs to.
    pub stage: Option<Stage>,
    /// Without line end.
    pub text: String,
}

/// Stores lines of runs whose lease the caller has proven in the same transaction; none if there are none. A number
/// that is there already is dropped, as is one beyond the limit.
pub(super) fn append_lines<'l>(runs: impl Iterator<Item = (RunId, &'l [LogLine])>) -> Option<Statement> {
    let lines = runs.flat_map(|(run_id, lines)| lines.iter().map(move |line| (run_id, line)));
    let kept: Vec<_> = lines.filter(|(_, line)| (1..=MAX_LOG_LINES).contains(&line.line_number)).collect();
    if kept.is_empty() {
        return None;
    }
    let statement = Statement::new(
        "-- queue.append_log
         INSERT INTO run_log_line (run_id, line_number, logged_at, stage, text)
         SELECT line.run_id, line.line_number::integer, line.logged_at, line.stage, line.text
           FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::text[], $5::text[])
                AS line (run_id, line_number, logged_at, stage, text)
             ON CONFLICT (run_id, line_number) DO NOTHING",
    )
    .bind(column(&kept, |(run_id, _)| run_id.0))
    .bind(column(&kept, |(_, line)| line.line_number))
    .bind(column(&kept, |(_, line)| line.logged_at))
    .bind(column(&kept, |(_, line)| line.stage.map(Stage::name)))
    .bind(column(&kept, |(_, line)| storable_text(&line.text, MAX_LINE_BYTES)));
    Some(statement)
}

impl Store {
    /// The next lines of a run's log after a number, in order; a bounded batch. Empty at the end.
    ///
    /// # Errors
    ///
    /// Only the database's.
    pub async fn read_log(&self, run_id: RunId, after_line_number: i64) -> Result<Vec<LogLine>, StoreError> {
        let rows = self
            .db
            .client()
            .await?
            .query(
                "-- queue.read_log
                 SELECT line_number::bigint AS line_number, logged_at, stage, text
                   FROM run_log_line
                  WHERE run_id = $1 AND line_number > $2
                  ORDER BY line_number
                  LIMIT $3",
                // Beyond the last possible number there is nothing, and an integer column need not be asked.
                &[&run_id.0, &i32::try_from(after_line_number).unwrap_or(i32::MAX), &READ_BATCH],
            )
            .await?;
        Ok(rows.iter().map(log_line).collect::<Result<_, _>>()?)
    }
}

fn log_line(row: &Row) -> Result<LogLine, DbError> {
    Ok(LogLine {
        line_number: get(row, "line_number")?,
        logged_at: get(row, "logged_at")?,
        stage: parsed_opt(row, "stage")?,
        text: get(row, "text")?,
    })
}
