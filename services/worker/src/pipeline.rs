//! The stages of one run, in their order; what is done already is skipped.
//!
//! ```text
//!   GetRunSpec -> claim the target, if an earlier holder may be alive -> probe
//!     target is current, and scanned ---------------------------------------> NO_CHANGE
//!     otherwise: fetch -> publish, unless the target is current -> scan ----> SUCCESS
//! ```
//!
//! Everything that blocks runs beside, in threads made for that. Each write is preceded by [`HeldLease::ensure_held`].
//!
//! [`HeldLease::ensure_held`]: crate::lease::HeldLease::ensure_held

mod scan;
mod spec;

use crate::{
    clients::Clients,
    registry::Registry,
    roster::{ActiveRun, to_i64},
    stop::Stop,
};
use codeimport_convert::{
    Cache, ConvertError, Holder, Observer as _, Progress, PublishError, Published, SourceState, TargetSnapshot, Watch,
    refs_digest,
};
use codeimport_core::{Outcome, Stage, display_ref_name};
use codeimport_kit::failpoint;
use codeimport_proto::common::RunStats;
use spec::Spec;
use std::{path::PathBuf, sync::Arc};

/// How a run went, if nothing stopped it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Done {
    pub(crate) outcome: Outcome,
    pub(crate) stage: Stage,
    pub(crate) stats: RunStats,
}

/// One run's way through its stages.
pub(crate) struct Pipeline {
    pub(crate) clients: Clients,
    pub(crate) run: Arc<ActiveRun>,
    pub(crate) cache_dir: PathBuf,
    pub(crate) after_reclaim: bool,
}

/// What all stages need, once it is known.
struct Work {
    spec: Spec,
    cache: Cache,
    watch: Watch,
}

impl Pipeline {
    /// Runs all stages.
    ///
    /// # Errors
    ///
    /// [`Stop`]: a stage failed, or the lease ended.
    pub(crate) async fn run(self) -> Result<Done, Stop> {
        let work = Arc::new(self.begin().await?);
        let claimed = self.claim(&work).await?;
        let (seen, current) = self.probe(&work, claimed).await?;
        if current && work.spec.is_scanned(&seen) {
            work.watch.note(Stage::Probe, "Nothing new.");
            return Ok(Done { outcome: Outcome::NoChange, stage: Stage::Probe, stats: RunStats::default() });
        }
        let mut wanted = self.fetch(&work, &seen).await?;
        let received_bytes = wanted.received_bytes;
        let mut changed_count = 0;
        if !seen.is_current(&wanted.watermark, work.spec.options_digest) {
            let (published, state) = self.publish(&work, seen, wanted).await?;
            (changed_count, wanted) = (published.changed_count, state);
        }
        let new_revision_count = self.scan(&work, &wanted).await?;
        let stats = RunStats {
            refs_changed_count: i64::try_from(changed_count).unwrap_or(i64::MAX),
            new_revision_count,
            received_bytes: to_i64(received_bytes),
        };
        let outcome = if wanted.complete { Outcome::Success } else { Outcome::Partial };
        Ok(Done { outcome, stage: Stage::Scan, stats })
    }

    fn registry(&self) -> Registry<'_> {
        Registry { clients: &self.clients, run: &self.run }
    }

    /// Learns what is to be done, and opens the import's cache.
    async fn begin(&self) -> Result<Work, Stop> {
        let answer = self.registry().run_spec().await?;
        let holder = Holder { fencing_token: self.run.lease.fencing_token(), run_id: self.run.lease.run_id() };
        let spec = Spec::from_wire(answer, holder)?;
        self.run.note(Stage::Probe, &format!("Imports {} into {}.", spec.begin.source_url, spec.target.url()));
        let (dir, import, watch) = (self.cache_dir.clone(), spec.import_id.clone(), self.run.watch());
        let cache = blocking(move || Cache::open(&dir, &import, &watch)).await?;
        Ok(Work { spec, cache, watch: self.run.watch() })
    }

    /// Raises the target's fence, if an earlier holder may be alive.
    async fn claim(&self, work: &Arc<Work>) -> Result<Option<TargetSnapshot>, Stop> {
        if !self.after_reclaim {
            return Ok(None);
        }
        self.run.lease.ensure_held().await?;
        work.watch.note(Stage::Probe, "An earlier worker was lost: its claim on the target is taken over.");
        let on = Arc::clone(work);
        let claimed = blocking(move || {
            let Work { spec, cache, watch } = &*on;
            spec.target.claim_state(&spec.begin, &spec.filter, cache, watch)
        });
        match claimed.await {
            Ok(snapshot) => Ok(Some(snapshot)),
            Err(error) => Err(self.unpublished(error).await),
        }
    }

    /// Asks source and target how they stand. Returns the target, and whether it is what the source would make of it.
    async fn probe(&self, work: &Arc<Work>, claimed: Option<TargetSnapshot>) -> Result<(TargetSnapshot, bool), Stop> {
        self.enter(work, Stage::Probe, "refs");
        failpoint("worker.probe.begin").await;
        let on = Arc::clone(work);
        let probed = blocking(move || {
            let Work { spec, cache, watch } = &*on;
            let watermark = spec.source.probe(watch)?;
            let seen = match claimed {
                Some(snapshot) => snapshot,
                None => spec.target.read(&spec.filter, cache, watch)?,
            };
            let current = seen.is_current(&watermark, spec.options_digest);
            Ok::<_, ConvertError>((seen, current))
        });
        Ok(probed.await?)
    }

    async fn fetch(&self, work: &Arc<Work>, seen: &TargetSnapshot) -> Result<SourceState, Stop> {
        self.enter(work, Stage::Fetch, "objects");
        // A test that holds a run here wants to see it stopped, not waited for.
        tokio::select! {
            ended = self.run.lease.until_ended() => return Err(ended.into()),
            () = failpoint("worker.fetch.begin") => {}
        }
        let on = Arc::clone(work);
        let carried = seen.carried.map(|carried| carried.tree);
        let state = blocking(move || {
            on.cache.tidy(&on.watch)?;
            on.spec.source.fetch(&on.cache, carried, &on.watch)
        })
        .await?;
        let text = format!("The source has {} refs; {} bytes were received.", state.refs.len(), state.received_bytes);
        work.watch.note(Stage::Fetch, text);
        failpoint("worker.fetch.done").await;
        Ok(state)
    }

    /// Pushes; if the cache turns out to be damaged, once more from a fresh one.
    async fn publish(
        &self,
        work: &Arc<Work>,
        seen: TargetSnapshot,
        wanted: SourceState,
    ) -> Result<(Published, SourceState), Stop> {
        self.enter(work, Stage::Publish, "refs");
        let (seen, wanted) = (Arc::new(seen), Arc::new(wanted));
        let published = match self.push(work, &seen, &wanted).await {
            Err(PushStop::Refused(PublishError::CacheDamaged)) => {
                work.watch.note(Stage::Publish, "The worker's cache is damaged; it is thrown away and filled anew.");
                let on = Arc::clone(work);
                blocking(move || on.cache.reset()).await?;
                let wanted = Arc::new(self.fetch(work, &seen).await?);
                self.enter(work, Stage::Publish, "refs");
                (self.push(work, &seen, &wanted).await, wanted)
            }
            first => (first, wanted),
        };
        match published {
            (Ok(published), wanted) => {
                work.watch
                    .note(Stage::Publish, format!("{} refs were changed in the target.", published.changed_count));
                failpoint("worker.publish.done").await;
                Ok((published, Arc::unwrap_or_clone(wanted)))
            }
            (Err(PushStop::LeaseEnded(stop)), _) => Err(stop),
            (Err(PushStop::Refused(error)), _) => Err(self.unpublished(error).await),
        }
    }

    async fn push(
        &self,
        work: &Arc<Work>,
        seen: &Arc<TargetSnapshot>,
        wanted: &Arc<SourceState>,
    ) -> Result<Published, PushStop> {
        self.run.lease.ensure_held().await.map_err(|ended| PushStop::LeaseEnded(ended.into()))?;
        failpoint("worker.publish.before_push").await;
        let (on, seen, wanted) = (Arc::clone(work), Arc::clone(seen), Arc::clone(wanted));
        let pushed = blocking(move || {
            let Work { spec, cache, watch } = &*on;
            spec.target.publish(&spec.begin, &seen, &wanted, &spec.filter, cache, watch)
        });
        pushed.await.map_err(PushStop::Refused)
    }

    /// Why nothing was published. A target that fences us means that the lease is lost; the queue has the last word.
    async fn unpublished(&self, error: PublishError) -> Stop {
        match error {
            PublishError::Failed(error) => error.into(),
            fenced @ PublishError::Fenced { .. } => match self.run.lease.reconfirm().await {
                Err(ended) => ended.into(),
                Ok(()) => {
                    let text = format!("A later run has written to the target: {fenced}.");
                    ConvertError::new(Outcome::Failure, Stage::Publish, text).into()
                }
            },
            damaged @ PublishError::CacheDamaged => {
                let text = "The source does not send all objects that its refs need.";
                ConvertError::new(Outcome::RemoteBroken, Stage::Publish, text).caused_by(damaged).into()
            }
        }
    }

    /// Tells that a stage begins.
    fn enter(&self, work: &Work, stage: Stage, unit: &'static str) {
        work.watch.progress(&Progress::begin(stage, unit));
    }
}

enum PushStop {
    LeaseEnded(Stop),
    Refused(PublishError),
}

impl Spec {
    /// Whether the registry shows the target as it is.
    fn is_scanned(&self, seen: &TargetSnapshot) -> bool {
        refs_digest(&seen.refs, seen.default_branch()).as_slice() == self.scanned_refs_digest
    }
}

/// Default branch of a source, as shown.
fn shown_branch(state: &SourceState) -> Option<String> {
    state.default_branch.as_ref().map(|name| display_ref_name(name))
}

/// Runs what blocks in a thread made for it. A panic there is a panic here.
async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
