//! How often an import runs when nobody says otherwise.

use crate::RcsType;
use std::time::Duration;

/// Shortest interval from start to start that may be asked for.
///
/// A source that changes faster should push (a trigger), not be polled.
pub const MIN_UPDATE_INTERVAL: Duration = Duration::from_secs(60);

/// Time from start to start of two runs, by type of source: 12 h for CVS, whose servers have to work
/// hardest for an answer, and 6 h for all others. Launchpad's figures, proven over fifteen years.
#[must_use]
pub fn default_update_interval(rcs_type: RcsType) -> Duration {
    const HOUR: Duration = Duration::from_secs(3600);
    match rcs_type {
        RcsType::Cvs => 12 * HOUR,
        RcsType::Git | RcsType::Subversion | RcsType::Mercurial | RcsType::Bazaar => 6 * HOUR,
    }
}
