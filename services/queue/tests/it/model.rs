//! Random sequences of everything that may happen, against a small model of who holds what.
//!
//! After each step: the queue and the model agree on who runs, no former holder is believed, no host runs more than its
//! limit, every job that should wait does so and is on the board, and each ended run is one event. Every other seed has two
//! replicas. The seeds are fixed, so a failure is repeatable; one that was found by another seed is added by number.

use crate::support::{Fixture, acquire, at_host, finish, policy, put, run_id};
use codeimport_core::Outcome;
use codeimport_queue::{
    schedule::{JobState, PutSchedule, ScheduleState},
    store::{GrantedLease, LeaseName, Policy, RunWish, StoreError, Verdict},
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use std::collections::BTreeMap;

const SEEDS: std::ops::Range<u64> = 0..6;
const STEPS: usize = 80;
const JOBS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const HOSTS: [&str; 3] = ["one.org", "two.org", ""];
const OWNERS: [&str; 2] = ["", "robin"];
const MAX_RUNNING: u32 = 2;

/// Each tells of rows that must not be.
const NEVER: [&str; 3] = [
    "SELECT job.job_id FROM job
      WHERE (job.wanted = 'active' AND job.stop_reason IS NULL OR EXISTS (SELECT FROM lease WHERE job_no = job.job_no))
            <> (EXISTS (SELECT FROM lease WHERE job_no = job.job_no)
                <> EXISTS (SELECT FROM waiting WHERE job_no = job.job_no))",
    "SELECT job.job_id FROM job JOIN waiting USING (job_no) WHERE waiting.ready_at < waiting.due_at",
    "SELECT host.name FROM source_host AS host
      WHERE host.name <> '' AND 2 < (SELECT count(*) FROM lease WHERE lease.host_id = host.host_id)",
];

fn limited() -> Policy {
    let mut policy = policy();
    policy.hosts.limits.max_running = Some(MAX_RUNNING);
    policy
}

/// What the test believes.
struct Model {
    fixture: Fixture,
    /// Another queue on the same database: now this one is asked, now that one, and now and then one dies. None: it is alone.
    other: Option<Fixture>,
    rng: StdRng,
    generation: i64,
    held: BTreeMap<String, LeaseName>,
    ended: Vec<LeaseName>,
}

impl Model {
    async fn new(seed: u64) -> Self {
        let rng = StdRng::seed_from_u64(seed);
        let (held, ended) = (BTreeMap::new(), Vec::new());
        let policy = limited();
        let fixture = Fixture::with_policy(policy.clone()).await;
        let other = (seed % 2 == 1).then(|| fixture.replica(policy));
        Self { fixture, other, rng, generation: 0, held, ended }
    }

    async fn step(&mut self) {
        match (&mut self.other, self.rng.random_range(0..20)) {
            (Some(other), 0..4) => std::mem::swap(&mut self.fixture, other),
            (_, 4) => self.fixture = self.fixture.replica(limited()),
            _ => {}
        }
        match self.rng.random_range(0..9) {
            0 | 1 => self.put().await,
            2 if self.rng.random() => self.request().await,
            2 => self.hand_over().await,
            3 | 4 => self.acquire().await,
            5 => self.finish().await,
            6 => self.release().await,
            7 => self.reclaim().await,
            _ => self.fixture.let_time_pass().await,
        }
    }

    async fn put(&mut self) {
        let wanted = *[ScheduleState::Active, ScheduleState::Active, ScheduleState::Suspended, ScheduleState::Deleted]
            .choose(&mut self.rng)
            .unwrap();
        // Now and then an old message comes late.
        self.generation += self.rng.random_range(1..3);
        let generation =
            if self.rng.random_bool(0.2) { self.rng.random_range(1..=self.generation) } else { self.generation };
        let job_id = self.any_job();
        let mut put = at_host(HOSTS.choose(&mut self.rng).unwrap(), put(job_id, generation, wanted));
        put.schedule.owner = (*OWNERS.choose(&mut self.rng).unwrap()).to_owned();
        self.fixture.put(&PutSchedule { resume: self.rng.random(), ..put }).await;
    }

    async fn request(&mut self) {
        let job_id = self.any_job();
        match self.fixture.request(job_id, "robin").await {
            Ok(_) | Err(StoreError::JobNotFound(_) | StoreError::JobStopped(_)) => {}
            Err(error) => panic!("{error:?}"),
        }
    }

    /// A request while a worker waits.
    async fn hand_over(&mut self) {
        let wish = RunWish { job_id: self.any_job().parse().unwrap(), by: "marian".to_owned() };
        let Some(handed) = self.fixture.store.hand_over(&wish, &acquire(1)).await.unwrap() else { return };
        handed.granted.clone().into_iter().for_each(|granted| self.holds(granted));
        self.fixture.store.requested(handed, &|| ()).await.unwrap();
    }

    async fn acquire(&mut self) {
        let slots = self.rng.random_range(1..4);
        let granted = self.fixture.lease(&acquire(slots)).await;
        granted.into_iter().for_each(|granted| self.holds(granted));
    }

    fn holds(&mut self, granted: GrantedLease) {
        let newest = self.ended.iter().map(|lease| lease.fencing_token).max();
        assert!(newest.is_none_or(|newest| granted.lease.fencing_token > newest));
        let before = self.held.insert(granted.lease.job_id.to_string(), granted.lease);
        assert_eq!(before, None, "leased twice");
    }

    async fn finish(&mut self) {
        let outcomes: Vec<_> = Outcome::ALL.iter().copied().filter(|outcome| outcome.is_reportable()).collect();
        let outcome = *outcomes.choose(&mut self.rng).unwrap();
        if let Some(lease) = self.take_held() {
            self.fixture.finish(&lease, outcome).await;
            self.ended.push(lease);
        }
    }

    async fn release(&mut self) {
        if let Some(lease) = self.take_held() {
            self.fixture.release(&lease).await.unwrap();
            self.ended.push(lease);
        }
    }

    async fn reclaim(&mut self) {
        if let Some(lease) = self.take_held() {
            self.fixture.reclaim(&lease).await;
            self.ended.push(lease);
        }
    }

    fn take_held(&mut self) -> Option<LeaseName> {
        let names: Vec<_> = self.held.keys().cloned().collect();
        self.held.remove(names.choose(&mut self.rng)?)
    }

    fn any_job(&mut self) -> &'static str {
        JOBS.choose(&mut self.rng).unwrap()
    }

    async fn check(&self) {
        let client = self.fixture.client().await;
        for never in NEVER {
            let rows = client.query(never, &[]).await.unwrap();
            assert!(rows.is_empty(), "{:?}: {never}", rows[0].get::<_, String>(0));
        }
        let waiting = client.query("SELECT job_no, ready_at FROM waiting", &[]).await.unwrap();
        for row in waiting.iter().filter(|_| self.other.is_none()) {
            assert!(
                !self.fixture.store.overlooks(row.get(0), row.get(1)),
                "job {} would not be found",
                row.get::<_, i64>(0)
            );
        }
        for job_id in JOBS {
            let Ok(job) = self.fixture.store.get_schedule(&job_id.parse().unwrap()).await else { continue };
            assert_eq!(run_id(&job), self.held.get(job_id).map(|lease| lease.run_id), "{job:?}");
            let runs_by_itself = matches!(job.state, JobState::Waiting { .. });
            assert!(!runs_by_itself || job.schedule.wanted == ScheduleState::Active, "{job:?}");
        }
        for lease in self.held.values() {
            assert_ne!(self.fixture.beat(lease).await, Verdict::Lost);
        }
        if let Some(former) = self.ended.last() {
            assert_eq!(self.fixture.beat(former).await, Verdict::Lost);
        }
    }

    async fn check_events(&self) {
        let mut events = Vec::new();
        loop {
            let after = i64::try_from(events.len()).unwrap();
            let batch = self.fixture.store.read_run_events(after).await.unwrap();
            if batch.is_empty() {
                break;
            }
            events.extend(batch.into_iter().map(|event| event.run.run_id));
        }
        let ended: Vec<_> = self.ended.iter().map(|lease| lease.run_id).collect();
        assert_eq!(events, ended, "in the order in which the runs ended, each once");
    }

    /// A former holder is refused whatever it says.
    async fn check_fences(&self) {
        for former in self.ended.iter().filter(|lease| !self.held.values().any(|held| held == *lease)) {
            match self.fixture.try_finish(&finish(former, Outcome::Forbidden)).await {
                // It ended with this very outcome before: a repeat, which changes nothing.
                Ok(None) | Err(StoreError::LeaseLost) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn whatever_happens_in_whatever_order_each_job_has_one_holder_and_each_run_one_end() {
    for seed in SEEDS {
        let mut model = Model::new(seed).await;
        for _ in 0..STEPS {
            model.step().await;
            model.check().await;
        }
        model.check_fences().await;
        model.check_events().await;
        assert!(!model.ended.is_empty(), "seed {seed} ran nothing");
    }
}
