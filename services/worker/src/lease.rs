//! What this worker knows of one lease.
//!
//! Time left is counted on the monotonic clock of this machine, from before the question was asked: never too long.
//! Whether the lease is still held, only the queue knows; it says so with every heartbeat. The verdicts meet the run
//! here:
//!
//! ```text
//!   held --EXTENDED--> held (later deadline, newer token)
//!   held --CANCEL----> cancelled: clean up, finish with CANCELLED
//!   held --LOST------> lost: write nothing more, do not finish
//!   held --drain-----> released: clean up, give the job back
//! ```

use codeimport_core::{FencingToken, RunId};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

/// Why a run has to stop.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum LeaseEnded {
    /// The queue took the job back, or nobody knows it any more.
    #[error("the lease is lost: {0}")]
    Lost(String),
    /// The queue wants the run to stop.
    #[error("the run was cancelled: {0}")]
    Cancelled(String),
    /// This worker stops and gives the job back.
    #[error("the worker drains")]
    Released,
}

/// A lease as granted.
#[derive(Clone, Debug)]
pub(crate) struct Granted {
    pub(crate) job_id: String,
    pub(crate) run_id: RunId,
    pub(crate) fencing_token: FencingToken,
    pub(crate) lease_token: Vec<u8>,
    pub(crate) duration: Duration,
    pub(crate) heartbeat_interval: Duration,
    pub(crate) after_reclaim: bool,
}

struct View {
    lease_token: Vec<u8>,
    duration: Duration,
    deadline: Instant,
    heartbeat_interval: Duration,
    /// Counts the queue's answers, so that one can wait for the next.
    answers: u64,
    ended: Option<LeaseEnded>,
}

/// A lease under which a run goes on. Shared by the run and the heartbeat beside it.
pub(crate) struct HeldLease {
    job_id: String,
    run_id: RunId,
    fencing_token: FencingToken,
    margin: Duration,
    view: watch::Sender<View>,
    /// Asks the heartbeat to come soon.
    nudge: Arc<Notify>,
}

impl HeldLease {
    pub(crate) fn new(granted: &Granted, received_at: Instant, margin: Duration, nudge: Arc<Notify>) -> Self {
        let view = View {
            lease_token: granted.lease_token.clone(),
            duration: granted.duration,
            deadline: received_at + granted.duration,
            heartbeat_interval: granted.heartbeat_interval,
            answers: 0,
            ended: None,
        };
        Self {
            job_id: granted.job_id.clone(),
            run_id: granted.run_id,
            fencing_token: granted.fencing_token,
            margin,
            view: watch::Sender::new(view),
            nudge,
        }
    }

    pub(crate) fn job_id(&self) -> &str {
        &self.job_id
    }

    pub(crate) fn run_id(&self) -> RunId {
        self.run_id
    }

    pub(crate) fn fencing_token(&self) -> FencingToken {
        self.fencing_token
    }

    /// The newest token.
    pub(crate) fn lease_token(&self) -> Vec<u8> {
        self.view.borrow().lease_token.clone()
    }

    /// How long the queue wants to wait between heartbeats.
    pub(crate) fn heartbeat_interval(&self) -> Duration {
        self.view.borrow().heartbeat_interval
    }

    /// Why the run has to stop, if it has to.
    pub(crate) fn ended(&self) -> Option<LeaseEnded> {
        self.view.borrow().ended.clone()
    }

    /// The queue has extended the lease, asked at `sent_at`.
    pub(crate) fn extend(&self, lease_token: Vec<u8>, duration: Duration, interval: Duration, sent_at: Instant) {
        self.view.send_modify(|view| {
            view.lease_token = lease_token;
            view.duration = duration;
            view.deadline = sent_at + duration;
            view.heartbeat_interval = interval;
            view.answers += 1;
        });
    }

    /// The run has to stop. The first reason stays, except that a lost lease outweighs all.
    pub(crate) fn end(&self, reason: LeaseEnded) {
        self.view.send_modify(|view| {
            view.answers += 1;
            if view.ended.is_none() || matches!(reason, LeaseEnded::Lost(_)) {
                view.ended = Some(reason);
            }
        });
    }

    /// Waits until the lease surely lasts long enough to write something. To be called before every write.
    ///
    /// If too little time is left, the heartbeat's next answer decides; if the queue is away, that may take as long as
    /// the queue is away. Safe to cancel.
    pub(crate) async fn ensure_held(&self) -> Result<(), LeaseEnded> {
        let mut view = self.view.subscribe();
        loop {
            {
                let view = view.borrow_and_update();
                if let Some(ended) = &view.ended {
                    return Err(ended.clone());
                }
                if lasts(view.deadline, view.duration, self.margin, Instant::now()) {
                    return Ok(());
                }
            }
            self.wait_for_answer(&mut view).await?;
        }
    }

    /// Waits for the queue's next word on this lease, for whoever was told by somebody else that it is lost.
    pub(crate) async fn reconfirm(&self) -> Result<(), LeaseEnded> {
        let mut view = self.view.subscribe();
        let answers = view.borrow_and_update().answers;
        while view.borrow_and_update().answers == answers {
            self.wait_for_answer(&mut view).await?;
        }
        self.ensure_held().await
    }

    /// Completes when the run has to stop. Safe to cancel.
    pub(crate) async fn until_ended(&self) -> LeaseEnded {
        let mut view = self.view.subscribe();
        match view.wait_for(|view| view.ended.is_some()).await.map(|view| view.ended.clone()) {
            Ok(Some(ended)) => ended,
            // The sender is ours, so this cannot be; nobody would ever hold this lease.
            Ok(None) | Err(_) => LeaseEnded::Lost("nobody watches the lease any more".to_owned()),
        }
    }

    async fn wait_for_answer(&self, view: &mut watch::Receiver<View>) -> Result<(), LeaseEnded> {
        self.nudge.notify_one();
        view.changed().await.map_err(|_| LeaseEnded::Lost("nobody watches the lease any more".to_owned()))
    }
}

/// Whether a lease lasts for `margin` from now. A margin that is long for the lease is cut to a third of it: it could
/// never be kept otherwise.
fn lasts(deadline: Instant, duration: Duration, margin: Duration, now: Instant) -> bool {
    now + margin.min(duration / 3) < deadline
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn lease(duration: Duration) -> (Arc<HeldLease>, Arc<Notify>) {
        let granted = Granted {
            job_id: "job".to_owned(),
            run_id: RunId(1),
            fencing_token: FencingToken(2),
            lease_token: vec![1],
            duration,
            heartbeat_interval: duration / 3,
            after_reclaim: false,
        };
        let nudge = Arc::new(Notify::new());
        (Arc::new(HeldLease::new(&granted, Instant::now(), 5 * SECOND, Arc::clone(&nudge))), nudge)
    }

    #[test]
    fn a_lease_lasts_until_its_margin_begins() {
        let now = Instant::now();
        assert!(lasts(now + 6 * SECOND, 30 * SECOND, 5 * SECOND, now));
        assert!(!lasts(now + 5 * SECOND, 30 * SECOND, 5 * SECOND, now));
        assert!(!lasts(now, 30 * SECOND, Duration::ZERO, now));
        assert!(lasts(now + 2 * SECOND, 3 * SECOND, 5 * SECOND, now), "a margin longer than the lease is cut");
    }

    #[tokio::test(start_paused = true)]
    async fn a_fresh_lease_is_held_at_once() {
        assert_eq!(lease(30 * SECOND).0.ensure_held().await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn too_little_time_left_waits_for_the_queues_word() {
        let (lease, nudge) = lease(30 * SECOND);
        tokio::time::advance(26 * SECOND).await;
        let waiting = lease.ensure_held();
        let answering = async {
            nudge.notified().await;
            lease.extend(vec![2], 30 * SECOND, 10 * SECOND, Instant::now());
        };
        assert_eq!(tokio::join!(waiting, answering).0, Ok(()));
        assert_eq!(lease.lease_token(), [2]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_lease_is_never_held_again() {
        let (lease, _) = lease(30 * SECOND);
        lease.end(LeaseEnded::Cancelled("asked to".to_owned()));
        lease.end(LeaseEnded::Lost("reclaimed".to_owned()));
        lease.end(LeaseEnded::Released);
        let lost = LeaseEnded::Lost("reclaimed".to_owned());
        assert_eq!(lease.ensure_held().await, Err(lost.clone()));
        assert_eq!(lease.until_ended().await, lost);
    }

    #[tokio::test(start_paused = true)]
    async fn a_doubted_lease_is_reconfirmed_by_the_next_answer_only() {
        let (lease, nudge) = lease(30 * SECOND);
        let answering = async {
            nudge.notified().await;
            lease.end(LeaseEnded::Lost("reclaimed".to_owned()));
        };
        let (confirmed, ()) = tokio::join!(lease.reconfirm(), answering);
        assert!(confirmed.is_err());
    }
}
