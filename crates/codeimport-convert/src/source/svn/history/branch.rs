//! Where the commits of a branch are: the first, the newest, and the segments that have those between. Pure.

use gix::ObjectId;

/// A branch that was there once, or is there still.
pub(super) struct Branch {
    /// Revision of its very first commit.
    pub(super) first: u64,
    /// Its newest commit, and the revision of that.
    pub(super) tip: (u64, ObjectId),
    /// Numbers of the full segments in which it has commits, rising: few, but for a trunk.
    segments: Vec<u32>,
}

impl Branch {
    /// With its first commit.
    pub(super) fn begin(first: (u64, ObjectId)) -> Self {
        Self { first: first.0, tip: first, segments: Vec::new() }
    }

    /// Notes that a full segment, the newest so far, has a commit of it.
    pub(super) fn is_in(&mut self, segment: u64) {
        // A segment has a thousand revisions, and Subversion counts them in 63 bits, of which nobody has used 42.
        let segment = u32::try_from(segment).unwrap_or(u32::MAX);
        if self.segments.last() != Some(&segment) {
            self.segments.push(segment);
        }
    }

    /// The segments that have commits of it, from one on, rising.
    pub(super) fn segments_from(&self, first: u64) -> impl Iterator<Item = u64> {
        let from = self.segments.partition_point(|segment| u64::from(*segment) < first);
        self.segments[from..].iter().copied().map(u64::from)
    }

    /// The segments below one that have commits of it, falling.
    pub(super) fn segments_before(&self, end: u64) -> impl Iterator<Item = u64> {
        let to = self.segments.partition_point(|segment| u64::from(*segment) < end);
        self.segments[..to].iter().rev().copied().map(u64::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_noted_once_and_found_from_either_end() {
        let mut branch = Branch::begin((7, ObjectId::null(gix::hash::Kind::Sha1)));
        [0, 0, 3, 3, 3, 9].iter().for_each(|segment| branch.is_in(*segment));
        assert_eq!(branch.segments_from(1).collect::<Vec<_>>(), [3, 9]);
        assert_eq!(branch.segments_from(3).collect::<Vec<_>>(), [3, 9]);
        assert_eq!(branch.segments_before(9).collect::<Vec<_>>(), [3, 0]);
        assert_eq!(branch.segments_before(0).count(), 0);
    }
}
