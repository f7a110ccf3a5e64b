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
use tower::{
    ServiceBuilder,
    layer::util::{Identity, Stack},
};

/// All layers around a service, as one; the innermost is named first.
pub(crate) type Layers = Stack<
    AroundLayer<panic_guard::PanicGuard>,
    Stack<AroundLayer<deadline::EnforceDeadline>, Stack<AroundLayer<cut_off::CutOff>, OuterLayers>>,
>;

/// Those that see every call, whatever becomes of it.
type OuterLayers = Stack<
    AroundLayer<metrics::CountCalls>,
    Stack<AroundLayer<trace_context::TraceCalls>, Stack<AroundLayer<request_id::NameCalls>, Identity>>,
>;

/// The layers in their order; see the module's documentation for the reasons. `grace_over` ends calls under way.
pub(crate) fn stack(grace_over: Shutdown) -> Layers {
    ServiceBuilder::new()
        .layer(AroundLayer(request_id::NameCalls))
        .layer(AroundLayer(trace_context::TraceCalls))
        .layer(AroundLayer(metrics::CountCalls))
        .layer(AroundLayer(cut_off::CutOff(grace_over)))
        .layer(AroundLayer(deadline::EnforceDeadline))
        .layer(AroundLayer(panic_guard::PanicGuard))
        .into_inner()
}
