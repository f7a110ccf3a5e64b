//! The questions over `bzr://`.

use super::super::position::Position;
use super::{ask, message};
use crate::source::fault::Fault;
use crate::source::wire::Wire;
use crate::{ConvertError, SourceOptions, Watch};
use codeimport_core::{SourceUrl, Stage, decode_percent};
use std::io::{self, Write as _};
use url::Url;

/// Port of `bzr://` (IANA).
const BZR_PORT: u16 = 4155;

/// Where a branch stands; none if the server has to be asked in another way.
pub(super) fn position(
    url: &SourceUrl,
    options: &SourceOptions,
    watch: &Watch,
) -> Result<Option<Position>, ConvertError> {
    let explain = |error: io::Error| {
        let fault = match error.kind() {
            _ if watch.cancel().is_cancelled() => Fault::Cancelled,
            io::ErrorKind::TimedOut => Fault::Silent(options.idle_timeout),
            _ => Fault::unreachable(&error),
        };
        fault.explain(url, Stage::Probe).caused_by(error)
    };
    let Ok(address) = Url::parse(url.as_str()) else { return Ok(None) };
    let host = url.host().trim_start_matches('[').trim_end_matches(']');
    let port = address.port().unwrap_or(BZR_PORT);
    let opened = Wire::open((host, port), options.connect_timeout, options.idle_timeout, watch.cancel());
    let (mut wire, mut writer) = opened.map_err(explain)?;
    let path = format!("{}/", decode_percent(address.path()).trim_matches('/'));
    let asked = ask(&path, |question| {
        writer.write_all(question)?;
        message::read_answer(wire.input()).map(Some)
    });
    match asked {
        // No answer at all is one; any other one is for those who know all versions of the protocol.
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(explain(error)),
        asked => Ok(asked.ok().flatten()),
    }
}
