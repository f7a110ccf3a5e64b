//! Where calls of AcquireLeases wait for a job: one task holds them all, and looks at the board once for all of them.
//!
//! It looks when somebody new comes, when something may have become due (`Wakeups`), when the next host has its turn, and
//! about once a second, because another replica may have made a job due. A look that finds nothing asks the database nothing. Who
//! gets nothing and still has time stays, in the order of coming. Nobody looks for himself: so a job that becomes due wakes
//! one task and costs one lease round, however many workers are waiting.

use crate::{
    Wakeups,
    alarm::Alarm,
    coalescer::NotCarriedOut,
    store::{Acquire, GrantedLease, Leased, Store, StoreError},
};
use codeimport_kit::{Shutdown, tasks};
use std::{collections::VecDeque, time::Duration};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::{Instant, Interval, MissedTickBehavior, interval},
};

/// Most calls in one lease round.
const MOST_CALLS: usize = 500;

/// Longest pause between two looks: another replica may have made a job due, which wakes nobody here.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Shortest pause: a job that is due but held by another leaser's transaction must not make us spin.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);

/// How often the board is brought up to date beside all this, as long as somebody waits: so that a job need not wait for it.
const SWEEP_PAUSE: Duration = Duration::from_millis(800);

type Answer = Result<Vec<GrantedLease>, StoreError>;

/// One who waits.
struct Guest {
    acquire: Acquire,
    until: Instant,
    answer: oneshot::Sender<Answer>,
}

/// The door. Clones lead into the same room.
#[derive(Clone)]
pub(super) struct WaitingRoom {
    door: mpsc::UnboundedSender<Guest>,
}

impl WaitingRoom {
    /// Opens the room; it closes with the last clone.
    ///
    /// # Errors
    ///
    /// If the alarm cannot be started.
    pub(super) fn open(store: Store, wakeups: Wakeups, shutdown: Shutdown) -> std::io::Result<Self> {
        let (door, comers) = mpsc::unbounded_channel();
        let alarm = Alarm::start("queue.alarm")?;
        let (guests, next_look, sweep) = (VecDeque::new(), Instant::now(), Sweep::new(store.clone()));
        let room = Room { store, guests, next_look, alarm, sweep };
        tasks::spawn("queue.acquire", room.serve(comers, wakeups, shutdown));
        Ok(Self { door })
    }

    /// Leases what is due; waits until then if there is nothing. Empty after the wait, or when the queue drains.
    pub(super) async fn acquire(&self, acquire: Acquire, until: Instant) -> Answer {
        let (answer, answered) = oneshot::channel();
        self.door.send(Guest { acquire, until, answer }).map_err(|_| NotCarriedOut)?;
        answered.await.map_err(|_| NotCarriedOut)?
    }
}

/// Who is here, and what is known.
struct Room {
    store: Store,
    guests: VecDeque<Guest>,
    next_look: Instant,
    alarm: Alarm,
    sweep: Sweep,
}

/// Brings the board up to date in time.
struct Sweep {
    store: Store,
    tick: Interval,
    under_way: JoinSet<()>,
}

impl Sweep {
    fn new(store: Store) -> Self {
        let mut tick = interval(SWEEP_PAUSE);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { store, tick, under_way: JoinSet::new() }
    }

    /// Completes when there may be something new on the board.
    async fn done(&mut self) {
        if self.under_way.is_empty() {
            self.tick.tick().await;
            let store = self.store.clone();
            self.under_way.spawn(async move {
                // Whoever looks at the board tries again, and hears of it.
                let _ = store.sweep_early().await;
            });
        }
        self.under_way.join_next().await;
    }
}

impl Room {
    async fn serve(mut self, mut comers: mpsc::UnboundedReceiver<Guest>, wakeups: Wakeups, shutdown: Shutdown) {
        let mut coming = Vec::new();
        loop {
            // Before the look: what becomes due between look and wait must not be missed.
            let woken = wakeups.job_due();
            if self.next_look <= Instant::now() {
                self.look().await;
            }
            if !self.guests.is_empty() {
                self.alarm.set(self.next_look.into_std());
            }
            tokio::select! {
                () = woken => self.next_look = Instant::now(),
                count = comers.recv_many(&mut coming, MOST_CALLS) => match count {
                    0 => return,
                    _ => coming.drain(..).for_each(|guest| self.let_in(guest)),
                },
                () = self.alarm.rung() => {}
                () = self.sweep.done(), if !self.guests.is_empty() => self.next_look = Instant::now(),
                () = shutdown.drained(), if !self.guests.is_empty() => self.guests.drain(..).for_each(Guest::leave),
            }
        }
    }

    fn let_in(&mut self, guest: Guest) {
        self.next_look = Instant::now();
        self.guests.push_back(guest);
    }

    /// Looks once for everybody, and lets those leave who have something, or no time left.
    async fn look(&mut self) {
        self.guests.retain(|guest| !guest.answer.is_closed());
        let (mut left, mut pause) = (self.guests.len(), LONGEST_PAUSE);
        while left > 0 {
            let served = left.min(MOST_CALLS);
            pause = pause.min(self.serve_first(served).await);
            left -= served;
        }
        let now = Instant::now();
        for guest in std::mem::take(&mut self.guests) {
            if guest.until <= now { guest.leave() } else { self.guests.push_back(guest) }
        }
        let ends = self.guests.iter().map(|guest| guest.until).min();
        self.next_look = ends.map_or(now + pause, |end| end.min(now + pause));
    }

    /// One lease round for the first of the guests. Who gets nothing goes behind the others. How long until it is worth
    /// to look again.
    async fn serve_first(&mut self, count: usize) -> Duration {
        let first: Vec<Guest> = self.guests.drain(..count).collect();
        let acquires: Vec<Acquire> = first.iter().map(|guest| guest.acquire.clone()).collect();
        match self.store.acquire_leases(&acquires).await {
            Ok(leased) => self.hand_out(first, leased),
            Err(error) => {
                first.into_iter().for_each(|guest| guest.answer(Err(error.clone())));
                Duration::ZERO
            }
        }
    }

    fn hand_out(&mut self, guests: Vec<Guest>, leased: Leased) -> Duration {
        let some = leased.granted.iter().any(|granted| !granted.is_empty());
        for (guest, granted) in guests.into_iter().zip(leased.granted) {
            if granted.is_empty() { self.guests.push_back(guest.looked_up()) } else { guest.answer(Ok(granted)) }
        }
        pause(leased.next_turn_in, some)
    }
}

impl Guest {
    /// Whoever got nothing has been looked up, too: it repeats nothing.
    fn looked_up(mut self) -> Self {
        self.acquire.looked_up = true;
        self
    }

    fn answer(self, answer: Answer) {
        // Who has left meanwhile does not want to know.
        let _ = self.answer.send(answer);
    }

    /// With nothing.
    fn leave(self) {
        self.answer(Ok(Vec::new()));
    }
}

/// At once after a round that gave out something and left something; never so soon if it could not have what is due.
fn pause(turn_in: Option<Duration>, some: bool) -> Duration {
    match turn_in {
        Some(Duration::ZERO) if some => Duration::ZERO,
        Some(Duration::ZERO) => SHORTEST_PAUSE,
        turn_in => turn_in.unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_look_is_when_the_next_job_is_due_or_after_a_second() {
        assert_eq!(pause(None, false), Duration::from_secs(1));
        assert_eq!(pause(Some(Duration::from_millis(3)), false), Duration::from_millis(3));
        assert_eq!(pause(Some(Duration::from_secs(3600)), true), Duration::from_secs(1));
    }

    #[test]
    fn what_another_leaser_holds_is_not_looked_at_without_a_pause() {
        assert_eq!(pause(Some(Duration::ZERO), false), SHORTEST_PAUSE);
        assert_eq!(pause(Some(Duration::ZERO), true), Duration::ZERO, "more is due than one round gives out");
    }
}
