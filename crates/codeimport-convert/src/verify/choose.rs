//! Which commits are compared. Pure.

use crate::{MapEntry, ObjectId};
use std::collections::BTreeSet;

/// How much is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Every commit.
    All,
    /// The tips of all branches and tags, and this many others.
    Samples {
        /// How many others.
        count: usize,
        /// Chooses them: the same seed, the same ones.
        seed: u64,
    },
}

/// Indexes into the map, rising.
pub(super) fn choose(map: &[MapEntry], tips: &BTreeSet<ObjectId>, scope: Scope) -> Vec<usize> {
    let (count, mut seed) = match scope {
        Scope::All => return (0..map.len()).collect(),
        Scope::Samples { count, seed } => (count, seed),
    };
    let is_tip = |index: &usize| tips.contains(&map[*index].commit);
    let (tips, mut others): (Vec<_>, Vec<_>) = (0..map.len()).partition(is_tip);
    let mut chosen = tips;
    for _ in 0..count.min(others.len()) {
        let at = usize::try_from(next(&mut seed) % others.len() as u64).unwrap_or_default();
        chosen.push(others.swap_remove(at));
    }
    chosen.sort_unstable();
    chosen
}

/// SplitMix64 (Steele, Lea and Flood, 2014): enough to choose by.
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *seed;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tips_are_always_among_the_samples_and_none_is_there_twice() {
        let id = |n: usize| ObjectId::from_hex(format!("{n:040x}").as_bytes()).expect("hex");
        let entry = |n: usize| MapEntry { branch: b"trunk".to_vec(), revision: n.to_string(), commit: id(n) };
        let map: Vec<_> = (0..50).map(entry).collect();
        let tips = BTreeSet::from([id(7), id(49)]);
        for seed in 0..20 {
            let chosen = choose(&map, &tips, Scope::Samples { count: 5, seed });
            assert_eq!(chosen.len(), 7);
            assert!(chosen.is_sorted_by(|a, b| a < b) && chosen.contains(&7) && chosen.contains(&49), "{chosen:?}");
        }
        assert_eq!(choose(&map, &tips, Scope::Samples { count: 100, seed: 1 }).len(), 50);
        assert_eq!(choose(&map, &tips, Scope::All).len(), 50);
    }
}
