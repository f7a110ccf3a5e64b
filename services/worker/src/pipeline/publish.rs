//! Writes to the target: claims it, and brings it in step with the source.

use super::{Pipeline, Work, blocking};
use crate::stop::Stop;
use codeimport_convert::{ConvertError, PublishError, Published, SourceState, TargetSnapshot};
use codeimport_core::{Outcome, Stage};
use codeimport_kit::failpoint;
use std::sync::Arc;

impl Pipeline {
    /// Raises the target's fence, if an earlier holder may be alive. Returns the target as it was then.
    pub(super) async fn claim(&self, work: &Arc<Work>) -> Result<Option<TargetSnapshot>, Stop> {
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

    /// Pushes; if the cache turns out to be damaged, once more from a fresh one. Returns how many refs changed, and what
    /// the target has now.
    pub(super) async fn publish(
        &self,
        work: &Arc<Work>,
        seen: TargetSnapshot,
        wanted: SourceState,
    ) -> Result<(usize, SourceState), Stop> {
        let mut wanted = Arc::new(wanted);
        let published = match self.push(work, seen, &wanted).await? {
            Some(published) => published,
            None => {
                let (seen, fetched) = self.begin_anew(work).await?;
                wanted = Arc::new(fetched);
                self.push(work, seen, &wanted).await?.ok_or_else(incomplete_source)?
            }
        };
        work.watch.note(Stage::Publish, format!("{} refs were changed in the target.", published.changed_count));
        failpoint("worker.publish.done").await;
        Ok((published.changed_count, Arc::unwrap_or_clone(wanted)))
    }

    /// One attempt to publish. None: the cache is damaged.
    async fn push(
        &self,
        work: &Arc<Work>,
        seen: TargetSnapshot,
        wanted: &Arc<SourceState>,
    ) -> Result<Option<Published>, Stop> {
        self.enter(work, Stage::Publish, "refs");
        self.run.lease.ensure_held().await?;
        failpoint("worker.publish.before_push").await;
        let (on, wanted) = (Arc::clone(work), Arc::clone(wanted));
        let pushed = blocking(move || {
            let Work { spec, cache, watch } = &*on;
            spec.target.publish(&spec.begin, &seen, &wanted, &spec.filter, cache, watch)
        });
        match pushed.await {
            Ok(published) => Ok(Some(published)),
            Err(PublishError::CacheDamaged) => Ok(None),
            Err(error) => Err(self.unpublished(error).await),
        }
    }

    /// Empties the cache and reads everything again; the target too, whose state the cache had a copy of.
    async fn begin_anew(&self, work: &Arc<Work>) -> Result<(TargetSnapshot, SourceState), Stop> {
        work.watch.note(Stage::Publish, "The worker's cache is damaged; it is thrown away and filled anew.");
        let on = Arc::clone(work);
        let read = blocking(move || {
            let Work { spec, cache, watch } = &*on;
            cache.reset()?;
            spec.target.read(&spec.filter, cache, watch)
        });
        let seen = read.await?;
        let wanted = self.fetch(work, &seen).await?;
        Ok((seen, wanted))
    }

    /// Why nothing was published. A target that fences us means that the lease is lost; the queue has the last word.
    async fn unpublished(&self, error: PublishError) -> Stop {
        match error {
            PublishError::Failed(error) => error.into(),
            PublishError::CacheDamaged => incomplete_source(),
            fenced @ PublishError::Fenced { .. } => match self.run.lease.reconfirm().await {
                Err(ended) => ended.into(),
                Ok(()) => {
                    let text = format!("A later run has written to the target: {fenced}.");
                    ConvertError::new(Outcome::Failure, Stage::Publish, text).into()
                }
            },
        }
    }
}

/// A fresh cache lacks objects just as the old one did.
fn incomplete_source() -> Stop {
    let text = "The source does not send all objects that its refs need.";
    ConvertError::new(Outcome::RemoteBroken, Stage::Publish, text).into()
}
