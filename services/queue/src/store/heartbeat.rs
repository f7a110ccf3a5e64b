//! Extends leases, and takes in what their runs report.

use super::{
    LeaseName, LogLine, Store, StoreError, column,
    paired::{named_leases, paired},
    run_log::append_lines,
    storable_text,
};
use crate::run::Progress;
use codeimport_core::Stage;
use codeimport_pg::{DbError, Row, Statement, Tx, row::get};
use foldhash::HashMap;
use jiff::Timestamp;
use scoped_futures::ScopedFutureExt as _;
use std::collections::BTreeMap;

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

/// The commit of this transaction will not wait for the disk.
pub(super) const LAZY_COMMIT: &str = "-- queue.lazy_commit\nSELECT set_config('synchronous_commit', 'off', true)";

/// A beat that a crash of the server loses is followed by the next one, long before the lease may be taken back: the
/// commit waits for no disk.
async fn extend_lazily(tx: &Tx<'_>, beats: &[Beat], ttl_s: f64) -> Result<Vec<Verdict>, StoreError> {
    let lazy = Statement::new(LAZY_COMMIT);
    let order = order(beats);
    let statements: Vec<Statement> = [lazy, extend(&order, ttl_s)].into_iter().chain(report(&order)).collect();
    let read = tx.run_whole(&statements).await?;
    verdicts(beats, &read[1])
}

/// With what the runs say.
async fn take_in(tx: &Tx<'_>, beats: &[Beat], ttl_s: f64) -> Result<Vec<Verdict>, StoreError> {
    let order = order(beats);
    let statements: Vec<Statement> = [extend(&order, ttl_s)].into_iter().chain(report(&order)).collect();
    let read = tx.pipeline(&statements).await?;
    let verdicts = verdicts(beats, &read[0])?;
    let held = beats.iter().zip(&verdicts).filter(|(_, verdict)| **verdict != Verdict::Lost);
    let lines = held.map(|(beat, _)| (beat.lease.run_id, beat.log_lines.as_slice()));
    if let Some(append) = append_lines(lines) {
        tx.commit_with(&[append]).await?;
    }
    Ok(verdicts)
}

fn extend(order: &[&Beat], ttl_s: f64) -> Statement {
    bind_names(Statement::new(EXTEND_LEASES), order).bind(ttl_s)
}

/// What the runs report that report anything: few of a batch. Their rows are locked by [`EXTEND_LEASES`] already.
fn report(order: &[&Beat]) -> Option<Statement> {
    const MAX_UNIT_BYTES: usize = 100;
    let reporting: Vec<&Beat> = order.iter().copied().filter(|beat| beat.progress.is_some()).collect();
    if reporting.is_empty() {
        return None;
    }
    let progress: Vec<Progress> = reporting.iter().filter_map(|beat| beat.progress.clone()).collect();
    let statement = bind_names(Statement::new(REPORT_PROGRESS), &reporting)
        .bind(column(&progress, |progress| progress.stage.map(Stage::name)))
        .bind(column(&progress, |progress| progress.done_count))
        .bind(column(&progress, |progress| progress.total_count))
        .bind(column(&progress, |progress| storable_text(&progress.unit, MAX_UNIT_BYTES)))
        .bind(column(&progress, |progress| progress.received_bytes));
    Some(statement)
}

fn bind_names(statement: Statement, beats: &[&Beat]) -> Statement {
    statement
        .bind(column(beats, |beat| beat.lease.run_id.0))
        .bind(column(beats, |beat| beat.lease.fencing_token.0))
        .bind(column(beats, |beat| beat.lease.job_id.as_str().to_owned()))
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

/// In the order of their tokens, by which a lease finds its beat; of two for one lease the later one counts.
fn order(beats: &[Beat]) -> Vec<&Beat> {
    let newest: BTreeMap<_, _> = beats.iter().map(|beat| (name(&beat.lease), beat)).collect();
    newest.into_values().collect()
}

fn name(lease: &LeaseName) -> (i64, i64, &str) {
    (lease.fencing_token.0, lease.run_id.0, lease.job_id.as_str())
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
const EXTEND_LEASES: &str = concat!(
    "-- queue.extend_leases
UPDATE lease
   SET expires_at = least(statement_timestamp() + make_interval(secs => $4), lease.ends_by),
       heartbeat_at = statement_timestamp()
 WHERE ",
    named_leases!(),
    "
RETURNING lease.run_id, lease.fencing_token, lease.expires_at, lease.cancel_reason"
);

const REPORT_PROGRESS: &str = concat!(
    "-- queue.report_progress
UPDATE lease
   SET stage = coalesce(",
    paired!("$4::name[]", "lease.fencing_token" in "$2::bigint[]"),
    ", lease.stage), progress_done = ",
    paired!("$5::bigint[]", "lease.fencing_token" in "$2::bigint[]"),
    ", progress_total = ",
    paired!("$6::bigint[]", "lease.fencing_token" in "$2::bigint[]"),
    ", progress_unit = ",
    paired!("$7::text[]", "lease.fencing_token" in "$2::bigint[]"),
    ", progress_received_bytes = ",
    paired!("$8::bigint[]", "lease.fencing_token" in "$2::bigint[]"),
    ", progress_at = CASE WHEN (",
    paired!("$4::name[]", "lease.fencing_token" in "$2::bigint[]"),
    ", ",
    paired!("$5::bigint[]", "lease.fencing_token" in "$2::bigint[]"),
    ", ",
    paired!("$8::bigint[]", "lease.fencing_token" in "$2::bigint[]"),
    ") IS DISTINCT FROM (lease.stage, lease.progress_done, lease.progress_received_bytes)
            THEN statement_timestamp() ELSE lease.progress_at END
 WHERE ",
    named_leases!()
);
