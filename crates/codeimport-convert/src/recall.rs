//! What was worked out lately, so that it need not be worked out again. Memory is bounded.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::mem::swap;

/// A map that forgets, in two halves: when the newer one is full, what nobody asked for since the last time is forgotten.
pub(crate) struct Recall<K, V> {
    newer: HashMap<K, V>,
    older: HashMap<K, V>,
    /// Entries of a half.
    half: usize,
}

impl<K: Eq + Hash, V: Copy> Recall<K, V> {
    /// One that remembers at least the `half` entries used last, and never more than twice as many.
    pub(crate) fn new(half: usize) -> Self {
        Self { newer: HashMap::new(), older: HashMap::new(), half }
    }

    /// What was put in for a key, unless that was long ago.
    pub(crate) fn get<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        if let Some(value) = self.newer.get(key) {
            return Some(*value);
        }
        let (key, value) = self.older.remove_entry(key)?;
        self.put(key, value);
        Some(value)
    }

    /// Puts in an entry.
    pub(crate) fn put(&mut self, key: K, value: V) {
        if self.newer.len() >= self.half {
            swap(&mut self.newer, &mut self.older);
            // Keeps the room that it has: it will need it again.
            self.newer.clear();
        }
        self.newer.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_remembered_and_the_rest_forgotten() {
        let mut recall = Recall::new(100);
        for n in 0..10_000 {
            recall.put(n, n + 1);
            assert_eq!(recall.get(&0), Some(1), "asked for all the time");
            assert_eq!(recall.get(&(n - n.min(40))), Some(n - n.min(40) + 1), "of late");
            assert!(recall.newer.len() + recall.older.len() <= 200);
        }
        assert_eq!(recall.get(&5_000), None);
    }
}
