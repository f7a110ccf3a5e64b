//! What runs say: stored once per line number, bounded per run.

use super::{Store, StoreError, column, storable_text};
use codeimport_core::{RunId, Stage};
use codeimport_pg::{
    DbError, Row, Statement,
    row::{get, parsed_opt},
};
use jiff::Timestamp;

/// Lines kept per run, the last one of them saying that the log is cut. A worker that says more has lost its thread.
pub const MAX_LOG_LINES: i64 = 10_000;

/// Stands in the place of the last line, where others would follow.
const LOG_CUT: &str = "[the log is cut here: the run had more to say]";

/// Stands at the end of a line that was longer.
const LINE_CUT: &str = " [cut]";

/// Longest line, in bytes.
const MAX_LINE_BYTES: usize = 4_000;

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
    let lines = kept_lines(runs);
    let statement = Statement::new(
        "-- queue.append_log
         INSERT INTO run_log_line (run_id, line_number, logged_at, stage, text)
         SELECT line.run_id, line.line_number::integer, line.logged_at, line.stage, line.text
           FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::text[], $5::text[])
                AS line (run_id, line_number, logged_at, stage, text)
             ON CONFLICT (run_id, line_number) DO NOTHING",
    );
    (!lines.is_empty()).then(|| bind_lines(statement, &lines))
}

/// As columns of a batch: run, number, time, stage, text.
pub(super) fn bind_lines(statement: Statement, lines: &[(RunId, LogLine)]) -> Statement {
    statement
        .bind(column(lines, |(run_id, _)| run_id.0))
        .bind(column(lines, |(_, line)| line.line_number))
        .bind(column(lines, |(_, line)| line.logged_at))
        .bind(column(lines, |(_, line)| line.stage.map(Stage::name)))
        .bind(column(lines, |(_, line)| line.text.clone()))
}

/// The lines of runs that are stored.
pub(super) fn kept_lines<'l>(runs: impl Iterator<Item = (RunId, &'l [LogLine])>) -> Vec<(RunId, LogLine)> {
    let lines = runs.flat_map(|(run_id, lines)| lines.iter().map(move |line| (run_id, line)));
    lines.filter_map(|(run_id, line)| Some((run_id, kept(line)?))).collect()
}

/// The line as it is stored: from the last place on, however many come, as one mark.
fn kept(line: &LogLine) -> Option<LogLine> {
    match line.line_number {
        ..1 => None,
        1..MAX_LOG_LINES => Some(LogLine { text: storable_line(&line.text), ..line.clone() }),
        MAX_LOG_LINES.. => Some(LogLine { line_number: MAX_LOG_LINES, text: LOG_CUT.to_owned(), ..line.clone() }),
    }
}

/// Makes a line fit to be stored; one that is too long says so at its end.
#[must_use]
pub fn storable_line(text: &str) -> String {
    if text.len() <= MAX_LINE_BYTES {
        return storable_text(text, MAX_LINE_BYTES);
    }
    storable_text(text, MAX_LINE_BYTES - LINE_CUT.len()) + LINE_CUT
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
