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

mod publish;
mod scan;
mod source_address;
mod spec;

use crate::{
    clients::Clients,
    registry::Registry,
    roster::{ActiveRun, to_i64},
    stop::Stop,
};
use codeimport_convert::{
    Cache, ConvertError, Holder, Observer as _, Progress, SourceState, Ssh, TargetSnapshot, Watch, refs_digest,
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
    pub(crate) ssh: Ssh,
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
            (changed_count, wanted) = self.publish(&work, seen, wanted).await?;
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
        let networks = answer.allowed_networks.clone();
        let holder = Holder { fencing_token: self.run.lease.fencing_token(), run_id: self.run.lease.run_id() };
        let spec = Spec::from_wire(answer, self.ssh.clone(), holder)?;
        source_address::check(&spec.begin.source_url, &networks).await?;
        self.run.note(Stage::Probe, &format!("Imports {} into {}.", spec.begin.source_url, spec.target.url()));
        let (dir, import, watch) = (self.cache_dir.clone(), spec.import_id.clone(), self.run.watch());
        let cache = blocking(move || Cache::open(&dir, &import, &watch)).await?;
        Ok(Work { spec, cache, watch: self.run.watch() })
    }

    /// Asks source and target how they stand. Returns the target, and whether it is what the source would make of it.
    async fn probe(&self, work: &Arc<Work>, claimed: Option<TargetSnapshot>) -> Result<(TargetSnapshot, bool), Stop> {
        self.enter(work, Stage::Probe, "refs");
        self.hold("worker.probe.begin").await?;
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
        self.hold("worker.fetch.begin").await?;
        let on = Arc::clone(work);
        let carried = seen.carried.map(|carried| carried.tree);
        let state = blocking(move || {
            on.cache.tidy(&on.watch)?;
            on.spec.source.fetch(&on.cache, carried, &on.watch)
        })
        .await?;
        let text = format!("The source has {} refs; {} bytes were received.", state.refs.len(), state.received_bytes);
        work.watch.note(Stage::Fetch, text);
        self.hold("worker.fetch.done").await?;
        Ok(state)
    }

    /// A failpoint where nothing is about to be written: a run that has to stop does not wait there. (Right before a
    /// write it does, so that a test can see the write itself refused.)
    async fn hold(&self, name: &'static str) -> Result<(), Stop> {
        tokio::select! {
            ended = self.run.lease.until_ended() => Err(ended.into()),
            () = failpoint(name) => Ok(()),
        }
    }

    /// Tells that a stage begins.
    fn enter(&self, work: &Work, stage: Stage, unit: &'static str) {
        work.watch.progress(&Progress::begin(stage, unit));
    }
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
