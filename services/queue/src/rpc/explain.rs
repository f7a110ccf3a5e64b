//! Explanations as they are sent.

use super::convert::count_to_wire;
use crate::{explain::Facts, host::HostPolicy};
use codeimport_proto::{
    convert::{due_reason_to_wire, timestamp_to_wire, wait_reason_to_wire},
    queue as wire,
};

pub(super) fn explanation_to_wire(facts: &Facts, policy: &HostPolicy) -> wire::Explanation {
    let wait_reason = facts.wait_reason(policy);
    wire::Explanation {
        sentence: facts.sentence(policy),
        due_reason: facts.due_reason.map_or_else(Default::default, due_reason_to_wire).into(),
        wait_reason: wait_reason.map_or_else(Default::default, wait_reason_to_wire).into(),
        wait_until_time: facts.wait_until(wait_reason).map(timestamp_to_wire),
        line_position: facts.line_position.into(),
        host_running_count: count_to_wire(facts.host.running_count),
        host_max_running: facts.host.limits(policy).max_running.map(count_to_wire),
        rcs_running_count: facts.load.running_count.into(),
        rcs_max_running: facts.load.max_running.map(count_to_wire),
        worker_count: facts.load.worker_count.into(),
        host_down: facts.host.is_down(policy),
        host_trip_count: count_to_wire(facts.host.breaker.opened_count),
    }
}
