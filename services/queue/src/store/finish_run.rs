//! Holders end their leases: with an outcome, or by giving the job back.

use super::{
    LeaseName, LogLine, Store, StoreError, column,
    end_run::{Ending, Which, take},
    record_end::{EndedRuns, Returned, record},
};
use crate::run::RunStats;
use codeimport_core::{Outcome, RcsType, Stage};
use codeimport_pg::{Tx, row::get};
use jiff::Timestamp;
use scoped_futures::ScopedFutureExt as _;
use std::{collections::BTreeSet, time::Duration};

/// How a run went, by its worker's word.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finish {
    /// The lease.
    pub lease: LeaseName,
    /// How it ended.
    pub outcome: Outcome,
    /// In which stage.
    pub stage: Option<Stage>,
    /// What happened and what to do, for people. Cut to 4,000 bytes.
    pub message: String,
    /// What was done.
    pub stats: RunStats,
    /// Lines that no heartbeat has brought.
    pub log_lines: Vec<LogLine>,
    /// The host asked not to be called earlier.
    pub retry_after: Option<Duration>,
}

/// A job given back unfinished.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Release {
    /// The lease.
    pub lease: LeaseName,
    /// Why, for the record.
    pub reason: String,
    /// Lines that no heartbeat has brought.
    pub log_lines: Vec<LogLine>,
}

/// How a holder ends its lease.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum End {
    /// The run is over.
    Finish(Finish),
    /// The job goes back to its old place, nothing counted.
    Release(Release),
}

/// When the job of an ended run runs next; none: not by itself.
pub type NextDue = Option<Timestamp>;

/// What came of a batch of ends.
#[derive(Debug)]
pub struct HeldEnds {
    /// For each end its answer: [`StoreError::LeaseLost`] says that nothing was recorded of it.
    pub answers: Vec<Result<NextDue, StoreError>>,
    /// Whether there is anything to lease now.
    pub may_lease: bool,
}

impl Store {
    /// Ends leases, records how the runs went, and says when their jobs run next. The same end again gets the same
    /// answer: so whoever is answered with an error may repeat it.
    pub async fn end_held(&self, ends: &[End]) -> HeldEnds {
        let endings: Vec<Ending> = ends.iter().map(ending).collect();
        let (due, mut returned) = match self.end_well(&endings).await {
            Ok(ended) => ended,
            Err(error) => return HeldEnds { answers: vec![Err(error); ends.len()], may_lease: false },
        };
        let open: Vec<usize> = (0..ends.len()).filter(|at| due[*at].is_none()).collect();
        let mut answers: Vec<Result<NextDue, StoreError>> = due.into_iter().map(Ok).collect();
        if !open.is_empty() {
            let rest: Vec<Ending> = open.iter().map(|at| endings[*at].clone()).collect();
            let (rest, came_back) = self.end_rest(&rest).await;
            open.iter().zip(rest).for_each(|(at, answer)| answers[*at] = answer);
            returned.extend(came_back);
        }
        HeldEnds { answers, may_lease: self.take_back(&returned) }
    }

    /// Those that have to be read before they are decided.
    async fn end_rest(&self, endings: &[Ending]) -> (Vec<Result<NextDue, StoreError>>, Vec<Returned>) {
        let ended =
            self.db.run_tx("queue.end_held", |tx| async move { end_or_repeat(tx, self, endings).await }.scope_boxed());
        match ended.await {
            Ok((answers, ended)) => (answers, self.learn_ends(ended)),
            Err(error) => (vec![Err(error); endings.len()], Vec::new()),
        }
    }

    /// Takes in what a transaction has told of hosts and time; what has come back is returned.
    pub(super) fn learn_ends(&self, ended: EndedRuns) -> Vec<Returned> {
        if let Some(now) = ended.now {
            self.lookout.seen().hear(now);
        }
        self.learn_hosts(ended.hosts);
        ended.returned
    }

    /// Puts on the board what has come back. Whether anything is due earlier than was known.
    pub(super) fn take_back(&self, returned: &[Returned]) -> bool {
        let mut seen = self.lookout.seen();
        let now = seen.now();
        let all = RcsType::ALL.iter().copied().collect();
        let before = seen.board.next_turn(&all);
        for one in returned {
            if let Some(waiter) = one.waiter {
                seen.board.admit(waiter, now);
            }
            if let Some(host_id) = one.host_id {
                seen.board.has_room_again(host_id, now);
            }
        }
        seen.board.next_turn(&all).is_some_and(|next| before.is_none_or(|before| next < before) || next <= now)
    }
}

async fn end_or_repeat(
    tx: &Tx<'_>,
    store: &Store,
    endings: &[Ending],
) -> Result<(Vec<Result<NextDue, StoreError>>, EndedRuns), StoreError> {
    let closing = take(tx, endings, Which::Held).await?;
    let held: BTreeSet<usize> = closing.iter().map(|one| one.at).collect();
    let open: Vec<usize> = (0..endings.len()).filter(|at| !held.contains(at)).collect();
    let repeats = if open.is_empty() { Vec::new() } else { ended_before(tx, endings, &open).await? };
    let ended = record(tx, store, endings, &closing).await?;
    let mut answers: Vec<Result<NextDue, StoreError>> = vec![Err(StoreError::LeaseLost); endings.len()];
    for (at, next_due) in ended.ended.iter().map(|one| (one.at, one.then.due_at())).chain(repeats) {
        answers[at] = Ok(next_due);
    }
    Ok((answers, ended))
}

fn ending(end: &End) -> Ending {
    match end {
        End::Finish(finish) => Ending {
            lease: finish.lease.clone(),
            outcome: finish.outcome,
            stage: finish.stage,
            message: finish.message.clone(),
            stats: Some(finish.stats),
            log_lines: finish.log_lines.clone(),
            retry_after: finish.retry_after,
        },
        End::Release(release) => Ending {
            lease: release.lease.clone(),
            outcome: Outcome::Released,
            stage: None,
            message: release.reason.clone(),
            stats: None,
            log_lines: release.log_lines.clone(),
            retry_after: None,
        },
    }
}

/// The answers of runs that ended with the same outcome before: those ends are repeats. All others are lost leases.
async fn ended_before(tx: &Tx<'_>, endings: &[Ending], open: &[usize]) -> Result<Vec<(usize, NextDue)>, StoreError> {
    let rows = tx
        .query(
            "-- queue.ended_before
             SELECT item.position, run.next_due_at
               FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[]) WITH ORDINALITY
                    AS item (run_id, fencing_token, job_id, outcome, position)
               JOIN run ON run.run_id = item.run_id AND run.fencing_token = item.fencing_token
                       AND run.outcome = item.outcome
               JOIN job ON job.job_no = run.job_no AND job.job_id = item.job_id",
            &[
                &column(open, |at| endings[*at].lease.run_id.0),
                &column(open, |at| endings[*at].lease.fencing_token.0),
                &column(open, |at| endings[*at].lease.job_id.to_string()),
                &column(open, |at| endings[*at].outcome.name()),
            ],
        )
        .await?;
    let mut answers = Vec::with_capacity(rows.len());
    for row in &rows {
        let at = usize::try_from(get::<i64>(row, "position")? - 1).ok().and_then(|at| open.get(at));
        if let Some(at) = at {
            answers.push((*at, get(row, "next_due_at")?));
        }
    }
    Ok(answers)
}
