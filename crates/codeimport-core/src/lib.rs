//! The domain of codeimport: what an import, a lease, an outcome and a source URL are.
//!
//! Pure: no I/O, no clock, no async. Everything here can be tested by calling it. Services convert
//! what comes over the wire into these types at their doors and use nothing else inside.

mod author_map;
mod charset;
mod cvs_address;
mod event_type;
mod ids;
mod interval;
mod lease_token;
mod network;
mod outcome;
mod percent;
mod rcs_type;
mod ref_filter;
mod ref_name;
mod review_status;
mod schedule;
mod scrub;
mod source_url;
mod svn_layout;
mod target_url;

pub use author_map::{AuthorMap, Identity, InvalidAuthorLine};
pub use charset::{Charset, UnknownCharset};
pub use cvs_address::{CvsAddressError, cvs_root_and_module, cvs_url};
pub use event_type::EventType;
pub use ids::{FencingToken, ImportId, InvalidImportId, RunId};
pub use interval::{MIN_UPDATE_INTERVAL, default_update_interval};
pub use lease_token::{LeaseClaims, LeaseKey, LeaseTokenError};
pub use network::{ForbiddenAddress, InvalidNetwork, Network, check_address};
pub use outcome::{Outcome, Stage, UnknownName};
pub use percent::decode_percent;
pub use rcs_type::RcsType;
pub use ref_filter::{InvalidRefPattern, RefFilter};
pub use ref_name::display_ref_name;
pub use review_status::ReviewStatus;
pub use schedule::{DueReason, ScheduleState, StopReason, WaitReason};
pub use scrub::scrub;
pub use source_url::{SourceUrl, SourceUrlError};
pub use svn_layout::{InvalidLayout, Layout, Project};
pub use target_url::{TargetUrl, TargetUrlError};
