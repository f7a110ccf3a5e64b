//! The index of a pack, version 2 (Git's `gitformat-pack`).

use gix::ObjectId;
use sha1::{Digest as _, Sha1};

/// Where an object lies in a pack.
#[derive(Clone, Copy, Debug)]
pub(super) struct IndexEntry {
    pub(super) offset: u64,
    /// Over the entry's bytes as they are in the file.
    pub(super) crc32: u32,
}

/// Offsets from here on do not fit into 31 bits and stand in a table of their own.
const LARGE: u64 = 1 << 31;

/// The bytes of the index for a pack with these objects and this checksum.
pub(super) fn encode(mut entries: Vec<(ObjectId, IndexEntry)>, pack_checksum: [u8; 20]) -> Vec<u8> {
    entries.sort_unstable_by_key(|(id, _)| *id);
    let mut index = b"\xfftOc\0\0\0\x02".to_vec();
    index.reserve(256 * 4 + entries.len() * 28 + 40);
    for first_byte in 0..=u8::MAX {
        let up_to = entries.partition_point(|(id, _)| id.as_bytes()[0] <= first_byte);
        index.extend(number(up_to).to_be_bytes());
    }
    entries.iter().for_each(|(id, _)| index.extend(id.as_bytes()));
    entries.iter().for_each(|(_, entry)| index.extend(entry.crc32.to_be_bytes()));
    let mut large = Vec::new();
    for (_, entry) in &entries {
        let offset = match u32::try_from(entry.offset) {
            Ok(offset) if entry.offset < LARGE => offset,
            _ => {
                large.push(entry.offset);
                (1 << 31) | number(large.len() - 1)
            }
        };
        index.extend(offset.to_be_bytes());
    }
    large.iter().for_each(|offset| index.extend(offset.to_be_bytes()));
    index.extend(pack_checksum);
    let checksum: [u8; 20] = Sha1::digest(&index).into();
    index.extend(checksum);
    index
}

/// Counts of objects: the pack's header has 32 bits for them, so they fit.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
