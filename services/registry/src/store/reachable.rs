//! What refs lead to after a swap: read from the history as little of it as will do, worked out by [`reach`](crate::reach).
//!
//! 1. *Appended*: what is told since the last swap, and everything old that it stands on is a tip of the refs before: then what a ref
//!    leads to is something new, and all that those tips led to. That is what runs bring as a rule, and its cost is that of the news.
//! 2. *Whole*: else (a branch from the midst of history, a forced push), all commits are read, some 90 bytes of memory each, and every
//!    ref is worked out anew. What no ref leads to is then told to be deleted.

use super::{Ref, ref_change::ObjectId, rows};
use crate::{
    error::RegistryError,
    reach::{
        Spans,
        graph::{Graph, Missing},
    },
};
use codeimport_pg::{DbError, Row, Tx, row::get};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::pin::pin;

/// So many commits are read at once.
const CHUNK: usize = 50_000;

/// What a history has, as far as a swap wants to know it.
pub(super) struct Reading {
    graph: Graph,
    /// Of the commits told since the last swap.
    pub(super) news: News,
}

/// Totals of commits that are new.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct News {
    pub(super) commit_count: i64,
    pub(super) last_no: i64,
    pub(super) author_ids: HashSet<i64>,
    pub(super) times_s: Option<(i64, i64)>,
}

/// What follows for the refs.
#[derive(Debug, Default)]
pub(super) struct Reachable {
    /// For each tip that was asked for.
    pub(super) reach: BTreeMap<ObjectId, Spans>,
    /// Commits that no ref leads to.
    pub(super) unreachable: Vec<i64>,
}

/// Reads all commits of a history with numbers above `after`: while one chunk is taken in, the next is on its way.
pub(super) async fn read(tx: &Tx<'_>, history_id: i64, after: i64) -> Result<Reading, DbError> {
    const SQL: &str = "-- registry.read_graph
        SELECT commit_no, commit_id, parent_ids, author_id, committer_time_s
          FROM revision WHERE history_id = $1 AND commit_no > $2 AND commit_no <= $2 + $3 ORDER BY commit_no";
    let mut reading = Reading { graph: Graph::default(), news: News { last_no: after, ..News::default() } };
    let end = last_number(tx, history_id).await?;
    let begins = (after..end).step_by(CHUNK);
    let chunks = stream::iter(begins).map(async |begin| tx.query(SQL, &[&history_id, &begin, &(CHUNK as i64)]).await);
    let mut chunks = pin!(chunks.buffered(2));
    while let Some(rows) = chunks.try_next().await? {
        rows.iter().try_for_each(|row| reading.add(row))?;
    }
    Ok(reading)
}

async fn last_number(tx: &Tx<'_>, history_id: i64) -> Result<i64, DbError> {
    const SQL: &str = "-- registry.last_number
        SELECT coalesce(max(commit_no), 0) AS number FROM revision WHERE history_id = $1";
    get(&tx.query_one(SQL, &[&history_id]).await?, "number")
}

/// The numbers of those commits that are stored.
pub(super) async fn numbers(tx: &Tx<'_>, history_id: i64, ids: &BTreeSet<ObjectId>) -> Result<Vec<i64>, DbError> {
    const SQL: &str = "-- registry.numbers_of_commits
        SELECT commit_no FROM revision WHERE history_id = $1 AND commit_id = ANY ($2)";
    let ids: Vec<_> = ids.iter().map(ObjectId::as_slice).collect();
    tx.query(SQL, &[&history_id, &ids]).await?.iter().map(|row| get(row, "commit_no")).collect()
}

impl Reading {
    fn add(&mut self, row: &Row) -> Result<(), DbError> {
        let (number, parents): (i64, &[u8]) = (row.get("commit_no"), row.get("parent_ids"));
        let (parents, _) = parents.as_chunks::<20>();
        self.graph.add(number, rows::object_id(row, "commit_id")?, parents.iter().copied());
        self.news.add(number, get(row, "author_id")?, get(row, "committer_time_s")?);
        Ok(())
    }

    /// The way of *appended*. None if something old that the news or a tip stands on is not among the tips `before`.
    pub(super) fn appended(self, tips: &BTreeSet<ObjectId>, before: &BTreeMap<ObjectId, Spans>) -> Option<Reachable> {
        let Self { graph, .. } = self;
        let mut old: BTreeSet<ObjectId> = graph.outside().into_iter().collect();
        old.extend(tips.iter().filter(|id| !graph.contains(id)));
        let floor: Vec<_> = old.into_iter().collect();
        let below: Vec<&Spans> = floor.iter().map(|id| before.get(id)).collect::<Option<_>>()?;
        let linked = graph.link_upon(&floor).ok()?;
        let tips: Vec<_> = tips.iter().copied().collect();
        let upon = |spans: Spans| {
            let reached = (1_i64..).zip(&below).filter(|(number, _)| spans.contains(-number)).map(|(_, old)| *old);
            Spans::union(reached.chain([&spans.within(1, i64::MAX)]))
        };
        let reach: BTreeMap<_, _> = tips.iter().copied().zip(linked.reach(&tips).ok()?.into_iter().map(upon)).collect();
        let mut unreachable = linked.left_out(&Spans::union(reach.values()));
        unreachable.retain(|number| *number > 0);
        Some(Reachable { reach, unreachable })
    }

    /// The way of *whole*: the reading must be one of all commits.
    pub(super) fn whole(self, tips: &BTreeSet<ObjectId>) -> Result<Reachable, RegistryError> {
        let linked = self.graph.link().map_err(not_stored)?;
        let tips: Vec<_> = tips.iter().copied().collect();
        let reach: BTreeMap<_, _> = tips.iter().copied().zip(linked.reach(&tips).map_err(not_stored)?).collect();
        let unreachable = linked.left_out(&Spans::union(reach.values()));
        Ok(Reachable { reach, unreachable })
    }
}

impl News {
    fn add(&mut self, number: i64, author_id: i64, time_s: i64) {
        self.commit_count += 1;
        self.last_no = number;
        self.author_ids.insert(author_id);
        let (first, last) = self.times_s.unwrap_or((time_s, time_s));
        self.times_s = Some((first.min(time_s), last.max(time_s)));
    }
}

fn not_stored(Missing(id): Missing) -> RegistryError {
    RegistryError::CommitNotStored(hex::encode(id))
}

/// The commits that refs lead to, each once.
pub(super) fn tips(refs: &[Ref]) -> BTreeSet<ObjectId> {
    refs.iter().filter_map(|r| r.commit_id).collect()
}
