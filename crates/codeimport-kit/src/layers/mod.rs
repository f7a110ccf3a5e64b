//! What surrounds every call, the same for all services, in the one right order.
//!
//! From the outside in:
//!
//! 1. [`request_id`]: first, so that whatever happens next can be told apart in log and answer;
//! 2. [`trace_context`]: opens the span in which all the rest logs;
//! 3. [`metrics`]: outside of what can end a call early, so that those answers are counted with their codes;
//! 4. [`cut_off`]: the end of a stopping server's grace, which no deadline prolongs;
//! 5. [`deadline`]: outside of the panic guard, because a handler whose time is up is dropped, not unwound;
//! 6. [`panic_guard`]: last, around the handler alone: to all others a panic is an ordinary answer.
//!
//! Identity, once there are roles, belongs between 3 and 4: refusals are counted, and cost no handler.

mod around;
mod cut_off;
mod deadline;
mod ending_body;
mod known_methods;
mod metrics;
mod panic_guard;
mod request_id;
mod trace_context;

pub use deadline::Deadline;
pub use request_id::RequestId;
pub use trace_context::TraceContext;

use crate::Shutdown;
use around::AroundLayer;

/// All concerns of a call, from the outside in; see the module's documentation for the reasons.
type Concerns = (
    request_id::NameCalls,
    (
        trace_context::TraceCalls,
        (metrics::CountCalls, (cut_off::CutOff, (deadline::EnforceDeadline, panic_guard::PanicGuard))),
    ),
);

/// All of them around a service. `grace_over` ends calls under way.
pub(crate) fn stack(grace_over: Shutdown) -> AroundLayer<Concerns> {
    let inner = (cut_off::CutOff(grace_over), (deadline::EnforceDeadline, panic_guard::PanicGuard));
    let outer = (trace_context::TraceCalls, (metrics::CountCalls, inner));
    AroundLayer((request_id::NameCalls, outer))
}
