//! A run's calls to the registry.
//!
//! Each is made under the newest token and with a lease that surely lasts for it. A registry that is away is waited for, as
//! long as the lease is held: the work is done, only telling it is missing.

use crate::{
    clients::{Clients, SWAP_DEADLINE, call_backoff},
    roster::ActiveRun,
    stop::{self, Refusal, Stop},
};
use codeimport_convert::{ConvertError, ObjectId};
use codeimport_core::{Outcome, Stage};
use codeimport_kit::Backoff;
use codeimport_proto::registry::{
    GetRunSpecRequest, GetRunSpecResponse, ListRefsRequest, PutRevisionsRequest, Ref, Revision, SourceRevision,
    SwapRefsRequest,
};
use std::{collections::BTreeSet, future::Future};
use tonic::{Request, Response, Status};

/// Refs asked for at once.
const PAGE_LEN: i32 = 5_000;

/// How often a lease that the registry calls lost, but the queue confirms, is believed.
const MAX_DOUBTS: u32 = 3;

/// The registry, as one run sees it.
pub(crate) struct Registry<'a> {
    pub(crate) clients: &'a Clients,
    pub(crate) run: &'a ActiveRun,
}

/// The refs of the target, as they are to be shown.
#[derive(Clone)]
pub(crate) struct Swap {
    pub(crate) refs: Vec<Ref>,
    pub(crate) default_branch: String,
    pub(crate) refs_digest: Vec<u8>,
    /// All of history was told.
    pub(crate) anew: bool,
    /// Bytes that the target takes; 0: unknown.
    pub(crate) target_bytes: i64,
}

/// What the scan has found: as much as is told at once.
#[derive(Clone, Default)]
pub(crate) struct Found {
    pub(crate) revisions: Vec<Revision>,
    /// Which source revisions they show.
    pub(crate) source_revisions: Vec<SourceRevision>,
    /// How many revisions of this scan stand before them.
    pub(crate) offset: i64,
    /// All of history is told.
    pub(crate) anew: bool,
}

/// What the registry made of a swap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Swapped {
    Done,
    /// A commit is missing that was believed to be stored.
    Incomplete,
}

impl Registry<'_> {
    /// What is to be done.
    pub(crate) async fn run_spec(&self) -> Result<GetRunSpecResponse, Stop> {
        let call = |lease_token| {
            let mut client = self.clients.run_support();
            async move { client.get_run_spec(GetRunSpecRequest { lease_token }).await }
        };
        self.call(Stage::Probe, call).await
    }

    /// Stores revisions, and what they show; returns how many were new.
    pub(crate) async fn put_revisions(&self, found: &Found) -> Result<i64, Stop> {
        let call = |lease_token| {
            let mut client = self.clients.run_support();
            let Found { revisions, source_revisions, offset, anew } = found.clone();
            let request = PutRevisionsRequest { lease_token, revisions, source_revisions, offset, anew };
            async move { client.put_revisions(request).await }
        };
        Ok(self.call(Stage::Scan, call).await?.stored_count)
    }

    /// Makes the scan visible.
    pub(crate) async fn swap_refs(&self, swap: &Swap) -> Result<Swapped, Stop> {
        let call = |lease_token| {
            let mut client = self.clients.run_support();
            let Swap { refs, default_branch, refs_digest, anew, target_bytes } = swap.clone();
            let swap = SwapRefsRequest { lease_token, refs, default_branch, refs_digest, anew, target_bytes };
            let mut request = Request::new(swap);
            request.set_timeout(SWAP_DEADLINE);
            async move {
                match client.swap_refs(request).await {
                    Err(status) if stop::judge(&status) == Refusal::Incomplete => {
                        tracing::warn!(error.message = status.message(), "the registry lacks revisions");
                        Ok(Response::new(Swapped::Incomplete))
                    }
                    answer => answer.map(|answer| answer.map(|_| Swapped::Done)),
                }
            }
        };
        self.call(Stage::Scan, call).await
    }

    /// Commits that the last scan's refs led to. All that is reachable from them is stored.
    pub(crate) async fn known_commits(&self, import_id: &str) -> Result<BTreeSet<ObjectId>, Stop> {
        let mut known = BTreeSet::new();
        let mut page_token = String::new();
        loop {
            let call = |_| {
                let mut client = self.clients.scans();
                let (import_id, page_token) = (import_id.to_owned(), page_token.clone());
                async move { client.list_refs(ListRefsRequest { import_id, page_size: PAGE_LEN, page_token }).await }
            };
            let page = self.call(Stage::Scan, call).await?;
            known.extend(page.refs.iter().filter_map(|r| ObjectId::from_hex(r.commit_id.as_bytes()).ok()));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(known);
            }
        }
    }

    /// Repeats a call until it is answered, refused for good, or the lease ends.
    async fn call<T, F, Fut>(&self, stage: Stage, mut call: F) -> Result<T, Stop>
    where
        F: FnMut(Vec<u8>) -> Fut,
        Fut: Future<Output = Result<Response<T>, Status>>,
    {
        let mut backoff = call_backoff();
        let mut doubts = 0;
        loop {
            self.run.lease.ensure_held().await?;
            let status = match call(self.run.lease.lease_token()).await {
                Ok(answer) => return Ok(answer.into_inner()),
                Err(status) => status,
            };
            match stop::judge(&status) {
                Refusal::Transient => self.pause(&mut backoff, &status).await?,
                Refusal::LeaseLost if doubts < MAX_DOUBTS => {
                    doubts += 1;
                    self.run.lease.reconfirm().await?;
                }
                Refusal::LeaseLost => return Err(contradiction(stage).into()),
                Refusal::Gone | Refusal::Forbidden | Refusal::Incomplete | Refusal::Fault => {
                    return Err(stop::failure(stage, "registry", &status).into());
                }
            }
        }
    }

    async fn pause(&self, backoff: &mut Backoff, status: &Status) -> Result<(), Stop> {
        let delay = backoff.next_delay();
        tracing::warn!(error.code = ?status.code(), error.message = status.message(), delay = ?delay, "registry is away");
        tokio::select! {
            () = tokio::time::sleep(delay) => Ok(()),
            ended = self.run.lease.until_ended() => Err(ended.into()),
        }
    }
}

fn contradiction(stage: Stage) -> ConvertError {
    let text = "The registry calls the lease lost, the queue confirms it: do both share a key and a clock?";
    ConvertError::new(Outcome::Failure, stage, text)
}
