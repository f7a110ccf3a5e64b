//! Brings the board up to date a little before somebody would have to wait for it.

use crate::store::Store;
use std::time::Duration;
use tokio::{
    task::JoinSet,
    time::{Interval, MissedTickBehavior, interval},
};
use tracing::Instrument as _;

/// Less than what makes a sweep due for whoever looks at the board.
const PAUSE: Duration = Duration::from_millis(800);

/// Sweeps as long as somebody asks it to.
pub(super) struct Sweeper {
    store: Store,
    tick: Interval,
    under_way: JoinSet<()>,
}

impl Sweeper {
    pub(super) fn new(store: Store) -> Self {
        let mut tick = interval(PAUSE);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { store, tick, under_way: JoinSet::new() }
    }

    /// Completes after the next sweep, when there may be something new on the board. A sweep under way goes on if nobody
    /// waits for it any more.
    pub(super) async fn swept(&mut self) {
        if self.under_way.is_empty() {
            self.tick.tick().await;
            let store = self.store.clone();
            let sweep = async move {
                // Whoever looks at the board tries again, and hears of it.
                let _ = store.sweep_early().await;
            };
            self.under_way.spawn(sweep.in_current_span());
        }
        self.under_way.join_next().await;
    }
}
