//! What follows the end of a run, decided from what was read: nothing is written here.

use super::{
    end_run::{Closing, Ending},
    lines::LineKey,
    storable_text,
};
use crate::{
    board::{LineId, Place, TurnKey, Waiter},
    due_reason::{self, DueReason},
    host::{Host, HostPolicy},
    next_due::{self, EndedRun, Limits, Next},
    schedule::RunRequest,
};
use codeimport_core::Outcome;
use std::{collections::BTreeMap, time::Duration};

/// Longest message, in bytes.
pub(super) const MAX_MESSAGE_BYTES: usize = 4_000;

/// A run that ends, with what follows.
pub(super) struct Decided<'c> {
    pub(super) closing: &'c Closing,
    pub(super) ending: &'c Ending,
    pub(super) next: Next,
}

/// Where a job waits after its run, and why then.
#[derive(Clone, Copy)]
pub(super) struct Again {
    pub(super) waiter: Waiter,
    pub(super) reason: DueReason,
}

impl<'c> Decided<'c> {
    pub(super) fn new(limits: &Limits, ending: &'c Ending, closing: &'c Closing) -> Self {
        let next = next_due::next(&ended_run(ending, closing), limits, closing.now, rand::random());
        Self { closing, ending, next }
    }

    /// The request that is open after the run: one that arrived meanwhile, or the run's own if it was none.
    pub(super) fn open_request(&self) -> Option<&RunRequest> {
        let unanswered = matches!(self.ending.outcome, Outcome::Released | Outcome::Reclaimed);
        self.closing.run.rerun.as_ref().or_else(|| self.closing.run.request.as_ref().filter(|_| unanswered))
    }

    /// The line of requested jobs that it waits in, if it does in one.
    pub(super) fn requested_line(&self) -> Option<LineKey> {
        self.next.then.due_at()?;
        self.open_request()?;
        let job = &self.closing.job;
        let turn = TurnKey { host_id: job.host_id, rcs_type: job.rcs_type, requested: true };
        Some(LineKey { turn, owner: job.owner.clone() })
    }

    /// Where it waits, if it does.
    pub(super) fn again(&self, requested: &BTreeMap<LineKey, LineId>) -> Option<Again> {
        let due_at = self.next.then.due_at()?;
        let job = &self.closing.job;
        let line = self.requested_line();
        let line_id = match &line {
            Some(key) => *requested.get(key)?,
            None => job.line_id,
        };
        let key = TurnKey { host_id: job.host_id, rcs_type: job.rcs_type, requested: line.is_some() };
        let waiter = Waiter { job_no: job.job_no, place: Place { line_id, due_at }, key };
        Some(Again { waiter, reason: due_reason::after_run(&ended_run(self.ending, self.closing)) })
    }

    /// What it says of its host.
    pub(super) fn judge(&self, host: &Host, policy: &HostPolicy) -> Host {
        host.judged(self.ending.outcome, self.ending.retry_after, policy, self.closing.now)
    }

    /// Only a run that did its work has surely moved the fence in the target: one that failed early may not have come
    /// so far, and the reclaimed holder before it may still be alive.
    pub(super) fn after_reclaim(&self) -> bool {
        match self.ending.outcome {
            Outcome::Reclaimed => true,
            outcome if outcome.is_success() || outcome == Outcome::Partial => false,
            _ => self.closing.job.after_reclaim,
        }
    }

    pub(super) fn adapted_interval(&self) -> Option<Duration> {
        self.closing.job.bounds.map(|_| self.next.update_interval)
    }

    /// Whether the job's row has to be written. After a good run of a job that was well, and goes on, it has not.
    pub(super) fn changes_job(&self) -> bool {
        let job = &self.closing.job;
        (self.next.failure_count, self.next.reclaim_count) != (job.failure_count, job.reclaim_count)
            || self.next.then.due_at().is_none()
            || self.after_reclaim() != job.after_reclaim
            || self.adapted_interval() != job.adapted_interval
    }

    /// What people read of it; a run that was told to stop says why.
    pub(super) fn message(&self) -> String {
        let told = self.closing.run.stop_cause.as_ref().filter(|_| self.ending.outcome == Outcome::Cancelled);
        let text = match told {
            Some(cause) => format!("{cause} {}", self.ending.message),
            None => self.ending.message.clone(),
        };
        storable_text(text.trim_end(), MAX_MESSAGE_BYTES)
    }
}

fn ended_run(ending: &Ending, Closing { run, job, .. }: &Closing) -> EndedRun {
    EndedRun {
        outcome: ending.outcome,
        retry_after: ending.retry_after,
        started_at: run.started_at,
        due_at: run.place,
        wanted: job.wanted,
        update_interval: job.adapted_interval.unwrap_or(job.update_interval),
        bounds: job.bounds,
        overran: run.stop_cause.is_some(),
        requested_meanwhile: run.rerun.is_some(),
        failure_count: job.failure_count,
        reclaim_count: job.reclaim_count,
    }
}
