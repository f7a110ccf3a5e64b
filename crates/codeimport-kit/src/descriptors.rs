//! The contract as data: what reflection describes, and which methods metrics know.

/// Everything that reflection can describe. Without `google.rpc`, clients cannot show our error details.
pub(crate) const DESCRIPTOR_SETS: [&[u8]; 5] = [
    codeimport_proto::FILE_DESCRIPTOR_SET,
    tonic_health::pb::FILE_DESCRIPTOR_SET,
    tonic_types::pb::FILE_DESCRIPTOR_SET,
    tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
    tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
];
