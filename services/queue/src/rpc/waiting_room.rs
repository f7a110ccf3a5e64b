//! Where calls of AcquireLeases wait for a job: one task holds them all, and looks at the board once for all of them.
//!
//! It looks when somebody new comes, when something may have become due (`Wakeups`), when the next host has its turn, and
//! about once a second, because another replica may have made a job due. A look that finds nothing asks the database nothing. Who
//! gets nothing and still has time stays, in the order of coming. Nobody looks for himself: so a job that becomes due wakes
//! one task and costs one lease round, however many workers are waiting.

use super::{
    guests::{Answer, Guest, Idle},
    sweeper::Sweeper,
};
use crate::{
    Wakeups,
    alarm::Alarm,
    coalescer::NotCarriedOut,
    store::{Acquire, Leased, Store, StoreError},
};
use codeimport_core::RcsType;
use codeimport_kit::{Shutdown, tasks};
use std::{collections::VecDeque, time::Duration};
use tokio::{
    sync::mpsc,
    task::{JoinError, JoinSet},
    time::Instant,
};
use tracing::Instrument as _;

/// Most calls in one lease round.
const MOST_CALLS: usize = 500;

/// So many slots fill a round: it goes out beside another one, so that the database has something to do while the answers
/// of the other are written. Smaller ones wait for each other, as a round of one lease costs more than half of one of twenty.
const FULL_ROUND: u32 = 800;

const MOST_ROUNDS: usize = 2;

/// Longest pause between two looks: another replica may have made a job due, which wakes nobody here.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Shortest pause: a job that is due but held by another leaser's transaction must not make us spin.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);

/// The door. Clones lead into the same room.
#[derive(Clone)]
pub(super) struct WaitingRoom {
    door: mpsc::UnboundedSender<Guest>,
    idle: Idle,
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
        let (asking, idle, rounds) = <(_, Idle, _)>::default();
        let (next_look, sweeper) = (Instant::now(), Sweeper::new(store.clone()));
        let room = Room { store, asking, idle: idle.clone(), rounds, woken: false, next_look, alarm, sweeper };
        tasks::spawn("queue.acquire", room.serve(comers, wakeups, shutdown));
        Ok(Self { door, idle })
    }

    /// Leases what is due; waits until then if there is nothing. Empty after the wait, or when the queue drains.
    pub(super) async fn acquire(&self, acquire: Acquire, until: Instant) -> Answer {
        let (guest, answered) = Guest::new(acquire, until);
        self.door.send(guest).map_err(|_| NotCarriedOut)?;
        answered.await
    }

    /// One for whom nothing is there, to be handed a job past the room: who can do most of what is handed over. Whoever
    /// does not answer it gives it back.
    pub(super) fn lend(&self, handed_over: impl Fn(&[RcsType]) -> usize) -> Option<Guest> {
        self.idle.take_for(handed_over)
    }

    /// Somebody who was lent and got nothing asks anew.
    pub(super) fn give_back(&self, guest: Guest) {
        // A room that is closed answers nobody, and the guest knows.
        let _ = self.door.send(guest);
    }
}

/// Who is here, and what is known.
struct Room {
    store: Store,
    /// For whom the next round looks.
    asking: VecDeque<Guest>,
    /// For whom nothing was there at the last look.
    idle: Idle,
    rounds: JoinSet<Round>,
    /// Something may have become due since the rounds under way have looked.
    woken: bool,
    next_look: Instant,
    alarm: Alarm,
    sweeper: Sweeper,
}

/// A lease round, and who was in it.
struct Round {
    guests: Vec<Guest>,
    leased: Result<Leased, StoreError>,
}

impl Room {
    async fn serve(mut self, mut comers: mpsc::UnboundedReceiver<Guest>, wakeups: Wakeups, shutdown: Shutdown) {
        let mut coming = Vec::new();
        loop {
            // Before the look: what becomes due between look and wait must not be missed.
            let job_due = wakeups.job_due();
            if self.next_look <= Instant::now() {
                self.look();
            }
            self.start_rounds();
            if !self.idle.is_empty() {
                self.alarm.set(self.next_look.into_std());
            }
            tokio::select! {
                () = job_due => self.wake(),
                Some(round) = self.rounds.join_next(), if !self.rounds.is_empty() => self.end_round(round),
                count = comers.recv_many(&mut coming, MOST_CALLS) => match count {
                    0 => return,
                    _ => self.let_in(&mut coming),
                },
                () = self.alarm.rung() => {}
                () = self.sweeper.swept(), if !self.idle.is_empty() => self.next_look = Instant::now(),
                () = shutdown.drained(), if !self.is_empty() => self.send_away(),
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.asking.is_empty() && self.idle.is_empty()
    }

    fn wake(&mut self) {
        self.next_look = Instant::now();
        self.woken = !self.rounds.is_empty();
    }

    fn send_away(&mut self) {
        self.asking.drain(..).chain(self.idle.take_all()).for_each(Guest::leave);
    }

    /// Behind those who wait already, for whom there may be something by now, too.
    fn let_in(&mut self, coming: &mut Vec<Guest>) {
        self.look();
        self.asking.extend(coming.drain(..));
    }

    /// Everybody asks again but those who have no time left.
    fn look(&mut self) {
        let now = Instant::now();
        for guest in self.idle.take_all() {
            if guest.until <= now { guest.leave() } else { self.asking.push_back(guest) }
        }
        self.next_look = now + LONGEST_PAUSE;
    }

    /// What is asked during a round goes into the next one; what fills a round by itself does not wait for another.
    fn start_rounds(&mut self) {
        self.asking.retain(|guest| !guest.has_left());
        while self.rounds.is_empty() || (self.rounds.len() < MOST_ROUNDS && self.slots() >= FULL_ROUND) {
            let guests = self.first();
            if guests.is_empty() {
                return;
            }
            let store = self.store.clone();
            let round = async move {
                let acquires: Vec<Acquire> = guests.iter().map(|guest| guest.acquire.clone()).collect();
                Round { leased: store.acquire_leases(&acquires).await, guests }
            };
            self.rounds.spawn(round.in_current_span());
        }
    }

    fn slots(&self) -> u32 {
        self.asking.iter().map(|guest| guest.acquire.max_leases).fold(0, u32::saturating_add)
    }

    /// Those who come first: so many that a round is full.
    fn first(&mut self) -> Vec<Guest> {
        let (mut first, mut slots) = (Vec::new(), 0_u32);
        while slots < FULL_ROUND && first.len() < MOST_CALLS {
            let Some(guest) = self.asking.pop_front() else { break };
            slots = slots.saturating_add(guest.acquire.max_leases);
            first.push(guest);
        }
        first
    }

    /// A round that has died has answered nobody, and its guests know.
    fn end_round(&mut self, round: Result<Round, JoinError>) {
        match round {
            Ok(Round { guests, leased: Ok(leased) }) => self.hand_out(guests, leased),
            Ok(Round { guests, leased: Err(error) }) => {
                guests.into_iter().for_each(|guest| guest.answer(Err(error.clone())));
                self.next_look = Instant::now();
            }
            Err(died) => tracing::error!(error = %died, "a lease round died"),
        }
        if std::mem::take(&mut self.woken) {
            self.next_look = Instant::now();
        }
    }

    fn hand_out(&mut self, guests: Vec<Guest>, leased: Leased) {
        let now = Instant::now();
        let some = leased.granted.iter().any(|granted| !granted.is_empty());
        self.next_look = self.next_look.min(now + pause(leased.next_turn_in, some));
        for (guest, granted) in guests.into_iter().zip(leased.granted) {
            match granted.is_empty() {
                false => guest.answer(Ok(granted)),
                true if guest.until <= now => guest.leave(),
                true => self.waits(guest.looked_up()),
            }
        }
    }

    fn waits(&mut self, guest: Guest) {
        self.next_look = self.next_look.min(guest.until);
        self.idle.push(guest);
    }
}

impl Drop for Room {
    /// However it ends: nobody waits in a room that is gone, though doors still lead there.
    fn drop(&mut self) {
        self.idle.take_all();
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
