//! The shape of every loop of the registry: a pass over what there is to do, then a wait until there may be more; after
//! a failure the same again, later.

use codeimport_kit::{Backoff, Shutdown};
use std::{fmt::Display, future::Future, time::Duration};
use tokio::time::Instant;

/// What waits here is somebody's change, or somebody's news: more than a few seconds would be felt.
const FIRST_DELAY: Duration = Duration::from_millis(200);
const LONGEST_DELAY: Duration = Duration::from_secs(5);

/// Work that is done in passes. May be broken off at any await and begun anew.
pub(crate) trait Work: Send {
    /// Why a pass ended early.
    type Interruption: Display + Send;

    /// One pass. Ends in order when nothing is left to do, or when another pass has to be begun for it.
    fn pass(&mut self) -> impl Future<Output = Result<(), Self::Interruption>> + Send;

    /// Ends when another pass may find something.
    fn wait(&mut self) -> impl Future<Output = ()> + Send;
}

/// Works until told to stop.
///
/// # Errors
///
/// Never; failures are waited out.
pub(crate) async fn until_stopped(mut work: impl Work, shutdown: Shutdown) -> anyhow::Result<()> {
    tokio::select! {
        () = shutdown.drained() => {}
        () = for_ever(&mut work) => {}
    }
    Ok(())
}

/// Works until broken off.
pub(crate) async fn for_ever(work: &mut impl Work) {
    let mut backoff = Backoff::new(FIRST_DELAY, LONGEST_DELAY);
    loop {
        let begun = Instant::now();
        let Err(interruption) = work.pass().await else {
            backoff.reset();
            work.wait().await;
            continue;
        };
        if begun.elapsed() > LONGEST_DELAY {
            // It went well for a while: this is a new trouble, not the old one.
            backoff.reset();
        }
        let delay = backoff.next_delay();
        if backoff.is_first() {
            tracing::warn!(error.cause = %interruption, "work has to wait: trying again");
        }
        tokio::time::sleep(delay).await;
    }
}
