//! Wire values to the queue's own, with everything that is wrong at once, and the way back.

mod answers;
mod fields;
mod reports;
mod requests;

pub(super) use answers::{count_to_wire, job_to_wire, log_line_to_wire, run_event_to_wire, run_to_wire};
pub(super) use fields::{actor, host_name, job_id, reason, version, worker_id};
pub(super) use reports::{finish, heartbeat, log_lines};
pub(super) use requests::{acquire, cancel_run, put_schedule, request_run};

/// Most items of a call.
pub(super) const MAX_ITEMS: usize = 500;
