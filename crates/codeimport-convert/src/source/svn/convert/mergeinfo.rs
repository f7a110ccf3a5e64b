//! `svn:mergeinfo`: which revisions of which paths were merged into a directory. Pure.

use std::collections::BTreeMap;

/// Path (without slash in front) -> ranges of revisions, both ends included.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct MergeInfo(BTreeMap<Vec<u8>, Vec<(u64, u64)>>);

impl MergeInfo {
    /// Reads a property's value. Lines that cannot be read are passed over: a merge not noted costs a parent, no
    /// content. Ranges marked `*` (not inheritable: merged for the directory alone) are not taken for merges.
    pub(crate) fn parse(value: &[u8]) -> Self {
        let mut sources = BTreeMap::new();
        for line in value.split(|b| *b == b'\n') {
            let Some(colon) = line.iter().rposition(|b| *b == b':') else { continue };
            let path = line[..colon].strip_prefix(b"/").unwrap_or(&line[..colon]).to_vec();
            let ranges = String::from_utf8_lossy(&line[colon + 1..]);
            let ranges: Vec<_> = ranges.split(',').filter_map(|range| parse_range(range.trim())).collect();
            sources.insert(path, ranges);
        }
        Self(sources)
    }

    /// The paths that were merged from.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &[u8]> {
        self.0.keys().map(Vec::as_slice)
    }

    /// Whether a revision of a path was merged.
    pub(crate) fn contains(&self, path: &[u8], revision: u64) -> bool {
        let ranges = self.0.get(path).map_or(&[][..], Vec::as_slice);
        ranges.iter().any(|(first, last)| (*first..=*last).contains(&revision))
    }
}

fn parse_range(text: &str) -> Option<(u64, u64)> {
    match text.split_once('-') {
        Some((first, last)) => Some((first.parse().ok()?, last.parse().ok()?)),
        None => text.parse().ok().map(|revision| (revision, revision)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_and_the_rest_is_passed_over() {
        let info = MergeInfo::parse(b"/branches/a:3-5,9\n/odd:name:7\nno colon\n/branches/b:1-2*");
        assert!([3, 4, 5, 9].iter().all(|r| info.contains(b"branches/a", *r)) && !info.contains(b"branches/a", 6));
        assert!(info.contains(b"odd:name", 7));
        assert!(!info.contains(b"branches/b", 1), "not inheritable");
    }
}
