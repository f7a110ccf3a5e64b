//! A queue that grants what it is given and a registry that keeps what it is told. Both remember every call.

use codeimport_proto::{
    common::{Outcome, RcsType},
    convert::duration_to_wire,
    queue::{
        AcquireLeasesRequest, AcquireLeasesResponse, FinishRunRequest, FinishRunResponse, FinishRunsRequest,
        FinishRunsResponse, HeartbeatRequest, HeartbeatResponse, HeartbeatResult, HeartbeatVerdict, Lease,
        RegisterWorkerRequest, RegisterWorkerResponse, ReleaseLeaseRequest, ReleaseLeaseResponse,
        lease_service_server::LeaseService,
    },
    registry::{
        CompareTipsRequest, CompareTipsResponse, GetRevisionRequest, GetRevisionResponse, GetRunSpecRequest,
        GetRunSpecResponse, GetScanTotalsRequest, GetScanTotalsResponse, ListRefsRequest, ListRefsResponse,
        ListRevisionsRequest, ListRevisionsResponse, LookupSourceRevisionRequest, LookupSourceRevisionResponse,
        PutRevisionsRequest, PutRevisionsResponse, RescanRequest, RescanResponse, Revision, Source, SwapRefsRequest,
        SwapRefsResponse, Target, WatchRefsRequest, WatchRefsResponse, run_support_service_server::RunSupportService,
        scan_service_server::ScanService,
    },
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tokio::sync::watch;
use tonic::{Request, Response, Status};

type Answer<T> = Result<Response<T>, Status>;

/// What happened so far.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) to_grant: Vec<Lease>,
    pub(crate) verdict: HeartbeatVerdict,
    pub(crate) source_url: String,
    pub(crate) target_url: String,
    /// How many calls of PutRevisions are refused before one is taken.
    pub(crate) outages: u32,
    pub(crate) registered: Vec<RegisterWorkerRequest>,
    pub(crate) drain: bool,
    pub(crate) drain_told: bool,
    pub(crate) acquired: Vec<AcquireLeasesRequest>,
    pub(crate) heartbeat_count: usize,
    pub(crate) log: Vec<String>,
    pub(crate) finished: Vec<FinishRunRequest>,
    pub(crate) released: Vec<ReleaseLeaseRequest>,
    pub(crate) revisions: BTreeMap<String, Revision>,
    pub(crate) put_count: usize,
    pub(crate) swapped: Option<SwapRefsRequest>,
    pub(crate) spec_count: usize,
}

/// Both services at once.
#[derive(Clone)]
pub(crate) struct Fakes {
    seen: Arc<Mutex<Seen>>,
    changed: Arc<watch::Sender<u64>>,
}

impl Fakes {
    pub(crate) fn new() -> Self {
        let seen = Seen { verdict: HeartbeatVerdict::Extended, ..Seen::default() };
        Self { seen: Arc::new(Mutex::new(seen)), changed: Arc::new(watch::Sender::new(0)) }
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("no test panics while it looks")
    }

    fn note<T>(&self, what: impl FnOnce(&mut Seen) -> T) -> T {
        let result = what(&mut self.seen());
        self.changed.send_modify(|count| *count += 1);
        result
    }

    /// Grants a lease to whoever asks next.
    pub(crate) fn grant(&self, run_id: i64, after_reclaim: bool) {
        self.note(|seen| {
            seen.to_grant.push(Lease {
                job_id: "example".to_owned(),
                run_id,
                fencing_token: run_id,
                lease_token: run_id.to_be_bytes().to_vec(),
                lease_duration: Some(duration_to_wire(Duration::from_secs(30))),
                heartbeat_interval: Some(duration_to_wire(Duration::from_secs(1))),
                rcs_type: RcsType::Git.into(),
                after_reclaim,
                ..Lease::default()
            });
        });
    }

    /// Drains the worker, or lets it go on.
    pub(crate) fn set_drain(&self, drain: bool) {
        self.note(|seen| seen.drain = drain);
    }

    /// Answers all heartbeats with this from now on.
    pub(crate) fn answer(&self, verdict: HeartbeatVerdict) {
        self.note(|seen| seen.verdict = verdict);
    }

    /// Waits until something has happened.
    pub(crate) async fn until<T>(&self, found: impl Fn(&Seen) -> Option<T>) -> T {
        let mut changed = self.changed.subscribe();
        let waiting = async {
            loop {
                if let Some(found) = found(&self.seen()) {
                    return found;
                }
                changed.changed().await.expect("the sender is ours");
            }
        };
        tokio::time::timeout(Duration::from_secs(30), waiting).await.expect("it happens in time")
    }

    /// Waits for the end of a run.
    pub(crate) async fn finish(&self, number: usize) -> FinishRunRequest {
        self.until(|seen| seen.finished.get(number - 1).cloned()).await
    }
}

#[tonic::async_trait]
impl LeaseService for Fakes {
    async fn register_worker(&self, request: Request<RegisterWorkerRequest>) -> Answer<RegisterWorkerResponse> {
        let drain = self.note(|seen| {
            seen.registered.push(request.into_inner());
            seen.drain
        });
        Ok(Response::new(RegisterWorkerResponse { drain }))
    }

    async fn acquire_leases(&self, request: Request<AcquireLeasesRequest>) -> Answer<AcquireLeasesResponse> {
        let request = request.into_inner();
        let wait = request.wait_timeout.is_some_and(|wait| wait.seconds > 0);
        self.note(|seen| seen.acquired.push(request));
        let mut changed = self.changed.subscribe();
        loop {
            let drain = self.seen().drain;
            let leases = if drain { Vec::new() } else { std::mem::take(&mut self.seen().to_grant) };
            if !leases.is_empty() || !wait || drain {
                self.note(|seen| seen.drain_told |= drain);
                return Ok(Response::new(AcquireLeasesResponse { leases, drain }));
            }
            changed.changed().await.expect("the sender is ours");
        }
    }

    async fn heartbeat(&self, request: Request<HeartbeatRequest>) -> Answer<HeartbeatResponse> {
        let request = request.into_inner();
        let results = self.note(|seen| {
            seen.heartbeat_count += 1;
            let result = |lease_token: Vec<u8>| HeartbeatResult {
                verdict: seen.verdict.into(),
                lease_token,
                lease_duration: Some(duration_to_wire(Duration::from_secs(30))),
                heartbeat_interval: Some(duration_to_wire(Duration::from_secs(1))),
                reason: "the test says so".to_owned(),
            };
            let lines = request.items.iter().flat_map(|item| &item.log_lines).map(|line| line.text.clone());
            seen.log.extend(lines);
            request.items.iter().map(|item| result(item.lease_token.clone())).collect()
        });
        let drain = self.seen().drain;
        Ok(Response::new(HeartbeatResponse { results, drain }))
    }

    async fn finish_run(&self, request: Request<FinishRunRequest>) -> Answer<FinishRunResponse> {
        self.note(|seen| seen.finished.push(request.into_inner()));
        Ok(Response::new(FinishRunResponse::default()))
    }

    async fn finish_runs(&self, _: Request<FinishRunsRequest>) -> Answer<FinishRunsResponse> {
        Err(tonic::Status::unimplemented("the worker finishes runs one by one"))
    }

    async fn release_lease(&self, request: Request<ReleaseLeaseRequest>) -> Answer<ReleaseLeaseResponse> {
        self.note(|seen| seen.released.push(request.into_inner()));
        Ok(Response::new(ReleaseLeaseResponse {}))
    }
}

#[tonic::async_trait]
impl RunSupportService for Fakes {
    async fn get_run_spec(&self, _: Request<GetRunSpecRequest>) -> Answer<GetRunSpecResponse> {
        let answer = self.note(|seen| {
            seen.spec_count += 1;
            GetRunSpecResponse {
                allowed_networks: vec!["127.0.0.0/8".to_owned()],
                login: None,
                import_id: "example".to_owned(),
                source: Some(Source {
                    rcs_type: RcsType::Git.into(),
                    url: seen.source_url.clone(),
                    ..Default::default()
                }),
                target: Some(Target { url: seen.target_url.clone() }),
                ref_filter: None,
                scanned_refs_digest: seen.swapped.as_ref().map(|swap| swap.refs_digest.clone()).unwrap_or_default(),
                ..Default::default()
            }
        });
        Ok(Response::new(answer))
    }

    async fn put_revisions(&self, request: Request<PutRevisionsRequest>) -> Answer<PutRevisionsResponse> {
        self.note(|seen| {
            seen.put_count += 1;
            if seen.outages > 0 {
                seen.outages -= 1;
                return Err(Status::unavailable("the test says so"));
            }
            let before = seen.revisions.len();
            for revision in request.into_inner().revisions {
                seen.revisions.insert(revision.commit_id.clone(), revision);
            }
            let stored_count = i64::try_from(seen.revisions.len() - before).expect("few");
            Ok(Response::new(PutRevisionsResponse { stored_count }))
        })
    }

    async fn swap_refs(&self, request: Request<SwapRefsRequest>) -> Answer<SwapRefsResponse> {
        self.note(|seen| seen.swapped = Some(request.into_inner()));
        Ok(Response::new(SwapRefsResponse::default()))
    }
}

#[tonic::async_trait]
impl ScanService for Fakes {
    async fn list_refs(&self, _: Request<ListRefsRequest>) -> Answer<ListRefsResponse> {
        let refs = self.seen().swapped.as_ref().map(|swap| swap.refs.clone()).unwrap_or_default();
        Ok(Response::new(ListRefsResponse { refs, ..ListRefsResponse::default() }))
    }

    async fn list_revisions(&self, _: Request<ListRevisionsRequest>) -> Answer<ListRevisionsResponse> {
        Err(Status::unimplemented("no worker asks for this"))
    }

    async fn lookup_source_revision(
        &self,
        _: Request<LookupSourceRevisionRequest>,
    ) -> Answer<LookupSourceRevisionResponse> {
        Err(Status::unimplemented("no worker asks for this"))
    }

    async fn get_revision(&self, _: Request<GetRevisionRequest>) -> Answer<GetRevisionResponse> {
        Err(Status::unimplemented("no worker asks for this"))
    }

    async fn compare_tips(&self, _: Request<CompareTipsRequest>) -> Answer<CompareTipsResponse> {
        Err(Status::unimplemented("no worker asks for this"))
    }

    type WatchRefsStream = tokio_stream::Empty<Result<WatchRefsResponse, Status>>;

    async fn watch_refs(&self, _: Request<WatchRefsRequest>) -> Answer<Self::WatchRefsStream> {
        Err(Status::unimplemented("no worker asks for this"))
    }

    async fn get_scan_totals(&self, _: Request<GetScanTotalsRequest>) -> Answer<GetScanTotalsResponse> {
        Err(Status::unimplemented("no worker asks for this"))
    }

    async fn rescan(&self, _: Request<RescanRequest>) -> Answer<RescanResponse> {
        Err(Status::unimplemented("no worker asks for this"))
    }
}

/// The outcome of a finish, as an enum.
pub(crate) fn outcome(finish: &FinishRunRequest) -> Outcome {
    Outcome::try_from(finish.outcome).expect("known")
}
