//! Objects used lately, so that the next delta's base and the next tree's parent need no disk.

use gix::ObjectId;
use gix::objs::Kind;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// An object in memory.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) kind: Kind,
    pub(super) content: Arc<[u8]>,
}

/// A cache bounded by bytes. What is asked for again survives one more round ("second chance"): nearly as good as
/// least-recently-used, without a list to relink at every read.
pub(super) struct Recent {
    objects: HashMap<ObjectId, (Object, bool)>,
    order: VecDeque<ObjectId>,
    bytes: usize,
    limit: usize,
}

/// What an entry costs besides its content.
const OVERHEAD: usize = 120;

impl Recent {
    pub(super) fn new(limit: usize) -> Self {
        Self { objects: HashMap::new(), order: VecDeque::new(), bytes: 0, limit }
    }

    pub(super) fn get(&mut self, id: &ObjectId) -> Option<Object> {
        let (object, used) = self.objects.get_mut(id)?;
        *used = true;
        Some(object.clone())
    }

    pub(super) fn put(&mut self, id: ObjectId, object: &Object) {
        let cost = object.content.len() + OVERHEAD;
        // One that would push out most others is not worth it.
        if cost > self.limit / 4 || self.objects.contains_key(&id) {
            return;
        }
        self.bytes += cost;
        self.objects.insert(id, (object.clone(), false));
        self.order.push_back(id);
        while self.bytes > self.limit {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        let Some(id) = self.order.pop_front() else { return };
        match self.objects.get_mut(&id) {
            Some((_, used)) if *used => {
                *used = false;
                self.order.push_back(id);
            }
            _ => {
                if let Some((object, _)) = self.objects.remove(&id) {
                    self.bytes -= object.content.len() + OVERHEAD;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_stays_within_the_limit_and_what_is_used_stays_longer() {
        let mut recent = Recent::new(10_000);
        let object = Object { kind: Kind::Blob, content: vec![0; 500].into() };
        let id = |n: u32| ObjectId::Sha1(std::array::from_fn(|i| n.to_be_bytes()[i % 4]));
        for n in 0..100 {
            recent.put(id(n), &object);
            assert!(recent.get(&id(0)).is_some(), "asked for all the time");
            assert!(recent.bytes <= 10_000);
        }
        assert!(recent.get(&id(1)).is_none());
    }
}
