//! A look at a repository without reading its history.

use super::names::DEFAULT_BRANCH;
use super::wire::{Position, Wire};
use crate::source::text::decode;
use crate::{ConvertError, Preview, Watch};
use codeimport_core::Stage;
use std::time::Duration;

/// Changesets per second: at best what `make bench-hg` shows (docs/benchmarks.md); a tenth of it from a server that is far away or has other
/// work.
const CHANGESETS_PER_SECOND: (u64, u64) = (2_300, 230);

/// Numbers asked for at a time.
const ASKED: u64 = 40;

/// What a repository says of itself.
pub(super) fn preview(wire: &Wire, watch: &Watch) -> Result<Preview, ConvertError> {
    let position = wire.position(Stage::Probe, watch)?;
    let count = if position.heads.is_empty() { 0 } else { count(wire, watch)? };
    let (best, worst) = CHANGESETS_PER_SECOND;
    let seconds = |rate| Duration::from_secs(count.div_ceil(rate));
    Ok(Preview {
        position: position.watermark().0,
        layout: format!("each named branch is a branch, {DEFAULT_BRANCH} the first"),
        branches: position.branches.iter().map(|(name, _)| decode(name)).collect(),
        revision_count: Some(count),
        odd: oddities(&position),
        estimated: Some(seconds(best)..=seconds(worst)),
        ..Preview::default()
    })
}

/// What may surprise.
fn oddities(position: &Position) -> Vec<String> {
    let many = position.branches.iter().filter(|(_, heads)| heads.len() > 1);
    let many: Vec<_> =
        many.map(|(name, heads)| format!("{} heads of the branch {}", heads.len(), decode(name))).collect();
    let bookmarks = position.bookmarks.keys().map(|name| format!("the bookmark {}", decode(name)));
    many.into_iter().chain(bookmarks).collect()
}

/// How many changesets there are: the smallest number that stands for none. Those that are not shown may lie before it.
fn count(wire: &Wire, watch: &Watch) -> Result<u64, ConvertError> {
    // There is one below `low`, and none at `high`.
    let (mut low, mut high) = (1, 1 << ASKED);
    let mut numbers: Vec<_> = (0..ASKED).map(|power| 1 << power).collect();
    loop {
        let found = wire.numbered(&numbers, Stage::Probe, watch)?;
        for (number, node) in numbers.iter().zip(found) {
            match node {
                Some(_) => low = low.max(number + 1),
                None => high = high.min(*number),
            }
        }
        if low >= high {
            return Ok(high);
        }
        let step = ((high - low) / ASKED).max(1);
        numbers = (0..ASKED).map(|n| low + n * step).filter(|number| *number < high).collect();
    }
}
