//! Random operations by random people against a model that knows the rules a second time, in its own words.
//!
//! After each operation the registry has to show what the model says; in the end the queue has to have heard it, though it was
//! away again and again.

use crate::{
    harness::{Registry, create_request},
    queue::wanted,
    run_events::heard_of,
};
use codeimport_kit::reason_of;
use codeimport_proto::{
    common::{ErrorReason, Outcome},
    queue::ScheduleState,
    registry::{
        DeleteImportRequest, Import, RetryImportRequest, ReviewImportRequest, ReviewStatus, Source, UpdateImportRequest,
    },
};
use std::collections::BTreeMap;
use tonic::{Request, Status};

const IDS: [&str; 3] = ["a", "b", "c"];
/// Two who own imports, one who owns none, one who reviews.
const PEOPLE: [&str; 4] = ["robin", "ada", "mallory", "olga"];
const OPERATOR: &str = "olga";
const STATUSES: [ReviewStatus; 4] =
    [ReviewStatus::New, ReviewStatus::Reviewed, ReviewStatus::Suspended, ReviewStatus::Invalid];

#[derive(Clone, Copy, Debug)]
enum Operation {
    Create,
    Review(ReviewStatus),
    Retry,
    /// To an address that policy approves, or to one that it does not.
    Move(bool),
    HandOver(&'static str),
    Delete,
    /// Not by who calls: a run ends in a way that stops the schedule.
    GiveUp,
}

/// What the model knows of an import.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Known {
    owner: &'static str,
    status: ReviewStatus,
}

type Model = BTreeMap<&'static str, Known>;

/// Numbers that look like chance, the same for each seed (Knuth's MMIX).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % limit
    }

    fn one_of<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    fn operation(&mut self) -> Operation {
        match self.below(12) {
            0..=2 => Operation::Create,
            3..=5 => Operation::Review(self.one_of(&STATUSES)),
            6 => Operation::Retry,
            7 => Operation::Move(self.below(2) == 0),
            8 => Operation::HandOver(self.one_of(&PEOPLE)),
            9 => Operation::Delete,
            _ => Operation::GiveUp,
        }
    }
}

/// What becomes of the model, or why the registry has to refuse.
fn expected(model: &mut Model, id: &'static str, who: &'static str, operation: Operation) -> Result<(), ErrorReason> {
    let Some(known) = model.get_mut(id) else {
        return match operation {
            Operation::Create => {
                model.insert(id, Known { owner: who, status: ReviewStatus::Reviewed });
                Ok(())
            }
            // Of an import that is gone there is nothing to be said.
            Operation::GiveUp => Ok(()),
            _ => Err(ErrorReason::ImportNotFound),
        };
    };
    let (reviews, owns) = (who == OPERATOR, who == OPERATOR || who == known.owner);
    let allow = |allowed: bool| if allowed { Ok(()) } else { Err(ErrorReason::RoleForbids) };
    match operation {
        Operation::Create => return Err(ErrorReason::ImportAlreadyExists),
        Operation::Review(status) if status == known.status => {}
        Operation::Review(ReviewStatus::Suspended) => {
            allow(owns)?;
            known.status = ReviewStatus::Suspended;
        }
        // The same as to try again, which everybody may.
        Operation::Review(ReviewStatus::Reviewed) if known.status == ReviewStatus::Failing => {
            known.status = ReviewStatus::Reviewed;
        }
        Operation::Review(status) => {
            allow(reviews)?;
            known.status = status;
        }
        Operation::Retry if runs_or_ran(known.status) => known.status = ReviewStatus::Reviewed,
        Operation::Retry => return Err(ErrorReason::ReviewStatusForbids),
        Operation::Move(approved) => {
            allow(owns)?;
            if runs_or_ran(known.status) {
                known.status = if approved { ReviewStatus::Reviewed } else { ReviewStatus::New };
            }
        }
        Operation::GiveUp => {
            if known.status == ReviewStatus::Reviewed {
                known.status = ReviewStatus::Failing;
            }
        }
        Operation::HandOver(to) if to == known.owner => {}
        Operation::HandOver(to) => {
            allow(owns)?;
            known.owner = to;
        }
        Operation::Delete => {
            allow(owns)?;
            model.remove(id);
        }
    }
    Ok(())
}

fn runs_or_ran(status: ReviewStatus) -> bool {
    matches!(status, ReviewStatus::Reviewed | ReviewStatus::Failing)
}

fn from<T>(who: &'static str, request: T) -> Request<T> {
    let mut request = Request::new(request);
    request.metadata_mut().insert("codeimport-actor", who.parse().expect("header"));
    request
}

fn update(id: &str, import: Import, path: &str) -> UpdateImportRequest {
    let (import_id, update_paths) = (id.to_owned(), vec![path.to_owned()]);
    UpdateImportRequest { import_id, import: Some(import), update_paths, ..Default::default() }
}

/// An address that no import has had before.
fn moved(id: &str, approved: bool, step: usize) -> UpdateImportRequest {
    let host = if approved { "host" } else { "elsewhere" };
    let url = format!("https://{host}/{id}-{step}");
    let source = Source { rcs_type: codeimport_proto::common::RcsType::Git.into(), url, ..Default::default() };
    update(id, Import { source: Some(source), ..Default::default() }, "source")
}

async fn attempt(
    registry: &mut Registry,
    id: &'static str,
    who: &'static str,
    operation: Operation,
    step: usize,
) -> Result<(), Status> {
    let (imports, import_id) = (&mut registry.imports, id.to_owned());
    match operation {
        Operation::GiveUp => {
            give_up(registry, id).await;
            Ok(())
        }
        Operation::Create => imports.create_import(from(who, create_request(id))).await.map(drop),
        Operation::Review(status) => {
            let request = ReviewImportRequest { import_id, review_status: status.into(), ..Default::default() };
            imports.review_import(from(who, request)).await.map(drop)
        }
        Operation::Retry => {
            let request = RetryImportRequest { import_id, ..Default::default() };
            imports.retry_import(from(who, request)).await.map(drop)
        }
        Operation::Move(approved) => imports.update_import(from(who, moved(id, approved, step))).await.map(drop),
        Operation::HandOver(to) => {
            let import = Import { owner: to.to_owned(), ..Default::default() };
            imports.update_import(from(who, update(id, import, "owner"))).await.map(drop)
        }
        Operation::Delete => {
            let request = DeleteImportRequest { import_id, ..Default::default() };
            imports.delete_import(from(who, request)).await.map(drop)
        }
    }
}

/// A run of the schedule that is in force fails for good; the consumer hears of it. What is not active does not run.
async fn give_up(registry: &Registry, id: &str) {
    let Ok(import) = registry.store.import(&id.parse().expect("id")).await else { return };
    registry.queue.job_since(id, import.generation).await;
    if import.intent.status.runs() {
        registry.queue.request_run(id).await;
        let run_id = registry.queue.run(id, Outcome::Invalid).await;
        heard_of(&registry.store, id, run_id).await;
    }
}

/// What the registry shows of an import, in the model's words.
async fn shown(registry: &Registry, id: &'static str) -> Option<(String, String)> {
    let import = registry.store.import(&id.parse().expect("id")).await.ok()?;
    Some((import.intent.definition.care.owner.clone(), import.intent.status.name().to_owned()))
}

fn known(model: &Model, id: &str) -> Option<(String, String)> {
    let status = |status: ReviewStatus| status.as_str_name().trim_start_matches("REVIEW_STATUS_").to_lowercase();
    model.get(id).map(|known| (known.owner.to_owned(), status(known.status)))
}

async fn walk(seed: u64, steps: usize) {
    let mut registry = Registry::start_with(|config| {
        config.operators = [OPERATOR.to_owned()].into();
        config.trust_actor_header = true;
        config.auto_approve_prefixes = vec!["https://host/".to_owned()];
    })
    .await;
    let (mut chance, mut model) = (Chance(seed), Model::new());
    for step in 0..steps {
        let (id, who, operation) = (chance.one_of(&IDS), chance.one_of(&PEOPLE), chance.operation());
        if chance.below(12) == 0 {
            match registry.queue.is_running() {
                true => registry.queue.stop().await,
                false => registry.queue.restart().await,
            }
        }
        if matches!(operation, Operation::GiveUp) && !registry.queue.is_running() {
            // A run ends at the queue.
            registry.queue.restart().await;
        }
        let wanted = expected(&mut model, id, who, operation);
        let got = attempt(&mut registry, id, who, operation, step).await;
        let got = got.map_err(|status| reason_of(&status).unwrap_or_default());
        assert_eq!(got, wanted, "seed {seed}, step {step}: {who} does {operation:?} to {id}");
        assert_eq!(shown(&registry, id).await, known(&model, id), "seed {seed}, step {step}: {operation:?}");
    }
    if !registry.queue.is_running() {
        registry.queue.restart().await;
    }
    converged(&registry, &model).await;
}

/// The queue has heard the last word about each import that there ever was.
async fn converged(registry: &Registry, model: &Model) {
    for id in IDS {
        let state = match model.get(id).map(|known| known.status) {
            None => ScheduleState::Deleted,
            Some(ReviewStatus::Reviewed) => ScheduleState::Active,
            Some(_) => ScheduleState::Suspended,
        };
        if registry.count(&format!("SELECT count(*) FROM import_event WHERE import_id = '{id}'")).await == 0 {
            continue;
        }
        registry.queue.until(id, &format!("{state:?}"), |job| wanted(job) == state).await;
    }
}

#[tokio::test]
async fn whatever_people_do_the_table_is_kept_and_the_queue_hears_of_it() {
    for seed in [1, 20, 300] {
        walk(seed, 150).await;
    }
}
