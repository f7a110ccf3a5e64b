//! What refs lead to after a swap: the history is read past a [`Sweep`], a few thousand commits at a time, newest first.
//!
//! 1. *Appended*: what is told since the last swap, and everything old that it stands on is a tip of the refs before: then what a ref
//!    leads to is something new, and all that those tips led to. That is what runs bring as a rule, and its cost is that of the news.
//! 2. *Whole*: else (a branch from the midst of history, a forced push), all commits are read, and every ref is worked out anew.
//!
//! Invariant: no more of a history is in memory than two chunks of it, and what the sweep has of its width.

use super::{Ref, ref_change::ObjectId};
use crate::{
    error::RegistryError,
    reach::{Span, Spans, sweep::Sweep},
};
use codeimport_pg::{DbError, Row, Tx, row::get};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::pin::pin;

/// So many commits are read at once.
const CHUNK: i64 = 5_000;

/// Tips that one sweep does: more are done by several, since each commit on the edge has a bit for every tip.
const TIPS: usize = 4_096;

/// Totals of the commits that were read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct News {
    pub(super) last_no: i64,
    pub(super) author_ids: HashSet<i64>,
    pub(super) times_s: Option<(i64, i64)>,
}

/// What follows for the refs.
#[derive(Debug)]
pub(super) struct Reachable {
    pub(super) news: News,
    /// For each tip that was asked for.
    pub(super) reach: BTreeMap<ObjectId, Spans>,
    /// Commits that were read and that no tip leads to.
    pub(super) unreachable: Spans,
}

/// The commits that are read: those of a history above a number.
struct Part<'t> {
    tx: &'t Tx<'t>,
    history_id: i64,
    above: i64,
    last_no: i64,
}

/// What is learned on the way, whoever leads to it.
struct Survey {
    news: News,
    /// Newest first, as they come.
    present: Vec<Span>,
    /// One sweep is enough to learn it.
    is_done: bool,
}

/// The way of *appended*. None if something old that the news or a tip stands on is not among the tips `before`.
pub(super) async fn appended(
    tx: &Tx<'_>,
    history_id: i64,
    above: i64,
    tips: &BTreeSet<ObjectId>,
    before: &BTreeMap<ObjectId, Spans>,
) -> Result<Option<Reachable>, DbError> {
    let part = Part::open(tx, history_id, above).await?;
    let found = part.sweep_all(tips, |id| before.get(id).ok_or(())).await?;
    Ok(found.ok())
}

/// The way of *whole*.
pub(super) async fn whole(tx: &Tx<'_>, history_id: i64, tips: &BTreeSet<ObjectId>) -> Result<Reachable, RegistryError> {
    let part = Part::open(tx, history_id, 0).await?;
    part.sweep_all(tips, |id| Err(RegistryError::CommitNotStored(hex::encode(id)))).await?
}

/// The numbers of those commits that are stored.
pub(super) async fn numbers(tx: &Tx<'_>, history_id: i64, ids: &BTreeSet<ObjectId>) -> Result<Vec<i64>, DbError> {
    const SQL: &str = "-- registry.numbers_of_commits
        SELECT commit_no FROM revision WHERE history_id = $1 AND commit_id = ANY ($2)";
    let ids: Vec<_> = ids.iter().map(ObjectId::as_slice).collect();
    tx.query(SQL, &[&history_id, &ids]).await?.iter().map(|row| get(row, "commit_no")).collect()
}

impl<'t> Part<'t> {
    async fn open(tx: &'t Tx<'t>, history_id: i64, above: i64) -> Result<Self, DbError> {
        const SQL: &str = "-- registry.last_number
            SELECT coalesce(max(commit_no), 0) AS number FROM revision WHERE history_id = $1";
        let last_no = get(&tx.query_one(SQL, &[&history_id]).await?, "number")?;
        Ok(Self { tx, history_id, above, last_no })
    }

    /// What all tips lead to. `upon` tells what commits lead to that are not in this part; its error is the answer.
    async fn sweep_all<'b, E: Send>(
        &self,
        tips: &BTreeSet<ObjectId>,
        upon: impl Fn(&ObjectId) -> Result<&'b Spans, E> + Send + Sync,
    ) -> Result<Result<Reachable, E>, DbError> {
        let tips: Vec<_> = tips.iter().copied().collect();
        let (mut survey, mut reach) = (Survey::new(self.above), BTreeMap::new());
        // Without any tip there is still something to be learned.
        let (first, others) = tips.split_at(tips.len().min(TIPS));
        for tips in std::iter::once(first).chain(others.chunks(TIPS)) {
            let (mut sweep, outside) = self.sweep(tips, &mut survey).await?;
            for id in outside {
                match upon(&id) {
                    Ok(spans) => sweep.settle(&id, spans),
                    Err(answer) => return Ok(Err(answer)),
                }
            }
            reach.extend(tips.iter().copied().zip(sweep.finish()));
        }
        let unreachable = Spans::new(survey.present).without(&Spans::union(reach.values()));
        Ok(Ok(Reachable { news: survey.news, reach, unreachable }))
    }

    /// As many passes as it takes; with it the commits that they stand on and that are not in this part.
    async fn sweep(&self, tips: &[ObjectId], survey: &mut Survey) -> Result<(Sweep, Vec<ObjectId>), DbError> {
        let mut sweep = Sweep::new(tips);
        let is_surveyed = survey.is_done;
        self.pass(self.last_no, |commit| {
            if !is_surveyed {
                survey.add(&commit);
            }
            commit.show(&mut sweep);
            true
        })
        .await?;
        survey.is_done = true;
        let mut left = sweep.end_pass();
        while let Some(highest) = self.highest(&left).await? {
            self.pass(highest, |commit| {
                commit.show(&mut sweep);
                !sweep.is_done()
            })
            .await?;
            left = sweep.end_pass();
        }
        Ok((sweep, left))
    }

    /// Reads commits from number `from` downwards, until told that it is enough. While one chunk is taken in, the next is on its way.
    async fn pass(&self, from: i64, mut take: impl FnMut(ReadCommit<'_>) -> bool + Send) -> Result<(), DbError> {
        const SQL: &str = "-- registry.read_graph
            SELECT commit_no, commit_id, parent_ids, author_id, committer_time_s
              FROM revision WHERE history_id = $1 AND commit_no > $2 AND commit_no <= $3 ORDER BY commit_no DESC";
        let tops = (0..).map(|n| from - n * CHUNK).take_while(|top| *top > self.above);
        let chunks = stream::iter(tops).map(async |top| {
            let above = (top - CHUNK).max(self.above);
            self.tx.query(SQL, &[&self.history_id, &above, &top]).await
        });
        let mut chunks = pin!(chunks.buffered(2));
        while let Some(rows) = chunks.try_next().await? {
            for row in &rows {
                if !take(ReadCommit::of(row)?) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The highest number that any of these commits has in this part.
    async fn highest(&self, ids: &[ObjectId]) -> Result<Option<i64>, DbError> {
        const SQL: &str = "-- registry.highest_of_commits
            SELECT max(commit_no) AS number FROM revision
             WHERE history_id = $1 AND commit_id = ANY ($2) AND commit_no > $3";
        if ids.is_empty() {
            return Ok(None);
        }
        let ids: Vec<_> = ids.iter().map(ObjectId::as_slice).collect();
        get(&self.tx.query_one(SQL, &[&self.history_id, &ids, &self.above]).await?, "number")
    }
}

/// A commit as a pass reads it. By place and not by name, as there are so many.
struct ReadCommit<'r> {
    number: i64,
    id: ObjectId,
    parent_ids: &'r [ObjectId],
    author_id: i64,
    time_s: i64,
}

impl<'r> ReadCommit<'r> {
    fn of(row: &'r Row) -> Result<Self, DbError> {
        let (id, parent_ids): (&[u8], &[u8]) = (row.get(1), row.get(2));
        let id = id.try_into().map_err(|_| DbError::decode("commit_id", &"is not 20 bytes long"))?;
        let (parent_ids, _) = parent_ids.as_chunks::<20>();
        Ok(Self { number: row.get(0), id, parent_ids, author_id: row.get(3), time_s: row.get(4) })
    }

    fn show(&self, sweep: &mut Sweep) {
        sweep.take(self.number, &self.id, self.parent_ids);
    }
}

impl Survey {
    fn new(last_no: i64) -> Self {
        Self { news: News { last_no, ..News::default() }, present: Vec::new(), is_done: false }
    }

    /// Takes in the next commit. Numbers fall.
    fn add(&mut self, commit: &ReadCommit<'_>) {
        let ReadCommit { number, author_id, time_s, .. } = *commit;
        self.news.last_no = self.news.last_no.max(number);
        self.news.author_ids.insert(author_id);
        let (first, last) = self.news.times_s.unwrap_or((time_s, time_s));
        self.news.times_s = Some((first.min(time_s), last.max(time_s)));
        match self.present.last_mut() {
            Some(span) if span.low == number + 1 => span.low = number,
            _ => self.present.push(Span { low: number, high: number }),
        }
    }
}

/// The commits that refs lead to, each once.
pub(super) fn tips(refs: &[Ref]) -> BTreeSet<ObjectId> {
    refs.iter().filter_map(|r| r.commit_id).collect()
}
