//! `ScheduleService`: what is to run, and how often.

use super::{ScheduleRpc, convert, explain::explanation_to_wire};
use crate::schedule::JobState;
use codeimport_proto::queue::{
    CancelRunRequest, CancelRunResponse, ExplainScheduleRequest, ExplainScheduleResponse, GetScheduleRequest,
    GetScheduleResponse, PutScheduleRequest, PutScheduleResponse, RequestRunRequest, RequestRunResponse,
    schedule_service_server::ScheduleService,
};
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl ScheduleService for ScheduleRpc {
    async fn put_schedule(
        &self,
        request: Request<PutScheduleRequest>,
    ) -> Result<Response<PutScheduleResponse>, Status> {
        let Self(queue) = self;
        let put = convert::put_schedule(request.into_inner())?;
        let (applied, job) = queue.store.put_schedule(&put).await.map_err(|error| queue.refuse(error))?;
        if applied {
            tracing::info!(job.id = %job.job_id, job.generation = job.generation, job.wanted = put.schedule.wanted.name(),
                "schedule applied");
            if matches!(job.state, JobState::Waiting { .. }) {
                queue.wakeups.wake_for_job();
            }
        }
        Ok(Response::new(PutScheduleResponse { applied, job: Some(convert::job_to_wire(&job)) }))
    }

    async fn get_schedule(
        &self,
        request: Request<GetScheduleRequest>,
    ) -> Result<Response<GetScheduleResponse>, Status> {
        let Self(queue) = self;
        let job_id = convert::job_id(&request.into_inner().job_id)?;
        let job = queue.store.get_schedule(&job_id).await.map_err(|error| queue.refuse(error))?;
        Ok(Response::new(GetScheduleResponse { job: Some(convert::job_to_wire(&job)) }))
    }

    async fn explain_schedule(
        &self,
        request: Request<ExplainScheduleRequest>,
    ) -> Result<Response<ExplainScheduleResponse>, Status> {
        let Self(queue) = self;
        let job_id = convert::job_id(&request.into_inner().job_id)?;
        let facts = queue.store.explain_schedule(&job_id).await.map_err(|error| queue.refuse(error))?;
        let explanation = explanation_to_wire(&facts, queue.store.host_policy());
        let job = Some(convert::job_to_wire(&facts.job));
        Ok(Response::new(ExplainScheduleResponse { job, explanation: Some(explanation) }))
    }

    async fn cancel_run(&self, request: Request<CancelRunRequest>) -> Result<Response<CancelRunResponse>, Status> {
        let Self(queue) = self;
        let (run_id, told) = convert::cancel_run(request.into_inner())?;
        let running = queue.store.cancel_run(run_id, &told).await.map_err(|error| queue.refuse(error))?;
        tracing::info!(run.id = %run_id, run.is_running = running, reason = told, "run told to stop");
        Ok(Response::new(CancelRunResponse { running }))
    }

    async fn request_run(&self, request: Request<RequestRunRequest>) -> Result<Response<RequestRunResponse>, Status> {
        let Self(queue) = self;
        let wish = convert::request_run(request.into_inner())?;
        let (job_id, requested_by) = (wish.job_id.clone(), wish.by.clone());
        let requested = queue.batches.request(wish).await.map_err(|error| queue.refuse(error))?;
        tracing::info!(job.id = %job_id, actor = requested_by, "run requested");
        let after_run_id = requested.after_run_id.map_or(0, |run_id| run_id.0);
        Ok(Response::new(RequestRunResponse { job: Some(convert::job_to_wire(&requested.job)), after_run_id }))
    }
}
