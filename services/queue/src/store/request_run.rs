//! Records that people want runs now.

use super::{
    Store, StoreError, column,
    guarded_hosts::read_hosts,
    lines::{LineKey, line_ids},
    locked_jobs::{LockedJobs, Placed, lock_jobs},
    rows::{self, JobRow},
    waiting::{Waits, delete_waiting, insert_waiting},
};
use crate::{
    board::{LineId, Place, TurnKey},
    due_reason::DueReason,
    host::Host,
    schedule::{Job, JobState, RunRequest, ScheduleState},
};
use codeimport_core::{ImportId, RunId};
use codeimport_pg::{Statement, Tx};
use jiff::Timestamp;
use scoped_futures::ScopedFutureExt as _;
use std::collections::{BTreeMap, BTreeSet};

/// Somebody wants a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunWish {
    /// Of this job.
    pub job_id: ImportId,
    /// Who.
    pub by: String,
}

/// A request as it was recorded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Requested {
    /// The job after that.
    pub job: Job,
    /// The job's newest run until now. The run that answers the request has a higher number.
    pub after_run_id: Option<RunId>,
}

impl Store {
    /// Makes jobs due now unless they are overdue already, and lets them go first. While one runs: one more run
    /// follows. Each wish is answered for itself: [`StoreError::JobNotFound`] (also for a deleted job),
    /// [`StoreError::JobStopped`].
    ///
    /// `moved` is called as soon as any of them may be leased, which is before the answers.
    ///
    /// # Errors
    ///
    /// Only the database's; then the same wishes may be made again.
    pub async fn request_runs(
        &self,
        wishes: &[RunWish],
        moved: &(dyn Fn() + Sync),
    ) -> Result<Vec<Result<Requested, StoreError>>, StoreError> {
        let requested = self.request_waiting(wishes, moved).await?;
        let rest: Vec<RunWish> = wishes.iter().filter(|wish| !requested.contains_key(&wish.job_id)).cloned().collect();
        let mut others =
            if rest.is_empty() { Vec::new() } else { self.request_others(&rest, moved).await? }.into_iter();
        let answer = |wish: &RunWish| match requested.get(&wish.job_id) {
            Some(requested) => Some(Ok(requested.clone())),
            None => others.next(),
        };
        Ok(wishes.iter().filter_map(answer).collect())
    }

    /// Those that run, have no line yet, or cannot be recorded.
    async fn request_others(
        &self,
        wishes: &[RunWish],
        moved: &(dyn Fn() + Sync),
    ) -> Result<Vec<Result<Requested, StoreError>>, StoreError> {
        let recorded = self.db.run_tx("queue.request_runs", |tx| async move { record(tx, wishes).await }.scope_boxed());
        let recorded = recorded.await?;
        self.place(&recorded.placed, recorded.hosts, recorded.now);
        moved();
        Ok(recorded.answers)
    }
}

struct Recorded {
    answers: Vec<Result<Requested, StoreError>>,
    placed: Vec<Placed>,
    hosts: Vec<Host>,
    now: Timestamp,
}

async fn record(tx: &Tx<'_>, wishes: &[RunWish]) -> Result<Recorded, StoreError> {
    let job_ids: BTreeSet<&ImportId> = wishes.iter().map(|wish| &wish.job_id).collect();
    let job_ids: Vec<&ImportId> = job_ids.into_iter().collect();
    let LockedJobs { jobs, requested_lines, now } = lock_jobs(tx, &job_ids).await?;
    let mut jobs: BTreeMap<ImportId, JobRow> = jobs.into_iter().map(|row| (row.job.job_id.clone(), row)).collect();
    let (mut answers, mut changed) = (Vec::with_capacity(wishes.len()), BTreeSet::new());
    for wish in wishes {
        answers.push(wished(jobs.get_mut(&wish.job_id), wish, now, &mut changed));
    }
    let changed: Vec<&JobRow> = changed.iter().filter_map(|job_id| jobs.get(job_id)).collect();
    if changed.is_empty() {
        return Ok(Recorded { answers, placed: Vec::new(), hosts: Vec::new(), now });
    }
    let (placed, hosts) = write(tx, &changed, requested_lines).await?;
    Ok(Recorded { answers, placed, hosts, now })
}

/// Adds the request to the job, unless one is open already. Asking twice is asking once.
fn wished(
    row: Option<&mut JobRow>,
    wish: &RunWish,
    now: Timestamp,
    changed: &mut BTreeSet<ImportId>,
) -> Result<Requested, StoreError> {
    let row = row.ok_or_else(|| StoreError::JobNotFound(wish.job_id.clone()))?;
    let after_run_id = row.newest_run_id();
    let job = &mut row.job;
    let running = matches!(job.state, JobState::Running(_));
    if job.schedule.wanted == ScheduleState::Deleted && !running {
        return Err(StoreError::JobNotFound(wish.job_id.clone()));
    }
    if job.schedule.wanted != ScheduleState::Active || matches!(job.state, JobState::Stopped { .. }) {
        return Err(StoreError::JobStopped(wish.job_id.clone()));
    }
    if job.request.is_none() {
        job.request = Some(RunRequest { at: now, by: wish.by.clone() });
        if let JobState::Waiting { due_at } = &mut job.state {
            *due_at = now.min(*due_at);
        }
        changed.insert(wish.job_id.clone());
    }
    Ok(Requested { job: job.clone(), after_run_id })
}

async fn write(
    tx: &Tx<'_>,
    changed: &[&JobRow],
    mut lines: BTreeMap<LineKey, LineId>,
) -> Result<(Vec<Placed>, Vec<Host>), StoreError> {
    let (running, waiting): (Vec<&JobRow>, Vec<&JobRow>) =
        changed.iter().partition(|row| matches!(row.job.state, JobState::Running(_)));
    let mut missing: BTreeSet<LineKey> = waiting.iter().map(|row| requested_line(row)).collect();
    missing.retain(|key| !lines.contains_key(key));
    lines.extend(line_ids(tx, &missing).await?);
    let (mut waits, mut placed) = (Vec::with_capacity(waiting.len()), Vec::with_capacity(waiting.len()));
    for row in &waiting {
        let JobState::Waiting { due_at } = row.job.state else { continue };
        let key = requested_line(row);
        let Some(line_id) = lines.get(&key).copied() else { continue };
        let request = row.job.request.clone();
        let (job_no, due_reason, last_run_id) = (row.job_no, DueReason::Requested, row.last_run_id);
        waits.push(Waits { job_no, line_id, due_at, request, due_reason, last_run_id });
        placed.push(Placed { job_no, place: Some((Place { line_id, due_at }, key.turn)) });
    }
    let hosts = waiting.iter().map(|row| row.host_id).collect();
    let mut writes = vec![delete_waiting(column(&waiting, |row| row.job_no)), insert_waiting(&waits)];
    if !running.is_empty() {
        writes.push(request_reruns(&running));
    }
    writes.push(read_hosts(&hosts));
    let read = tx.commit_with(&writes).await?;
    let hosts = read.last().into_iter().flatten().map(rows::host).collect::<Result<_, _>>()?;
    Ok((placed, hosts))
}

fn requested_line(row: &JobRow) -> LineKey {
    let turn = TurnKey { host_id: row.host_id, rcs_type: row.job.schedule.rcs_type, requested: true };
    LineKey { turn, owner: row.job.schedule.owner.clone() }
}

fn request_reruns(running: &[&JobRow]) -> Statement {
    Statement::new(
        "-- queue.request_reruns
         UPDATE lease
            SET rerun_requested_at = item.requested_at, rerun_requested_by = item.requested_by
           FROM unnest($1::bigint[], $2::timestamptz[], $3::text[]) AS item (job_no, requested_at, requested_by)
          WHERE lease.job_no = item.job_no",
    )
    .bind(column(running, |row| row.job_no))
    .bind(column(running, |row| row.job.request.as_ref().map(|request| request.at)))
    .bind(column(running, |row| row.job.request.as_ref().map(|request| request.by.clone())))
}
