//! What only Bazaar branches have, as it is typed, for the engine on this machine.

use clap::Args;
use codeimport_convert::BzrOptions;

/// What is not typed is as for every import.
#[derive(Args)]
pub(crate) struct BzrArgs {
    /// End each message with what Git has no field for: further authors, bugs, and the revision's id in Bazaar. Kept from the
    /// first run on.
    #[arg(long)]
    bzr_trailers: bool,
}

impl BzrArgs {
    /// For the engine.
    pub(crate) fn options(&self) -> BzrOptions {
        BzrOptions { trailers: self.bzr_trailers }
    }
}
