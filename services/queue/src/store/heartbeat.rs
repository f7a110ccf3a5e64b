//! Extends leases, and takes in what their runs report.

use super::{LeaseName, LogLine, Store, StoreError, run_log, storable_text};
use crate::run::Progress;
use crate::schedule::ScheduleState;
use codeimport_core::Stage;
use codeimport_pg::{
    Tx,
    row::{get, parsed},
};
use jiff::Timestamp;
use scoped_futures::ScopedFutureExt as _;

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
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It goes on.
    Extended(Renewal),
    /// It goes on, but the run is to stop: the job was deleted.
    Cancel(Renewal),
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
    /// Extends each lease that is still held. Answers each beat for itself, in their order; of a lost lease nothing is
    /// recorded.
    ///
    /// # Errors
    ///
    /// Only the database's; then nothing at all was recorded.
    pub async fn heartbeat(&self, beats: &[Beat]) -> Result<Vec<Verdict>, StoreError> {
        let ttl_s = self.lease_ttl.as_secs_f64();
        self.db
            .run_tx("queue.heartbeat", |tx| {
                async move {
                    let verdicts = extend(tx, beats, ttl_s).await?;
                    let held = beats.iter().zip(&verdicts).filter(|(_, verdict)| **verdict != Verdict::Lost);
                    let lines: Vec<_> = held
                        .flat_map(|(beat, _)| beat.log_lines.iter().map(|line| (beat.lease.run_id, line)))
                        .collect();
                    run_log::append_lines(tx, &lines).await?;
                    Ok(verdicts)
                }
                .scope_boxed()
            })
            .await
    }
}

/// The columns of a batch, in the order of the beats.
#[derive(Default)]
struct Columns<'a> {
    job_id: Vec<&'a str>,
    run_id: Vec<i64>,
    fencing_token: Vec<i64>,
    reported: Vec<bool>,
    stage: Vec<Option<&'a str>>,
    done: Vec<i64>,
    total: Vec<Option<i64>>,
    unit: Vec<String>,
    received_bytes: Vec<i64>,
}

impl<'a> Columns<'a> {
    fn of(beats: &'a [Beat]) -> Self {
        const MAX_UNIT_BYTES: usize = 100;
        let mut columns = Self::default();
        for beat in beats {
            let progress = beat.progress.clone().unwrap_or_default();
            columns.job_id.push(beat.lease.job_id.as_str());
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

async fn extend(tx: &Tx<'_>, beats: &[Beat], ttl_s: f64) -> Result<Vec<Verdict>, StoreError> {
    let columns = Columns::of(beats);
    let rows = tx
        .query(
            "-- queue.heartbeat
             WITH item AS (
                 SELECT *
                   FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bool[], $5::text[], $6::bigint[],
                               $7::bigint[], $8::text[], $9::bigint[]) WITH ORDINALITY
                        AS item (job_id, run_id, fencing_token, reported, stage, done, total, unit, received_bytes,
                                 position)
             ), held AS (
                 UPDATE job
                    SET lease_expires_at = statement_timestamp() + make_interval(secs => $10)
                   FROM item
                  WHERE job.job_id = item.job_id
                    AND job.run_id = item.run_id
                    AND job.fencing_token = item.fencing_token
                    AND job.state = 'running'
              RETURNING job.run_id, job.fencing_token, job.wanted, job.lease_expires_at
             ), reported AS (
                 UPDATE run
                    SET heartbeat_at = statement_timestamp(),
                        stage = CASE WHEN item.reported THEN coalesce(item.stage, run.stage) ELSE run.stage END,
                        progress_done = CASE WHEN item.reported THEN item.done ELSE run.progress_done END,
                        progress_total = CASE WHEN item.reported THEN item.total ELSE run.progress_total END,
                        progress_unit = CASE WHEN item.reported THEN item.unit ELSE run.progress_unit END,
                        progress_received_bytes =
                            CASE WHEN item.reported THEN item.received_bytes ELSE run.progress_received_bytes END
                   FROM item
                   JOIN held ON held.run_id = item.run_id AND held.fencing_token = item.fencing_token
                  WHERE run.run_id = item.run_id
                    AND run.fencing_token = item.fencing_token
                    AND run.state = 'running'
             )
             SELECT item.position, held.wanted, held.lease_expires_at
               FROM item
               JOIN held ON held.run_id = item.run_id AND held.fencing_token = item.fencing_token",
            &[
                &columns.job_id,
                &columns.run_id,
                &columns.fencing_token,
                &columns.reported,
                &columns.stage,
                &columns.done,
                &columns.total,
                &columns.unit,
                &columns.received_bytes,
                &ttl_s,
            ],
        )
        .await?;
    let mut verdicts = vec![Verdict::Lost; beats.len()];
    for row in &rows {
        let renewal = Renewal { expires_at: get(row, "lease_expires_at")? };
        // Positions count from 1. Two items for the same lease get the same answer.
        let at = usize::try_from(get::<i64>(row, "position")? - 1).ok();
        if let Some(verdict) = at.and_then(|at| verdicts.get_mut(at)) {
            *verdict = match parsed::<ScheduleState>(row, "wanted")? {
                ScheduleState::Deleted => Verdict::Cancel(renewal),
                ScheduleState::Active | ScheduleState::Suspended => Verdict::Extended(renewal),
            };
        }
    }
    Ok(verdicts)
}
