//! What went wrong on the wire, said by the transport itself.
//!
//! gix wraps a transport's errors several times over on their way up, not always in a way that one can look through.
//! So the transport leaves what it knows in a slot beside the call, and whoever gets gix's error looks there first.

mod explain;

use std::{
    error::Error,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Something that happened to a connection.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum Fault {
    /// The run was told to stop.
    #[error("cancelled")]
    Cancelled,
    /// The host could not be found, refused, or broke the connection.
    #[error("connection failed: {0}")]
    Unreachable(String),
    /// The server said nothing for too long.
    #[error("no answer within {0:?}")]
    Silent(Duration),
    /// The server answered with something else than success.
    #[error("HTTP status {status}")]
    Status {
        /// The status code.
        status: u16,
        /// The pause it asked for.
        retry_after: Option<Duration>,
    },
    /// The server sent us somewhere that nobody has approved.
    #[error("redirected to {0}")]
    Redirected(String),
    /// Git over plain files, which has no protocol to ask anything.
    #[error("dumb HTTP")]
    DumbHttp,
    /// Something that is no repository of this kind at all.
    #[error("not what was asked for, but {0}")]
    Other(String),
}

impl Fault {
    /// A connection that failed, with the cause of all causes: "Connection refused", "invalid peer certificate". What is
    /// around it repeats the address.
    pub(super) fn unreachable(error: &(dyn Error + 'static)) -> Self {
        let mut cause = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        let text = cause.to_string();
        // The system's number for it tells nothing to a person.
        Self::Unreachable(text.split(" (os error").next().unwrap_or_default().to_owned())
    }
}

/// Keeps the first fault of a connection; later ones are only its consequences.
#[derive(Clone, Default)]
pub(super) struct FaultSlot(Arc<Mutex<Option<Fault>>>);

impl FaultSlot {
    /// Records a fault and turns it into the error that the reader has to return.
    pub(super) fn record(&self, fault: Fault) -> io::Error {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slot.get_or_insert_with(|| fault.clone());
        io::Error::other(fault)
    }

    /// The fault, if there was one.
    pub(super) fn get(&self) -> Option<Fault> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_without_the_systems_number() {
        let error = io::Error::from_raw_os_error(111);
        assert_eq!(Fault::unreachable(&error), Fault::Unreachable("Connection refused".to_owned()));
    }

    #[test]
    fn the_first_fault_is_kept() {
        let slot = FaultSlot::default();
        drop(slot.record(Fault::Cancelled));
        drop(slot.record(Fault::DumbHttp));
        assert_eq!(slot.get(), Some(Fault::Cancelled));
    }
}
