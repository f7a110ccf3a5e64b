//! The queue service.
pub mod next_due;
pub mod schedule;
pub mod store;
