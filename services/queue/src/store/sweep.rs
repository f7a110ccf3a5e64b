//! Brings onto the board what has come to wait: jobs that will be due in a moment, and what other replicas have written.
//! Whoever is about to look at the board does this first, once a second, unless somebody did it who was not in a hurry.
//!
//! Rows come in the order of `ready_at`, which is not before the moment in which they were written. So what lies below
//! the last look has been seen, but for rows of transactions that were under way then: each look goes back a little,
//! and some go back further than any transaction lasts.

use super::{
    Store, StoreError,
    lines::{LINES_WITH_HOSTS, line_with_host},
    lookout::Swept,
    rows::{self, host_columns},
};
use crate::{
    board::{LineId, Place, TurnKey, Waiter},
    host::Host,
};
use codeimport_pg::{DbError, Row, Statement, row::get};
use foldhash::HashMap;
use jiff::{SignedDuration, Timestamp};
use scoped_futures::ScopedFutureExt as _;
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

/// How often others' writes are looked for, at least as long as anybody looks at the board.
const INTERVAL: Duration = Duration::from_secs(1);
/// Whoever has the time may do it so long after the last look: then nobody has to wait for it.
const EARLY: Duration = Duration::from_millis(700);
/// So far ahead of their time jobs come onto the board: further than the next look is away.
const AHEAD: SignedDuration = SignedDuration::from_secs(2);
/// Most transactions take no longer.
const BACK: SignedDuration = SignedDuration::from_secs(2);
/// Four times as long as any statement may take (`PoolConfig::statement_timeout`).
const FAR_BACK: SignedDuration = SignedDuration::from_secs(60);
const FAR_BACK_INTERVAL: Duration = Duration::from_secs(20);
/// Most rows of one look. A backlog is read in several, from the longest due on.
const MOST_ROWS: i64 = 20_000;

/// In the order of the index, from where the last look ended; public so that a test can ask for its plan.
pub const SWEEP: &str = "\
-- queue.sweep
SELECT waiting.job_no, waiting.line_id, waiting.due_at, waiting.ready_at
  FROM waiting
 WHERE (waiting.ready_at, waiting.job_no) > ($1, $2)
   AND waiting.ready_at <= $3
 ORDER BY waiting.ready_at, waiting.job_no
 LIMIT $4";

const WAITING_OF_JOBS: &str = "\
-- queue.waiting_of_jobs
SELECT waiting.job_no, waiting.line_id, waiting.due_at, waiting.ready_at
  FROM waiting
 WHERE waiting.job_no = ANY ($1)";

/// Those that differ from what a host is at first, and those that this process believes to.
const WATCHED_HOSTS: &str = concat!(
    "-- queue.watched_hosts\nSELECT ",
    host_columns!(),
    "
  FROM source_host
 WHERE source_host.breaker <> 'closed' OR source_host.trouble_count > 0 OR source_host.open_at IS NOT NULL
    OR source_host.max_running IS NOT NULL OR source_host.starts_per_minute IS NOT NULL
UNION ALL
SELECT ",
    host_columns!(),
    "
  FROM source_host
 WHERE source_host.host_id = ANY ($1)
   AND NOT (source_host.breaker <> 'closed' OR source_host.trouble_count > 0 OR source_host.open_at IS NOT NULL
            OR source_host.max_running IS NOT NULL OR source_host.starts_per_minute IS NOT NULL)"
);

/// The database's time.
pub(super) const NOW: &str = "-- queue.now\nSELECT statement_timestamp() AS now";

pub(super) fn read_now(rows: &[Row]) -> Result<Timestamp, DbError> {
    rows.first().map_or(Ok(Timestamp::UNIX_EPOCH), |row| get(row, "now"))
}

/// What one look reads.
struct Look {
    from: (Timestamp, i64),
    until: Timestamp,
    far_back: bool,
    missed: Vec<i64>,
    hosts: Vec<i64>,
}

/// What it saw.
struct View {
    now: Timestamp,
    swept: Vec<Found>,
    missed: Vec<Found>,
    hosts: Vec<Host>,
}

/// A row of `waiting`.
struct Found {
    job_no: i64,
    place: Place,
    ready_at: Timestamp,
}

impl Store {
    /// Looks for what has come to wait, unless it was done a moment ago.
    pub(super) async fn sweep(&self) -> Result<(), StoreError> {
        self.sweep_after(INTERVAL).await
    }

    /// Does it a little before it is due.
    ///
    /// # Errors
    ///
    /// Only the database's: then the next one who looks tries again.
    pub async fn sweep_early(&self) -> Result<(), StoreError> {
        self.sweep_after(EARLY).await
    }

    async fn sweep_after(&self, age: Duration) -> Result<(), StoreError> {
        // Before the lock: whoever need not sweep does not wait for one who does.
        if !self.is_sweep_due(age) {
            return Ok(());
        }
        let _alone = self.sweeping.lock().await;
        if !self.is_sweep_due(age) {
            return Ok(());
        }
        let look = self.next_look().await?;
        match self.look(&look).await {
            Ok((view, keys)) => self.take_in(&look, view, &keys),
            Err(error) => {
                self.lookout.seen().swept.missed.extend(look.missed);
                return Err(error);
            }
        }
        Ok(())
    }

    fn is_sweep_due(&self, age: Duration) -> bool {
        let swept = &self.lookout.seen().swept;
        !swept.caught_up || swept.at.is_none_or(|at| at.elapsed() >= age)
    }

    async fn next_look(&self) -> Result<Look, StoreError> {
        if self.lookout.seen().swept.at.is_none() {
            let told = read_now(&self.db.client().await?.query(NOW, &[]).await?)?;
            self.lookout.seen().hear(told);
        }
        let mut seen = self.lookout.seen();
        let (until, hosts) = (seen.now() + AHEAD, seen.board.watched_hosts());
        let swept = &mut seen.swept;
        let far_back = swept.far_back_at.is_none_or(|at| at.elapsed() >= FAR_BACK_INTERVAL);
        let back = if far_back { FAR_BACK } else { BACK };
        let from = if swept.caught_up { (swept.reached.0 - AHEAD - back, 0) } else { swept.reached };
        let missed = std::mem::take(&mut swept.missed);
        Ok(Look { from, until, far_back, missed, hosts: hosts.into_iter().map(|host_id| host_id.0).collect() })
    }

    /// With the turn of each line in which a job was found.
    async fn look(&self, look: &Look) -> Result<(View, HashMap<LineId, TurnKey>), StoreError> {
        let view = self.view(look).await?;
        let keys = self.turns_of(&view).await?;
        Ok((view, keys))
    }

    async fn view(&self, look: &Look) -> Result<View, StoreError> {
        let read = self.db.run_tx("queue.sweep", |tx| {
            async move {
                let (ready_at, job_no) = look.from;
                Ok::<_, StoreError>(
                    tx.run_whole(&[
                        Statement::new(NOW),
                        Statement::new(SWEEP).bind(ready_at).bind(job_no).bind(look.until).bind(MOST_ROWS),
                        Statement::new(WAITING_OF_JOBS).bind(look.missed.clone()),
                        Statement::new(WATCHED_HOSTS).bind(look.hosts.clone()),
                    ])
                    .await?,
                )
            }
            .scope_boxed()
        });
        let read: Vec<Vec<Row>> = read.await?;
        let all = |rows: &[Row]| rows.iter().map(found).collect::<Result<Vec<Found>, DbError>>();
        let hosts = read[3].iter().map(rows::host).collect::<Result<_, _>>()?;
        Ok(View { now: read_now(&read[0])?, swept: all(&read[1])?, missed: all(&read[2])?, hosts })
    }

    /// Those of lines that are new here are read, with their hosts.
    async fn turns_of(&self, view: &View) -> Result<HashMap<LineId, TurnKey>, StoreError> {
        let found = view.swept.iter().chain(&view.missed);
        let lines: BTreeSet<LineId> = found.map(|found| found.place.line_id).collect();
        let mut keys: HashMap<LineId, TurnKey> = {
            let seen = self.lookout.seen();
            lines.iter().filter_map(|line_id| Some((*line_id, seen.board.turn_of(*line_id)?))).collect()
        };
        let unknown: Vec<i64> =
            lines.iter().filter(|line_id| !keys.contains_key(*line_id)).map(|line_id| line_id.0).collect();
        if unknown.is_empty() {
            return Ok(keys);
        }
        let rows = self.db.client().await?.query(LINES_WITH_HOSTS, &[&unknown]).await?;
        let read: Vec<(LineId, TurnKey, Host)> = rows.iter().map(line_with_host).collect::<Result<_, _>>()?;
        keys.extend(read.iter().map(|(line_id, key, _)| (*line_id, *key)));
        self.learn_hosts(read.into_iter().map(|(_, _, host)| host).collect());
        Ok(keys)
    }

    fn take_in(&self, look: &Look, view: View, keys: &HashMap<LineId, TurnKey>) {
        let mut seen = self.lookout.seen();
        let now = seen.hear(view.now);
        view.hosts.into_iter().for_each(|host| seen.board.learn(host, now));
        seen.swept.looked(look, &view.swept);
        let reached = seen.swept.reached.0;
        seen.board.set_horizon(reached);
        for found in view.swept.iter().chain(&view.missed) {
            if let Some(key) = keys.get(&found.place.line_id) {
                seen.board.admit(Waiter { job_no: found.job_no, place: found.place, key: *key }, now);
            }
        }
    }

    /// How many jobs this process keeps in mind.
    #[must_use]
    pub fn board_job_count(&self) -> u32 {
        u32::try_from(self.lookout.seen().board.job_count()).unwrap_or(u32::MAX)
    }

    /// Whether the board lacks a waiting job that it should have, had nobody else written it. For tests.
    #[must_use]
    pub fn overlooks(&self, job_no: i64, ready_at: Timestamp) -> bool {
        let seen = self.lookout.seen();
        let looked = seen.swept.at.is_some() && (ready_at, job_no) <= seen.swept.reached;
        looked && !seen.board.has(job_no) && !seen.swept.missed.contains(&job_no)
    }

    /// The next look reads everything anew. For whoever has changed it past the store: tests.
    pub fn forget_board(&self) {
        self.lookout.forget(*self.hosts());
    }
}

impl Swept {
    fn looked(&mut self, look: &Look, swept: &[Found]) {
        let last = swept.last().filter(|_| i64::try_from(swept.len()).is_ok_and(|count| count >= MOST_ROWS));
        self.caught_up = last.is_none();
        self.reached = last.map_or((look.until, i64::MAX), |found| (found.ready_at, found.job_no));
        self.at = Some(Instant::now());
        if look.far_back {
            self.far_back_at = self.at;
        }
    }
}

fn found(row: &Row) -> Result<Found, DbError> {
    Ok(Found {
        job_no: get(row, "job_no")?,
        place: Place { line_id: LineId(get(row, "line_id")?), due_at: get(row, "due_at")? },
        ready_at: get(row, "ready_at")?,
    })
}
