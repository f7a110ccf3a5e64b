//! One conversation with a Git server: handshake, list of refs, one pack.

use crate::source::fault::FaultSlot;
use codeimport_core::RefFilter;
use gix::{
    bstr::{BString, ByteSlice as _},
    progress::Discard,
    protocol::{
        Handshake, LsRefsCommand, SendFlushOnDrop,
        handshake::Ref,
        ls_refs::RefPrefixes,
        transport::{Service, client::blocking_io::Transport},
    },
};

/// How we introduce ourselves in the protocol.
pub(super) fn agent() -> (&'static str, Option<String>) {
    ("agent", Some(gix::protocol::agent(concat!("codeimport/", env!("CARGO_PKG_VERSION")))))
}

/// An open conversation. Ends itself politely when dropped.
pub(super) struct Session {
    pub(super) transport: SendFlushOnDrop<Box<dyn Transport + Send>>,
    pub(super) handshake: Handshake,
    pub(super) faults: FaultSlot,
}

impl Session {
    /// Says hello. Credentials are never asked for: there is nobody to ask.
    pub(super) fn open(transport: Box<dyn Transport + Send>, faults: FaultSlot) -> gix::Result<Self> {
        let mut transport = SendFlushOnDrop::new(transport, false);
        let handshake = gix::protocol::handshake(
            &mut transport.inner,
            Service::UploadPack,
            |_| Ok(None),
            Vec::new(),
            &mut Discard,
        )?;
        Ok(Self { transport, handshake, faults })
    }

    /// The server's object format, unless it is SHA-1.
    pub(super) fn foreign_object_format(&self) -> Option<String> {
        let format = self.handshake.capabilities.capability("object-format")?.value()?.to_str_lossy().into_owned();
        (format != "sha1").then_some(format)
    }

    /// Lists HEAD and the refs that the filter may take; an old server lists all it has.
    pub(super) fn list_refs(&mut self, filter: &RefFilter) -> gix::Result<Vec<Ref>> {
        if let Some(refs) = self.handshake.refs.take() {
            return Ok(refs);
        }
        let mut prefixes = RefPrefixes::new();
        prefixes.extend(std::iter::once(BString::from("HEAD")).chain(filter.include().into_iter().map(literal_prefix)));
        let command = LsRefsCommand::new(Some(prefixes), &self.handshake.capabilities, agent());
        command.invoke_blocking(&mut self.transport.inner, &mut Discard, false)
    }
}

/// The part of a pattern that a server can filter by.
fn literal_prefix(pattern: &str) -> BString {
    pattern.split('*').next().unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_asked_for_what_every_match_begins_with() {
        assert_eq!(literal_prefix("refs/heads/*"), "refs/heads/");
        assert_eq!(literal_prefix("refs/heads/rel-*-fix"), "refs/heads/rel-");
        assert_eq!(literal_prefix("refs/heads/main"), "refs/heads/main");
    }
}
