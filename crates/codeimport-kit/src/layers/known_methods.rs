//! Which methods there are, from the descriptors. Paths come from outside: as a metric's label they would let
//! anybody grow our memory, so that only known ones become labels.

use crate::descriptors::DESCRIPTOR_SETS;
use prost::Message as _;
use prost_types::{FileDescriptorSet, MethodDescriptorProto};
use std::{collections::HashMap, sync::LazyLock};

/// The labels of a method in metrics.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct MethodLabels {
    /// `unary`, `server_stream`, `client_stream` or `bidi_stream`.
    pub(super) kind: &'static str,
    /// Full name of the service.
    pub(super) service: &'static str,
    /// Name of the method.
    pub(super) method: &'static str,
}

const UNKNOWN: MethodLabels = MethodLabels { kind: "unknown", service: "unknown", method: "unknown" };

static METHODS: LazyLock<HashMap<String, MethodLabels>> =
    LazyLock::new(|| DESCRIPTOR_SETS.iter().copied().flat_map(methods_of).collect());

/// The labels of the method that is called by this path (`/package.Service/Method`).
pub(super) fn labels_of(path: &str) -> MethodLabels {
    METHODS.get(path).copied().unwrap_or(UNKNOWN)
}

fn methods_of(encoded: &[u8]) -> Vec<(String, MethodLabels)> {
    let files = FileDescriptorSet::decode(encoded).unwrap_or_default().file;
    let mut found = Vec::new();
    for file in &files {
        for service in &file.service {
            let name = format!("{}.{}", file.package(), service.name());
            found.extend(service.method.iter().map(|method| entry(&name, method)));
        }
    }
    found
}

fn entry(service: &str, method: &MethodDescriptorProto) -> (String, MethodLabels) {
    let kind = match (method.client_streaming(), method.server_streaming()) {
        (false, false) => "unary",
        (false, true) => "server_stream",
        (true, false) => "client_stream",
        (true, true) => "bidi_stream",
    };
    // Leaked once per method of the contract: labels have to live as long as the process anyway.
    let labels = MethodLabels { kind, service: service.to_owned().leak(), method: method.name().to_owned().leak() };
    (format!("/{service}/{}", method.name()), labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_of_the_contract_are_known_with_their_kind() {
        let labels = labels_of("/codeimport.queue.v1.RunService/WatchRun");
        assert_eq!((labels.kind, labels.method), ("server_stream", "WatchRun"));
        assert_eq!(labels_of("/grpc.health.v1.Health/Check").kind, "unary");
    }

    #[test]
    fn made_up_paths_share_one_label() {
        assert_eq!(labels_of("/x.Y/Z"), UNKNOWN);
        assert_eq!(labels_of("/"), UNKNOWN);
    }
}
