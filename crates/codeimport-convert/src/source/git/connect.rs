//! From an address to a transport.

use super::{http::HttpClient, tcp};
use crate::{SourceOptions, source::fault::FaultSlot};
use codeimport_core::SourceUrl;
use codeimport_subprocess::Cancel;
use gix::{
    error::{ErrorExt as _, message},
    protocol::transport::{
        Protocol,
        client::{
            blocking_io::{Transport, http},
            git,
        },
    },
};

/// The newest protocol: it lets the server filter the refs and tells of a branch that is not born yet.
const VERSION: Protocol = Protocol::V2;

/// Opens the transport. For `git://` this connects, for HTTP the first request does.
pub(super) fn connect(
    url: &SourceUrl,
    options: &SourceOptions,
    faults: &FaultSlot,
    cancel: &Cancel,
) -> gix::Result<Box<dyn Transport + Send>> {
    let parsed = gix::url::parse(url.as_str())?;
    if parsed.scheme != gix::url::Scheme::Git {
        let client = HttpClient::new(url, options, faults.clone(), cancel.clone())?;
        return Ok(Box::new(http::Transport::new_http(client, parsed, VERSION, false)));
    }
    let port = parsed.port.unwrap_or(tcp::GIT_PORT);
    let (reader, writer) = tcp::connect(url.host(), port, options, faults, cancel)
        .map_err(|error| error.and_raise(message("could not connect")))?;
    let virtual_host = Some((url.host(), parsed.port));
    let daemon = git::ConnectMode::Daemon;
    let connection =
        git::blocking_io::Connection::new(reader, writer, VERSION, parsed.path, virtual_host, daemon, false);
    Ok(Box::new(connection))
}
