//! Extends leases, and takes in what their runs report.

use super::{LeaseName, LogLine, Store, StoreError, run_log::append_lines, storable_text};
use crate::run::Progress;
use codeimport_core::Stage;
use codeimport_pg::{DbError, Row, Statement, Tx, row::get};
use jiff::Timestamp;
use scoped_futures::ScopedFutureExt as _;
use std::collections::{BTreeMap, HashMap};

/// A holder's sign of life for one lease.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Beat {
    /// The lease.
    pub lease: LeaseName,
    /// How far the run is; none if it has not changed.
    pub progress: Option<Progress>,
    /// New lines of its log.
    pub log_lines: Vec<LogLine>,
}

/// What became of one lease.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It goes on.
    Extended(Renewal),
    /// It goes on, but the run is to stop; why, for people.
    Cancel(Renewal, String),
    /// The caller does not hold it.
    Lost,
}

/// A lease after its extension.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Renewal {
    /// By the database's clock.
    pub expires_at: Timestamp,
}

impl Store {
    /// Extends each lease that is still held, unless it was told to stop and has had its time. Answers each beat for
    /// itself, in their order; of a lost lease nothing is recorded.
    ///
    /// # Errors
    ///
    /// Only the database's; then nothing at all was recorded.
    pub async fn heartbeat(&self, beats: &[Beat]) -> Result<Vec<Verdict>, StoreError> {
        let ttl_s = self.lease_ttl.as_secs_f64();
        let quiet = beats.iter().all(|beat| beat.log_lines.is_empty());
        self.db
            .run_tx("queue.heartbeat", |tx| {
                async move { if quiet { extend_lazily(tx, beats, ttl_s).await } else { take_in(tx, beats, ttl_s).await } }
                    .scope_boxed()
            })
            .await
    }
}

/// A beat that a crash of the server loses is followed by the next one, long before the lease may be taken back: the
/// commit waits for no disk.
async fn extend_lazily(tx: &Tx<'_>, beats: &[Beat], ttl_s: f64) -> Result<Vec<Verdict>, StoreError> {
    let lazy = Statement::new("-- queue.lazy_commit\nSELECT set_config('synchronous_commit', 'off', true)");
    let read = tx.run_whole(&[lazy, extend(beats, ttl_s)]).await?;
    verdicts(beats, &read[1])
}

/// With what the runs say.
async fn take_in(tx: &Tx<'_>, beats: &[Beat], ttl_s: f64) -> Result<Vec<Verdict>, StoreError> {
    let read = tx.pipeline(&[extend(beats, ttl_s)]).await?;
    let verdicts = verdicts(beats, &read[0])?;
    let held = beats.iter().zip(&verdicts).filter(|(_, verdict)| **verdict != Verdict::Lost);
    let lines = held.map(|(beat, _)| (beat.lease.run_id, beat.log_lines.as_slice()));
    if let Some(append) = append_lines(lines) {
        tx.commit_with(&[append]).await?;
    }
    Ok(verdicts)
}

/// The columns of a batch, in the order of the beats.
#[derive(Default)]
struct Columns {
    job_id: Vec<String>,
    run_id: Vec<i64>,
    fencing_token: Vec<i64>,
    reported: Vec<bool>,
    stage: Vec<Option<&'static str>>,
    done: Vec<i64>,
    total: Vec<Option<i64>>,
    unit: Vec<String>,
    received_bytes: Vec<i64>,
}

impl Columns {
    fn of<'b>(beats: impl Iterator<Item = &'b Beat>) -> Self {
        const MAX_UNIT_BYTES: usize = 100;
        let mut columns = Self::default();
        for beat in beats {
            let progress = beat.progress.clone().unwrap_or_default();
            columns.job_id.push(beat.lease.job_id.to_string());
            columns.run_id.push(beat.lease.run_id.0);
            columns.fencing_token.push(beat.lease.fencing_token.0);
            columns.reported.push(beat.progress.is_some());
            columns.stage.push(progress.stage.map(Stage::name));
            columns.done.push(progress.done_count);
            columns.total.push(progress.total_count);
            columns.unit.push(storable_text(&progress.unit, MAX_UNIT_BYTES));
            columns.received_bytes.push(progress.received_bytes);
        }
        columns
    }
}

fn extend(beats: &[Beat], ttl_s: f64) -> Statement {
    let order = order(beats);
    let columns = Columns::of(order.iter().map(|at| &beats[*at]));
    Statement::new(HEARTBEAT)
        .bind(columns.job_id)
        .bind(columns.run_id)
        .bind(columns.fencing_token)
        .bind(columns.reported)
        .bind(columns.stage)
        .bind(columns.done)
        .bind(columns.total)
        .bind(columns.unit)
        .bind(columns.received_bytes)
        .bind(ttl_s)
}

fn verdicts(beats: &[Beat], rows: &[Row]) -> Result<Vec<Verdict>, StoreError> {
    let held: HashMap<i64, (i64, Verdict)> = rows.iter().map(held).collect::<Result<_, DbError>>()?;
    // Two beats for the same lease get the same answer.
    let verdict = |beat: &Beat| {
        let (fencing_token, verdict) = held.get(&beat.lease.run_id.0)?;
        (*fencing_token == beat.lease.fencing_token.0).then(|| verdict.clone())
    };
    Ok(beats.iter().map(|beat| verdict(beat).unwrap_or(Verdict::Lost)).collect())
}

/// In the order of their keys, as everybody does who changes several leases; of two for one lease the later one counts.
fn order(beats: &[Beat]) -> Vec<usize> {
    let newest: BTreeMap<_, _> = beats.iter().enumerate().map(|(at, beat)| (name(&beat.lease), at)).collect();
    newest.into_values().collect()
}

fn name(lease: &LeaseName) -> (i64, i64, &str) {
    (lease.run_id.0, lease.fencing_token.0, lease.job_id.as_str())
}

fn held(row: &Row) -> Result<(i64, (i64, Verdict)), DbError> {
    let renewal = Renewal { expires_at: get(row, "expires_at")? };
    let verdict = match get::<Option<String>>(row, "cancel_reason")? {
        Some(reason) => Verdict::Cancel(renewal, reason),
        None => Verdict::Extended(renewal),
    };
    Ok((get(row, "run_id")?, (get(row, "fencing_token")?, verdict)))
}

/// Changes rows in place (HOT): no index has any of these columns.
const HEARTBEAT: &str = "\
-- queue.heartbeat
UPDATE lease
   SET expires_at = least(statement_timestamp() + make_interval(secs => $10), lease.ends_by),
       heartbeat_at = statement_timestamp(),
       stage = CASE WHEN item.reported THEN coalesce(item.stage, lease.stage) ELSE lease.stage END,
       progress_done = CASE WHEN item.reported THEN item.done ELSE lease.progress_done END,
       progress_total = CASE WHEN item.reported THEN item.total ELSE lease.progress_total END,
       progress_unit = CASE WHEN item.reported THEN item.unit ELSE lease.progress_unit END,
       progress_received_bytes =
           CASE WHEN item.reported THEN item.received_bytes ELSE lease.progress_received_bytes END,
       progress_at = CASE WHEN item.reported AND (item.stage, item.done, item.received_bytes)
                               IS DISTINCT FROM (lease.stage, lease.progress_done, lease.progress_received_bytes)
                          THEN statement_timestamp() ELSE lease.progress_at END
  FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bool[], $5::text[], $6::bigint[], $7::bigint[],
              $8::text[], $9::bigint[])
       AS item (job_id, run_id, fencing_token, reported, stage, done, total, unit, received_bytes)
 WHERE lease.run_id = ANY ($2)                          -- read by key, even when the table was empty lately
   AND lease.run_id = item.run_id
   AND lease.fencing_token = item.fencing_token
   AND lease.job_id = item.job_id
RETURNING lease.run_id, lease.fencing_token, lease.expires_at, lease.cancel_reason";
